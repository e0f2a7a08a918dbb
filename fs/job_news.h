/* SPDX-License-Identifier: MIT */
/*
 * job_news: what has happened, for programs that follow it, and what is to be told. Private to job*.c.
 *
 * All below needs the lock of job.c, but for news_signal().
 */
#ifndef JOB_NEWS_H
#define JOB_NEWS_H

#include "job_table.h"

/* Of a change: what was before (NULL: a new job) and what is now (NULL: it goes), of the job id. */
void news_record(const struct job *before, const struct job *after, const char *id);

/* The news of it. */
unsigned news_of(const struct job *before, const struct job *after);

/* Puts them with what is to be told of an entry already. */
void news_add(struct entry *entry, unsigned what);

/* The entry goes: nothing more is told of it. */
void news_forget(struct entry *entry);

/* After news_add(): wakes who waits for them. */
void news_signal(void);

/* The number of the next event. */
uint64_t news_end(void);

/* Nothing has happened yet. */
void news_clear(void);

#endif
