/* SPDX-License-Identifier: MIT */
/*
 * options: what stands behind `answer` and `serve`.
 *
 * Owns    the table of options.
 * Never   knows sections.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "script.h"

enum { IN_ANSWER = 1, IN_SERVE = 2 };

/* What is wrong with a line, and the word that it is about. */
struct complaint {
	const char *what;
	const char *word;
};

/* Reads the rest of a line into a zeroed step. 0, or -EINVAL with the complaint filled in. */
int options_read(char **line, unsigned where, struct step *step, struct complaint *wrong);

/* A number with K, M or G behind it; with is_signed a sign is due. 0 or -EINVAL. */
int options_number(const char *text, bool is_signed, int64_t *result);

#endif
