/* SPDX-License-Identifier: MIT */
#include "figures.h"

#include "base.h"

#include <assert.h>
#include <stdatomic.h>

#define SECONDS 64 /* more than the minute that is looked back on */

const int64_t figures_limits_ms[TIMED_KINDS][FIGURES_BUCKETS] = {
	[TIMED_POLL] = { 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000 },
	[TIMED_DOWNLOAD] = { 100, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000, 1800000,
		21600000, 86400000 },
};

/* All of it: relaxed, each number stands by itself. */
static _Atomic int64_t values[FIGURES];
static struct times {
	_Atomic uint64_t counts[FIGURES_BUCKETS + 1];
	_Atomic int64_t sum_ms;
} times[TIMED_KINDS];

/* The polls of each of the last seconds, in a ring. Written by the engine thread alone. */
static struct second {
	_Atomic int64_t second;
	_Atomic int64_t polls;
} seconds[SECONDS];

void figures_add(enum figure figure, unsigned kind, int64_t more)
{
	assert(figure + kind < FIGURES);
	(void)atomic_fetch_add_explicit(&values[figure + kind], more, memory_order_relaxed);
}

void figures_set(enum figure figure, unsigned kind, int64_t value)
{
	assert(figure + kind < FIGURES);
	atomic_store_explicit(&values[figure + kind], value, memory_order_relaxed);
}

void figures_key(enum key_state state)
{
	if (atomic_load_explicit(&values[FIGURE_KEY], memory_order_relaxed) == (int64_t)state)
		return;
	figures_set(FIGURE_KEY, 0, state);
	figures_set(FIGURE_KEY_MS, 0, clock_ms());
}

void figures_time(enum timed what, int64_t ms)
{
	size_t bucket = 0;
	if (ms < 0)
		ms = 0;
	while (bucket < FIGURES_BUCKETS && ms > figures_limits_ms[what][bucket])
		bucket++;
	(void)atomic_fetch_add_explicit(&times[what].counts[bucket], 1, memory_order_relaxed);
	(void)atomic_fetch_add_explicit(&times[what].sum_ms, ms, memory_order_relaxed);
}

void figures_poll(int64_t now_ms)
{
	struct second *s = &seconds[(uint64_t)now_ms / 1000 % SECONDS];
	if (atomic_load_explicit(&s->second, memory_order_relaxed) != now_ms / 1000) {
		atomic_store_explicit(&s->polls, 0, memory_order_relaxed);
		atomic_store_explicit(&s->second, now_ms / 1000, memory_order_relaxed);
	}
	(void)atomic_fetch_add_explicit(&s->polls, 1, memory_order_relaxed);
}

static int64_t polls_since(int64_t second)
{
	int64_t polls = 0;
	for (size_t i = 0; i < SECONDS; i++) {
		if (atomic_load_explicit(&seconds[i].second, memory_order_relaxed) > second)
			polls += atomic_load_explicit(&seconds[i].polls, memory_order_relaxed);
	}
	return polls;
}

static void get_times(const struct times *from, struct figures_times *to)
{
	for (size_t i = 0; i <= FIGURES_BUCKETS; i++)
		to->counts[i] = atomic_load_explicit(&from->counts[i], memory_order_relaxed);
	to->sum_ms = atomic_load_explicit(&from->sum_ms, memory_order_relaxed);
}

void figures_get(struct figures *figures)
{
	figures->now_ms = clock_ms();
	for (size_t i = 0; i < FIGURES; i++)
		figures->value[i] = atomic_load_explicit(&values[i], memory_order_relaxed);
	for (size_t i = 0; i < TIMED_KINDS; i++)
		get_times(&times[i], &figures->times[i]);
	figures->polls_last_minute = polls_since(figures->now_ms / 1000 - 60);
}
