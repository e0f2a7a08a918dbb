/* SPDX-License-Identifier: MIT */
/* Answers to polls in the dialect of CometAPI. */
#include "answer.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	answers_play("comet", data, size);
	return 0;
}
