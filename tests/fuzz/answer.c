/* SPDX-License-Identifier: MIT */
/* Bodies to reports, reports to a job, the job to status.json; and what holds of each of them. */
#include "answer.h"
#include "document.h"
#include "fuzz.h"
#include "quote.h"

#include "provider.h"
#include "verdict.h"
#include "view.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ID "4b2cd27e-0b0d-3dec-c31c-7572daf74bb3"
#define BEGUN_MS INT64_C(1773297000000)
#define STEP_MS INT64_C(20000) /* from one answer to the next: the grace ends between */
#define SERIAL 1
#define ANSWERS 8 /* at most; enough for "done" without an address to become a failure */
#define ANSWER_END '\xff'

#define CHECK_TEXT(field) fuzz_check_text(field, sizeof(field))

static bool is_final(enum job_state state)
{
	return state == JOB_DONE || state == JOB_FAILED || state == JOB_EXPIRED;
}

/* ---- reports ------------------------------------------------------------------------------------ */

static void check_texts(const struct report *report)
{
	CHECK_TEXT(report->task_id);
	CHECK_TEXT(report->error_message);
	CHECK_TEXT(report->model);
	CHECK_TEXT(report->url);
	CHECK_TEXT(report->code);
	CHECK_TEXT(report->message);
	CHECK_TEXT(report->task_status);
	CHECK_TEXT(report->status);
}

/* An address goes into a request, and into no line of its own. */
static void check_url(const char *url)
{
	assert(strncasecmp(url, "https://", 8) == 0 || strncasecmp(url, "http://", 7) == 0);
	for (; *url != '\0'; url++)
		assert((unsigned char)*url > ' ' && *url != 0x7f);
}

static void check_numbers(const struct report *report)
{
	assert(report->kind >= REPORT_JOB && report->kind <= REPORT_UNREADABLE);
	assert(report->state >= JOB_UNKNOWN && report->state <= JOB_EXPIRED);
	assert(report->progress >= -1 && report->progress <= 100);
	assert(report->submitted_at >= 0 && report->started_at >= 0 && report->finished_at >= 0);
	assert(report->cost_ticks >= -1);
	assert(report->duration_s >= 0 || report->duration_s == -1);
	assert(report->respect_moderation >= -1 && report->respect_moderation <= 1);
}

/* What verdict, job and view rely on. */
static void check_report(const struct report *report)
{
	bool failed = report->state == JOB_FAILED;
	bool of_provider = report->error == ERROR_MODERATED || report->error == ERROR_PROVIDER;

	check_texts(report);
	check_numbers(report);
	assert(failed ? of_provider : report->error == ERROR_NONE);
	assert((report->url[0] != '\0') == (report->state == JOB_DONE));
	if (report->url[0] != '\0')
		check_url(report->url);
	if (report->kind == REPORT_NO_URL)
		assert(!is_final(report->state));
	else if (report->kind != REPORT_JOB)
		assert(report->state == JOB_UNKNOWN);
	if (report->kind != REPORT_JOB)
		assert(report->error_message[0] != '\0');
}

/* ---- a job -------------------------------------------------------------------------------------- */

static void check_verdict(const struct verdict *verdict, const struct report *report)
{
	assert(verdict->action >= VERDICT_ACCEPT && verdict->action <= VERDICT_CONFIG);
	assert((verdict->action == VERDICT_FAIL) == (verdict->error != ERROR_NONE));
	if (verdict->action == VERDICT_ACCEPT)
		assert(report->kind == REPORT_JOB || report->kind == REPORT_NO_URL);
	else
		assert(report->state == JOB_UNKNOWN || report->kind == REPORT_NO_URL);
}

static void check_job(const struct job *job, const struct job *before)
{
	assert(job->state >= before->state);
	assert((job->state == JOB_FAILED) == (job->error != ERROR_NONE));
	assert((job->state == JOB_DONE) == (job->video == VIDEO_FETCHING));
	assert((job->done_ms > 0) == is_final(job->state));
	assert(job->progress >= -1 && job->progress <= 100);
	if (job->state != JOB_DONE)
		return;
	assert(job->progress == 100);
	check_url(job->url);
}

