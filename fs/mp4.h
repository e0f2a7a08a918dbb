/* SPDX-License-Identifier: MIT */
/* mp4: whether a file ends where its boxes end. Private to fetch*.c. */
#ifndef MP4_H
#define MP4_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Whether the top-level boxes of the MP4 file fill its size bytes exactly, a moov among them. It is
 * asked only of a video whose length nobody announced. fd is open for reading.
 */
bool mp4_is_whole(int fd, int64_t size);

#endif
