/* SPDX-License-Identifier: MIT */
/*
 * Downloads: how one begins, and is cancelled. fetch_turn.c has whose turn it is, fetch_get.c an
 * attempt, fetch_end.c its end.
 *
 * The provider's address is dying from the moment that it is told, so a download begins at once,
 * goes on where it was cut, and is given up only when nothing can come of it any more.
 */
#include "fetch.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool fetch_has_bytes(const struct fetch *f)
{
	return f->bytes > 0 || f->extents.count > 0;
}

void fetch_close_part(struct fetch *f)
{
	store_part_close(f->part);
	f->part = NULL;
}

/* Ends the fetch; its run may end with it. */
void fetch_drop(struct fetch *f)
{
	struct run *run = f->run;
	void (*then)(struct run * run) = f->then;

	assert(!f->task_out);
	turn_leave(f);
	for (int i = 0; i < 2; i++) {
		stream_drop(&f->streams[i]);
		stream_free_buffers(&f->streams[i]);
	}
	store_part_close(f->part);
	free(f);
	figures_add(FIGURE_DOWNLOADS_BEGUN, 0, -1);
	run->fetch = NULL;
	room_free(run);
	if (then != NULL)
		then(run);
	run_rest(run);
}

/* ---- the disk thread's part -------------------------------------------------------------------- */

static void on_task_done(struct disk_task *task)
{
	struct fetch *f = container_of(task, struct fetch, task);
	f->task_out = false;
	if (f->then != NULL)
		fetch_drop(f);
	else
		f->after(f);
}

void fetch_submit(
	struct fetch *f, void (*work)(struct disk_task *task), void (*after)(struct fetch *f))
{
	assert(!f->task_out);
	if (engine.stopping)
		return;
	f->task_out = true;
	f->after = after;
	f->task.work = work;
	f->task.done = on_task_done;
	disk_do(&f->task);
}

static int work_open_part(struct fetch *f)
{
	int64_t end = extents_end(&f->extents);
	return store_part_open(engine.store, f->run->serial, f->synced,
		end > f->synced ? end : f->synced, &f->part);
}

static void work_open(struct disk_task *task)
{
	struct fetch *f = container_of(task, struct fetch, task);
	int r = f->adopting ? store_hash_open(engine.store, f->run->serial, &f->part)
			    : work_open_part(f);
	f->task_result = r == 0 ? fetch_rehash(f) : r;
}

static void work_rehash(struct disk_task *task)
{
	struct fetch *f = container_of(task, struct fetch, task);
	f->task_result = fetch_rehash(f);
}

/* ---- how it begins ------------------------------------------------------------------------------ */

static void work_reserve(struct disk_task *task)
{
	struct fetch *f = container_of(task, struct fetch, task);
	f->task_result = store_part_reserve(f->part, f->task_reserve);
}

static void after_reserve(struct fetch *f)
{
	if (f->task_result == 0)
		fetch_get(f);
	else
		fetch_wait_for_room(f, strerror(-f->task_result));
}

/*
 * What an attempt announced that brought nothing was of something else. Where the size is known, the
 * server is not asked before there is room.
 */
static void attempt(struct fetch *f)
{
	struct job job;
	rows_load(f->run, &job);
	if (!fetch_has_bytes(f))
		f->size = job.video_size;
	if (f->size <= 0) {
		fetch_get(f);
	} else if (!room_claim(f->run, f->size)) {
		fetch_wait_for_room(f, ROOM_FULL);
	} else {
		f->step = FETCH_PREPARING;
		f->task_reserve = f->size;
		fetch_submit(f, work_reserve, after_reserve);
	}
}

/* Behind a front without the first 8 bytes, which are looked at while they come, is nothing. */
static void take_stock(struct fetch *f)
{
	f->bytes = f->synced = store_part_bytes(f->part);
	f->unsynced = 0;
	extents_clip(&f->extents, f->bytes, store_part_end(f->part));
	if (fetch_has_bytes(f))
		fetch_show(f, false);
}

/* Whether the part is not what was synced: a version that kept no hash of it is believed. */
static bool is_strange(const struct fetch *f)
{
	int r = f->task_result;
	if (r == -ELOOP || r == -EUCLEAN || r == -EISDIR)
		return true; /* no plain file */
	return r == 0 && !f->adopting && f->sha256[0] != '\0' &&
	       strcmp(f->sha256, f->task_sha256) != 0;
}

