/* SPDX-License-Identifier: MIT */
/* Pieces of a file: against a plain array of bytes that are there, and at the edges by hand. */
#include "extents.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

/* The pieces of a file whose every byte is 'x'. */
static uint32_t crc_of(int64_t bytes)
{
	uint32_t crc = 0;
	while (bytes-- > 0)
		crc = extents_crc(crc, "x", 1);
	return crc;
}

static int add(struct extents *extents, int64_t from, int64_t to)
{
	return extents_add(extents, from, to, crc_of(to - from));
}

/* What is synced is this, as its text says it, and has the right checksums. */
static void assert_pieces(const struct extents *extents, const char *expected)
{
	char text[EXTENTS_TEXT_SIZE], plain[EXTENTS_TEXT_SIZE] = "", full[EXTENTS_TEXT_SIZE] = "";
	size_t length = 0, full_length = 0;
	for (uint32_t i = 0; i < extents->count; i++) {
		const struct extent *one = &extents->at[i];
		long long from = one->from, to = one->synced;
		if (from == to)
			continue;
		assert_int_equal(one->synced_crc, crc_of(to - from));
		length += (size_t)snprintf(plain + length, sizeof(plain) - length, "%s%lld-%lld",
			length > 0 ? "," : "", from, to);
		full_length += (size_t)snprintf(full + full_length, sizeof(full) - full_length,
			"%s%lld-%lld:%08x", full_length > 0 ? "," : "", from, to, one->synced_crc);
	}
	assert_string_equal(plain, expected);
	extents_write(extents, text);
	assert_string_equal(text, full);
}

/* "from-to" with commas between, all of it synced. */
static struct extents pieces(const char *text)
{
	struct extents extents = { .count = 0 };
	char *end;
	for (; *text != '\0'; text = *end == ',' ? end + 1 : end) {
		int64_t from = strtoll(text, &end, 10);
		assert_int_equal(add(&extents, from, strtoll(end + 1, &end, 10)), 0);
	}
	extents_sync(&extents);
	return extents;
}

static void nothing(void **state)
{
	struct extents none = { .count = 0 };
	(void)state;
	assert_int_equal(extents_gap(&none, 0), 0);
	assert_int_equal(extents_gap(&none, 77), 77);
	assert_true(extents_next(&none, 0) == INT64_MAX);
	assert_int_equal(extents_bytes(&none), 0);
	assert_int_equal(extents_end(&none), 0);
	assert_pieces(&none, "");
	extents_clip(&none, 0, 10);
	extents_sync(&none);
	extents_keep_synced(&none);
	assert_int_equal(none.count, 0);
}

static void gaps_and_what_follows(void **state)
{
	const struct extents some = pieces("10-20,30-40");
	(void)state;
	assert_int_equal(extents_gap(&some, 0), 0);
	assert_int_equal(extents_gap(&some, 9), 9);
	assert_int_equal(extents_gap(&some, 10), 20);
	assert_int_equal(extents_gap(&some, 19), 20);
	assert_int_equal(extents_gap(&some, 20), 20);
	assert_int_equal(extents_gap(&some, 39), 40);
	assert_int_equal(extents_next(&some, 0), 10);
	assert_int_equal(extents_next(&some, 10), 10);
	assert_int_equal(extents_next(&some, 15), 15);
	assert_int_equal(extents_next(&some, 20), 30);
	assert_true(extents_next(&some, 40) == INT64_MAX);
	assert_int_equal(extents_bytes(&some), 20);
	assert_int_equal(extents_end(&some), 40);
}

/* But not where it would be forgotten what is on disk. */
static void what_touches_is_joined(void **state)
{
	struct extents some = pieces("10-20,30-40");
	(void)state;
	assert_int_equal(add(&some, 20, 25), 0);
	assert_int_equal(some.count, 2);
	assert_int_equal(add(&some, 25, 30), 0);
	assert_int_equal(some.count, 2);
	assert_int_equal(extents_gap(&some, 10), 40);
	assert_pieces(&some, "10-20,30-40");
	extents_sync(&some);
	assert_int_equal(some.count, 1);
	assert_pieces(&some, "10-40");
	assert_int_equal(add(&some, 5, 10), 0);
	assert_int_equal(some.count, 2);
	assert_int_equal(extents_gap(&some, 5), 40);
	assert_pieces(&some, "10-40");
	extents_keep_synced(&some);
	assert_int_equal(some.count, 1);
	assert_pieces(&some, "10-40");

	struct extents fresh = { .count = 0 };
	assert_int_equal(add(&fresh, 0, 10), 0);
	assert_int_equal(add(&fresh, 20, 30), 0);
	assert_int_equal(add(&fresh, 10, 20), 0);
	assert_int_equal(fresh.count, 1);
	extents_keep_synced(&fresh);
	assert_int_equal(fresh.count, 0);
}

static void no_more_than_there_is_room_for(void **state)
{
	struct extents full = { .count = 0 };
	(void)state;
	for (int i = 0; i < EXTENTS_MAX; i++)
		assert_int_equal(add(&full, 10 * i + 1, 10 * i + 5), 0);
	assert_int_equal(add(&full, 1000, 1001), -ENOSPC);
	assert_int_equal(add(&full, 9, 11), -ENOSPC);
	/* One that grows needs none. */
	assert_int_equal(add(&full, 5, 7), 0);
	assert_int_equal(full.count, EXTENTS_MAX);
	assert_int_equal(add(&full, 7, 11), 0);
	assert_int_equal(full.count, EXTENTS_MAX - 1);
	assert_int_equal(extents_gap(&full, 1), 15);
	assert_int_equal(add(&full, INT64_MAX - 1, INT64_MAX), 0);
}

