/* SPDX-License-Identifier: MIT */
/*
 * poll_answer: what the answer to a poll does to its job. Private to poll.c and
 * probe.c. When the next poll is due is poll.c's, and what it means for all jobs manners.c's.
 */
#ifndef POLL_ANSWER_H
#define POLL_ANSWER_H

#include "run.h"
#include "verdict.h"

/* The words for poll.last_error; report is NULL when there was no answer. */
const char *poll_answer_why(const struct http_result *result, const struct report *report);

/* Counts it; report is NULL when there was no answer. */
void poll_answer_tally(
	enum figure figure, const struct http_result *result, const struct report *report);

/* Whether it is, byte for byte, the one that was accepted last: then it says nothing new. */
bool poll_answer_is_same(const struct run *run, const struct http_result *result);

/* Keeps an accepted one for that; false when it is the last one again, or empty. */
bool poll_answer_keep(struct run *run, const struct http_result *result);
void poll_answer_forget(struct run *run);

/* Whether it is about another job than those before it. */
bool poll_answer_is_foreign(struct run *run, const struct job *job, const struct report *report);

/* Makes it one that says nothing but that. */
void poll_answer_disown(struct report *report);

/* Takes over what the verdict allows. True when something has changed that has to be kept. */
bool poll_answer_apply(struct job *job, const struct verdict *verdict, const struct report *report);

/* The figures of the poll. why is for poll.last_error, unless it was good. */
void poll_answer_count(
	struct job *job, const struct http_result *result, bool good, const char *why);

/* Some providers repeat the key that they refuse: it must get into no document and no line. */
void poll_answer_hide_key(struct report *report);

#endif
