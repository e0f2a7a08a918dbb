/* SPDX-License-Identifier: MIT */
/*
 * reader: one process that reads a file at random, and knows what should be there.
 *
 * Gives   lines on standard output: `open` when it has the file, `WRONG` and why, else its counts.
 * Never   knows who else reads, or where the bytes come from.
 */
#ifndef READER_H
#define READER_H

#include <stdbool.h>
#include <stdint.h>

struct settings {
	const char *path;
	const char *source;
	const char *way; /* NULL: each of them */
	uint64_t seed;
	int64_t processes;
	int64_t count; /* of reads that brought their bytes, for each process */
	bool errors;
	bool finished;
};

/* Reads as process number of its kind: 0 when all was right. */
int reader_run(const struct settings *settings, int64_t number);

#endif
