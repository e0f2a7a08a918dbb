/* SPDX-License-Identifier: MIT */
/* What an answer says: whether it is new, whose it is, and what it does to its job. */
#include "poll_answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define KEY_LEAST 8 /* shorter ones are words like others */
#define KEEP_MAX 65536 /* of a body, to compare the next one with */

/* The words for poll.last_error. */
const char *poll_answer_why(const struct http_result *result, const struct report *report)
{
	return report == NULL ? result->reason : report->error_message;
}

static enum asked asked_of(const struct report *report)
{
	static const enum asked kinds[] = {
		[REPORT_JOB] = ASKED_ANSWERED,
		[REPORT_NO_URL] = ASKED_NO_URL,
		[REPORT_NOT_FOUND] = ASKED_NOT_FOUND,
		[REPORT_BAD_REQUEST] = ASKED_BAD_REQUEST,
		[REPORT_AUTH] = ASKED_AUTH,
		[REPORT_QUOTA] = ASKED_QUOTA,
		[REPORT_LIMITED] = ASKED_LIMITED,
		[REPORT_BUSY] = ASKED_BUSY,
		[REPORT_CONFIG] = ASKED_WRONG_URL,
		[REPORT_UNREADABLE] = ASKED_UNREADABLE,
	};
	return kinds[report->kind];
}

static enum asked unanswered_of(enum http_error error)
{
	switch (error) {
	case HTTP_TIMEOUT:
		return ASKED_TIMEOUT;
	case HTTP_RESOLVE:
	case HTTP_CONNECT:
	case HTTP_REFUSED_ADDRESS:
	case HTTP_REFUSED_NAME:
		return ASKED_UNREACHABLE;
	default:
		return ASKED_BROKEN;
	}
}

void poll_answer_tally(
	enum figure figure, const struct http_result *result, const struct report *report)
{
	enum asked asked = report != NULL ? asked_of(report) : unanswered_of(result->error);
	figures_add(figure, asked, 1);
	if (asked == ASKED_ANSWERED)
		return;
	figures_set(FIGURE_LAST_FAILURE, 0, asked);
	figures_set(FIGURE_FAILED_MS, 0, clock_ms());
}

/* Bytes that were accepted a moment ago say nothing new: most answers are that. */
bool poll_answer_is_same(const struct run *run, const struct http_result *result)
{
	return run->body != NULL && result->error == HTTP_OK &&
	       result->head->status == run->body_status &&
	       result->body_length == run->body_length &&
	       memcmp(run->body, result->body, run->body_length) == 0;
}

void poll_answer_forget(struct run *run)
{
	free(run->body);
	run->body = NULL;
}

/* Keeps an accepted body; false when it is the last one again, or nothing. */
bool poll_answer_keep(struct run *run, const struct http_result *result)
{
	if (poll_answer_is_same(run, result))
		return false;
	poll_answer_forget(run);
	if (result->body_length > 0 && result->body_length <= KEEP_MAX)
		run->body = malloc(result->body_length);
	if (run->body != NULL) {
		memcpy(run->body, result->body, result->body_length);
		run->body_length = result->body_length;
		run->body_status = result->head->status;
	}
	return result->body_length > 0;
}

bool poll_answer_apply(struct job *job, const struct verdict *verdict, const struct report *report)
{
	int64_t now_ms = clock_wall_ms();
	if (verdict->action == VERDICT_ACCEPT)
		return job_accept(job, report, now_ms);
	if (verdict->action != VERDICT_FAIL)
		return false;
	job_fail(job, verdict->error, report->error_message, now_ms);
	return true;
}

void poll_answer_count(
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

/* The first answer decides what the provider calls the job: it may have a name of its own for it. */
static bool is_other(char **known, const struct job *job, const char *said)
{
	if (said[0] == '\0')
		return false;
	if (*known == NULL)
		*known = strdup(said);
	return *known != NULL && strcasecmp(*known, said) != 0 && strcasecmp(job->id, said) != 0;
}

/* Whether an answer is about another job than those before it. */
bool poll_answer_is_foreign(struct run *run, const struct job *job, const struct report *report)
{
	return is_other(&run->task_id, job, report->task_id) ||
	       is_other(&run->request_id, job, report->request_id);
}

/* Nothing is taken from such an answer but that it came. */
void poll_answer_disown(struct report *report)
{
	char id[ID_SIZE];
	memcpy(id, report->task_id[0] != '\0' ? report->task_id : report->request_id, sizeof(id));
	memset(report, 0, sizeof(*report));
	report->kind = REPORT_BUSY;
	(void)snprintf(report->error_message, sizeof(report->error_message),
		"the answer is about another job: %s", id);
}

/* The last of the text may be what a cut has left of it. */
static void hide(char *text, const char *key)
{
	size_t length = strlen(key);
	for (char *at = text; strlen(at) >= KEY_LEAST; at++) {
		size_t rest = strlen(at), same = rest < length ? rest : length;
		if (strncmp(at, key, same) != 0)
			continue;
		memcpy(at, "***", 3);
		memmove(at + 3, at + same, rest - same + 1);
	}
}

void poll_answer_hide_key(struct report *report)
{
	const char *key = engine.options.key;
	if (strlen(key) < KEY_LEAST)
		return;
	hide(report->error_message, key);
	hide(report->message, key);
	hide(report->code, key);
}
