/* SPDX-License-Identifier: MIT */
/* Every video of a store: its length, and its bytes by their hash. */
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define STEP ((size_t)64 << 20)

struct tally {
	const struct store *store;
	unsigned good, damaged;
	int64_t bytes;
};

static int hash(
	const struct store *store, uint64_t serial, char sha256[SHA256_SIZE], int64_t *bytes)
{
	struct store_part *file;
	int r = store_hash_open(store, serial, &file);
	if (r != 0)
		return r;
	*bytes = store_part_bytes(file);
	do
		r = store_part_rehash(file, STEP);
	while (r > 0);
	if (r == 0)
		return store_hash_finish(file, sha256);
	store_part_close(file);
	return r;
}

/* NULL when it is what the row says. */
static const char *compare(const struct store *store, const struct job *job)
{
	char sha256[SHA256_SIZE] = "";
	int64_t bytes = 0;
	int r = hash(store, job->serial, sha256, &bytes);
	if (r == -ENOENT)
		return "its file is gone";
	if (r != 0)
		return strerror(-r);
	if (bytes != job->video_size)
		return "its file has another length";
	return strcmp(sha256, job->sha256) == 0 ? NULL : "its bytes are not those that came";
}

static int on_row(void *arg, const struct job *job)
{
	struct tally *tally = arg;
	if (job->video != VIDEO_READY || job->forgotten)
		return 0;
	const char *why = compare(tally->store, job);
	if (why == NULL) {
		tally->good++;
		tally->bytes += job->video_size;
		(void)printf("%s: ok, %lld bytes\n", job->id, (long long)job->video_size);
		return 0;
	}
	tally->damaged++;
	(void)printf("%s: damaged: %s\n", job->id, why);
	int r = store_set_aside(tally->store, job->serial);
	return r == -ENOENT ? 0 : r;
}

int check_store(const struct store *store, struct catalog *catalog)
{
	struct tally tally = { .store = store };
	int r = catalog_walk(catalog, on_row, &tally);
	if (r != 0)
		return r;
	(void)printf("%u videos are whole, %lld bytes; %u damaged\n", tally.good,
		(long long)tally.bytes, tally.damaged);
	if (tally.damaged > 0)
		(void)printf(
			"The next mount fetches the damaged again, where their addresses still "
			"live; what is left of them is kept as .damaged\n");
	return tally.damaged > 0;
}
