/* SPDX-License-Identifier: MIT */
/*
 * The videos in the store, whole ones and parts, as seen from outside.
 */
#include "store_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int look(const struct store *store, const char *name, bool *is, int64_t *bytes)
{
	struct stat st;
	*is = false;
	*bytes = 0;
	if (fstatat(store->videos_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (S_ISREG(st.st_mode)) {
		*is = true;
		*bytes = st.st_size;
	}
	return 0;
}

int store_look(const struct store *store, uint64_t serial, struct store_video *video)
{
	char name[VIDEO_NAME_SIZE];
	struct store_video found;
	store_video_name(name, serial, STORE_WHOLE);
	int r = look(store, name, &found.whole, &found.whole_bytes);
	store_video_name(name, serial, STORE_PART);
	if (r == 0)
		r = look(store, name, &found.part, &found.part_bytes);
	if (r == 0)
		*video = found;
	return r;
}

/* 0: it is no name of ours. */
static uint64_t serial_of(const char *name, enum store_kind *kind)
{
	char again[VIDEO_NAME_SIZE];
	uint64_t serial = strtoull(name, NULL, 10);
	for (*kind = STORE_WHOLE; *kind <= STORE_DAMAGED; ++*kind) {
		store_video_name(again, serial, *kind);
		if (strcmp(again, name) == 0)
			return serial;
	}
	return 0;
}

/* Without a look at its inode where the directory knows: there may be a hundred thousand. */
static int is_plain(const struct store *store, const struct dirent *entry)
{
	struct stat st;
	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_REG;
	if (fstatat(store->videos_fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return S_ISREG(st.st_mode);
}

/* A part beside its whole video is not told a second time. */
static int sweep_one(const struct store *store, const struct dirent *entry,
	void (*each)(void *arg, uint64_t serial, const char *name), void *arg)
{
	enum store_kind kind;
	struct store_video video = { .whole = false };
	uint64_t serial = serial_of(entry->d_name, &kind);
	int r = is_plain(store, entry);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (r == 0)
		serial = 0;
	r = serial > 0 && kind == STORE_PART ? store_look(store, serial, &video) : 0;
	if (r == 0 && !video.whole)
		each(arg, serial, entry->d_name);
	return r;
}

int store_sweep(const struct store *store,
	void (*each)(void *arg, uint64_t serial, const char *name), void *arg)
{
	DIR *list;
	const struct dirent *entry;
	int r = store_list_open(store->videos_fd, &list);
	if (r != 0)
		return r;
	while ((r = store_list_next(list, &entry)) == 1) {
		r = sweep_one(store, entry, each, arg);
		if (r != 0)
			break;
	}
	(void)closedir(list);
	return r;
}

static int open_as(const struct store *store, uint64_t serial, bool part)
{
	char name[VIDEO_NAME_SIZE];
	store_video_name(name, serial, part ? STORE_PART : STORE_WHOLE);
	int fd = store_open_file(store->videos_fd, name, O_RDONLY);
	return fd == -ELOOP || fd == -EUCLEAN ? -ENOENT : fd;
}

/* Once more at the end: the part may have been renamed between the two looks. */
int store_open_video(const struct store *store, uint64_t serial, bool whole)
{
	int fd = open_as(store, serial, !whole);
	if (fd == -ENOENT)
		fd = open_as(store, serial, whole);
	return fd == -ENOENT ? open_as(store, serial, !whole) : fd;
}

/* 1 when there was one. */
static int delete_as(const struct store *store, uint64_t serial, enum store_kind kind)
{
	char name[VIDEO_NAME_SIZE];
	store_video_name(name, serial, kind);
	if (unlinkat(store->videos_fd, name, 0) == 0)
		return 1;
	return errno == ENOENT || errno == EISDIR ? 0 : -errno;
}

int store_delete_part(const struct store *store, uint64_t serial)
{
	int r = delete_as(store, serial, STORE_PART);
	return r > 0 ? store_sync(store->videos_fd) : r;
}

int store_delete(const struct store *store, uint64_t serial)
{
	int deleted = 0;
	for (enum store_kind kind = STORE_WHOLE; kind <= STORE_DAMAGED; kind++) {
		int r = delete_as(store, serial, kind);
		if (r < 0)
			return r;
		deleted += r;
	}
	return deleted > 0 ? store_sync(store->videos_fd) : 0;
}

int store_set_aside(const struct store *store, uint64_t serial)
{
	int r = store_move_aside(store->videos_fd, serial, STORE_WHOLE);
	return r == 0 ? store_sync(store->videos_fd) : r;
}

int store_statfs(const struct store *store, struct statvfs *out)
{
	struct statvfs st;
	if (fstatvfs(store->videos_fd, &st) < 0)
		return -errno;
	*out = st;
	return 0;
}
