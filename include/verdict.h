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

/* How long after it was tracked a job may be unknown to the provider. */
#define VERDICT_GRACE_MS INT64_C(60000)

/*
 * report is NULL when there was no answer. age_ms: since the provider last knew
 * the job, or we began to ask; no_url_polls: how
 * many such answers came before this one.
 */
struct verdict verdict_of(const struct report *report, int64_t age_ms, unsigned no_url_polls);

#endif
