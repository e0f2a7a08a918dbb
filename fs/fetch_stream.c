/* SPDX-License-Identifier: MIT */
/* One request of a download: what it asks for, what of the answer is taken. */
#include "fetch.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOO_LARGE "the video is larger than max_video, mount with a greater one to have it"

int64_t stream_received(const struct stream *s)
{
	return s->at + (int64_t)s->written + (int64_t)s->filled;
}

bool stream_is_idle(const struct stream *s)
{
	return s->ended && s->filled == 0 && s->written == 0;
}

/* What is no video of ours is not written. */
int stream_fail(struct stream *s, enum fetch_outcome outcome, const char *reason)
{
	if (outcome == FETCH_JUNK || outcome == FETCH_TOO_LARGE)
		s->filled = 0;
	s->outcome = outcome;
	(void)snprintf(s->reason, sizeof(s->reason), "%s", reason);
	return -1;
}

/* ---- call-backs of http: no http_*() in here ------------------------------------------------- */

static bool is_page(const struct http_head *head)
{
	return strcmp(head->type, "text/html") == 0 || strcmp(head->type, "application/json") == 0;
}

static int on_bad_status(struct stream *s, const struct http_head *head)
{
	char reason[64];
	bool denied = head->status == 401 || head->status == 403 || head->status == 404 ||
		      head->status == 410;
	if (head->status == 416)
		return stream_fail(s, FETCH_CHANGED, "the server has no such range any more");
	(void)snprintf(reason, sizeof(reason), "the server answers HTTP %d", head->status);
	return stream_fail(s, denied ? FETCH_DENIED : FETCH_CUT, reason);
}

static int take_size(struct stream *s, int64_t size)
{
	s->fetch->size = size;
	if (size == 0)
		return stream_fail(s, FETCH_JUNK, "the server sends an empty file");
	if (size > engine.options.max_video)
		return stream_fail(s, FETCH_TOO_LARGE, TOO_LARGE);
	return 0;
}

/* The answer to a range begins exactly where it was asked to, in a file of the same length. */
static int on_partial(struct stream *s, const struct http_head *head)
{
	struct fetch *f = s->fetch;
	bool fits =
		head->range_from == s->from && head->range_total > s->from &&
		(f->size < 0 || head->range_total == f->size) &&
		(head->etag[0] == '\0' || f->etag[0] == '\0' || strcmp(head->etag, f->etag) == 0);
	if (!fits)
		return stream_fail(s, FETCH_CHANGED, "the server's file is another one now");
	if (!fetch_has_bytes(f) && f->etag[0] == '\0')
		(void)snprintf(f->etag, sizeof(f->etag), "%s", head->etag);
	return take_size(s, head->range_total);
}

/* The whole file, which only the front can use, and only from its beginning. */
static int on_whole(struct stream *s, const struct http_head *head)
{
	struct fetch *f = s->fetch;
	bool same = strcmp(head->etag, f->etag) == 0;
	if (s == f->reach && same)
		f->ranges = RANGES_NO;
	if (s->from > 0)
		return stream_fail(s, FETCH_CHANGED, "the server begins again from the start");
	/* There are pieces of another file, or of one that cannot be told from it. */
	if (fetch_has_bytes(f) && (!same || head->etag[0] == '\0'))
		return stream_fail(s, FETCH_CHANGED, "the server's file is another one now");
	if (f->size >= 0 && head->length != f->size)
		return stream_fail(s, FETCH_CHANGED, "the server's file has another length now");
	(void)snprintf(f->etag, sizeof(f->etag), "%s", head->etag);
	return take_size(s, head->length);
}

static int on_head(void *arg, const struct http_head *head)
{
	struct stream *s = arg;
	s->retry_after_ms = head->retry_after_ms;
	s->bounded = head->bounded;
	if (head->status != 200 && head->status != 206)
		return on_bad_status(s, head);
	if (head->encoded)
		return stream_fail(
			s, FETCH_JUNK, "the server sends it encoded, although not asked to");
	if (is_page(head))
		return stream_fail(s, FETCH_JUNK, "the server sends a page instead of a video");
	if ((head->ranges || head->status == 206) && s->fetch->ranges == RANGES_UNKNOWN)
		s->fetch->ranges = RANGES_YES;
	return head->status == 206 ? on_partial(s, head) : on_whole(s, head);
}

/* An MP4 file says so in its bytes 4 to 7. */
static bool looks_good(struct stream *s, const char *data, size_t length)
{
	struct fetch *f = s->fetch;
	int64_t at = stream_received(s);
	if (at >= 8)
		return true;
	for (size_t i = 0; i < length && at < 8; i++, at++)
		f->first[at] = (unsigned char)data[i];
	return at < 8 || memcmp(f->first + 4, "ftyp", 4) == 0;
}

