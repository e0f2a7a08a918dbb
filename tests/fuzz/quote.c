/* SPDX-License-Identifier: MIT */
/* Every quotation mark is tried as the begin of a string: what is found may be none, but all are found. */
#include "quote.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define NONE UINT32_MAX

/* Four hexadecimal digits. */
static uint32_t read_unit(const char *at)
{
	char digits[5] = "";

	for (size_t i = 0; i < 4; i++) {
		if (!isxdigit((unsigned char)at[i]))
			return NONE;
		digits[i] = at[i];
	}
	return (uint32_t)strtoul(digits, NULL, 16);
}

/* Behind a backslash: the character meant, and in *length how long its name is. */
static uint32_t read_escape(const char *at, size_t *length)
{
	static const char names[] = "bfnrt\"\\/", named[] = "\b\f\n\r\t\"\\/";
	const char *name = *at != '\0' ? strchr(names, *at) : NULL;
	uint32_t high = *at == 'u' ? read_unit(at + 1) : NONE;

	*length = name != NULL ? 1 : 5;
	if (name != NULL)
		return (unsigned char)named[name - names];
	if (high == NONE || high >> 10 != 0x36)
		return high;
	*length = 11;
	uint32_t low = at[5] == '\\' && at[6] == 'u' ? read_unit(at + 7) : NONE;
	return low >> 10 == 0x37 ? 0x10000 + ((high & 0x3ff) << 10 | (low & 0x3ff)) : NONE;
}

static size_t encode(uint32_t point, char text[4])
{
	static const unsigned char first[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t length = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;

	for (size_t i = length - 1; i > 0; i--, point >>= 6)
		text[i] = (char)(0x80 | (point & 0x3f));
	text[0] = (char)(first[length] | point);
	return length;
}

/* at stands behind the opening mark. */
static bool is_string(const char *at, const char *text)
{
	char bytes[4];

	while (*at != '"' && *at != '\0') {
		size_t taken = 1, length = 1;
		bytes[0] = *at;
		if (*at == '\\') {
			uint32_t point = read_escape(at + 1, &taken);
			if (point == NONE || point == 0)
				return false;
			length = encode(point, bytes);
			taken++;
		}
		if (strncmp(text, bytes, length) != 0)
			return false;
		at += taken;
		text += length;
	}
	return *at == '"' && *text == '\0';
}

bool quote_is_in(const uint8_t *json, size_t length, const char *text)
{
	char *copy = length > 0 ? strndup((const char *)json, length) : NULL;
	const char *mark = copy != NULL ? strchr(copy, '"') : NULL;
	bool found = false;

	for (; mark != NULL && !found; mark = strchr(mark + 1, '"'))
		found = is_string(mark + 1, text);
	free(copy);
	return found;
}
