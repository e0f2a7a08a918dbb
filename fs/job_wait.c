/* SPDX-License-Identifier: MIT */
/* The lists of those who wait, each in the order in which patience ends. */
#include "job_wait.h"

#include <errno.h>
#include <string.h>

static struct waiters readers = TAILQ_HEAD_INITIALIZER(readers);
static struct waiters tickets = TAILQ_HEAD_INITIALIZER(tickets);
static struct waiters listeners = TAILQ_HEAD_INITIALIZER(listeners);
static struct waiters ages = TAILQ_HEAD_INITIALIZER(ages); /* all of them, never renewed */

static struct waiters *const lists[WAITER_KINDS] = {
	[WAITER_BYTES] = &readers,
	[WAITER_TICKET] = &tickets,
	[WAITER_EVENT] = &listeners,
};

static uint32_t linked[WAITER_KINDS];

int waiter_judge(const struct waiter *w, const struct job *job)
{
	if (job == NULL || job->video_epoch != w->epoch)
		return -EIO;
	if (job->video == VIDEO_READY)
		return 0;
	if (job->video != VIDEO_FETCHING)
		return -EIO;
	return job_video_gap(job, w->from) >= w->to ? 0 : 1;
}

void waiters_link(struct waiter *w)
{
	w->state = WAITER_LINKED;
	w->asked_ms = w->since_ms;
	TAILQ_INSERT_TAIL(lists[w->kind], w, link);
	TAILQ_INSERT_TAIL(&ages, w, age);
	linked[w->kind]++;
}

void waiters_unlink(struct waiter *w)
{
	w->state = WAITER_TAKEN;
	TAILQ_REMOVE(lists[w->kind], w, link);
	TAILQ_REMOVE(&ages, w, age);
	linked[w->kind]--;
}

void waiters_take(struct waiters *taken, struct waiter *w, int status)
{
	waiters_unlink(w);
	w->status = status;
	TAILQ_INSERT_TAIL(taken, w, link);
}

void waiters_take_ticket(struct waiters *taken, uint64_t ticket, int status)
{
	struct waiter *w;
	TAILQ_FOREACH (w, &tickets, link) {
		if (w->key == ticket)
			break;
	}
	if (w != NULL)
		waiters_take(taken, w, status);
}

/* To the end of the list, which stays in order so. */
static void renew(struct waiter *w, int64_t since_ms)
{
	w->since_ms = since_ms;
	TAILQ_REMOVE(&readers, w, link);
	TAILQ_INSERT_TAIL(&readers, w, link);
}

void waiters_take_readers(
	struct waiters *taken, uint64_t serial, const struct job *job, int64_t since_ms)
{
	/* Who is renewed goes behind the last, and is not met again. */
	struct waiter *next, *last = TAILQ_LAST(&readers, waiters);
	for (struct waiter *w = TAILQ_FIRST(&readers); w != NULL; w = next) {
		next = w == last ? NULL : TAILQ_NEXT(w, link);
		if (w->key != serial)
			continue;
		int status = waiter_judge(w, job);
		if (status <= 0)
			waiters_take(taken, w, status);
		else if (since_ms > 0)
			renew(w, since_ms);
	}
}

void waiters_take_events(struct waiters *taken, uint64_t end)
{
	struct waiter *w, *next;
	for (w = TAILQ_FIRST(&listeners); w != NULL; w = next) {
		next = TAILQ_NEXT(w, link);
		if (w->key < end)
			waiters_take(taken, w, 0);
	}
}

static bool is_among(const uint64_t *serials, size_t count, uint64_t serial)
{
	for (size_t i = 0; i < count; i++) {
		if (serials[i] == serial)
			return true;
	}
	return false;
}

size_t waiters_readers(uint64_t *serials, size_t room)
{
	const struct waiter *w;
	size_t count = 0;
	TAILQ_FOREACH (w, &readers, link) {
		if (count < room && !is_among(serials, count, w->key))
			serials[count++] = w->key;
	}
	return count;
}

/* Those of one job stand in the order in which they came, whatever was renewed. */
int64_t waiters_wanted(uint64_t serial, const struct job *job, int64_t beyond)
{
	const struct waiter *w;
	TAILQ_FOREACH (w, &readers, link) {
		int64_t gap = w->key == serial ? job_video_gap(job, w->from) : -1;
		if (gap >= beyond && gap < w->to)
			return gap;
	}
	return -1;
}

static int64_t take_expired(
	struct waiters *list, struct waiters *taken, int64_t now_ms, int64_t patience_ms)
{
	struct waiter *w;
	if (patience_ms == INT64_MAX)
		return INT64_MAX;
	while ((w = TAILQ_FIRST(list)) != NULL && w->since_ms + patience_ms <= now_ms)
		waiters_take(taken, w, -ETIMEDOUT);
	return w != NULL ? w->since_ms + patience_ms : INT64_MAX;
}

int64_t waiters_take_expired(
	struct waiters *taken, int64_t now_ms, const int64_t patience_ms[WAITER_KINDS])
{
	int64_t next = INT64_MAX;
	for (int kind = 0; kind < WAITER_KINDS; kind++) {
		int64_t end = take_expired(lists[kind], taken, now_ms, patience_ms[kind]);
		next = end < next ? end : next;
	}
	return next;
}

int64_t waiters_take_old(struct waiters *taken, int64_t now_ms, int64_t park_ms)
{
	struct waiter *w;
	if (park_ms == INT64_MAX)
		return INT64_MAX;
	while ((w = TAILQ_FIRST(&ages)) != NULL && w->asked_ms + park_ms <= now_ms)
		waiters_take(taken, w, -ETIMEDOUT);
	return w != NULL ? w->asked_ms + park_ms : INT64_MAX;
}

void waiters_take_all(struct waiters *taken, int status)
{
	for (int kind = 0; kind < WAITER_KINDS; kind++) {
		struct waiter *w;
		while ((w = TAILQ_FIRST(lists[kind])) != NULL)
			waiters_take(taken, w, status);
	}
}

void waiters_count(uint32_t counts[WAITER_KINDS])
{
	memcpy(counts, linked, sizeof(linked));
}

void waiters_wake(struct waiters *taken)
{
	struct waiter *w;
	while ((w = TAILQ_FIRST(taken)) != NULL) {
		TAILQ_REMOVE(taken, w, link);
		w->wake(w, w->status);
	}
}
