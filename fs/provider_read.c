/* SPDX-License-Identifier: MIT */
/*
 * What an answer to a poll means, in the order of the contract's steps: HTTP status, JSON,
 * known errors, envelope, verdict. The words of the dialects are in their files.
 */
#include "provider_read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void say(struct report *report, enum report_kind kind, const char *text)
{
	report->kind = kind;
	value_copy_text(text, report->error_message, sizeof(report->error_message));
}

static void say_status(
	struct report *report, enum report_kind kind, int http_status, const char *remark)
{
	char text[WORD_SIZE];

	(void)snprintf(text, sizeof(text), "HTTP %d%s", http_status, remark);
	say(report, kind, text);
}

static void say_no_json(struct report *report, int http_status)
{
	say_status(report, REPORT_UNREADABLE, http_status, ", but the answer is no JSON object");
}

/* What the answer itself says is wrong; false when it says nothing. */
static bool copy_error(const struct answer *answer, char *text, size_t size)
{
	/* error is an object in 39_unwrapped_failed_error_object, a text in 64_xai_400_zdr. */
	return value_copy(value_get(answer->error, "message"), text, size) ||
	       value_copy(answer->error, text, size) || comet_copy_reason(answer, text, size) ||
	       value_copy(value_get(answer->top, "message"), text, size) ||
	       value_copy(value_get(answer->error, "code"), text, size) ||
	       (answer->refused && value_copy(value_get(answer->top, "code"), text, size));
}

/* The answer is not of the job: why, in its own words or by its HTTP status. */
static void refuse(const struct answer *answer, struct report *report, enum report_kind kind)
{
	report->kind = kind;
	if (!copy_error(answer, report->error_message, sizeof(report->error_message)))
		say_status(report, kind, answer->http_status, "");
}

static void fail(const struct answer *answer, struct report *report, enum error_code error)
{
	report->kind = REPORT_JOB;
	report->state = JOB_FAILED;
	report->error = error;
	if (!copy_error(answer, report->error_message, sizeof(report->error_message)) &&
		error == ERROR_MODERATED)
		say(report, REPORT_JOB, "refused by the provider's content moderation");
}

/* ---- errors that are told by their words ---------------------------------------------------- */

/* Where the words are about this job, or this key. A fault or a limit has many words. */
static bool words_count(int http_status)
{
	return http_status < 300 || http_status == 400 || http_status == 403 || http_status == 422;
}

/* True when it was one: the report is complete then. Steps 5, 7 and 8. */
static bool read_known_error(const struct answer *answer, struct report *report)
{
	int status = answer->http_status;
	bool is_limit = status == 403 || status == 429;

	if (comet_is_not_found(answer))
		refuse(answer, report, REPORT_NOT_FOUND);
	else if (comet_is_out_of_quota(answer) || (is_limit && xai_is_out_of_credit(answer)))
		refuse(answer, report, REPORT_QUOTA);
	else if (words_count(status) && xai_is_wrong_key(answer))
		refuse(answer, report, REPORT_AUTH);
	else if (words_count(status) && xai_is_moderated(answer))
		fail(answer, report, ERROR_MODERATED);
	else
		return false;
	return true;
}

/* ---- HTTP 300 and above --------------------------------------------------------------------- */

/* What a status says with a JSON object beside it. Steps 5, 6, 8, 9 and 10. */
static enum report_kind kind_of_status(const struct answer *answer)
{
	switch (answer->http_status) {
	case 400:
	case 422:
		return REPORT_BAD_REQUEST;
	case 401:
	case 403:
		return REPORT_AUTH;
	case 402:
		return REPORT_QUOTA;
	case 404:
		return comet_is_wrong_url(answer) ? REPORT_CONFIG : REPORT_NOT_FOUND;
	case 405:
	case 501: /* 87_error_501_not_implemented */
		return REPORT_CONFIG;
	case 429:
		return REPORT_LIMITED;
	case 500:
		return comet_is_bad_setup(answer) ? REPORT_CONFIG : REPORT_BUSY;
	default: /* 408, 5xx, and what nobody has seen */
		return REPORT_BUSY;
	}
}

