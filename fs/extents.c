/* SPDX-License-Identifier: MIT */
#include "extents.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* The first that ends behind byte `at`. */
static uint32_t place_of(const struct extents *extents, int64_t at)
{
	uint32_t i = 0;
	while (i < extents->count && extents->at[i].to <= at)
		i++;
	return i;
}

static void take_out(struct extents *extents, uint32_t i)
{
	extents->count--;
	memmove(&extents->at[i], &extents->at[i + 1],
		(extents->count - i) * sizeof(extents->at[0]));
}

static int put_in(struct extents *extents, uint32_t i, struct extent extent)
{
	if (extents->count == EXTENTS_MAX)
		return -ENOSPC;
	memmove(&extents->at[i + 1], &extents->at[i],
		(extents->count - i) * sizeof(extents->at[0]));
	extents->at[i] = extent;
	extents->count++;
	return 0;
}

static uint32_t combine(uint32_t left, uint32_t right, int64_t right_bytes)
{
	return (uint32_t)crc32_combine(left, right, right_bytes);
}

/* Where no account of what is synced is lost by it: else they stay apart until all of it is. */
static void join_with_next(struct extents *extents, uint32_t i)
{
	struct extent *left = &extents->at[i];
	const struct extent *right = &extents->at[i + 1];
	if (i + 1 >= extents->count || left->to < right->from)
		return;
	if (left->synced < left->to && right->synced > right->from)
		return;
	if (left->synced == left->to && right->synced > right->from) {
		left->synced_crc =
			combine(left->crc, right->synced_crc, right->synced - right->from);
		left->synced = right->synced;
	}
	left->crc = combine(left->crc, right->crc, right->to - right->from);
	left->to = right->to;
	take_out(extents, i + 1);
}

uint32_t extents_crc(uint32_t crc, const char *data, size_t length)
{
	return (uint32_t)crc32_z(crc, (const unsigned char *)data, length);
}

static void grow_at_end(struct extent *extent, int64_t to, uint32_t crc)
{
	extent->crc = combine(extent->crc, crc, to - extent->to);
	extent->to = to;
}

int extents_add(struct extents *extents, int64_t from, int64_t to, uint32_t crc)
{
	assert(0 <= from && from < to && extents_next(extents, from) >= to);
	struct extent added = { .from = from, .to = to, .synced = from, .crc = crc };
	uint32_t i = place_of(extents, from);
	int r = 0;
	/* One that grows needs no place of its own, also where there is none left. */
	if (i > 0 && extents->at[i - 1].to == from)
		grow_at_end(&extents->at[--i], to, crc);
	else
		r = put_in(extents, i, added);
	if (r == 0)
		join_with_next(extents, i);
	return r;
}

const struct extent *extents_at(const struct extents *extents, int64_t from)
{
	uint32_t i = place_of(extents, from);
	return i < extents->count && extents->at[i].from == from ? &extents->at[i] : NULL;
}

int64_t extents_gap(const struct extents *extents, int64_t at)
{
	for (uint32_t i = place_of(extents, at); i < extents->count; i++) {
		if (extents->at[i].from > at)
			break;
		at = extents->at[i].to;
	}
	return at;
}

int64_t extents_next(const struct extents *extents, int64_t at)
{
	uint32_t i = place_of(extents, at);
	if (i == extents->count)
		return INT64_MAX;
	return extents->at[i].from > at ? extents->at[i].from : at;
}

int64_t extents_bytes(const struct extents *extents)
{
	int64_t bytes = 0;
	for (uint32_t i = 0; i < extents->count; i++)
		bytes += extents->at[i].to - extents->at[i].from;
	return bytes;
}

int64_t extents_end(const struct extents *extents)
{
	return extents->count > 0 ? extents->at[extents->count - 1].to : 0;
}

void extents_clip(struct extents *extents, int64_t from, int64_t to)
{
	for (uint32_t i = extents->count; i-- > 0;) {
		if (extents->at[i].from < from || extents->at[i].to > to)
			take_out(extents, i);
	}
}

void extents_sync(struct extents *extents)
{
	for (uint32_t i = 0; i < extents->count; i++) {
		extents->at[i].synced = extents->at[i].to;
		extents->at[i].synced_crc = extents->at[i].crc;
	}
	for (uint32_t i = extents->count; i-- > 0;)
		join_with_next(extents, i);
}

void extents_keep_synced(struct extents *extents)
{
	for (uint32_t i = extents->count; i-- > 0;) {
		extents->at[i].to = extents->at[i].synced;
		extents->at[i].crc = extents->at[i].synced_crc;
		if (extents->at[i].from == extents->at[i].to)
			take_out(extents, i);
	}
}

void extents_write(const struct extents *extents, char text[EXTENTS_TEXT_SIZE])
{
	size_t length = 0;
	text[0] = '\0';
	for (uint32_t i = 0; i < extents->count; i++) {
		const struct extent *extent = &extents->at[i];
		if (extent->synced == extent->from)
			continue;
		length += (size_t)snprintf(text + length, EXTENTS_TEXT_SIZE - length,
			"%s%" PRId64 "-%" PRId64 ":%08" PRIx32, length > 0 ? "," : "", extent->from,
			extent->synced, extent->synced_crc);
		assert(length < EXTENTS_TEXT_SIZE);
	}
}

/* Digits, and what has to stand behind them; -1 when it is not so. */
static int64_t read_number(const char **text, int base, char behind)
{
	char *end;
	if (!isxdigit((unsigned char)**text))
		return -1;
	errno = 0;
	long long number = strtoll(*text, &end, base);
	if (errno != 0 || *end != behind)
		return -1;
	*text = behind != '\0' ? end + 1 : end;
	return number;
}

/* One piece, and the comma behind it, if there are more. */
static bool read_one(const char **text, struct extent *extent)
{
	extent->from = read_number(text, 10, '-');
	extent->to = extent->synced = extent->from < 0 ? -1 : read_number(text, 10, ':');
	if (extent->to <= extent->from)
		return false;
	int64_t crc = read_number(text, 16, strchr(*text, ',') != NULL ? ',' : '\0');
	extent->crc = extent->synced_crc = (uint32_t)crc;
	return 0 <= crc && crc <= UINT32_MAX;
}

int extents_read(struct extents *extents, const char *text)
{
	struct extents read = { .count = 0 };
	bool more = *text != '\0';
	int64_t last = -1;
	while (more) {
		struct extent one = { .from = 0 };
		if (!read_one(&text, &one) || one.from <= last || read.count == EXTENTS_MAX)
			return -EINVAL;
		read.at[read.count++] = one;
		last = one.to;
		more = text[-1] == ',';
	}
	*extents = read;
	return 0;
}