/* The figures of the poll, as poll.c keeps them. */
static void take_figures(struct job *job, int http_status, const char *why)
{
	job->poll_count++;
	job->poll_last_ms = job->tracked_ms + job->poll_count * STEP_MS;
	job->poll_next_ms = job->poll_last_ms + STEP_MS;
	job->poll_http_status = http_status;
	job->poll_failures = why[0] == '\0' ? 0 : job->poll_failures + 1;
	(void)snprintf(job->poll_error, sizeof(job->poll_error), "%s", why);
}

/* No answer changes a final job. */
static void take_nothing(const struct job *job, const struct report *report, const char *dialect)
{
	struct job after = *job;
	bool changed = job_accept(&after, report, INT64_MAX);

	assert(!changed);
	job_fail(&after, ERROR_PROVIDER, "late", INT64_MAX);
	document_check(job, &after, dialect);
}

static void take_report(
	struct job *job, struct verdict_past *past, int http_status, const struct report *report)
{
	struct verdict verdict = verdict_of(http_status, report, past);
	struct job before = *job;
	bool decided = verdict.action == VERDICT_ACCEPT || verdict.action == VERDICT_FAIL;

	check_verdict(&verdict, report);
	take_figures(job, http_status, decided ? "" : report->error_message);
	if (verdict.action == VERDICT_ACCEPT)
		(void)job_accept(job, report, job->poll_last_ms);
	else if (verdict.action == VERDICT_FAIL)
		job_fail(job, verdict.error, report->error_message, job->poll_last_ms);
	check_job(job, &before);
	past->unknown_ms += STEP_MS;
	past->no_url_polls += report->kind == REPORT_NO_URL;
	past->doubts += verdict.action == VERDICT_DOUBT;
}

/* It comes out of the table as it went in, and then shows what it is. */
static void show(const struct job *job, const char *dialect)
{
	struct job_view view;

	fuzz_job_table();
	int put = job_put(job), got = job_get(SERIAL, &view);
	assert(put == 0 && got == 0);
	document_check(job, &view.job, dialect);
	job_remove(SERIAL);
}

/* ---- answers ------------------------------------------------------------------------------------ */

/* "200" and a line end; any other status is one, too. */
static int read_status(const uint8_t **data, size_t *size)
{
	char *line = fuzz_next(data, size, '\n');
	long number = line != NULL ? strtol(line, NULL, 10) : 0;

	free(line);
	return number >= 200 && number <= 999 ? (int)number : 200;
}

static size_t body_length(const uint8_t *data, size_t size)
{
	const uint8_t *end = size > 0 ? memchr(data, (unsigned char)ANSWER_END, size) : NULL;

	return end != NULL ? (size_t)(end - data) : size;
}

/* From a copy of exactly the right size, into a report full of rubbish. */
static void read_body(const char *dialect, int http_status, const uint8_t *body, size_t length,
	struct report *report)
{
	const struct provider *provider = provider_find(dialect);
	char *copy = malloc(length > 0 ? length : 1);

	assert(provider != NULL && copy != NULL);
	if (length > 0)
		memcpy(copy, body, length);
	memset(report, 0xa5, sizeof(*report));
	provider_read(provider, http_status, length > 0 ? copy : NULL, length, report);
	free(copy);
}

void answers_play(const char *dialect, const uint8_t *data, size_t size)
{
	struct verdict_past past = { .no_url_polls = 0 };
	struct report report;
	struct job job;

	job_init(&job, ID, BEGUN_MS);
	job.serial = SERIAL;
	for (int count = 0; size > 0 && count < ANSWERS; count++) {
		int http_status = read_status(&data, &size);
		size_t length = body_length(data, size);
		read_body(dialect, http_status, data, length, &report);
		check_report(&report);
		/* What is fetched is an address that was given, whole and as it was given. */
		assert(report.url[0] == '\0' || quote_is_in(data, length, report.url));
		if (is_final(job.state))
			take_nothing(&job, &report, dialect);
		else
			take_report(&job, &past, http_status, &report);
		data += length + (length < size);
		size -= length + (length < size);
	}
	show(&job, dialect);
}
