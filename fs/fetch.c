/* SPDX-License-Identifier: MIT */
/*
 * Downloads: whose turn it is, and how one begins. fetch_get.c has an attempt, fetch_end.c its end.
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

#define REHASH_STEP ((size_t)4 << 20) /* so that a commit never waits for long */

TAILQ_HEAD(fetches, fetch);

static struct fetches queued = TAILQ_HEAD_INITIALIZER(queued); /* the oldest first */
static struct fetches active = TAILQ_HEAD_INITIALIZER(active);
static unsigned active_count;
static struct heap resting;

static void prepare(struct fetch *f);
static void attempt(struct fetch *f);

/* ---- whose turn ------------------------------------------------------------------------------- */

static void enqueue(struct fetch *f)
{
	f->step = FETCH_QUEUED;
	TAILQ_INSERT_TAIL(&queued, f, link);
}

static void start_next(void)
{
	struct fetch *f;
	while (active_count < engine.options.downloads && (f = TAILQ_FIRST(&queued)) != NULL) {
		TAILQ_REMOVE(&queued, f, link);
		TAILQ_INSERT_TAIL(&active, f, link);
		active_count++;
		if (f->part == NULL)
			prepare(f);
		else
			attempt(f);
	}
}

/* Off the list that its step has it on. */
static void unlist(struct fetch *f)
{
	switch (f->step) {
	case FETCH_QUEUED:
		TAILQ_REMOVE(&queued, f, link);
		break;
	case FETCH_PREPARING:
	case FETCH_GETTING:
	case FETCH_JOINING:
	case FETCH_ENDING:
		TAILQ_REMOVE(&active, f, link);
		active_count--;
		break;
	case FETCH_RESTING:
		heap_remove(&resting, &f->due);
		break;
	case FETCH_REFRESHING:
		break;
	}
}

void fetch_close_part(struct fetch *f)
{
	store_part_close(f->part);
	f->part = NULL;
}

void fetch_rest(struct fetch *f, int64_t delay_ms)
{
	unlist(f);
	stream_free_buffers(f->front);
	stream_free_buffers(f->reach);
	/* A thousand that wait for their server would take a thousand descriptors. */
	if (f->bytes == 0)
		fetch_close_part(f);
	f->step = FETCH_RESTING;
	heap_set(&resting, &f->due, clock_ms() + delay_ms);
}

/* Ends the fetch; its run may end with it. */
void fetch_drop(struct fetch *f)
{
	struct run *run = f->run;
	void (*then)(struct run * run) = f->then;

	assert(!f->task_out);
	unlist(f);
	for (int i = 0; i < 2; i++) {
		struct stream *s = &f->streams[i];
		stream_stop(s);
		s->filled = s->written = 0;
		stream_free_buffers(s);
	}
	store_part_close(f->part);
	free(f);
	run->fetch = NULL;
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
	f->task_result = r == 0 ? store_part_rehash(f->part, REHASH_STEP) : r;
}

static void work_rehash(struct disk_task *task)
{
	struct fetch *f = container_of(task, struct fetch, task);
	f->task_result = store_part_rehash(f->part, REHASH_STEP);
}

/* ---- how it begins ------------------------------------------------------------------------------ */

/* What an attempt announced that brought nothing was of something else. */
static void attempt(struct fetch *f)
{
	struct job job;
	rows_load(f->run, &job);
	if (f->bytes == 0)
		f->size = job.video_size;
	fetch_get(f);
}

/* Fewer bytes are left of the part than there were: who has been promised them waits again. */
static void admit_loss(struct fetch *f)
{
	struct job job;
	rows_load(f->run, &job);
	if (f->bytes == job.video_bytes &&
		extents_bytes(&f->extents) == extents_bytes(&job.video_extents))
		return;
	job.video_bytes = job.video_synced = f->bytes;
	job.video_extents = f->extents;
	rows_save(f->run, &job, NULL, 0, NULL);
}

/* Behind a front without the first 8 bytes, which are looked at while they come, is nothing. */
static void take_stock(struct fetch *f)
{
	f->bytes = f->synced = store_part_bytes(f->part);
	f->unsynced = 0;
	extents_clip(&f->extents, f->bytes, store_part_end(f->part));
	admit_loss(f);
}

static void after_prepare(struct fetch *f)
{
	if (f->task_result > 0) {
		fetch_submit(f, work_rehash, after_prepare);
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

static void begin(struct run *run, bool adopting)
{
	struct job job;
	struct fetch *f = calloc(1, sizeof(*f));
	rows_load(run, &job);
	if (f == NULL) {
		log_error("%s: no memory to fetch its video", job.id);
		return;
	}
	f->run = run;
	f->adopting = adopting;
	f->begun_ms = clock_ms();
	f->address_age_ms = clock_wall_ms() - job.done_ms;
	/* The first 8 bytes are looked at while they come; where fewer were kept, none is. */
	if (job.video_synced < 8)
		job_set_video_empty(&job);
	f->bytes = f->synced = job.video_synced;
	f->extents = job.video_extents;
	f->front = &f->streams[0];
	f->reach = &f->streams[1];
	for (int i = 0; i < 2; i++) {
		f->streams[i].fetch = f;
		f->streams[i].ended = true;
	}
	f->size = job.video_size;
	memcpy(f->etag, job.etag, sizeof(f->etag));
	run->fetch = f;
	enqueue(f);
	start_next();
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
	if (f == NULL) {
		then(run);
		return;
	}
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
	if (fresh && f->bytes > 0 && f->etag[0] == '\0')
		fetch_begin_anew(f);
	enqueue(f);
}

static void wake_rested(int64_t now_ms)
{
	struct heap_node *node;
	while ((node = heap_top(&resting)) != NULL && node->key <= now_ms) {
		struct fetch *f = container_of(node, struct fetch, due);
		heap_remove(&resting, node);
		if (f->ask_first) {
			f->step = FETCH_REFRESHING;
			poll_refresh(f->run);
		} else {
			enqueue(f);
		}
	}
}

static void pump_all(void)
{
	struct fetch *f, *next;
	for (f = TAILQ_FIRST(&active); f != NULL; f = next) {
		next = TAILQ_NEXT(f, link);
		if (f->step == FETCH_GETTING && fetch_pump(f))
			fetch_conclude(f);
	}
}

int64_t fetch_due(int64_t now_ms)
{
	wake_rested(now_ms);
	pump_all();
	start_next();
	const struct heap_node *node = heap_top(&resting);
	return node != NULL ? node->key : INT64_MAX;
}

void fetch_stop(struct run *run)
{
	struct fetch *f = run->fetch;
	struct job job;
	if (f == NULL)
		return;
	f->front->exchange = f->reach->exchange = NULL;
	if (f->part != NULL && f->step != FETCH_PREPARING && store_part_sync(f->part) == 0) {
		rows_load(run, &job);
		job.video_bytes = job.video_synced = f->bytes;
		job.video_extents = f->extents;
		extents_sync(&job.video_extents);
		rows_save(run, &job, NULL, 0, NULL);
	}
	fetch_drop(f);
}

void fetch_free(void)
{
	heap_free(&resting);
}
