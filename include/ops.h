/* SPDX-License-Identifier: MIT */
/*
 * ops: what the kernel asks, answered or parked.
 *
 * Owns    the table of operations, the open handles.
 * Thread  libfuse's workers. No handler waits for anything.
 * Gives   one answer a request.
 * Never   knows curl, SQL, JSON, providers' formats, the lock.
 */
#ifndef OPS_H
#define OPS_H

#include "catalog.h"
#include "store.h"
#include "tree.h"

#include <fuse_lowlevel.h>

/* Set once before the threads start; all of it stays the caller's. */
struct ops_context {
	struct tree_owner owner;
	struct store *store;
	struct catalog *catalog;
	struct fuse_session *session;
	int fuse_fd; /* of the session */
	const char *provider; /* its name, for status.json */
	bool track_lookup;
	int64_t interval_watched_ms;
	bool auto_unmount; /* fusermount3 looks whether we are dead */

	/* for stats.json and metrics.prom */
	const char *mountpoint;
	double poll_rate;
	unsigned downloads;
	int64_t store_max;
};

extern const struct fuse_lowlevel_ops ops_table;

/* Before the engine starts, and the session. */
void ops_open(const struct ops_context *context);

/* After the session and the engine have ended: frees what programs still had open. */
void ops_close(void);

#endif
