/* SPDX-License-Identifier: MIT */
/*
 * Polls: when a job is asked about, and what its answer does.
 *
 * A young job is polled every `interval`; older ones less often, but never given up. Faults back
 * off. What concerns the polls of all jobs is in manners.c.
 */
#include "cadence.h"
#include "manners.h"
#include "run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BODY_MAX 1048576
#define SPREAD_MAX_MS 60000

/* ---- when ------------------------------------------------------------------------------------ */

/* delay_ms from now, but not while all polls are held up; said in the job, too. */
static void plan(struct run *run, struct job *job, bool urgent, int64_t delay_ms)
{
	int64_t now_ms = clock_ms();
	if (delay_ms < manners_hold_ms() - now_ms)
		delay_ms = manners_hold_ms() - now_ms;
	manners_line_up(run, urgent, now_ms + delay_ms);
	job->poll_next_ms = clock_wall_ms() + delay_ms;
}

/* The job's age by a clock that nobody sets while we run. */
static int64_t age_of(const struct run *run)
{
	return run->age_ms + clock_ms() - run->begun_ms;
}

static int64_t interval_of(const struct run *run)
{
	return cadence_interval(age_of(run), engine.options.interval_ms);
}

/* ---- asking ---------------------------------------------------------------------------------- */

static void on_poll_done(void *arg, const struct http_result *result);

struct http_exchange *poll_ask(const char *id, int64_t timeout_ms, bool fresh,
	void (*on_done)(void *arg, const struct http_result *result), void *arg)
{
	char url[URL_SIZE];
	struct http_request request = { .url = url,
		.bearer = engine.options.key,
		.body_max = BODY_MAX,
		.timeout_ms = timeout_ms,
		.fresh = fresh,
		.on_done = on_done,
		.arg = arg };

	if (provider_url(engine.options.provider, engine.options.base, id, url, sizeof(url)) != 0)
		return NULL;
	return http_send(engine.http, &request);
}

static void start_poll(struct run *run, int64_t now_ms)
{
	struct job job;
	rows_load(run, &job);
	run->poll_begun_ms = now_ms;
	run->poll = poll_ask(job.id, engine.options.timeout_ms, run->timed_out, on_poll_done, run);
	if (run->poll != NULL) {
		manners_begun();
		return;
	}
	plan(run, &job, run->urgent, cadence_back_off(1));
	rows_show(run, &job);
}

int64_t poll_due(int64_t now_ms)
{
	struct run *run;
	int64_t next_ms;
	while ((run = manners_next(now_ms, &next_ms)) != NULL)
		start_poll(run, now_ms);
	return next_ms;
}

/* ---- answers --------------------------------------------------------------------------------- */

/* The words for poll.last_error. */
static const char *why_not(const struct http_result *result, const struct report *report)
{
	if (report == NULL)
		return result->reason;
	if (report->kind == REPORT_NO_URL)
		return "done, but without an address to fetch from";
	return report->error_message;
}

/* Bytes that were accepted a moment ago say nothing new: most answers are that. */
static bool is_same_body(const struct run *run, const struct http_result *result)
{
	return run->body != NULL && result->error == HTTP_OK &&
	       result->head->status == run->body_status &&
	       result->body_length == run->body_length &&
	       memcmp(run->body, result->body, run->body_length) == 0;
}

/* Keeps an accepted body; false when it is the last one again, or nothing. */
static bool keep_body(struct run *run, const struct http_result *result)
{
	if (is_same_body(run, result))
		return false;
	free(run->body);
	run->body = result->body_length > 0 ? malloc(result->body_length) : NULL;
	if (run->body != NULL) {
		memcpy(run->body, result->body, result->body_length);
		run->body_length = result->body_length;
		run->body_status = result->head->status;
	}
	return result->body_length > 0;
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
	const struct verdict_past past = { 0 };
	struct verdict verdict = verdict_of(result->head->status, report, &past);
	take_figures(job, result, verdict.action == VERDICT_ACCEPT, why_not(result, report));
	(void)apply(job, &verdict, report);
}

