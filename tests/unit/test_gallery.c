/* SPDX-License-Identifier: MIT */
/* index.html: the data in the page, what hostile texts become in it, and that it fits into the room given. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "gallery.h"
#include "jobs.h"

#define ROOM (1U << 20)
#define OPENING "<script type=\"application/json\" id=\"data\">"
#define CLOSING "</script>"

static char page[ROOM];
static size_t omitted;
static const struct gallery_about about = { .mountpoint = "/srv/<videos> & \"more\"",
	.provider = "comet",
	.taken_ms = INT64_C(1773297000123),
	.wrong_ms = { [WRONG_PROVIDER] = 5000 } };

static size_t make_in(size_t room, const struct job *jobs, size_t count)
{
	memset(page, '@', sizeof(page));
	struct gallery *gallery = gallery_new(&about, page, room);
	for (size_t i = 0; i < count; i++)
		gallery_add(gallery, &jobs[i]);
	size_t length = gallery_end(gallery, &omitted);
	assert_in_range(length, 1, room);
	for (size_t i = length; i < sizeof(page); i++)
		assert_int_equal(page[i], '@');
	page[length] = '\0';
	return length;
}

/* The data in the page, as text. */
static char *data_text(void)
{
	const char *from = strstr(page, OPENING);
	assert_non_null(from);
	from += strlen(OPENING);
	const char *to = strstr(from, CLOSING);
	assert_non_null(to);
	return strndup(from, (size_t)(to - from));
}

/* The data of so many jobs; of each row as many members as there are columns. */
static cJSON *data_of(const struct job *jobs, size_t count)
{
	(void)make_in(ROOM - 1, jobs, count);
	char *text = data_text();
	cJSON *data = cJSON_Parse(text), *row;
	free(text);
	assert_non_null(data);
	int columns = cJSON_GetArraySize(cJSON_GetObjectItem(data, "columns"));
	cJSON_ArrayForEach (row, cJSON_GetObjectItem(data, "jobs")) {
		assert_int_equal(cJSON_GetArraySize(row), columns);
	}
	return data;
}

static const cJSON *value(const cJSON *data, int row, const char *column)
{
	const cJSON *columns = cJSON_GetObjectItem(data, "columns");
	const cJSON *job = cJSON_GetArrayItem(cJSON_GetObjectItem(data, "jobs"), row);
	for (int i = 0; i < cJSON_GetArraySize(columns); i++) {
		if (strcmp(cJSON_GetArrayItem(columns, i)->valuestring, column) == 0)
			return cJSON_GetArrayItem(job, i);
	}
	fail_msg("no column %s", column);
	return NULL;
}

static void assert_text(const cJSON *data, int row, const char *column, const char *expected)
{
	const cJSON *found = value(data, row, column);
	assert_true(cJSON_IsString(found));
	assert_string_equal(found->valuestring, expected);
}

static void assert_number(const cJSON *data, int row, const char *column, double expected)
{
	const cJSON *found = value(data, row, column);
	assert_true(cJSON_IsNumber(found));
	assert_true(found->valuedouble == expected);
}

static void empty(void **state)
{
	(void)state;
	cJSON *data = data_of(NULL, 0);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(data, "jobs")), 0);
	assert_string_equal(cJSON_GetObjectItem(data, "mountpoint")->valuestring, about.mountpoint);
	assert_true(cJSON_GetObjectItem(data, "taken")->valuedouble == 1773297000123);
	assert_true(cJSON_GetObjectItem(data, "wrongProvider")->valuedouble == 5000);
	assert_true(cJSON_IsNull(cJSON_GetObjectItem(data, "wrongKey")));
	assert_true(cJSON_GetObjectItem(data, "omitted")->valuedouble == 0);
	cJSON_Delete(data);
	assert_int_equal(strncmp(page, "<!doctype html>\n", 16), 0);
	assert_non_null(strstr(page, "</html>\n"));
	assert_null(strstr(page, "@DATA@"));
	/* The page's own script looks for this. */
	assert_non_null(strstr(page, "\"jobs\":[]"));
}

