/* SPDX-License-Identifier: MIT */
/* Instead of libFuzzer: runs the inputs in the files named, and says each name before. */
#include "fuzz.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define INPUT_MAX ((size_t)1 << 20)

/* In a block of exactly its size, as libFuzzer gives it. */
static void replay(FILE *file, uint8_t *room)
{
	size_t length = fread(room, 1, INPUT_MAX, file);
	uint8_t *input = malloc(length > 0 ? length : 1);

	assert(input != NULL && ferror(file) == 0 && feof(file) != 0);
	for (size_t i = 0; i < length; i++)
		input[i] = room[i];
	(void)LLVMFuzzerTestOneInput(input, length);
	free(input);
}

int main(int argc, char **argv)
{
	uint8_t *room = malloc(INPUT_MAX);

	assert(room != NULL);
	for (int i = 1; i < argc; i++) {
		FILE *file = fopen(argv[i], "rb");
		(void)puts(argv[i]);
		(void)fflush(stdout);
		assert(file != NULL);
		replay(file, room);
		(void)fclose(file);
	}
	free(room);
	return 0;
}
