/* SPDX-License-Identifier: MIT */
/*
 * verdict: what to do about the outcome of a poll.
 *
 * Owns    the rules: which outcome ends a job, which is a problem of the key, of the base URL, of
 *         the moment.
 * Thread  any: a pure table.
 * Never   knows sockets, time, disk, FUSE.
 */
#ifndef VERDICT_H
#define VERDICT_H

#include "cometfs.h"

enum verdict_action {
	VERDICT_ACCEPT, /* the report speaks of the job: take it over */
	VERDICT_FAIL, /* the job has failed, with the verdict's error */
	VERDICT_AGAIN, /* nothing learned: poll again, with back-off */
	VERDICT_DOUBT, /* likewise; a few in a row are the base URL's trouble */
	VERDICT_HOLD, /* too many requests: the whole mount slows down */
	VERDICT_KEY, /* the key's trouble: the whole mount waits for a better one */
	VERDICT_CONFIG, /* the base URL's trouble: likewise */
};

struct verdict {
	enum verdict_action action;
	enum error_code error;
};

/* Polls that may say "done" without an address before the job has failed. */
#define VERDICT_NO_URL_POLLS 5

/*
 * How long a job may be unknown to the provider: it is so for some seconds after its creation, and
 * may be so in passing later.
 */
#define VERDICT_GRACE_MS INT64_C(60000)

/* Doubtful answers in a row, of whichever jobs, before the base URL is held to be wrong. */
#define VERDICT_DOUBTS 5

/* What came before. */
struct verdict_past {
	int64_t unknown_ms; /* since the provider first said, in a row, that it does not know the job */
	unsigned no_url_polls; /* in a row: "done" without an address */
	unsigned doubts; /* in a row */
};

/* http_status and report of the answer; 0 and NULL where there was none. */
struct verdict verdict_of(
	int http_status, const struct report *report, const struct verdict_past *past);

#endif
