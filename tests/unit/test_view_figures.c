/* SPDX-License-Identifier: MIT */
/* stats.json and metrics.prom, letter by letter, against tests/data/view/; their sizes never change. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "view.h"

#define TAKEN_MS INT64_C(1773297000000) /* 2026-03-12T06:30:00Z */
#define NOW_MS INT64_C(100000000)

typedef char *document(const struct view_figures *all, size_t *length);

/* Just mounted, at a provider that has not been asked yet. */
static struct view_figures fresh(void)
{
	return (struct view_figures){ .mountpoint = "/srv/videos",
		.provider = "comet",
		.poll_rate = 10,
		.downloads = 4,
		.store_size = 1000000000000,
		.store_free = 900000000000,
		.started_ms = TAKEN_MS - 1000,
		.taken_ms = TAKEN_MS,
		.figures = { .now_ms = NOW_MS } };
}

/* Each figure another number. */
static struct view_figures busy(void)
{
	struct view_figures all = fresh();
	int64_t *value = all.figures.value;
	for (int i = 0; i < FIGURE_DOWNLOADED_BYTES; i++)
		value[i] = 100 + i;
	all.store_max = 5000000000;
	value[FIGURE_DOWNLOADED_BYTES] = 123456789012;
	value[FIGURE_POLLS_IN_FLIGHT] = 3;
	value[FIGURE_POLLS_PLANNED] = 41;
	value[FIGURE_POLLS_PLANNED_URGENT] = 2;
	value[FIGURE_DOWNLOADS_BEGUN] = 60;
	value[FIGURE_DOWNLOADS_QUEUED] = 50;
	value[FIGURE_DOWNLOADS_ACTIVE] = 4;
	value[FIGURE_LETTERS] = 1;
	value[FIGURE_CHANGES] = 9;
	value[FIGURE_STORE_TAKEN] = 4987654321;
	value[FIGURE_KEY] = KEY_REFUSED;
	value[FIGURE_FAILURES] = 17;
	value[FIGURE_LAST_FAILURE] = ASKED_BAD_REQUEST;
	value[FIGURE_POLL_DUE_MS] = NOW_MS - 1500;
	value[FIGURE_HELD_UNTIL_MS] = NOW_MS + 42001;
	value[FIGURE_ACCEPTED_MS] = NOW_MS - 3600000;
	value[FIGURE_FAILED_MS] = NOW_MS - 2000;
	value[FIGURE_KEY_MS] = NOW_MS - 60000;
	value[FIGURE_WRONG_MS + WRONG_KEY] = NOW_MS - 60000;
	value[FIGURE_WRONG_MS + WRONG_PROVIDER] = NOW_MS - 12345;
	value[FIGURE_WRONG_MS + WRONG_CATALOG] = NOW_MS;
	all.figures.polls_last_minute = 587;
	for (int i = 0; i <= FIGURES_BUCKETS; i++) {
		all.figures.times[TIMED_POLL].counts[i] = (uint64_t)i + 1;
		all.figures.times[TIMED_DOWNLOAD].counts[i] = i == 3 ? 7 : 0;
	}
	all.figures.times[TIMED_POLL].sum_ms = 1234007;
	all.figures.times[TIMED_DOWNLOAD].sum_ms = 16100;
	for (unsigned i = 0; i < JOB_STATES; i++)
		all.jobs.jobs[i] = 10 + i;
	for (unsigned i = 0; i < VIDEO_STATES; i++)
		all.jobs.videos[i] = 20 + i;
	for (unsigned i = 0; i < ERROR_CODES; i++) {
		all.jobs.failed[i] = 30 + i;
		all.jobs.waiting[i] = 50 + i;
		all.jobs.lost[i] = 70 + i;
	}
	all.jobs.unanswered = 6;
	all.jobs.ready_bytes = 4000000000;
	all.jobs.part_bytes = 98765;
	all.jobs.waiters[WAITER_BYTES] = 12;
	all.jobs.waiters[WAITER_TICKET] = 1;
	all.jobs.waiters[WAITER_EVENT] = 5;
	return all;
}

/* As large as anything can be expected to get. */
static struct view_figures huge(void)
{
	struct view_figures all = busy();
	for (int i = 0; i < FIGURES; i++)
		all.figures.value[i] = INT64_C(999999999999);
	all.figures.value[FIGURE_DOWNLOADED_BYTES] = INT64_C(999999999999999);
	all.figures.value[FIGURE_STORE_TAKEN] = INT64_C(999999999999999);
	all.figures.value[FIGURE_KEY] = KEY_UNPROVEN;
	all.figures.value[FIGURE_LAST_FAILURE] = ASKED_UNREACHABLE;
	for (int i = FIGURE_POLL_DUE_MS; i < FIGURES; i++)
		all.figures.value[i] = 1; /* long ago */
	for (int i = 0; i < TIMED_KINDS; i++)
		all.figures.times[i].sum_ms = INT64_C(99999999999999);
	memset(&all.jobs, 0x7f, sizeof(all.jobs));
	all.jobs.ready_bytes = all.jobs.part_bytes = INT64_C(999999999999999);
	all.figures.polls_last_minute = 1000000;
	return all;
}

static char *read_file(const char *path)
{
	static char text[65536];
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	(void)fclose(file);
	return text;
}

static void assert_document(document *text_of, struct view_figures all, const char *path)
{
	size_t length = 0;
	char *text = text_of(&all, &length);
	assert_non_null(text);
	assert_int_equal(length, strlen(text));
	assert_string_equal(text, read_file(path));
	free(text);
}

