/* SPDX-License-Identifier: MIT */
/* The store: whose directory it takes, its lock, parts that go on, and what a full disk does. */
#include "scratch.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "extents.h"
#include "store.h"

#define SHA_EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SHA_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define SHA_MILLION_A "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
#define SERIAL UINT64_C(7)
#define PART "store/videos/7.mp4.part"
#define WHOLE "store/videos/7.mp4"

/* ---- the directory ----------------------------------------------------------------------------- */

static struct store *open_store(const char *path)
{
	struct store *store = NULL;
	const char *why = "";
	int r = store_new(path, &store, &why);
	if (r != 0)
		print_error("%s: %d %s\n", path, r, why);
	assert_int_equal(r, 0);
	return store;
}

static void assert_refused(const char *path, int r)
{
	struct store *store = NULL;
	const char *why = NULL;
	assert_int_equal(store_new(path, &store, &why), r);
	assert_null(store);
	assert_non_null(why);
	assert_true(strlen(why) > 5);
}

static void made_with_its_parents(void **state)
{
	(void)state;
	store_free(open_store(in("a/b//c/store")));
	assert_int_equal(mode_of(in("a")), 0700);
	assert_int_equal(mode_of(in("a/b/c")), 0700);
	assert_int_equal(mode_of(in("a/b/c/store")), 0700);
	assert_int_equal(mode_of(in("a/b/c/store/videos")), 0700);
	assert_int_equal(mode_of(in("a/b/c/store/lock")), 0600);
}

static void relative_path(void **state)
{
	char before[PATH_MAX];
	(void)state;
	assert_non_null(getcwd(before, sizeof(before)));
	assert_int_equal(chdir(scratch), 0);
	store_free(open_store("store"));
	store_free(open_store("sub/store/"));
	assert_int_equal(chdir(before), 0);
	assert_int_equal(mode_of(in("store/videos")), 0700);
	assert_int_equal(mode_of(in("sub/store/videos")), 0700);
}

static void an_empty_directory_will_do(void **state)
{
	(void)state;
	assert_int_equal(mkdir(in("store"), 0755), 0);
	assert_int_equal(mkdir(in("store/lost+found"), 0700), 0);
	store_free(open_store(in("store")));
	assert_int_equal(mode_of(in("store")), 0700);
}

static void one_of_ours_is_closed_up(void **state)
{
	(void)state;
	store_free(open_store(in("store")));
	assert_int_equal(chmod(in("store"), 0755), 0);
	assert_int_equal(chmod(in("store/videos"), 0777), 0);
	store_free(open_store(in("store")));
	assert_int_equal(mode_of(in("store")), 0700);
	assert_int_equal(mode_of(in("store/videos")), 0700);
}

static void full_of_other_things(void **state)
{
	(void)state;
	assert_int_equal(mkdir(in("store"), 0755), 0);
	write_file(in("store/letter.txt"), "dear", 4);
	assert_refused(in("store"), -ENOTEMPTY);
	assert_int_equal(mode_of(in("store")), 0755);
	assert_int_equal(access(in("store/lock"), F_OK), -1);
	assert_int_equal(access(in("store/videos"), F_OK), -1);

	/* With a catalog it is ours: the lock may be gone. */
	write_file(in("store/catalog.sqlite"), "", 0);
	store_free(open_store(in("store")));
}

static void links_are_not_followed(void **state)
{
	(void)state;
	store_free(open_store(in("real")));
	assert_int_equal(symlink("real", in("link")), 0);
	assert_refused(in("link"), -ELOOP);
	assert_refused(in("link//"), -ELOOP);
	assert_int_equal(symlink("nowhere", in("dangling")), 0);
	assert_refused(in("dangling"), -ELOOP);
	assert_int_equal(access(in("nowhere"), F_OK), -1);

	/* What leads there may be one: many a home is. */
	assert_int_equal(symlink(".", in("home")), 0);
	store_free(open_store(in("home/real")));
}

