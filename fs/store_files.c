/* SPDX-License-Identifier: MIT */
/*
 * Files and directories of the store, opened so that no link is followed.
 */
#include "store_files.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void store_video_name(char name[VIDEO_NAME_SIZE], uint64_t serial, enum store_kind kind)
{
	static const char *const ends[] = { "", ".part", ".damaged" };
	int length = snprintf(name, VIDEO_NAME_SIZE, "%" PRIu64 ".mp4%s", serial, ends[kind]);
	assert(length > 0 && length < VIDEO_NAME_SIZE);
}

int store_move_aside(int videos_fd, uint64_t serial, enum store_kind kind)
{
	char from[VIDEO_NAME_SIZE], to[VIDEO_NAME_SIZE];
	store_video_name(from, serial, kind);
	store_video_name(to, serial, STORE_DAMAGED);
	return renameat(videos_fd, from, videos_fd, to) < 0 ? -errno : 0;
}

/* O_NONBLOCK: a pipe that lies there must not stop us before it is seen to be one. */
int store_open_file(int dir_fd, const char *name, int flags)
{
	struct stat st;
	int fd = openat(dir_fd, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
	if (fd < 0)
		return -errno;
	int r = fstat(fd, &st) < 0 ? -errno : S_ISREG(st.st_mode) ? fd : -EUCLEAN;
	if (r < 0)
		(void)close(fd);
	return r;
}

int store_sync(int fd)
{
	int r;
	do {
		r = fsync(fd) < 0 ? -errno : 0;
	} while (r == -EINTR);
	return r;
}

int store_list_open(int fd, DIR **list)
{
	int list_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (list_fd < 0)
		return -errno;
	*list = fdopendir(list_fd);
	if (*list != NULL)
		return 0;
	int r = -errno;
	(void)close(list_fd);
	return r;
}

int store_list_next(DIR *list, const struct dirent **next)
{
	const struct dirent *entry;
	do {
		errno = 0;
		entry = readdir(list);
		if (entry == NULL)
			return -errno;
	} while (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0);
	*next = entry;
	return 1;
}
