/* SPDX-License-Identifier: MIT */
/*
 * extents: which pieces of a file are there, beyond its beginning that is there anyway.
 *
 * Owns    nothing: a plain value of its caller's.
 * Thread  any.
 * Never   knows whose file it is.
 */
#ifndef EXTENTS_H
#define EXTENTS_H

#include <stddef.h>
#include <stdint.h>

#define EXTENTS_MAX 16 /* who jumps about more than that waits for the beginning to reach him */
#define EXTENTS_TEXT_SIZE (EXTENTS_MAX * 49 + 1)

/*
 * From byte `from` up to before byte `to`; a power cut leaves those before `synced` alone. With the
 * checksums of both, by which it is known again.
 */
struct extent {
	int64_t from, to, synced;
	uint32_t crc, synced_crc; /* CRC-32 */
};

/* Sorted by place. The first count of at are in use. */
struct extents {
	uint32_t count;
	struct extent at[EXTENTS_MAX];
};

/* The checksum of bytes that crc is that of, and of length more. It begins with 0. */
uint32_t extents_crc(uint32_t crc, const char *data, size_t length);

/*
 * Adds bytes, of which none is there yet, as not synced: behind a piece they are its own. -ENOSPC:
 * there would be too many pieces.
 */
int extents_add(struct extents *extents, int64_t from, int64_t to, uint32_t crc);

/* The first byte from `at` on that is not there. */
int64_t extents_gap(const struct extents *extents, int64_t at);

/* The first byte from `at` on that is there; INT64_MAX when none is. */
int64_t extents_next(const struct extents *extents, int64_t at);

/* How many bytes are there, and the end of the last of them (0 when none is). */
int64_t extents_bytes(const struct extents *extents);
int64_t extents_end(const struct extents *extents);

/* The piece that begins at byte `from`; NULL when none does. */
const struct extent *extents_at(const struct extents *extents, int64_t from);

/* Keeps only the pieces that are from byte `from` on, up to before byte `to`, as a whole. */
void extents_clip(struct extents *extents, int64_t from, int64_t to);

/* All of it is on disk now. */
void extents_sync(struct extents *extents);

/* Keeps only what is on disk. */
void extents_keep_synced(struct extents *extents);

/* What is on disk, as text: "from-to:crc" with commas between, "" for nothing. */
void extents_write(const struct extents *extents, char text[EXTENTS_TEXT_SIZE]);

/* Reads such a text, all of it as synced: 0, or -EINVAL and extents is as before. */
int extents_read(struct extents *extents, const char *text);

#endif
