/* SPDX-License-Identifier: MIT */
/* What a process reads, and whether it was right. What it chooses depends on its seed alone. */
#include "reader.h"

#include "ways.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WAYS_MOST = 16, OPEN_TRIES = 3000, OPEN_EVERY_MS = 10 };

/* One process. */
struct reader {
	const struct settings *settings;
	struct place place;
	const unsigned char *source; /* place.size bytes */
	unsigned char *bytes;
	uint64_t seed; /* of this process */
	uint64_t state;
	off_t next; /* behind the last read */
	int64_t done[WAYS_MOST], refused[WAYS_MOST];
	int64_t early; /* reads that began before the file was all there */
	int64_t failed;
};

struct wish {
	const struct way *way;
	off_t offset;
	size_t length;
};

/* ---- what is chosen --------------------------------------------------------------------------- */

/* splitmix64 */
static uint64_t random_number(struct reader *reader)
{
	uint64_t value = reader->state += 0x9e3779b97f4a7c15;
	value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
	value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
	return value ^ (value >> 31);
}

static uint64_t below(struct reader *reader, uint64_t limit)
{
	return random_number(reader) % limit;
}

/* As likely short as long: 1 byte to WAY_MOST. */
static size_t choose_length(struct reader *reader)
{
	return (size_t)below(reader, (uint64_t)1 << below(reader, 21)) + 1;
}

static off_t choose_offset(struct reader *reader, size_t length)
{
	uint64_t size = (uint64_t)reader->place.size;
	uint64_t near = length < size ? length : size;
	switch (below(reader, 6)) {
	case 0: /* on from there */
		return reader->next < reader->place.size ? reader->next : 0;
	case 1: /* the end, where a player looks first */
		return (off_t)(size - 1 - below(reader, near));
	case 2: /* the start of a page */
		return (off_t)(below(reader, size) / 4096 * 4096);
	default:
		return (off_t)below(reader, size);
	}
}

static const struct way *choose_way(struct reader *reader)
{
	const char *wanted = reader->settings->way;
	size_t chosen = (size_t)below(reader, way_count);
	for (size_t i = 0; wanted && i < way_count; i++)
		if (strcmp(ways[i].name, wanted) == 0)
			chosen = i;
	return &ways[chosen];
}

static struct wish choose(struct reader *reader)
{
	struct wish wish = { .way = choose_way(reader), .length = choose_length(reader) };
	wish.offset = choose_offset(reader, wish.length);
	if ((off_t)wish.length > reader->place.size - wish.offset)
		wish.length = (size_t)(reader->place.size - wish.offset);
	return wish;
}

/* ---- one read --------------------------------------------------------------------------------- */

static int complain(
	const struct reader *reader, const struct wish *wish, const char *what, int64_t number)
{
	(void)printf("WRONG seed=%" PRIu64 " %s at %" PRId64 " of %zu bytes: %s %" PRId64 "\n",
		reader->seed, wish->way->name, (int64_t)wish->offset, wish->length, what, number);
	return -1;
}

static int compare(const struct reader *reader, const struct wish *wish, size_t from, size_t length)
{
	const unsigned char *right = reader->source + wish->offset;
	for (size_t i = from; i < from + length; i++)
		if (reader->bytes[i] != right[i])
			return complain(reader, wish, "another byte at", wish->offset + (off_t)i);
	return 0;
}

/* A descriptor of the file, and its size; -errno. */
static int open_file(const struct reader *reader, off_t *size)
{
	struct stat st;
	int fd = open(reader->place.path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0) {
		int r = -errno;
		(void)close(fd);
		return r;
	}
	*size = st.st_size;
	return fd;
}

/*
 * A new open sees what the file has become, an old one what is still to come. A video that begins
 * anew, as another file, is away until the size of that is known.
 */
static int open_anew(struct reader *reader)
{
	off_t size = 0;
	int fd = open_file(reader, &size);
	int tries = reader->settings->errors ? OPEN_TRIES : 0;
	while ((fd == -ENOENT || fd == -EIO) && tries-- > 0) {
		(void)poll(NULL, 0, OPEN_EVERY_MS);
		fd = open_file(reader, &size);
	}
	if (fd < 0)
		return fd;
	if (reader->place.fd >= 0)
		(void)close(reader->place.fd);
	reader->place.fd = fd;
	/* Its size is the final one from the first moment on. */
	return size == reader->place.size ? 0 : -EDOM;
}

