/* SPDX-License-Identifier: MIT */
/*
 * words: a line of a script, cut into words.
 *
 * Owns    nothing: words are cut and unescaped inside the line itself.
 * Never   knows what a word means.
 */
#ifndef WORDS_H
#define WORDS_H

#include "script.h"

/* `key`, or `key=value`, where the value may be quoted and hold escapes. */
struct word {
	char *key;
	struct text value; /* data is NULL where there is no `=` */
};

/*
 * Cuts the next word off *line, which moves on. 1: there was one, 0: the line is at its end or a
 * comment starts, -EINVAL: a quote is not closed or an escape is none of ours.
 */
int words_next(char **line, struct word *word);

#endif
