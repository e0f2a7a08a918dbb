/* SPDX-License-Identifier: MIT */
/*
 * One attempt to get bytes: what curl brings goes into a buffer, a full or waiting buffer goes to
 * the disk thread, and what is in the file is told to its readers.
 *
 * Two buffers a download: while one is written the other fills, and when both are full curl
 * pauses. So a slow disk slows the network, not the memory.
 */
#include "fetch.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SYNC_BYTES ((int64_t)16 << 20) /* at most so many are lost in a power cut */

static int64_t received(const struct fetch *f)
{
	return f->bytes + (int64_t)f->written + (int64_t)f->filled;
}

static int stop(struct fetch *f, enum fetch_outcome outcome, const char *reason)
{
	f->outcome = outcome;
	(void)snprintf(f->reason, sizeof(f->reason), "%s", reason);
	return -1;
}

/* ---- call-backs of http: no http_*() in here ------------------------------------------------- */

static bool is_page(const struct http_head *head)
{
	return strcmp(head->type, "text/html") == 0 || strcmp(head->type, "application/json") == 0;
}

static int on_bad_status(struct fetch *f, const struct http_head *head)
{
	char reason[64];
	bool denied = head->status == 401 || head->status == 403 || head->status == 404 ||
		      head->status == 410;
	if (head->status == 416)
		return stop(f, FETCH_CHANGED, "the server has no such range any more");
	(void)snprintf(reason, sizeof(reason), "the server answers HTTP %d", head->status);
	return stop(f, denied ? FETCH_DENIED : FETCH_CUT, reason);
}

/* The answer to a range goes on exactly where the part ends, in a file of the same length. */
static int on_partial(struct fetch *f, const struct http_head *head)
{
	bool fits =
		head->range_from == f->bytes && head->range_total > f->bytes &&
		(f->size < 0 || head->range_total == f->size) &&
		(head->etag[0] == '\0' || f->etag[0] == '\0' || strcmp(head->etag, f->etag) == 0);
	if (!fits)
		return stop(f, FETCH_CHANGED, "the server's file is another one now");
	f->size = head->range_total;
	return 0;
}

static int on_head(void *arg, const struct http_head *head)
{
	struct fetch *f = arg;
	f->retry_after_ms = head->retry_after_ms;
	f->bounded = head->bounded;
	if (head->status != 200 && head->status != 206)
		return on_bad_status(f, head);
	if (head->encoded)
		return stop(f, FETCH_JUNK, "the server sends it encoded, although not asked to");
	if (is_page(head))
		return stop(f, FETCH_JUNK, "the server sends a page instead of a video");
	if (head->status == 206)
		return on_partial(f, head);
	if (f->bytes > 0)
		return stop(f, FETCH_CHANGED, "the server begins again from the start");
	if (f->size >= 0 && head->length != f->size)
		return stop(f, FETCH_CHANGED, "the server's file has another length now");
	f->size = head->length;
	(void)snprintf(f->etag, sizeof(f->etag), "%s", head->etag);
	if (f->size == 0)
		return stop(f, FETCH_JUNK, "the server sends an empty file");
	if (f->size > engine.options.max_video)
		return stop(f, FETCH_TOO_LARGE, "the video is larger than max_video");
	return 0;
}

/* An MP4 file says so in its bytes 4 to 7. */
static bool looks_good(struct fetch *f, const char *data, size_t length)
{
	int64_t at = received(f);
	if (at >= 8)
		return true;
	for (size_t i = 0; i < length && at < 8; i++, at++)
		f->first[at] = (unsigned char)data[i];
	return at < 8 || memcmp(f->first + 4, "ftyp", 4) == 0;
}

static int64_t on_body(void *arg, const char *data, size_t length)
{
	struct fetch *f = arg;
	if (length > FETCH_BUFFER - f->filled) {
		f->paused = true;
		return 0;
	}
	if (!looks_good(f, data, length))
		return stop(f, FETCH_JUNK, "what the server sends is no MP4 video");
	if (received(f) + (int64_t)length > engine.options.max_video)
		return stop(f, FETCH_TOO_LARGE, "the video is larger than max_video");
	memcpy(f->filling + f->filled, data, length);
	f->filled += length;
	return (int64_t)length;
}

static void on_done(void *arg, const struct http_result *result)
{
	struct fetch *f = arg;
	f->exchange = NULL;
	f->ended = true;
	if (f->outcome != FETCH_OPEN)
		return;
	switch (result->error) {
	case HTTP_OK:
		(void)stop(f, FETCH_WHOLE, "");
		break;
	case HTTP_REFUSED_URL:
	case HTTP_REFUSED_ADDRESS:
		(void)stop(f, FETCH_REFUSED_FOR_GOOD, result->reason);
		break;
	case HTTP_REFUSED_NAME:
		(void)stop(f, FETCH_REFUSED, result->reason);
		break;
	default:
		(void)stop(f, FETCH_CUT, result->reason);
	}
}

