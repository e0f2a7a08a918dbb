/* SPDX-License-Identifier: MIT */
/*
 * Values out of a provider's JSON. A gateway may send a number as text, a text as a number, null
 * for anything: what cannot be understood counts as not said.
 */
#include "provider_read.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BLANKS " \t\r\n"
#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD, where there was something else */

/* Up to here a double has every whole number. */
#define COUNT_MAX 9007199254740992.0

const cJSON *value_get(const cJSON *object, const char *key)
{
	const cJSON *item = NULL;

	if (cJSON_IsObject(object))
		item = cJSON_GetObjectItemCaseSensitive(object, key);
	return cJSON_IsNull(item) ? NULL : item;
}

static bool is_between(char c, unsigned char low, unsigned char high)
{
	return (unsigned char)c >= low && (unsigned char)c <= high;
}

/* The length of the UTF-8 character at s; 0 when it is none. Never looks past a NUL. */
static size_t character_length(const char *s)
{
	unsigned char c = (unsigned char)s[0];

	if (c < 0x80)
		return 1;
	if (c < 0xc2 || c > 0xf4)
		return 0;
	if (c < 0xe0)
		return is_between(s[1], 0x80, 0xbf) ? 2 : 0;
	if (c < 0xf0) {
		/* No over-long form, no half of a UTF-16 pair. */
		bool second = is_between(s[1], c == 0xe0 ? 0xa0 : 0x80, c == 0xed ? 0x9f : 0xbf);
		return second && is_between(s[2], 0x80, 0xbf) ? 3 : 0;
	}
	bool second = is_between(s[1], c == 0xf0 ? 0x90 : 0x80, c == 0xf4 ? 0x8f : 0xbf);
	return second && is_between(s[2], 0x80, 0xbf) && is_between(s[3], 0x80, 0xbf) ? 4 : 0;
}

void value_copy_text(const char *from, char *text, size_t size)
{
	size_t used = 0;

	while (*from != '\0') {
		size_t length = character_length(from);
		const char *character = length > 0 ? from : REPLACEMENT;
		size_t width = length > 0 ? length : 3;

		if (used + width >= size)
			break;
		memcpy(text + used, character, width);
		used += width;
		from += length > 0 ? length : 1;
	}
	text[used] = '\0';
}

bool value_copy(const cJSON *item, char *text, size_t size)
{
	if (cJSON_IsNumber(item)) {
		char number[32];
		(void)snprintf(number, sizeof(number), "%.15g", item->valuedouble);
		value_copy_text(number, text, size);
		return true;
	}
	if (!cJSON_IsString(item) || item->valuestring[strspn(item->valuestring, BLANKS)] == '\0')
		return false;
	value_copy_text(item->valuestring, text, size);
	return true;
}

/* As value_copy(), without the blanks around it. */
static bool copy_trimmed(const cJSON *item, char *text, size_t size)
{
	if (!value_copy(item, text, size))
		return false;
	if (cJSON_IsString(item))
		value_copy_text(item->valuestring + strspn(item->valuestring, BLANKS), text, size);
	size_t end = strlen(text);
	while (end > 0 && strchr(BLANKS, text[end - 1]) != NULL)
		end--;
	text[end] = '\0';
	return true;
}

bool value_is_url(const char *text)
{
	return strncasecmp(text, "https://", 8) == 0 || strncasecmp(text, "http://", 7) == 0;
}

/* A cut address, or one with a replaced byte, would be another address. */
bool value_copy_url(const cJSON *item, char url[URL_SIZE])
{
	if (!cJSON_IsString(item) || !value_is_url(item->valuestring))
		return false;
	if (strlen(item->valuestring) >= URL_SIZE || strstr(item->valuestring, REPLACEMENT) != NULL)
		return false;
	for (const char *s = item->valuestring; *s != '\0'; s += character_length(s))
		if (is_between(*s, 0, ' ') || *s == 0x7f || character_length(s) == 0)
			return false;
	value_copy_text(item->valuestring, url, URL_SIZE);
	return true;
}