static void links_inside_are_not_followed(void **state)
{
	(void)state;
	store_free(open_store(in("store")));
	write_file(in("precious"), "text", 4);
	assert_int_equal(unlink(in("store/lock")), 0);
	write_file(in("store/catalog.sqlite"), "", 0);
	assert_int_equal(symlink("../precious", in("store/lock")), 0);
	assert_refused(in("store"), -ELOOP);
	assert_int_equal(unlink(in("store/lock")), 0);

	assert_int_equal(rename(in("store/videos"), in("elsewhere")), 0);
	assert_int_equal(symlink("../elsewhere", in("store/videos")), 0);
	assert_refused(in("store"), -ELOOP);
}

static void not_a_directory(void **state)
{
	(void)state;
	write_file(in("file"), "", 0);
	assert_refused(in("file"), -ENOTDIR);
	assert_refused(in("file/store"), -ENOTDIR);
	assert_refused("", -ENOENT);

	store_free(open_store(in("store")));
	assert_int_equal(rmdir(in("store/videos")), 0);
	write_file(in("store/videos"), "", 0);
	assert_refused(in("store"), -ENOTDIR);
}

static void a_lock_that_is_no_file(void **state)
{
	(void)state;
	assert_int_equal(mkdir(in("store"), 0700), 0);
	assert_int_equal(mkfifo(in("store/lock"), 0600), 0);
	assert_refused(in("store"), -EUCLEAN);
	assert_int_equal(unlink(in("store/lock")), 0);
	assert_int_equal(mkdir(in("store/lock"), 0700), 0);
	assert_refused(in("store"), -EISDIR);
}

static void too_long_a_path(void **state)
{
	static char path[PATH_MAX + 10];
	(void)state;
	memset(path, 'a', sizeof(path) - 1);
	path[0] = '/';
	assert_refused(path, -ENAMETOOLONG);
}

static void somebody_elses(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		assert_refused("/", -EPERM);
		return;
	}
	assert_int_equal(mkdir(in("store"), 0777), 0);
	assert_int_equal(chown(in("store"), 65534, 65534), 0);
	assert_refused(in("store"), -EPERM);
}

static int open_in_child(const char *path)
{
	struct store *store;
	const char *why;
	int r = store_new(path, &store, &why);
	return -r;
}

