/* SPDX-License-Identifier: MIT */
/* status.json: the form that users' scripts rely on. Keys, their order and their types are fixed. */
#include "view.h"
#include "view_text.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_SIZE 64 /* of a number or a time as text */
#define DOUBLE_DIGITS 17 /* always enough to read the same number again */

/* Widths of what changes while a job is under way: "null" fits, and all that can be expected. */
#define PROGRESS_WIDTH 4
#define BYTES_WIDTH 13
#define COUNT_WIDTH 6
#define HTTP_STATUS_WIDTH 4

/*
 * In which its size changes then. Whoever asks for the size and then maps, or reads, so many bytes has to
 * get all of a document that has become longer in between: so it does not, but for very long addresses.
 */
#define DOCUMENT_STEP 2048

#define WORD(words, value) word(words, sizeof(words) / sizeof((words)[0]), value)

static const char *word(const char *const *words, size_t count, size_t value)
{
	assert(value < count);
	return words[value];
}

const char *view_job_state(enum job_state state)
{
	static const char *const words[] = {
		[JOB_UNKNOWN] = "unknown",
		[JOB_QUEUED] = "queued",
		[JOB_RUNNING] = "running",
		[JOB_DONE] = "done",
		[JOB_FAILED] = "failed",
		[JOB_EXPIRED] = "expired",
	};
	return WORD(words, state);
}

const char *view_video_state(enum video_state state)
{
	static const char *const words[] = {
		[VIDEO_NONE] = "none",
		[VIDEO_FETCHING] = "fetching",
		[VIDEO_READY] = "ready",
		[VIDEO_LOST] = "lost",
		[VIDEO_REMOVED] = "removed",
	};
	return WORD(words, state);
}

const char *view_error(enum error_code code)
{
	static const char *const words[] = {
		[ERROR_NONE] = NULL,
		[ERROR_MODERATED] = "moderated",
		[ERROR_NOT_FOUND] = "not_found",
		[ERROR_NO_URL] = "no_url",
		[ERROR_BAD_REQUEST] = "bad_request",
		[ERROR_PROVIDER] = "provider",
		[ERROR_URL_EXPIRED] = "url_expired",
		[ERROR_TOO_LARGE] = "too_large",
		[ERROR_NOT_A_VIDEO] = "not_a_video",
		[ERROR_REFUSED_ADDRESS] = "refused_address",
		[ERROR_STORE_FULL] = "store_full",
		[ERROR_AUTH] = "auth",
		[ERROR_TRANSPORT] = "transport",
	};
	return WORD(words, code);
}

/* null where nothing is known: the number -1, the time 0, an empty text. */
static void put_text(struct text *text, const char *key, const char *string)
{
	text_string(text, key, string[0] != '\0' ? string : NULL);
}

/* By integers only: a double has no 0.3, and not all 19 digits. */
static void put_cost(struct text *text, int64_t ticks)
{
	char value[VALUE_SIZE] = "null";
	if (ticks >= 0) {
		int length = snprintf(value, sizeof(value), "%" PRId64 ".%010" PRId64,
			ticks / TICKS_PER_USD, ticks % TICKS_PER_USD);
		while (value[length - 1] == '0')
			value[--length] = '\0';
		if (value[length - 1] == '.')
			value[length - 1] = '\0';
	}
	text_member(text, "cost_usd", value, 0);
}

/* The shortest decimal that is read as the same number. */
static void put_duration(struct text *text, double seconds)
{
	char value[VALUE_SIZE] = "null";
	bool known = isfinite(seconds) && seconds >= 0;

	if (known && seconds < (double)UINT32_MAX && seconds == (double)(uint32_t)seconds) {
		(void)snprintf(value, sizeof(value), "%" PRIu32, (uint32_t)seconds);
	} else if (known) {
		int digits = 1;
		do
			(void)snprintf(value, sizeof(value), "%.*g", digits, seconds);
		while (strtod(value, NULL) != seconds && ++digits <= DOUBLE_DIGITS);
	}
	text_member(text, "duration_s", value, 0);
}

static void put_error(struct text *text, enum error_code code, const char *message)
{
	if (code == ERROR_NONE) {
		text_string(text, "error", NULL);
		return;
	}
	text_open(text, "error");
	text_string(text, "code", view_error(code));
	text_string(text, "message", message);
	text_close(text);
}

