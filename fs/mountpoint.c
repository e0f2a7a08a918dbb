/* SPDX-License-Identifier: MIT */
/* Whether something can be mounted at a place. */
#include "mountpoint.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *check_empty(const char *path)
{
	const struct dirent *entry;
	DIR *dir = opendir(path);
	if (dir == NULL)
		return strerror(errno);
	bool empty = true;
	while (empty && (entry = readdir(dir)) != NULL)
		empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
	(void)closedir(dir);
	return empty ? NULL : "the mount point is not empty";
}

const char *mountpoint_check(const char *path)
{
	struct stat st;
	if (stat(path, &st) != 0)
		return errno == ENOTCONN ? "a dead mount is there, take it away with umount first"
					 : strerror(errno);
	if (!S_ISDIR(st.st_mode))
		return "the mount point is not a directory";
	if (st.st_uid != geteuid() && geteuid() != 0)
		return "the mount point is not yours";
	return check_empty(path);
}