static int status_of(pid_t child)
{
	int status;
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void not_allowed(void **state)
{
	(void)state;
	assert_int_equal(mkdir(in("closed"), geteuid() == 0 ? 0700 : 0500), 0);
	pid_t child = fork();
	if (child == 0) {
		if (geteuid() == 0 && seteuid(65534) != 0)
			_exit(99);
		_exit(open_in_child(in("closed/store")));
	}
	assert_int_equal(status_of(child), EACCES);
}

static void read_only(void **state)
{
	(void)state;
	if (!mount_disk("size=1m"))
		return;
	assert_int_equal(mkdir(in("disk/empty"), 0700), 0);
	store_free(open_store(in("disk/store")));
	make_disk_read_only();
	assert_refused(in("disk/store"), -EROFS);
	assert_refused(in("disk/empty"), -EROFS);
	assert_refused(in("disk/new"), -EROFS);
}

static void no_room_at_all(void **state)
{
	(void)state;
	if (!mount_disk("size=1m,nr_inodes=2"))
		return;
	assert_refused(in("disk/store"), -ENOSPC);
}

/* ---- the lock ---------------------------------------------------------------------------------- */

static void locked_until_its_owner_dies(void **state)
{
	int told[2];
	char byte;
	(void)state;
	assert_int_equal(pipe(told), 0);
	pid_t child = fork();
	if (child == 0) {
		if (open_in_child(in("store")) != 0 || write(told[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	assert_int_equal(read(told[0], &byte, 1), 1);
	assert_refused(in("store"), -EBUSY);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	store_free(open_store(in("store")));
	(void)close(told[0]);
	(void)close(told[1]);
}

static void locked_within_a_process_too(void **state)
{
	(void)state;
	struct store *store = open_store(in("store"));
	assert_refused(in("store"), -EBUSY);
	store_free(store);
	store_free(open_store(in("store")));
}

/* As a daemon does: who has started it leaves, and must not take the lock along. */
static void lock_outlives_the_parent(void **state)
{
	int end[2];
	char byte;
	(void)state;
	assert_int_equal(pipe(end), 0);
	struct store *store = open_store(in("store"));
	pid_t child = fork();
	if (child == 0) {
		(void)close(end[1]);
		_exit(read(end[0], &byte, 1) == 0 ? 0 : 1);
	}
	(void)close(end[0]);
	store_free(store);
	assert_refused(in("store"), -EBUSY);
	(void)close(end[1]);
	assert_int_equal(status_of(child), 0);
	store_free(open_store(in("store")));
}

/* ---- parts ------------------------------------------------------------------------------------- */

static char *sample(size_t length)
{
	char *bytes = malloc(length);
	uint32_t x = 12345;
	assert_non_null(bytes);
	for (size_t i = 0; i < length; i++) {
		x = x * 1664525 + 1013904223;
		bytes[i] = (char)(x >> 24);
	}
	return bytes;
}

static void assert_file(const char *path, const char *bytes, size_t length)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, length);
	char *got = malloc(length + 1);
	assert_non_null(got);
	assert_int_equal(read(fd, got, length + 1), length);
	assert_memory_equal(got, bytes, length);
	free(got);
	(void)close(fd);
}

static struct store_part *open_part(const struct store *store, int64_t keep, size_t step)
{
	struct store_part *part = NULL;
	int r;
	assert_int_equal(store_part_open(store, SERIAL, keep, keep, &part), 0);
	do {
		r = store_part_rehash(part, step);
		assert_true(r >= 0);
	} while (r == 1);
	return part;
}

static void append(struct store_part *part, const char *bytes, size_t length)
{
	assert_int_equal(store_part_append(part, bytes, length), 0);
}

static void finish(struct store_part *part, const char *expected)
{
	char sha256[SHA256_SIZE];
	assert_int_equal(store_part_finish(part, sha256), 0);
	assert_string_equal(sha256, expected);
}

static void known_hashes(void **state)
{
	char thousand[1000];
	(void)state;
	struct store *store = open_store(in("store"));
	finish(open_part(store, 0, 1), SHA_EMPTY);

	struct store_part *part = open_part(store, 0, 1);
	append(part, "a", 1);
	append(part, "", 0);
	append(part, "bc", 2);
	finish(part, SHA_ABC);
	assert_file(in(WHOLE), "abc", 3);
	assert_int_equal(access(in(PART), F_OK), -1);

	memset(thousand, 'a', sizeof(thousand));
	part = open_part(store, 0, 1);
	for (int i = 0; i < 1000; i++)
		append(part, thousand, sizeof(thousand));
	assert_int_equal(store_part_bytes(part), 1000000);
	assert_int_equal(mode_of(in(PART)), 0600);
	finish(part, SHA_MILLION_A);
	store_free(store);
}

/* Writes the sample in one go; what its hash is. */
static void hash_whole(const struct store *store, const char *bytes, size_t length, char *sha256)
{
	struct store_part *part = open_part(store, 0, 1);
	append(part, bytes, length);
	assert_int_equal(store_part_finish(part, sha256), 0);
}

static void resume_at(
	const struct store *store, const char *bytes, int64_t length, int64_t there, int64_t keep)
{
	static const size_t steps[] = { 1000, 16384, 20000, SIZE_MAX };
	char expected[SHA256_SIZE];
	hash_whole(store, bytes, (size_t)length, expected);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct store_part *part = open_part(store, 0, 1);
		append(part, bytes, (size_t)there);
		assert_int_equal(store_part_sync(part), 0);
		store_part_close(part);

		int64_t kept = keep < there ? keep : there;
		part = open_part(store, keep, steps[i]);
		assert_int_equal(store_part_bytes(part), kept);
		assert_file(in(PART), bytes, (size_t)kept);
		append(part, bytes + kept, (size_t)(length - kept));
		finish(part, expected);
		assert_file(in(WHOLE), bytes, (size_t)length);
	}
}

static void goes_on_at_every_offset(void **state)
{
	static const int64_t offsets[] = { 0, 1, 999, 16383, 16384, 16385, 32768, 49999, 50000 };
	const size_t count = sizeof(offsets) / sizeof(offsets[0]);
	char *bytes = sample(50000);
	(void)state;
	struct store *store = open_store(in("store"));
	for (size_t i = 0; i < count; i++) {
		resume_at(store, bytes, 50000, offsets[i], offsets[i]);
		resume_at(store, bytes, 50000, 50000, offsets[i]);
		resume_at(store, bytes, 50000, offsets[i], 70000);
	}
	store_free(store);
	free(bytes);
}

static void rehash_in_steps(void **state)
{
	char *bytes = sample(10000);
	(void)state;
	struct store *store = open_store(in("store"));
	struct store_part *part = open_part(store, 0, 1);
	assert_int_equal(store_part_rehash(part, 1), 0);
	append(part, bytes, 10000);
	store_part_close(part);

	assert_int_equal(store_part_open(store, SERIAL, 10000, 10000, &part), 0);
	assert_int_equal(store_part_rehash(part, 4000), 1);
	assert_int_equal(store_part_rehash(part, 4000), 1);
	assert_int_equal(store_part_rehash(part, 4000), 0);
	assert_int_equal(store_part_rehash(part, 4000), 0);
	store_part_close(part);
	store_part_close(NULL);
	store_free(store);
	free(bytes);
}

/* The hash is of what was appended; a file that is another by now must not pass for it. */
static void cut_by_somebody(void **state)
{
	char sha256[SHA256_SIZE] = "untouched";
	(void)state;
	struct store *store = open_store(in("store"));
	struct store_part *part = open_part(store, 0, 1);
	append(part, "0123456789", 10);
	assert_int_equal(truncate(in(PART), 5), 0);
	assert_int_equal(store_part_finish(part, sha256), -EIO);
	assert_string_equal(sha256, "untouched");
	assert_int_equal(access(in(WHOLE), F_OK), -1);

	assert_int_equal(store_part_open(store, SERIAL, 10, 10, &part), 0);
	assert_int_equal(store_part_bytes(part), 5);
	assert_int_equal(truncate(in(PART), 3), 0);
	assert_int_equal(store_part_rehash(part, 100), -EIO);
	store_part_close(part);

	part = open_part(store, 0, 1);
	append(part, "0123456789", 10);
	assert_int_equal(truncate(in(PART), 11), 0);
	assert_int_equal(store_part_finish(part, sha256), -EIO);
	store_free(store);
}

static void links_in_place_of_videos(void **state)
{
	struct store_part *part = NULL;
	struct store_video video;
	(void)state;
	struct store *store = open_store(in("store"));
	write_file(in("precious"), "text", 4);
	assert_int_equal(symlink(in("precious"), in(PART)), 0);
	assert_int_equal(symlink(in("precious"), in(WHOLE)), 0);
	/* Where something is to be kept a link is refused; a new part takes its place, see below. */
	assert_int_equal(store_part_open(store, SERIAL, 1, 1, &part), -ELOOP);
	assert_int_equal(store_hash_open(store, SERIAL, &part), -ENOENT);
	assert_null(part);
	assert_int_equal(store_open_video(store, SERIAL, true), -ENOENT);
	assert_int_equal(store_look(store, SERIAL, &video), 0);
	assert_false(video.whole || video.part);
	assert_int_equal(store_delete(store, SERIAL), 0);
	assert_file(in("precious"), "text", 4);

	/* The names are the video's now, and not what they had led to. */
	assert_int_equal(symlink(in("precious"), in(PART)), 0);
	assert_int_equal(symlink(in("precious"), in(WHOLE)), 0);
	part = open_part(store, 0, 1);
	append(part, "abc", 3);
	finish(part, SHA_ABC);
	assert_file(in("precious"), "text", 4);
	assert_file(in(WHOLE), "abc", 3);
	store_free(store);
}

static void a_new_part_leaves_the_old_one_to_its_readers(void **state)
{
	char bytes[3] = "";
	(void)state;
	struct store *store = open_store(in("store"));
	struct store_part *part = open_part(store, 0, 1);
	append(part, "old", 3);
	store_part_close(part);
	int reader = store_open_video(store, SERIAL, false);
	part = open_part(store, 0, 1);
	append(part, "new", 3);
	assert_int_equal(pread(reader, bytes, 3, 0), 3);
	assert_memory_equal(bytes, "old", 3);
	(void)close(reader);
	store_part_close(part);
	store_free(store);
}

static void the_part_is_told_from_the_whole(void **state)
{
	char bytes[4] = "";
	(void)state;
	struct store *store = open_store(in("store"));
	write_file(in(WHOLE), "aaaa", 4);
	write_file(in(PART), "bbbb", 4);
	int fd = store_open_video(store, SERIAL, false);
	assert_int_equal(pread(fd, bytes, 4, 0), 4);
	assert_memory_equal(bytes, "bbbb", 4);
	(void)close(fd);
	assert_int_equal(store_delete_part(store, SERIAL), 0);
	assert_int_equal(store_delete_part(store, SERIAL), 0);
	fd = store_open_video(store, SERIAL, false);
	assert_int_equal(pread(fd, bytes, 4, 0), 4);
	assert_memory_equal(bytes, "aaaa", 4);
	(void)close(fd);
	store_free(store);
}

static void full_disk_takes_nothing_away(void **state)
{
	char expected[SHA256_SIZE];
	struct stat st;
	(void)state;
	if (!mount_disk("size=1m"))
		return;
	char *bytes = sample(400000);
	struct store *store = open_store(in("disk/store"));
	hash_whole(store, bytes, 400000, expected);
	assert_int_equal(store_delete(store, SERIAL), 0);

	struct store_part *part = open_part(store, 0, 1);
	append(part, bytes, 100001);
	fill_disk();
	/* Some of it goes into the last page, and has to be cut off again. */
	assert_int_equal(store_part_append(part, bytes + 100001, 299999), -ENOSPC);
	assert_int_equal(store_part_bytes(part), 100001);
	assert_int_equal(stat(in("disk/" PART), &st), 0);
	assert_int_equal(st.st_size, 100001);
	assert_int_equal(store_part_append(part, bytes + 100001, 299999), -ENOSPC);

	assert_int_equal(unlink(in("disk/ballast")), 0);
	append(part, bytes + 100001, 299999);
	finish(part, expected);
	assert_file(in("disk/" WHOLE), bytes, 400000);
	store_free(store);
	free(bytes);
}

/* Pieces beyond the front, which meets and joins them: the hash is that of the whole. */
static void pieces_are_joined(void **state)
{
	char expected[SHA256_SIZE];
	char *bytes = sample(100000);
	(void)state;
	struct store *store = open_store(in("store"));
	hash_whole(store, bytes, 100000, expected);
	assert_int_equal(store_delete(store, SERIAL), 0);

	struct store_part *part = open_part(store, 0, 1);
	append(part, bytes, 10000);
	assert_int_equal(store_part_put(part, 50000, bytes + 50000, 10000), 0);
	assert_int_equal(store_part_put(part, 90000, bytes + 90000, 10000), 0);
	assert_int_equal(store_part_bytes(part), 10000);
	assert_int_equal(store_part_end(part), 100000);
	append(part, bytes + 10000, 40000);
	store_part_join(part, 60000);
	assert_int_equal(store_part_rehash(part, 9999), 1);
	assert_int_equal(store_part_rehash(part, 9999), 0);
	assert_int_equal(store_part_crc(part), extents_crc(0, bytes + 50000, 10000));
	append(part, bytes + 60000, 10000);
	assert_int_equal(store_part_sync(part), 0);
	store_part_close(part);

	/* The last piece outlives a restart only where it is asked for. */
	assert_int_equal(store_part_open(store, SERIAL, 70000, 100000, &part), 0);
	while (store_part_rehash(part, 9999) == 1)
		;
	assert_int_equal(store_part_end(part), 100000);
	append(part, bytes + 70000, 20000);
	store_part_join(part, 100000);
	assert_int_equal(store_part_rehash(part, 100000), 0);
	finish(part, expected);
	assert_file(in(WHOLE), bytes, 100000);

	part = open_part(store, 0, 1);
	append(part, bytes, 10000);
	assert_int_equal(store_part_put(part, 50000, bytes, 10000), 0);
	store_part_close(part);
	part = open_part(store, 10000, 100000);
	assert_int_equal(store_part_end(part), 10000);
	store_part_close(part);
	store_free(store);
	free(bytes);
}

/* The hash of what is there so far, as often as wanted, and the final one is none the worse. */
static void hash_of_the_front(void **state)
{
	char sha256[SHA256_SIZE], expected[2][SHA256_SIZE];
	char *bytes = sample(50000);
	(void)state;
	struct store *store = open_store(in("store"));
	hash_whole(store, bytes, 30000, expected[0]);
	hash_whole(store, bytes, 50000, expected[1]);
	struct store_part *part = open_part(store, 0, 1);
	assert_int_equal(store_part_hash(part, sha256), 0);
	assert_string_equal(sha256, SHA_EMPTY);
	append(part, bytes, 30000);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(store_part_hash(part, sha256), 0);
		assert_string_equal(sha256, expected[0]);
	}
	append(part, bytes + 30000, 20000);
	finish(part, expected[1]);
	store_free(store);
	free(bytes);
}

/* Nothing is written where a piece would be lost without a word. */
static void a_piece_cut_by_somebody(void **state)
{
	(void)state;
	struct store *store = open_store(in("store"));
	struct store_part *part = open_part(store, 0, 1);
	append(part, "0123456789", 10);
	assert_int_equal(store_part_put(part, 100, "abc", 3), 0);
	assert_int_equal(truncate(in(PART), 101), 0);
	assert_int_equal(store_part_append(part, "0123456789", 10), -EIO);
	store_part_close(part);
	store_free(store);
}

static void room_is_taken_before_it_is_needed(void **state)
{
	struct stat st;
	struct statvfs before, after;
	(void)state;
	if (!mount_disk("size=1m"))
		return;
	struct store *store = open_store(in("disk/store"));
	struct store_part *part = open_part(store, 0, 1);
	append(part, "0123456789", 10);
	assert_int_equal(store_statfs(store, &before), 0);
	assert_int_equal(store_part_reserve(part, 2 << 20), -ENOSPC);
	assert_int_equal(store_statfs(store, &after), 0);
	assert_int_equal(after.f_bfree, before.f_bfree);

	assert_int_equal(store_part_reserve(part, 400000), 0);
	assert_int_equal(store_part_reserve(part, 400000), 0);
	assert_int_equal(stat(in("disk/" PART), &st), 0);
	assert_int_equal(st.st_size, 10);
	fill_disk();
	char *bytes = sample(399990);
	append(part, bytes, 399990);
	assert_int_equal(store_part_append(part, bytes, 399990), -ENOSPC);
	store_part_close(part);
	store_free(store);
	free(bytes);
}

/* A limit that ends a write in its middle, for who may not mount. */
static void short_write_is_cut_back(void **state)
{
	struct rlimit before, less;
	char *bytes = sample(150000);
	char expected[SHA256_SIZE];
	(void)state;
	struct store *store = open_store(in("store"));
	hash_whole(store, bytes, 150000, expected);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	less = before;
	less.rlim_cur = 100000;
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	struct store_part *part = open_part(store, 0, 1);
	append(part, bytes, 10);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &less), 0);
	int r = store_part_append(part, bytes + 10, 149990);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(r, -EFBIG);
	assert_int_equal(store_part_bytes(part), 10);
	assert_file(in(PART), bytes, 10);
	append(part, bytes + 10, 149990);
	finish(part, expected);
	store_free(store);
	free(bytes);
}

