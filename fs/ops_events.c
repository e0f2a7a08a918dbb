/* SPDX-License-Identifier: MIT */
/*
 * Open .cometfs/events: a stream of lines, from the moment of the open. A read has whole lines as
 * long as they fit, and waits for the first. Who is too slow is told how many he has missed.
 */
#include "ops_file.h"

#include "base.h"
#include "park.h"
#include "view.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* How far a reader has come. */
struct listener {
	uint64_t next; /* shared: under the lock, as all here; the number of his next event */
	bool busy; /* one of his READs is being answered */
	char rest[VIEW_EVENT_SIZE]; /* of a line that did not fit; a text */
};

int ops_events_open(struct handle *handle, struct fuse_file_info *fi)
{
	handle->listener = calloc(1, sizeof(*handle->listener));
	if (handle->listener == NULL)
		return -ENOMEM;
	handle->listener->next = job_events_end();
	fi->direct_io = fi->nonseekable = true;
	return 0;
}

void ops_events_close(const struct handle *handle)
{
	free(handle->listener);
}

bool ops_events_ready(const struct handle *handle)
{
	uint64_t end = job_events_end();
	ops_file_lock();
	bool ready = handle->listener->next < end || handle->listener->rest[0] != '\0';
	ops_file_unlock();
	return ready;
}

/* ---- read --------------------------------------------------------------------------------------- */

/* The listener is one READ's alone, from here until it is let go. */
static bool take(struct listener *listener)
{
	ops_file_lock();
	bool mine = !listener->busy;
	listener->busy = true;
	ops_file_unlock();
	return mine;
}

static void let_go(struct listener *listener, const struct listener *now)
{
	ops_file_lock();
	*listener = *now;
	listener->busy = false;
	ops_file_unlock();
}

/* As much of the rest as fits; how much that is. */
static size_t move_rest(struct listener *listener, char *buffer, size_t room)
{
	size_t length = strlen(listener->rest), fits = length < room ? length : room;
	memcpy(buffer, listener->rest, fits);
	memmove(listener->rest, listener->rest + fits, length - fits + 1);
	return fits;
}

/* Lines; a line that does not fit waits for the next READ, unless it is the only one. */
static size_t fill(struct listener *listener, char *buffer, size_t size)
{
	struct job_event event;
	size_t used = move_rest(listener, buffer, size);
	while (listener->rest[0] == '\0' && used < size && job_event_at(&listener->next, &event)) {
		view_event(&event, listener->rest);
		if (used == 0 || strlen(listener->rest) <= size - used)
			used += move_rest(listener, buffer + used, size - used);
	}
	return used;
}

static void reply_lines(fuse_req_t req, struct listener *listener, size_t size)
{
	char *buffer = malloc(size + 1);
	if (buffer == NULL || !take(listener)) {
		(void)fuse_reply_err(req, buffer == NULL ? ENOMEM : EAGAIN);
		free(buffer);
		return;
	}
	struct listener now = *listener;
	size_t used = fill(&now, buffer, size);
	let_go(listener, &now);
	(void)fuse_reply_buf(req, buffer, used);
	free(buffer);
}

/* Nobody waits longer than the kernel lets him. */
static void reply_idle(fuse_req_t req, size_t size)
{
	struct job_event event = { .time_ms = clock_wall_ms(), .kind = JOB_EVENT_IDLE };
	char line[VIEW_EVENT_SIZE];
	view_event(&event, line);
	size_t length = strlen(line);
	if (length <= size)
		(void)fuse_reply_buf(req, line, length);
	else
		(void)fuse_reply_err(req, EAGAIN);
}

static void reply_waited(fuse_req_t req, const struct park_about *about, int status)
{
	const struct handle *handle = (const struct handle *)(uintptr_t)about->handle;
	if (status == 0)
		reply_lines(req, handle->listener, about->size);
	else if (status == -ETIMEDOUT)
		reply_idle(req, about->size);
	else
		(void)fuse_reply_err(req, -status);
}

void ops_events_read(
	fuse_req_t req, const struct handle *handle, size_t size, const struct fuse_file_info *fi)
{
	const struct park_about about = { .handle = (uint64_t)(uintptr_t)handle, .size = size };
	if (ops_events_ready(handle))
		reply_lines(req, handle->listener, size);
	else if (fi->flags & O_NONBLOCK)
		(void)fuse_reply_err(req, EAGAIN);
	else
		park_event(req, handle->listener->next, &about, reply_waited);
}
