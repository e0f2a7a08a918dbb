/* SPDX-License-Identifier: MIT */
/* Serves videos: ranges, validators, and the faults of a `serve` line. */
#include "body.h"
#include "made.h"
#include "reply.h"
#include "routes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RANGE_NONE, RANGE_GOOD, RANGE_BEYOND };

struct range {
	int64_t first;
	int64_t last; /* the last byte, not the one behind it */
};

static bool digits(const char **text, int64_t *number)
{
	char *end = NULL;
	if (**text < '0' || **text > '9')
		return false;
	*number = strtoll(*text, &end, 10);
	*text = end;
	return true;
}

/* One range of bytes with a start; whatever else it is, the whole video is a right answer. */
static int range_parse(const char *text, int64_t size, struct range *range)
{
	struct range asked = { 0, INT64_MAX };
	if (!text || strncmp(text, "bytes=", strlen("bytes=")) != 0)
		return RANGE_NONE;
	text += strlen("bytes=");
	if (!digits(&text, &asked.first) || *text++ != '-')
		return RANGE_NONE;
	if (*text && (!digits(&text, &asked.last) || *text || asked.last < asked.first))
		return RANGE_NONE;
	if (asked.first >= size)
		return RANGE_BEYOND;
	if (asked.last >= size)
		asked.last = size - 1;
	*range = asked;
	return RANGE_GOOD;
}

/* Another range than the one that was asked for; at least one byte of the video. */
static void range_shift(struct range *range, int64_t by)
{
	range->first += by;
	if (range->first < 0)
		range->first = 0;
	if (range->first > range->last)
		range->first = range->last;
}

/* With its quotes; the word `none` is none. By itself it depends on what is served. */
static void etag_make(
	const struct step *step, const struct section *source, char *etag, size_t room)
{
	uint64_t print = 0;
	etag[0] = '\0';
	if (!step->etag) {
		made_bytes(source->name, 16, &print, sizeof(print));
		(void)snprintf(etag, room, "\"%" PRIx64 "-%" PRId64 "\"", print, source->size);
	} else if (strcmp(step->etag, "none") != 0) {
		const char *quote = strchr(step->etag, '"') ? "" : "\"";
		(void)snprintf(etag, room, "%s%s%s", quote, step->etag, quote);
	}
}

static enum MHD_Result send_video(const struct request *request, const struct step *step,
	const struct section *source, const struct asked *asked)
{
	char etag[256];
	char content_range[64];
	struct range range = { 0, source->size - 1 };
	etag_make(step, source, etag, sizeof(etag));
	bool is_same = !asked->if_range || step->no_if_range || strcmp(asked->if_range, etag) == 0;
	int kind = RANGE_NONE;
	if (!step->no_range && is_same)
		kind = range_parse(asked->range, source->size, &range);
	if (kind == RANGE_GOOD)
		range_shift(&range, step->off_by);
	unsigned status = kind == RANGE_NONE ? MHD_HTTP_OK : MHD_HTTP_PARTIAL_CONTENT;
	int64_t length = range.last - range.first + 1;
	(void)snprintf(content_range, sizeof(content_range),
		"bytes %" PRId64 "-%" PRId64 "/%" PRId64, range.first, range.last, source->size);
	if (kind == RANGE_BEYOND) {
		status = MHD_HTTP_RANGE_NOT_SATISFIABLE;
		length = 0;
		(void)snprintf(
			content_range, sizeof(content_range), "bytes */%" PRId64, source->size);
	}
	struct reply *reply = reply_new(request->stage, request->connection, step,
		(struct text){ 0 }, source, range.first, length);
	if (!reply)
		return MHD_NO;
	reply_header(reply, MHD_HTTP_HEADER_CONTENT_TYPE, step->type ? step->type : "video/mp4");
	reply_header(reply, MHD_HTTP_HEADER_ACCEPT_RANGES, step->no_range ? NULL : "bytes");
	reply_header(reply, MHD_HTTP_HEADER_ETAG, *etag ? etag : NULL);
	reply_header(reply, MHD_HTTP_HEADER_CONTENT_ENCODING, step->encoding);
	reply_header(
		reply, MHD_HTTP_HEADER_CONTENT_RANGE, kind == RANGE_NONE ? NULL : content_range);
	return reply_send(reply, step->status ? (unsigned)step->status : status);
}

/* Something else than the video: a page, an error, a redirect. */
static enum MHD_Result send_other(const struct request *request, const struct turn *turn)
{
	const struct step *step = turn->step;
	struct text text = { 0 };
	if (body_make(request->stage, turn, request->rest, &text))
		return MHD_NO;
	struct reply *reply = reply_new(
		request->stage, request->connection, step, text, NULL, 0, (int64_t)text.length);
	if (!reply)
		return MHD_NO;
	char *location = body_url(request->stage, step->location, request->rest);
	reply_header(reply, MHD_HTTP_HEADER_CONTENT_TYPE, step->type);
	reply_header(reply, MHD_HTTP_HEADER_LOCATION, location);
	reply_header(reply, MHD_HTTP_HEADER_RETRY_AFTER, step->retry_after);
	free(location);
	unsigned usual = step->location ? MHD_HTTP_FOUND : MHD_HTTP_OK;
	return reply_send(reply, step->status ? (unsigned)step->status : usual);
}

static bool is_other(const struct step *step)
{
	return step->location || step->loaded || step->text.data || step->empty ||
	       step->status >= 300;
}

enum MHD_Result videos_answer(const struct request *request)
{
	struct turn turn;
	const struct script *script = &request->stage->script;
	const struct section *section = script_video(script, request->rest);
	const struct asked asked = { .kind = SECTION_VIDEO,
		.name = request->rest,
		.range = routes_header(request, MHD_HTTP_HEADER_RANGE),
		.if_range = routes_header(request, MHD_HTTP_HEADER_IF_RANGE),
		.auth = routes_key(request),
		.head = strcmp(request->method, MHD_HTTP_METHOD_HEAD) == 0 };
	stage_enter(request->stage, &asked, section, &turn);
	if (!asked.head && strcmp(request->method, MHD_HTTP_METHOD_GET) != 0)
		return reply_plain(
			request->connection, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain", "");
	if (!turn.step)
		return reply_plain(
			request->connection, MHD_HTTP_NOT_FOUND, "text/plain", "not found\n");
	if (routes_hold(request, turn.step))
		return MHD_NO;
	if (is_other(turn.step))
		return send_other(request, &turn);
	if (turn.step->from)
		section = script_video(script, turn.step->from);
	return send_video(request, turn.step, section, &asked);
}