static void distrust(struct fetch *f)
{
	struct job job;
	rows_load(f->run, &job);
	log_job(LOG_LEVEL_WARNING, job.id,
		"its part is not what had come, it is fetched from the start");
	fetch_begin_anew(f);
	turn_yield(f);
}

static void after_prepare(struct fetch *f)
{
	if (f->task_result > 0) {
		fetch_submit(f, work_rehash, after_prepare);
		return;
	}
	if (is_strange(f)) {
		distrust(f);
		return;
	}
	if (f->task_result < 0) {
		f->adopting = f->adopting && f->task_result != -ENOENT;
		fetch_reopen(f, f->task_result);
		return;
	}
	if (f->adopting) {
		f->bytes = store_part_bytes(f->part);
		fetch_end(f);
		return;
	}
	take_stock(f);
	attempt(f);
}

static void prepare(struct fetch *f)
{
	f->step = FETCH_PREPARING;
	fetch_submit(f, work_open, after_prepare);
}

void fetch_start(struct fetch *f)
{
	if (f->part == NULL)
		prepare(f);
	else
		attempt(f);
}

static void begin(struct run *run, bool adopting)
{
	struct job job;
	struct fetch *f = calloc(1, sizeof(*f));
	rows_load(run, &job);
	if (f == NULL) {
		log_job(LOG_LEVEL_ERROR, job.id,
			"no memory to fetch its video, the next mount tries again");
		return;
	}
	figures_add(FIGURE_DOWNLOADS_BEGUN, 0, 1);
	f->run = run;
	f->adopting = adopting;
	f->epoch = job.video_epoch;
	f->begun_ms = clock_ms();
	f->address_age_ms = clock_wall_ms() - job.done_ms;
	/* The first 8 bytes are looked at while they come; where fewer were kept, none is. */
	if (job.video_synced < 8) {
		job_set_video_empty(&job);
		job.sha256[0] = '\0';
	}
	f->bytes = f->synced = job.video_synced;
	f->extents = job.video_extents;
	memcpy(f->sha256, job.sha256, sizeof(f->sha256));
	room_hold(run, job.video_synced + extents_bytes(&job.video_extents));
	f->front = &f->streams[0];
	f->reach = &f->streams[1];
	for (int i = 0; i < 2; i++) {
		f->streams[i].fetch = f;
		f->streams[i].ended = true;
	}
	f->size = job.video_size;
	memcpy(f->etag, job.etag, sizeof(f->etag));
	run->fetch = f;
	turn_wait(f);
}

void fetch_begin(struct run *run)
{
	begin(run, false);
}

void fetch_adopt(struct run *run)
{
	begin(run, true);
}

void fetch_cancel(struct run *run, void (*then)(struct run *run))
{
	struct fetch *f = run->fetch;
	struct job job;
	if (f == NULL) {
		then(run);
		return;
	}
	rows_load(run, &job);
	if (job.video == VIDEO_FETCHING) /* else it was lost a moment ago */
		figures_add(FIGURE_DOWNLOADS, DOWNLOAD_CANCELLED, 1);
	f->then = then;
	if (!f->task_out)
		fetch_drop(f);
}

/* Only a tag could tell that another address has the rest of the same bytes. */
void fetch_refreshed(struct run *run, bool answered, bool fresh)
{
	struct fetch *f = run->fetch;
	if (f == NULL || f->step != FETCH_REFRESHING)
		return;
	f->asked = f->asked || answered;
	if (fresh && fetch_has_bytes(f) && f->etag[0] == '\0')
		fetch_begin_anew(f);
	turn_wait(f);
}

/* It has something, of which nothing is still being read and hashed. */
static bool may_be_kept(const struct fetch *f)
{
	return f->part != NULL && fetch_has_bytes(f) && f->step != FETCH_PREPARING &&
	       f->step != FETCH_JOINING;
}

void fetch_stop(struct run *run)
{
	struct fetch *f = run->fetch;
	if (f == NULL)
		return;
	f->front->exchange = f->reach->exchange = NULL;
	if (may_be_kept(f) && fetch_sync(f) == 0) {
		fetch_note_sync(f);
		fetch_show(f, false);
	}
	fetch_drop(f);
}
