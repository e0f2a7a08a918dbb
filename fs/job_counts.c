/* SPDX-License-Identifier: MIT */
#include "job_counts.h"

static void add_video(struct job_counts *counts, const struct job *job, int one)
{
	counts->videos[job->video] += (uint32_t)one;
	if (job->video == VIDEO_READY) {
		counts->ready_bytes += one * job->video_size;
	} else if (job->video == VIDEO_LOST) {
		counts->lost[job->video_error] += (uint32_t)one;
	} else if (job->video == VIDEO_FETCHING) {
		counts->waiting[job->video_error] += (uint32_t)one;
		counts->part_bytes += one * job_video_bytes(job);
	}
}

static void add(struct job_counts *counts, const struct job *job, int one)
{
	counts->jobs[job->state] += (uint32_t)one;
	if (job->state == JOB_FAILED)
		counts->failed[job->error] += (uint32_t)one;
	if (!job_is_final(job) && job->poll_failures > 0)
		counts->unanswered += (uint32_t)one;
	add_video(counts, job, one);
}

void counts_move(struct job_counts *counts, const struct job *before, const struct job *after)
{
	if (before != NULL)
		add(counts, before, -1);
	if (after != NULL)
		add(counts, after, 1);
}
