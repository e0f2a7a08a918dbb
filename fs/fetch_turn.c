/* SPDX-License-Identifier: MIT */
/*
 * Whose turn it is to download: what somebody reads comes first, then the oldest. Every fourth turn
 * is that of the oldest in any case, so that it comes however much is read.
 */
#include "fetch.h"

#include <assert.h>

#define READ_TURNS 3 /* one after the other, while others wait */
#define TURN_MS 1000 /* a turn lasts so long before it is given up to a reader */
#define SLOW_BYTES ((int64_t)1 << 20) /* fewer than that in a time-out are slow; in so many */
#define SLOW_TIMEOUTS 20 /* where there are no ranges */
#define OPEN_PARTS 64 /* of those that rest at most */
#define READERS 32 /* are looked at, who has waited longest first */

TAILQ_HEAD(fetches, fetch);

static struct fetches queued = TAILQ_HEAD_INITIALIZER(queued); /* the oldest first */
static struct fetches active = TAILQ_HEAD_INITIALIZER(active);
static unsigned queued_count, active_count;
static unsigned read_turns; /* since one was that of the oldest */
static struct heap resting;
static unsigned open_parts; /* of those that rest */

/* ---- the lists -------------------------------------------------------------------------------- */

void turn_wait(struct fetch *f)
{
	f->step = FETCH_QUEUED;
	TAILQ_INSERT_TAIL(&queued, f, link);
	queued_count++;
}

static void end_rest(struct fetch *f)
{
	heap_remove(&resting, &f->due);
	if (f->part != NULL)
		open_parts--;
}

void turn_leave(struct fetch *f)
{
	switch (f->step) {
	case FETCH_QUEUED:
		TAILQ_REMOVE(&queued, f, link);
		queued_count--;
		break;
	case FETCH_PREPARING:
	case FETCH_GETTING:
	case FETCH_JOINING:
	case FETCH_ENDING:
		TAILQ_REMOVE(&active, f, link);
		active_count--;
		break;
	case FETCH_RESTING:
		end_rest(f);
		break;
	case FETCH_REFRESHING:
		break;
	}
}

static void leave_idle(struct fetch *f)
{
	turn_leave(f);
	stream_free_buffers(f->front);
	stream_free_buffers(f->reach);
}

void turn_rest(struct fetch *f, int64_t delay_ms)
{
	leave_idle(f);
	/* A thousand that wait for their server would take a thousand descriptors. */
	if (!fetch_has_bytes(f) || open_parts == OPEN_PARTS)
		fetch_lose_unsynced(f);
	else
		open_parts++;
	f->step = FETCH_RESTING;
	heap_set(&resting, &f->due, clock_ms() + delay_ms);
}

/* Who makes way for a reader is next when there is none; who is slow is last. */
void turn_yield(struct fetch *f)
{
	leave_idle(f);
	f->step = FETCH_QUEUED;
	queued_count++;
	if (f->slow)
		TAILQ_INSERT_TAIL(&queued, f, link);
	else
		TAILQ_INSERT_HEAD(&queued, f, link);
}

/* ---- who is next ------------------------------------------------------------------------------ */

/* Not before everybody sees that it has begun anew: who reads the old one must be told first. */
static bool may_start(const struct fetch *f)
{
	return f->step == FETCH_QUEUED && job_has_epoch(f->run->serial, f->epoch);
}

/* Of those that wait for their turn, the one whose reader has waited longest; NULL. */
static struct fetch *first_read(void)
{
	uint64_t serials[READERS];
	size_t count = job_readers(serials, READERS);
	for (size_t i = 0; i < count; i++) {
		const struct run *run = run_find(serials[i]);
		if (run != NULL && run->fetch != NULL && may_start(run->fetch))
			return run->fetch;
	}
	return NULL;
}

static struct fetch *next(void)
{
	struct fetch *oldest = TAILQ_FIRST(&queued);
	while (oldest != NULL && !may_start(oldest))
		oldest = TAILQ_NEXT(oldest, link);
	struct fetch *read = read_turns < READ_TURNS ? first_read() : NULL;
	if (read == NULL || read == oldest) {
		read_turns = 0;
		return oldest;
	}
	read_turns++;
	return read;
}

static int64_t bytes_of(const struct fetch *f)
{
	return f->bytes + extents_bytes(&f->extents);
}

