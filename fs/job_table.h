/* SPDX-License-Identifier: MIT */
/*
 * job_table: the jobs by serial and by id. Private to job*.c.
 *
 * All below needs the lock of job.c, but for what only allocates and frees, and for what the
 * engine's thread reads, which alone changes the table.
 */
#ifndef JOB_TABLE_H
#define JOB_TABLE_H

#include "job_pack.h"

#include <sys/queue.h>

struct entry {
	SLIST_ENTRY(entry) same_hash;
	uint64_t serial;
	struct packed *packed;
	bool hidden; /* being forgotten */
	bool told; /* something of it, since it was recalled last */
	unsigned changing; /* so many are just about to change it */
	uint32_t revision, cached, cached_length; /* as in struct job_view */
	uint32_t redated; /* see job_redate() */
	uint32_t opens[JOB_FILES];
	uint32_t shown[JOB_FILES];
	bool padded; /* status.json was shown longer than it is */
	unsigned news; /* JOB_NEWS_…, not told yet */
	TAILQ_ENTRY(entry) news_link; /* while there are any */
};

/* NULL when there is none. */
struct entry *table_entry(uint64_t serial);

/* Unless it is hidden. */
struct entry *table_visible(uint64_t serial);

/* The one with the smallest serial above the given one. */
struct entry *table_next(uint64_t serial);

/* The one with the largest serial below the given one. */
struct entry *table_before(uint64_t serial);

/* The one of an id that is not hidden. */
struct entry *table_find(const char *id);

size_t table_count(void);

/* An entry of a serial above all others; there is room. */
void table_add(struct entry *entry);
void table_take_out(const struct entry *entry);

/* Room for twice as many: made, swapped with the room there is, and that one freed. */
struct table_room {
	struct entry **serials;
	struct bucket *ids;
	size_t room;
};

bool table_is_full(void);
int table_room_new(struct table_room *room); /* -ENOMEM */
void table_room_swap(struct table_room *room);
void table_room_free(struct table_room *room);

/* Frees all. */
void table_free(void);

#endif
