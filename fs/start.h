/* SPDX-License-Identifier: MIT */
/* start: the table of what becomes of a row and its files. Private to start.c and its test. */
#ifndef START_H
#define START_H

#include "run.h"

#include <stdlib.h>

enum start_action {
	START_KEEP,
	START_POLL,
	START_FETCH, /* go on with the part */
	START_FETCH_AGAIN, /* from the first byte */
	START_ADOPT, /* the file is whole, but its row does not say so */
	START_DELETE, /* files that should be gone */
	START_FORGET,
};

enum start_action start_of(const struct job *job, const struct store_video *file);

#endif
