/* SPDX-License-Identifier: MIT */
#include "extents.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* What of the two is synced without a gap counts. */
static void join_with_next(struct extents *extents, uint32_t i)
{
	struct extent *left = &extents->at[i];
	const struct extent *right = &extents->at[i + 1];
	if (i + 1 >= extents->count || left->to < right->from)
		return;
	if (left->synced == left->to)
		left->synced = right->synced;
	left->to = right->to;
	take_out(extents, i + 1);
}

int extents_add(struct extents *extents, int64_t from, int64_t to)
{
	assert(0 <= from && from < to && extents_next(extents, from) >= to);
	uint32_t i = place_of(extents, from);
	/* One that grows needs no place of its own, also where there is none left. */
	if (i > 0 && extents->at[i - 1].to == from) {
		extents->at[--i].to = to;
	} else if (i < extents->count && extents->at[i].from == to) {
		extents->at[i].from = extents->at[i].synced = from;
	} else {
		int r = put_in(
			extents, i, (struct extent){ .from = from, .to = to, .synced = from });
		if (r != 0)
			return r;
	}
	join_with_next(extents, i);
	return 0;
}

int64_t extents_gap(const struct extents *extents, int64_t at)
{
	uint32_t i = place_of(extents, at);
	return i < extents->count && extents->at[i].from <= at ? extents->at[i].to : at;
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
		struct extent *extent = &extents->at[i];
		if (extent->from < from)
			extent->from = from;
		if (extent->synced < extent->from)
			extent->synced = extent->from;
		if (extent->to > to)
			extent->to = to;
		if (extent->synced > extent->to)
			extent->synced = extent->to;
		if (extent->from >= extent->to)
			take_out(extents, i);
	}
}

void extents_sync(struct extents *extents)
{
	for (uint32_t i = 0; i < extents->count; i++)
		extents->at[i].synced = extents->at[i].to;
}

void extents_keep_synced(struct extents *extents)
{
	for (uint32_t i = extents->count; i-- > 0;) {
		extents->at[i].to = extents->at[i].synced;
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
			"%s%" PRId64 "-%" PRId64, length > 0 ? "," : "", extent->from,
			extent->synced);
		assert(length < EXTENTS_TEXT_SIZE);
	}
}

/* Digits, and what stands behind them; -1 when there are none, or too many. */
static int64_t read_number(const char **text, char behind)
{
	char *end;
	if (!isdigit((unsigned char)**text))
		return -1;
	errno = 0;
	long long number = strtoll(*text, &end, 10);
	if (errno != 0 || (*end != '\0' && (*end != behind || end[1] == '\0')))
		return -1;
	*text = *end != '\0' ? end + 1 : end;
	return number;
}

int extents_read(struct extents *extents, const char *text)
{
	struct extents read = { .count = 0 };
	int64_t last = -1;
	while (*text != '\0') {
		int64_t from = read_number(&text, '-');
		int64_t to = read_number(&text, ',');
		if (from <= last || to <= from || read.count == EXTENTS_MAX)
			return -EINVAL;
		read.at[read.count++] = (struct extent){ .from = from, .to = to, .synced = to };
		last = to;
	}
	*extents = read;
	return 0;
}
