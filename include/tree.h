/* SPDX-License-Identifier: MIT */
/*
 * tree: names to inode numbers and back, what a directory has, modes and sizes.
 *
 * Owns    the shape of the mount and the numbering of its inodes: serial * 16 + kind for what is
 *         of a job, fixed ones below 16. A video that begins anew is another file: its epoch is in
 *         the uppermost eight bits, for the kernel alone.
 * Thread  any: it only looks at snapshots.
 * Never   knows network, disk, locks or libfuse.
 */
#ifndef TREE_H
#define TREE_H

#include "job.h"

#include <sys/stat.h>

#define TREE_ROOT 1
#define TREE_JOBS 2

/* What an inode below a job is. */
enum tree_kind { TREE_JOB_DIR, TREE_STATUS, TREE_RESPONSE, TREE_VIDEO, TREE_KINDS };

/* Who everything belongs to, and what is masked from every mode. Set before the threads start. */
struct tree_owner {
	uid_t uid;
	gid_t gid;
	mode_t umask;
	int64_t started_ms; /* the times of the root */
};

uint64_t tree_inode(uint64_t serial, enum tree_kind kind);
uint64_t tree_serial(uint64_t inode); /* 0 for the fixed ones */
enum tree_kind tree_kind(uint64_t inode); /* of those with a serial */
uint64_t tree_number(uint64_t inode); /* as programs see it, st_ino: of all epochs the same */

/* Whether a video has begun anew since the kernel was told of its inode. */
bool tree_is_stale(uint64_t inode, const struct job *job);

/* Whether a job has its video.mp4: its final size is known, and it was not given up or removed. */
bool tree_has_video(const struct job *job);

/*
 * The inode of name in directory parent: 0 or -ENOENT, -ENOTDIR, -ENAMETOOLONG (over 255 bytes).
 * A name in jobs/ that is no request id is -ENOENT like any other. Of "." and ".." parent may be a
 * file, and is -ESTALE when it is a video that is not there any more.
 */
int tree_lookup(uint64_t parent, const char *name, uint64_t *inode);

/*
 * The attributes of an inode. -ENOENT. status_size is called for a status.json, outside any lock,
 * for the size of its document; it may be NULL where the inode is none. A video that is given up
 * or removed has attributes still, for who has it open, with no link.
 */
int tree_stat(uint64_t inode, const struct tree_owner *owner,
	uint32_t (*status_size)(const struct job_view *view), struct stat *st);

/* One entry of a directory. */
struct tree_entry {
	uint64_t inode;
	mode_t type; /* S_IFDIR or S_IFREG */
	uint64_t next; /* where to go on */
	char name[ID_SIZE];
};

/* The entry at position at (0 at first, "." and ".." included): 1, 0 at the end, -ENOTDIR, -ENOENT. */
int tree_list(uint64_t inode, uint64_t at, struct tree_entry *entry);

#endif
