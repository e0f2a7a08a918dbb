/* SPDX-License-Identifier: MIT */
/* A line of the log, whatever texts are in it: one line, valid, and cut at a whole character. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <cjson/cJSON.h>

#include "../../fs/log_line.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TIME_MS INT64_C(1773297015007) /* 2026-03-12T06:30:15.007Z */

static char line[4096];

static const char *text(const char *id, const char *message)
{
	const struct log_event event = { .level = LOG_LEVEL_INFO, .id = id, .message = message };
	size_t length = log_line_text(&event, line, sizeof(line));
	assert_int_equal(length, strlen(line));
	return line;
}

static const char *json(const char *id, const char *message)
{
	const struct log_event event = { .level = LOG_LEVEL_WARNING, .id = id, .message = message };
	size_t length = log_line_json(&event, TIME_MS, line, sizeof(line));
	assert_int_equal(length, strlen(line));
	return line;
}

static void text_has_the_id_first(void **state)
{
	(void)state;
	assert_string_equal(text("4b2c", "done"), "4b2c: done");
	assert_string_equal(text(NULL, "mounted at /mnt"), "mounted at /mnt");
	assert_string_equal(text(NULL, ""), "");
}

static void text_is_harmless(void **state)
{
	(void)state;
	assert_string_equal(text("a\nb", "c\r\n\x1b[2Jd\x7f"), "a?b: c???[2Jd?");
	assert_string_equal(text(NULL, "a\xc2\x9b"
				       "b\xe2\x80\xa8"
				       "c\xe2\x80\xae"
				       "d\xe2\x81\xa6"
				       "e\xe2\x80\x8f"
				       "f\xd8\x9c"),
		"a?b?c?d?e?f?");
	assert_string_equal(text(NULL, "\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x8e\xac \xef\xbf\xbd"),
		"\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x8e\xac \xef\xbf\xbd");
	/* A byte alone, a start without its rest, an over-long form, half of a UTF-16 pair. */
	assert_string_equal(text(NULL, "\x9b."), "\xef\xbf\xbd.");
	assert_string_equal(text(NULL, "\xc3"), "\xef\xbf\xbd");
	assert_string_equal(text(NULL, "\xc0\x8a."), "\xef\xbf\xbd.");
	assert_string_equal(text(NULL, "\xed\xa0\x80."), "\xef\xbf\xbd.");
}

static void json_in_full(void **state)
{
	(void)state;
	assert_string_equal(json("4b2c", "its video is lost: HTTP 403"),
		"{\"time\":\"2026-03-12T06:30:15.007Z\",\"level\":\"warning\",\"request_id\":\"4b2c\","
		"\"message\":\"its video is lost: HTTP 403\"}");
	assert_string_equal(json(NULL, ""),
		"{\"time\":\"2026-03-12T06:30:15.007Z\",\"level\":\"warning\",\"request_id\":null,"
		"\"message\":\"\"}");
}

static void json_is_escaped(void **state)
{
	(void)state;
	(void)json(NULL, "\"},\n{\"\\\x1b\xc2\x85\xe2\x80\xa9\xe2\x80\xae\xff\xc3\xa9");
	assert_non_null(strstr(line,
		"\"message\":\"\\\"},\\u000a{\\\"\\\\\\u001b\\u0085\\u2029\\u202e\xef\xbf\xbd\xc3\xa9\"}"));
}

static void each_level_has_its_word(void **state)
{
	static const char *const words[] = { "error", "warning", "info", "debug" };
	(void)state;
	for (int i = 0; i < 4; i++) {
		enum log_level level = LOG_LEVEL_DEBUG;
		assert_string_equal(log_line_level((enum log_level)i), words[i]);
		assert_true(log_level_find(words[i], &level));
		assert_int_equal(level, i);
	}
	enum log_level level = LOG_LEVEL_DEBUG;
	assert_false(log_level_find("Error", &level) || log_level_find("", &level));
}

static void assert_valid(const char *message)
{
	uint32_t point;
	const char *end = NULL;
	cJSON *object = cJSON_ParseWithOpts(line, &end, 1);
	if (object == NULL)
		fail_msg("no JSON: %s", line);
	assert_int_equal(cJSON_GetArraySize(object), 4);
	const cJSON *said = cJSON_GetObjectItemCaseSensitive(object, "message");
	assert_true(cJSON_IsString(said));
	assert_true(message[0] == '\0' || said->valuestring[0] != '\0');
	cJSON_Delete(object);
	for (const char *at = line; *at != '\0';) {
		size_t length = utf8_next(at, &point);
		assert_false(utf8_is_control(point));
		assert_true(point != UTF8_REPLACEMENT || memcmp(at, "\xef\xbf\xbd", 3) == 0);
		at += length;
	}
}

/* Always the same ones. */
static size_t random_below(size_t limit)
{
	static uint32_t random = 12345;
	random = random * 1664525 + 1013904223;
	return (random >> 8) % limit;
}

static void any_bytes_are_one_valid_object(void **state)
{
	static const char favourites[] =
		"\"\\\n\x1b\x7f\x80\xc2\x9b\xe2\x80\xa8\xf0\x9f\x8e\xac\xffx";
	char message[512];
	(void)state;
	for (int round = 0; round < 20000; round++) {
		size_t length = random_below(sizeof(message));
		for (size_t i = 0; i < length; i++)
			message[i] = favourites[random_below(sizeof(favourites) - 1)];
		message[length] = '\0';
		(void)json("id", message);
		assert_valid(message);
		(void)text("id", message);
		assert_null(strpbrk(line, "\n\r\x1b\x7f"));
	}
}

/* Characters of all lengths, and those that become longer, at every place that a cut can have. */
static void what_is_long_is_cut(void **state)
{
	static const char *const characters[] = { "x", "\xc3\xa9", "\xe6\x97\xa5",
		"\xf0\x9f\x8e\xac", "\n", "\"", "\xff" };
	static char message[8192];
	(void)state;
	for (size_t c = 0; c < COUNT(characters); c++) {
		for (size_t shift = 0; shift < 6; shift++) {
			size_t at = shift, size = strlen(characters[c]);
			memset(message, '.', shift);
			for (; at + size < sizeof(message); at += size)
				memcpy(message + at, characters[c], size);
			message[at] = '\0';
			assert_in_range(strlen(json("id", message)), 4096 - 8, 4095);
			assert_valid(message);
			assert_in_range(strlen(text("id", message)), 4096 - 5, 4095);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_has_the_id_first),
		cmocka_unit_test(text_is_harmless),
		cmocka_unit_test(json_in_full),
		cmocka_unit_test(json_is_escaped),
		cmocka_unit_test(each_level_has_its_word),
		cmocka_unit_test(any_bytes_are_one_valid_object),
		cmocka_unit_test(what_is_long_is_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
