/* SPDX-License-Identifier: MIT */
/* What any thread may ask of the jobs, the lock, and who waits. */
#include "base.h"
#include "job_lock.h"
#include "job_news.h"
#include "job_table.h"
#include "job_wait.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#define STEPS 1024 /* of a search, under the lock at a time */

/* Guards everything that is in memory of jobs. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static uint64_t last_ticket;

void job_lock(void)
{
	(void)pthread_mutex_lock(&lock);
}

void job_unlock(void)
{
	(void)pthread_mutex_unlock(&lock);
}

int job_get(uint64_t serial, struct job_view *view)
{
	job_lock();
	struct entry *entry = table_visible(serial);
	if (entry != NULL) {
		job_unpack(entry->packed, &view->job);
		view->revision = entry->revision;
		view->cached = entry->cached;
		view->cached_length = entry->cached_length;
		view->settled = entry->changing == 0;
		view->redated = entry->redated;
		memcpy(view->shown, entry->shown, sizeof(view->shown));
		entry->told = true;
	}
	job_unlock();
	return entry != NULL ? 0 : -ENOENT;
}

uint64_t job_find(const char *id)
{
	job_lock();
	const struct entry *entry = table_find(id);
	uint64_t serial = entry != NULL ? entry->serial : 0;
	job_unlock();
	return serial;
}

static bool is_listed(const struct entry *entry, enum job_state state)
{
	return !entry->hidden && (state == JOB_UNKNOWN || job_packed_state(entry->packed) == state);
}

uint64_t job_next(enum job_state state, uint64_t serial, char id[ID_SIZE])
{
	const struct entry *entry;
	int steps;
	do {
		job_lock();
		entry = table_next(serial);
		for (steps = 0; entry != NULL && !is_listed(entry, state) && steps < STEPS; steps++)
			entry = table_next(entry->serial);
		serial = entry != NULL ? entry->serial : 0;
		if (entry != NULL && steps < STEPS) {
			const char *text = job_packed_id(entry->packed);
			memcpy(id, text, strlen(text) + 1);
		}
		job_unlock();
	} while (steps == STEPS && serial != 0);
	return serial;
}

uint64_t job_before(uint64_t serial, struct job *job)
{
	const struct entry *entry;
	bool found;
	do {
		job_lock();
		entry = table_before(serial);
		serial = entry != NULL ? entry->serial : 0;
		found = entry != NULL && !entry->hidden;
		if (found)
			job_unpack(entry->packed, job);
		job_unlock();
	} while (serial != 0 && !found);
	return serial;
}

void job_redate(uint64_t serial)
{
	job_lock();
	struct entry *entry = table_visible(serial);
	if (entry != NULL)
		entry->redated++;
	job_unlock();
}

bool job_has_epoch(uint64_t serial, uint32_t epoch)
{
	struct job job = { .video_epoch = ~epoch };
	job_lock();
	const struct entry *entry = table_visible(serial);
	if (entry != NULL)
		job_unpack_numbers(entry->packed, &job);
	job_unlock();
	return job.video_epoch == epoch;
}

int job_open(uint64_t serial, enum job_file file)
{
	job_lock();
	struct entry *entry = table_visible(serial);
	if (entry != NULL)
		entry->opens[file]++;
	job_unlock();
	return entry != NULL ? 0 : -ENOENT;
}

/* What was shown otherwise than it is stays so until it was recalled. */
void job_close(uint64_t serial, enum job_file file)
{
	bool odd = false;
	job_lock();
	struct entry *entry = table_entry(serial);
	if (entry != NULL && --entry->opens[file] == 0) {
		odd = file == JOB_FILE_STATUS && entry->padded;
		if (odd)
			news_add(entry, JOB_NEWS_SIZE);
		else
			entry->shown[file] = 0;
	}
	job_unlock();
	if (odd)
		news_signal();
}

uint32_t job_show(uint64_t serial, enum job_file file, uint32_t size)
{
	job_lock();
	struct entry *entry = table_entry(serial);
	if (entry != NULL && (entry->opens[file] > 0 || entry->shown[file] > 0)) {
		if (size > entry->shown[file])
			entry->shown[file] = size;
		entry->padded = size < entry->shown[file];
		size = entry->shown[file];
	}
	job_unlock();
	return size;
}

void job_set_cached(uint64_t serial, uint32_t revision, uint32_t length)
{
	job_lock();
	struct entry *entry = table_entry(serial);
	if (entry != NULL) {
		entry->cached = revision;
		entry->cached_length = length;
	}
	job_unlock();
}

int job_wait_bytes(uint64_t serial, uint32_t epoch, int64_t from, int64_t to, struct waiter *w)
{
	struct job job;
	int status = -ENOENT;

	w->kind = WAITER_BYTES;
	w->key = serial;
	w->from = from;
	w->to = to;
	w->epoch = epoch;
	w->since_ms = clock_ms();
	job_lock();
	const struct entry *entry = table_visible(serial);
	if (w->state == WAITER_BARRED) {
		status = -EINTR;
	} else if (entry != NULL) {
		job_unpack_numbers(entry->packed, &job);
		status = waiter_judge(w, &job);
		if (status == 1)
			waiters_link(w);
	}
	job_unlock();
	return status == 1 ? 0 : status == 0 ? 1 : status;
}

uint64_t job_ticket(void)
{
	job_lock();
	uint64_t ticket = ++last_ticket;
	job_unlock();
	return ticket;
}

int job_wait_ticket(uint64_t ticket, struct waiter *w)
{
	w->kind = WAITER_TICKET;
	w->key = ticket;
	w->since_ms = clock_ms();
	job_lock();
	bool barred = w->state == WAITER_BARRED;
	if (!barred)
		waiters_link(w);
	job_unlock();
	return barred ? -EINTR : 0;
}

int job_wait_event(uint64_t number, struct waiter *w)
{
	w->kind = WAITER_EVENT;
	w->key = number;
	w->since_ms = clock_ms();
	job_lock();
	int r = w->state == WAITER_BARRED ? -EINTR : number < news_end() ? 1 : 0;
	if (r == 0)
		waiters_link(w);
	job_unlock();
	return r;
}

bool job_unwait(struct waiter *w)
{
	job_lock();
	bool linked = w->state == WAITER_LINKED;
	if (linked)
		waiters_unlink(w);
	else if (w->state == WAITER_NEW)
		w->state = WAITER_BARRED;
	job_unlock();
	return linked;
}
