/* SPDX-License-Identifier: MIT */
/*
 * How a job changes: its states go to the right only, and what was once said stays until
 * something better is said.
 *
 *              queued  running  done  failed  expired
 *   unknown      x        x       x      x       x
 *   queued                x       x      x       x
 *   running                       x      x       x
 *   done, failed, expired: final. A report that says otherwise is counted, not obeyed.
 */
#include "job.h"

#include <stdio.h>
#include <string.h>

/* expired follows done in the enum, but neither is reached from the other. */
static bool state_is_final(enum job_state state)
{
	return state >= JOB_DONE;
}

bool job_is_final(const struct job *job)
{
	return state_is_final(job->state);
}

bool job_has_video(const struct job *job)
{
	return job->video_size >= 0 && (job->video == VIDEO_FETCHING || job->video == VIDEO_READY);
}

bool job_video_is_final(const struct job *job)
{
	return job->video != VIDEO_FETCHING && (job->video != VIDEO_NONE || job_is_final(job));
}

void job_init(struct job *job, const char *id, int64_t now_ms)
{
	memset(job, 0, sizeof(*job));
	(void)snprintf(job->id, sizeof(job->id), "%s", id);
	job->progress = -1;
	job->tracked_ms = job->changed_ms = now_ms;
	job->cost_ticks = -1;
	job->duration_s = -1;
	job->respect_moderation = -1;
	job->video_size = -1;
}

/* Each keeps what is known where nothing is said; true when that changed something. */
static bool take_text(char *to, size_t size, const char *said)
{
	if (said[0] == '\0' || strcmp(to, said) == 0)
		return false;
	(void)snprintf(to, size, "%s", said);
	return true;
}

static bool take_number(int64_t *to, int64_t said, int64_t nothing)
{
	if (said == nothing || *to == said)
		return false;
	*to = said;
	return true;
}

static bool take_int(int *to, int said)
{
	if (said < 0 || *to == said)
		return false;
	*to = said;
	return true;
}

/* The provider's words of this very answer: none of an older one stays beside them. */
static bool take_words(struct job *job, const struct report *report)
{
	bool same = job->wrapped == report->wrapped && strcmp(job->code, report->code) == 0 &&
		    strcmp(job->message, report->message) == 0 &&
		    strcmp(job->task_status, report->task_status) == 0 &&
		    strcmp(job->status, report->status) == 0;

	job->wrapped = report->wrapped;
	memcpy(job->code, report->code, sizeof(job->code));
	memcpy(job->message, report->message, sizeof(job->message));
	memcpy(job->task_status, report->task_status, sizeof(job->task_status));
	memcpy(job->status, report->status, sizeof(job->status));
	return !same;
}

static bool take_facts(struct job *job, const struct report *report)
{
	bool changed = take_words(job, report);

	changed |= take_int(&job->progress, report->progress);
	changed |= take_text(job->model, sizeof(job->model), report->model);
	changed |= take_number(&job->submitted_at, report->submitted_at, 0);
	changed |= take_number(&job->started_at, report->started_at, 0);
	changed |= take_number(&job->finished_at, report->finished_at, 0);
	changed |= take_number(&job->cost_ticks, report->cost_ticks, -1);
	changed |= take_int(&job->respect_moderation, report->respect_moderation);
	changed |= take_text(job->url, sizeof(job->url), report->url);
	if (report->duration_s >= 0 && job->duration_s != report->duration_s) {
		job->duration_s = report->duration_s;
		changed = true;
	}
	return changed;
}

/* What else happens the moment that a job is final. */
static void become_final(struct job *job, int64_t now_ms)
{
	job->done_ms = now_ms;
	job->poll_next_ms = 0;
	if (job->state != JOB_DONE)
		return;
	job->progress = 100;
	job->video = VIDEO_FETCHING;
}

static bool move_state(struct job *job, const struct report *report, int64_t now_ms)
{
	if (report->state <= job->state)
		return false;
	job->state = report->state;
	if (job->state == JOB_FAILED) {
		job->error = report->error;
		(void)snprintf(job->error_message, sizeof(job->error_message), "%s",
			report->error_message);
	}
	if (job_is_final(job))
		become_final(job, now_ms);
	return true;
}

bool job_accept(struct job *job, const struct report *report, int64_t now_ms)
{
	if (job_is_final(job))
		return false;
	bool changed = take_facts(job, report);
	changed |= move_state(job, report, now_ms);
	return changed;
}

void job_set_video_error(struct job *job, enum error_code error, const char *message)
{
	job->video_error = error;
	(void)snprintf(job->video_message, sizeof(job->video_message), "%s", message);
}

void job_set_video_empty(struct job *job)
{
	job->video_bytes = job->video_synced = 0;
	job->video_extents.count = 0;
}

/* What a former life has left of a video is nothing to anybody before it was compared. */
static bool is_looked_at(const struct job *job)
{
	return job->video_bytes >= job->video_synced;
}

int64_t job_video_bytes(const struct job *job)
{
	return job->video_bytes + (is_looked_at(job) ? extents_bytes(&job->video_extents) : 0);
}

int64_t job_video_gap(const struct job *job, int64_t at)
{
	if (at < job->video_bytes)
		at = job->video_bytes;
	return is_looked_at(job) ? extents_gap(&job->video_extents, at) : at;
}

void job_fail(struct job *job, enum error_code error, const char *message, int64_t now_ms)
{
	if (job_is_final(job))
		return;
	job->state = JOB_FAILED;
	job->error = error;
	(void)snprintf(job->error_message, sizeof(job->error_message), "%s", message);
	become_final(job, now_ms);
}
