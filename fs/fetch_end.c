/* SPDX-License-Identifier: MIT */
/* What the end of an attempt means: a whole video, another attempt, or none any more. */
#include "fetch.h"

#include <stdio.h>
#include <string.h>

#define JUNK_MAX 3 /* attempts: a page instead of a video may be a passing one */
#define URL_LIFE_MS INT64_C(86400000) /* the longest that a provider promises: a day */

static void work_end(struct disk_task *task)
{
	struct fetch *f = container_of(task, struct fetch, task);
	f->task_result = f->adopting ? store_hash_finish(f->part, f->sha256)
				     : store_part_finish(f->part, f->sha256);
	f->part = NULL;
}

static void work_delete(struct disk_task *task)
{
	struct fetch *f = container_of(task, struct fetch, task);
	f->task_result = store_delete(engine.store, f->run->serial);
}

static void lose(struct fetch *f, enum error_code error)
{
	struct job job;
	rows_load(f->run, &job);
	log_error("%s: its video is lost: %s", job.id, f->reason);
	job.video = VIDEO_LOST;
	job.video_error = error;
	(void)snprintf(job.video_message, sizeof(job.video_message), "%s", f->reason);
	job.video_bytes = job.video_synced = 0;
	rows_save(f->run, &job, NULL, 0, NULL);
	store_part_close(f->part);
	f->part = NULL;
	f->step = FETCH_ENDING;
	fetch_submit(f, work_delete, fetch_drop);
}

/* Says why it waits, in the document and, when that is news, in the log. */
void fetch_wait(struct fetch *f, enum error_code error, int64_t delay_ms)
{
	struct job job;
	rows_load(f->run, &job);
	if (job.video_error != error || strcmp(job.video_message, f->reason) != 0) {
		log_info("%s: the download waits: %s", job.id, f->reason);
		job.video_error = error;
		(void)snprintf(job.video_message, sizeof(job.video_message), "%s", f->reason);
		rows_save(f->run, &job, NULL, 0, NULL);
	}
	fetch_rest(f, delay_ms);
}

static int64_t back_off(const struct fetch *f)
{
	return f->retry_after_ms > 0 ? f->retry_after_ms : run_back_off(f->failures);
}

/* From the first byte, as another file: who has read of the old one gets an error. */
static void begin_anew(struct fetch *f)
{
	struct job job;
	rows_load(f->run, &job);
	store_part_close(f->part);
	f->part = NULL;
	f->keep = f->bytes = f->synced = 0;
	f->size = -1;
	f->etag[0] = '\0';
	job.video_bytes = job.video_synced = 0;
	job.video_size = -1;
	job.etag[0] = '\0';
	job.video_epoch++;
	rows_save(f->run, &job, NULL, 0, NULL);
}

static void be_denied(struct fetch *f)
{
	struct job job;
	rows_load(f->run, &job);
	f->ask_first = true;
	if (clock_wall_ms() - job.done_ms >= URL_LIFE_MS)
		lose(f, ERROR_URL_EXPIRED);
	else
		fetch_wait(f, ERROR_URL_EXPIRED, back_off(f));
}

static void after_end(struct fetch *f)
{
	struct job job;
	if (f->task_result != 0) {
		(void)snprintf(f->reason, sizeof(f->reason), "%s", strerror(-f->task_result));
		f->adopting = false;
		f->keep = f->synced;
		f->failures++;
		fetch_wait(f, ERROR_STORE_FULL, FETCH_FULL_MS);
		return;
	}
	rows_load(f->run, &job);
	job.video = VIDEO_READY;
	job.video_error = ERROR_NONE;
	job.video_message[0] = '\0';
	job.video_size = job.video_bytes = job.video_synced = f->bytes;
	memcpy(job.sha256, f->sha256, sizeof(job.sha256));
	rows_save(f->run, &job, NULL, 0, NULL);
	log_info("%s: its video is complete, %lld bytes", job.id, (long long)f->bytes);
	fetch_drop(f);
}

void fetch_end(struct fetch *f)
{
	f->step = FETCH_ENDING;
	fetch_submit(f, work_end, after_end);
}

/* An attempt is over, and all that came with it is in the part. */
void fetch_conclude(struct fetch *f)
{
	bool came = f->bytes > f->begun_bytes;
	f->failures = came ? 0 : f->failures + 1;
	f->ask_first = false;
	switch (f->outcome) {
	case FETCH_WHOLE:
		fetch_end(f);
		break;
	case FETCH_DENIED:
		be_denied(f);
		break;
	case FETCH_CHANGED:
		begin_anew(f);
		fetch_wait(f, ERROR_TRANSPORT, back_off(f));
		break;
	case FETCH_JUNK:
		f->ask_first = true;
		begin_anew(f);
		if (++f->junk >= JUNK_MAX)
			lose(f, ERROR_NOT_A_VIDEO);
		else
			fetch_wait(f, ERROR_NOT_A_VIDEO, back_off(f));
		break;
	case FETCH_TOO_LARGE:
		lose(f, ERROR_TOO_LARGE);
		break;
	case FETCH_REFUSED:
		lose(f, ERROR_REFUSED_ADDRESS);
		break;
	case FETCH_FULL:
	case FETCH_BROKEN:
		fetch_wait(f, ERROR_STORE_FULL, FETCH_FULL_MS);
		break;
	case FETCH_CUT:
	case FETCH_OPEN:
		/* Where it goes forward, it goes on at once. */
		if (came)
			fetch_get(f);
		else
			fetch_wait(f, ERROR_TRANSPORT, back_off(f));
		break;
	}
}
