/* SPDX-License-Identifier: MIT */
/*
 * ways: the ways in which programs read a file.
 *
 * Owns    nothing but what a way opens and closes again.
 * Gives   bytes in a buffer, or an error as the kernel gave it.
 * Never   knows what the bytes should be.
 */
#ifndef WAYS_H
#define WAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* No way is given more than this at a time. */
#define WAY_MOST ((size_t)1 << 20)

/* So much room there has to be behind it. */
#define WAY_BEYOND ((size_t)8192)

/* A file that is read. */
struct place {
	const char *path;
	int fd; /* open for reading */
	int scratch; /* an empty file in memory */
	off_t size; /* as it was said to be */
	unsigned char *aligned; /* WAY_MOST + WAY_BEYOND bytes, at the start of a page */
};

struct way {
	const char *name;
	/* Reads length bytes at offset: how many came, 0 for the end of the file, or -errno. */
	ssize_t (*read)(const struct place *place, off_t offset, size_t length, unsigned char *to);
	bool may_be_short; /* a call may bring less than is there, as its manual says */
	int refusal; /* what the kernel says where it does not have this way; 0: it has */
};

extern const struct way ways[];
extern const size_t way_count;

/* Once, before the first: an access to a page that cannot be read is an error, not the end. */
int ways_open(void);

#endif
