/* SPDX-License-Identifier: MIT */
/* What the end of an attempt means: a whole video, another attempt, or none any more. */
#include "cadence.h"
#include "fetch.h"
#include "mp4.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * What may pass by itself is tried again for so long: a page instead of a video as many time-outs as
 * make ten minutes by default; a refused address for the day that the provider promises, and not
 * less than ten minutes, since the clock may have been wrong when the job was done.
 */
#define JUNK_TIMEOUTS 20
#define SMALL_BYTES (64 << 10) /* a server that breaks off sooner than that, so often in a row, */
#define SMALL_STEPS 100 /* is not asked again at once */
#define URL_LIFE_MS INT64_C(86400000)
#define TRY_MS INT64_C(600000)

static void work_end(struct disk_task *task)
{
	struct fetch *f = container_of(task, struct fetch, task);
	struct store_video file;
	/* Apart from the rename, so that no more than that is tried again when it fails. */
	int r = f->adopting ? 0 : fetch_sync(f);
	f->task_synced = !f->adopting && r == 0;
	if (r != 0)
		store_part_close(f->part);
	else if (f->adopting)
		r = store_hash_finish(f->part, f->sha256);
	else
		r = store_part_finish(f->part, f->sha256);
	f->part = NULL;
	f->task_result = r;
	/* Renamed, but something failed behind that: the file is as whole as it can be. */
	if (f->task_result != 0 && store_look(engine.store, f->run->serial, &file) == 0)
		f->adopting = file.whole && file.whole_bytes == f->bytes;
}

static void work_delete(struct disk_task *task)
{
	struct fetch *f = container_of(task, struct fetch, task);
	f->task_result = store_delete_part(engine.store, f->run->serial);
}

static void lose(struct fetch *f, enum error_code error)
{
	struct job job;
	rows_load(f->run, &job);
	figures_add(FIGURE_DOWNLOADS, DOWNLOAD_LOST, 1);
	notice(NOTICE_LOST, job.id, error, f->reason);
	job.video = VIDEO_LOST;
	job.sha256[0] = '\0';
	job_set_video_error(&job, error, f->reason);
	job_set_video_empty(&job);
	rows_save(f->run, &job, NULL, 0, NULL);
	fetch_close_part(f);
	f->step = FETCH_ENDING;
	fetch_submit(f, work_delete, fetch_drop);
}

/* Says why it waits, in the document and, when that is news, in the log. */
void fetch_wait(struct fetch *f, enum error_code error, int64_t delay_ms)
{
	struct job job;
	rows_load(f->run, &job);
	if (job.video_error != error || strcmp(job.video_message, f->reason) != 0) {
		notice(NOTICE_WAITS, job.id, error, f->reason);
		job_set_video_error(&job, error, f->reason);
		rows_save(f->run, &job, NULL, 0, NULL);
	}
	turn_rest(f, delay_ms);
}

/* Where the size is known, the server is not asked before there is room. */
static void wait_for_room(struct fetch *f)
{
	struct job job;
	int64_t delay_ms = f->size > 0 ? 0 : cadence_back_off(f->failures);
	rows_load(f->run, &job);
	if (f->size > 0 && job.video_size != f->size)
		fetch_show(f, false);
	fetch_wait(f, ERROR_STORE_FULL, delay_ms > FETCH_FULL_MS ? delay_ms : FETCH_FULL_MS);
}

void fetch_wait_for_room(struct fetch *f, const char *why)
{
	(void)snprintf(f->reason, sizeof(f->reason), "%s", why);
	if (!room_is_in_the_way(f->run)) {
		wait_for_room(f);
		return;
	}
	fetch_begin_anew(f);
	f->step = FETCH_PREPARING;
	fetch_submit(f, work_delete, wait_for_room);
}

static int64_t back_off(const struct fetch *f)
{
	int64_t wished_ms = f->front->retry_after_ms;
	return wished_ms > 0 ? wished_ms : cadence_back_off(f->failures);
}

/* A day after the job was done, when nothing else can be expected of the provider any more. */
static bool is_hopeless(const struct fetch *f)
{
	int64_t tried_ms = clock_ms() - f->begun_ms;
	return f->asked && f->address_age_ms + tried_ms >= URL_LIFE_MS && tried_ms >= TRY_MS;
}

