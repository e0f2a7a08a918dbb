/* SPDX-License-Identifier: MIT */
/* status.json, letter by letter, against tests/data/view/; numbers and times at their limits. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "view.h"

#define TRACKED_MS INT64_C(1773297000000) /* 2026-03-12T06:30:00Z */

#define SET(field, text) set(field, sizeof(field), text)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void set(char *to, size_t size, const char *text)
{
	int length = snprintf(to, size, "%s", text);
	assert_in_range(length, 0, size - 1);
}

static struct job tracked(void)
{
	struct job job;
	job_init(&job, "4b2cd27e-0b0d-3dec-c31c-7572daf74bb3", TRACKED_MS);
	job.serial = 1;
	return job;
}

static struct job running(void)
{
	struct job job = tracked();
	job.state = JOB_RUNNING;
	job.progress = 7;
	SET(job.model, "grok-imagine-video");
	job.submitted_at = TRACKED_MS / 1000 + 2;
	job.started_at = TRACKED_MS / 1000 + 3;
	job.wrapped = true;
	SET(job.code, "success");
	SET(job.task_status, "IN_PROGRESS");
	SET(job.status, "pending");
	job.poll_count = 2;
	job.poll_last_ms = TRACKED_MS + 5999;
	job.poll_next_ms = TRACKED_MS + 11000;
	job.poll_http_status = 200;
	return job;
}

static struct job fetching(void)
{
	struct job job = running();
	job.state = JOB_DONE;
	job.progress = 100;
	job.started_at = 0;
	job.done_ms = TRACKED_MS + 15000;
	job.finished_at = TRACKED_MS / 1000 + 14;
	job.cost_ticks = 500000000;
	SET(job.url, "https://vidgen.x.ai/a.mp4?x=1&y=%2F");
	job.duration_s = 1;
	job.respect_moderation = 1;
	job.video = VIDEO_FETCHING;
	job.video_size = 2734112;
	SET(job.task_status, "SUCCESS");
	SET(job.status, "done");
	job.poll_count = 3;
	job.poll_last_ms = TRACKED_MS + 15000;
	job.poll_next_ms = 0;
	return job;
}

