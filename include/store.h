/* SPDX-License-Identifier: MIT */
/*
 * store: the directory in which everything is kept, and the video files in it.
 *
 * Owns    the directory, its lock, `videos/<serial>.mp4.part` and `videos/<serial>.mp4`: the name
 *         without .part is the proof that the file is whole and on disk. SHA-256.
 * Thread  store_new(), store_free(), store_sweep(): before and after all threads. A part: the disk
 *         thread. store_open_video(), store_statfs(): any.
 * Gives   0 or -errno; descriptors.
 * Never   follows a link; knows states, network, FUSE or SQL.
 */
#ifndef STORE_H
#define STORE_H

#include "cometfs.h"

#include <stddef.h>
#include <sys/statvfs.h>

struct store;
struct store_part;

/*
 * Opens, or makes with mode 0700, the directory and takes its lock. Parents are made too. On a
 * failure *why is a constant for people. -EBUSY: locked by another daemon; -ELOOP: a symbolic
 * link; -ENOTDIR; -EPERM: somebody else's; -ENOTEMPTY: full of other things; -EACCES; -EROFS;
 * -ENOSPC.
 */
int store_new(const char *path, struct store **store, const char **why);

/* Whether somebody has begun to keep something there. */
bool store_is_there(const char *path);

/* Gives the lock back. Accepts NULL. */
void store_free(struct store *store);

/* For the catalog: the directory; stays the store's. */
int store_dir(const struct store *store);

/* What the directory has of a video. */
struct store_video {
	bool whole; /* <serial>.mp4 */
	bool part; /* <serial>.mp4.part */
	int64_t whole_bytes;
	int64_t part_bytes;
};

/* Looks; what is not a plain file is not there. */
int store_look(const struct store *store, uint64_t serial, struct store_video *video);

/* Calls each() with every serial that has a file, and with 0 and a name for a stranger. */
int store_sweep(const struct store *store,
	void (*each)(void *arg, uint64_t serial, const char *name), void *arg);

/*
 * A descriptor for reading: of the whole video if it is said to be whole, else of its part; -ENOENT.
 * Where the one that is asked for is not there, it is the other: it may just have been renamed.
 */
int store_open_video(const struct store *store, uint64_t serial, bool whole);

/* Takes a whole video for damaged: renames it to <serial>.mp4.damaged. 0, -ENOENT, -errno. */
int store_set_aside(const struct store *store, uint64_t serial);

/* Deletes all files of a video; that there are none is no error. */
int store_delete(const struct store *store, uint64_t serial);

/* Deletes the part alone. */
int store_delete_part(const struct store *store, uint64_t serial);

/* The store's file system. */
int store_statfs(const struct store *store, struct statvfs *out);

/*
 * A part under way: its front is hashed while it grows; beyond it there may be other pieces, which
 * the caller keeps account of. store_part_open() takes the first keep bytes of what is there for
 * its front (fewer if fewer are there) and cuts off what is behind end; with both 0 it is a new
 * file, and who has the old one open goes on with that. store_part_rehash() must follow, until that
 * is done.
 */
int store_part_open(const struct store *store, uint64_t serial, int64_t keep, int64_t end,
	struct store_part **part);

/* Reads and hashes the next step_bytes of what was kept: 1 when there is more, 0 done, -errno. */
int store_part_rehash(struct store_part *part, size_t step_bytes);

/* How many bytes the front has, and where the file ends. */
int64_t store_part_bytes(const struct store_part *part);
int64_t store_part_end(const struct store_part *part);

/*
 * Takes room on the disk for a file of size bytes, so that no write fails for want of it: 0, also
 * where the file system cannot do that, or -ENOSPC.
 */
int store_part_reserve(struct store_part *part, int64_t size);

/*
 * Writes bytes behind the front, which grows; or a piece somewhere beyond it. All, or -errno
 * (-ENOSPC; -EIO too when somebody else has cut or deleted the file) and all is as before.
 */
int store_part_append(struct store_part *part, const char *data, size_t length);
int store_part_put(struct store_part *part, int64_t at, const char *data, size_t length);

/*
 * The front has met a piece that ends before byte to: store_part_rehash() must follow, and then
 * store_part_crc() is the piece's checksum.
 */
void store_part_join(struct store_part *part, int64_t to);
uint32_t store_part_crc(const struct store_part *part);

/* The hash of the front: 0 or -ENOMEM. */
int store_part_hash(const struct store_part *part, char sha256[SHA256_SIZE]);

/* Puts all that was written on disk. */
int store_part_sync(struct store_part *part);

/*
 * The part is the whole video: sync, where that is not done, rename, sync of the directory; its hash.
 * Frees the part, whatever the result.
 */
int store_part_finish(struct store_part *part, char sha256[SHA256_SIZE]);

/* Frees; the file stays for the next time. Accepts NULL. */
void store_part_close(struct store_part *part);

/* A whole video, hashed in steps as a part is: for one whose row came too late. */
int store_hash_open(const struct store *store, uint64_t serial, struct store_part **part);

/* After the last store_part_rehash() of store_hash_open(): the hash. Frees. */
int store_hash_finish(struct store_part *part, char sha256[SHA256_SIZE]);

#endif