/* 0: an error that may be; what was open is of no use any more. */
static int take_error(struct reader *reader, const struct wish *wish, int error)
{
	bool may_be = error == ETIMEDOUT || error == EIO || error == ENOENT;
	if (!reader->settings->errors || !may_be)
		return complain(reader, wish, "error", error);
	reader->failed++;
	int r = open_anew(reader);
	return r == 0 ? 0 : complain(reader, wish, "error of open", -r);
}

static bool is_early(const struct reader *reader)
{
	struct stat st;
	return fstat(reader->place.fd, &st) == 0 && st.st_blocks * 512 < reader->place.size;
}

/* -1: it was wrong. 1: all its bytes came. 0: none, for a reason. */
static int read_one(struct reader *reader, const struct wish *wish)
{
	size_t done = 0;
	size_t index = (size_t)(wish->way - ways);
	while (done < wish->length) {
		ssize_t got = wish->way->read(&reader->place, wish->offset + (off_t)done,
			wish->length - done, reader->bytes + done);
		if (got == 0)
			return complain(
				reader, wish, "the end after so many bytes:", (int64_t)done);
		if (got == -wish->way->refusal && !(reader->settings->finished && got == -ENODEV)) {
			reader->refused[index]++;
			return 0;
		}
		if (got < 0)
			return take_error(reader, wish, (int)-got);
		if (compare(reader, wish, done, (size_t)got) != 0)
			return -1;
		done += (size_t)got;
		/* Else an error was behind it, which the next call shows. */
		if (done < wish->length && !wish->way->may_be_short && !reader->settings->errors)
			return complain(reader, wish, "only so many bytes:", (int64_t)done);
	}
	reader->done[index]++;
	reader->next = wish->offset + (off_t)wish->length;
	return 1;
}

/* ---- one process ------------------------------------------------------------------------------ */

static void report(const struct reader *reader)
{
	(void)printf("seed=%" PRIu64 " early=%" PRId64 " failed=%" PRId64, reader->seed,
		reader->early, reader->failed);
	for (size_t i = 0; i < way_count; i++)
		(void)printf(" %s=%" PRId64 "%s", ways[i].name, reader->done[i],
			reader->refused[i] > 0 ? "(refused)" : "");
	(void)printf("\n");
}

static int read_all(struct reader *reader)
{
	int64_t left = reader->settings->count;
	while (left > 0) {
		int r = below(reader, 8) == 0 ? open_anew(reader) : 0;
		if (r < 0) {
			(void)printf("WRONG open: %s\n", strerror(-r));
			return r;
		}
		const struct wish wish = choose(reader);
		bool early = is_early(reader);
		r = read_one(reader, &wish);
		if (r < 0)
			return r;
		reader->early += early && r > 0;
		left -= r > 0 || reader->refused[wish.way - ways] > 0;
	}
	report(reader);
	return 0;
}

static int map_source(struct reader *reader)
{
	struct stat st;
	int fd = open(reader->settings->source, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	void *source = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	(void)close(fd);
	if (source == MAP_FAILED)
		return -errno;
	reader->source = source;
	reader->place.size = st.st_size;
	return 0;
}

static int prepare(struct reader *reader)
{
	int r = map_source(reader);
	if (r == 0)
		r = ways_open();
	if (r == 0)
		r = open_anew(reader);
	if (r != 0)
		return r;
	reader->place.scratch = memfd_create("scratch", MFD_CLOEXEC);
	reader->place.aligned = aligned_alloc(4096, WAY_MOST + WAY_BEYOND);
	reader->bytes = malloc(WAY_MOST + WAY_BEYOND);
	if (reader->place.scratch < 0 || !reader->place.aligned || !reader->bytes)
		return -ENOMEM;
	return 0;
}

int reader_run(const struct settings *settings, int64_t number)
{
	struct reader reader = { .settings = settings,
		.place = { .path = settings->path, .fd = -1, .scratch = -1 },
		.seed = settings->seed + (uint64_t)number,
		.state = settings->seed + (uint64_t)number };
	int r = prepare(&reader);
	if (r != 0)
		(void)printf("WRONG %s: %s\n", settings->path, strerror(-r));
	/* Whoever waits for this line knows that the file is open. */
	(void)printf("open seed=%" PRIu64 "\n", reader.seed);
	(void)fflush(stdout);
	if (r == 0)
		r = read_all(&reader);
	(void)fflush(stdout);
	free(reader.place.aligned);
	free(reader.bytes);
	return r;
}
