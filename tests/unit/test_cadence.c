/* SPDX-License-Identifier: MIT */
/* How long to wait: by age, by failures, and never in step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../fs/cadence.h"

#define DRAWS 200

static void assert_interval(int64_t age_ms, int64_t interval_ms, int64_t expected_ms)
{
	for (int i = 0; i < DRAWS; i++)
		assert_in_range(cadence_interval(age_ms, interval_ms), expected_ms * 9 / 10,
			expected_ms * 11 / 10);
}

static void a_job_is_asked_about_less_often_as_it_ages(void **state)
{
	(void)state;
	assert_interval(0, 5000, 5000);
	assert_interval(-86400000, 5000, 5000); /* the clock went back */
	assert_interval(119999, 5000, 5000);
	assert_interval(120000, 5000, 10000);
	assert_interval(600000, 5000, 30000);
	assert_interval(3600000, 5000, 300000);
	assert_interval(86400000, 5000, 1800000);
	assert_interval(INT64_MAX - 1, 5000, 1800000);
}

static void never_more_often_than_was_asked_for(void **state)
{
	(void)state;
	assert_interval(0, 60000, 60000);
	assert_interval(120000, 60000, 60000);
	assert_interval(3600000, 60000, 300000);
	assert_interval(0, 1, 1);
}

static void jobs_do_not_stay_in_step(void **state)
{
	(void)state;
	int64_t first = cadence_interval(0, 60000), other = first;
	for (int i = 0; i < DRAWS && other == first; i++)
		other = cadence_interval(0, 60000);
	assert_int_not_equal(other, first);
}

static void failures_back_off_to_a_minute(void **state)
{
	static const int64_t most_ms[] = { 2000, 2000, 4000, 8000, 16000, 32000, 60000, 60000 };
	(void)state;
	for (unsigned failures = 0; failures < 8; failures++) {
		int64_t longest = 0;
		for (int i = 0; i < DRAWS; i++) {
			int64_t ms = cadence_back_off(failures);
			assert_in_range(ms, 1, most_ms[failures]);
			longest = ms > longest ? ms : longest;
		}
		/* Of 200 draws one is above the half, but once in 2^200 runs. */
		assert_true(longest > most_ms[failures] / 2);
	}
	assert_in_range(cadence_back_off(UINT32_MAX), 1, 60000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_job_is_asked_about_less_often_as_it_ages),
		cmocka_unit_test(never_more_often_than_was_asked_for),
		cmocka_unit_test(jobs_do_not_stay_in_step),
		cmocka_unit_test(failures_back_off_to_a_minute),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