/* From one beginning to the next, and where it was a little late from when it was due. */
static int64_t rest_of(const struct run *run, int64_t interval_ms)
{
	int64_t late_ms = run->poll_begun_ms - run->poll_due.key;
	int64_t from_ms = run->poll_begun_ms - (late_ms < interval_ms / 10 ? late_ms : 0);
	int64_t rest_ms = interval_ms - (clock_ms() - from_ms);
	return rest_ms > interval_ms / 2 ? rest_ms : interval_ms / 2;
}

static void plan_next(struct run *run, struct job *job, const struct http_head *head, bool good)
{
	int64_t delay_ms =
		good ? rest_of(run, interval_of(run)) : cadence_back_off(job->poll_failures);
	int64_t now_ms = clock_ms();
	if (run->not_before_ms < now_ms + head->retry_after_ms)
		run->not_before_ms = now_ms + head->retry_after_ms;
	if (delay_ms < run->not_before_ms - now_ms)
		delay_ms = run->not_before_ms - now_ms;
	plan(run, job, false, delay_ms);
}

static void say_final(const struct job *job)
{
	if (job->state == JOB_DONE)
		log_info("%s: done", job->id);
	else if (job->state == JOB_EXPIRED)
		notice(NOTICE_EXPIRED, job->id, ERROR_NONE, "");
	else
		notice(NOTICE_FAILED, job->id, job->error, job->error_message);
}

/*
 * Whether an answer is about another job than those before it. The first one decides what the
 * provider calls the job: a gateway may well have a name of its own for it.
 */
static bool is_foreign(struct run *run, const struct job *job, const struct report *report)
{
	if (report->task_id[0] == '\0')
		return false;
	if (run->task_id == NULL)
		run->task_id = strdup(report->task_id);
	return run->task_id != NULL && strcasecmp(run->task_id, report->task_id) != 0 &&
	       strcasecmp(job->id, report->task_id) != 0;
}

/* Nothing is taken from such an answer but that it came. */
static void be_foreign(struct report *report)
{
	char id[ID_SIZE];
	memcpy(id, report->task_id, sizeof(id));
	memset(report, 0, sizeof(*report));
	report->kind = REPORT_BUSY;
	(void)snprintf(report->error_message, sizeof(report->error_message),
		"the answer is about another job: %s", id);
}

