/* SPDX-License-Identifier: MIT */
/*
 * job_pack: a struct job without the unused room of its texts. Private to job*.c.
 *
 * Thread  any: pure functions.
 */
#ifndef JOB_PACK_H
#define JOB_PACK_H

#include "job.h"

/* The numbers and extents as they are, then the texts with their NULs, back to back. Free with free(). */
struct packed;

/* NULL when there is no memory. */
struct packed *job_pack(const struct job *job);
void job_unpack(const struct packed *packed, struct job *job);

/* The numbers and extents alone: the texts of job are left as they were. */
void job_unpack_numbers(const struct packed *packed, struct job *job);

enum job_state job_packed_state(const struct packed *packed);

/* The id, inside what is packed. */
const char *job_packed_id(const struct packed *packed);

#endif
