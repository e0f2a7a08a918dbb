/* SPDX-License-Identifier: MIT */
/*
 * A file that gets its name when it is whole and on disk: until then it has none (O_TMPFILE), or,
 * where the file system cannot do that, one that ends in .part. Whatever ends the program, no half of
 * it has the final name.
 */
#include "ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK (1 << 20)
#define MODE 0666 /* less the umask */
#define TRIES 100 /* of names that somebody else has */

/* ---- where ---------------------------------------------------------------------------------------- */

static int refuse(const char *what, const char *why, int error)
{
	if (why != NULL)
		ctl_say(what, "%s", why);
	else if (error == ENOENT)
		ctl_say(what, "there is no such directory: make it first");
	else
		ctl_say(what, "%s: choose another DEST", strerror(error));
	return -error;
}

static bool put(char to[PATH_MAX], const char *dir, const char *name)
{
	const char *slash = *dir != '\0' && dir[strlen(dir) - 1] != '/' ? "/" : "";
	int length = snprintf(to, PATH_MAX, "%s%s%s", dir, slash, name);
	return length > 0 && length < PATH_MAX;
}

/* A link is followed: what it points to is what is written, as cp does it. */
static int find_path(struct ctl_target *target, const char *dest, const char *name, bool keep)
{
	static const char special[] = "is no ordinary file: choose another name";
	struct stat st;
	bool there = stat(dest, &st) == 0;
	if (!there && errno != ENOENT)
		return refuse(dest, NULL, errno);
	if (there && S_ISDIR(st.st_mode)) {
		if (!put(target->path, strcmp(dest, ".") == 0 ? "" : dest, name))
			return refuse(dest, NULL, ENAMETOOLONG);
		there = lstat(target->path, &st) == 0;
		if (!there && errno != ENOENT)
			return refuse(target->path, NULL, errno);
	} else if (there) {
		if (!S_ISREG(st.st_mode))
			return refuse(dest, special, EEXIST);
		if (realpath(dest, target->path) == NULL)
			return refuse(dest, NULL, errno);
	} else {
		if (dest[0] == '\0' || dest[strlen(dest) - 1] == '/')
			return refuse(dest, "there is no such directory: make it first", ENOENT);
		if (lstat(dest, &st) == 0)
			return refuse(dest, "is a link to nothing: take it away first", ENOENT);
		if (!put(target->path, "", dest))
			return refuse(dest, NULL, ENAMETOOLONG);
	}
	if (there && !S_ISREG(st.st_mode))
		return refuse(target->path, special, EEXIST);
	if (there && keep)
		return refuse(target->path, "is there already: it is left as it is", EEXIST);
	return 0;
}

static int open_part(struct ctl_target *target)
{
	char copy[PATH_MAX];
	uint32_t number;
	for (int i = 0; i < TRIES; i++) {
		if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
			return -EIO;
		(void)snprintf(copy, sizeof(copy), "%s", target->path);
		(void)snprintf(target->part, sizeof(target->part), ".%.200s.%08x.part",
			basename(copy), number);
		target->fd = openat(target->dir, target->part,
			O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, MODE);
		if (target->fd >= 0 || errno != EEXIST)
			break;
	}
	return target->fd >= 0 ? 0 : -errno;
}

static int open_file(struct ctl_target *target)
{
	char copy[PATH_MAX];
	(void)snprintf(copy, sizeof(copy), "%s", target->path);
	target->dir = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (target->dir < 0)
		return -errno;
	target->fd = openat(target->dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, MODE);
	if (target->fd >= 0)
		return 0;
	bool unable = errno == EOPNOTSUPP || errno == EISDIR || errno == ENOENT || errno == EINVAL;
	return unable ? open_part(target) : -errno;
}

int ctl_target_open(struct ctl_target *target, const char *dest, const char *name, bool keep)
{
	target->dir = target->fd = -1;
	target->part[0] = '\0';
	int r = find_path(target, dest != NULL ? dest : ".", name, keep);
	if (r != 0)
		return r;
	r = open_file(target);
	return r == 0 ? 0 : refuse(target->path, NULL, -r);
}

/* ---- its name ------------------------------------------------------------------------------------- */

/* A file without a name gets one; -EEXIST where somebody has it. */
static int link_as(const struct ctl_target *target, const char *name)
{
	char link[64];
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", target->fd);
	return linkat(AT_FDCWD, link, target->dir, name, AT_SYMLINK_FOLLOW) == 0 ? 0 : -errno;
}

