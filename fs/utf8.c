/* SPDX-License-Identifier: MIT */
/* UTF-8, character by character. */
#include "base.h"

size_t utf8_next(const char *text, uint32_t *point)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	const unsigned char *s = (const unsigned char *)text;
	size_t more = *s >= 0xf0 ? 3 : *s >= 0xe0 ? 2 : *s >= 0xc0 ? 1 : 0;
	uint32_t value = more > 0 ? *s & (0x3fU >> more) : *s;
	size_t at = 1;

	for (; at <= more && (s[at] & 0xc0) == 0x80; at++)
		value = value << 6 | (s[at] & 0x3fU);
	bool whole = at > more && *s < 0xf8 && (more > 0 || *s < 0x80);
	bool allowed = value >= least[more] && value <= 0x10ffff && value >> 11 != 0x1b;
	*point = whole && allowed ? value : UTF8_REPLACEMENT;
	return at;
}

bool utf8_is_control(uint32_t point)
{
	return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0x61c ||
	       point == 0x200e || point == 0x200f || (point >= 0x2028 && point <= 0x202e) ||
	       (point >= 0x2066 && point <= 0x2069);
}
