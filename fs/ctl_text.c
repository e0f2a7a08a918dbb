/* SPDX-License-Identifier: MIT */
/*
 * Texts for a terminal. What comes from outside is UTF-8; nothing of it may move the cursor, change
 * the direction of writing, or take more room than was counted.
 */
#include "ctl.h"

#include "base.h"

#include <assert.h>
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define STACKED 3 /* so many marks may stand above a character */
#define UTF8_SIZE 4

static bool utf8; /* set once: the terminal's characters, by the locale */

void ctl_text_start(void)
{
	utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* What does so, or cannot be seen at all. */
static bool is_steering(uint32_t point)
{
	return utf8_is_control(point) || point == 0xad || (point >= 0x200b && point <= 0x200d) ||
	       (point >= 0x2060 && point <= 0x206f) || (point >= 0xfe00 && point <= 0xfe0f) ||
	       point == 0xfeff || (point >= 0xfff9 && point <= 0xfffb) || point >= 0xe0000;
}

/* The character that may be shown for it, and its columns. */
static uint32_t make_harmless(uint32_t point, int *columns, int *stacked)
{
	*columns = 1;
	if (point == '\n' || point == '\t' || point == '\r')
		return ' ';
	if (is_steering(point) || (point >= 0x80 && !utf8))
		return '?';
	int width = point < 0x80 ? 1 : wcwidth((wchar_t)point);
	if (width < 0 || (width == 0 && ++*stacked > STACKED))
		return '?';
	if (width > 0)
		*stacked = 0;
	*columns = width;
	return point;
}

/* At most 4 bytes; returns how many. */
static size_t encode(char to[UTF8_SIZE], uint32_t point)
{
	if (point < 0x80) {
		to[0] = (char)point;
		return 1;
	}
	size_t more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
	to[0] = (char)(0xff00U >> (more + 1) | point >> 6 * more);
	for (size_t i = 1; i <= more; i++)
		to[i] = (char)(0x80 | (point >> 6 * (more - i) & 0x3f));
	return more + 1;
}

/* Where a text is, and how far it may go. */
struct fit {
	size_t end; /* bytes written */
	int columns;
	size_t cut_end; /* the same, of as much as leaves room for an ellipsis */
	int cut_columns;
};

int ctl_text_fit(char *to, size_t size, const char *from, int columns)
{
	const char *dots = utf8 ? "\xe2\x80\xa6" : "~";
	struct fit fit = { 0 };
	int width, stacked = STACKED; /* a mark in front would stand on what is not ours */
	uint32_t point;
	bool cut = false;
	assert(size > UTF8_SIZE);
	while (*from != '\0' && !cut) {
		char bytes[UTF8_SIZE];
		size_t length = utf8_next(from, &point);
		size_t count = encode(bytes, make_harmless(point, &width, &stacked));
		cut = width > columns - fit.columns || fit.end + count + UTF8_SIZE > size;
		if (cut)
			break;
		memcpy(to + fit.end, bytes, count);
		fit.end += count;
		fit.columns += width;
		from += length;
		if (fit.columns < columns) {
			fit.cut_end = fit.end;
			fit.cut_columns = fit.columns;
		}
	}
	if (cut && columns > 0) {
		fit.end = fit.cut_end + strlen(dots);
		fit.columns = fit.cut_columns + 1;
		memcpy(to + fit.cut_end, dots, strlen(dots));
	}
	to[fit.end] = '\0';
	return fit.columns;
}

int ctl_text_columns(const char *text)
{
	int columns = 0, width, stacked = 0;
	uint32_t point;
	for (; *text != '\0'; columns += width) {
		text += utf8_next(text, &point);
		(void)make_harmless(point, &width, &stacked);
	}
	return columns;
}

/* ---- numbers -------------------------------------------------------------------------------------- */

/* Three digits at most, rounded down: what is not all there must not look so. */
void ctl_text_bytes(char to[CTL_WORD_SIZE], int64_t bytes)
{
	static const char units[] = "\0KMGTPE";
	unsigned unit = 0;
	int64_t tenths = bytes * 10;
	if (bytes < 0) {
		(void)snprintf(to, CTL_WORD_SIZE, "-");
		return;
	}
	if (bytes >= 1024)
		tenths = bytes / 1024 * 10 + bytes % 1024 * 10 / 1024, unit = 1;
	for (; tenths >= 10240; unit++)
		tenths /= 1024;
	if (unit == 0 || tenths >= 100)
		(void)snprintf(to, CTL_WORD_SIZE, "%d%.1s", (int)(tenths / 10), &units[unit]);
	else
		(void)snprintf(to, CTL_WORD_SIZE, "%d.%d%.1s", (int)(tenths / 10),
			(int)(tenths % 10), &units[unit]);
}

void ctl_text_age(char to[CTL_WORD_SIZE], int64_t seconds)
{
	static const struct {
		int64_t seconds;
		char unit;
	} units[] = { { INT64_C(365) * 86400, 'y' }, { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' },
		{ 1, 's' } };
	size_t i = 0;
	if (seconds < 0)
		seconds = 0; /* a clock was set back */
	while (i < 4 && seconds < units[i].seconds)
		i++;
	(void)snprintf(to, CTL_WORD_SIZE, "%lld%c", (long long)(seconds / units[i].seconds),
		units[i].unit);
}

void ctl_text_clock(char to[CTL_WORD_SIZE], int64_t seconds)
{
	long long all = seconds > 0 ? seconds : 0;
	if (all >= INT64_C(100) * 3600)
		ctl_text_age(to, all);
	else if (all >= 3600)
		(void)snprintf(to, CTL_WORD_SIZE, "%lld:%02lld:%02lld", all / 3600, all / 60 % 60,
			all % 60);
	else
		(void)snprintf(to, CTL_WORD_SIZE, "%lld:%02lld", all / 60, all % 60);
}

/* To the tick, but without zeros that say nothing: two digits at least. */
void ctl_text_cost(char to[CTL_WORD_SIZE], double usd)
{
	int length = snprintf(to, CTL_WORD_SIZE, usd >= 0 && usd < 1e9 ? "$%.10f" : "-", usd);
	const char *point = strpbrk(to, ".,");
	if (point == NULL)
		return;
	while (to[length - 1] == '0' && to + length - 3 > point)
		to[--length] = '\0';
}

/* ---- bars ----------------------------------------------------------------------------------------- */

static void put(char *to, size_t size, size_t *end, const char *word)
{
	size_t length = strlen(word);
	if (*end + length + 1 > size)
		return;
	memcpy(to + *end, word, length + 1);
	*end += length;
}

void ctl_text_bar(char *to, size_t size, int columns, int64_t part, int64_t whole)
{
	static const char *const eighths[] = { "", "\xe2\x96\x8f", "\xe2\x96\x8e", "\xe2\x96\x8d",
		"\xe2\x96\x8c", "\xe2\x96\x8b", "\xe2\x96\x8a", "\xe2\x96\x89" };
	size_t end = 0;
	int cells = columns - 2, at = 0;
	double full = whole > 0 && part > 0 ? (double)part / (double)whole : 0;
	int steps = (int)((full < 1 ? full : 1) * cells * 8);
	to[0] = '\0';
	if (cells < 1)
		return;
	put(to, size, &end, utf8 ? "\xe2\x96\x95" : "[");
	for (; at < steps / 8; at++)
		put(to, size, &end, utf8 ? "\xe2\x96\x88" : "#");
	if (utf8 && at < cells && steps % 8 > 0) {
		put(to, size, &end, eighths[steps % 8]);
		at++;
	}
	for (; at < cells; at++)
		put(to, size, &end, part < 0 ? "." : " ");
	put(to, size, &end, utf8 ? "\xe2\x96\x8f" : "]");
}