/* An answer about a job that is not final yet. */
static void take_answer(struct run *run, struct job *job, const struct http_result *result,
	const struct report *report)
{
	/* Whom the provider knew a moment ago it may not know for a moment. */
	const struct verdict_past past = { .unknown_ms = clock_ms() - run->known_ms,
		.no_url_polls = run->no_url_polls,
		.doubts = manners_doubts() };
	struct verdict verdict = verdict_of(result->head->status, report, &past);
	bool no_url = report != NULL && report->kind == REPORT_NO_URL;
	bool decided = verdict.action == VERDICT_ACCEPT || verdict.action == VERDICT_FAIL;
	const char *why = why_not(result, report);

	run->no_url_polls = no_url ? run->no_url_polls + 1 : 0;
	if (verdict.action == VERDICT_ACCEPT)
		run->known_ms = clock_ms();
	manners_judge(run, verdict.action, report, result->head, why);
	take_figures(job, result, decided, why);
	bool changed = apply(job, &verdict, report);
	bool new_body = decided && keep_body(run, result);
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

/* The last answer once more. */
static void take_same(struct run *run, struct job *job, const struct http_result *result)
{
	run->known_ms = clock_ms();
	manners_judge(run, VERDICT_ACCEPT, NULL, result->head, "");
	take_figures(job, result, true, "");
	plan_next(run, job, result->head, true);
	rows_show(run, job);
}

/* An answer that was asked for because the video's address is refused. */
static void take_refresh(struct run *run, struct job *job, const struct http_result *result,
	const struct report *report)
{
	bool answered = report != NULL && report->kind == REPORT_JOB;
	bool fresh = answered && report->url[0] != '\0' && strcmp(job->url, report->url) != 0;

	take_figures(job, result, report != NULL, why_not(result, report));
	if (fresh) {
		memcpy(job->url, report->url, sizeof(job->url));
		rows_save(run, job, result->body, result->body_length, NULL);
	} else {
		rows_show(run, job);
	}
	run->refresh = false;
	fetch_refreshed(run, answered, fresh);
}

/* An answer that has to be read, or none: said is NULL then. */
static void take_other(struct run *run, struct job *job, const struct http_result *result)
{
	struct report report;
	const struct report *said = NULL;
	if (result->error == HTTP_OK) {
		provider_read(engine.options.provider, result->head->status, result->body,
			result->body_length, &report);
		if (is_foreign(run, job, &report))
			be_foreign(&report);
		said = &report;
	}
	if (run->refresh)
		take_refresh(run, job, result, said);
	else
		take_answer(run, job, result, said);
}

static void on_poll_done(void *arg, const struct http_result *result)
{
	struct run *run = arg;
	struct job job;

	run->poll = NULL;
	run->timed_out = result->error == HTTP_TIMEOUT;
	manners_ended();
	rows_load(run, &job);
	if (!job_is_final(&job) && run->no_url_polls == 0 && is_same_body(run, result))
		take_same(run, &job, result);
	else
		take_other(run, &job, result);
	run_rest(run);
}

/* ---- beginning and end ----------------------------------------------------------------------- */

/* Until its first poll, or its next. */
static int64_t first_delay_ms(const struct run *run, const struct job *job, bool remembered)
{
	int64_t interval_ms = interval_of(run);
	if (remembered)
		return clock_jitter(
			(uint32_t)(interval_ms < SPREAD_MAX_MS ? interval_ms : SPREAD_MAX_MS) + 1);
	return job->poll_count > 0 ? interval_ms : 0;
}

void poll_begin(struct run *run, bool remembered)
{
	struct job job;
	rows_load(run, &job);
	int64_t age_ms = clock_wall_ms() - job.tracked_ms;
	run->age_ms = age_ms > 0 ? age_ms : 0;
	run->begun_ms = run->known_ms = clock_ms();
	plan(run, &job, false, first_delay_ms(run, &job, remembered));
	if (job.poll_error[0] == '\0')
		(void)snprintf(job.poll_error, sizeof(job.poll_error), "%s", manners_words());
	rows_show(run, &job);
}

void poll_end(struct run *run)
{
	manners_leave(run);
	if (run->poll != NULL) {
		http_cancel(engine.http, run->poll);
		run->poll = NULL;
		manners_ended();
	}
	free(run->body);
	free(run->task_id);
	run->body = run->task_id = NULL;
}

void poll_refresh(struct run *run)
{
	if (run->poll != NULL)
		return;
	run->refresh = true;
	manners_line_up(run, true, clock_ms());
}

/* As soon as interval_watched allows; while its polls fail, when it is due anyway, but in front. */
void poll_watch(struct run *run)
{
	struct job job;
	if (run->poll != NULL || run->poll_due.at == 0)
		return;
	rows_load(run, &job);
	int64_t now_ms = clock_ms(), due_ms = run->poll_due.key;
	int64_t soonest_ms = run->poll_begun_ms + engine.options.interval_watched_ms;
	if (soonest_ms < run->not_before_ms)
		soonest_ms = run->not_before_ms;
	if (soonest_ms < now_ms)
		soonest_ms = now_ms;
	if (soonest_ms > due_ms || job.poll_failures > 0)
		soonest_ms = due_ms;
	if (run->urgent && soonest_ms == due_ms)
		return;
	plan(run, &job, true, soonest_ms - now_ms);
	rows_show(run, &job);
}
