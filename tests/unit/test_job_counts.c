/* SPDX-License-Identifier: MIT */
/* How many jobs there are of each kind: whatever happens to them, as if they were counted anew. */
#include "jobs.h"

#include <stdio.h>
#include <string.h>

#define JOBS 40
#define STEPS 20000

static struct job_counts counted(void)
{
	struct job_counts counts;
	job_counts(&counts);
	return counts;
}

static void nothing(void **state)
{
	static const struct job_counts zero;
	struct job_counts counts = counted();
	(void)state;
	assert_memory_equal(&counts, &zero, sizeof(counts));
}

static void each_kind(void **state)
{
	struct job job = job_named(1, "one");
	(void)state;
	put(job);
	assert_int_equal(counted().jobs[JOB_UNKNOWN], 1);
	assert_int_equal(counted().videos[VIDEO_NONE], 1);
	assert_int_equal(counted().unanswered, 0);
	job.poll_failures = 3;
	put(job);
	assert_int_equal(counted().unanswered, 1);

	job.state = JOB_DONE;
	job.video = VIDEO_FETCHING;
	job.video_size = 1000;
	job.video_bytes = 400;
	put(job);
	assert_int_equal(counted().unanswered, 0); /* nobody asks any more */
	assert_int_equal(counted().jobs[JOB_UNKNOWN], 0);
	assert_int_equal(counted().jobs[JOB_DONE], 1);
	assert_int_equal(counted().waiting[ERROR_NONE], 1);
	assert_int_equal(counted().part_bytes, 400);
	job_set_video_error(&job, ERROR_STORE_FULL, "full");
	put(job);
	assert_int_equal(counted().waiting[ERROR_NONE], 0);
	assert_int_equal(counted().waiting[ERROR_STORE_FULL], 1);
	job_set_video_error(&job, ERROR_NONE, "");
	job.video = VIDEO_READY;
	put(job);
	assert_int_equal(counted().waiting[ERROR_STORE_FULL], 0);
	assert_int_equal(counted().part_bytes, 0);
	assert_int_equal(counted().ready_bytes, 1000);

	struct job failed = job_named(2, "two");
	job_fail(&failed, ERROR_NOT_FOUND, "", DONE_MS);
	put(failed);
	struct job lost = done_job(3, "three");
	lost.video = VIDEO_LOST;
	lost.video_error = ERROR_TOO_LARGE;
	put(lost);
	assert_int_equal(counted().failed[ERROR_NOT_FOUND], 1);
	assert_int_equal(counted().lost[ERROR_TOO_LARGE], 1);
	assert_int_equal(counted().jobs[JOB_DONE], 2);
}

/* As long as it may come back, and when it does not. */
static void hidden(void **state)
{
	struct job job = done_job(1, "one");
	(void)state;
	put(job);
	assert_int_equal(job_hide(1), 0);
	assert_int_equal(counted().jobs[JOB_DONE], 0);
	assert_int_equal(counted().ready_bytes, 0);
	job.video = VIDEO_REMOVED;
	put(job);
	assert_int_equal(counted().videos[VIDEO_REMOVED], 0);
	job_unhide(1);
	assert_int_equal(counted().jobs[JOB_DONE], 1);
	assert_int_equal(counted().videos[VIDEO_REMOVED], 1);
	assert_int_equal(counted().videos[VIDEO_READY], 0);
	assert_int_equal(job_hide(1), 0);
	job_remove(1);
	nothing(state);
}

static void removed_at_once(void **state)
{
	put(done_job(1, "one"));
	job_remove(1);
	nothing(state);
}

/* Always the same ones. */
static unsigned random_below(unsigned limit)
{
	static uint64_t seed = 5;
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
	return (unsigned)(seed >> 33) % limit;
}

static struct job random_job(uint64_t serial)
{
	struct job job = job_named(serial, "job");
	(void)snprintf(job.id, sizeof(job.id), "job-%llu", (unsigned long long)serial);
	job.state = (enum job_state)random_below(JOB_STATES);
	job.error =
		job.state == JOB_FAILED ? (enum error_code)random_below(ERROR_CODES) : ERROR_NONE;
	job.video =
		job.state == JOB_DONE ? (enum video_state)random_below(VIDEO_STATES) : VIDEO_NONE;
	job.video_error = (enum error_code)random_below(ERROR_CODES);
	job.video_size = random_below(1000);
	job.video_bytes = job.video_size / 2;
	job.poll_failures = random_below(3);
	return job;
}

/* All that can be seen, counted by hand. */
static struct job_counts by_hand(void)
{
	struct job_counts counts = { .unanswered = 0 };
	struct job_view view;
	for (uint64_t serial = 1; serial <= JOBS; serial++) {
		if (job_get(serial, &view) != 0)
			continue;
		const struct job *job = &view.job;
		bool final = job->state >= JOB_DONE;
		counts.jobs[job->state]++;
		counts.videos[job->video]++;
		counts.failed[job->error] += job->state == JOB_FAILED;
		counts.waiting[job->video_error] += job->video == VIDEO_FETCHING;
		counts.lost[job->video_error] += job->video == VIDEO_LOST;
		counts.unanswered += !final && job->poll_failures > 0;
		counts.ready_bytes += job->video == VIDEO_READY ? job->video_size : 0;
		counts.part_bytes += job->video == VIDEO_FETCHING ? job->video_bytes : 0;
	}
	return counts;
}

static void at_random(void **state)
{
	bool there[JOBS + 1] = { false };
	struct job_view view;
	(void)state;
	for (uint64_t serial = 1; serial <= JOBS; serial++)
		put(random_job(serial));
	memset(there, true, sizeof(there));
	for (int step = 0; step < STEPS; step++) {
		uint64_t serial = random_below(JOBS) + 1;
		if (!there[serial])
			continue;
		switch (random_below(8)) {
		case 0:
			(void)job_hide(serial);
			break;
		case 1:
			if (job_get(serial, &view) != 0)
				job_unhide(serial);
			break;
		case 2:
			if (random_below(100) == 0) {
				job_remove(serial);
				there[serial] = false;
			}
			break;
		default:
			put(random_job(serial));
		}
		struct job_counts counts = counted(), expected = by_hand();
		assert_memory_equal(&counts, &expected, sizeof(counts));
	}
}

static void wake(struct waiter *waiter, int status)
{
	(void)waiter, (void)status;
}

static void who_waits(void **state)
{
	struct job job = done_job(1, "one");
	struct waiter reader = { .wake = wake }, other = { .wake = wake },
		      ticket = { .wake = wake };
	(void)state;
	job.video = VIDEO_FETCHING;
	job.video_bytes = 10;
	put(job);
	assert_int_equal(job_wait_bytes(1, 0, 0, 100, &reader), 0);
	assert_int_equal(job_wait_bytes(1, 0, 0, 200, &other), 0);
	assert_int_equal(job_wait_ticket(7, &ticket), 0);
	assert_int_equal(counted().waiters[WAITER_BYTES], 2);
	assert_int_equal(counted().waiters[WAITER_TICKET], 1);
	assert_true(job_unwait(&other));
	assert_int_equal(counted().waiters[WAITER_BYTES], 1);
	job.video_bytes = 100;
	put(job);
	assert_int_equal(counted().waiters[WAITER_BYTES], 0);
	job_answer(7, 0);
	assert_int_equal(counted().waiters[WAITER_TICKET], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(each_kind, setup, teardown),
		cmocka_unit_test_setup_teardown(hidden, setup, teardown),
		cmocka_unit_test_setup_teardown(removed_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(at_random, setup, teardown),
		cmocka_unit_test_setup_teardown(who_waits, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
