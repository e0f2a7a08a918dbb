/* SPDX-License-Identifier: MIT */
/* From the streams to the part, and what of it is told. */
#include "fetch.h"

#include <errno.h>
#include <string.h>

#define SYNC_BYTES ((int64_t)16 << 20) /* at most so many are lost in a power cut */
#define REHASH_STEP ((size_t)4 << 20) /* so that a commit never waits for long */

/* ---- on the disk thread ----------------------------------------------------------------------- */

static int write_some(struct fetch *f, const struct stream *s)
{
	int r = f->task_reserve > 0 ? store_part_reserve(f->part, f->task_reserve) : 0;
	if (r == 0 && s == f->front)
		r = store_part_append(f->part, s->writing, s->written);
	else if (r == 0)
		r = store_part_put(f->part, s->at, s->writing, s->written);
	if (r == 0)
		f->unsynced += (int64_t)s->written;
	f->task_crc = s == f->front ? 0 : extents_crc(0, s->writing, s->written);
	return r;
}

int fetch_rehash(struct fetch *f)
{
	int r = store_part_rehash(f->part, REHASH_STEP);
	return r == 0 ? store_part_hash(f->part, f->task_sha256) : r;
}

int fetch_sync(struct fetch *f)
{
	int r = store_part_sync(f->part);
	return r == 0 ? store_part_hash(f->part, f->task_sha256) : r;
}

/*
 * After a failed sync the kernel takes what it could not write for clean, and the next sync would
 * say that all is well: what is in the file is not known any more, but for what was synced.
 */
static void work_write(struct disk_task *task)
{
	struct fetch *f = container_of(task, struct fetch, task);
	bool sync = false;
	f->task_synced = false;
	f->task_result = write_some(f, f->task_stream);
	if (f->task_result == 0 && f->unsynced >= SYNC_BYTES) {
		sync = true;
		f->task_result = fetch_sync(f);
		f->task_synced = f->task_result == 0;
	}
	if (f->task_result == -EIO || (sync && !f->task_synced))
		fetch_close_part(f);
}

/* ---- on the engine's --------------------------------------------------------------------------- */

static bool same_extents(const struct extents *a, const struct extents *b)
{
	char texts[2][EXTENTS_TEXT_SIZE];
	if (a->count == 0 && b->count == 0)
		return true;
	extents_write(a, texts[0]);
	extents_write(b, texts[1]);
	return strcmp(texts[0], texts[1]) == 0;
}

/* Whether a crash must not forget what is new. */
static bool is_news(const struct fetch *f, const struct job *job)
{
	return job->video_size != f->size || job->video_synced != f->synced ||
	       strcmp(job->etag, f->etag) != 0 || !same_extents(&job->video_extents, &f->extents);
}

void fetch_show(struct fetch *f, bool well)
{
	struct job job;
	rows_load(f->run, &job);
	bool over = well && job.video_error != ERROR_NONE;
	bool news = over || is_news(f, &job);
	job.video_bytes = f->bytes;
	job.video_synced = f->synced;
	job.video_extents = f->extents;
	job.video_size = f->size;
	memcpy(job.sha256, f->sha256, sizeof(job.sha256));
	if (over)
		job_set_video_error(&job, ERROR_NONE, "");
	memcpy(job.etag, f->etag, sizeof(job.etag));
	if (news)
		rows_save(f->run, &job, NULL, 0, NULL);
	else
		rows_show(f->run, &job);
}

void fetch_note_sync(struct fetch *f)
{
	f->unsynced = 0;
	f->synced = f->bytes;
	memcpy(f->sha256, f->task_sha256, sizeof(f->sha256));
	extents_sync(&f->extents);
}

/* The account of what is in the part now. */
static void take_in(struct fetch *f, struct stream *s)
{
	int64_t from = s->at;
	s->at += (int64_t)s->written;
	figures_add(FIGURE_DOWNLOADED_BYTES, 0, (int64_t)s->written);
	s->written = 0;
	if (s == f->front)
		f->bytes = store_part_bytes(f->part);
	else
		(void)extents_add(
			&f->extents, from, s->at, f->task_crc); /* there was room when it began */
	if (f->task_synced)
		fetch_note_sync(f);
}

/* Both streams end: what they still have in hand is for nobody. */
static void fail(struct fetch *f, int error)
{
	stream_drop(f->front);
	stream_drop(f->reach);
	if (f->part == NULL)
		fetch_lose_unsynced(f);
	f->front->at = f->bytes;
	fetch_show(f, false);
	bool full = error == -ENOSPC || error == -EDQUOT;
	(void)stream_fail(f->front, full ? FETCH_FULL : FETCH_BROKEN, strerror(-error));
}

static void after_write(struct fetch *f)
{
	struct stream *s = f->task_stream;
	if (f->task_result != 0) {
		fail(f, f->task_result);
		return;
	}
	take_in(f, s);
	fetch_show(f, true);
	if (s->paused && s->exchange != NULL) {
		s->paused = false;
		http_resume(s->exchange);
	}
}

bool fetch_write(struct stream *s)
{
	struct fetch *f = s->fetch;
	/* The first 8 bytes are looked at before any is written. */
	if (s->filled == 0 || (stream_received(s) < 8 && !s->ended))
		return false;
	char *full = s->filling;
	s->filling = s->writing;
	s->writing = full;
	s->written = s->filled;
	s->filled = 0;
	f->task_stream = s;
	f->task_reserve = f->size;
	fetch_submit(f, work_write, after_write);
	return true;
}
