/* SPDX-License-Identifier: MIT */
/* How a job changes: each arrow of the table of states, and what a report leaves as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "job.h"

#define NOW INT64_C(5000)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SAY(field, text) (void)snprintf(field, sizeof(field), "%s", text)

/* A report that says nothing. */
static struct report silent(enum job_state state)
{
	struct report report;
	memset(&report, 0, sizeof(report));
	report.kind = REPORT_JOB;
	report.state = state;
	report.progress = -1;
	report.cost_ticks = -1;
	report.duration_s = -1;
	report.respect_moderation = -1;
	return report;
}

static struct report failure(void)
{
	struct report report = silent(JOB_FAILED);
	report.error = ERROR_MODERATED;
	SAY(report.error_message, "it was moderated");
	return report;
}

static struct job tracked(void)
{
	struct job job;
	job_init(&job, "a", 1000);
	job.serial = 1;
	job.poll_next_ms = 4000;
	return job;
}

static struct job in_state(enum job_state state)
{
	struct job job = tracked();
	struct report report = state == JOB_FAILED ? failure() : silent(state);
	(void)job_accept(&job, &report, 2000);
	assert_int_equal(job.state, state);
	return job;
}

static void as_new(void **state)
{
	struct job job;
	(void)state;
	memset(&job, 0x55, sizeof(job));
	job_init(&job, "an-id", 1000);
	assert_string_equal(job.id, "an-id");
	assert_int_equal(job.state, JOB_UNKNOWN);
	assert_int_equal(job.video, VIDEO_NONE);
	assert_int_equal(job.progress, -1);
	assert_int_equal(job.tracked_ms, 1000);
	assert_int_equal(job.changed_ms, 1000);
	assert_int_equal(job.done_ms, 0);
	assert_int_equal(job.cost_ticks, -1);
	assert_true(job.duration_s < 0);
	assert_int_equal(job.respect_moderation, -1);
	assert_int_equal(job.video_size, -1);
	assert_int_equal(job.video_bytes, 0);
	assert_string_equal(job.url, "");
	assert_string_equal(job.poll_error, "");
	assert_false(job_is_final(&job));
	assert_false(job_video_is_final(&job));
}

/* Rows: the state before; columns: what the report says, unknown being "nothing". */
static void every_arrow(void **state)
{
	static const enum job_state after[6][6] = {
		{ JOB_UNKNOWN, JOB_QUEUED, JOB_RUNNING, JOB_DONE, JOB_FAILED, JOB_EXPIRED },
		{ JOB_QUEUED, JOB_QUEUED, JOB_RUNNING, JOB_DONE, JOB_FAILED, JOB_EXPIRED },
		{ JOB_RUNNING, JOB_RUNNING, JOB_RUNNING, JOB_DONE, JOB_FAILED, JOB_EXPIRED },
		{ JOB_DONE, JOB_DONE, JOB_DONE, JOB_DONE, JOB_DONE, JOB_DONE },
		{ JOB_FAILED, JOB_FAILED, JOB_FAILED, JOB_FAILED, JOB_FAILED, JOB_FAILED },
		{ JOB_EXPIRED, JOB_EXPIRED, JOB_EXPIRED, JOB_EXPIRED, JOB_EXPIRED, JOB_EXPIRED },
	};
	(void)state;
	for (enum job_state from = JOB_UNKNOWN; from <= JOB_EXPIRED; from++) {
		for (enum job_state said = JOB_UNKNOWN; said <= JOB_EXPIRED; said++) {
			struct job job = in_state(from);
			struct report report = silent(said);
			bool moves = after[from][said] != from;
			assert_int_equal(job_accept(&job, &report, NOW), moves);
			assert_int_equal(job.state, after[from][said]);
		}
	}
}

static void which_are_final(void **state)
{
	(void)state;
	for (enum job_state s = JOB_UNKNOWN; s <= JOB_EXPIRED; s++) {
		struct job job = in_state(s);
		bool final = s == JOB_DONE || s == JOB_FAILED || s == JOB_EXPIRED;
		assert_int_equal(job_is_final(&job), final);
		/* Only of a done job something is still to come. */
		assert_int_equal(job_video_is_final(&job), final && s != JOB_DONE);
		assert_int_equal(job.done_ms, final ? 2000 : 0);
		assert_int_equal(job.poll_next_ms, final ? 0 : 4000);
		assert_int_equal(job.video, s == JOB_DONE ? VIDEO_FETCHING : VIDEO_NONE);
	}
}

