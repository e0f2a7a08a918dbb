/* SPDX-License-Identifier: MIT */
/*
 * Polls: when a job is asked about, and what its answer does.
 *
 * A young job is polled every `interval`; older ones less often, but never given up. Faults back
 * off. What is wrong with the key, the base URL, or is simply too much, holds up all polls: it is
 * the mount's trouble, not a job's.
 */
#include "cadence.h"
#include "run.h"
#include "verdict.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY_MAX 1048576
#define TROUBLE_MS 60000 /* one probe a minute while the key or the base URL is refused */
#define IN_FLIGHT_MAX 32 /* so that polls never take every connection */

static struct heap due;
static unsigned in_flight;
static double slot_ms; /* poll_rate: no poll starts before this */
static int64_t hold_ms; /* nor before this */
static unsigned holds; /* in a row */
static uint64_t accepted_serial; /* the job whose poll was accepted last, 0: none to speak of */
static int64_t accepted_ms;
static bool trouble; /* the last answer was a refusal of the key or the base URL */

/* ---- when ------------------------------------------------------------------------------------ */

/* delay_ms from now, but not while all polls are held up; said in the job, too. */
static void plan(struct run *run, struct job *job, int64_t delay_ms)
{
	int64_t now_ms = clock_ms();
	if (delay_ms < hold_ms - now_ms)
		delay_ms = hold_ms - now_ms;
	heap_set(&due, &run->poll_due, now_ms + delay_ms);
	job->poll_next_ms = clock_wall_ms() + delay_ms;
}

/* ---- asking ---------------------------------------------------------------------------------- */

static void on_poll_done(void *arg, const struct http_result *result);

struct http_exchange *poll_ask(const char *id, int64_t timeout_ms,
	void (*on_done)(void *arg, const struct http_result *result), void *arg)
{
	char url[URL_SIZE];
	struct http_request request = { .url = url,
		.bearer = engine.options.key,
		.body_max = BODY_MAX,
		.timeout_ms = timeout_ms,
		.on_done = on_done,
		.arg = arg };

	if (provider_url(engine.options.provider, engine.options.base, id, url, sizeof(url)) != 0)
		return NULL;
	return http_send(engine.http, &request);
}

static void take_slot(int64_t now_ms)
{
	double rate = engine.options.poll_rate;
	if (rate > 0)
		slot_ms = (slot_ms > (double)now_ms ? slot_ms : (double)now_ms) + 1000 / rate;
}

static void start_poll(struct run *run, int64_t now_ms)
{
	struct job job;
	rows_load(run, &job);
	heap_remove(&due, &run->poll_due);
	take_slot(now_ms);
	run->poll_begun_ms = now_ms;
	run->poll = poll_ask(job.id, engine.options.timeout_ms, on_poll_done, run);
	if (run->poll != NULL) {
		in_flight++;
		return;
	}
	plan(run, &job, cadence_back_off(1));
	rows_show(run, &job);
}

int64_t poll_due(int64_t now_ms)
{
	struct heap_node *node;
	while ((node = heap_top(&due)) != NULL && node->key <= now_ms) {
		if (in_flight >= IN_FLIGHT_MAX || (trouble && in_flight > 0))
			return INT64_MAX;
		if (hold_ms > now_ms)
			return hold_ms;
		if (slot_ms > (double)now_ms)
			return (int64_t)slot_ms + 1;
		start_poll(container_of(node, struct run, poll_due), now_ms);
	}
	return node != NULL ? node->key : INT64_MAX;
}

/* ---- answers --------------------------------------------------------------------------------- */

static void say_trouble(enum verdict_action action, const char *why)
{
	const char *what = action == VERDICT_KEY ? "the key is refused" : "the base URL is wrong";
	if (!trouble)
		log_error("%s, all polls wait for a minute each: %s", what, why);
	trouble = true;
}

/*
 * A key that another job was accepted with a moment ago is good: then the refusal is of this job,
 * which waits alone. A key that is revoked is noticed when the job that was accepted last asks
 * again, or within a minute.
 */
static bool is_jobs_own(const struct run *run, enum verdict_action action)
{
	return action == VERDICT_KEY && accepted_serial != 0 && accepted_serial != run->serial &&
	       clock_ms() - accepted_ms < TROUBLE_MS;
}

static void be_accepted(struct run *run)
{
	if (trouble)
		log_info("the provider accepts our polls again");
	trouble = false;
	holds = 0;
	accepted_serial = run->serial;
	accepted_ms = run->known_ms = clock_ms();
}

