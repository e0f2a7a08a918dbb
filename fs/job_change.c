/* SPDX-License-Identifier: MIT */
/*
 * What only the engine does to the jobs. It alone changes the table, so it reads it without the
 * lock, and prepares outside of it whatever has to be allocated.
 *
 * A change has three steps. From the first on, whatever is told of the job is told as about to
 * change; then what was told before is recalled; then the new value is there. So nobody keeps an old
 * one longer than it is true, and no lock is held while he is told.
 */
#include "base.h"
#include "job_counts.h"
#include "job_listings.h"
#include "job_lock.h"
#include "job_news.h"
#include "job_wait.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

static const struct job_audience *audience; /* set once before the threads start */
static struct job_counts counts; /* but for who waits. Shared: under the lock */
static int64_t changed_ms; /* any job. Shared: under the lock */

void job_set_audience(const struct job_audience *a)
{
	audience = a;
}

void job_counts(struct job_counts *out)
{
	job_lock();
	*out = counts;
	waiters_count(out->waiters);
	job_unlock();
}

int64_t job_changed_ms(void)
{
	job_lock();
	int64_t ms = changed_ms;
	job_unlock();
	return ms;
}

void job_listing(enum job_state state, struct job_listing *listing)
{
	job_lock();
	listing->jobs = 0;
	for (int s = 0; s < JOB_STATES; s++)
		listing->jobs += state == JOB_UNKNOWN || (int)state == s ? counts.jobs[s] : 0;
	listings_get(state, listing);
	job_unlock();
}

unsigned job_listing_begin(enum job_state state)
{
	job_lock();
	unsigned edition = listings_begin_list(state);
	job_unlock();
	return edition;
}

bool job_listing_end(enum job_state state, unsigned edition)
{
	job_lock();
	bool old = listings_end_list(state, edition);
	job_unlock();
	return old;
}

/* ---- the steps of a change --------------------------------------------------------------------- */

/* A job that is hidden, and stays so, is in no list, and not counted. */
static bool is_seen(const struct entry *entry, const struct job *before, const struct job *after)
{
	return entry == NULL || !entry->hidden || before == NULL || after == NULL;
}

/* The first step and the second. entry is NULL for a job that is in the table not yet. */
static void begin_change(struct entry *entry, const struct job *before, const struct job *after)
{
	job_lock();
	bool told = entry != NULL && entry->told;
	if (entry != NULL) {
		entry->told = false;
		entry->changing++;
	}
	bool moved = is_seen(entry, before, after) && listings_begin(before, after);
	job_unlock();
	if (audience != NULL && (told || moved))
		audience->recall(before, after, told);
}

/* The third, under the lock. */
static void end_change(struct entry *entry, const struct job *before, const struct job *after)
{
	entry->changing--;
	entry->revision++;
	for (int file = 0; file < JOB_FILES; file++) {
		if (entry->opens[file] == 0)
			entry->shown[file] = 0;
	}
	entry->padded = entry->padded && entry->opens[JOB_FILE_STATUS] > 0;
	if (!is_seen(entry, before, after))
		return;
	changed_ms = clock_wall_after_ms(changed_ms);
	listings_end(before, after);
	counts_move(&counts, before, after);
}

static void after_change(uint64_t serial, bool news)
{
	if (news)
		news_signal();
	if (audience != NULL)
		audience->changed(serial);
}

/* The old room is freed outside the lock, as the new one was made. */
static int grow(void)
{
	struct table_room room;
	int r = table_room_new(&room);
	if (r != 0)
		return r;
	job_lock();
	table_room_swap(&room);
	job_unlock();
	table_room_free(&room);
	return 0;
}

int job_table_open(void)
{
	listings_clear();
	news_clear();
	changed_ms = clock_wall_ms();
	return grow();
}

void job_table_close(void)
{
	job_fail_waiters(-EIO);
	table_free();
	counts = (struct job_counts){ .unanswered = 0 };
}

static struct entry *entry_new(const struct job *job, struct packed *packed)
{
	struct entry *entry = calloc(1, sizeof(*entry));
	if (entry == NULL || (table_is_full() && grow() != 0)) {
		free(entry);
		return NULL;
	}
	entry->serial = job->serial;
	entry->packed = packed;
	return entry;
}

/* quiet: nobody is told. */
static int put_new(const struct job *job, bool quiet)
{
	struct waiters taken = TAILQ_HEAD_INITIALIZER(taken);
	struct packed *packed = job_pack(job);
	struct entry *entry = packed != NULL ? entry_new(job, packed) : NULL;
	if (entry == NULL) {
		free(packed);
		return -ENOMEM;
	}
	unsigned news = quiet ? 0 : news_of(NULL, job);
	begin_change(NULL, NULL, job);
	job_lock();
	table_add(entry);
	entry->changing++;
	end_change(entry, NULL, job);
	if (!quiet)
		news_record(NULL, job, job->id);
	news_add(entry, news);
	waiters_take_events(&taken, news_end());
	job_unlock();
	waiters_wake(&taken);
	after_change(job->serial, news != 0);
	return 0;
}

