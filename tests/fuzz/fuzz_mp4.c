/* SPDX-License-Identifier: MIT */
/* Files that may be a whole MP4, against a second reading of the rule. */
#include "fuzz.h"

#include "../../fs/mp4.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static uint64_t number(const uint8_t *bytes, int count)
{
	return count == 0 ? 0 : number(bytes, count - 1) << 8 | bytes[count - 1];
}

/* Boxes to the very end, a moov among them. */
static bool is_whole(const uint8_t *data, size_t size)
{
	bool moov = false;

	while (size > 0) {
		uint64_t length = size >= 8 ? number(data, 4) : 0;
		if (length == 1)
			length = size >= 16 ? number(data + 8, 8) : 0;
		if (length < 8 || length > size)
			return false;
		moov = moov || memcmp(data + 4, "moov", 4) == 0;
		data += length;
		size -= length;
	}
	return moov;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;

	if (fd < 0)
		fd = memfd_create("mp4", MFD_CLOEXEC);
	assert(fd >= 0);
	int r = ftruncate(fd, (off_t)size);
	ssize_t written = pwrite(fd, data, size, 0);
	assert(r == 0 && written == (ssize_t)size);
	bool whole = mp4_is_whole(fd, (int64_t)size);
	assert(whole == is_whole(data, size));
	/* A byte less cuts the last box, a byte more is none. */
	if (whole)
		assert(!mp4_is_whole(fd, (int64_t)size - 1) &&
			!mp4_is_whole(fd, (int64_t)size + 1));
	return 0;
}
