/* SPDX-License-Identifier: MIT */
/* job_counts: how many jobs there are of each kind. Private to job*.c; needs the lock of job.c. */
#ifndef JOB_COUNTS_H
#define JOB_COUNTS_H

#include "job.h"

/* A job has changed; before is NULL for one that comes, after for one that goes. */
void counts_move(struct job_counts *counts, const struct job *before, const struct job *after);

#endif
