/* SPDX-License-Identifier: MIT */
/* Counts, turns, events, waits and the log of the provider, all under one lock. */
#include "stage.h"

#include "body.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <search.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* Where one job or video is in its story; kind and name are the key. */
struct cursor {
	enum section_kind kind;
	char *name;
	uint64_t count;
	const struct step *step;
	int64_t used; /* turns that step has given */
	struct turn turn;
};

static int cursor_compare(const void *left, const void *right)
{
	const struct cursor *a = left;
	const struct cursor *b = right;
	return a->kind != b->kind ? (a->kind < b->kind ? -1 : 1) : strcmp(a->name, b->name);
}

static void cursor_free(void *node)
{
	struct cursor *cursor = node;
	free(cursor->name);
	free(cursor);
}

static int event_compare(const void *left, const void *right)
{
	return strcmp(left, right);
}

int stage_open(struct stage *stage, const char *log_path)
{
	pthread_condattr_t monotonic;
	stage->log_fd = -1;
	if (log_path)
		stage->log_fd =
			open(log_path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
	if (log_path && stage->log_fd < 0)
		return -errno;
	pthread_mutex_init(&stage->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&stage->changed, &monotonic);
	pthread_cond_init(&stage->counted, &monotonic);
	pthread_condattr_destroy(&monotonic);
	return 0;
}

void stage_stop(struct stage *stage)
{
	pthread_mutex_lock(&stage->lock);
	stage->stopping = true;
	pthread_cond_broadcast(&stage->changed);
	pthread_cond_broadcast(&stage->counted);
	pthread_mutex_unlock(&stage->lock);
}

void stage_close(struct stage *stage)
{
	tdestroy(stage->cursors, cursor_free);
	tdestroy(stage->events, free);
	pthread_cond_destroy(&stage->changed);
	pthread_cond_destroy(&stage->counted);
	pthread_mutex_destroy(&stage->lock);
	if (stage->log_fd >= 0)
		close(stage->log_fd);
}

/* One write a line, so that whoever reads along never sees half of one. */
static void log_line(const struct stage *stage, char *line, int length, size_t room)
{
	if (stage->log_fd < 0 || length < 0)
		return;
	size_t used = (size_t)length < room ? (size_t)length : room - 1;
	for (size_t i = 0; i < used; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = '?';
	line[used] = '\n';
	if (write(stage->log_fd, line, used + 1) < 0)
		perror("provider: log");
}

void stage_log(struct stage *stage, const char *format, ...)
{
	char line[1024];
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	log_line(stage, line, length, sizeof(line));
}

static void log_asked(struct stage *stage, const struct asked *asked, uint64_t count)
{
	const char *auth = asked->auth ? asked->auth : "none";
	bool is_bytes = asked->range && strncmp(asked->range, "bytes=", strlen("bytes=")) == 0;
	size_t unit = is_bytes ? strlen("bytes=") : 0;
	if (asked->kind == SECTION_JOB)
		stage_log(stage, "poll %s auth=%s path=%s n=%" PRIu64, asked->name, auth,
			asked->path, count);
	else
		stage_log(stage, "%s %s range=%s auth=%s if-range=%s n=%" PRIu64,
			asked->head ? "head" : "video", asked->name,
			asked->range ? asked->range + unit : "none", auth,
			asked->if_range ? asked->if_range : "none", count);
}

/* Under lock. NULL where memory has run out. */
static struct cursor *cursor_of(struct stage *stage, enum section_kind kind, const char *name)
{
	struct cursor wanted = { .kind = kind, .name = (char *)(uintptr_t)name };
	struct cursor **found = tfind(&wanted, &stage->cursors, cursor_compare);
	if (found)
		return *found;
	struct cursor *cursor = calloc(1, sizeof(*cursor));
	if (!cursor)
		return NULL;
	cursor->kind = kind;
	cursor->name = strdup(name);
	if (!cursor->name || !tsearch(cursor, &stage->cursors, cursor_compare)) {
		cursor_free(cursor);
		return NULL;
	}
	return cursor;
}

static bool is_raised(const struct stage *stage, const char *event)
{
	return tfind(event, &stage->events, event_compare) != NULL;
}

static bool step_is_over(const struct stage *stage, const struct cursor *cursor)
{
	const struct step *step = cursor->step;
	if (!STAILQ_NEXT(step, next))
		return false;
	return step->until && !step->once ? is_raised(stage, step->until)
					  : cursor->used >= step->times;
}

/* Under lock. The times are kept from the first answer that shows them. */
static void turn_take(struct cursor *cursor, const struct step *step)
{
	int64_t now = (int64_t)time(NULL);
	struct turn *turn = &cursor->turn;
	if (!turn->submitted)
		turn->submitted = now - 2;
	if (!turn->started && body_shows(step) == BODY_SHOWS_START)
		turn->started = now;
	if (!turn->finished && body_shows(step) == BODY_SHOWS_FINISH)
		turn->finished = now;
	turn->step = step;
}

static void turn_enter(struct stage *stage, struct cursor *cursor, const struct section *section,
	bool head, struct turn *turn)
{
	static const struct step plain = { .times = 1,
		.progress = -1,
		.cut = -1,
		.stall = -1,
		.cut_after = -1,
		.stall_after = -1,
		.rate = -1 };
	if (!cursor->step)
		cursor->step = STAILQ_FIRST(&section->steps);
	while (cursor->step && step_is_over(stage, cursor)) {
		cursor->step = STAILQ_NEXT(cursor->step, next);
		cursor->used = 0;
	}
	cursor->used += head ? 0 : 1;
	turn_take(cursor, cursor->step ? cursor->step : &plain);
	*turn = cursor->turn;
}

void stage_enter(struct stage *stage, const struct asked *asked, const struct section *section,
	struct turn *turn)
{
	*turn = (struct turn){ 0 };
	pthread_mutex_lock(&stage->lock);
	struct cursor *cursor = cursor_of(stage, asked->kind, asked->name);
	if (cursor) {
		cursor->count += asked->head ? 0 : 1;
		log_asked(stage, asked, cursor->count);
		if (section)
			turn_enter(stage, cursor, section, asked->head, turn);
		pthread_cond_broadcast(&stage->counted);
	}
	pthread_mutex_unlock(&stage->lock);
}

uint64_t stage_count(
	struct stage *stage, enum section_kind kind, const char *name, uint64_t at_least)
{
	struct cursor wanted = { .kind = kind, .name = (char *)(uintptr_t)name };
	uint64_t count = 0;
	pthread_mutex_lock(&stage->lock);
	for (;;) {
		struct cursor **found = tfind(&wanted, &stage->cursors, cursor_compare);
		count = found ? (*found)->count : 0;
		if (count >= at_least || stage->stopping)
			break;
		pthread_cond_wait(&stage->counted, &stage->lock);
	}
	pthread_mutex_unlock(&stage->lock);
	return count;
}

int stage_raise(struct stage *stage, const char *event)
{
	int r = 0;
	if (!script_awaits(&stage->script, event))
		return -ENOENT;
	pthread_mutex_lock(&stage->lock);
	stage_log(stage, "event %s", event);
	if (!is_raised(stage, event)) {
		char *copy = strdup(event);
		if (!copy || !tsearch(copy, &stage->events, event_compare)) {
			free(copy);
			r = -ENOMEM;
		}
	}
	pthread_cond_broadcast(&stage->changed);
	pthread_mutex_unlock(&stage->lock);
	return r;
}

static struct timespec deadline_in(int64_t ms)
{
	struct timespec at;
	clock_gettime(CLOCK_MONOTONIC, &at);
	int64_t ns = at.tv_nsec + ms % 1000 * 1000000;
	at.tv_sec += (time_t)(ms / 1000 + ns / 1000000000);
	at.tv_nsec = (long)(ns % 1000000000);
	return at;
}

static bool has_left(struct MHD_Connection *connection)
{
	char byte;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (!info)
		return true;
	ssize_t got = recv(info->connect_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

int stage_await(struct stage *stage, struct MHD_Connection *connection, const char *event)
{
	bool left = false;
	bool raised = false;
	pthread_mutex_lock(&stage->lock);
	while (!stage->stopping && !left && !raised) {
		raised = event && is_raised(stage, event);
		struct timespec second = deadline_in(1000);
		if (!raised)
			pthread_cond_timedwait(&stage->changed, &stage->lock, &second);
		left = has_left(connection);
	}
	pthread_mutex_unlock(&stage->lock);
	return raised ? 0 : -ECANCELED;
}

int stage_sleep(struct stage *stage, int64_t ms)
{
	struct timespec until = deadline_in(ms);
	int r = 0;
	pthread_mutex_lock(&stage->lock);
	while (!stage->stopping && r != ETIMEDOUT)
		r = pthread_cond_timedwait(&stage->changed, &stage->lock, &until);
	bool stopping = stage->stopping;
	pthread_mutex_unlock(&stage->lock);
	return stopping ? -ECANCELED : 0;
}