/* ---- looking ----------------------------------------------------------------------------------- */

static void assert_video(const struct store *store, int64_t whole, int64_t part)
{
	struct store_video video;
	memset(&video, 0xff, sizeof(video));
	assert_int_equal(store_look(store, SERIAL, &video), 0);
	assert_int_equal(video.whole, whole >= 0);
	assert_int_equal(video.part, part >= 0);
	assert_int_equal(video.whole_bytes, whole >= 0 ? whole : 0);
	assert_int_equal(video.part_bytes, part >= 0 ? part : 0);
}

static void look_at_each_step(void **state)
{
	(void)state;
	struct store *store = open_store(in("store"));
	assert_video(store, -1, -1);
	struct store_part *part = open_part(store, 0, 1);
	assert_video(store, -1, 0);
	append(part, "abc", 3);
	assert_video(store, -1, 3);
	finish(part, SHA_ABC);
	assert_video(store, 3, -1);
	store_part_close(open_part(store, 0, 1));
	assert_video(store, 3, 0);
	assert_int_equal(store_delete(store, SERIAL), 0);
	assert_video(store, -1, -1);
	assert_int_equal(store_delete(store, SERIAL), 0);
	store_free(store);
}

/* A reader that came during the download stays with the file as it becomes whole. */
static void readers_stay(void **state)
{
	char bytes[8] = "";
	(void)state;
	struct store *store = open_store(in("store"));
	assert_int_equal(store_open_video(store, SERIAL, true), -ENOENT);
	struct store_part *part = open_part(store, 0, 1);
	append(part, "ab", 2);
	int early = store_open_video(store, SERIAL, true);
	assert_true(early >= 0);
	assert_int_equal(fcntl(early, F_GETFD), FD_CLOEXEC);
	append(part, "c", 1);
	finish(part, SHA_ABC);
	assert_int_equal(pread(early, bytes, 8, 0), 3);
	assert_string_equal(bytes, "abc");
	assert_int_equal(write(early, "x", 1), -1);

	/* The whole one goes before a part. */
	store_part_close(open_part(store, 0, 1));
	int late = store_open_video(store, SERIAL, true);
	assert_int_equal(pread(late, bytes, 8, 0), 3);
	assert_int_equal(store_delete(store, SERIAL), 0);
	assert_int_equal(pread(late, bytes, 8, 0), 3);
	assert_int_equal(store_open_video(store, SERIAL, true), -ENOENT);
	(void)close(early);
	(void)close(late);
	store_free(store);
}

