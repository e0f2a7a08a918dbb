/* SPDX-License-Identifier: MIT */
/* What becomes of a job at a start: each kind of row with each kind of file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../fs/start.h"

#define SIZE 1000

/* All that a store can have of a video. */
enum { NO_FILE, PART, WHOLE, WHOLE_AND_PART, SHORT, LONG, FILES };

static const struct store_video files[FILES] = {
	[NO_FILE] = { .whole = false },
	[PART] = { .part = true, .part_bytes = SIZE / 2 },
	[WHOLE] = { .whole = true, .whole_bytes = SIZE },
	[WHOLE_AND_PART] = { .whole = true, .whole_bytes = SIZE, .part = true, .part_bytes = 1 },
	[SHORT] = { .whole = true, .whole_bytes = SIZE - 1 },
	[LONG] = { .whole = true, .whole_bytes = SIZE + 1, .part = true, .part_bytes = SIZE },
};

static struct job row(enum job_state state, enum video_state video, int64_t size)
{
	struct job job;
	job_init(&job, "a", 1);
	job.serial = 1;
	job.state = state;
	job.video = video;
	job.video_size = size;
	return job;
}

static void assert_row(const struct job *job, const enum start_action actions[FILES])
{
	for (int i = 0; i < FILES; i++)
		assert_int_equal(start_of(job, &files[i]), actions[i]);
}

static void assert_always(const struct job *job, enum start_action action)
{
	for (int i = 0; i < FILES; i++)
		assert_int_equal(start_of(job, &files[i]), action);
}

/* Before all else: not even a video that is whole is looked at. */
static void forgotten(void **state)
{
	(void)state;
	for (enum job_state s = JOB_UNKNOWN; s <= JOB_EXPIRED; s++) {
		for (enum video_state v = VIDEO_NONE; v <= VIDEO_REMOVED; v++) {
			struct job job = row(s, v, SIZE);
			job.forgotten = true;
			assert_always(&job, START_FORGET);
		}
	}
}

static void not_done(void **state)
{
	(void)state;
	for (enum job_state s = JOB_UNKNOWN; s <= JOB_RUNNING; s++) {
		struct job job = row(s, VIDEO_NONE, -1);
		assert_always(&job, START_POLL);
	}
}

static void ended_without_a_video(void **state)
{
	struct job failed = row(JOB_FAILED, VIDEO_NONE, -1);
	struct job expired = row(JOB_EXPIRED, VIDEO_NONE, -1);
	(void)state;
	assert_always(&failed, START_KEEP);
	assert_always(&expired, START_KEEP);
}

static void fetching(void **state)
{
	static const enum start_action actions[FILES] = {
		[NO_FILE] = START_FETCH,
		[PART] = START_FETCH,
		[WHOLE] = START_ADOPT,
		[WHOLE_AND_PART] = START_ADOPT,
		[SHORT] = START_FETCH,
		[LONG] = START_FETCH,
	};
	struct job job = row(JOB_DONE, VIDEO_FETCHING, SIZE);
	(void)state;
	assert_row(&job, actions);
}

/* The name without .part is the proof: a file of any size is whole where no size is known. */
static void fetching_of_unknown_size(void **state)
{
	static const enum start_action actions[FILES] = {
		[NO_FILE] = START_FETCH,
		[PART] = START_FETCH,
		[WHOLE] = START_ADOPT,
		[WHOLE_AND_PART] = START_ADOPT,
		[SHORT] = START_ADOPT,
		[LONG] = START_ADOPT,
	};
	struct job job = row(JOB_DONE, VIDEO_FETCHING, -1);
	(void)state;
	assert_row(&job, actions);
}

static void ready(void **state)
{
	static const enum start_action actions[FILES] = {
		[NO_FILE] = START_FETCH_AGAIN,
		[PART] = START_FETCH_AGAIN,
		[WHOLE] = START_KEEP,
		[WHOLE_AND_PART] = START_KEEP,
		[SHORT] = START_FETCH_AGAIN,
		[LONG] = START_FETCH_AGAIN,
	};
	struct job job = row(JOB_DONE, VIDEO_READY, SIZE);
	(void)state;
	assert_row(&job, actions);
}

static void removed(void **state)
{
	static const enum start_action actions[FILES] = {
		[NO_FILE] = START_KEEP,
		[PART] = START_DELETE,
		[WHOLE] = START_DELETE,
		[WHOLE_AND_PART] = START_DELETE,
		[SHORT] = START_DELETE,
		[LONG] = START_DELETE,
	};
	struct job job = row(JOB_DONE, VIDEO_REMOVED, SIZE);
	(void)state;
	assert_row(&job, actions);
}

/* What our own limits refused may be allowed now; all else stays lost. */
static void lost(void **state)
{
	static const enum start_action actions[FILES] = {
		[NO_FILE] = START_KEEP,
		[PART] = START_DELETE,
		[WHOLE] = START_KEEP,
		[WHOLE_AND_PART] = START_DELETE,
		[SHORT] = START_KEEP,
		[LONG] = START_DELETE,
	};
	(void)state;
	for (enum error_code e = ERROR_NONE; e <= ERROR_TRANSPORT; e++) {
		struct job job = row(JOB_DONE, VIDEO_LOST, SIZE);
		job.video_error = e;
		if (e == ERROR_TOO_LARGE || e == ERROR_REFUSED_ADDRESS)
			assert_always(&job, START_FETCH_AGAIN);
		else
			assert_row(&job, actions);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forgotten),
		cmocka_unit_test(not_done),
		cmocka_unit_test(ended_without_a_video),
		cmocka_unit_test(fetching),
		cmocka_unit_test(fetching_of_unknown_size),
		cmocka_unit_test(ready),
		cmocka_unit_test(removed),
		cmocka_unit_test(lost),
	};
	return cmocka_run_group_tests_name("start", tests, NULL, NULL);
}
