/* SPDX-License-Identifier: MIT */
/* Inputs cut into texts, texts that have to be UTF-8, and a table of jobs. */
#include "fuzz.h"

#include "job.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

char *fuzz_next(const uint8_t **data, size_t *size, char end)
{
	if (*size == 0)
		return NULL;
	const uint8_t *found = memchr(*data, end, *size);
	size_t length = found != NULL ? (size_t)(found - *data) : *size;
	size_t step = found != NULL ? length + 1 : length;
	char *text = strndup((const char *)*data, length);

	assert(text != NULL);
	*data += step;
	*size -= step;
	return text;
}

/* The length of the character at s, by the table of RFC 3629; 0 when it is none. */
static size_t character(const unsigned char *s)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t length = *s < 0x80       ? 1
			: *s >> 5 == 6  ? 2
			: *s >> 4 == 14 ? 3
			: *s >> 3 == 30 ? 4
					: 0;
	uint32_t point = length > 1 ? *s & (0x7fU >> length) : *s;

	for (size_t i = 1; i < length; i++) {
		if (s[i] >> 6 != 2)
			return 0;
		point = point << 6 | (s[i] & 0x3fU);
	}
	bool surrogate = point >= 0xd800 && point <= 0xdfff;
	return point >= least[length] && point <= 0x10ffff && !surrogate ? length : 0;
}

void fuzz_check_text(const char *text, size_t size)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t length = 0;

	assert(memchr(text, '\0', size) != NULL);
	for (; *s != '\0'; s += length) {
		length = character(s);
		assert(length > 0);
	}
}

void fuzz_job_table(void)
{
	static bool open;
	int r = open ? 0 : job_table_open();

	assert(r == 0);
	open = true;
}
