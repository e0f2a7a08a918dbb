/* SPDX-License-Identifier: MIT */
/* The JSON writer: strings from outside, and a text larger than its first room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "../../fs/view_text.h"

/* {"s": string} as text. */
static char *document_of(const char *string)
{
	struct text text = { 0 };
	size_t length = 0;
	text_open(&text, NULL);
	text_string(&text, "s", string);
	text_close(&text);
	char *bytes = text_end(&text, &length);
	assert_non_null(bytes);
	assert_int_equal(strlen(bytes), length);
	return bytes;
}

/* What a JSON reader gets. */
static void assert_read_back(const char *string, const char *expected)
{
	char *bytes = document_of(string);
	cJSON *json = cJSON_Parse(bytes);
	const cJSON *s = cJSON_GetObjectItemCaseSensitive(json, "s");
	assert_string_equal(cJSON_GetStringValue(s), expected);
	cJSON_Delete(json);
	free(bytes);
}

static void form(void **state)
{
	(void)state;
	struct text text = { .wide = true };
	size_t length = 0;
	text_open(&text, NULL);
	text_member(&text, "a", "12", 4);
	text_open(&text, "b");
	text_string(&text, "c", NULL);
	text_close(&text);
	text_member(&text, "d", "12345", 4);
	text_close(&text);
	char *bytes = text_end(&text, &length);
	assert_string_equal(bytes, "{\n"
				   "  \"a\":   12,\n"
				   "  \"b\": {\n"
				   "    \"c\": null\n"
				   "  },\n"
				   "  \"d\": 12345\n"
				   "}\n");
	assert_int_equal(length, strlen(bytes));
	free(bytes);
}

static void control_characters(void **state)
{
	(void)state;
	char all[0x80];
	for (int c = 1; c < 0x80; c++)
		all[c - 1] = (char)c;
	all[0x7f] = '\0';
	assert_read_back(all, all);
	char *bytes = document_of(all);
	for (const char *c = bytes; *c != '\0'; c++)
		assert_true(*c == '\n' || (*c >= ' ' && *c < 0x7f));
	free(bytes);
}

static void escapes(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "\"\\/\b\f\n\r\t", "\\\"\\\\/\\b\\f\\n\\r\\t" },
		{ "\x1f \x7f\xc2\x80\xc2\x9f", "\\u001f \\u007f\\u0080\\u009f" },
		{ "\xc2\xa0\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xae\xe2\x80\xaf",
			"\xc2\xa0\xe2\x80\xa7\\u2028\\u2029\\u202e\xe2\x80\xaf" },
		{ "", "" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *bytes = document_of(cases[i][0]);
		size_t length = strlen(cases[i][1]);
		assert_memory_equal(bytes, "{\n  \"s\": \"", 10);
		assert_memory_equal(bytes + 10, cases[i][1], length);
		assert_string_equal(bytes + 10 + length, "\"\n}\n");
		free(bytes);
	}
}

/* Each between two letters: what is none becomes one U+FFFD, and takes no neighbour with it. */
static void not_utf8(void **state)
{
	(void)state;
	static const char *const wrong[] = {
		"a\377z",
		"a\x80z",
		"a\xbfz",
		"a\xc3z",
		"a\xc0\xafz",
		"a\xc1\xbfz",
		"a\xe0\x80\xafz",
		"a\xe2\x82z",
		"a\xed\xa0\x80z",
		"a\xed\xbf\xbfz",
		"a\xf0\x8f\xbf\xbfz",
		"a\xf0\x9f\x8ez",
		"a\xf4\x90\x80\x80z",
		"a\xf8\x90\x80\x80z",
	};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_read_back(wrong[i], "a\xef\xbf\xbdz");
	assert_read_back("a\xf0", "a\xef\xbf\xbd");
	assert_read_back("a\xf0\x9f\x8e", "a\xef\xbf\xbd");
}

static void utf8(void **state)
{
	(void)state;
	static const char *const right[] = {
		"\xc2\x80",
		"\xdf\xbf",
		"\xe0\xa0\x80",
		"\xed\x9f\xbf",
		"\xee\x80\x80",
		"\xef\xbf\xbd",
		"\xef\xbf\xbf",
		"\xf0\x90\x80\x80",
		"\xf4\x8f\xbf\xbf",
	};
	for (size_t i = 0; i < sizeof(right) / sizeof(right[0]); i++)
		assert_read_back(right[i], right[i]);
}

/* All lengths around the first room and its doubles. */
static void growth(void **state)
{
	(void)state;
	static char string[8200];
	for (size_t length = 2000; length < sizeof(string) - 1; length++) {
		if (length == 2100)
			length = 4000;
		if (length == 4150)
			length = 8100;
		memset(string, 'x', length);
		char *bytes = document_of(string);
		assert_int_equal(strlen(bytes), length + 14);
		free(bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(form),
		cmocka_unit_test(control_characters),
		cmocka_unit_test(escapes),
		cmocka_unit_test(not_utf8),
		cmocka_unit_test(utf8),
		cmocka_unit_test(growth),
	};
	return cmocka_run_group_tests_name("view_text", tests, NULL, NULL);
}