static struct job ready(void)
{
	struct job job = fetching();
	job.video = VIDEO_READY;
	job.video_bytes = job.video_size;
	SET(job.sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	return job;
}

static struct job failed(const char *message)
{
	struct job job = tracked();
	job.state = JOB_FAILED;
	job.error = ERROR_PROVIDER;
	SET(job.error_message, message);
	job.done_ms = TRACKED_MS + 1999;
	return job;
}

static char *text_of(const struct job *job)
{
	size_t length = 0;
	char *text = view_status(job, "comet", &length);
	assert_non_null(text);
	assert_int_equal(strlen(text), length);
	return text;
}

static void assert_document(struct job job, const char *path)
{
	char expected[4096] = "";
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	assert_in_range(fread(expected, 1, sizeof(expected), file), 1, sizeof(expected) - 1);
	assert_int_equal(fclose(file), 0);
	char *text = text_of(&job);
	assert_string_equal(text, expected);
	free(text);
}

static void assert_has(struct job job, const char *part)
{
	char *text = text_of(&job);
	if (strstr(text, part) == NULL)
		fail_msg("no %s in\n%s", part, text);
	free(text);
}

static size_t length_of(struct job job)
{
	size_t length = 0;
	free(view_status(&job, "comet", &length));
	return length;
}

static void just_tracked(void **state)
{
	(void)state;
	assert_document(tracked(), "tests/data/view/tracked.json");
}

static void while_running(void **state)
{
	(void)state;
	assert_document(running(), "tests/data/view/running.json");
}

static void while_fetching(void **state)
{
	(void)state;
	struct job job = fetching();
	job.video_bytes = 65536;
	job.video_error = ERROR_STORE_FULL;
	SET(job.video_message, "No space left on device");
	assert_document(job, "tests/data/view/fetching.json");
}

static void done_and_ready(void **state)
{
	(void)state;
	assert_document(ready(), "tests/data/view/ready.json");
}

static void failed_with_a_hostile_message(void **state)
{
	(void)state;
	struct job job = failed("\"},\n\\\"state\\\":\t\x01\x1b[31m\x7f\xc2\x9b"
				"\xe2\x80\xa8\xe2\x80\xa9 \xc3\xa9\xe6\x97\xa5\xf0\x9f\x8e\xac/");
	job.poll_failures = 2;
	job.poll_http_status = 502;
	SET(job.poll_error, "a \"bad\" gateway");
	assert_document(job, "tests/data/view/failed.json");
}

static void expired(void **state)
{
	(void)state;
	struct job job = tracked();
	job.state = JOB_EXPIRED;
	job.done_ms = TRACKED_MS;
	assert_has(job, "  \"state\": \"expired\",\n  \"progress\": null,\n  \"error\": null,\n");
	assert_has(job, "  \"finished_at\": \"2026-03-12T06:30:00Z\",\n");
	assert_has(job, "    \"state\": \"none\",\n");
	assert_has(job, "    \"bytes\": null,\n");
}

static void lost_and_removed(void **state)
{
	(void)state;
	struct job job = ready();
	job.video = VIDEO_REMOVED;
	assert_has(job, "    \"state\": \"removed\",\n");
	assert_has(job, "    \"size\": 2734112,\n    \"bytes\": 0,\n");
	job.video = VIDEO_LOST;
	job.video_bytes = 77;
	job.video_error = ERROR_URL_EXPIRED;
	assert_has(job, "    \"state\": \"lost\",\n");
	assert_has(job, "    \"size\": 2734112,\n    \"bytes\": 77,\n");
	assert_has(job, "      \"code\": \"url_expired\",\n      \"message\": \"\"\n    }\n");
}

static void assert_member(struct job job, const char *key, const char *value)
{
	char line[128];
	int length = snprintf(line, sizeof(line), "\"%s\": %s,\n", key, value);
	assert_in_range(length, 0, sizeof(line) - 1);
	assert_has(job, line);
}

static void cost_to_the_tick(void **state)
{
	(void)state;
	static const struct {
		int64_t ticks;
		const char *text;
	} cases[] = {
		{ -1, "null" },
		{ 0, "0" },
		{ 1, "0.0000000001" },
		{ 500000000, "0.05" },
		{ 3000000000, "0.3" },
		{ 9999999999, "0.9999999999" },
		{ 10000000000, "1" },
		{ 10000000001, "1.0000000001" },
		{ 1000000000000, "100" },
		{ INT64_MAX, "922337203.6854775807" },
	};
	struct job job = tracked();
	for (size_t i = 0; i < COUNT(cases); i++) {
		job.cost_ticks = cases[i].ticks;
		assert_member(job, "cost_usd", cases[i].text);
	}
}

static void duration_at_its_shortest(void **state)
{
	(void)state;
	static const struct {
		double seconds;
		const char *text;
	} cases[] = {
		{ -1, "null" },
		{ (double)NAN, "null" },
		{ (double)INFINITY, "null" },
		{ -0.0, "0" },
		{ 1, "1" },
		{ 8.5, "8.5" },
		{ 10, "10" },
		{ 100000, "100000" },
		{ 0.1, "0.1" },
		{ 12.04, "12.04" },
		{ 0.1 + 0.2, "0.30000000000000004" },
		{ 4294967296, "4294967296" },
		{ 1e300, "1e+300" },
	};
	struct job job = tracked();
	for (size_t i = 0; i < COUNT(cases); i++) {
		job.duration_s = cases[i].seconds;
		assert_member(job, "duration_s", cases[i].text);
	}
}

static void times_at_their_limits(void **state)
{
	(void)state;
	struct job job = tracked();
	job.submitted_at = 1;
	job.started_at = INT64_C(253402300799);
	assert_member(job, "submitted_at", "\"1970-01-01T00:00:01Z\"");
	assert_member(job, "started_at", "\"9999-12-31T23:59:59Z\"");
	job.submitted_at = INT64_MIN;
	job.started_at = INT64_C(253402300800);
	assert_member(job, "submitted_at", "null");
	assert_member(job, "started_at", "null");
	job.started_at = INT64_MAX;
	assert_member(job, "started_at", "null");
}

static void said_or_not_said(void **state)
{
	(void)state;
	struct job job = fetching();
	assert_member(job, "bytes", "            0");
	job.respect_moderation = 0;
	assert_member(job, "respect_moderation", "false");
	assert_member(job, "message", "\"\"");
	job.wrapped = false;
	assert_member(job, "message", "null");
	SET(job.message, "ok");
	assert_member(job, "message", "\"ok\"");
	job.finished_at = 0;
	assert_member(job, "finished_at", "\"2026-03-12T06:30:15Z\"");
	job.state = JOB_RUNNING;
	assert_member(job, "finished_at", "null");
}

static void constant_while_running(void **state)
{
	(void)state;
	struct job job = running();
	size_t length = length_of(job);
	static const int progress[] = { -1, 0, 7, 42, 100 };
	for (size_t i = 0; i < COUNT(progress); i++) {
		job.progress = progress[i];
		assert_int_equal(length_of(job), length);
	}
	static const uint32_t counts[] = { 0, 1, 99999, 999999 };
	for (size_t i = 0; i < COUNT(counts); i++) {
		job.poll_count = job.poll_failures = counts[i];
		assert_int_equal(length_of(job), length);
	}
	job.poll_http_status = 0;
	assert_int_equal(length_of(job), length);
	job.poll_next_ms = job.poll_last_ms = 0;
	assert_int_equal(length_of(job), length);
}

static void constant_while_fetching(void **state)
{
	(void)state;
	struct job job = fetching();
	size_t length = length_of(job);
	static const int64_t bytes[] = { 1, 65536, INT64_C(4) << 30, INT64_C(9999999999999) };
	for (size_t i = 0; i < COUNT(bytes); i++) {
		job.video_bytes = bytes[i];
		assert_int_equal(length_of(job), length);
	}
	job.poll_next_ms = TRACKED_MS;
	assert_int_equal(length_of(job), length);
}

static void padded(void **state)
{
	(void)state;
	char text[16] = "{\n}\n";
	size_t length = 4;
	view_pad(text, &length, 4);
	assert_int_equal(length, 4);
	assert_string_equal(text, "{\n}\n");
	view_pad(text, &length, 5);
	assert_int_equal(length, 5);
	assert_string_equal(text, "{\n} \n");
	view_pad(text, &length, 15);
	assert_int_equal(length, 15);
	assert_string_equal(text, "{\n}           \n");
}

static void all_words(void **state)
{
	(void)state;
	static const char *const jobs[] = { "unknown", "queued", "running", "done", "failed",
		"expired" };
	static const char *const videos[] = { "none", "fetching", "ready", "lost", "removed" };
	static const char *const errors[] = { "moderated", "not_found", "no_url", "bad_request",
		"provider", "url_expired", "too_large", "not_a_video", "refused_address",
		"store_full", "auth", "transport" };

	for (enum job_state s = JOB_UNKNOWN; s <= JOB_EXPIRED; s++)
		assert_string_equal(view_job_state(s), jobs[s]);
	for (enum video_state s = VIDEO_NONE; s <= VIDEO_REMOVED; s++)
		assert_string_equal(view_video_state(s), videos[s]);
	for (enum error_code e = ERROR_MODERATED; e <= ERROR_TRANSPORT; e++)
		assert_string_equal(view_error(e), errors[e - 1]);
	assert_null(view_error(ERROR_NONE));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(just_tracked),
		cmocka_unit_test(while_running),
		cmocka_unit_test(while_fetching),
		cmocka_unit_test(done_and_ready),
		cmocka_unit_test(failed_with_a_hostile_message),
		cmocka_unit_test(expired),
		cmocka_unit_test(lost_and_removed),
		cmocka_unit_test(cost_to_the_tick),
		cmocka_unit_test(duration_at_its_shortest),
		cmocka_unit_test(times_at_their_limits),
		cmocka_unit_test(said_or_not_said),
		cmocka_unit_test(constant_while_running),
		cmocka_unit_test(constant_while_fetching),
		cmocka_unit_test(padded),
		cmocka_unit_test(all_words),
	};
	return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
