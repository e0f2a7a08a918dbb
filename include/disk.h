/* SPDX-License-Identifier: MIT */
/*
 * disk: a thread for what may take long: syncs, commits, hashes.
 *
 * Owns    the thread and the tasks given to it, one after the other.
 * Thread  disk_start() and disk_stop(), disk_done(): the engine's.
 * Gives   every task back through disk_done(), in the order of their ends.
 * Never   decides anything, knows what a task does.
 */
#ifndef DISK_H
#define DISK_H

#include <sys/queue.h>

/* Lives inside what the work is about. */
struct disk_task {
	STAILQ_ENTRY(disk_task) link; /* shared: under disk.c's lock */
	void (*work)(struct disk_task *task); /* on the disk thread */
	void (*done)(struct disk_task *task); /* on the engine's, from disk_done() */
};

/* wake() is called on the disk thread whenever a task has ended. 0 or -errno. */
int disk_start(void (*wake)(void));

/*
 * Does all that was given, ends, and calls what is done(); what that gives is done too, on the
 * caller's thread.
 */
void disk_stop(void);

void disk_do(struct disk_task *task);

/* Calls done() of every task that has ended. */
void disk_done(void);

#endif
