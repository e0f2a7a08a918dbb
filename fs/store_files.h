/* SPDX-License-Identifier: MIT */
/*
 * store_files: the open directories of the store, and the names in them. Private to store*.c.
 */
#ifndef STORE_FILES_H
#define STORE_FILES_H

#include "store.h"

#include <dirent.h>

/* Set once before the threads start. */
struct store {
	int dir_fd;
	int lock_fd;
	int videos_fd;
};

#define VIDEO_NAME_SIZE 40

enum store_kind { STORE_WHOLE, STORE_PART, STORE_DAMAGED };

/* The name of a whole video, of its part, or of one that was set aside. */
void store_video_name(char name[VIDEO_NAME_SIZE], uint64_t serial, enum store_kind kind);

/* Renames what stands in a video's or part's place as damaged: 0 or -errno. */
int store_move_aside(int videos_fd, uint64_t serial, enum store_kind kind);

/* Opens a plain file that lies in a directory of the store: a descriptor; -ELOOP, -EUCLEAN. */
int store_open_file(int dir_fd, const char *name, int flags);

/* fsync(), whatever interrupts it. */
int store_sync(int fd);

/*
 * The entries of a directory, without the two dots, from a position of its own. store_list_next()
 * says 1, at the end 0, or -errno; the entry is there until the next. Ended by closedir().
 */
int store_list_open(int dir_fd, DIR **list);
int store_list_next(DIR *list, const struct dirent **next);

#endif
