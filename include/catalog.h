/* SPDX-License-Identifier: MIT */
/*
 * catalog: what is remembered of every job, in a form that survives any crash.
 *
 * Owns    the database: its schema, one row a job, the last accepted body beside it.
 * Thread  the one that opened it until the engine starts, then the disk thread;
 *         catalog_body(): any.
 * Gives   rows; all that is put between begin and commit, or nothing of it.
 * Never   knows curl, FUSE, JSON, states. No caller sees SQL through this door, so that another
 *         catalog can stand behind it.
 */
#ifndef CATALOG_H
#define CATALOG_H

#include "job.h"

struct catalog;

/*
 * Opens, or makes, the catalog of the store directory dir_fd (its path for the log). 0, -ENOMEM,
 * -ENOSPC, -EROFS, -EACCES, -EIO; -EUCLEAN: it is damaged; -EPROTO: made by a newer cometfs.
 */
int catalog_open(int dir_fd, const char *path, struct catalog **catalog);

/* Accepts NULL. */
void catalog_close(struct catalog *catalog);

/* All four: 0 or the -errno of the first fault; after one, roll back. */
int catalog_begin(struct catalog *catalog);
int catalog_commit(struct catalog *catalog);
void catalog_rollback(struct catalog *catalog);

/* Writes a job's row, new where serial is not there yet. */
int catalog_put(struct catalog *catalog, const struct job *job);

/* Writes a job's last accepted body. */
int catalog_put_body(struct catalog *catalog, uint64_t serial, const char *body, size_t length);

/* Deletes a job's row and body. */
int catalog_delete(struct catalog *catalog, uint64_t serial);

/* Calls each() with every job by rising serial; stops at the first that returns not 0. */
int catalog_walk(struct catalog *catalog, int (*each)(void *arg, const struct job *job), void *arg);

/* The largest serial that was ever given, deleted ones too. */
int catalog_last_serial(struct catalog *catalog, uint64_t *serial);

/*
 * Copies the last accepted body: *body is malloc'ed, the caller frees it; NULL and 0 when there
 * is none.
 */
int catalog_body(struct catalog *catalog, uint64_t serial, char **body, size_t *length);

#endif
