/* SPDX-License-Identifier: MIT */
/*
 * store_max: how much of the store is promised to downloads. What is ready is counted by the job
 * table; a promise lasts until that has the job as ready, so that no byte is counted by nobody.
 */
#include "run.h"

static int64_t promised;

static void set(struct run *run, int64_t bytes)
{
	promised += bytes - run->promised;
	run->promised = bytes;
}

void room_hold(struct run *run, int64_t bytes)
{
	set(run, bytes);
}

bool room_claim(struct run *run, int64_t bytes)
{
	int64_t most = engine.options.store_max;
	if (bytes <= run->promised)
		return true;
	if (most > 0 && bytes > most - job_ready_bytes() - (promised - run->promised))
		return false;
	set(run, bytes);
	return true;
}

void room_free(struct run *run)
{
	struct job job;
	rows_load(run, &job);
	if (job.video != VIDEO_READY)
		set(run, 0);
}

void room_end(struct run *run)
{
	set(run, 0);
}