/* What the answer means for the polls of all jobs. */
static void judge_mount(
	struct run *run, enum verdict_action action, const struct http_head *head, const char *why)
{
	int64_t now_ms = clock_ms();
	bool too_many = action == VERDICT_HOLD || (action == VERDICT_AGAIN && head->status == 503 &&
							  head->retry_after_ms > 0);

	if (action == VERDICT_ACCEPT) {
		be_accepted(run);
	} else if (too_many) {
		int64_t back_off_ms = cadence_back_off(++holds);
		hold_ms = now_ms + (head->retry_after_ms > 0 ? head->retry_after_ms : back_off_ms);
	} else if (is_jobs_own(run, action)) {
		run->not_before_ms = now_ms + TROUBLE_MS;
	} else if (action == VERDICT_CONFIG || action == VERDICT_KEY) {
		say_trouble(action, why);
		hold_ms = now_ms + TROUBLE_MS;
	}
}

/* The words for poll.last_error. */
static const char *why_not(const struct http_result *result, const struct report *report)
{
	if (report == NULL)
		return result->reason;
	if (report->kind == REPORT_NO_URL)
		return "done, but without an address to fetch from";
	return report->error_message;
}

static bool is_new_body(struct run *run, const struct http_result *result)
{
	if (result->body_length == 0 ||
		(run->body != NULL && run->body_length == result->body_length &&
			memcmp(run->body, result->body, result->body_length) == 0))
		return false;
	free(run->body);
	run->body_length = 0;
	run->body = malloc(result->body_length);
	if (run->body != NULL) {
		memcpy(run->body, result->body, result->body_length);
		run->body_length = result->body_length;
	}
	return true;
}

static const char *message_of(enum error_code error)
{
	switch (error) {
	case ERROR_NO_URL:
		return "the provider says done, but gives no address to fetch the video from";
	case ERROR_NOT_FOUND:
		return "the provider does not know this job";
	default:
		return "the provider refuses to answer for this job";
	}
}

static bool apply(struct job *job, const struct verdict *verdict, const struct report *report)
{
	int64_t now_ms = clock_wall_ms();
	if (verdict->action == VERDICT_ACCEPT)
		return job_accept(job, report, now_ms);
	if (verdict->action != VERDICT_FAIL)
		return false;
	const char *said = report->error_message;
	job_fail(job, verdict->error, said[0] != '\0' ? said : message_of(verdict->error), now_ms);
	return true;
}

static void take_figures(
	struct job *job, const struct http_result *result, bool good, const char *why)
{
	job->poll_count++;
	job->poll_last_ms = clock_wall_ms();
	job->poll_next_ms = 0;
	job->poll_http_status = result->head->status;
	job->poll_failures = good ? 0 : job->poll_failures + 1;
	int most = (int)sizeof(job->poll_error) - 1;
	(void)snprintf(job->poll_error, sizeof(job->poll_error), "%.*s", most, good ? "" : why);
}

void poll_take_first(struct job *job, const struct http_result *result, const struct report *report)
{
	struct verdict verdict = verdict_of(report, 0, 0);
	take_figures(job, result, verdict.action == VERDICT_ACCEPT, why_not(result, report));
	(void)apply(job, &verdict, report);
}

static void plan_next(struct run *run, struct job *job, const struct http_head *head, bool good)
{
	int64_t age_ms = clock_wall_ms() - job->tracked_ms;
	int64_t delay_ms = good ? cadence_interval(age_ms, engine.options.interval_ms)
				: cadence_back_off(job->poll_failures);
	int64_t now_ms = clock_ms();
	if (run->not_before_ms < now_ms + head->retry_after_ms)
		run->not_before_ms = now_ms + head->retry_after_ms;
	if (delay_ms < run->not_before_ms - now_ms)
		delay_ms = run->not_before_ms - now_ms;
	plan(run, job, delay_ms);
}

/* A job that has just become final is said once in the log. */
static void say_final(const struct job *job)
{
	if (job->state == JOB_DONE)
		log_info("%s: done", job->id);
	else if (job->state == JOB_EXPIRED)
		log_warning("%s: expired at the provider", job->id);
	else
		log_warning("%s: failed: %s", job->id, job->error_message);
}

