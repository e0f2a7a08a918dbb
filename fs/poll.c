/* SPDX-License-Identifier: MIT */
/*
 * Polls: when a job is asked about, and what its answer does.
 *
 * A young job is polled every `interval`; older ones less often, but never given up. Faults back
 * off. What concerns the polls of all jobs is in manners.c.
 */
#include "cadence.h"
#include "manners.h"
#include "poll_answer.h"
#include "run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

struct http_exchange *poll_ask(const char *id, int64_t timeout_ms, bool share,
	void (*on_done)(void *arg, const struct http_result *result), void *arg)
{
	char url[URL_SIZE];
	struct http_request request = { .url = url,
		.bearer = engine.options.key,
		.body_max = BODY_MAX,
		.timeout_ms = timeout_ms,
		.share = share,
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
	run->poll = poll_ask(job.id, engine.options.timeout_ms, true, on_poll_done, run);
	if (run->poll != NULL) {
		manners_begun(run);
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
	manners_show();
	return next_ms;
}

/* ---- answers --------------------------------------------------------------------------------- */

/* From one beginning to the next, and where it was a little late from when it was due. */
static int64_t rest_of(const struct run *run, int64_t interval_ms)
{
	int64_t late_ms = run->poll_begun_ms - run->poll_due.key;
	int64_t from_ms = run->poll_begun_ms - (late_ms < interval_ms / 10 ? late_ms : 0);
	int64_t rest_ms = interval_ms - (clock_ms() - from_ms);
	return rest_ms > interval_ms / 2 ? rest_ms : interval_ms / 2;
}

/* Whoever looks: not before the provider wants to be asked again. */
static void put_off(struct run *run, const struct http_head *head)
{
	int64_t until_ms = clock_ms() + head->retry_after_ms;
	if (run->not_before_ms < until_ms)
		run->not_before_ms = until_ms;
}

/* A job that the provider does not know is asked about once more when its grace ends, not later. */
static int64_t at_end_of_grace(const struct run *run, int64_t delay_ms)
{
	int64_t rest_ms = run->unknown_ms + VERDICT_GRACE_MS - clock_ms();
	return run->unknown_ms > 0 && rest_ms > 0 && rest_ms < delay_ms ? rest_ms : delay_ms;
}

static void plan_next(struct run *run, struct job *job, const struct http_head *head, bool good)
{
	int64_t delay_ms =
		good ? rest_of(run, interval_of(run)) : cadence_back_off(job->poll_failures);
	if (!good && manners_is_stale(run))
		delay_ms = 0;
	delay_ms = at_end_of_grace(run, delay_ms);
	put_off(run, head);
	int64_t rest_ms = run->not_before_ms - clock_ms();
	plan(run, job, false, delay_ms > rest_ms ? delay_ms : rest_ms);
}

static void say_final(const struct job *job)
{
	if (job->state == JOB_DONE)
		log_job(LOG_LEVEL_INFO, job->id, "done");
	else if (job->state == JOB_EXPIRED)
		notice(NOTICE_EXPIRED, job->id, ERROR_NONE, "");
	else
		notice(NOTICE_FAILED, job->id, job->error,
			job->error_message[0] != '\0' ? job->error_message
						      : "the provider does not say why");
}

static struct verdict judge(
	struct run *run, const struct http_result *result, const struct report *report)
{
	int64_t now_ms = clock_ms();
	bool unknown = report != NULL &&
		       (report->kind == REPORT_NOT_FOUND || report->kind == REPORT_BAD_REQUEST);
	if (unknown && run->unknown_ms == 0)
		run->unknown_ms = now_ms;
	const struct verdict_past past = { .unknown_ms = now_ms - run->unknown_ms,
		.no_url_polls = run->no_url_polls,
		.doubts = manners_doubts() };
	struct verdict verdict = verdict_of(result->head->status, report, &past);

	if (report != NULL && report->kind == REPORT_NO_URL)
		run->no_url_polls++;
	else if (verdict.action == VERDICT_ACCEPT)
		run->no_url_polls = 0;
	if (verdict.action == VERDICT_ACCEPT)
		run->unknown_ms = 0;
	manners_judge(run, verdict.action, report, result->head, poll_answer_why(result, report));
	return verdict;
}

/* An answer about a job that is not final yet. */
static void take_answer(struct run *run, struct job *job, const struct http_result *result,
	const struct report *report)
{
	struct verdict verdict = judge(run, result, report);
	bool no_url = report != NULL && report->kind == REPORT_NO_URL;
	bool decided = verdict.action == VERDICT_ACCEPT || verdict.action == VERDICT_FAIL;

	poll_answer_count(job, result, decided, poll_answer_why(result, report));
	bool changed = poll_answer_apply(job, &verdict, report);
	bool new_body = decided && poll_answer_keep(run, result);
	if (no_url) /* to be counted each time */
		poll_answer_forget(run);
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
	run->unknown_ms = 0;
	figures_add(FIGURE_POLLS, ASKED_ANSWERED, 1);
	manners_judge(run, VERDICT_ACCEPT, NULL, result->head, "");
	poll_answer_count(job, result, true, "");
	plan_next(run, job, result->head, true);
	rows_show(run, job);
}

/* An answer that was asked for because the video's address is refused. */
static void take_refresh(struct run *run, struct job *job, const struct http_result *result,
	const struct report *report)
{
	bool answered = report != NULL && report->kind == REPORT_JOB;
	bool fresh = answered && report->url[0] != '\0' && strcmp(job->url, report->url) != 0;

	(void)judge(run, result, report);
	put_off(run, result->head);
	poll_answer_count(job, result, report != NULL, poll_answer_why(result, report));
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
		poll_answer_hide_key(&report);
		if (poll_answer_is_foreign(run, job, &report))
			poll_answer_disown(&report);
		said = &report;
	}
	poll_answer_tally(FIGURE_POLLS, result, said);
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
	manners_ended();
	if (result->error == HTTP_OK)
		figures_time(TIMED_POLL, clock_ms() - run->poll_begun_ms);
	rows_load(run, &job);
	log_job(LOG_LEVEL_DEBUG, job.id, "polled, HTTP %d after %lld ms%s%s", result->head->status,
		(long long)(clock_ms() - run->poll_begun_ms), result->reason[0] != '\0' ? ": " : "",
		result->reason);
	if (!job_is_final(&job) && run->no_url_polls == 0 && poll_answer_is_same(run, result))
		take_same(run, &job, result);
	else
		take_other(run, &job, result);
	run_rest(run);
}

/* ---- beginning and end ----------------------------------------------------------------------- */

void poll_begin(struct run *run, bool spread)
{
	struct job job;
	rows_load(run, &job);
	int64_t age_ms = clock_wall_ms() - job.tracked_ms;
	run->age_ms = age_ms > 0 ? age_ms : 0;
	run->begun_ms = clock_ms();
	int64_t interval_ms = interval_of(run);
	int64_t within_ms = interval_ms < SPREAD_MAX_MS ? interval_ms : SPREAD_MAX_MS;
	plan(run, &job, false, spread ? clock_jitter((uint32_t)within_ms + 1) : 0);
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
	poll_answer_forget(run);
	free(run->task_id);
	free(run->request_id);
	run->task_id = run->request_id = NULL;
}

void poll_refresh(struct run *run)
{
	if (run->poll != NULL)
		return;
	int64_t now_ms = clock_ms();
	run->refresh = true;
	manners_line_up(run, true, run->not_before_ms > now_ms ? run->not_before_ms : now_ms);
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
	if (soonest_ms < manners_hold_ms())
		soonest_ms = manners_hold_ms();
	if (soonest_ms < now_ms)
		soonest_ms = now_ms;
	if (soonest_ms > due_ms || job.poll_failures > 0)
		soonest_ms = due_ms;
	if (run->urgent && soonest_ms == due_ms)
		return;
	plan(run, &job, true, soonest_ms - now_ms);
	rows_show(run, &job);
}
