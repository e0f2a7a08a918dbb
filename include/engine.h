/* SPDX-License-Identifier: MIT */
/*
 * engine: the one thread that changes jobs.
 *
 * Owns    polls, downloads, deadlines, rows and files: all that happens to a job, and when.
 * Thread  engine_start(), engine_stop(): main's. The letters: any; they return at once.
 * Gives   the answer to a letter by job_answer(ticket, 0 or -errno).
 * Never   knows FUSE, inode numbers, curl's names.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include "catalog.h"
#include "http.h"
#include "provider.h"
#include "store.h"

#define KEY_SIZE 1024

/* Set once before the threads start; the texts stay the caller's, and there. */
struct engine_options {
	const struct provider *provider;
	const char *base; /* the provider's, without a trailing slash or /v1 */
	char key[KEY_SIZE]; /* copied, and wiped by engine_start() */
	int64_t interval_ms;
	int64_t interval_watched_ms;
	double poll_rate; /* a second; 0: no limit */
	int64_t timeout_ms;
	int64_t lookup_timeout_ms;
	int64_t park_ms; /* the longest that a request may wait for its answer; INT64_MAX: for ever */
	unsigned downloads;
	int64_t max_video; /* bytes */
	int64_t store_max; /* bytes of all videos; 0: no limit */
	struct http_limits limits;
};

/*
 * Reads the catalog, joins it with what the store has, starts the thread. Both stay the caller's.
 * 0 or -errno. Wipes options->key.
 */
int engine_start(struct engine_options *options, struct catalog *catalog, struct store *store);

/* Ends what is under way (parts stay for the next time), fails who waits with EIO. */
void engine_stop(void);

/* Letters. Answered: 0, -EEXIST, -ENOSPC, -EIO, -ESHUTDOWN. */
void engine_track(const char *id, uint64_t ticket);

/* Asks the provider about an untracked id, and tracks it: 0, -ENOENT, -EACCES, -ETIMEDOUT,
 * -EHOSTUNREACH, -EIO. */
void engine_lookup(const char *id, uint64_t ticket);

/* 0, -ENOENT, -EBUSY, -EIO. */
void engine_forget(uint64_t serial, uint64_t ticket);

/* Deletes the local copy of a video: 0, -ENOENT, -EIO. */
void engine_remove_video(uint64_t serial, uint64_t ticket);

/* Somebody reads the job's status.json. No answer. */
void engine_watch(uint64_t serial);

/* The file of a kept video is not what it was: it is looked at, and fetched again. No answer. */
void engine_damaged(uint64_t serial);

/* Somebody has begun to wait for bytes: his deadline counts. No answer. */
void engine_reader(void);

/* A new key, copied. No answer. */
void engine_rekey(const char *key);

#endif
