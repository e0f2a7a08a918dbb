/* SPDX-License-Identifier: MIT */
/*
 * mountpoint: the place of the mount, and what the mount table has there. Private to main.c.
 *
 * Thread  main's.
 * Never   takes down what answers, or what is no cometfs.
 */
#ifndef MOUNTPOINT_H
#define MOUNTPOINT_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

/*
 * NULL when something can be mounted there, else why not. A mount of cometfs whose daemon is dead
 * is taken down first.
 */
const char *mountpoint_check(const char *path);

/* The path as the mount table has it: absolute, and with no link on the way. False: it is no directory. */
bool mountpoint_place(const char *path, char place[PATH_MAX]);

/* The device number of the uppermost mount at a place, 0 when there is none. */
dev_t mountpoint_device(const char *path);

/* Takes down what is mounted at a place, if it is a cometfs that has no daemon any more. */
bool mountpoint_clear(const char *path);

/* From now on hears what libfuse says: before a mount as the reason for a line, then for the log. */
void mountpoint_listen(void);

/* Mounts at an absolute path. 0 or -EIO. */
struct fuse_session;
int mountpoint_mount(struct fuse_session *session, const char *path);

/* Why a session could not be made or mounted, and what to do. Lives until the next call. */
const char *mountpoint_fault(void);

#endif
