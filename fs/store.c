/* SPDX-License-Identifier: MIT */
/*
 * The store directory and its lock. store_video.c has the videos, store_part.c what is under way.
 */
#include "store_files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_NAME "lock"
#define CATALOG_NAME "catalog.sqlite"
#define VIDEOS_NAME "videos"

/* ---- directories ------------------------------------------------------------------------------- */

/* Best effort: a directory that may be written but not read cannot be synced by its writer. */
static void sync_parent(char *path)
{
	char *slash = strrchr(path, '/');
	if (slash != NULL)
		*slash = '\0';
	int fd = open(slash == NULL   ? "."
		      : slash == path ? "/"
				      : path,
		O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (slash != NULL)
		*slash = '/';
	if (fd < 0)
		return;
	(void)store_sync(fd);
	(void)close(fd);
}

static int make_one(char *path)
{
	if (mkdir(path, 0700) < 0)
		return errno == EEXIST ? 0 : -errno;
	sync_parent(path);
	return 0;
}

/* Makes the directory, and all above it that are missing. */
static int make_path(char *path)
{
	int r = 0;
	for (char *slash = strchr(path + 1, '/'); slash != NULL && r == 0;
		slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		r = make_one(path);
		*slash = '/';
	}
	return r == 0 ? make_one(path) : r;
}

/* Linux says ENOTDIR of a link to a directory too. */
static int open_fault(int at_fd, const char *path)
{
	struct stat st;
	int r = -errno;
	if (r == -ENOTDIR && fstatat(at_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		S_ISLNK(st.st_mode))
		return -ELOOP;
	return r;
}

/* A directory that is none of a link, and ours. */
static int open_directory(int at_fd, const char *path)
{
	struct stat st;
	int fd = openat(at_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return open_fault(at_fd, path);
	int r = fstat(fd, &st) < 0 ? -errno : st.st_uid != geteuid() ? -EPERM : fd;
	if (r < 0)
		(void)close(fd);
	return r;
}

/* For nobody but us. */
static int close_up(int fd)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	return (st.st_mode & 0777) == 0700 || fchmod(fd, 0700) == 0 ? 0 : -errno;
}

static int there(int dir_fd, const char *name)
{
	struct stat st;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 1;
	return errno == ENOENT ? 0 : -errno;
}

/* What a file system of its own has from its birth is no content. */
static int check_empty(int fd)
{
	DIR *list;
	const struct dirent *entry;
	int r = store_list_open(fd, &list);
	if (r != 0)
		return r;
	do {
		r = store_list_next(list, &entry);
	} while (r == 1 && strcmp(entry->d_name, "lost+found") == 0);
	(void)closedir(list);
	return r == 1 ? -ENOTEMPTY : r;
}

/* Somebody may have named a directory that is full of his own things. */
static int check_content(int fd)
{
	int r = there(fd, LOCK_NAME);
	if (r == 0)
		r = there(fd, CATALOG_NAME);
	if (r == 0)
		return check_empty(fd);
	return r < 0 ? r : 0;
}

/* ---- opening and closing ----------------------------------------------------------------------- */

static int open_top(struct store *store, char *path)
{
	store->dir_fd = open_directory(AT_FDCWD, path);
	if (store->dir_fd == -ENOENT) {
		int r = make_path(path);
		store->dir_fd = r < 0 ? r : open_directory(AT_FDCWD, path);
	}
	int r = store->dir_fd < 0 ? store->dir_fd : check_content(store->dir_fd);
	return r < 0 ? r : close_up(store->dir_fd);
}

/* Open for writing: on a read-only file system that fails even where the file is there. */
static int take_lock(struct store *store)
{
	store->lock_fd = store_open_file(store->dir_fd, LOCK_NAME, O_RDWR | O_CREAT);
	if (store->lock_fd < 0)
		return store->lock_fd;
	if (flock(store->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	return 0;
}

static int open_videos(struct store *store)
{
	if (mkdirat(store->dir_fd, VIDEOS_NAME, 0700) < 0 && errno != EEXIST)
		return -errno;
	store->videos_fd = open_directory(store->dir_fd, VIDEOS_NAME);
	if (store->videos_fd < 0)
		return store->videos_fd;
	int r = close_up(store->videos_fd);
	return r != 0 ? r : store_sync(store->dir_fd);
}

/* Without the slashes at its end, with which a link would be followed. */
static int open_all(struct store *store, const char *path)
{
	char copy[PATH_MAX];
	size_t length = strlen(path);
	while (length > 1 && path[length - 1] == '/')
		length--;
	if (length == 0 || length >= sizeof(copy))
		return length == 0 ? -ENOENT : -ENAMETOOLONG;
	memcpy(copy, path, length);
	copy[length] = '\0';
	int r = open_top(store, copy);
	if (r == 0)
		r = take_lock(store);
	return r != 0 ? r : open_videos(store);
}

static const char *explain(int r)
{
	switch (-r) {
	case EBUSY:
		return "in use by another cometfs, end that one or give -o store=DIR";
	case ELOOP:
		return "the store, or a part of it, is a symbolic link, which is not followed";
	case ENOTDIR:
		return "the store, or a part of it, should be a directory and is not";
	case EISDIR:
	case EUCLEAN:
		return "its lock is not a plain file";
	case EPERM:
		return "the store belongs to somebody else, give -o store=DIR";
	case ENOTEMPTY:
		return "not a cometfs store, and not empty: give another -o store=DIR";
	case EACCES:
		return "permission denied, give -o store=DIR, a directory of your own";
	case EROFS:
		return "read-only file system, give -o store=DIR, where it can be written";
	case ENOSPC:
	case EDQUOT:
		return "no space left, make room or give -o store=DIR elsewhere";
	default:
		return strerror(-r);
	}
}

int store_new(const char *path, struct store **store, const char **why)
{
	struct store *new = malloc(sizeof(*new));
	int r = -ENOMEM;
	if (new != NULL) {
		*new = (struct store){ .dir_fd = -1, .lock_fd = -1, .videos_fd = -1 };
		r = open_all(new, path);
	}
	if (r == 0) {
		*store = new;
		return 0;
	}
	store_free(new);
	*why = explain(r);
	return r;
}

bool store_is_there(const char *path)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool is = fd >= 0 && there(fd, CATALOG_NAME) == 1;
	if (fd >= 0)
		(void)close(fd);
	return is;
}

/* No LOCK_UN, which would take the lock from a child that has gone on with it after a fork. */
void store_free(struct store *store)
{
	if (store == NULL)
		return;
	if (store->videos_fd >= 0)
		(void)close(store->videos_fd);
	if (store->lock_fd >= 0)
		(void)close(store->lock_fd);
	if (store->dir_fd >= 0)
		(void)close(store->dir_fd);
	free(store);
}

int store_dir(const struct store *store)
{
	return store->dir_fd;
}
