/* SPDX-License-Identifier: MIT */
/*
 * What has happened: the last so many events in a ring, and of each job what is not told yet. The
 * second has room in the job's own entry, so it can neither overflow nor fail.
 */
#include "job_news.h"

#include "base.h"
#include "job_lock.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>

static struct job_event events[JOB_EVENTS];
static uint64_t events_end; /* the number of the next one */

static TAILQ_HEAD(, entry) untold = TAILQ_HEAD_INITIALIZER(untold);
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
	if (before->video == VIDEO_READY && after->video != VIDEO_READY)
		what |= JOB_NEWS_GONE;
	return what;
}

void news_add(struct entry *entry, unsigned what)
{
	if (entry->news == 0 && what != 0)
		TAILQ_INSERT_TAIL(&untold, entry, news_link);
	entry->news |= what;
}

void news_forget(struct entry *entry)
{
	if (entry->news != 0)
		TAILQ_REMOVE(&untold, entry, news_link);
	entry->news = 0;
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

/* True when there is nothing to wait for. */
static bool take(struct job_news *out)
{
	job_lock();
	struct entry *entry = TAILQ_FIRST(&untold);
	bool over = stopped || entry != NULL;
	out->what = 0;
	if (!stopped && entry != NULL) {
		const char *id = job_packed_id(entry->packed);
		out->serial = entry->serial;
		out->what = entry->news;
		memcpy(out->id, id, strlen(id) + 1);
		news_forget(entry);
	}
	job_unlock();
	return over;
}

bool job_news_wait(struct job_news *out)
{
	(void)pthread_once(&once, set_up);
	while (!take(out))
		(void)sem_wait(&news);
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
}
