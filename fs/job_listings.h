/* SPDX-License-Identifier: MIT */
/* job_listings: how and when lists of jobs have changed. Private to job*.c; needs the lock of job.c. */
#ifndef JOB_LISTINGS_H
#define JOB_LISTINGS_H

#include "job.h"

void listings_clear(void);

/*
 * A job is about to change, and has; before is NULL for one that comes into lists, after for one that
 * goes out of them. listings_begin() tells whether any list changes.
 */
bool listings_begin(const struct job *before, const struct job *after);
void listings_end(const struct job *before, const struct job *after);

/* But for the number of jobs. */
void listings_get(enum job_state state, struct job_listing *listing);

/* As job_listing_begin() and job_listing_end(). */
unsigned listings_begin_list(enum job_state state);
bool listings_end_list(enum job_state state, unsigned edition);

#endif