static void values(void **state)
{
	(void)state;
	struct job jobs[] = { done_job(3, "ccc"), job_named(2, "bbb"), job_named(1, "aaa") };
	struct job *done = &jobs[0], *running = &jobs[1], *failed = &jobs[2];
	done->progress = 100;
	done->cost_ticks = INT64_C(500000001);
	done->duration_s = 4.25;
	done->submitted_at = 1773296999;
	(void)strcpy(done->model, "grok-imagine-video");
	(void)strcpy(done->url, "https://example.org/video?signature=secret");
	(void)strcpy(done->poll_error, "long ago");
	running->state = JOB_RUNNING;
	running->progress = 0;
	running->poll_failures = 2;
	(void)strcpy(running->poll_error, "no answer");
	failed->state = JOB_FAILED;
	failed->error = ERROR_MODERATED;
	failed->done_ms = DONE_MS;
	(void)strcpy(failed->error_message, "not this");

	cJSON *data = data_of(jobs, 3);
	assert_text(data, 0, "id", "ccc"); /* in the order in which they come */
	assert_text(data, 1, "id", "bbb");
	assert_text(data, 2, "id", "aaa");
	assert_text(data, 0, "state", "done");
	assert_text(data, 0, "model", "grok-imagine-video");
	assert_number(data, 0, "cost", 500000001);
	assert_number(data, 0, "duration", 4250);
	assert_number(data, 0, "size", 1025);
	assert_number(data, 0, "tracked", (double)(TRACKED_MS / 1000));
	assert_number(data, 0, "submitted", 1773296999);
	assert_number(data, 0, "finished", FINISHED_AT);
	assert_text(data, 0, "video", "ready");
	assert_true(cJSON_IsNull(value(data, 0, "bytes")));
	assert_true(cJSON_IsNull(value(data, 0, "pollError")));
	assert_number(data, 1, "progress", 0);
	assert_number(data, 1, "failures", 2);
	assert_text(data, 1, "pollError", "no answer");
	assert_true(cJSON_IsNull(value(data, 1, "finished")));
	assert_true(cJSON_IsNull(value(data, 1, "cost")));
	assert_text(data, 2, "error", "moderated");
	assert_text(data, 2, "message", "not this");
	assert_number(data, 2, "finished", (double)(DONE_MS / 1000));
	assert_true(cJSON_IsNull(value(data, 2, "progress")));
	cJSON_Delete(data);
	assert_null(strstr(page, "secret")); /* who has a video's address has the video */
	assert_null(strstr(page, "example.org"));
	/* So the page finds a job in it without reading all. */
	assert_non_null(strstr(page, "\n[\"bbb\","));
}

/* None of it can end the element that it is in, or begin another; and the page gets back what was said. */
static void hostile(void **state)
{
	static const char said[] =
		"</script><script>x()</script><!-- <script> ]]> &lt; &amp; \" ' \\ \b\n\x01\x7f"
		"\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xae @DATA@ ${x} {{x}} \n[\"aaa\",";
	(void)state;
	struct job job = in_state(1, "aaa", JOB_FAILED);
	job.error = ERROR_PROVIDER;
	job.video_error = ERROR_TRANSPORT;
	(void)strcpy(job.error_message, said);
	(void)strcpy(job.video_message, said);
	(void)strcpy(job.model, "</SCRIPT\t><img src=x onerror=x()>");
	cJSON *data = data_of(&job, 1);
	assert_text(data, 0, "message", said);
	assert_text(data, 0, "videoMessage", said);
	assert_text(data, 0, "model", job.model);
	cJSON_Delete(data);
	char *text = data_text();
	assert_null(strpbrk(text, "<>&\x01\x7f"));
	assert_null(strstr(text, "\xe2\x80\xa8"));
	assert_null(strstr(text, "\xe2\x80\xa9"));
	free(text);
}

