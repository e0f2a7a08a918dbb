/* SPDX-License-Identifier: MIT */
/*
 * The one thread that changes jobs: its runs, its loop, its beginning and its end.
 */
#include "manners.h"
#include "run.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <search.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTIONS_PER_HOST 128 /* polls, downloads and look-ups never wait for each other */

struct engine engine;

static pthread_t thread;
static void *runs; /* a tree by serial, of tsearch() */

/* ---- runs ---------------------------------------------------------------------------------- */

static int by_serial(const void *a, const void *b)
{
	uint64_t x = ((const struct run *)a)->serial, y = ((const struct run *)b)->serial;
	return (x > y) - (x < y);
}

struct run *run_find(uint64_t serial)
{
	const struct run key = { .serial = serial };
	struct run *const *found = tfind(&key, &runs, by_serial);
	return found != NULL ? *found : NULL;
}

struct run *run_of(uint64_t serial)
{
	struct run *run = run_find(serial);
	if (run != NULL)
		return run;
	run = calloc(1, sizeof(*run));
	if (run == NULL)
		return NULL;
	run->serial = serial;
	if (tsearch(run, &runs, by_serial) == NULL) {
		free(run);
		return NULL;
	}
	LIST_INSERT_HEAD(&engine.runs, run, link);
	return run;
}

void run_rest(struct run *run)
{
	if (run->poll != NULL || run->poll_due.at != 0 || run->fetch != NULL || run->changes > 0 ||
		run->ticket != 0)
		return;
	poll_end(run);
	room_hold(run, 0);
	(void)tdelete(run, &runs, by_serial);
	LIST_REMOVE(run, link);
	free(run);
}

/* ---- the loop ------------------------------------------------------------------------------ */

/* Does all that is due; milliseconds until the next, negative for none. */
static int64_t do_due(void)
{
	int64_t now_ms = clock_ms();
	const int64_t patience_ms[WAITER_KINDS] = {
		[WAITER_BYTES] = engine.options.timeout_ms,
		[WAITER_TICKET] = engine.options.lookup_timeout_ms,
		[WAITER_EVENT] = INT64_MAX,
	};
	int64_t next_ms = job_expire(now_ms, patience_ms);
	next_ms = lesser(next_ms, job_expire_old(now_ms, engine.options.park_ms));
	next_ms = lesser(next_ms, fetch_due(now_ms));
	next_ms = lesser(next_ms, poll_due(now_ms));
	next_ms = lesser(next_ms, notice_due(now_ms));
	next_ms = lesser(next_ms, rows_flush(now_ms));
	next_ms = lesser(next_ms, tally_due(now_ms));
	figures_set(FIGURE_STORE_TAKEN, 0, room_taken());
	if (next_ms == INT64_MAX)
		return -1;
	int64_t wait_ms = next_ms - clock_ms();
	return wait_ms > 0 ? wait_ms : 0;
}

/* Who waits is told first; then the disk ends what it has, and what came is kept. */
static void wind_down(void)
{
	struct run *run, *next;

	engine.stopping = true;
	job_fail_waiters(-EIO);
	disk_stop();
	probe_stop();
	for (run = LIST_FIRST(&engine.runs); run != NULL; run = next) {
		next = LIST_NEXT(run, link);
		run->poll = NULL; /* nobody runs it any more, it goes with http */
		fetch_stop(run);
	}
	rows_finish();
	for (run = LIST_FIRST(&engine.runs); run != NULL; run = next) {
		next = LIST_NEXT(run, link);
		poll_end(run);
		run->ticket = 0;
		run_rest(run);
	}
	assert(LIST_EMPTY(&engine.runs));
	fetch_free();
	manners_stop();
	notice_stop();
	letters_free();
	job_table_close();
	explicit_bzero(engine.options.key, sizeof(engine.options.key));
}

static void *engine_main(void *arg)
{
	(void)arg;
	while (letters_take()) {
		disk_done();
		http_poll(engine.http, do_due());
	}
	wind_down();
	return NULL;
}

static void wake(void)
{
	http_wake(engine.http);
}

static int start_thread(void)
{
	sigset_t all, before;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	int r = pthread_create(&thread, NULL, engine_main, NULL);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}

int engine_start(struct engine_options *options, struct catalog *catalog, struct store *store)
{
	LIST_INIT(&engine.runs);
	engine.options = *options;
	explicit_bzero(options->key, sizeof(options->key));
	engine.options.limits.connections_per_host = CONNECTIONS_PER_HOST;
	engine.catalog = catalog;
	engine.store = store;
	int r = http_origin(engine.options.base, engine.origin, sizeof(engine.origin));
	if (r == 0)
		r = job_table_open();
	if (r == 0)
		r = http_new(&engine.options.limits, &engine.http);
	if (r == 0)
		r = start_jobs();
	if (r == 0)
		r = disk_start(wake);
	if (r == 0)
		r = start_thread();
	return r;
}

void engine_stop(void)
{
	letters_stop();
	(void)pthread_join(thread, NULL);
	http_free(engine.http); /* not before: the letter's wake may still have been in it */
}