static void when_a_video_is_final(void **state)
{
	struct job job = in_state(JOB_DONE);
	(void)state;
	for (enum video_state v = VIDEO_FETCHING; v <= VIDEO_REMOVED; v++) {
		job.video = v;
		assert_int_equal(job_video_is_final(&job), v != VIDEO_FETCHING);
	}
}

static void done_is_all_of_it(void **state)
{
	struct job job = in_state(JOB_RUNNING);
	struct report report = silent(JOB_DONE);
	(void)state;
	report.progress = 99;
	SAY(report.url, "https://cdn.example/v.mp4");
	assert_true(job_accept(&job, &report, NOW));
	assert_int_equal(job.progress, 100);
	assert_string_equal(job.url, "https://cdn.example/v.mp4");
}

static void a_failure_has_its_reason(void **state)
{
	struct job job = in_state(JOB_RUNNING);
	struct report report = failure();
	(void)state;
	job.progress = 40;
	assert_true(job_accept(&job, &report, NOW));
	assert_int_equal(job.error, ERROR_MODERATED);
	assert_string_equal(job.error_message, "it was moderated");
	assert_int_equal(job.progress, 40);
	assert_int_equal(job.done_ms, NOW);
}

static void an_error_is_only_of_a_failure(void **state)
{
	struct job job = in_state(JOB_QUEUED);
	struct report report = failure();
	(void)state;
	report.state = JOB_RUNNING;
	(void)job_accept(&job, &report, NOW);
	assert_int_equal(job.error, ERROR_NONE);
	assert_string_equal(job.error_message, "");
}

static struct report full(void)
{
	struct report report = silent(JOB_RUNNING);
	report.progress = 7;
	SAY(report.model, "grok-imagine-video");
	report.submitted_at = 11;
	report.started_at = 12;
	report.finished_at = 13;
	report.cost_ticks = 0;
	SAY(report.url, "https://cdn.example/v.mp4");
	report.duration_s = 0;
	report.respect_moderation = 0;
	report.wrapped = true;
	SAY(report.code, "success");
	SAY(report.message, "fine");
	SAY(report.task_status, "IN_PROGRESS");
	SAY(report.status, "pending");
	return report;
}

static void assert_full(const struct job *job)
{
	assert_int_equal(job->progress, 7);
	assert_string_equal(job->model, "grok-imagine-video");
	assert_int_equal(job->submitted_at, 11);
	assert_int_equal(job->started_at, 12);
	assert_int_equal(job->finished_at, 13);
	assert_int_equal(job->cost_ticks, 0);
	assert_string_equal(job->url, "https://cdn.example/v.mp4");
	assert_true(job->duration_s >= 0 && job->duration_s <= 0);
	assert_int_equal(job->respect_moderation, 0);
}

static void what_is_said_is_taken(void **state)
{
	struct job job = tracked();
	struct report report = full();
	(void)state;
	assert_true(job_accept(&job, &report, NOW));
	assert_full(&job);
	assert_true(job.wrapped);
	assert_string_equal(job.code, "success");
	assert_string_equal(job.message, "fine");
	assert_string_equal(job.task_status, "IN_PROGRESS");
	assert_string_equal(job.status, "pending");
}

static void the_same_again_is_no_change(void **state)
{
	struct job job = tracked();
	struct report report = full();
	(void)state;
	assert_true(job_accept(&job, &report, NOW));
	assert_false(job_accept(&job, &report, NOW + 1));
}

/* Facts stay where nothing is said; the words are those of the last answer, even if none. */
static void what_is_not_said_is_kept(void **state)
{
	struct job job = tracked();
	struct report first = full(), second = silent(JOB_UNKNOWN);
	(void)state;
	assert_true(job_accept(&job, &first, NOW));
	assert_true(job_accept(&job, &second, NOW + 1));
	assert_full(&job);
	assert_int_equal(job.state, JOB_RUNNING);
	assert_false(job.wrapped);
	assert_string_equal(job.code, "");
	assert_string_equal(job.message, "");
	assert_string_equal(job.task_status, "");
	assert_string_equal(job.status, "");
}

