/* SPDX-License-Identifier: MIT */
/* A box is a length of 4 bytes, a name of 4, and its content; length 1: 8 bytes more have it. */
#include "mp4.h"

#include <string.h>
#include <unistd.h>

/*
 * Fragments of a second have two boxes each, so this is a video of nine hours. A file of nothing but
 * boxes must not keep the one who asks, which is the engine, for minutes.
 */
#define BOXES_MAX 65536

static uint64_t big_endian(const unsigned char *bytes, size_t count)
{
	uint64_t number = 0;
	for (size_t i = 0; i < count; i++)
		number = number << 8 | bytes[i];
	return number;
}

/* The length of the box at offset; 0 when there is none. */
static int64_t box_at(int fd, int64_t offset, int64_t size, bool *is_moov)
{
	unsigned char head[16];
	ssize_t got = pread(fd, head, sizeof(head), offset);
	if (got < 8)
		return 0;
	uint64_t length = big_endian(head, 4);
	if (length == 1 && got == sizeof(head))
		length = big_endian(head + 8, 8);
	*is_moov = memcmp(head + 4, "moov", 4) == 0;
	return length >= 8 && length <= (uint64_t)(size - offset) ? (int64_t)length : 0;
}

bool mp4_is_whole(int fd, int64_t size)
{
	bool moov = false, is_moov = false;
	int64_t offset = 0, length = 1;
	for (int boxes = 0; offset < size && length > 0 && boxes < BOXES_MAX; boxes++) {
		length = box_at(fd, offset, size, &is_moov);
		offset += length;
		moov = moov || (length > 0 && is_moov);
	}
	return offset == size && moov;
}
