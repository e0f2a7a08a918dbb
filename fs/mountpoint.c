/* SPDX-License-Identifier: MIT */
/* Whether something can be mounted at a place, and what is there already. */
#include "mountpoint.h"

#include "base.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* ---- the mount table --------------------------------------------------------------------------- */

/* In the table a blank, a tab, a line's end and a backslash are \ooo. In place. */
static void unescape(char *text)
{
	char *to = text;
	while (*text != '\0') {
		if (text[0] == '\\' && strspn(text + 1, "01234567") >= 3) {
			*to++ = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 |
				       (text[3] - '0'));
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

/* "0:42" */
static dev_t read_device(const char *text)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);
	return *end == ':' ? makedev((unsigned)number, (unsigned)strtoul(end + 1, NULL, 10)) : 0;
}

struct mounted {
	dev_t device; /* 0: nothing is */
	bool cometfs;
};

/* "36 35 0:42 / /mnt rw,nosuid shared:1 - fuse.cometfs SOURCE rw", if that is at path. */
static void read_line(char *line, const char *path, struct mounted *found)
{
	enum { DEVICE = 2, PLACE = 4, FIELDS };
	const char *type = strstr(line, " - ");
	char *fields[FIELDS];
	for (int i = 0; i < FIELDS; i++)
		fields[i] = strsep(&line, " ");
	if (line == NULL || type == NULL)
		return;
	unescape(fields[PLACE]);
	if (strcmp(fields[PLACE], path) != 0)
		return;
	found->device = read_device(fields[DEVICE]);
	found->cometfs = strncmp(type, " - fuse.cometfs ", 16) == 0;
}

static struct mounted look(const char *path)
{
	struct mounted found = { .device = 0 };
	char *line = NULL;
	size_t size = 0;
	FILE *table = fopen("/proc/self/mountinfo", "re");
	if (table == NULL)
		return found;
	/* Of those at the same place the last one is the uppermost. */
	while (getline(&line, &size, table) > 0)
		read_line(line, path, &found);
	free(line);
	(void)fclose(table);
	return found;
}

dev_t mountpoint_device(const char *path)
{
	return look(path).device;
}

/* ---- a daemon that is dead --------------------------------------------------------------------- */

/* What stat() says may be what the kernel remembers. */
static bool is_dead(const char *path)
{
	struct statvfs st;
	return statvfs(path, &st) != 0 && errno == ENOTCONN;
}

/* As fusermount3 does it for users; it looks whose mount it is. */
static bool detach_as_user(char *path)
{
	char program[] = "fusermount3", flags[] = "-uqz", end[] = "--";
	char *const argv[] = { program, flags, end, path, NULL };
	pid_t child;
	int status = -1;
	if (posix_spawnp(&child, program, NULL, NULL, argv, environ) != 0)
		return false;
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool mountpoint_clear(const char *path)
{
	char copy[PATH_MAX];
	(void)snprintf(copy, sizeof(copy), "%s", path);
	if (!look(path).cometfs || !is_dead(path))
		return false;
	return umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0 || detach_as_user(copy);
}

/* That of a dead mount can be opened so, but not looked at. */
bool mountpoint_place(const char *path, char place[PATH_MAX])
{
	char link[64];
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return false;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t length = readlink(link, place, PATH_MAX - 1);
	(void)close(fd);
	if (length < 0)
		return false;
	place[length] = '\0';
	return true;
}

/* ---- the check --------------------------------------------------------------------------------- */

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
	return empty ? NULL : "the mount point is not empty, choose or make another directory";
}

/* Else it is fusermount3 that mounts, at places of ours only. */
static bool may_mount_anywhere(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { 0 } };
	if (geteuid() == 0)
		return true;
	return syscall(SYS_capget, &head, data) == 0 &&
	       (data[0].effective & 1U << CAP_SYS_ADMIN) != 0;
}

const char *mountpoint_check(const char *path)
{
	char place[PATH_MAX];
	struct stat st;
	while (is_dead(path)) {
		if (!mountpoint_place(path, place) || !mountpoint_clear(place))
			return "a dead mount is there, take it away with umount first";
		log_info("%s: the mount of a daemon that had died is taken down", place);
	}
	if (stat(path, &st) != 0)
		return errno == ENOENT ? "the mount point is not there, make it with mkdir"
				       : strerror(errno);
	if (!S_ISDIR(st.st_mode))
		return "the mount point is not a directory";
	if (st.st_uid != geteuid() && !may_mount_anywhere())
		return "the mount point is not yours, choose a directory that you own";
	if (mountpoint_place(path, place) && look(place).cometfs)
		return "a cometfs is mounted there already, take it away with fusermount3 -u first";
	return check_empty(path);
}