/*
 * Without a JSON object, a 400 or 404 comes from something in between, and says nothing of the
 * job (a7_cdn_404). The others speak by their number (76_error_429_empty_body).
 */
static bool needs_json(int http_status)
{
	return http_status == 400 || http_status == 404 || http_status == 410 || http_status == 422;
}

static void read_refusal(const struct answer *answer, struct report *report)
{
	int status = answer->http_status;

	if (answer->top == NULL && needs_json(status)) {
		say_no_json(report, status);
	} else if (read_known_error(answer, report)) {
		return;
	} else if (status == 410) { /* a3_content_410_expired */
		report->kind = REPORT_JOB;
		report->state = JOB_EXPIRED;
	} else {
		refuse(answer, report, kind_of_status(answer));
	}
}

/* ---- HTTP 2xx ------------------------------------------------------------------------------- */

static bool has_id(const cJSON *object)
{
	return value_get(object, "request_id") != NULL || value_get(object, "id") != NULL ||
	       value_get(object, "task_id") != NULL;
}

static bool is_open(enum job_state state)
{
	return state == JOB_QUEUED || state == JOB_RUNNING;
}

/*
 * The gateway's word is the first (90_runway_wrapped_queued). No word at all, but an id, is the
 * documented "not ready" (30_bare_request_id_pending), except for a gateway's own task: there a
 * null is as good as UNKNOWN (17_wrapped_unknown_status).
 */
static enum job_state open_state(const struct answer *answer)
{
	if (is_open(answer->gateway_word.state))
		return answer->gateway_word.state;
	if (is_open(answer->inner_word.state))
		return answer->inner_word.state;
	if (answer->gateway_word.said || answer->inner_word.said)
		return JOB_UNKNOWN;
	if (answer->gateway && answer->inner == answer->task)
		return JOB_UNKNOWN;
	return has_id(answer->inner) ? JOB_QUEUED : JOB_UNKNOWN;
}

/*
 * Done, but without an address: 08_wrapped_success_no_url, 37_unwrapped_done_without_url. While
 * the provider's own word is still a running one, so is the job (own_wrapped_success_pending).
 */
static void read_no_url(const struct answer *answer, struct report *report)
{
	say(report, REPORT_NO_URL, "done, but without the address of a video");
	if (is_open(answer->inner_word.state))
		report->state = JOB_RUNNING;
}

/* Done by a word, or by an address without any word (own_unwrapped_done_without_status). */
static bool read_done(const struct answer *answer, struct report *report)
{
	bool said = answer->gateway_word.said || answer->inner_word.said;
	bool done = answer->gateway_word.state == JOB_DONE || answer->inner_word.state == JOB_DONE;

	if (said && !done)
		return false;
	if (xai_copy_url(answer, report->url) || comet_copy_url(answer, report->url))
		report->state = JOB_DONE;
	else if (done)
		read_no_url(answer, report);
	else
		return false;
	return true;
}

/* An error and no status: own_unwrapped_error_without_status. */
static bool read_bare_error(const struct answer *answer, struct report *report)
{
	if (answer->error == NULL || answer->gateway_word.said || answer->inner_word.said)
		return false;
	if (!read_known_error(answer, report))
		fail(answer, report, ERROR_PROVIDER);
	return true;
}

/* Step 11.1: HTTP 2xx with a code that is not success (18_wrapped_code_error_http200). */
static void read_refused(const struct answer *answer, struct report *report)
{
	if (!read_known_error(answer, report) && !read_bare_error(answer, report))
		refuse(answer, report, REPORT_BUSY);
}

