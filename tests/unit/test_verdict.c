/* SPDX-License-Identifier: MIT */
/* verdict: each kind of report, and both sides of each limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "verdict.h"

#define OLD INT64_MAX
#define MANY 1000

static void check(const struct report *report, int64_t unknown_ms, unsigned no_url_polls,
	enum verdict_action action, enum error_code error)
{
	const struct verdict_past past = { .unknown_ms = unknown_ms, .no_url_polls = no_url_polls };
	struct verdict verdict = verdict_of(302, report, &past);

	assert_int_equal(verdict.action, action);
	assert_int_equal(verdict.error, error);
}

/* What does not depend on the job's age or on what came before. */
static void check_always(enum report_kind kind, enum verdict_action action)
{
	struct report report = { .kind = kind };

	check(&report, 0, 0, action, ERROR_NONE);
	check(&report, OLD, 0, action, ERROR_NONE);
	check(&report, 0, MANY, action, ERROR_NONE);
	check(&report, OLD, MANY, action, ERROR_NONE);
}

static void test_age_does_not_matter(void **state)
{
	(void)state;
	check_always(REPORT_JOB, VERDICT_ACCEPT);
	check_always(REPORT_AUTH, VERDICT_KEY);
	check_always(REPORT_QUOTA, VERDICT_KEY);
	check_always(REPORT_LIMITED, VERDICT_HOLD);
	check_always(REPORT_BUSY, VERDICT_AGAIN);
	check_always(REPORT_UNREADABLE, VERDICT_AGAIN);
	check_always(REPORT_CONFIG, VERDICT_CONFIG);
}

static void test_no_answer(void **state)
{
	(void)state;
	check(NULL, 0, 0, VERDICT_AGAIN, ERROR_NONE);
	check(NULL, OLD, MANY, VERDICT_AGAIN, ERROR_NONE);
}

/* A report of the job is accepted whatever it says: a failed job is no failed poll. */
static void test_states(void **state)
{
	struct report report = { .kind = REPORT_JOB };

	(void)state;
	for (int i = JOB_UNKNOWN; i <= JOB_EXPIRED; i++) {
		report.state = (enum job_state)i;
		report.error = report.state == JOB_FAILED ? ERROR_PROVIDER : ERROR_NONE;
		check(&report, OLD, MANY, VERDICT_ACCEPT, ERROR_NONE);
	}
}

static void check_grace(enum report_kind kind, enum error_code error)
{
	struct report report = { .kind = kind };

	check(&report, -1, MANY, VERDICT_AGAIN, ERROR_NONE); /* the clock was set back */
	check(&report, 0, MANY, VERDICT_AGAIN, ERROR_NONE);
	check(&report, VERDICT_GRACE_MS - 1, MANY, VERDICT_AGAIN, ERROR_NONE);
	check(&report, VERDICT_GRACE_MS, 0, VERDICT_FAIL, error);
	check(&report, OLD, 0, VERDICT_FAIL, error);
}

static void test_grace(void **state)
{
	(void)state;
	check_grace(REPORT_NOT_FOUND, ERROR_NOT_FOUND);
	check_grace(REPORT_BAD_REQUEST, ERROR_BAD_REQUEST);
}

static void check_doubt(int http_status, enum report_kind kind)
{
	const struct report report = { .kind = kind };
	struct verdict_past past = { .unknown_ms = OLD };

	for (; past.doubts < 4; past.doubts++)
		assert_int_equal(verdict_of(http_status, &report, &past).action, VERDICT_DOUBT);
	assert_int_equal(verdict_of(http_status, &report, &past).action, VERDICT_CONFIG);
	past.doubts = MANY;
	assert_int_equal(verdict_of(http_status, &report, &past).action, VERDICT_CONFIG);
}

/* A page with status 200, and 5xx answers that speak of the set-up: the fifth in a row counts. */
static void test_doubts(void **state)
{
	const struct report unreadable = { .kind = REPORT_UNREADABLE };
	const struct verdict_past past = { .doubts = MANY };

	(void)state;
	check_doubt(200, REPORT_UNREADABLE);
	check_doubt(404, REPORT_UNREADABLE);
	check_doubt(500, REPORT_CONFIG);
	check_doubt(501, REPORT_CONFIG);
	assert_int_equal(verdict_of(204, &unreadable, &past).action, VERDICT_AGAIN);
}

/* The first such answer and five more: the sixth ends the job. */
static void test_no_url(void **state)
{
	struct report report = { .kind = REPORT_NO_URL };

	(void)state;
	for (unsigned before = 0; before < 5; before++)
		check(&report, OLD, before, VERDICT_AGAIN, ERROR_NONE);
	check(&report, 0, 5, VERDICT_FAIL, ERROR_NO_URL);
	check(&report, 0, MANY, VERDICT_FAIL, ERROR_NO_URL);
}

/* Done by the gateway's word, running by the provider's: shown as that, but not for ever. */
static void test_no_url_running(void **state)
{
	struct report report = { .kind = REPORT_NO_URL, .state = JOB_RUNNING };

	(void)state;
	for (unsigned before = 0; before < 5; before++)
		check(&report, OLD, before, VERDICT_ACCEPT, ERROR_NONE);
	check(&report, 0, 5, VERDICT_FAIL, ERROR_NO_URL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_age_does_not_matter),
		cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_grace),
		cmocka_unit_test(test_doubts),
		cmocka_unit_test(test_no_url),
		cmocka_unit_test(test_no_url_running),
	};

	return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
