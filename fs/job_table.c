/* SPDX-License-Identifier: MIT */
/* A sorted array of entries, and a hash of their ids. */
#include "job_table.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

SLIST_HEAD(bucket, entry);

static struct entry **by_serial; /* sorted; serials only rise, so a new one goes to the end */
static struct bucket *by_id;
static size_t count, room; /* as many buckets as room: a power of two */

/* The place of serial, or of the next larger one. */
static size_t place_of(uint64_t serial)
{
	size_t low = 0, high = count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (by_serial[middle]->serial < serial)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct entry *table_entry(uint64_t serial)
{
	size_t at = place_of(serial);
	return at < count && by_serial[at]->serial == serial ? by_serial[at] : NULL;
}

struct entry *table_visible(uint64_t serial)
{
	struct entry *entry = table_entry(serial);
	return entry != NULL && !entry->hidden ? entry : NULL;
}

struct entry *table_next(uint64_t serial)
{
	size_t at = place_of(serial + 1);
	return at < count ? by_serial[at] : NULL;
}

struct entry *table_before(uint64_t serial)
{
	size_t at = place_of(serial);
	return at > 0 ? by_serial[at - 1] : NULL;
}

static uint64_t hash_of(const char *id)
{
	uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */
	for (; *id != '\0'; id++)
		hash = (hash ^ (unsigned char)*id) * UINT64_C(1099511628211);
	return hash;
}

static struct bucket *bucket_of(const struct entry *entry)
{
	return &by_id[hash_of(job_packed_id(entry->packed)) & (room - 1)];
}

struct entry *table_find(const char *id)
{
	struct entry *entry = NULL;
	if (room == 0)
		return NULL;
	SLIST_FOREACH (entry, &by_id[hash_of(id) & (room - 1)], same_hash) {
		if (!entry->hidden && strcmp(job_packed_id(entry->packed), id) == 0)
			break;
	}
	return entry;
}

size_t table_count(void)
{
	return count;
}

void table_add(struct entry *entry)
{
	assert(count < room && (count == 0 || by_serial[count - 1]->serial < entry->serial));
	by_serial[count++] = entry;
	SLIST_INSERT_HEAD(bucket_of(entry), entry, same_hash);
}

void table_take_out(const struct entry *entry)
{
	size_t at = place_of(entry->serial);
	assert(at < count && by_serial[at] == entry);
	count--;
	memmove(&by_serial[at], &by_serial[at + 1], (count - at) * sizeof(struct entry *));
	SLIST_REMOVE(bucket_of(entry), entry, entry, same_hash);
}

bool table_is_full(void)
{
	return count == room;
}

int table_room_new(struct table_room *new)
{
	new->room = room > 0 ? room * 2 : 1024;
	new->serials = calloc(new->room, sizeof(struct entry *));
	new->ids = calloc(new->room, sizeof(struct bucket));
	if (new->serials != NULL &&new->ids != NULL)
		return 0;
	table_room_free(new);
	return -ENOMEM;
}

void table_room_swap(struct table_room *new)
{
	struct table_room old = { .serials = by_serial, .ids = by_id, .room = room };
	if (count > 0)
		memcpy(new->serials, by_serial, count * sizeof(struct entry *));
	by_serial = new->serials;
	by_id = new->ids;
	room = new->room;
	for (size_t i = 0; i < count; i++)
		SLIST_INSERT_HEAD(bucket_of(by_serial[i]), by_serial[i], same_hash);
	*new = old;
}

void table_room_free(struct table_room *old)
{
	free(old->serials);
	free(old->ids);
}

void table_free(void)
{
	for (size_t i = 0; i < count; i++) {
		free(by_serial[i]->packed);
		free(by_serial[i]);
	}
	free(by_serial);
	free(by_id);
	by_serial = NULL;
	by_id = NULL;
	count = room = 0;
}
