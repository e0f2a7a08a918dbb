/* SPDX-License-Identifier: MIT */
/*
 * job_wait: the lists of those who wait. Private to job*.c.
 *
 * All below needs the lock of job.c, but for waiters_wake(), which must not have it.
 */
#ifndef JOB_WAIT_H
#define JOB_WAIT_H

#include "job.h"

TAILQ_HEAD(waiters, waiter);

/* What a reader is told of a job: 1 wait, 0 it is there, -EIO never. job is NULL where there is none. */
int waiter_judge(const struct waiter *w, const struct job *job);

void waiters_link(struct waiter *w);
void waiters_unlink(struct waiter *w);

/* Moves w to the list taken, with what it will be told. From then on it is the taker's alone. */
void waiters_take(struct waiters *taken, struct waiter *w, int status);

/* Takes the waiter of a ticket, if it is there. */
void waiters_take_ticket(struct waiters *taken, uint64_t ticket, int status);

/*
 * Takes the readers of a job who need not wait any more. The patience of those who wait on begins
 * anew at since_ms, if that is above 0.
 */
void waiters_take_readers(
	struct waiters *taken, uint64_t serial, const struct job *job, int64_t since_ms);

/* Takes who waits for an event below the number end. */
void waiters_take_events(struct waiters *taken, uint64_t end);

/* As job_readers() and job_wanted(). */
size_t waiters_readers(uint64_t *serials, size_t room);
int64_t waiters_wanted(uint64_t serial, const struct job *job, int64_t beyond);

/* Takes, with -ETIMEDOUT, whose patience is over; the time when the next one's is. */
int64_t waiters_take_expired(
	struct waiters *taken, int64_t now_ms, const int64_t patience_ms[WAITER_KINDS]);

/* Likewise who has waited for park_ms at all. */
int64_t waiters_take_old(struct waiters *taken, int64_t now_ms, int64_t park_ms);

void waiters_take_all(struct waiters *taken, int status);

/* How many there are. */
void waiters_count(uint32_t counts[WAITER_KINDS]);

/* Wakes the taken. Without the lock: wake() frees its waiter, and may call into FUSE. */
void waiters_wake(struct waiters *taken);

#endif
