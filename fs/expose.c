/* SPDX-License-Identifier: MIT */
/*
 * A program of its own, for contrib/systemd: brings a mount out of the sandbox of a service. systemd
 * gives a service that is kept from the system's files a mount namespace of its own, and what is mounted
 * in there is seen by nobody else.
 *
 *   cometfs-expose show PID MOUNTPOINT   what PID has mounted there is there for everybody
 *   cometfs-expose hide MOUNTPOINT       takes away what is left of it, when its daemon is dead
 *
 * Everybody is process 1: what systemd starts for such a service has a mount namespace of its own even
 * with a + in front.
 */
#include "mountpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

static int fail_to_reach(const char *path)
{
	(void)fprintf(stderr,
		"cometfs-expose: %s: the mounts of the system cannot be reached: %s\n", path,
		strerror(errno));
	return EXIT_FAILURE;
}

static int fail_to_show(const char *path)
{
	(void)fprintf(stderr,
		"cometfs-expose: %s: the mount in the sandbox cannot be shown to all: %s\n", path,
		strerror(errno));
	return EXIT_FAILURE;
}

/* The mount namespace of a process; -1. */
static int open_namespace(const char *pid)
{
	char path[64];
	(void)snprintf(path, sizeof(path), "/proc/%s/ns/mnt", pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* Who has taken a service over may lay links in there, but none of them is followed. */
static int open_place(const char *place)
{
	const struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS,
	};
	return (int)syscall(SYS_openat2, AT_FDCWD, place, &how, sizeof(how));
}

/* A copy of what is mounted in there, if it is of FUSE. What its daemon calls setuid or a device is neither. */
static int copy_mount(const char *place)
{
	struct mount_attr tame = { .attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV };
	struct statfs st;
	int from = open_place(place);
	int tree =
		from < 0 ? -1
			 : open_tree(from, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0 || fstatfs(tree, &st) != 0 ||
		mount_setattr(tree, "", AT_EMPTY_PATH, &tame, sizeof(tame)) != 0)
		return -1;
	errno = ENODEV;
	return st.f_type == FUSE_SUPER_MAGIC ? tree : -1;
}

/*
 * Ours comes back to them, below what they have; so that theirs is taken away. Then an umount of
 * ours is the end of both, and of the daemon, as it is without a sandbox.
 */
static int move(int theirs, int ours, const char *path)
{
	char place[PATH_MAX];
	if (setns(ours, CLONE_NEWNS) != 0 || !mountpoint_place(path, place))
		return fail_to_reach(path);
	int to = open_place(place);
	if (to < 0)
		return fail_to_reach(path);
	int tree = setns(theirs, CLONE_NEWNS) == 0 ? copy_mount(place) : -1;
	if (tree < 0)
		return fail_to_show(path);
	if (setns(ours, CLONE_NEWNS) != 0 ||
		move_mount(tree, "", to, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) !=
			0)
		return fail_to_show(path);
	if (setns(theirs, CLONE_NEWNS) != 0 || umount2(place, MNT_DETACH | UMOUNT_NOFOLLOW) != 0)
		return fail_to_show(path);
	return EXIT_SUCCESS;
}

static int show(const char *pid, const char *path)
{
	int theirs = open_namespace(pid), ours = open_namespace("1");
	struct stat a, b;
	if (theirs < 0 || ours < 0 || fstat(theirs, &a) != 0 || fstat(ours, &b) != 0)
		return fail_to_reach(path);
	if (a.st_dev == b.st_dev && a.st_ino == b.st_ino)
		return EXIT_SUCCESS; /* no sandbox */
	return move(theirs, ours, path);
}

/* A user's is where he is. */
static int hide(const char *path)
{
	int ours = geteuid() == 0 ? open_namespace("1") : -1;
	if (geteuid() == 0 && (ours < 0 || setns(ours, CLONE_NEWNS) != 0))
		return fail_to_reach(path);
	char place[PATH_MAX];
	while (mountpoint_place(path, place) && mountpoint_clear(place))
		;
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "show") == 0)
		return show(argv[2], argv[3]);
	if (argc == 3 && strcmp(argv[1], "hide") == 0)
		return hide(argv[2]);
	(void)fprintf(stderr, "usage: cometfs-expose show PID MOUNTPOINT\n"
			      "       cometfs-expose hide MOUNTPOINT\n");
	return 2;
}