/* A number from 0 to COUNT_MAX, also as text. */
static bool read_number(const cJSON *item, double *number)
{
	double value = -1;

	if (cJSON_IsNumber(item)) {
		value = item->valuedouble;
	} else {
		char text[WORD_SIZE];
		char *end = text;
		if (!copy_trimmed(item, text, sizeof(text)))
			return false;
		/* strtod() also knows nan, inf and 0x. */
		if (text[strspn(text, "0123456789.")] != '\0')
			return false;
		value = strtod(text, &end);
		if (end == text || *end != '\0')
			return false;
	}
	if (!isfinite(value) || value < 0 || value > COUNT_MAX)
		return false;
	*number = value;
	return true;
}

int64_t value_count(const cJSON *item, int64_t otherwise)
{
	double number = 0;

	return read_number(item, &number) ? (int64_t)number : otherwise;
}

double value_seconds(const cJSON *item)
{
	double number = -1;

	return read_number(item, &number) ? number : -1;
}

/* "42%" (04_wrapped_in_progress_42), "42.7 %", "-5%": digits, a fraction, percent signs. */
static bool read_percent(const cJSON *item, double *percent)
{
	char text[WORD_SIZE];

	if (!copy_trimmed(item, text, sizeof(text)))
		return false;
	const char *digits = text[0] == '-' ? text + 1 : text;
	size_t length = strspn(digits, "0123456789");
	const char *rest = digits + length;
	if (length == 0)
		return false;
	if (*rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");
	if (rest[strspn(rest, "% ")] != '\0')
		return false;
	*percent = strtod(text, NULL);
	return true;
}

int value_progress(const cJSON *item)
{
	double percent = 0;

	if (cJSON_IsNumber(item))
		percent = item->valuedouble;
	else if (!read_percent(item, &percent))
		return -1;
	if (isnan(percent))
		return -1;
	if (percent < 0)
		return 0;
	return percent < 100 ? (int)percent : 100;
}

/* Section 2 of the contract. pending is running: xAI says it until done (50_xai_pending). */
static const struct {
	const char *word;
	enum job_state state;
} words[] = {
	{ "not_start", JOB_QUEUED },
	{ "submitted", JOB_QUEUED },
	{ "queued", JOB_QUEUED },
	{ "queueing", JOB_QUEUED },
	{ "created", JOB_QUEUED },
	{ "preparing", JOB_QUEUED },
	{ "in_progress", JOB_RUNNING },
	{ "processing", JOB_RUNNING },
	{ "running", JOB_RUNNING },
	{ "pending", JOB_RUNNING },
	{ "success", JOB_DONE },
	{ "succeed", JOB_DONE },
	{ "succeeded", JOB_DONE },
	{ "completed", JOB_DONE },
	{ "complete", JOB_DONE },
	{ "done", JOB_DONE },
	{ "finished", JOB_DONE },
	{ "failure", JOB_FAILED },
	{ "failed", JOB_FAILED },
	{ "fail", JOB_FAILED },
	{ "error", JOB_FAILED },
	{ "cancelled", JOB_FAILED },
	{ "canceled", JOB_FAILED },
	{ "expired", JOB_EXPIRED },
};

struct word value_word(const cJSON *item)
{
	struct word result = { .said = false, .state = JOB_UNKNOWN };
	char text[WORD_SIZE];

	if (item == NULL || cJSON_IsNull(item))
		return result;
	/* An empty text is a gateway's null; a list or an object is a word that nobody knows. */
	result.said = !cJSON_IsString(item);
	if (!copy_trimmed(item, text, sizeof(text)))
		return result;
	result.said = true;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(text, words[i].word) == 0)
			result.state = words[i].state;
	return result;
}

bool value_mentions(const cJSON *item, const char *part)
{
	return cJSON_IsString(item) && strcasestr(item->valuestring, part) != NULL;
}

bool value_equals(const cJSON *item, const char *word)
{
	char text[WORD_SIZE];

	return copy_trimmed(item, text, sizeof(text)) && strcasecmp(text, word) == 0;
}
