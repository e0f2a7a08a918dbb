/* SPDX-License-Identifier: MIT */
/* What a job's document means to who asks for its video. */
#include "ctl.h"

#include <stdio.h>
#include <string.h>

bool ctl_job_is_over(const struct ctl_job *job)
{
	if (job->state == JOB_DONE)
		return job->video != VIDEO_NONE && job->video != VIDEO_FETCHING;
	return job->state == JOB_FAILED || job->state == JOB_EXPIRED;
}

bool ctl_job_is_good(const struct ctl_job *job)
{
	return job->state == JOB_DONE && (job->video == VIDEO_READY || job->video == VIDEO_REMOVED);
}

const char *ctl_job_word(const struct ctl_job *job)
{
	if (job->state != JOB_DONE || job->video == VIDEO_READY || job->video == VIDEO_NONE)
		return ctl_job_state(job->state);
	return ctl_video_state(job->video);
}

const char *ctl_job_color(const struct ctl_job *job)
{
	static const char green[] = "\033[32m", red[] = "\033[31m", blue[] = "\033[34m",
			  faint[] = "\033[2m";
	if (job->state == JOB_FAILED || job->state == JOB_EXPIRED || job->video == VIDEO_LOST)
		return red;
	if (job->state == JOB_RUNNING || job->video == VIDEO_FETCHING)
		return blue;
	if (job->video == VIDEO_READY)
		return green;
	return job->state == JOB_UNKNOWN || job->video == VIDEO_REMOVED ? faint : "";
}

void ctl_job_trouble(const struct ctl_job *job, char *text, size_t size)
{
	const struct ctl_error *error =
		job->error.code[0] != '\0' ? &job->error : &job->video_error;
	bool asked = !ctl_job_is_over(job) && job->state != JOB_DONE;
	if (error->code[0] != '\0')
		(void)snprintf(text, size, "%s%s%s", error->code,
			error->message[0] != '\0' ? ": " : "", error->message);
	else
		(void)snprintf(text, size, "%s", asked ? job->poll_error : "");
}

const char *ctl_job_advice(const struct ctl_job *job)
{
	static const struct {
		const char *code, *advice;
	} known[] = {
		{ "moderated", "change what was asked for, and create a new job" },
		{ "not_found", "look at the id, and whether the key is of the same account; "
			       "cometctl forget and add it to try again" },
		{ "bad_request", "look at the id; cometctl forget and add it to try again" },
		{ "provider", "create a new job" },
		{ "no_url", "ask the provider, who says done and has no video" },
		{ "url_expired", "the provider has it no more: create a new job" },
		{ "too_large", "mount with a larger -o max_video" },
		{ "not_a_video", "cometctl forget and add it to try again" },
		{ "refused_address", "mount with -o allow_private or allow_http if you trust it" },
		{ "store_full", "make room in the store, or mount with a larger -o store_max" },
		{ "auth", "look at the key: cometctl doctor" },
		{ "transport", "look at the network: cometctl doctor" },
	};
	const char *code = job->error.code[0] != '\0' ? job->error.code : job->video_error.code;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].code, code) == 0)
			return known[i].advice;
	if (job->state == JOB_EXPIRED)
		return "the provider has it no more: create a new job";
	return NULL;
}