/* Step 11.5: the worse of the two words wins, then moderation, then the address. */
static void read_job(const struct answer *answer, struct report *report)
{
	enum job_state gateway = answer->gateway_word.state;
	enum job_state inner = answer->inner_word.state;
	bool moderated = report->respect_moderation == 0;

	/* 13_wrapped_success_nested_failed, and 09_wrapped_failure although it is at 100% */
	if (gateway == JOB_FAILED || inner == JOB_FAILED) {
		moderated = moderated || xai_is_moderated(answer);
		fail(answer, report, moderated ? ERROR_MODERATED : ERROR_PROVIDER);
	} else if (gateway == JOB_EXPIRED || inner == JOB_EXPIRED) {
		report->state = JOB_EXPIRED; /* 14_wrapped_success_nested_expired */
	} else if (moderated) {
		fail(answer, report, ERROR_MODERATED); /* 38_unwrapped_done_moderated */
	} else if (!read_done(answer, report) && !read_bare_error(answer, report)) {
		report->state = open_state(answer);
	}
}

/* ---- all ------------------------------------------------------------------------------------ */

/* report is as it was reset: it speaks of the job, and says nothing of its state. */
static void read_answer(const struct answer *answer, struct report *report)
{
	int status = answer->http_status;

	if (status == 202) /* whatever the body: 51_xai_202_empty_body, 50_xai_pending */
		report->state = JOB_RUNNING;
	else if (status >= 300 && status < 400) /* 85_wrong_path_301 */
		say_status(report, REPORT_CONFIG, status, ": a redirect, which is not followed");
	else if (status >= 400)
		read_refusal(answer, report);
	else if (answer->top == NULL) /* 84_wrong_path_200_spa, 88_malformed_truncated */
		say_no_json(report, status);
	else if (answer->refused)
		read_refused(answer, report);
	else if (cJSON_IsObject(answer->task)) /* null in 20_wrapped_data_null */
		read_job(answer, report);
}

/*
 * To cJSON an escaped NUL ends a text, and what is behind it is lost: half an address, another key.
 * It becomes U+FFFD (own_unwrapped_done_url_with_nul). \u without its four digits does the same to
 * cJSON, but is no JSON (own_200_escape_without_digits): false.
 */
static bool mend_escapes(char *json)
{
	for (char *at = strchr(json, '\\'); at != NULL; at = strchr(at, '\\')) {
		at++;
		if (*at == 'u' && strspn(at + 1, "0123456789abcdefABCDEF") < 4)
			return false;
		if (strncmp(at, "u0000", 5) == 0)
			memcpy(at, "ufffd", 5);
		at += *at != '\0';
	}
	return true;
}

/*
 * The body as a JSON object, else NULL. It is parsed from a copy with a NUL behind it, because
 * older releases of cJSON 1.7 read beyond the end of a cut body. To cJSON a NUL is a blank, or
 * the end of a text: a body that has one is refused.
 */
static cJSON *parse(const char *body, size_t length)
{
	const char *end = NULL;
	cJSON *json = NULL;

	if (length == 0 || memchr(body, '\0', length) != NULL)
		return NULL;
	char *copy = strndup(body, length);
	if (copy == NULL)
		return NULL;
	if (mend_escapes(copy))
		json = cJSON_ParseWithLengthOpts(copy, length + 1, &end, 0);
	if (json != NULL && (!cJSON_IsObject(json) || end[strspn(end, " \t\r\n")] != '\0')) {
		cJSON_Delete(json);
		json = NULL;
	}
	free(copy);
	return json;
}

static void reset(struct report *report)
{
	memset(report, 0, sizeof(*report));
	report->kind = REPORT_JOB;
	report->state = JOB_UNKNOWN;
	report->progress = -1;
	report->cost_ticks = -1;
	report->duration_s = -1;
	report->respect_moderation = -1;
}

void answer_read(int http_status, const char *body, size_t length, struct report *report)
{
	cJSON *json = parse(body, length);
	struct answer answer = { .http_status = http_status, .top = json };

	reset(report);
	if (json != NULL) {
		comet_open(&answer);
		comet_read_task(&answer, report);
		xai_read_video(&answer, report);
	}
	read_answer(&answer, report);
	cJSON_Delete(json);
}
