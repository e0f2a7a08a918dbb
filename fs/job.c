/* SPDX-License-Identifier: MIT */
/*
 * The job table, the lock, and who waits.
 *
 * The engine alone changes the table, so it reads it without the lock, and prepares outside of it
 * whatever has to be allocated. Under the lock there is comparing, copying and linking, no more.
 */
#include "base.h"
#include "job_pack.h"
#include "job_table.h"
#include "job_wait.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Guards everything in this file. No other lock is taken under it, nothing is called under it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static uint64_t last_ticket;
static int64_t ready_bytes; /* the engine thread only */

static struct entry *visible(uint64_t serial)
{
	struct entry *entry = table_entry(serial);
	return entry != NULL && !entry->hidden ? entry : NULL;
}

int job_get(uint64_t serial, struct job_view *view)
{
	(void)pthread_mutex_lock(&lock);
	const struct entry *entry = visible(serial);
	if (entry != NULL) {
		job_unpack(entry->packed, &view->job);
		memcpy(view->shown, entry->shown, sizeof(view->shown));
	}
	(void)pthread_mutex_unlock(&lock);
	return entry != NULL ? 0 : -ENOENT;
}

uint64_t job_find(const char *id)
{
	(void)pthread_mutex_lock(&lock);
	const struct entry *entry = table_find(id);
	uint64_t serial = entry != NULL ? entry->serial : 0;
	(void)pthread_mutex_unlock(&lock);
	return serial;
}

uint64_t job_next(uint64_t serial, char id[ID_SIZE])
{
	(void)pthread_mutex_lock(&lock);
	const struct entry *entry = table_next(serial);
	while (entry != NULL && entry->hidden)
		entry = table_next(entry->serial);
	if (entry != NULL) {
		const char *text = job_packed_id(entry->packed);
		memcpy(id, text, strlen(text) + 1);
	}
	serial = entry != NULL ? entry->serial : 0;
	(void)pthread_mutex_unlock(&lock);
	return serial;
}

size_t job_count(void)
{
	(void)pthread_mutex_lock(&lock);
	size_t jobs = table_count();
	(void)pthread_mutex_unlock(&lock);
	return jobs;
}

bool job_has_epoch(uint64_t serial, uint32_t epoch)
{
	struct job job = { .video_epoch = ~epoch };
	(void)pthread_mutex_lock(&lock);
	const struct entry *entry = visible(serial);
	if (entry != NULL)
		job_unpack_numbers(entry->packed, &job);
	(void)pthread_mutex_unlock(&lock);
	return job.video_epoch == epoch;
}

int job_open(uint64_t serial, enum job_file file)
{
	(void)pthread_mutex_lock(&lock);
	struct entry *entry = visible(serial);
	if (entry != NULL)
		entry->opens[file]++;
	(void)pthread_mutex_unlock(&lock);
	return entry != NULL ? 0 : -ENOENT;
}

void job_close(uint64_t serial, enum job_file file)
{
	(void)pthread_mutex_lock(&lock);
	struct entry *entry = table_entry(serial);
	if (entry != NULL && --entry->opens[file] == 0)
		entry->shown[file] = 0;
	(void)pthread_mutex_unlock(&lock);
}

uint32_t job_show(uint64_t serial, enum job_file file, uint32_t size)
{
	(void)pthread_mutex_lock(&lock);
	struct entry *entry = table_entry(serial);
	if (entry != NULL && entry->opens[file] > 0) {
		if (file != JOB_FILE_STATUS || size > entry->shown[file])
			entry->shown[file] = size;
		size = entry->shown[file];
	}
	(void)pthread_mutex_unlock(&lock);
	return size;
}

/* What a reader is told of a job: 1 wait, 0 it is there, -EIO never. */
static int judge(const struct waiter *w, const struct job *job)
{
	if (job == NULL || job->video_epoch != w->epoch)
		return -EIO;
	if (job->video == VIDEO_READY)
		return 0;
	if (job->video != VIDEO_FETCHING)
		return -EIO;
	return job_video_gap(job, w->from) >= w->to ? 0 : 1;
}

int job_wait_bytes(uint64_t serial, uint32_t epoch, int64_t from, int64_t to, struct waiter *w)
{
	struct job job;
	int status = -ENOENT;

	w->for_bytes = true;
	w->key = serial;
	w->from = from;
	w->to = to;
	w->epoch = epoch;
	w->since_ms = clock_ms();
	(void)pthread_mutex_lock(&lock);
	const struct entry *entry = visible(serial);
	if (w->state == WAITER_BARRED) {
		status = -EINTR;
	} else if (entry != NULL) {
		job_unpack_numbers(entry->packed, &job);
		status = judge(w, &job);
		if (status == 1)
			waiters_link(w);
	}
	(void)pthread_mutex_unlock(&lock);
	return status == 1 ? 0 : status == 0 ? 1 : status;
}

uint64_t job_ticket(void)
{
	(void)pthread_mutex_lock(&lock);
	uint64_t ticket = ++last_ticket;
	(void)pthread_mutex_unlock(&lock);
	return ticket;
}

int job_wait_ticket(uint64_t ticket, struct waiter *w)
{
	w->for_bytes = false;
	w->key = ticket;
	w->since_ms = clock_ms();
	(void)pthread_mutex_lock(&lock);
	bool barred = w->state == WAITER_BARRED;
	if (!barred)
		waiters_link(w);
	(void)pthread_mutex_unlock(&lock);
	return barred ? -EINTR : 0;
}

