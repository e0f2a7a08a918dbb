/* SPDX-License-Identifier: MIT */
/* Sample jobs, and a table of jobs that each test has for itself. */
#ifndef JOBS_H
#define JOBS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "job.h"

#define TRACKED_MS INT64_C(1773297000123)
#define DONE_MS INT64_C(1773297060456)
#define FINISHED_AT INT64_C(1773297055)

static inline int setup(void **state)
{
	(void)state;
	return job_table_open();
}

static inline int teardown(void **state)
{
	(void)state;
	job_table_close();
	return 0;
}

static inline struct job job_named(uint64_t serial, const char *id)
{
	struct job job;
	job_init(&job, id, TRACKED_MS);
	job.serial = serial;
	job.changed_ms = TRACKED_MS + 1000;
	return job;
}

static inline struct job in_state(uint64_t serial, const char *id, enum job_state state)
{
	struct job job = job_named(serial, id);
	job.state = state;
	return job;
}

static inline void put(struct job job)
{
	assert_int_equal(job_put(&job), 0);
}

static inline void put_progress(struct job *job, int progress)
{
	job->progress = progress;
	put(*job);
}

static inline struct job done_job(uint64_t serial, const char *id)
{
	struct job job = job_named(serial, id);
	job.state = JOB_DONE;
	job.done_ms = DONE_MS;
	job.finished_at = FINISHED_AT;
	job.video = VIDEO_READY;
	job.video_size = job.video_bytes = 1025;
	return job;
}

#endif
