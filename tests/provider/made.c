/* SPDX-License-Identifier: MIT */
/*
 * Made-up bytes. Byte p is byte p % 8 (the lowest first) of mix(hash(name) + p / 8), where hash is
 * FNV-1a in 64 bits and mix is the finalizer of splitmix64; only the first 12 are what an MP4 starts
 * with. So a byte at a wrong place, or of another video, is seen.
 */
#include "made.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* The start of a `ftyp` box of 16 bytes. */
static const unsigned char start[12] = { 0, 0, 0, 16, 'f', 't', 'y', 'p', 'i', 's', 'o', 'm' };

static uint64_t hash(const char *name)
{
	uint64_t value = 0xcbf29ce484222325;
	for (; *name; name++)
		value = (value ^ (unsigned char)*name) * 0x100000001b3;
	return value;
}

static uint64_t mix(uint64_t value)
{
	value += 0x9e3779b97f4a7c15;
	value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
	value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
	return value ^ (value >> 31);
}

void made_bytes(const char *name, int64_t offset, void *bytes, size_t length)
{
	unsigned char *to = bytes;
	uint64_t seed = hash(name);
	uint64_t at = (uint64_t)offset;
	uint64_t end = at + length;
	while (at < end) {
		uint64_t word = mix(seed + at / 8) >> at % 8 * 8;
		do {
			*to++ = at < sizeof(start) ? start[at] : (unsigned char)word;
			word >>= 8;
			at++;
		} while (at < end && at % 8);
	}
}

int made_write(const char *name, int64_t size, int fd)
{
	unsigned char bytes[65536];
	for (int64_t at = 0; at < size;) {
		size_t length =
			size - at < (int64_t)sizeof(bytes) ? (size_t)(size - at) : sizeof(bytes);
		made_bytes(name, at, bytes, length);
		ssize_t put = write(fd, bytes, length);
		if (put < 0)
			return -errno;
		at += put;
	}
	return 0;
}