static void put_job(struct text *text, const struct job *job)
{
	int64_t finished_at = job->finished_at;
	if (finished_at == 0 && job_is_final(job))
		finished_at = job->done_ms / 1000;

	text_string(text, "request_id", job->id);
	text_string(text, "state", view_job_state(job->state));
	text_number(text, "progress", job->progress, PROGRESS_WIDTH);
	put_error(text, job->error, job->error_message);
	put_text(text, "model", job->model);
	text_time(text, "submitted_at", job->submitted_at, 0);
	text_time(text, "started_at", job->started_at, 0);
	text_time(text, "finished_at", finished_at, 0);
	put_cost(text, job->cost_ticks);
}

/* How many bytes of the video are here: not a question before there is one. */
static int64_t bytes_here(const struct job *job)
{
	if (job->video == VIDEO_NONE)
		return -1;
	return job->video == VIDEO_REMOVED ? 0 : job_video_bytes(job);
}

static void put_video(struct text *text, const struct job *job)
{
	static const char *const words[] = { "null", "false", "true" };

	text_open(text, "video");
	text_string(text, "state", view_video_state(job->video));
	put_text(text, "url", job->url);
	put_duration(text, job->duration_s);
	text_member(text, "respect_moderation", WORD(words, job->respect_moderation + 1), 0);
	text_number(text, "size", job->video_size, 0);
	text_number(text, "bytes", bytes_here(job), job->video == VIDEO_FETCHING ? BYTES_WIDTH : 0);
	put_text(text, "sha256", job->video == VIDEO_FETCHING ? "" : job->sha256);
	put_error(text, job->video_error, job->video_message);
	text_close(text);
}

static void put_provider(struct text *text, const struct job *job, const char *provider)
{
	text_open(text, "provider");
	text_string(text, "name", provider);
	put_text(text, "code", job->code);
	/* The gateway's envelope always has a message: an empty one was said. */
	if (job->wrapped)
		text_string(text, "message", job->message);
	else
		put_text(text, "message", job->message);
	put_text(text, "task_status", job->task_status);
	put_text(text, "status", job->status);
	text_close(text);
}

static void put_poll(struct text *text, const struct job *job)
{
	int64_t http_status = job->poll_http_status > 0 ? job->poll_http_status : -1;

	text_open(text, "poll");
	text_number(text, "count", job->poll_count, COUNT_WIDTH);
	text_time(text, "last_at", job->poll_last_ms / 1000, TEXT_TIME_WIDTH);
	text_time(text, "next_at", job->poll_next_ms / 1000, TEXT_TIME_WIDTH);
	text_number(text, "http_status", http_status, HTTP_STATUS_WIDTH);
	text_number(text, "failures", job->poll_failures, COUNT_WIDTH);
	put_text(text, "last_error", job->poll_error);
	text_close(text);
}

void view_pad(char *text, size_t *length, size_t size)
{
	assert(*length > 0 && *length <= size && text[*length - 1] == '\n');
	memset(text + *length - 1, ' ', size - *length);
	text[size - 1] = '\n';
	text[size] = '\0';
	*length = size;
}

/*
 * To the next step, with tabs at the end of the last line but one: a terminal shows them as nothing.
 * NULL without memory.
 */
static char *round_up(char *document, size_t *length)
{
	static const char tail[] = "\n}\n";
	const size_t end = sizeof(tail) - 1;
	size_t size = (*length + DOCUMENT_STEP - 1) / DOCUMENT_STEP * DOCUMENT_STEP;
	char *longer = realloc(document, size + 1);
	if (longer == NULL) {
		free(document);
		return NULL;
	}
	memset(longer + *length - end, '\t', size - *length);
	memcpy(longer + size - end, tail, end + 1);
	*length = size;
	return longer;
}

char *view_status(const struct job *job, const char *provider, size_t *length)
{
	struct text text = { .wide = !job_video_is_final(job) };

	text_open(&text, NULL);
	put_job(&text, job);
	put_video(&text, job);
	put_provider(&text, job, provider);
	put_poll(&text, job);
	text_close(&text);
	char *document = text_end(&text, length);
	return text.wide && document != NULL ? round_up(document, length) : document;
}
