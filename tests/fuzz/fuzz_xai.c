/* SPDX-License-Identifier: MIT */
/* Answers to polls in the dialect of xAI. */
#include "answer.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	answers_play("xai", data, size);
	return 0;
}
