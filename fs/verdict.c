/* SPDX-License-Identifier: MIT */
/*
 * What to do about the outcome of a poll.
 *
 *   kind of report       action
 *   no answer, BUSY      AGAIN
 *   UNREADABLE           AGAIN; of a page with status 200 or 4xx DOUBT, then CONFIG
 *   JOB                  ACCEPT
 *   NO_URL               FAIL no_url after VERDICT_NO_URL_POLLS of them; else AGAIN,
 *                        or ACCEPT when it speaks of a state beside
 *   NOT_FOUND            AGAIN for a minute, then FAIL not_found
 *   BAD_REQUEST          AGAIN for a minute, then FAIL bad_request
 *   AUTH, QUOTA          KEY
 *   LIMITED              HOLD
 *   CONFIG               CONFIG; of a status 5xx, which may pass, DOUBT at first
 */
#include "verdict.h"

#include <stddef.h>

static struct verdict act(enum verdict_action action)
{
	return (struct verdict){ .action = action, .error = ERROR_NONE };
}

/* What is said in passing does not end a job; what is still said later does. */
static struct verdict unless(bool passing, enum error_code error)
{
	if (passing)
		return act(VERDICT_AGAIN);
	return (struct verdict){ .action = VERDICT_FAIL, .error = error };
}

/* One may be a hiccup of what stands before the provider; a few in a row are another server. */
static struct verdict doubt(const struct verdict_past *past)
{
	return act(past->doubts + 1 < VERDICT_DOUBTS ? VERDICT_DOUBT : VERDICT_CONFIG);
}

/* The provider says such things in JSON. */
static bool is_page_of_another(int http_status)
{
	return http_status == 200 || (http_status >= 400 && http_status < 500);
}

static struct verdict of_no_url(const struct report *report, const struct verdict_past *past)
{
	bool passing = past->no_url_polls < VERDICT_NO_URL_POLLS;
	if (passing && report->state != JOB_UNKNOWN)
		return act(VERDICT_ACCEPT);
	return unless(passing, ERROR_NO_URL);
}

struct verdict verdict_of(
	int http_status, const struct report *report, const struct verdict_past *past)
{
	bool passing = past->unknown_ms < VERDICT_GRACE_MS;

	if (report == NULL)
		return act(VERDICT_AGAIN);
	switch (report->kind) {
	case REPORT_JOB:
		return act(VERDICT_ACCEPT);
	case REPORT_NO_URL:
		return of_no_url(report, past);
	case REPORT_NOT_FOUND:
		return unless(passing, ERROR_NOT_FOUND);
	case REPORT_BAD_REQUEST:
		return unless(passing, ERROR_BAD_REQUEST);
	case REPORT_AUTH:
	case REPORT_QUOTA:
		return act(VERDICT_KEY);
	case REPORT_LIMITED:
		return act(VERDICT_HOLD);
	case REPORT_CONFIG:
		return http_status >= 500 ? doubt(past) : act(VERDICT_CONFIG);
	case REPORT_UNREADABLE:
		return is_page_of_another(http_status) ? doubt(past) : act(VERDICT_AGAIN);
	case REPORT_BUSY:
		break;
	}
	return act(VERDICT_AGAIN);
}
