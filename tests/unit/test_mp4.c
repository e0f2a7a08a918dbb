/* SPDX-License-Identifier: MIT */
/* Whether an MP4 file is whole: the real clip, cut anywhere, and boxes that lie. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../fs/mp4.h"

#define BOX(name) "\0\0\0\10" name
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int file_of(const char *bytes, size_t length)
{
	int fd = memfd_create("mp4", MFD_CLOEXEC);
	assert_int_equal(write(fd, bytes, length), length);
	return fd;
}

static void assert_whole(const char *bytes, size_t length, bool whole)
{
	int fd = file_of(bytes, length);
	assert_int_equal(mp4_is_whole(fd, (int64_t)length), whole);
	(void)close(fd);
}

static void a_real_clip_at_every_kind_of_cut(void **state)
{
	struct stat st;
	(void)state;
	int fd = open("tests/provider/clip.mp4", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(mp4_is_whole(fd, st.st_size));
	for (int64_t size = 0; size < st.st_size; size += 997)
		assert_false(mp4_is_whole(fd, size));
	assert_false(mp4_is_whole(fd, st.st_size - 1));
	(void)close(fd);
}

static void boxes(void **state)
{
	static const char good[] = BOX("ftyp") BOX("moov") BOX("mdat");
	static const char no_moov[] = BOX("ftyp") BOX("mdat");
	static const char large[] = BOX("moov") "\0\0\0\1mdat\0\0\0\0\0\0\0\21x";
	static const char beyond[] = BOX("moov") "\0\0\0\11mdat";
	static const char small[] = BOX("moov") "\0\0\0\7mdat";
	static const char huge[] = BOX("moov") "\0\0\0\1mdat\377\377\377\377\377\377\377\377";
	static const char cut[] = BOX("moov") "\0\0\0\1mdat\0\0";

	(void)state;
	assert_whole(good, sizeof(good) - 1, true);
	assert_whole(large, sizeof(large) - 1, true);
	assert_whole(no_moov, sizeof(no_moov) - 1, false);
	assert_whole(beyond, sizeof(beyond) - 1, false);
	assert_whole(small, sizeof(small) - 1, false);
	assert_whole(huge, sizeof(huge) - 1, false);
	assert_whole(cut, sizeof(cut) - 1, false);
	assert_whole("", 0, false);
}

/* Each costs a read: without a limit a file of 4 GiB could have 500 million of them. */
static void no_more_boxes_than_a_video_has(void **state)
{
	static char file[65537][8];

	(void)state;
	for (size_t i = 0; i < COUNT(file); i++)
		memcpy(file[i], i == 0 ? BOX("moov") : BOX("free"), sizeof(file[i]));
	assert_whole(file[0], sizeof(file) - sizeof(file[0]), true);
	assert_whole(file[0], sizeof(file), false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_real_clip_at_every_kind_of_cut),
		cmocka_unit_test(boxes),
		cmocka_unit_test(no_more_boxes_than_a_video_has),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