/* Tries again with a fresh address, for as long as there is hope. */
static void hope(struct fetch *f, enum error_code error)
{
	f->ask_first = true;
	if (is_hopeless(f))
		lose(f, error);
	else
		fetch_wait(f, error, back_off(f));
}

/* From the first byte, as another file: who has read of the old one gets an error. */
void fetch_begin_anew(struct fetch *f)
{
	struct job job;
	rows_load(f->run, &job);
	fetch_close_part(f);
	f->bytes = f->synced = 0;
	f->extents.count = 0;
	f->size = -1;
	f->etag[0] = f->sha256[0] = '\0';
	f->ranges = RANGES_UNKNOWN;
	f->most_bytes = 0;
	room_hold(f->run, 0);
	job_set_video_empty(&job);
	job.video_size = -1;
	job.etag[0] = job.sha256[0] = '\0';
	f->epoch = ++job.video_epoch;
	rows_save(f->run, &job, NULL, 0, NULL);
}

/* Not a video: what is there of one before is kept. */
static void be_junk(struct fetch *f)
{
	int64_t now_ms = clock_ms();
	if (f->junk_ms == 0)
		f->junk_ms = now_ms;
	f->ask_first = true;
	if (now_ms - f->junk_ms >= JUNK_TIMEOUTS * engine.options.timeout_ms)
		lose(f, ERROR_NOT_A_VIDEO);
	else
		fetch_wait(f, ERROR_NOT_A_VIDEO, back_off(f));
}

/* Not provably whole: an answer that is ended by closing ends like one that was cut. */
static bool is_unproven(const struct fetch *f)
{
	if (f->front->bounded || f->size >= 0)
		return false;
	int fd = store_open_video(engine.store, f->run->serial, false);
	bool whole = fd >= 0 && mp4_is_whole(fd, f->bytes);
	if (fd >= 0)
		(void)close(fd);
	return !whole;
}

/* Readers of what is not there any more wait for it again; nothing more is shown by that. */
static void show_loss(const struct fetch *f)
{
	struct job job;
	rows_load(f->run, &job);
	if (job.video_bytes <= f->bytes &&
		extents_bytes(&job.video_extents) <= extents_bytes(&f->extents))
		return;
	if (job.video_bytes > f->bytes)
		job.video_bytes = f->bytes;
	job.video_extents = f->extents;
	rows_show(f->run, &job);
}

void fetch_lose_unsynced(struct fetch *f)
{
	fetch_close_part(f);
	stream_drop(f->front);
	stream_drop(f->reach);
	f->bytes = f->synced;
	f->unsynced = 0;
	extents_keep_synced(&f->extents);
	show_loss(f);
}

void fetch_reopen(struct fetch *f, int error)
{
	fetch_lose_unsynced(f);
	f->failures++;
	(void)snprintf(f->reason, sizeof(f->reason), "%s", strerror(-error));
	fetch_wait(f, ERROR_STORE_FULL, FETCH_FULL_MS);
}

static void after_end(struct fetch *f)
{
	struct job job;
	if (f->task_result != 0) {
		if (f->task_synced)
			fetch_note_sync(f);
		fetch_reopen(f, f->task_result);
		return;
	}
	rows_load(f->run, &job);
	job.video = VIDEO_READY;
	job_set_video_error(&job, ERROR_NONE, "");
	job.video_size = job.video_bytes = job.video_synced = f->bytes;
	job.video_extents.count = 0;
	memcpy(job.sha256, f->sha256, sizeof(job.sha256));
	rows_save(f->run, &job, NULL, 0, NULL);
	figures_add(FIGURE_DOWNLOADS, DOWNLOAD_READY, 1);
	if (!f->run->again)
		figures_time(TIMED_DOWNLOAD, f->address_age_ms + clock_ms() - f->begun_ms);
	log_job(LOG_LEVEL_INFO, job.id, "its video is complete, %lld bytes", (long long)f->bytes);
	fetch_drop(f);
}

