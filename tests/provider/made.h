/* SPDX-License-Identifier: MIT */
/*
 * made: videos that are made up: any size, every byte known from its place and the video's name.
 *
 * Never   needs memory or disk, so that a video of many gigabytes costs nothing.
 */
#ifndef MADE_H
#define MADE_H

#include <stddef.h>
#include <stdint.h>

/* Fills bytes with what stands at offset in the video of that name. */
void made_bytes(const char *name, int64_t offset, void *bytes, size_t length);

/* Writes size bytes of it to fd. 0 or -errno. */
int made_write(const char *name, int64_t size, int fd);

#endif
