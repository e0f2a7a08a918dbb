/* SPDX-License-Identifier: MIT */
/*
 * The plainest libfuse file system: one small file, default options. plain MOUNTPOINT
 */
#include <errno.h>
#include <fuse.h>
#include <string.h>
#include <sys/stat.h>

#define NAME "hello"
#define SIZE 1024

static char text[SIZE];

static int plain_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	(void)fi;
	memset(st, 0, sizeof(*st));
	if (strcmp(path, "/") == 0) {
		st->st_mode = S_IFDIR | 0755;
		st->st_nlink = 2;
		return 0;
	}
	st->st_mode = S_IFREG | 0444;
	st->st_nlink = 1;
	st->st_size = SIZE;
	return strcmp(path, "/" NAME) == 0 ? 0 : -ENOENT;
}

static int plain_open(const char *path, struct fuse_file_info *fi)
{
	(void)fi;
	return strcmp(path, "/" NAME) == 0 ? 0 : -ENOENT;
}

static int plain_read(
	const char *path, char *buffer, size_t size, off_t offset, struct fuse_file_info *fi)
{
	(void)path, (void)fi;
	size_t at = offset < SIZE ? (size_t)offset : SIZE;
	size_t count = size < SIZE - at ? size : SIZE - at;
	memcpy(buffer, text + at, count);
	return (int)count;
}

int main(int argc, char **argv)
{
	const struct fuse_operations operations = {
		.getattr = plain_getattr, .open = plain_open, .read = plain_read
	};
	memset(text, 'x', SIZE);
	return fuse_main(argc, argv, &operations, NULL);
}
