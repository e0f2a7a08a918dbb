/* SPDX-License-Identifier: MIT */
/* What is counted is there, of every thread; each time is in its bucket. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base.h"
#include "figures.h"

#define THREADS 4
#define ROUNDS INT64_C(20000)

static struct figures now(void)
{
	struct figures figures;
	figures_get(&figures);
	return figures;
}

/* Each figure is a number of its own. */
static void apart(void **state)
{
	(void)state;
	for (unsigned i = 0; i < FIGURES; i++)
		figures_set(0, i, 1000 + i);
	figures_add(FIGURE_POLLS, ASKED_BROKEN, 1);
	figures_add(FIGURE_LOOKUPS, ASKED_ANSWERED, 1);
	struct figures figures = now();
	for (unsigned i = 0; i < FIGURES; i++) {
		bool added = i == FIGURE_POLLS + ASKED_BROKEN || i == FIGURE_LOOKUPS;
		assert_int_equal(figures.value[i], 1000 + i + added);
		figures_set(0, i, 0);
	}
	assert_int_equal(FIGURE_POLLS + ASKED_BROKEN + 1, FIGURE_LOOKUPS);
	assert_int_equal(FIGURE_WRONG_MS + WRONGS, FIGURES);
}

static void *count(void *arg)
{
	(void)arg;
	for (int i = 0; i < ROUNDS; i++) {
		figures_add(FIGURE_DOWNLOADED_BYTES, 0, 3);
		figures_add(FIGURE_LETTERS, 0, i % 2 == 0 ? 1 : -1);
		figures_time(TIMED_DOWNLOAD, 200);
	}
	return NULL;
}

static void threads(void **state)
{
	pthread_t thread[THREADS];
	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, count, NULL), 0);
	int64_t last = 0;
	while (last < 3 * ROUNDS) { /* it never goes back */
		int64_t bytes = now().value[FIGURE_DOWNLOADED_BYTES];
		assert_in_range(bytes, last, 3 * ROUNDS * THREADS);
		last = bytes;
	}
	for (int i = 0; i < THREADS; i++)
		(void)pthread_join(thread[i], NULL);
	struct figures figures = now();
	assert_int_equal(figures.value[FIGURE_DOWNLOADED_BYTES], 3 * ROUNDS * THREADS);
	assert_int_equal(figures.value[FIGURE_LETTERS], 0);
	assert_int_equal(figures.times[TIMED_DOWNLOAD].counts[1], ROUNDS * THREADS);
	assert_int_equal(figures.times[TIMED_DOWNLOAD].sum_ms, 200 * ROUNDS * THREADS);
}

static void buckets(void **state)
{
	(void)state;
	for (size_t i = 0; i < FIGURES_BUCKETS; i++) {
		int64_t limit_ms = figures_limits_ms[TIMED_POLL][i];
		if (i > 0)
			assert_true(limit_ms > figures_limits_ms[TIMED_POLL][i - 1]);
		figures_time(TIMED_POLL, limit_ms); /* still in it */
		figures_time(TIMED_POLL, limit_ms + 1); /* in the next */
	}
	figures_time(TIMED_POLL, -5); /* somebody has set the clock back */
	struct figures_times times = now().times[TIMED_POLL];
	assert_int_equal(times.counts[0], 2);
	for (size_t i = 1; i < FIGURES_BUCKETS; i++)
		assert_int_equal(times.counts[i], 2);
	assert_int_equal(times.counts[FIGURES_BUCKETS], 1);
	assert_true(times.sum_ms > 0);
}

static void last_minute(void **state)
{
	int64_t now_ms = clock_ms();
	(void)state;
	figures_poll(now_ms - 70000); /* too long ago */
	figures_poll(now_ms - 30000);
	figures_poll(now_ms - 30000);
	figures_poll(now_ms);
	assert_int_equal(now().polls_last_minute, 3);
	figures_poll(now_ms + 34000); /* the place of those of 30 s ago */
	assert_int_equal(now().polls_last_minute, 2);
}

static void key(void **state)
{
	(void)state;
	figures_key(KEY_UNPROVEN);
	assert_int_equal(now().value[FIGURE_KEY_MS], 0); /* nothing new */
	int64_t begun_ms = clock_ms();
	figures_key(KEY_REFUSED);
	int64_t since_ms = now().value[FIGURE_KEY_MS];
	assert_in_range(since_ms, begun_ms, clock_ms());
	figures_set(FIGURE_KEY_MS, 0, 7);
	figures_key(KEY_REFUSED);
	assert_int_equal(now().value[FIGURE_KEY_MS], 7);
	figures_key(KEY_ACCEPTED);
	assert_true(now().value[FIGURE_KEY_MS] >= since_ms);
	assert_int_equal(now().value[FIGURE_KEY], KEY_ACCEPTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(apart),
		cmocka_unit_test(threads),
		cmocka_unit_test(buckets),
		cmocka_unit_test(last_minute),
		cmocka_unit_test(key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