/* Each field alone makes a change. */
static void each_fact_is_news(void **state)
{
	struct report base = full(), news[14];
	(void)state;
	for (size_t i = 0; i < COUNT(news); i++)
		news[i] = base;
	news[0].progress = 8;
	SAY(news[1].model, "another");
	news[2].submitted_at = 21;
	news[3].started_at = 22;
	news[4].finished_at = 23;
	news[5].cost_ticks = 1;
	SAY(news[6].url, "https://cdn.example/w.mp4");
	news[7].duration_s = 0.5;
	news[8].respect_moderation = 1;
	news[9].wrapped = false;
	SAY(news[10].code, "other");
	SAY(news[11].message, "other");
	SAY(news[12].task_status, "other");
	SAY(news[13].status, "other");
	for (size_t i = 0; i < COUNT(news); i++) {
		struct job job = tracked();
		assert_true(job_accept(&job, &base, NOW));
		assert_true(job_accept(&job, &news[i], NOW + 1));
		assert_false(job_accept(&job, &news[i], NOW + 2));
	}
}

static void a_final_job_takes_nothing(void **state)
{
	struct report report = full();
	(void)state;
	for (enum job_state s = JOB_DONE; s <= JOB_EXPIRED; s++) {
		struct job job = in_state(s), before = job;
		for (enum job_state said = JOB_UNKNOWN; said <= JOB_EXPIRED; said++) {
			report.state = said;
			assert_false(job_accept(&job, &report, NOW));
			assert_memory_equal(&job, &before, sizeof(job));
		}
	}
}

static void failed_by_us(void **state)
{
	(void)state;
	for (enum job_state s = JOB_UNKNOWN; s <= JOB_RUNNING; s++) {
		struct job job = in_state(s);
		job_fail(&job, ERROR_NOT_FOUND, "nobody knows it", NOW);
		assert_int_equal(job.state, JOB_FAILED);
		assert_int_equal(job.error, ERROR_NOT_FOUND);
		assert_string_equal(job.error_message, "nobody knows it");
		assert_int_equal(job.done_ms, NOW);
		assert_int_equal(job.poll_next_ms, 0);
		assert_int_equal(job.video, VIDEO_NONE);
	}
}

static void a_final_job_does_not_fail(void **state)
{
	(void)state;
	for (enum job_state s = JOB_DONE; s <= JOB_EXPIRED; s++) {
		struct job job = in_state(s), before = job;
		job_fail(&job, ERROR_NOT_FOUND, "nobody knows it", NOW);
		assert_memory_equal(&job, &before, sizeof(job));
	}
}

static void a_message_that_is_too_long_is_cut(void **state)
{
	struct job job = tracked();
	char message[2 * MESSAGE_SIZE];
	(void)state;
	memset(message, 'm', sizeof(message) - 1);
	message[sizeof(message) - 1] = '\0';
	job_fail(&job, ERROR_PROVIDER, message, NOW);
	assert_int_equal(strlen(job.error_message), MESSAGE_SIZE - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_new),
		cmocka_unit_test(every_arrow),
		cmocka_unit_test(which_are_final),
		cmocka_unit_test(when_a_video_is_final),
		cmocka_unit_test(done_is_all_of_it),
		cmocka_unit_test(a_failure_has_its_reason),
		cmocka_unit_test(an_error_is_only_of_a_failure),
		cmocka_unit_test(what_is_said_is_taken),
		cmocka_unit_test(the_same_again_is_no_change),
		cmocka_unit_test(what_is_not_said_is_kept),
		cmocka_unit_test(each_fact_is_news),
		cmocka_unit_test(a_final_job_takes_nothing),
		cmocka_unit_test(failed_by_us),
		cmocka_unit_test(a_final_job_does_not_fail),
		cmocka_unit_test(a_message_that_is_too_long_is_cut),
	};
	return cmocka_run_group_tests_name("job_states", tests, NULL, NULL);
}
