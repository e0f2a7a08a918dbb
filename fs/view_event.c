/* SPDX-License-Identifier: MIT */
/* An event as a line: the same five keys in each, null where one says nothing. */
#include "view.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define VALUE_SIZE 32

static const char *const kinds[] = {
	[JOB_EVENT_TRACKED] = "tracked",
	[JOB_EVENT_STATE] = "state",
	[JOB_EVENT_PROGRESS] = "progress",
	[JOB_EVENT_VIDEO] = "video",
	[JOB_EVENT_FORGOTTEN] = "forgotten",
	[JOB_EVENT_DROPPED] = "dropped",
	[JOB_EVENT_IDLE] = "idle",
};

static void put_word(char value[VALUE_SIZE], const char *word)
{
	(void)snprintf(value, VALUE_SIZE, "\"%s\"", word);
}

static void put_number(char value[VALUE_SIZE], int number)
{
	if (number >= 0)
		(void)snprintf(value, VALUE_SIZE, "%d", number);
}

static void put_states(const struct job_event *event, char from[VALUE_SIZE], char to[VALUE_SIZE])
{
	if (event->kind != JOB_EVENT_TRACKED)
		put_word(from, view_job_state((enum job_state)event->from));
	if (event->kind != JOB_EVENT_FORGOTTEN)
		put_word(to, view_job_state((enum job_state)event->to));
}

static void put_values(const struct job_event *event, char from[VALUE_SIZE], char to[VALUE_SIZE])
{
	switch (event->kind) {
	case JOB_EVENT_TRACKED:
	case JOB_EVENT_STATE:
	case JOB_EVENT_FORGOTTEN:
		put_states(event, from, to);
		break;
	case JOB_EVENT_VIDEO:
		put_word(from, view_video_state((enum video_state)event->from));
		put_word(to, view_video_state((enum video_state)event->to));
		break;
	case JOB_EVENT_PROGRESS:
		put_number(from, event->from);
		put_number(to, event->to);
		break;
	case JOB_EVENT_DROPPED:
		put_number(to, event->to);
		break;
	case JOB_EVENT_IDLE:
		break;
	}
}

void view_event(const struct job_event *event, char line[VIEW_EVENT_SIZE])
{
	char when[VALUE_SIZE] = "", from[VALUE_SIZE] = "null", to[VALUE_SIZE] = "null";
	const char *quote = event->id[0] != '\0' ? "\"" : "";
	time_t seconds = (time_t)(event->time_ms / 1000);
	struct tm tm;

	if (gmtime_r(&seconds, &tm) != NULL)
		(void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	put_values(event, from, to);
	int length = snprintf(line, VIEW_EVENT_SIZE,
		"{\"time\":\"%s\",\"request_id\":%s%s%s,\"event\":\"%s\",\"old\":%s,\"new\":%s}\n",
		when, quote, event->id[0] != '\0' ? event->id : "null", quote, kinds[event->kind],
		from, to);
	assert(length > 0 && length < VIEW_EVENT_SIZE);
}