/* Where it meets what is there already, or what the other stream has in hand. */
static int64_t limit_of(const struct stream *s)
{
	const struct fetch *f = s->fetch;
	const struct stream *reach = f->reach;
	int64_t received = stream_received(s);
	int64_t limit = lesser(s->to, extents_next(&f->extents, received));
	if (s == reach)
		return stream_received(f->front) > s->from ? received : limit;
	bool brings = !stream_is_idle(reach) && stream_received(reach) > reach->from;
	return brings && reach->from >= received ? lesser(limit, reach->from) : limit;
}

static void fill(struct stream *s, const char *data, size_t length)
{
	memcpy(s->filling + s->filled, data, length);
	s->filled += length;
}

/* For all of it, where its size is known. */
static bool has_room(const struct fetch *f, int64_t bytes)
{
	return room_claim(f->run, f->size > bytes ? f->size : bytes);
}

bool stream_has_met(const struct stream *s)
{
	return stream_received(s) == limit_of(s);
}

static int64_t on_body(void *arg, const char *data, size_t length)
{
	struct stream *s = arg;
	int64_t received = stream_received(s), limit = limit_of(s);
	if (length > FETCH_BUFFER - s->filled) {
		s->paused = true;
		return 0;
	}
	if (!looks_good(s, data, length))
		return stream_fail(s, FETCH_JUNK, NO_VIDEO);
	if (received + (int64_t)length > limit) {
		fill(s, data, (size_t)(limit - received));
		return stream_fail(s, FETCH_MET, "");
	}
	if (!has_room(s->fetch, received + (int64_t)length))
		return stream_fail(s, FETCH_FULL, ROOM_FULL);
	if (received + (int64_t)length > engine.options.max_video)
		return stream_fail(s, FETCH_TOO_LARGE, TOO_LARGE);
	fill(s, data, length);
	return (int64_t)length;
}

static void on_done(void *arg, const struct http_result *result)
{
	struct stream *s = arg;
	s->exchange = NULL;
	s->ended = true;
	if (s->outcome != FETCH_OPEN)
		return;
	switch (result->error) {
	case HTTP_OK:
		(void)stream_fail(s, FETCH_WHOLE, "");
		break;
	case HTTP_REFUSED_URL:
	case HTTP_REFUSED_ADDRESS:
		(void)stream_fail(s, FETCH_REFUSED_FOR_GOOD, result->reason);
		break;
	case HTTP_REFUSED_NAME:
		(void)stream_fail(s, FETCH_REFUSED, result->reason);
		break;
	default:
		(void)stream_fail(s, FETCH_CUT, result->reason);
	}
}

/* ---- a request -------------------------------------------------------------------------------- */

/* The key goes to the provider's own origin alone. */
static const char *bearer_for(const char *url)
{
	char origin[sizeof(engine.origin)];
	if (http_origin(url, origin, sizeof(origin)) != 0)
		return NULL;
	return strcmp(origin, engine.origin) == 0 ? engine.options.key : NULL;
}

static struct http_exchange *ask(struct stream *s, const struct job *job)
{
	struct http_request request = { .url = job->url,
		.bearer = bearer_for(job->url),
		.if_range = fetch_has_bytes(s->fetch) ? s->fetch->etag : NULL,
		.range_from = s->from,
		.range_to = s->to == INT64_MAX ? 0 : s->to,
		.stall_ms = engine.options.timeout_ms,
		.redirects_max = 5,
		.on_head = on_head,
		.on_body = on_body,
		.on_done = on_done,
		.arg = s };
	return http_send(engine.http, &request);
}

void stream_start(struct stream *s, int64_t from, int64_t to)
{
	struct job job;
	assert(stream_is_idle(s) && from < to);
	rows_load(s->fetch->run, &job);
	s->from = s->at = from;
	s->to = to;
	s->outcome = FETCH_OPEN;
	s->ended = s->paused = s->bounded = false;
	s->retry_after_ms = -1;
	s->filling = s->filling != NULL ? s->filling : malloc(FETCH_BUFFER);
	s->writing = s->writing != NULL ? s->writing : malloc(FETCH_BUFFER);
	if (s->filling != NULL && s->writing != NULL)
		s->exchange = ask(s, &job);
	if (s->exchange == NULL) {
		s->ended = true;
		(void)stream_fail(s, FETCH_CUT, "no memory");
	}
}

void stream_stop(struct stream *s)
{
	if (s->exchange != NULL)
		http_cancel(engine.http, s->exchange);
	s->exchange = NULL;
	s->ended = true;
}

void stream_drop(struct stream *s)
{
	stream_stop(s);
	s->filled = s->written = 0;
}

void stream_free_buffers(struct stream *s)
{
	assert(stream_is_idle(s));
	free(s->filling);
	free(s->writing);
	s->filling = s->writing = NULL;
}