/* A piece of which less is there has no checksum any more. */
static void clipping(void **state)
{
	struct extents some = pieces("10-20,30-40,50-60");
	(void)state;
	extents_clip(&some, 10, 60);
	assert_pieces(&some, "10-20,30-40,50-60");
	extents_clip(&some, 11, 60);
	assert_pieces(&some, "30-40,50-60");
	extents_clip(&some, 0, 59);
	assert_pieces(&some, "30-40");
	extents_clip(&some, 40, 50);
	assert_int_equal(some.count, 0);
}

static void a_piece_by_its_beginning(void **state)
{
	const struct extents some = pieces("10-20,30-40");
	(void)state;
	assert_ptr_equal(extents_at(&some, 10), &some.at[0]);
	assert_ptr_equal(extents_at(&some, 30), &some.at[1]);
	assert_null(extents_at(&some, 9));
	assert_null(extents_at(&some, 15));
	assert_null(extents_at(&some, 20));
	assert_null(extents_at(&some, 40));
}

static void texts_that_are_none_of_ours(void **state)
{
	static const char *const bad[] = { "1", "1-", "-1", "1-2", "1-2:", "1-1:0", "2-1:0",
		"1-2:0,", ",1-2:0", "1-2:0,2-3:0", "1-5:0,4-8:0", "9-10:0,1-2:0", "1-2:0;3-4:0",
		" 1-2:0", "1 -2:0", "+1-2:0", "1-2:g", "1-2:100000000", "1-2:-1", "1-2:0:0",
		"1-2-3:0", "x", "a-f:0", "1-99999999999999999999:0" };
	struct extents kept = pieces("7-8");
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (extents_read(&kept, bad[i]) != -EINVAL)
			fail_msg("taken: %s", bad[i]);
	}
	assert_pieces(&kept, "7-8");

	char many[EXTENTS_TEXT_SIZE * 2] = "";
	size_t length = 0;
	for (int i = 0; i <= EXTENTS_MAX; i++)
		length += (size_t)snprintf(many + length, sizeof(many) - length, "%s%d-%d:0",
			i > 0 ? "," : "", i * 3, i * 3 + 1);
	assert_int_equal(extents_read(&kept, many), -EINVAL);
	assert_int_equal(extents_read(&kept, "0-1:ffffffff,2-9223372036854775807:0"), 0);
	assert_int_equal(kept.at[0].crc, UINT32_MAX);
	assert_int_equal(extents_read(&kept, ""), 0);
	assert_int_equal(kept.count, 0);
}

/* The longest text that there can be has room. */
static void the_longest_text(void **state)
{
	struct extents far = { .count = EXTENTS_MAX }, again;
	(void)state;
	for (int i = 0; i < EXTENTS_MAX; i++) {
		far.at[i].from = INT64_MAX - 100 + INT64_C(2) * i;
		far.at[i].to = far.at[i].synced = far.at[i].from + 1;
		far.at[i].crc = far.at[i].synced_crc = UINT32_MAX;
	}
	char text[EXTENTS_TEXT_SIZE];
	extents_write(&far, text);
	assert_int_equal(extents_read(&again, text), 0);
	assert_memory_equal(&again, &far, sizeof(far));
}

#define BYTES 400

static void clip(struct extents *extents, bool *there, int64_t from, int64_t to)
{
	for (uint32_t i = 0; i < extents->count; i++) {
		const struct extent *piece = &extents->at[i];
		if (piece->from < from || piece->to > to)
			memset(there + piece->from, 0, (size_t)(piece->to - piece->from));
	}
	extents_clip(extents, from, to);
}

/* Whatever is added, clipped and synced: an array of bytes says the same. */
static void as_an_array_of_bytes_says(void **state)
{
	struct extents extents = { .count = 0 };
	bool there[BYTES + 1] = { false };
	uint32_t random = 12345;
	(void)state;
	for (int round = 0; round < 20000; round++) {
		random = random * 1664525 + 1013904223;
		int64_t from = (random >> 8) % BYTES, to = from + 1 + (random >> 20) % 20;
		if (to > BYTES)
			to = BYTES;
		if (round % 50 == 49) {
			clip(&extents, there, from / 4, BYTES - from / 4);
		} else if (extents_next(&extents, from) >= to && add(&extents, from, to) == 0) {
			memset(there + from, 1, (size_t)(to - from));
		}
		int64_t gap = from, next = from, bytes = 0;
		while (there[gap])
			gap++;
		while (next < BYTES && !there[next])
			next++;
		for (int i = 0; i < BYTES; i++)
			bytes += there[i];
		assert_int_equal(extents_gap(&extents, from), gap);
		assert_true(extents_next(&extents, from) == (next < BYTES ? next : INT64_MAX));
		assert_int_equal(extents_bytes(&extents), bytes);
		for (uint32_t i = 0; i < extents.count; i++)
			assert_int_equal(
				extents.at[i].crc, crc_of(extents.at[i].to - extents.at[i].from));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing),
		cmocka_unit_test(gaps_and_what_follows),
		cmocka_unit_test(what_touches_is_joined),
		cmocka_unit_test(no_more_than_there_is_room_for),
		cmocka_unit_test(clipping),
		cmocka_unit_test(a_piece_by_its_beginning),
		cmocka_unit_test(texts_that_are_none_of_ours),
		cmocka_unit_test(the_longest_text),
		cmocka_unit_test(as_an_array_of_bytes_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
