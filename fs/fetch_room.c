/* SPDX-License-Identifier: MIT */
/*
 * store_max: how much of the store is promised to downloads. What is ready is counted by the job
 * table; a promise lasts until that has the job as ready, so that no byte is counted by nobody.
 */
#include "run.h"

static int64_t promised;

void room_hold(struct run *run, int64_t bytes)
{
	promised += bytes - run->promised;
	run->promised = bytes;
}

int64_t room_taken(void)
{
	return job_ready_bytes() + promised;
}

bool room_claim(struct run *run, int64_t bytes)
{
	int64_t most = engine.options.store_max;
	bool has =
		bytes <= run->promised || most == 0 || bytes <= most - room_taken() + run->promised;
	run->short_of = has ? 0 : bytes;
	if (has && bytes > run->promised)
		room_hold(run, bytes);
	return has;
}

/* Two halves of videos can fill the store so that neither becomes whole: the younger one makes way. */
bool room_is_in_the_way(const struct run *run)
{
	const struct run *other;
	if (run->promised == 0)
		return false;
	LIST_FOREACH (other, &engine.runs, link) {
		if (other->serial < run->serial && other->short_of > 0 &&
			other->short_of <= engine.options.store_max)
			return true;
	}
	return false;
}

void room_free(struct run *run)
{
	struct job job;
	rows_load(run, &job);
	run->short_of = 0;
	if (job.video != VIDEO_READY)
		room_hold(run, 0);
}