bool job_unwait(struct waiter *w)
{
	(void)pthread_mutex_lock(&lock);
	bool linked = w->state == WAITER_LINKED;
	if (linked)
		waiters_unlink(w);
	else if (w->state == WAITER_NEW)
		w->state = WAITER_BARRED;
	(void)pthread_mutex_unlock(&lock);
	return linked;
}

/* ---- the engine thread only ---------------------------------------------------------------- */

/* The old room is freed outside the lock, as the new one was made. */
static int grow(void)
{
	struct table_room room;
	int r = table_room_new(&room);
	if (r != 0)
		return r;
	(void)pthread_mutex_lock(&lock);
	table_room_swap(&room);
	(void)pthread_mutex_unlock(&lock);
	table_room_free(&room);
	return 0;
}

int job_table_open(void)
{
	return grow();
}

void job_table_close(void)
{
	job_fail_waiters(-EIO);
	table_free();
	ready_bytes = 0;
}

static int64_t ready_bytes_of(const struct job *job)
{
	return job->video == VIDEO_READY ? job->video_size : 0;
}

static int put_new(const struct job *job, struct packed *packed)
{
	struct entry *entry = calloc(1, sizeof(*entry));
	if (entry == NULL || (table_is_full() && grow() != 0)) {
		free(entry);
		free(packed);
		return -ENOMEM;
	}
	entry->serial = job->serial;
	entry->packed = packed;
	ready_bytes += ready_bytes_of(job);
	(void)pthread_mutex_lock(&lock);
	table_add(entry);
	(void)pthread_mutex_unlock(&lock);
	return 0;
}

int job_put(const struct job *job)
{
	struct waiters taken = TAILQ_HEAD_INITIALIZER(taken);
	struct packed *packed = job_pack(job);
	if (packed == NULL)
		return -ENOMEM;
	struct entry *entry = table_entry(job->serial);
	if (entry == NULL)
		return put_new(job, packed);

	struct packed *old = entry->packed;
	struct job before;
	job_unpack_numbers(old, &before);
	ready_bytes += ready_bytes_of(job) - ready_bytes_of(&before);
	int64_t since_ms = job_video_bytes(job) > job_video_bytes(&before) ? clock_ms() : 0;
	(void)pthread_mutex_lock(&lock);
	entry->packed = packed;
	waiters_take_readers(&taken, job->serial, judge, job, since_ms);
	(void)pthread_mutex_unlock(&lock);
	free(old);
	waiters_wake(&taken);
	return 0;
}

int job_hide(uint64_t serial)
{
	(void)pthread_mutex_lock(&lock);
	struct entry *entry = visible(serial);
	int r = entry == NULL ? -ENOENT : entry->opens[JOB_FILE_VIDEO] > 0 ? -EBUSY : 0;
	if (r == 0)
		entry->hidden = true;
	(void)pthread_mutex_unlock(&lock);
	return r;
}

void job_unhide(uint64_t serial)
{
	(void)pthread_mutex_lock(&lock);
	struct entry *entry = table_entry(serial);
	if (entry != NULL)
		entry->hidden = false;
	(void)pthread_mutex_unlock(&lock);
}

int job_get_hidden(uint64_t serial, struct job *job)
{
	const struct entry *entry = table_entry(serial);
	if (entry == NULL)
		return -ENOENT;
	job_unpack(entry->packed, job);
	return 0;
}

void job_remove(uint64_t serial)
{
	struct waiters taken = TAILQ_HEAD_INITIALIZER(taken);
	struct job job;
	struct entry *entry = table_entry(serial);
	assert(entry != NULL);
	job_unpack_numbers(entry->packed, &job);
	ready_bytes -= ready_bytes_of(&job);
	(void)pthread_mutex_lock(&lock);
	table_take_out(entry);
	waiters_take_readers(&taken, serial, judge, NULL, 0);
	(void)pthread_mutex_unlock(&lock);
	free(entry->packed);
	free(entry);
	waiters_wake(&taken);
}

void job_answer(uint64_t ticket, int status)
{
	struct waiters taken = TAILQ_HEAD_INITIALIZER(taken);

	(void)pthread_mutex_lock(&lock);
	waiters_take_ticket(&taken, ticket, status);
	(void)pthread_mutex_unlock(&lock);
	waiters_wake(&taken);
}

int64_t job_wanted(uint64_t serial, int64_t beyond)
{
	struct job job;
	const struct entry *entry = table_entry(serial);
	if (entry == NULL)
		return -1;
	job_unpack_numbers(entry->packed, &job);
	(void)pthread_mutex_lock(&lock);
	int64_t wanted = waiters_wanted(serial, &job, beyond);
	(void)pthread_mutex_unlock(&lock);
	return wanted;
}

size_t job_readers(uint64_t *serials, size_t room)
{
	(void)pthread_mutex_lock(&lock);
	size_t readers = waiters_readers(serials, room);
	(void)pthread_mutex_unlock(&lock);
	return readers;
}

int64_t job_ready_bytes(void)
{
	return ready_bytes;
}

int64_t job_expire(int64_t now_ms, int64_t reader_ms, int64_t ticket_ms)
{
	struct waiters taken = TAILQ_HEAD_INITIALIZER(taken);

	(void)pthread_mutex_lock(&lock);
	int64_t next = waiters_take_expired(&taken, now_ms, reader_ms, ticket_ms);
	(void)pthread_mutex_unlock(&lock);
	waiters_wake(&taken);
	return next;
}

void job_fail_waiters(int status)
{
	struct waiters taken = TAILQ_HEAD_INITIALIZER(taken);

	(void)pthread_mutex_lock(&lock);
	waiters_take_all(&taken, status);
	(void)pthread_mutex_unlock(&lock);
	waiters_wake(&taken);
}
