/* SPDX-License-Identifier: MIT */
/*
 * One attempt to get what is missing: by the front, which goes through the whole file, and, where
 * somebody reads far ahead of it, by the reach. Where the front meets what the reach has brought it
 * goes on behind that, so that nothing is fetched twice.
 */
#include "cadence.h"
#include "fetch.h"

#include <stdio.h>

#define FAR_BYTES ((int64_t)1 << 20) /* nearer than that, the front is there as soon */
#define REACH_MS 100 /* so long it brings one place before it goes to another */
#define REACH_STEP ((int64_t)128 << 10) /* where a reach begins, as the kernel's READs do */

/* ---- joining ----------------------------------------------------------------------------------- */

static void work_join(struct disk_task *task)
{
	struct fetch *f = container_of(task, struct fetch, task);
	f->task_result = fetch_rehash(f);
	/* What was synced of the piece is to be so of the front. */
	if (f->task_result == 0)
		f->task_result = fetch_sync(f);
}

/* Somebody has been at the piece: it is fetched again. */
static void say_damaged(const struct fetch *f)
{
	struct job job;
	rows_load(f->run, &job);
	log_job(LOG_LEVEL_WARNING, job.id,
		"a piece of its part is not what had come, it is fetched again");
}

static void after_join(struct fetch *f)
{
	if (f->task_result > 0) {
		fetch_submit(f, work_join, after_join);
		return;
	}
	if (f->task_result < 0) {
		fetch_reopen(f, f->task_result);
		return;
	}
	const struct extent *piece = extents_at(&f->extents, f->bytes);
	bool good = store_part_crc(f->part) == piece->crc;
	int64_t end = store_part_bytes(f->part);
	extents_clip(&f->extents, end, INT64_MAX);
	if (!good) {
		say_damaged(f);
		fetch_lose_unsynced(f);
		fetch_start(f);
		return;
	}
	f->bytes = end;
	fetch_note_sync(f);
	fetch_show(f, true);
	fetch_get(f);
}

/* The front has met what is there already. */
static void join(struct fetch *f)
{
	f->step = FETCH_JOINING;
	store_part_join(f->part, extents_at(&f->extents, f->bytes)->to);
	fetch_submit(f, work_join, after_join);
}

/* ---- the reach --------------------------------------------------------------------------------- */

/* Whether its request leads past byte `want` soon. */
static bool is_near(const struct stream *s, int64_t want)
{
	return s->from <= want && want < s->to && want - stream_received(s) <= FAR_BYTES;
}

/* One that grows needs no place of its own. */
static bool has_place(const struct fetch *f, int64_t from)
{
	return f->extents.count < EXTENTS_MAX || extents_gap(&f->extents, from - 1) == from;
}

static void start_reach(struct fetch *f, int64_t want)
{
	int64_t from = want - want % REACH_STEP;
	int64_t there, to = lesser(f->size, extents_next(&f->extents, want));
	/* Not again what is there just before it. */
	while ((there = extents_next(&f->extents, from)) < want)
		from = extents_gap(&f->extents, there);
	if (!has_place(f, from))
		return;
	stream_start(f->reach, from, to);
	f->reach_not_before_ms = clock_ms() + REACH_MS;
}

/*
 * Brings what he reads who has waited longest for something far ahead, each place for a time at
 * least, so that two who read on do not take it from each other at each READ. Best effort: where it
 * fails, and where there are too many pieces, readers wait for the front.
 */
static void aim(struct fetch *f)
{
	if (f->size < 0 || f->ranges == RANGES_NO || clock_ms() < f->reach_not_before_ms)
		return;
	int64_t want = job_wanted(f->run->serial, stream_received(f->front) + FAR_BYTES);
	/* Readers see what is there only when its row is on disk. */
	if (want < 0 || want >= f->size || extents_gap(&f->extents, want) > want)
		return;
	if (!f->reach->ended && is_near(f->reach, want))
		return;
	stream_stop(f->reach);
	if (stream_is_idle(f->reach))
		start_reach(f, want);
}

/* It has ended: what for? */
static void note_reach(struct fetch *f)
{
	struct stream *s = f->reach;
	if (s->outcome == FETCH_OPEN || s->outcome == FETCH_MET)
		return;
	s->outcome = FETCH_MET; /* noted */
	if (s->at > s->from) {
		f->reach_failures = 0;
		f->reach_not_before_ms = 0;
		return;
	}
	int64_t delay_ms = cadence_back_off(++f->reach_failures);
	if (delay_ms < s->retry_after_ms)
		delay_ms = s->retry_after_ms;
	f->reach_not_before_ms = clock_ms() + delay_ms;
}

/* ---- an attempt -------------------------------------------------------------------------------- */

/* The reach has brought what the front has met, and goes on from there. */
static bool take_over(struct fetch *f)
{
	struct stream *reach = f->reach;
	if (stream_is_idle(reach) || reach->at != f->bytes)
		return false;
	f->reach = f->front;
	f->front = reach;
	return true;
}

void fetch_get(struct fetch *f)
{
	int64_t next = extents_next(&f->extents, f->bytes);
	f->step = FETCH_GETTING;
	if (next == f->bytes)
		join(f);
	else if (f->bytes == f->size)
		fetch_end(f);
	else if (!take_over(f))
		stream_start(f->front, f->bytes, next);
}

/* Whether the front ended where there is more: a next request goes on at once. */
static void judge_end(struct fetch *f)
{
	struct stream *s = f->front;
	if (s->outcome != FETCH_WHOLE)
		return;
	if (s->to != INT64_MAX && f->bytes == s->to && f->bytes != f->size)
		s->outcome = FETCH_MET;
	else if (f->size >= 0 && f->bytes != f->size)
		(void)stream_fail(s, FETCH_CUT, "the server sent fewer bytes than announced");
	else if (f->bytes < 8)
		(void)stream_fail(s, FETCH_JUNK, NO_VIDEO);
}

/* In turns, so that neither waits for as long as the other has something. */
static bool write_next(struct fetch *f)
{
	bool front_was_last = f->task_stream == f->front;
	struct stream *first = front_was_last ? f->reach : f->front;
	struct stream *second = front_was_last ? f->front : f->reach;
	return fetch_write(first) || fetch_write(second);
}

/* What the front has met may still be in the reach's buffer. */
static bool is_met(const struct fetch *f)
{
	return f->front->outcome == FETCH_MET && extents_next(&f->extents, f->bytes) == f->bytes;
}

/* Where the front goes on at once, so does the reach; else it ends with it. */
static bool write_rest(struct fetch *f)
{
	if (fetch_write(f->front))
		return true;
	judge_end(f);
	if (f->front->outcome != FETCH_MET)
		stream_stop(f->reach);
	return !is_met(f) && fetch_write(f->reach);
}

bool fetch_pump(struct fetch *f)
{
	if (f->task_out)
		return false;
	/* A server may hold back the very byte that would show it. */
	if (!f->front->ended && stream_has_met(f->front)) {
		stream_stop(f->front);
		(void)stream_fail(f->front, FETCH_MET, "");
	}
	if (f->front->ended)
		return !write_rest(f);
	if (write_next(f))
		return false;
	if (f->reach->ended)
		note_reach(f);
	aim(f);
	return false;
}
