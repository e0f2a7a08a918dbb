/* SPDX-License-Identifier: MIT */
/* JSON with an indent of two blanks, in a buffer that grows; strings from outside made harmless. */
#include "view_text.h"

#include "base.h"

#include <assert.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FIRST_ROOM 2048 /* most documents fit */
#define VALUE_SIZE 64 /* of a number or a time as text */
#define LAST_SECOND INT64_C(253402300799) /* of the year 9999, RFC 3339 goes no further */

static bool make_room(struct text *text, size_t more)
{
	size_t room = text->room > 0 ? text->room : FIRST_ROOM;
	if (text->failed)
		return false;
	if (text->room - text->length >= more)
		return true;
	if (text->fixed) {
		text->failed = true;
		return false;
	}
	while (room - text->length < more)
		room *= 2;
	char *bytes = realloc(text->bytes, room);
	if (bytes == NULL) {
		text->failed = true;
		return false;
	}
	text->bytes = bytes;
	text->room = room;
	return true;
}

void text_put_bytes(struct text *text, const char *bytes, size_t length)
{
	if (!make_room(text, length))
		return;
	memcpy(text->bytes + text->length, bytes, length);
	text->length += length;
}

void text_put(struct text *text, const char *string)
{
	text_put_bytes(text, string, strlen(string));
}

static void put_blanks(struct text *text, size_t count)
{
	if (!make_room(text, count))
		return;
	memset(text->bytes + text->length, ' ', count);
	text->length += count;
}

/* What could end or begin something in a page. */
static bool is_mark(uint32_t point)
{
	return point == '<' || point == '>' || point == '&';
}

static void put_escaped(struct text *text, uint32_t point)
{
	static const char named[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
	const char *at = point < 0x80 ? memchr(named, (int)point, sizeof(named) - 1) : NULL;
	char escape[16];

	if (at != NULL)
		(void)snprintf(escape, sizeof(escape), "\\%c", names[at - named]);
	else
		(void)snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)point);
	text_put(text, escape);
}

void text_quote(struct text *text, const char *string)
{
	uint32_t point;
	size_t length;

	text_put(text, "\"");
	for (; *string != '\0'; string += length) {
		length = utf8_next(string, &point);
		bool control = utf8_is_control(point);
		if (point == UTF8_REPLACEMENT || (text->plain && control))
			text_put(text, "\xef\xbf\xbd");
		else if (control || point == '"' || point == '\\' || (text->page && is_mark(point)))
			put_escaped(text, point);
		else
			text_put_bytes(text, string, length);
	}
	text_put(text, "\"");
}

static void put_line(struct text *text)
{
	text_put(text, "\n");
	put_blanks(text, (size_t)text->depth * 2);
}

static void put_key(struct text *text, const char *key)
{
	if (text->begun)
		text_put(text, ",");
	text->begun = true;
	put_line(text);
	text_quote(text, key);
	text_put(text, ": ");
}

void text_open(struct text *text, const char *key)
{
	if (key != NULL)
		put_key(text, key);
	text_put(text, "{");
	text->depth++;
	text->begun = false;
}

void text_close(struct text *text)
{
	text->depth--;
	put_line(text);
	text_put(text, "}");
	text->begun = true;
}

void text_member(struct text *text, const char *key, const char *value, int width)
{
	size_t length = strlen(value);
	put_key(text, key);
	if (text->wide && length < (size_t)width)
		put_blanks(text, (size_t)width - length);
	text_put_bytes(text, value, length);
}

void text_string(struct text *text, const char *key, const char *value)
{
	put_key(text, key);
	if (value != NULL)
		text_quote(text, value);
	else
		text_put(text, "null");
}

void text_number(struct text *text, const char *key, int64_t number, int width)
{
	char value[VALUE_SIZE] = "null";
	if (number >= 0)
		(void)snprintf(value, sizeof(value), "%" PRId64, number);
	text_member(text, key, value, width);
}

void text_time(struct text *text, const char *key, int64_t seconds, int width)
{
	char value[VALUE_SIZE] = "null";
	struct tm tm;
	time_t when = (time_t)seconds;

	if (seconds > 0 && seconds <= LAST_SECOND && gmtime_r(&when, &tm) != NULL) {
		size_t length = strftime(value, sizeof(value), "\"%Y-%m-%dT%H:%M:%SZ\"", &tm);
		assert(length == TEXT_TIME_WIDTH);
	}
	text_member(text, key, value, width);
}

char *text_end(struct text *text, size_t *length)
{
	text_put_bytes(text, "\n", 2);
	if (text->failed) {
		free(text->bytes);
		return NULL;
	}
	*length = text->length - 1;
	char *exact = realloc(text->bytes, text->length);
	if (exact != NULL)
		text->bytes = exact;
	return text->bytes;
}
