/* SPDX-License-Identifier: MIT */
/*
 * body: what an answer says: built-in bodies, files, texts, with the request's own words put in.
 *
 * Owns    the built-in bodies.
 * Thread  any; body_rehearse() before the others.
 * Never   knows connections.
 */
#ifndef BODY_H
#define BODY_H

#include "script.h"

struct stage;
struct turn;

enum body_shows { BODY_SHOWS_NEITHER, BODY_SHOWS_START, BODY_SHOWS_FINISH };

/* Whether the step's body says that the job has just started or finished. */
enum body_shows body_shows(const struct step *step);

/*
 * Loads every file that the script names and opens its videos, so that a wrong name is an error at
 * the start. directory is the script's. 0 or -errno, with a line in error.
 */
int body_rehearse(struct script *script, const char *directory, char *error, size_t room);

/* The body of the turn's step for request id, in memory of the caller's (free). 0 or -ENOMEM. */
int body_make(
	const struct stage *stage, const struct turn *turn, const char *id, struct text *result);

/* text with @BASE@ and its like replaced, in memory of the caller's; NULL where there is none. */
char *body_url(const struct stage *stage, const char *text, const char *id);

#endif
