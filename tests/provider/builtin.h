/* SPDX-License-Identifier: MIT */
/*
 * builtin: the bodies that scripts know by name, and the two error bodies that need no script.
 *
 * Owns    their texts. Never knows who is answered.
 */
#ifndef BUILTIN_H
#define BUILTIN_H

#include "body.h"

struct builtin {
	const char *name;
	const char *text;
	int64_t progress; /* where the script gives none */
	enum body_shows shows;
};

/* NULL: no such body. A NULL name is none. */
const struct builtin *builtin_find(const char *name);

extern const char builtin_wrong_key[];
extern const char builtin_not_exist[];

#endif