/* Only a rename takes the place of what is there, so it needs a name before that. */
static int link_part(struct ctl_target *target, const char *name)
{
	uint32_t number = 0;
	int r = -EEXIST;
	for (int i = 0; r == -EEXIST && i < TRIES; i++) {
		if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
			return -EIO;
		(void)snprintf(
			target->part, sizeof(target->part), ".%.200s.%08x.part", name, number);
		r = link_as(target, target->part);
	}
	if (r != 0)
		target->part[0] = '\0';
	return r;
}

static int rename_part(struct ctl_target *target, const char *name, bool keep)
{
	unsigned flags = keep ? RENAME_NOREPLACE : 0;
	if (renameat2(target->dir, target->part, target->dir, name, flags) == 0) {
		target->part[0] = '\0';
		return 0;
	}
	/* NFS cannot do that. A link takes nobody's place either; the part's name goes with the target. */
	if (!keep || errno != EINVAL)
		return -errno;
	return linkat(target->dir, target->part, target->dir, name, 0) == 0 ? 0 : -errno;
}

int ctl_target_finish(struct ctl_target *target, bool keep)
{
	char copy[PATH_MAX];
	(void)snprintf(copy, sizeof(copy), "%s", target->path);
	const char *name = basename(copy);
	if (fsync(target->fd) != 0)
		return -errno;
	int r = target->part[0] == '\0' ? link_as(target, name) : -EEXIST;
	if (r == -EEXIST && target->part[0] == '\0' && !keep)
		r = link_part(target, name);
	else if (target->part[0] != '\0')
		r = 0;
	if (r == 0 && target->part[0] != '\0')
		r = rename_part(target, name, keep);
	if (r == 0 && fsync(target->dir) != 0 && errno != EINVAL)
		r = -errno;
	return r;
}

void ctl_target_close(struct ctl_target *target)
{
	if (target->part[0] != '\0')
		(void)unlinkat(target->dir, target->part, 0);
	if (target->fd >= 0)
		(void)close(target->fd);
	if (target->dir >= 0)
		(void)close(target->dir);
	target->part[0] = '\0';
	target->dir = target->fd = -1;
}

/* ---- its bytes ------------------------------------------------------------------------------------ */

/* Whether it pays to ask the kernel for another piece. */
static bool is_unable(int error)
{
	return error == EXDEV || error == EINVAL || error == EOPNOTSUPP || error == ENOSYS ||
	       error == EBADF || error == EPERM;
}

/* The next piece; 0 at the end, -errno. kernel: it is tried without a buffer of ours. */
static ssize_t copy_range(int to, int from, char *buffer, int64_t at, bool *kernel)
{
	loff_t in = at, out = at;
	if (*kernel) {
		ssize_t r = copy_file_range(from, &in, to, &out, CHUNK, 0);
		if (r > 0 || (r < 0 && !is_unable(errno)))
			return r > 0 ? r : -errno;
		*kernel = false;
	}
	ssize_t got = pread(from, buffer, CHUNK, at);
	for (ssize_t done = 0; done < got;) {
		ssize_t r = pwrite(to, buffer + done, (size_t)(got - done), at + done);
		if (r < 0 && errno != EINTR)
			return -errno;
		done += r > 0 ? r : 0;
	}
	return got >= 0 ? got : -errno;
}

/* A full disk is told before the first byte where the file system can do that. */
static int take_room(int to, int64_t size)
{
	if (size > 0 && fallocate(to, FALLOC_FL_KEEP_SIZE, 0, size) != 0 &&
		(errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
		return -errno;
	return 0;
}

static int copy_all(
	int to, int from, int64_t size, int (*on_bytes)(void *arg, int64_t bytes), void *arg)
{
	char *buffer = malloc(CHUNK);
	bool kernel = true;
	int64_t at = 0;
	int r = buffer != NULL ? take_room(to, size) : -ENOMEM;
	while (r == 0 && at < size) {
		ssize_t got = copy_range(to, from, buffer, at, &kernel);
		if (got == -EINTR)
			got = 0;
		else if (got <= 0)
			r = got < 0 ? (int)got : -EIO; /* shorter than it said */
		at += got > 0 ? got : 0;
		if (r == 0)
			r = on_bytes(arg, at);
	}
	free(buffer);
	return r == 0 && at > size ? -EIO : r;
}

int ctl_copy(int to, int from, int64_t size, int (*on_bytes)(void *arg, int64_t bytes), void *arg)
{
	struct stat st;
	if (ioctl(to, FICLONE, from) == 0 && fstat(to, &st) == 0 && st.st_size == size)
		return on_bytes(arg, size);
	if (ftruncate(to, 0) != 0)
		return -errno;
	return copy_all(to, from, size, on_bytes, arg);
}