int job_load(const struct job *job)
{
	return put_new(job, true);
}

int job_put(const struct job *job)
{
	struct waiters taken = TAILQ_HEAD_INITIALIZER(taken);
	struct entry *entry = table_entry(job->serial);
	if (entry == NULL)
		return put_new(job, false);
	struct packed *old = entry->packed, *packed = job_pack(job);
	if (packed == NULL)
		return -ENOMEM;

	struct job before;
	job_unpack_numbers(old, &before);
	int64_t since_ms = job_video_bytes(job) > job_video_bytes(&before) ? clock_ms() : 0;
	unsigned news = news_of(&before, job);
	begin_change(entry, &before, job);
	job_lock();
	entry->packed = packed;
	end_change(entry, &before, job);
	news_record(&before, job, job->id);
	news_add(entry, news);
	waiters_take_readers(&taken, job->serial, job, since_ms);
	waiters_take_events(&taken, news_end());
	job_unlock();
	free(old);
	waiters_wake(&taken);
	after_change(job->serial, news != 0);
	return 0;
}

static int hide(struct entry *entry, bool even_open)
{
	struct job job;
	job_unpack_numbers(entry->packed, &job);
	begin_change(entry, &job, NULL);
	job_lock();
	bool busy = entry->opens[JOB_FILE_VIDEO] > 0 && !even_open;
	entry->hidden = !busy;
	end_change(entry, &job, NULL);
	job_unlock();
	if (busy)
		job_unhide(entry->serial);
	return busy ? -EBUSY : 0;
}

int job_hide(uint64_t serial)
{
	struct entry *entry = table_visible(serial);
	return entry != NULL ? hide(entry, false) : -ENOENT;
}

void job_unhide(uint64_t serial)
{
	struct job job;
	struct entry *entry = table_entry(serial);
	if (entry == NULL)
		return;
	job_unpack_numbers(entry->packed, &job);
	begin_change(entry, NULL, &job);
	job_lock();
	entry->hidden = false;
	end_change(entry, NULL, &job);
	job_unlock();
}

void job_settle_size(uint64_t serial)
{
	struct job_view view;
	if (job_get(serial, &view) != 0)
		return;
	job_lock();
	struct entry *entry = table_entry(serial);
	if (entry != NULL)
		entry->changing++;
	job_unlock();
	if (entry == NULL)
		return;
	if (audience != NULL)
		audience->recall(&view.job, &view.job, true);
	job_lock();
	entry = table_entry(serial);
	if (entry != NULL)
		end_change(entry, &view.job, &view.job);
	job_unlock();
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
	job_unpack(entry->packed, &job);
	if (!entry->hidden)
		(void)hide(entry, true);
	job_lock();
	table_take_out(entry);
	news_forget(entry);
	news_record(&job, NULL, job.id);
	waiters_take_readers(&taken, serial, NULL, 0);
	waiters_take_events(&taken, news_end());
	job_unlock();
	free(entry->packed);
	free(entry);
	waiters_wake(&taken);
	after_change(serial, false);
}

void job_answer(uint64_t ticket, int status)
{
	struct waiters taken = TAILQ_HEAD_INITIALIZER(taken);

	job_lock();
	waiters_take_ticket(&taken, ticket, status);
	job_unlock();
	waiters_wake(&taken);
}

int64_t job_wanted(uint64_t serial, int64_t beyond)
{
	struct job job;
	const struct entry *entry = table_entry(serial);
	if (entry == NULL)
		return -1;
	job_unpack_numbers(entry->packed, &job);
	job_lock();
	int64_t wanted = waiters_wanted(serial, &job, beyond);
	job_unlock();
	return wanted;
}

size_t job_readers(uint64_t *serials, size_t room)
{
	job_lock();
	size_t readers = waiters_readers(serials, room);
	job_unlock();
	return readers;
}

int64_t job_ready_bytes(void)
{
	job_lock();
	int64_t bytes = counts.ready_bytes;
	job_unlock();
	return bytes;
}

int64_t job_expire(int64_t now_ms, const int64_t patience_ms[WAITER_KINDS])
{
	struct waiters taken = TAILQ_HEAD_INITIALIZER(taken);

	job_lock();
	int64_t next = waiters_take_expired(&taken, now_ms, patience_ms);
	job_unlock();
	waiters_wake(&taken);
	return next;
}

int64_t job_expire_old(int64_t now_ms, int64_t park_ms)
{
	struct waiters taken = TAILQ_HEAD_INITIALIZER(taken);

	job_lock();
	int64_t next = waiters_take_old(&taken, now_ms, park_ms);
	job_unlock();
	waiters_wake(&taken);
	return next;
}

void job_fail_waiters(int status)
{
	struct waiters taken = TAILQ_HEAD_INITIALIZER(taken);

	job_lock();
	waiters_take_all(&taken, status);
	job_unlock();
	waiters_wake(&taken);
}