static void hash_of_a_whole_one(void **state)
{
	struct store_part *part = NULL;
	char sha256[SHA256_SIZE];
	(void)state;
	struct store *store = open_store(in("store"));
	assert_int_equal(store_hash_open(store, SERIAL, &part), -ENOENT);
	assert_null(part);
	write_file(in(WHOLE), "abc", 3);
	assert_int_equal(store_hash_open(store, SERIAL, &part), 0);
	assert_int_equal(store_part_bytes(part), 3);
	assert_int_equal(store_part_rehash(part, 2), 1);
	assert_int_equal(store_part_rehash(part, 2), 0);
	assert_int_equal(store_hash_finish(part, sha256), 0);
	assert_string_equal(sha256, SHA_ABC);
	assert_file(in(WHOLE), "abc", 3);
	store_free(store);
}

static void delete_leaves_what_is_no_file(void **state)
{
	(void)state;
	struct store *store = open_store(in("store"));
	assert_int_equal(mkdir(in(WHOLE), 0700), 0);
	write_file(in(PART), "abc", 3);
	assert_video(store, -1, 3);
	assert_int_equal(store_delete(store, SERIAL), 0);
	assert_video(store, -1, -1);
	assert_int_equal(access(in(WHOLE), F_OK), 0);
	store_free(store);
}

