/* SPDX-License-Identifier: MIT */
/* Sends bytes, at the pace and with the faults of a step. */
#include "reply.h"

#include "made.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK_BYTES = 65536, SLICES_A_SECOND = 20 };

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* The end of what may be sent, as a distance from the reply's start. */
static int64_t end_of(const struct reply *reply)
{
	const struct step *step = reply->step;
	int64_t end = reply->length;
	if (step->cut_after >= 0)
		end = least(end, step->cut_after);
	if (step->cut >= 0)
		end = step->cut > reply->start ? least(end, step->cut - reply->start) : 0;
	return end;
}

/* Holds the reply where it is to stall. How many bytes may follow; -ECANCELED to give up. */
static int64_t stall(struct reply *reply, int64_t at, int64_t wanted)
{
	const struct step *step = reply->step;
	if ((step->stall < 0 && step->stall_after < 0) || reply->stalled)
		return wanted;
	int64_t before = (step->stall >= 0 ? step->stall - reply->start : step->stall_after) - at;
	if (before > 0)
		return least(wanted, before);
	reply->stalled = true;
	int r = step->stall_ms ? stage_sleep(reply->stage, step->stall_ms)
			       : stage_await(reply->stage, reply->connection, step->until);
	return r ? r : wanted;
}

/* Keeps the step's rate: never ahead of the clock by more than one slice. */
static int64_t pace(struct reply *reply, int64_t at, int64_t wanted)
{
	int64_t rate = reply->step->rate;
	if (rate <= 0)
		return wanted;
	int64_t slice = least(wanted, rate / SLICES_A_SECOND + 1);
	int64_t due_ms =
		reply->started_ms + (at + slice) / rate * 1000 + (at + slice) % rate * 1000 / rate;
	int64_t early_ms = due_ms - now_ms();
	int r = early_ms > 0 ? stage_sleep(reply->stage, early_ms) : 0;
	return r ? r : slice;
}

static int64_t copy(const struct reply *reply, int64_t at, char *bytes, int64_t wanted)
{
	int64_t from = reply->start + at;
	if (!reply->video) {
		memcpy(bytes, reply->text.data + from, (size_t)wanted);
		return wanted;
	}
	if (reply->video->fd >= 0)
		return pread(reply->video->fd, bytes, (size_t)wanted, from);
	made_bytes(reply->video->name, from, bytes, (size_t)wanted);
	return wanted;
}

/* What MHD calls for the next bytes. A body that ends early closes its connection. */
static ssize_t on_bytes(void *context, uint64_t position, char *bytes, size_t room)
{
	struct reply *reply = context;
	int64_t at = (int64_t)position;
	int64_t wanted = stall(reply, at, least(end_of(reply) - at, (int64_t)room));
	if (wanted == 0 && at == reply->length)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (wanted > 0)
		wanted = pace(reply, at, wanted);
	if (wanted > 0)
		wanted = copy(reply, at, bytes, wanted);
	if (wanted > 0)
		reply->sent = at + wanted;
	return wanted > 0 ? (ssize_t)wanted : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void on_free(void *context)
{
	struct reply *reply = context;
	if (reply->video && reply->sent)
		stage_log(reply->stage, "sent %s from=%" PRId64 " bytes=%" PRId64,
			reply->video->name, reply->start, reply->sent);
	free(reply->text.data);
	free(reply);
}

/* Whether the end of the body is the end of the connection. */
static bool ends_by_closing(const struct reply *reply)
{
	return reply->step->length_end || (reply->length && reply->step->length_lie < 0);
}

static void lie_header(struct reply *reply)
{
	char length[24];
	int64_t lie = reply->length + reply->step->length_lie;
	(void)snprintf(length, sizeof(length), "%" PRId64, lie < 0 ? 0 : lie);
	reply_header(reply, MHD_HTTP_HEADER_CONTENT_LENGTH, length);
}

/*
 * MHD sends as many bytes as it announces. So a length above the truth ends in a cut, and for one
 * below it MHD may not know the length at all and gets ours as a header like any other.
 */
static void announce(struct reply *reply)
{
	int64_t lie = reply->length ? reply->step->length_lie : 0;
	bool is_unknown = reply->step->no_length || ends_by_closing(reply);
	uint64_t size = is_unknown ? MHD_SIZE_UNKNOWN
				   : (uint64_t)reply->length + (uint64_t)(lie > 0 ? lie : 0);
	reply->response =
		MHD_create_response_from_callback(size, BLOCK_BYTES, on_bytes, reply, on_free);
	if (!reply->response || !ends_by_closing(reply))
		return;
	int flags = MHD_RF_HTTP_1_0_COMPATIBLE_STRICT;
	if (lie < 0)
		flags |= MHD_RF_INSANITY_HEADER_CONTENT_LENGTH;
	MHD_set_response_options(reply->response, (enum MHD_ResponseFlags)flags, MHD_RO_END);
	if (lie < 0)
		lie_header(reply);
}

struct reply *reply_new(struct stage *stage, struct MHD_Connection *connection,
	const struct step *step, struct text text, const struct section *video, int64_t start,
	int64_t length)
{
	struct reply *reply = calloc(1, sizeof(*reply));
	if (!reply) {
		free(text.data);
		return NULL;
	}
	*reply = (struct reply){ .stage = stage,
		.connection = connection,
		.step = step,
		.text = text,
		.video = video,
		.start = start,
		.length = length };
	announce(reply);
	if (!reply->response) {
		on_free(reply);
		return NULL;
	}
	return reply;
}

void reply_header(struct reply *reply, const char *name, const char *value)
{
	if (value && MHD_add_response_header(reply->response, name, value) != MHD_YES)
		(void)fprintf(stderr, "provider: header refused: %s: %s\n", name, value);
}

enum MHD_Result reply_send(struct reply *reply, unsigned status)
{
	struct MHD_Response *response = reply->response;
	enum MHD_Result result = MHD_NO;
	const struct step *step = reply->step;
	if (step->delay_ms == 0 || stage_sleep(reply->stage, step->delay_ms) == 0) {
		reply->started_ms = now_ms();
		result = MHD_queue_response(reply->connection, status, response);
	}
	MHD_destroy_response(response);
	return result;
}

enum MHD_Result reply_plain(
	struct MHD_Connection *connection, unsigned status, const char *type, const char *body)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		strlen(body), (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);
	if (!response)
		return MHD_NO;
	enum MHD_Result result =
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	if (result == MHD_YES)
		result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}