static void not_utf8(void **state)
{
	(void)state;
	struct job job = in_state(1, "aaa", JOB_FAILED);
	job.error = ERROR_PROVIDER;
	(void)strcpy(job.error_message, "a\xff<\xc0\xaf\xed\xa0\x80z");
	cJSON *data = data_of(&job, 1);
	assert_non_null(strstr(value(data, 0, "message")->valuestring, "\xef\xbf\xbd<"));
	cJSON_Delete(data);
}

static void no_number(void **state)
{
	static const double seconds[] = { -1, 1e300, (double)NAN };
	(void)state;
	struct job job = done_job(1, "aaa");
	for (size_t i = 0; i < 3; i++) {
		job.duration_s = seconds[i];
		cJSON *data = data_of(&job, 1);
		assert_true(cJSON_IsNull(value(data, 0, "duration")));
		cJSON_Delete(data);
	}
}

/* In whatever room, it is a whole page; the newest jobs are in it. */
static void cut(void **state)
{
	(void)state;
	static struct job jobs[80];
	for (size_t i = 0; i < 80; i++) {
		jobs[i] = in_state(80 - i, "", JOB_FAILED);
		(void)snprintf(jobs[i].id, sizeof(jobs[i].id), "job-%zu", i);
		jobs[i].error = ERROR_PROVIDER;
		memset(jobs[i].error_message, '<', i % 40 * 12);
	}
	const struct job_counts none = { .unanswered = 0 };
	size_t whole = make_in(ROOM - 1, jobs, 80), before = 81;
	assert_int_equal(omitted, 0);
	for (size_t room = whole + 100; room >= gallery_size(&none); room -= 997) {
		(void)make_in(room, jobs, 80);
		assert_in_range(before, 80 - omitted, 81);
		before = 80 - omitted;
		char *text = data_text();
		cJSON *data = cJSON_Parse(text);
		free(text);
		assert_int_equal(
			cJSON_GetArraySize(cJSON_GetObjectItem(data, "jobs")), 80 - omitted);
		assert_int_equal(cJSON_GetObjectItem(data, "omitted")->valueint, omitted);
		assert_text(data, 0, "id", "job-0");
		cJSON_Delete(data);
		assert_string_equal(page + strlen(page) - 8, "</html>\n");
	}
	assert_in_range(before, 1, 79);
}

/* What is said of sizes is enough for usual jobs, and never more than the most. */
static void sizes(void **state)
{
	(void)state;
	struct job *jobs = calloc(1000, sizeof(*jobs));
	struct job_counts counts = { .jobs = { [JOB_DONE] = 500, [JOB_FAILED] = 500 },
		.failed = { [ERROR_PROVIDER] = 500 } };
	for (size_t i = 0; i < 1000; i++) {
		jobs[i] = done_job(i + 1, "4b2cd27e-0b0d-3dec-c31c-7572daf74bb3");
		(void)strcpy(jobs[i].model, "grok-imagine-video");
		jobs[i].cost_ticks = INT64_C(123456789012);
		if (i >= 500) {
			jobs[i].state = JOB_FAILED;
			jobs[i].video = VIDEO_NONE;
			jobs[i].error = ERROR_PROVIDER;
			memset(jobs[i].error_message, 'x', MESSAGE_SIZE - 1);
		}
	}
	assert_in_range(gallery_size(&counts), 1, ROOM - 1);
	(void)make_in(gallery_size(&counts), jobs, 1000);
	assert_int_equal(omitted, 0);
	free(jobs);
	counts.jobs[JOB_QUEUED] = UINT32_MAX;
	assert_int_equal(gallery_size(&counts), GALLERY_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty),
		cmocka_unit_test(values),
		cmocka_unit_test(hostile),
		cmocka_unit_test(not_utf8),
		cmocka_unit_test(no_number),
		cmocka_unit_test(cut),
		cmocka_unit_test(sizes),
	};
	return cmocka_run_group_tests_name("gallery", tests, NULL, NULL);
}
