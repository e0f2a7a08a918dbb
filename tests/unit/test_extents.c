/* SPDX-License-Identifier: MIT */
/* Pieces of a file: against a plain array of bytes that are there, and at the edges by hand. */
#include "extents.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>

static void assert_text(const struct extents *extents, const char *expected)
{
	char text[EXTENTS_TEXT_SIZE];
	extents_write(extents, text);
	assert_string_equal(text, expected);
}

static struct extents from_text(const char *text)
{
	struct extents extents;
	assert_int_equal(extents_read(&extents, text), 0);
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
	assert_text(&none, "");
	extents_clip(&none, 0, 10);
	extents_sync(&none);
	extents_keep_synced(&none);
	assert_int_equal(none.count, 0);
}

static void gaps_and_what_follows(void **state)
{
	const struct extents some = from_text("10-20,30-40");
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

static void what_touches_is_joined(void **state)
{
	struct extents some = from_text("10-20,30-40");
	(void)state;
	assert_int_equal(extents_add(&some, 20, 25), 0);
	assert_int_equal(some.count, 2);
	assert_int_equal(extents_add(&some, 25, 30), 0);
	assert_int_equal(some.count, 1);
	assert_int_equal(extents_gap(&some, 10), 40);
	/* The piece in the middle was never synced, so what is behind it does not count. */
	assert_text(&some, "10-20");
	extents_sync(&some);
	assert_text(&some, "10-40");
	assert_int_equal(extents_add(&some, 5, 10), 0);
	assert_int_equal(some.count, 1);
	assert_text(&some, "");
	extents_keep_synced(&some);
	assert_int_equal(some.count, 0);
}

static void no_more_than_there_is_room_for(void **state)
{
	struct extents full = { .count = 0 };
	(void)state;
	for (int i = 0; i < EXTENTS_MAX; i++)
		assert_int_equal(extents_add(&full, 10 * i + 1, 10 * i + 5), 0);
	assert_int_equal(extents_add(&full, 1000, 1001), -ENOSPC);
	assert_int_equal(extents_add(&full, 5, 7), 0);
	assert_int_equal(extents_add(&full, 9, 11), 0);
	assert_int_equal(full.count, EXTENTS_MAX);
	assert_int_equal(extents_add(&full, 7, 9), 0);
	assert_int_equal(full.count, EXTENTS_MAX - 1);
	assert_int_equal(extents_add(&full, INT64_MAX - 1, INT64_MAX), 0);
}

static void clipping(void **state)
{
	struct extents some = from_text("10-20,30-40,50-60");
	(void)state;
	assert_int_equal(extents_add(&some, 60, 70), 0);
	extents_clip(&some, 15, 65);
	assert_text(&some, "15-20,30-40,50-60");
	assert_int_equal(extents_end(&some), 65);
	extents_clip(&some, 20, 55);
	assert_text(&some, "30-40,50-55");
	extents_clip(&some, 40, 50);
	assert_int_equal(some.count, 0);
}

static void texts_that_are_none_of_ours(void **state)
{
	static const char *const bad[] = { "1", "1-", "-1", "1-1", "2-1", "1-2,", ",1-2", "1-2,2-3",
		"1-5,4-8", "9-10,1-2", "1-2;3-4", " 1-2", "1 -2", "+1-2", "1-2-3", "x",
		"1-99999999999999999999" };
	struct extents kept = from_text("7-8");
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (extents_read(&kept, bad[i]) != -EINVAL)
			fail_msg("taken: %s", bad[i]);
	}
	assert_text(&kept, "7-8");

	char many[EXTENTS_TEXT_SIZE * 2] = "";
	size_t length = 0;
	for (int i = 0; i <= EXTENTS_MAX; i++)
		length += (size_t)snprintf(many + length, sizeof(many) - length, "%s%d-%d",
			i > 0 ? "," : "", i * 3, i * 3 + 1);
	assert_int_equal(extents_read(&kept, many), -EINVAL);
	assert_int_equal(extents_read(&kept, "0-1,2-9223372036854775807"), 0);
	assert_int_equal(extents_read(&kept, ""), 0);
	assert_int_equal(kept.count, 0);
}

/* The longest text that there can be has room. */
static void the_longest_text(void **state)
{
	struct extents far = { .count = EXTENTS_MAX };
	(void)state;
	for (int i = 0; i < EXTENTS_MAX; i++) {
		far.at[i].from = INT64_MAX - 100 + INT64_C(2) * i;
		far.at[i].to = far.at[i].synced = far.at[i].from + 1;
	}
	char text[EXTENTS_TEXT_SIZE];
	extents_write(&far, text);
	struct extents again = from_text(text);
	assert_memory_equal(&again, &far, sizeof(far));
}

#define BYTES 400

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
			extents_clip(&extents, from / 4, BYTES - from / 4);
			memset(there, 0, (size_t)(from / 4));
			memset(there + BYTES - from / 4, 0, (size_t)(from / 4));
		} else if (extents_next(&extents, from) >= to &&
			   extents_add(&extents, from, to) == 0) {
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
		cmocka_unit_test(texts_that_are_none_of_ours),
		cmocka_unit_test(the_longest_text),
		cmocka_unit_test(as_an_array_of_bytes_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