/* An answer about a job that is not final yet. */
static void take_answer(struct run *run, struct job *job, const struct http_result *result,
	const struct report *report)
{
	/* Whom the provider knew a moment ago it may not know for a moment. */
	int64_t unknown_ms = clock_ms() - run->known_ms;
	struct verdict verdict = verdict_of(report, unknown_ms, run->no_url_polls);
	bool no_url = report != NULL && report->kind == REPORT_NO_URL;
	bool decided = verdict.action == VERDICT_ACCEPT || verdict.action == VERDICT_FAIL;
	const char *why = why_not(result, report);

	run->no_url_polls = no_url ? run->no_url_polls + 1 : 0;
	judge_mount(run, verdict.action, result->head, why);
	take_figures(job, result, decided, why);
	bool changed = apply(job, &verdict, report);
	bool new_body = decided && is_new_body(run, result);
	if (!job_is_final(job))
		plan_next(run, job, result->head, decided || no_url);
	if (changed || new_body)
		rows_save(run, job, result->body, new_body ? result->body_length : 0, NULL);
	else
		rows_show(run, job);
	if (job_is_final(job))
		say_final(job);
	if (job->state == JOB_DONE)
		fetch_begin(run);
}

/* An answer that was asked for because the video's address is refused. */
static void take_refresh(struct run *run, struct job *job, const struct http_result *result,
	const struct report *report)
{
	bool fresh = report != NULL && report->kind == REPORT_JOB && report->url[0] != '\0';

	take_figures(job, result, report != NULL, why_not(result, report));
	if (fresh && strcmp(job->url, report->url) != 0) {
		memcpy(job->url, report->url, sizeof(job->url));
		rows_save(run, job, NULL, 0, NULL);
	} else {
		rows_show(run, job);
	}
	run->refresh = false;
	fetch_refreshed(run, report != NULL && report->kind == REPORT_JOB);
}

static void on_poll_done(void *arg, const struct http_result *result)
{
	struct run *run = arg;
	struct report report;
	struct job job;
	bool answered = result->error == HTTP_OK;

	run->poll = NULL;
	in_flight--;
	if (answered)
		provider_read(engine.options.provider, result->head->status, result->body,
			result->body_length, &report);
	rows_load(run, &job);
	if (run->refresh)
		take_refresh(run, &job, result, answered ? &report : NULL);
	else
		take_answer(run, &job, result, answered ? &report : NULL);
	run_rest(run);
}

/* ---- beginning and end ----------------------------------------------------------------------- */

void poll_begin(struct run *run, bool remembered)
{
	struct job job;
	rows_load(run, &job);
	run->known_ms = clock_ms();
	uint32_t spread_ms = remembered ? (uint32_t)engine.options.interval_ms : 0;
	plan(run, &job, clock_jitter(spread_ms + 1));
	rows_show(run, &job);
}

void poll_end(struct run *run)
{
	heap_remove(&due, &run->poll_due);
	if (run->poll != NULL) {
		http_cancel(engine.http, run->poll);
		run->poll = NULL;
		in_flight--;
	}
	free(run->body);
	run->body = NULL;
}

void poll_refresh(struct run *run)
{
	if (run->poll != NULL)
		return;
	run->refresh = true;
	heap_set(&due, &run->poll_due, clock_ms());
}

void poll_watch(struct run *run)
{
	struct job job;
	if (run->poll != NULL || run->poll_due.at == 0)
		return;
	rows_load(run, &job);
	if (job.poll_failures > 0)
		return;
	int64_t soonest_ms = run->poll_begun_ms + engine.options.interval_watched_ms;
	int64_t now_ms = clock_ms();
	if (soonest_ms < run->not_before_ms)
		soonest_ms = run->not_before_ms;
	if (soonest_ms < now_ms)
		soonest_ms = now_ms;
	if (soonest_ms >= run->poll_due.key)
		return;
	plan(run, &job, soonest_ms - now_ms);
	rows_show(run, &job);
}

/* Whoever was put off because of the key is asked about now, as far as the rate allows. */
void poll_rekeyed(void)
{
	struct run *run;
	int64_t now_ms = clock_ms();
	if (trouble)
		hold_ms = 0;
	trouble = false;
	LIST_FOREACH (run, &engine.runs, link) {
		run->not_before_ms = 0;
		if (run->poll_due.at != 0)
			heap_set(&due, &run->poll_due, now_ms);
	}
}

void poll_stop(void)
{
	heap_free(&due);
	in_flight = 0;
}