struct swept {
	int times[10];
	uint64_t largest;
	unsigned strangers;
	const struct store *deletes;
};

static void on_swept(void *arg, uint64_t serial, const char *name)
{
	struct swept *swept = arg;
	assert_non_null(name);
	if (serial == 0)
		swept->strangers++;
	else if (serial < 10)
		swept->times[serial]++;
	if (serial > swept->largest)
		swept->largest = serial;
	if (swept->deletes != NULL && serial > 0)
		assert_int_equal(store_delete(swept->deletes, serial), 0);
}

static void sweep_tells_strangers(void **state)
{
	static const char *const known[] = { "3.mp4", "4.mp4.part", "5.mp4", "5.mp4.part",
		"18446744073709551615.mp4" };
	static const char *const strangers[] = { "notes.txt", "07.mp4", "0.mp4", "6.mp4.part.bak",
		"-1.mp4", "99999999999999999999.mp4", ".mp4", ".part", "mp4.part", "+3.mp4",
		" 3.mp4", "3.mp4 ", "3.MP4", "3" };
	const size_t count = sizeof(strangers) / sizeof(strangers[0]);
	char name[64];
	struct swept swept = { .strangers = 0 };
	(void)state;
	struct store *store = open_store(in("store"));
	assert_int_equal(store_sweep(store, on_swept, &swept), 0);
	assert_int_equal(swept.strangers + swept.largest, 0);

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		(void)snprintf(name, sizeof(name), "store/videos/%s", known[i]);
		write_file(in(name), "x", 1);
	}
	for (size_t i = 0; i < count; i++) {
		(void)snprintf(name, sizeof(name), "store/videos/%s", strangers[i]);
		write_file(in(name), "x", 1);
	}
	assert_int_equal(mkdir(in("store/videos/9.mp4"), 0700), 0);
	assert_int_equal(symlink("3.mp4", in("store/videos/8.mp4")), 0);

	assert_int_equal(store_sweep(store, on_swept, &swept), 0);
	assert_int_equal(swept.strangers, count + 2);
	static const int times[10] = { [3] = 1, [4] = 1, [5] = 1 };
	assert_memory_equal(swept.times, times, sizeof(times));
	assert_true(swept.largest == UINT64_MAX);

	/* All again, and whoever is told may delete. */
	swept = (struct swept){ .deletes = store };
	assert_int_equal(store_sweep(store, on_swept, &swept), 0);
	assert_int_equal(swept.strangers, count + 2);
	assert_memory_equal(swept.times, times, sizeof(times));
	swept = (struct swept){ .strangers = 0 };
	assert_int_equal(store_sweep(store, on_swept, &swept), 0);
	assert_int_equal(swept.largest, 0);
	store_free(store);
}