static size_t size_of(document *text_of, struct view_figures all)
{
	size_t length = 0;
	char *text = text_of(&all, &length);
	assert_non_null(text);
	assert_true(text[length - 1] == '\n' && text[length - 2] != '\n');
	free(text);
	return length;
}

static void assert_has(document *text_of, struct view_figures all, const char *part)
{
	size_t length = 0;
	char *text = text_of(&all, &length);
	assert_non_null(text);
	if (strstr(text, part) == NULL)
		fail_msg("no %s in %s", part, text);
	free(text);
}

static void letter_by_letter(void **state)
{
	(void)state;
	assert_document(view_stats, fresh(), "tests/data/view/stats_fresh.json");
	assert_document(view_stats, busy(), "tests/data/view/stats_busy.json");
	assert_document(view_metrics, fresh(), "tests/data/view/fresh.prom");
	assert_document(view_metrics, busy(), "tests/data/view/busy.prom");
}

/* st_size is what a tool copies: it must be that of whatever is read a moment later. */
static void sizes(void **state)
{
	struct view_figures all = fresh();
	(void)state;
	all.store_max = 5000000000; /* an option, it does not change */
	assert_int_equal(size_of(view_stats, all), size_of(view_stats, busy()));
	assert_int_equal(size_of(view_stats, all), size_of(view_stats, huge()));
	assert_int_equal(size_of(view_metrics, all), size_of(view_metrics, busy()));
	assert_int_equal(size_of(view_metrics, all), size_of(view_metrics, huge()));
	all.store_size = all.store_free = -1; /* the store's disk does not answer */
	assert_int_equal(size_of(view_stats, all), size_of(view_stats, busy()));
	assert_int_equal(size_of(view_metrics, all), size_of(view_metrics, busy()));
}

static void provider_states(void **state)
{
	struct view_figures all = fresh();
	int64_t *value = all.figures.value;
	(void)state;
	assert_has(view_stats, all, "\"state\":        \"unknown\",\n    \"failing_since\"");
	value[FIGURE_ACCEPTED_MS] = NOW_MS;
	assert_has(view_stats, all, "\"state\":             \"ok\",\n    \"failing_since\"");
	value[FIGURE_WRONG_MS + WRONG_PROVIDER] = NOW_MS - 5000;
	assert_has(view_stats, all,
		"\"state\":        \"failing\",\n    \"failing_since\": \"2026-03-12T06:29:55Z\"");
	value[FIGURE_WRONG_MS + WRONG_PROVIDER] = 0;
	value[FIGURE_WRONG_MS + WRONG_BASE_URL] = NOW_MS - 7000;
	assert_has(view_stats, all,
		"\"state\":      \"wrong_url\",\n    \"failing_since\": \"2026-03-12T06:29:53Z\"");
}

/* What is over, or was never, is 0; what has begun this millisecond is not. */
static void moments(void **state)
{
	struct view_figures all = busy();
	int64_t *value = all.figures.value;
	(void)state;
	assert_has(view_metrics, all, "kind=\"catalog\"}            0.001\n");
	assert_has(view_metrics, all, "kind=\"base_url\"}            0.000\n");
	value[FIGURE_HELD_UNTIL_MS] = NOW_MS - 1;
	value[FIGURE_POLL_DUE_MS] = NOW_MS + 1;
	value[FIGURE_DOWNLOADS_BEGUN] = 1; /* of another moment than the queue */
	assert_has(view_stats, all,
		"\"late_s\":            0.000,\n    \"held_s\":            0.000,");
	assert_has(view_stats, all, "\"resting\":            0,");
}

static void no_limits(void **state)
{
	struct view_figures all = fresh();
	(void)state;
	all.poll_rate = 0;
	all.store_free = -1;
	assert_has(view_stats, all, "\"rate_limit\": null,");
	assert_has(view_stats, all, "\"max\": null,\n    \"free\":             null,");
	assert_has(view_metrics, all, "cometfs_poll_rate_limit{mountpoint=\"/srv/videos\"} +Inf\n");
	assert_has(view_metrics, all,
		"cometfs_store_max_bytes{mountpoint=\"/srv/videos\"}             +Inf\n");
	assert_has(view_metrics, all,
		"cometfs_store_free_bytes{mountpoint=\"/srv/videos\"}              NaN\n");
	all.poll_rate = 0.25;
	assert_has(view_stats, all, "\"rate_limit\": 0.25,");
}

/* A name that would break out of its quotes, or is no UTF-8. */
static void hostile_mountpoint(void **state)
{
	struct view_figures all = fresh();
	size_t length = 0;
	(void)state;
	all.mountpoint = "/a\"b\\c\nd\xff\x01\xc3\xa9";
	assert_has(view_metrics, all,
		"info{mountpoint=\"/a\\\"b\\\\c\xef\xbf\xbd"
		"d\xef\xbf\xbd\xef\xbf\xbd\xc3\xa9\",version");
	char *text = view_stats(&all, &length);
	cJSON *json = cJSON_Parse(text);
	assert_non_null(json);
	assert_string_equal(
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(json, "mountpoint")),
		"/a\"b\\c\nd\xef\xbf\xbd\x01\xc3\xa9");
	cJSON_Delete(json);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(letter_by_letter),
		cmocka_unit_test(sizes),
		cmocka_unit_test(provider_states),
		cmocka_unit_test(moments),
		cmocka_unit_test(no_limits),
		cmocka_unit_test(hostile_mountpoint),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
