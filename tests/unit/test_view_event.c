/* SPDX-License-Identifier: MIT */
/* Events as lines: each kind of them, to the letter, and none that is no JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "view.h"

#define WHEN_MS INT64_C(1773297000999) /* as below, and nearly a second more */
#define TIME "2026-03-12T06:30:00Z"

static struct job_event event_of(enum job_event_kind kind, int from, int to, const char *id)
{
	struct job_event event = { .time_ms = WHEN_MS, .kind = kind, .from = from, .to = to };
	(void)snprintf(event.id, sizeof(event.id), "%s", id);
	return event;
}

static void assert_line(
	enum job_event_kind kind, int from, int to, const char *id, const char *expected)
{
	const struct job_event event = event_of(kind, from, to, id);
	char line[VIEW_EVENT_SIZE], whole[VIEW_EVENT_SIZE];
	view_event(&event, line);
	(void)snprintf(whole, sizeof(whole), "{\"time\":\"" TIME "\",%s}\n", expected);
	assert_string_equal(line, whole);
}

/* ---- each kind ----------------------------------------------------------------------------------- */

static void come_and_go(void **state)
{
	(void)state;
	assert_line(JOB_EVENT_TRACKED, 0, JOB_UNKNOWN, "a-1",
		"\"request_id\":\"a-1\",\"event\":\"tracked\",\"old\":null,\"new\":\"unknown\"");
	assert_line(JOB_EVENT_TRACKED, 0, JOB_DONE, "a-1",
		"\"request_id\":\"a-1\",\"event\":\"tracked\",\"old\":null,\"new\":\"done\"");
	assert_line(JOB_EVENT_FORGOTTEN, JOB_RUNNING, 0, "a-1",
		"\"request_id\":\"a-1\",\"event\":\"forgotten\",\"old\":\"running\",\"new\":null");
}

static void changes_of_state(void **state)
{
	(void)state;
	assert_line(JOB_EVENT_STATE, JOB_UNKNOWN, JOB_QUEUED, "a",
		"\"request_id\":\"a\",\"event\":\"state\",\"old\":\"unknown\",\"new\":\"queued\"");
	assert_line(JOB_EVENT_STATE, JOB_RUNNING, JOB_EXPIRED, "a",
		"\"request_id\":\"a\",\"event\":\"state\",\"old\":\"running\",\"new\":\"expired\"");
	assert_line(JOB_EVENT_VIDEO, VIDEO_NONE, VIDEO_FETCHING, "a",
		"\"request_id\":\"a\",\"event\":\"video\",\"old\":\"none\",\"new\":\"fetching\"");
	assert_line(JOB_EVENT_VIDEO, VIDEO_READY, VIDEO_REMOVED, "a",
		"\"request_id\":\"a\",\"event\":\"video\",\"old\":\"ready\",\"new\":\"removed\"");
}

static void progress(void **state)
{
	(void)state;
	assert_line(JOB_EVENT_PROGRESS, -1, 0, "a",
		"\"request_id\":\"a\",\"event\":\"progress\",\"old\":null,\"new\":0");
	assert_line(JOB_EVENT_PROGRESS, 7, 100, "a",
		"\"request_id\":\"a\",\"event\":\"progress\",\"old\":7,\"new\":100");
	assert_line(JOB_EVENT_PROGRESS, 42, -1, "a",
		"\"request_id\":\"a\",\"event\":\"progress\",\"old\":42,\"new\":null");
}

static void of_no_job(void **state)
{
	(void)state;
	assert_line(JOB_EVENT_DROPPED, 0, 1, "",
		"\"request_id\":null,\"event\":\"dropped\",\"old\":null,\"new\":1");
	assert_line(JOB_EVENT_DROPPED, 0, INT32_MAX, "",
		"\"request_id\":null,\"event\":\"dropped\",\"old\":null,\"new\":2147483647");
	assert_line(JOB_EVENT_IDLE, 0, 0, "",
		"\"request_id\":null,\"event\":\"idle\",\"old\":null,\"new\":null");
}

/* ---- all of them --------------------------------------------------------------------------------- */

/* A text, or null. */
static bool is_word(const cJSON *value)
{
	return cJSON_IsString(value) || cJSON_IsNull(value);
}

static void assert_json(const char *line)
{
	static const char *const keys[] = { "time", "request_id", "event", "old", "new" };
	const char *end = NULL;
	cJSON *json = cJSON_ParseWithOpts(line, &end, 0);
	assert_non_null(json);
	assert_string_equal(end, "\n");
	assert_int_equal(cJSON_GetArraySize(json), 5);
	for (int i = 0; i < 5; i++)
		assert_string_equal(cJSON_GetArrayItem(json, i)->string, keys[i]);
	assert_true(cJSON_IsString(cJSON_GetArrayItem(json, 0)));
	assert_true(is_word(cJSON_GetArrayItem(json, 1)));
	assert_true(cJSON_IsString(cJSON_GetArrayItem(json, 2)));
	for (int i = 3; i < 5; i++)
		assert_true(is_word(cJSON_GetArrayItem(json, i)) ||
			    cJSON_IsNumber(cJSON_GetArrayItem(json, i)));
	cJSON_Delete(json);
}

/* With the longest id, and whatever the values are. */
static void each_is_a_line_of_json(void **state)
{
	char line[VIEW_EVENT_SIZE], id[ID_SIZE];
	(void)state;
	memset(id, 'x', sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	for (int kind = JOB_EVENT_TRACKED; kind <= JOB_EVENT_IDLE; kind++) {
		int last = kind == JOB_EVENT_VIDEO ? VIDEO_REMOVED : JOB_EXPIRED;
		bool of_none = kind >= JOB_EVENT_DROPPED;
		for (int to = 0; to <= last; to++) {
			const struct job_event event = event_of(
				(enum job_event_kind)kind, last - to, to, of_none ? "" : id);
			view_event(&event, line);
			assert_json(line);
		}
	}
}

/* A clock may be anything. */
static void any_time(void **state)
{
	static const int64_t times_ms[] = { INT64_MIN, -1, 0, INT64_MAX };
	char line[VIEW_EVENT_SIZE];
	(void)state;
	for (size_t i = 0; i < sizeof(times_ms) / sizeof(times_ms[0]); i++) {
		struct job_event event = event_of(JOB_EVENT_STATE, JOB_QUEUED, JOB_DONE, "a");
		event.time_ms = times_ms[i];
		view_event(&event, line);
		assert_json(line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(come_and_go),
		cmocka_unit_test(changes_of_state),
		cmocka_unit_test(progress),
		cmocka_unit_test(of_no_job),
		cmocka_unit_test(each_is_a_line_of_json),
		cmocka_unit_test(any_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