static void file_system_of_the_store(void **state)
{
	struct statvfs here, direct;
	(void)state;
	struct store *store = open_store(in("store"));
	assert_int_equal(store_statfs(store, &here), 0);
	assert_int_equal(statvfs(scratch, &direct), 0);
	assert_int_equal(here.f_blocks, direct.f_blocks);
	assert_int_equal(fcntl(store_dir(store), F_GETFD), FD_CLOEXEC);
	store_free(store);
	store_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(made_with_its_parents),
		TEST(relative_path),
		TEST(an_empty_directory_will_do),
		TEST(one_of_ours_is_closed_up),
		TEST(full_of_other_things),
		TEST(links_are_not_followed),
		TEST(links_inside_are_not_followed),
		TEST(not_a_directory),
		TEST(a_lock_that_is_no_file),
		TEST(too_long_a_path),
		TEST(somebody_elses),
		TEST(not_allowed),
		TEST(locked_until_its_owner_dies),
		TEST(locked_within_a_process_too),
		TEST(lock_outlives_the_parent),
		TEST(known_hashes),
		TEST(goes_on_at_every_offset),
		TEST(rehash_in_steps),
		TEST(cut_by_somebody),
		TEST(links_in_place_of_videos),
		TEST(a_new_part_leaves_the_old_one_to_its_readers),
		TEST(the_part_is_told_from_the_whole),
		TEST(short_write_is_cut_back),
		TEST(look_at_each_step),
		TEST(readers_stay),
		TEST(hash_of_a_whole_one),
		TEST(delete_leaves_what_is_no_file),
		TEST(sweep_tells_strangers),
		TEST(file_system_of_the_store),
		TEST(read_only),
		TEST(no_room_at_all),
		TEST(full_disk_takes_nothing_away),
		TEST(pieces_are_joined),
		TEST(hash_of_the_front),
		TEST(a_piece_cut_by_somebody),
		TEST(room_is_taken_before_it_is_needed),
	};
	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
