/* SPDX-License-Identifier: MIT */
/*
 * tree: names to inode numbers and back, what a directory has, modes and sizes.
 *
 * Owns    the shape of the mount and the numbering of its inodes: serial * 16 + kind for what is
 *         of a job, fixed ones below 16. A video that begins anew is another file: its epoch is in
 *         the uppermost 24 bits, for the kernel alone; so is each edition of the gallery. No number
 *         is ever another file's: they are what handles are made of, which outlive the daemon.
 * Thread  any: it only looks at snapshots.
 * Never   knows network, disk, locks or libfuse.
 */
#ifndef TREE_H
#define TREE_H

#include "job.h"

#include <sys/stat.h>

/* The fixed inodes. Each final and unfinished state but "unknown" has a directory in by-state/. */
#define TREE_ROOT 1
#define TREE_JOBS 2
#define TREE_BY_STATE 3
#define TREE_STATE(state) (TREE_BY_STATE + (uint64_t)(state))
#define TREE_META 9
#define TREE_EVENTS 10
#define TREE_STATS 11
#define TREE_METRICS 12
#define TREE_GALLERY 13

/* What an inode of a job is. The link stands in by-state/, not below the job. */
enum tree_kind { TREE_JOB_DIR, TREE_STATUS, TREE_RESPONSE, TREE_VIDEO, TREE_LINK, TREE_KINDS };

#define TREE_TARGET_SIZE (ID_SIZE + 16) /* of what a link says */

/* Who everything belongs to, and what is masked from every mode. Set before the threads start. */
struct tree_owner {
	uid_t uid;
	gid_t gid;
	mode_t umask;
	int64_t started_ms; /* the times of what is not of a job */
};

/* The texts whose sizes are attributes: called outside any lock. */
struct tree_sizes {
	uint32_t (*status)(const struct job_view *view);
	uint32_t (*figures)(uint64_t inode); /* TREE_STATS, TREE_METRICS */
	/* The size and the time of an edition of the gallery: 0 or -ESTALE. */
	int (*gallery)(uint64_t inode, uint32_t *size, int64_t *changed_ms);
	/* Of a document whose job is forgotten, for who has it open still: 0 or -ENOENT. */
	int (*orphan)(uint64_t inode, uint32_t *size);
};

uint64_t tree_inode(uint64_t serial, enum tree_kind kind);
uint64_t tree_serial(uint64_t inode); /* 0 for the fixed ones */
enum tree_kind tree_kind(uint64_t inode); /* of those with a serial */
uint64_t tree_number(uint64_t inode); /* as programs see it, st_ino: of all epochs the same */

/* Of a file of a job as it is now, with its epoch. */
uint64_t tree_inode_of(const struct job *job, enum tree_kind kind);

/* Of an edition of the gallery. Only the lower 24 bits of its epoch count. */
uint64_t tree_inode_of_gallery(uint32_t epoch);

/* Whether a video has begun anew since the kernel was told of its inode. */
bool tree_is_stale(uint64_t inode, const struct job *job);

/*
 * The inode of name in directory parent: 0 or -ENOENT, -ENOTDIR, -ENAMETOOLONG (over 255 bytes).
 * A name in jobs/ that is no request id is -ENOENT like any other. Of "." and ".." parent may be a
 * file, and is -ESTALE when it is a video that is not there any more.
 */
int tree_lookup(uint64_t parent, const char *name, uint64_t *inode);

/*
 * Whether a name that was found stays what it is until something is done through the mount; and whether
 * one that was not is missing until then. The kernel may remember that. Links follow the states, videos
 * and answers come by themselves.
 */
bool tree_name_lasts(uint64_t parent, const char *name);
bool tree_absence_lasts(uint64_t parent, const char *name);

/* How long attributes hold. */
enum tree_lasts {
	TREE_CHANGES, /* they change without a word */
	/*
	 * Until they are recalled, if the kernel has the inode: one that it does not have it cannot be
	 * told of while the answer is on its way.
	 */
	TREE_LASTS_KNOWN,
	TREE_LASTS, /* until they are recalled, which is seldom, or for ever */
};

/*
 * The attributes of an inode, and how long they hold: 0, -ENOENT. sizes
 * may be NULL where the inode is none of theirs. A video that is given up or removed has attributes
 * still, for who has it open, with no link, and so has a document of a forgotten job; a video that has begun
 * anew is -ESTALE.
 */
int tree_stat(uint64_t inode, const struct tree_owner *owner, const struct tree_sizes *sizes,
	struct stat *st, enum tree_lasts *lasts);

/* Where a link in by-state/ leads, with its NUL: 0, -ENOENT, -EINVAL for what is no link. */
int tree_target(uint64_t inode, char target[TREE_TARGET_SIZE]);

/* One entry of a directory. */
struct tree_entry {
	uint64_t inode;
	mode_t type; /* S_IFDIR, S_IFREG or S_IFLNK */
	uint64_t next; /* where to go on, and with which edition of the list */
	char name[ID_SIZE];
};

/* The entry at position at (0 at first, "." and ".." included): 1, 0 at the end, -ENOTDIR, -ENOENT. */
int tree_list(uint64_t inode, uint64_t at, struct tree_entry *entry);

/*
 * A list has come to its end, which is at this position. True when the directory has changed since it was
 * begun: then it has another time now, a nanosecond later, and what was told of it is to be recalled.
 */
bool tree_list_end(uint64_t inode, uint64_t at);

#endif
