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

void waiters_link(struct waiter *w);
void waiters_unlink(struct waiter *w);

/* Moves w to the list taken, with what it will be told. From then on it is the taker's alone. */
void waiters_take(struct waiters *taken, struct waiter *w, int status);

/* Takes the waiter of a ticket, if it is there. */
void waiters_take_ticket(struct waiters *taken, uint64_t ticket, int status);

/*
 * Takes the readers of a job for whom judge() says 0 or negative; above 0 is "wait on". The
 * patience of those who wait on begins anew at since_ms, if that is above 0.
 */
void waiters_take_readers(struct waiters *taken, uint64_t serial,
	int (*judge)(const struct waiter *w, const struct job *job), const struct job *job,
	int64_t since_ms);

/* As job_readers() and job_wanted(). */
size_t waiters_readers(uint64_t *serials, size_t room);
int64_t waiters_wanted(uint64_t serial, const struct job *job, int64_t beyond);

/* Takes, with -ETIMEDOUT, whose patience is over; the time when the next one's is. */
int64_t waiters_take_expired(
	struct waiters *taken, int64_t now_ms, int64_t reader_ms, int64_t ticket_ms);

void waiters_take_all(struct waiters *taken, int status);

/* Wakes the taken. Without the lock: wake() frees its waiter, and may call into FUSE. */
void waiters_wake(struct waiters *taken);

#endif
