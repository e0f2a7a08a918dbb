/* SPDX-License-Identifier: MIT */
/* A directory of its own for each test, and small file systems to be filled. */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define PATHS 8

static char scratch[128];
static bool mounted;

/* A path in the scratch directory; good for PATHS calls. */
static inline const char *in(const char *name)
{
	static char paths[PATHS][PATH_MAX];
	static unsigned next;
	char *path = paths[next++ % PATHS];
	assert_true(snprintf(path, PATH_MAX, "%s/%s", scratch, name) < PATH_MAX);
	return path;
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

static inline int setup(void **state)
{
	const char *where = getenv("TMPDIR");
	(void)state;
	(void)snprintf(scratch, sizeof(scratch), "%s/cometfs-unit-XXXXXX",
		where != NULL && strlen(where) < 64 ? where : "/tmp");
	return mkdtemp(scratch) != NULL ? 0 : -1;
}

static inline int teardown(void **state)
{
	(void)state;
	if (mounted)
		(void)umount2(in("disk"), MNT_DETACH);
	mounted = false;
	return nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline bool tell_kernel(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool told = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	if (fd >= 0)
		(void)close(fd);
	return told;
}

static inline bool stay(const char *path, unsigned id)
{
	char text[64];
	(void)snprintf(text, sizeof(text), "%u %u 1", id, id);
	return tell_kernel(path, text);
}

/* Mounts of our own, which are gone with us. Who is not root is it in a namespace, as himself. */
static inline bool be_alone(void)
{
	unsigned uid = geteuid(), gid = getegid();
	if (unshare(uid == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) != 0)
		return false;
	if (uid != 0 && !(tell_kernel("/proc/self/setgroups", "deny") &&
				stay("/proc/self/uid_map", uid) && stay("/proc/self/gid_map", gid)))
		return false;
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

/*
 * in("disk") as a file system of its own; false where we may not mount. (cmocka's own skip() is a
 * failure to those who read TAP.) For the last of a program's tests: in a namespace, modes of
 * files may bar us no more.
 */
static inline bool mount_disk(const char *options)
{
	static bool alone;
	if (!alone && !be_alone()) {
		print_message("# not tried: it needs a mount of its own\n");
		return false;
	}
	alone = true;
	assert_int_equal(mkdir(in("disk"), 0700), 0);
	assert_int_equal(mount("tmpfs", in("disk"), "tmpfs", 0, options), 0);
	mounted = true;
	return true;
}

static inline void make_disk_read_only(void)
{
	assert_int_equal(mount(NULL, in("disk"), NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
}

static inline void write_file(const char *path, const void *bytes, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, length), length);
	assert_int_equal(close(fd), 0);
}

/* Fills the disk to its last byte with in("disk/ballast"). */
static inline void fill_disk(void)
{
	static const char block[4096];
	int fd = open(in("disk/ballast"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	ssize_t written;
	do
		written = write(fd, block, sizeof(block));
	while (written > 0);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(close(fd), 0);
}

static inline unsigned mode_of(const char *path)
{
	struct stat st;
	assert_int_equal(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

#endif