/* ---- to the disk ------------------------------------------------------------------------------ */

/*
 * What is in the file is not known any more, but for what was synced: the part is opened anew then,
 * and read again. After a failed sync the kernel takes what it could not write for clean, and the
 * next sync would say that all is well.
 */
static void work_write(struct disk_task *task)
{
	struct fetch *f = container_of(task, struct fetch, task);
	f->task_result = store_part_append(f->part, f->writing, f->written);
	if (f->task_result == -EIO)
		fetch_close_part(f);
	if (f->task_result != 0 || store_part_bytes(f->part) - f->synced < SYNC_BYTES)
		return;
	f->task_result = store_part_sync(f->part);
	if (f->task_result == 0)
		f->synced = store_part_bytes(f->part);
	else
		fetch_close_part(f);
}

/* What is in the file, for its readers; and on disk what is not to be fetched again. */
static void show(struct fetch *f)
{
	struct job job;
	rows_load(f->run, &job);
	bool news = job.video_size != f->size || job.video_synced != f->synced ||
		    job.video_error != ERROR_NONE || strcmp(job.etag, f->etag) != 0;
	job.video_bytes = f->bytes;
	job.video_synced = f->synced;
	job.video_size = f->size;
	job_set_video_error(&job, ERROR_NONE, "");
	memcpy(job.etag, f->etag, sizeof(job.etag));
	if (news)
		rows_save(f->run, &job, NULL, 0, NULL);
	else
		rows_show(f->run, &job);
}

static void after_write(struct fetch *f)
{
	int r = f->task_result;
	f->keep = f->synced;
	f->bytes = f->part != NULL ? store_part_bytes(f->part) : f->synced;
	f->written = 0;
	if (r == 0) {
		show(f);
		if (f->paused && f->exchange != NULL) {
			f->paused = false;
			http_resume(f->exchange);
		}
		return;
	}
	if (f->exchange != NULL)
		http_cancel(engine.http, f->exchange);
	f->exchange = NULL;
	f->ended = true;
	f->filled = 0;
	show(f);
	bool full = r == -ENOSPC || r == -EDQUOT;
	(void)stop(f, full ? FETCH_FULL : FETCH_BROKEN, strerror(-r));
}

bool fetch_pump(struct fetch *f)
{
	if (f->task_out)
		return false;
	/* The first 8 bytes are looked at before any is written. */
	bool enough = f->filled > 0 && (received(f) >= 8 || f->ended);
	if (enough && f->outcome != FETCH_JUNK && f->outcome != FETCH_TOO_LARGE) {
		char *full = f->filling;
		f->filling = f->writing;
		f->writing = full;
		f->written = f->filled;
		f->filled = 0;
		fetch_submit(f, work_write, after_write);
		return false;
	}
	if (f->ended && f->outcome == FETCH_WHOLE && f->size >= 0 && f->bytes != f->size)
		(void)stop(f, FETCH_CUT, "the server sent fewer bytes than announced");
	if (f->ended && f->outcome == FETCH_WHOLE && f->bytes < 8)
		(void)stop(f, FETCH_JUNK, "what the server sends is no MP4 video");
	return f->ended;
}

/* The key goes to the provider's own origin alone. */
static const char *bearer_for(const char *url)
{
	char origin[sizeof(engine.origin)];
	if (http_origin(url, origin, sizeof(origin)) != 0)
		return NULL;
	return strcmp(origin, engine.origin) == 0 ? engine.options.key : NULL;
}

void fetch_get(struct fetch *f)
{
	struct job job;
	rows_load(f->run, &job);
	struct http_request request = { .url = job.url,
		.bearer = bearer_for(job.url),
		.if_range = f->bytes > 0 ? f->etag : NULL,
		.range_from = f->bytes,
		.stall_ms = engine.options.timeout_ms,
		.redirects_max = 5,
		.on_head = on_head,
		.on_body = on_body,
		.on_done = on_done,
		.arg = f };

	/* What an attempt announced that brought nothing was of something else. */
	if (f->bytes == 0)
		f->size = job.video_size;
	f->step = FETCH_GETTING;
	f->outcome = FETCH_OPEN;
	f->ended = f->paused = false;
	f->retry_after_ms = -1;
	f->filled = f->written = 0;
	f->filling = f->filling != NULL ? f->filling : malloc(FETCH_BUFFER);
	f->writing = f->writing != NULL ? f->writing : malloc(FETCH_BUFFER);
	if (f->filling != NULL && f->writing != NULL)
		f->exchange = http_send(engine.http, &request);
	if (f->exchange == NULL) {
		f->ended = true;
		(void)stop(f, FETCH_CUT, "no memory");
	}
}
