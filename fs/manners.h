/* SPDX-License-Identifier: MIT */
/*
 * manners: what all polls share. Private to the engine.
 *
 * Owns    the line of those who are to be polled, the rate, the number in flight, and what holds
 *         all of them up: too many requests, a refused key, a wrong base URL.
 * Thread  the engine's only.
 * Never   asks anything, or reads an answer.
 */
#ifndef MANNERS_H
#define MANNERS_H

#include "run.h"
#include "verdict.h"

/* Puts a run into the line, or elsewhere in it. urgent: somebody looks, or a download waits. */
void manners_line_up(struct run *run, bool urgent, int64_t at_ms);

/* Takes a run out of the line, if it is in. */
void manners_leave(struct run *run);

/*
 * Takes out whose poll may start now; then manners_begun(), or it has to line up again. NULL when
 * nobody's may: next_ms is the time to ask again, INT64_MAX when something has to end first.
 */
struct run *manners_next(int64_t now_ms, int64_t *next_ms);

/* A request that takes a turn of the rate although it was not in the line: a look-up. */
void manners_charge(int64_t now_ms);

void manners_begun(struct run *run);
void manners_ended(void);

/*
 * What an answer means for the polls of all jobs; report is NULL where there was none, run where it
 * was of no job's poll.
 */
void manners_judge(struct run *run, enum verdict_action action, const struct report *report,
	const struct http_head *head, const char *why);

/* The figures of the line. */
void manners_show(void);

/* No poll starts before this time. */
int64_t manners_hold_ms(void);

/* What a look-up is told while none does: 0 when it may ask, -EACCES, -EIO. */
int manners_refusal(void);

/* Whether the poll that has ended went out with an older key. */
bool manners_is_stale(const struct run *run);

/* Why all of them wait; "" when they do not. */
const char *manners_words(void);

/* Answers in a row that may be of a wrong base URL, as verdict.h counts them. */
unsigned manners_doubts(void);

/* Another key: what was refused is asked again. */
void manners_rekeyed(void);

/* Frees the line. */
void manners_stop(void);

#endif