void fetch_end(struct fetch *f)
{
	f->step = FETCH_ENDING;
	stream_stop(f->reach); /* where it has brought the end */
	fetch_submit(f, work_end, after_end);
}

/* Who reads it gets an error now, and may ask why: it has a line of its own beside those that wait. */
static void change(struct fetch *f)
{
	struct job job;
	fetch_begin_anew(f);
	rows_load(f->run, &job);
	notice(NOTICE_ANEW, job.id, ERROR_TRANSPORT, f->reason);
	job_set_video_error(&job, ERROR_TRANSPORT, f->reason);
	rows_save(f->run, &job, NULL, 0, NULL);
	fetch_wait(f, ERROR_TRANSPORT, back_off(f));
}

static void count(enum fetch_outcome outcome)
{
	static const int words[] = {
		[FETCH_WHOLE] = FETCHED_WHOLE,
		[FETCH_YIELDED] = FETCHED_YIELDED,
		[FETCH_CUT] = FETCHED_CUT,
		[FETCH_DENIED] = FETCHED_DENIED,
		[FETCH_CHANGED] = FETCHED_CHANGED,
		[FETCH_JUNK] = FETCHED_NOT_A_VIDEO,
		[FETCH_TOO_LARGE] = FETCHED_TOO_LARGE,
		[FETCH_REFUSED] = FETCHED_REFUSED,
		[FETCH_REFUSED_FOR_GOOD] = FETCHED_REFUSED,
		[FETCH_FULL] = FETCHED_STORE_FULL,
		[FETCH_BROKEN] = FETCHED_STORE_BROKEN,
	};
	/* Where it has met a piece, the attempt goes on. */
	if (outcome != FETCH_OPEN && outcome != FETCH_MET)
		figures_add(FIGURE_FETCHES, (unsigned)words[outcome], 1);
}

static void say_attempt(const struct fetch *f)
{
	struct job job;
	rows_load(f->run, &job);
	log_job(LOG_LEVEL_DEBUG, job.id, "a request for its video is over at byte %lld of %lld%s%s",
		(long long)f->bytes, (long long)f->size, f->reason[0] != '\0' ? ": " : "",
		f->reason);
}

/* An attempt is over, and all that came with it is in the part. */
void fetch_conclude(struct fetch *f)
{
	struct stream *s = f->front;
	bool further = f->bytes > f->most_bytes;
	if (further) {
		f->most_bytes = f->bytes;
		f->junk_ms = 0;
	}
	f->failures = further ? 0 : f->failures + 1;
	f->small_steps = s->at - s->from < SMALL_BYTES ? f->small_steps + 1 : 0;
	f->ask_first = false;
	if (s->outcome == FETCH_WHOLE && is_unproven(f))
		(void)stream_fail(s, FETCH_CHANGED, "the video is not whole");
	memcpy(f->reason, s->reason, sizeof(f->reason));
	say_attempt(f);
	count(s->outcome);
	switch (s->outcome) {
	case FETCH_WHOLE:
		fetch_end(f);
		break;
	case FETCH_DENIED:
		hope(f, ERROR_URL_EXPIRED);
		break;
	case FETCH_CHANGED:
		change(f);
		break;
	case FETCH_JUNK:
		be_junk(f);
		break;
	case FETCH_TOO_LARGE:
		lose(f, ERROR_TOO_LARGE);
		break;
	case FETCH_REFUSED:
		hope(f, ERROR_REFUSED_ADDRESS);
		break;
	case FETCH_REFUSED_FOR_GOOD:
		lose(f, ERROR_REFUSED_ADDRESS);
		break;
	case FETCH_FULL:
		fetch_wait_for_room(f, s->reason);
		break;
	case FETCH_BROKEN:
		fetch_wait(f, ERROR_STORE_FULL, FETCH_FULL_MS);
		break;
	case FETCH_MET:
		fetch_get(f);
		break;
	case FETCH_YIELDED:
		turn_yield(f);
		break;
	case FETCH_CUT:
	case FETCH_OPEN:
		/* Where it goes forward, it goes on at once. */
		if (further && f->small_steps < SMALL_STEPS)
			fetch_get(f);
		else
			fetch_wait(f, ERROR_TRANSPORT, back_off(f));
		break;
	}
}
