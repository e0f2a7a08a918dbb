/* SPDX-License-Identifier: MIT */
/*
 * What to do about the outcome of a poll.
 *
 *   kind of report       action
 *   no answer, BUSY,     AGAIN
 *   UNREADABLE
 *   JOB                  ACCEPT
 *   NO_URL               FAIL no_url after VERDICT_NO_URL_POLLS of them; else AGAIN,
 *                        or ACCEPT when it speaks of a state beside
 *   NOT_FOUND            AGAIN while the job is young, then FAIL not_found
 *   BAD_REQUEST          AGAIN while the job is young, then FAIL bad_request
 *   AUTH, QUOTA          KEY
 *   LIMITED              HOLD
 *   CONFIG               CONFIG
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

struct verdict verdict_of(const struct report *report, int64_t age_ms, unsigned no_url_polls)
{
	bool young = age_ms < VERDICT_GRACE_MS;

	if (report == NULL)
		return act(VERDICT_AGAIN);
	switch (report->kind) {
	case REPORT_JOB:
		return act(VERDICT_ACCEPT);
	case REPORT_NO_URL:
		if (report->state != JOB_UNKNOWN && no_url_polls < VERDICT_NO_URL_POLLS)
			return act(VERDICT_ACCEPT);
		return unless(no_url_polls < VERDICT_NO_URL_POLLS, ERROR_NO_URL);
	case REPORT_NOT_FOUND:
		return unless(young, ERROR_NOT_FOUND);
	case REPORT_BAD_REQUEST:
		return unless(young, ERROR_BAD_REQUEST);
	case REPORT_AUTH:
	case REPORT_QUOTA:
		return act(VERDICT_KEY);
	case REPORT_LIMITED:
		return act(VERDICT_HOLD);
	case REPORT_CONFIG:
		return act(VERDICT_CONFIG);
	case REPORT_BUSY:
	case REPORT_UNREADABLE:
		break;
	}
	return act(VERDICT_AGAIN);
}
