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
#include <linux/fuse.h>
#include <stdlib.h>
#include <string.h>

/* How far a reader has come. */
struct place {
	uint64_t next; /* the number of his next event */
	char rest[VIEW_EVENT_SIZE]; /* of a line that did not fit; a text */
};

struct listener {
	struct place place; /* shared: under the lock, as both */
	uint64_t moves; /* how often it has changed */
};

int ops_events_open(struct handle *handle)
{
	handle->listener = calloc(1, sizeof(*handle->listener));
	if (handle->listener == NULL)
		return -ENOMEM;
	handle->listener->place.next = job_events_end();
	return 0;
}

/*
 * A stream, which libfuse has no name for: else who shares an open file with somebody that waits in
 * a read, a child of a shell, could not even be killed while he waits for his turn.
 */
int ops_events_reply_open(fuse_req_t req, const struct fuse_file_info *fi)
{
	const struct fuse_open_out open = { .fh = fi->fh,
		.open_flags = FOPEN_DIRECT_IO | FOPEN_NONSEEKABLE | FOPEN_STREAM };
	return fuse_reply_buf(req, (const char *)&open, sizeof(open));
}

void ops_events_close(const struct handle *handle)
{
	free(handle->listener);
}

static bool is_ready(const struct place *place)
{
	return place->rest[0] != '\0' || place->next < job_events_end();
}

static uint64_t get_place(const struct listener *listener, struct place *place)
{
	ops_file_lock();
	*place = listener->place;
	uint64_t moves = listener->moves;
	ops_file_unlock();
	return moves;
}

/* Unless somebody else has read meanwhile: programs may share an open file. */
static bool move(struct listener *listener, uint64_t moves, const struct place *to)
{
	ops_file_lock();
	bool moved = listener->moves == moves;
	if (moved) {
		listener->place = *to;
		listener->moves++;
	}
	ops_file_unlock();
	return moved;
}

bool ops_events_ready(const struct handle *handle)
{
	struct place place;
	(void)get_place(handle->listener, &place);
	return is_ready(&place);
}

/* ---- read --------------------------------------------------------------------------------------- */

/* As much of the rest as fits; how much that is. */
static size_t move_rest(struct place *place, char *buffer, size_t room)
{
	size_t length = strlen(place->rest), fits = length < room ? length : room;
	memcpy(buffer, place->rest, fits);
	memmove(place->rest, place->rest + fits, length - fits + 1);
	return fits;
}

/* Lines; a line that does not fit waits for the next READ, unless it is the only one. */
static size_t fill(struct place *place, char *buffer, size_t size)
{
	struct job_event event;
	size_t used = move_rest(place, buffer, size);
	while (place->rest[0] == '\0' && used < size && job_event_at(&place->next, &event)) {
		view_event(&event, place->rest);
		if (used == 0 || strlen(place->rest) <= size - used)
			used += move_rest(place, buffer + used, size - used);
	}
	return used;
}

/* Nobody waits longer than the kernel lets him. */
static void set_idle(struct place *place)
{
	struct job_event event = { .time_ms = clock_wall_ms(), .kind = JOB_EVENT_IDLE };
	if (!is_ready(place))
		view_event(&event, place->rest);
}

/*
 * What there is, the listener moves on; 0: nothing, before the event *next. idle: then there is a
 * line of that.
 */
static size_t take_lines(
	struct listener *listener, char *buffer, size_t size, bool idle, uint64_t *next)
{
	struct place place;
	uint64_t moves;
	size_t used;
	do {
		moves = get_place(listener, &place);
		if (idle)
			set_idle(&place);
		used = fill(&place, buffer, size);
	} while (used > 0 && !move(listener, moves, &place));
	*next = place.next;
	return used;
}

static void reply_waited(fuse_req_t req, const struct park_about *about, int status);

/* Where there is nothing: 0 has him wait, ETIMEDOUT has him told so, any other error he gets. */
static void reply_lines(fuse_req_t req, const struct park_about *about, int where_nothing)
{
	const struct handle *handle = (const struct handle *)(uintptr_t)about->handle;
	char *buffer = malloc(about->size);
	uint64_t next = 0;
	size_t used = 0;
	if (buffer == NULL)
		where_nothing = ENOMEM;
	else
		used = take_lines(
			handle->listener, buffer, about->size, where_nothing == ETIMEDOUT, &next);
	if (used > 0)
		(void)fuse_reply_buf(req, buffer, used);
	else if (where_nothing != 0)
		(void)fuse_reply_err(req, where_nothing);
	else
		park_event(req, next, about, reply_waited);
	free(buffer);
}

static void reply_waited(fuse_req_t req, const struct park_about *about, int status)
{
	if (status == 0 || status == -ETIMEDOUT)
		reply_lines(req, about, -status);
	else
		(void)fuse_reply_err(req, -status);
}

void ops_events_read(
	fuse_req_t req, const struct handle *handle, size_t size, const struct fuse_file_info *fi)
{
	const struct park_about about = { .handle = (uint64_t)(uintptr_t)handle, .size = size };
	reply_lines(req, &about, (fi->flags & O_NONBLOCK) != 0 ? EAGAIN : 0);
}
