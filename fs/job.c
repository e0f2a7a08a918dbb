/* SPDX-License-Identifier: MIT */
/*
 * The job table, the lock, and who waits.
 *
 * The engine alone changes the table, so it reads it without the lock, and prepares outside of it
 * whatever has to be allocated. Under the lock there is comparing, copying and linking, no more.
 */
#include "base.h"
#include "job_pack.h"
#include "job_wait.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	SLIST_ENTRY(entry) same_hash;
	uint64_t serial;
	struct packed *packed;
	bool hidden; /* being forgotten */
	uint32_t opens[JOB_FILES];
	uint32_t shown[JOB_FILES];
};

SLIST_HEAD(bucket, entry);

/* Guards everything in this file. No other lock is taken under it, nothing is called under it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct entry **by_serial; /* sorted; serials only rise, so a new one goes to the end */
static size_t count, room;
static struct bucket *by_id;
static size_t buckets; /* a power of two */
static uint64_t last_ticket;

/* The place of serial, or of the next larger one. */
static size_t place_of(uint64_t serial)
{
	size_t low = 0, high = count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (by_serial[middle]->serial < serial)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static struct entry *entry_of(uint64_t serial)
{
	size_t at = place_of(serial);
	return at < count && by_serial[at]->serial == serial ? by_serial[at] : NULL;
}

static struct entry *visible(uint64_t serial)
{
	struct entry *entry = entry_of(serial);
	return entry != NULL && !entry->hidden ? entry : NULL;
}

static uint64_t hash_of(const char *id)
{
	uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
	for (; *id != '\0'; id++)
		hash = (hash ^ (unsigned char)*id) * UINT64_C(1099511628211);
	return hash;
}

static struct bucket *bucket_of(const char *id)
{
	return &by_id[hash_of(id) & (buckets - 1)];
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
	uint64_t serial = 0;
	struct entry *entry;

	(void)pthread_mutex_lock(&lock);
	if (buckets > 0) {
		SLIST_FOREACH (entry, bucket_of(id), same_hash) {
			if (!entry->hidden && strcmp(job_packed_id(entry->packed), id) == 0)
				serial = entry->serial;
		}
	}
	(void)pthread_mutex_unlock(&lock);
	return serial;
}

uint64_t job_next(uint64_t serial, char id[ID_SIZE])
{
	uint64_t found = 0;

	(void)pthread_mutex_lock(&lock);
	for (size_t at = place_of(serial + 1); at < count && found == 0; at++) {
		if (by_serial[at]->hidden)
			continue;
		found = by_serial[at]->serial;
		const char *text = job_packed_id(by_serial[at]->packed);
		memcpy(id, text, strlen(text) + 1);
	}
	(void)pthread_mutex_unlock(&lock);
	return found;
}

size_t job_count(void)
{
	(void)pthread_mutex_lock(&lock);
	size_t jobs = count;
	(void)pthread_mutex_unlock(&lock);
	return jobs;
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
	struct entry *entry = entry_of(serial);
	if (entry != NULL && --entry->opens[file] == 0)
		entry->shown[file] = 0;
	(void)pthread_mutex_unlock(&lock);
}

uint32_t job_show(uint64_t serial, enum job_file file, uint32_t size)
{
	(void)pthread_mutex_lock(&lock);
	struct entry *entry = entry_of(serial);
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
	return job->video_bytes >= w->need ? 0 : 1;
}

int job_wait_bytes(uint64_t serial, uint32_t epoch, int64_t need, struct waiter *w)
{
	struct job job;
	int status = -ENOENT;

	w->for_bytes = true;
	w->key = serial;
	w->need = need;
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

/* Twice the room; the old arrays are freed outside the lock. */
static int grow(void)
{
	size_t new_room = room > 0 ? room * 2 : 1024;
	struct entry **new_serial = calloc(new_room, sizeof(struct entry *));
	struct bucket *new_id = calloc(new_room, sizeof(struct bucket));
	if (new_serial == NULL || new_id == NULL) {
		free(new_serial);
		free(new_id);
		return -ENOMEM;
	}
	struct entry **old_serial = by_serial;
	struct bucket *old_id = by_id;

	(void)pthread_mutex_lock(&lock);
	if (count > 0)
		memcpy(new_serial, by_serial, count * sizeof(struct entry *));
	by_serial = new_serial;
	by_id = new_id;
	room = buckets = new_room;
	for (size_t i = 0; i < count; i++) {
		struct entry *entry = by_serial[i];
		SLIST_INSERT_HEAD(bucket_of(job_packed_id(entry->packed)), entry, same_hash);
	}
	(void)pthread_mutex_unlock(&lock);
	free(old_serial);
	free(old_id);
	return 0;
}

int job_table_open(void)
{
	return grow();
}

void job_table_close(void)
{
	job_fail_waiters(-EIO);
	for (size_t i = 0; i < count; i++) {
		free(by_serial[i]->packed);
		free(by_serial[i]);
	}
	free(by_serial);
	free(by_id);
	by_serial = NULL;
	by_id = NULL;
	count = room = buckets = 0;
}

static int put_new(const struct job *job, struct packed *packed)
{
	struct entry *entry = calloc(1, sizeof(*entry));
	if (entry == NULL || (count == room && grow() != 0)) {
		free(entry);
		free(packed);
		return -ENOMEM;
	}
	entry->serial = job->serial;
	entry->packed = packed;
	(void)pthread_mutex_lock(&lock);
	assert(count == 0 || by_serial[count - 1]->serial < job->serial);
	by_serial[count++] = entry;
	SLIST_INSERT_HEAD(bucket_of(job->id), entry, same_hash);
	(void)pthread_mutex_unlock(&lock);
	return 0;
}

int job_put(const struct job *job)
{
	struct waiters taken = TAILQ_HEAD_INITIALIZER(taken);
	struct packed *packed = job_pack(job);
	if (packed == NULL)
		return -ENOMEM;
	struct entry *entry = entry_of(job->serial);
	if (entry == NULL)
		return put_new(job, packed);

	struct packed *old = entry->packed;
	struct job before;
	job_unpack_numbers(old, &before);
	int64_t since_ms = job->video_bytes > before.video_bytes ? clock_ms() : 0;
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
	struct entry *entry = entry_of(serial);
	if (entry != NULL)
		entry->hidden = false;
	(void)pthread_mutex_unlock(&lock);
}

int job_get_hidden(uint64_t serial, struct job *job)
{
	const struct entry *entry = entry_of(serial);
	if (entry == NULL)
		return -ENOENT;
	job_unpack(entry->packed, job);
	return 0;
}

void job_remove(uint64_t serial)
{
	struct waiters taken = TAILQ_HEAD_INITIALIZER(taken);
	struct job job;
	size_t at = place_of(serial);
	assert(at < count && by_serial[at]->serial == serial);
	struct entry *entry = by_serial[at];
	job_unpack(entry->packed, &job);

	(void)pthread_mutex_lock(&lock);
	count--;
	memmove(&by_serial[at], &by_serial[at + 1], (count - at) * sizeof(struct entry *));
	SLIST_REMOVE(bucket_of(job.id), entry, entry, same_hash);
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
