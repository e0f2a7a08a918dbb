/* SPDX-License-Identifier: MIT */
/* answer: what fuzz_comet and fuzz_xai share. */
#ifndef ANSWER_H
#define ANSWER_H

#include <stddef.h>
#include <stdint.h>

/*
 * Has one job live through the answers of the input, read in the dialect of that name: the way of a
 * poll, from the bytes to status.json, without network and clock. An answer is its HTTP status on a
 * line, then its body; a byte 0xff, which UTF-8 does not have, divides two of them.
 */
void answers_play(const char *dialect, const uint8_t *data, size_t size);

#endif
