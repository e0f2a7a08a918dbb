/* SPDX-License-Identifier: MIT */
/*
 * What has happened: the last so many events in a ring, and of each job what is not told yet. The
 * second has room in the job's own entry, so it can neither overflow nor fail.
 */
#include "job_news.h"

#include "base.h"
#include "job_lock.h"
#include "job_wait.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static struct job_event events[JOB_EVENTS];
static uint64_t events_end; /* the number of the next one */

static TAILQ_HEAD(untold, entry) untold = TAILQ_HEAD_INITIALIZER(untold);
static struct untold made = TAILQ_HEAD_INITIALIZER(made); /* of these, it is all that is untold */
static bool stopped;
static sem_t news;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* ---- events ------------------------------------------------------------------------------------ */

static void record(enum job_event_kind kind, int from, int to, const char *id)
{
	struct job_event *event = &events[events_end++ % JOB_EVENTS];
	event->time_ms = clock_wall_ms();
	event->kind = kind;
	event->from = from;
	event->to = to;
	memcpy(event->id, id, strlen(id) + 1);
}

void news_record(const struct job *before, const struct job *after, const char *id)
{
	if (before == NULL)
		record(JOB_EVENT_TRACKED, 0, (int)after->state, id);
	else if (after == NULL)
		record(JOB_EVENT_FORGOTTEN, (int)before->state, 0, id);
	if (before == NULL || after == NULL)
		return;
	if (before->state != after->state)
		record(JOB_EVENT_STATE, (int)before->state, (int)after->state, id);
	if (before->progress != after->progress)
		record(JOB_EVENT_PROGRESS, before->progress, after->progress, id);
	if (before->video != after->video)
		record(JOB_EVENT_VIDEO, (int)before->video, (int)after->video, id);
}

uint64_t news_end(void)
{
	return events_end;
}

uint64_t job_events_end(void)
{
	job_lock();
	uint64_t end = events_end;
	job_unlock();
	return end;
}

static void set_dropped(struct job_event *event, uint64_t count)
{
	event->time_ms = clock_wall_ms();
	event->kind = JOB_EVENT_DROPPED;
	event->from = 0;
	event->to = count < INT32_MAX ? (int)count : INT32_MAX;
	event->id[0] = '\0';
}

bool job_event_at(uint64_t *number, struct job_event *event)
{
	job_lock();
	uint64_t first = events_end > JOB_EVENTS ? events_end - JOB_EVENTS : 0;
	bool there = *number < events_end;
	if (*number < first) {
		set_dropped(event, first - *number);
		*number = first;
	} else if (there) {
		*event = events[(*number)++ % JOB_EVENTS];
	}
	job_unlock();
	return there;
}

/* ---- news -------------------------------------------------------------------------------------- */

unsigned news_of(const struct job *before, const struct job *after)
{
	if (after == NULL)
		return 0;
	if (before == NULL)
		/* Who makes a job by mkdir has told everybody already. */
		return after->poll_count > 0 ? JOB_NEWS_TRACKED : 0;
	unsigned what = 0;
	if (before->state != after->state || before->video != after->video)
		what |= JOB_NEWS_STATE;
	if (before->video != VIDEO_READY && after->video == VIDEO_READY)
		what |= JOB_NEWS_VIDEO;
	return what;
}

static struct untold *list_of(unsigned what)
{
	return what == JOB_NEWS_TRACKED ? &made : &untold;
}

static void set_news(struct entry *entry, unsigned what)
{
	struct untold *from = list_of(entry->news), *to = list_of(what);
	bool moves = entry->news == 0 || what == 0 || from != to;
	if (entry->news != 0 && moves)
		TAILQ_REMOVE(from, entry, news_link);
	if (what != 0 && moves)
		TAILQ_INSERT_TAIL(to, entry, news_link);
	entry->news = what;
}

void news_add(struct entry *entry, unsigned what)
{
	set_news(entry, entry->news | what);
}

void news_forget(struct entry *entry)
{
	set_news(entry, 0);
}

static void set_up(void)
{
	(void)sem_init(&news, 0, 0);
}

void news_signal(void)
{
	(void)pthread_once(&once, set_up);
	(void)sem_post(&news);
}

/*
 * Who tells of a new directory has to wait until all look-ups beside it have ended, and who comes
 * after him waits for him. One that waits for the provider would so hold up everybody.
 */
static bool is_held_up(void)
{
	uint32_t waiting[WAITER_KINDS];
	waiters_count(waiting);
	return waiting[WAITER_TICKET] > 0;
}

static void give(struct entry *entry, unsigned what, struct job_news *out)
{
	const char *id = job_packed_id(entry->packed);
	out->serial = entry->serial;
	out->what = what;
	memcpy(out->id, id, strlen(id) + 1);
	set_news(entry, entry->news & ~what);
}

enum taken { TAKEN, TAKEN_LATER, TAKEN_NONE };

/* TAKEN with what 0: it is over. */
static enum taken take(struct job_news *out)
{
	job_lock();
	bool held = is_held_up();
	struct entry *new = TAILQ_FIRST(&made), *entry = TAILQ_FIRST(&untold);
	enum taken taken = TAKEN;
	out->what = 0;
	if (!stopped && new != NULL && !held)
		give(new, JOB_NEWS_TRACKED, out);
	else if (!stopped && entry != NULL)
		give(entry, entry->news & ~(held ? JOB_NEWS_TRACKED : 0), out);
	else if (!stopped)
		taken = new != NULL ? TAKEN_LATER : TAKEN_NONE;
	job_unlock();
	return taken;
}

bool job_news_wait(struct job_news *out)
{
	static const struct timespec a_little = { 0, 20000000 };
	enum taken taken;
	(void)pthread_once(&once, set_up);
	while ((taken = take(out)) != TAKEN) {
		if (taken == TAKEN_LATER)
			(void)nanosleep(&a_little, NULL);
		else
			(void)sem_wait(&news);
	}
	return out->what != 0;
}

void job_news_stop(void)
{
	job_lock();
	stopped = true;
	job_unlock();
	news_signal();
}

void news_clear(void)
{
	events_end = 0;
	stopped = false;
	TAILQ_INIT(&untold);
	TAILQ_INIT(&made);
}