static void start(void)
{
	struct fetch *f;
	while (active_count < engine.options.downloads && (f = next()) != NULL) {
		TAILQ_REMOVE(&queued, f, link);
		TAILQ_INSERT_TAIL(&active, f, link);
		queued_count--;
		active_count++;
		f->turn_ms = f->pace_ms = clock_ms();
		f->pace_bytes = bytes_of(f);
		f->slow = false;
		fetch_start(f);
	}
}

/* ---- who gives up his turn -------------------------------------------------------------------- */

static void yield(struct fetch *f)
{
	stream_stop(f->front);
	(void)stream_fail(f->front, FETCH_YIELDED, "");
}

static bool may_yield(const struct fetch *f)
{
	return f->step == FETCH_GETTING && !f->front->ended;
}

static bool is_making_way(void)
{
	const struct fetch *f;
	TAILQ_FOREACH (f, &active, link) {
		if (f->step == FETCH_GETTING && f->front->outcome == FETCH_YIELDED)
			return true;
	}
	return false;
}

/* For a reader of what waits: the youngest that nobody reads, and that need not begin again then. */
static int64_t make_way(int64_t now_ms)
{
	struct fetch *f;
	if (first_read() == NULL || is_making_way())
		return INT64_MAX;
	TAILQ_FOREACH_REVERSE(f, &active, fetches, link)
	{
		if (f->ranges != RANGES_YES || !may_yield(f) || job_wanted(f->run->serial, 0) >= 0)
			continue;
		if (now_ms < f->turn_ms + TURN_MS)
			return f->turn_ms + TURN_MS;
		yield(f);
		return now_ms;
	}
	return INT64_MAX;
}

/* When it is looked at next how fast it is: one that will have to begin again is given long. */
static int64_t pace_due(const struct fetch *f)
{
	return f->pace_ms +
	       engine.options.timeout_ms * (f->ranges == RANGES_YES ? 1 : SLOW_TIMEOUTS);
}

/* For whatever else waits: servers that send a byte a second would keep all turns for ever. */
static int64_t end_slow(int64_t now_ms)
{
	struct fetch *f;
	int64_t next_ms = INT64_MAX;
	TAILQ_FOREACH (f, &active, link) {
		if (now_ms >= pace_due(f)) {
			f->slow = bytes_of(f) - f->pace_bytes < SLOW_BYTES && may_yield(f);
			f->pace_ms = now_ms;
			f->pace_bytes = bytes_of(f);
			if (f->slow)
				yield(f);
		}
		next_ms = lesser(next_ms, pace_due(f));
	}
	return next_ms;
}

/* Whether others wait for the turns that are taken; the time to look again. */
static int64_t judge_turns(int64_t now_ms)
{
	if (TAILQ_EMPTY(&queued) || active_count < engine.options.downloads)
		return INT64_MAX;
	int64_t way_ms = make_way(now_ms);
	return lesser(way_ms, end_slow(now_ms));
}

static void wake_rested(int64_t now_ms)
{
	struct heap_node *node;
	while ((node = heap_top(&resting)) != NULL && node->key <= now_ms) {
		struct fetch *f = container_of(node, struct fetch, due);
		end_rest(f);
		if (f->ask_first) {
			f->step = FETCH_REFRESHING;
			poll_refresh(f->run);
		} else {
			turn_wait(f);
		}
	}
}

static int64_t pump_all(int64_t now_ms)
{
	struct fetch *f, *following;
	int64_t next_ms = INT64_MAX;
	for (f = TAILQ_FIRST(&active); f != NULL; f = following) {
		following = TAILQ_NEXT(f, link);
		if (f->step != FETCH_GETTING)
			continue;
		if (f->reach_not_before_ms > now_ms)
			next_ms = lesser(next_ms, f->reach_not_before_ms);
		if (fetch_pump(f))
			fetch_conclude(f);
	}
	return next_ms;
}

int64_t fetch_due(int64_t now_ms)
{
	wake_rested(now_ms);
	int64_t next_ms = pump_all(now_ms);
	start();
	figures_set(FIGURE_DOWNLOADS_QUEUED, 0, queued_count);
	figures_set(FIGURE_DOWNLOADS_ACTIVE, 0, active_count);
	next_ms = lesser(next_ms, judge_turns(now_ms));
	const struct heap_node *node = heap_top(&resting);
	return node != NULL ? lesser(next_ms, node->key) : next_ms;
}

void fetch_free(void)
{
	assert(TAILQ_EMPTY(&queued) && TAILQ_EMPTY(&active));
	heap_free(&resting);
}
