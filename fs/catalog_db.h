/* SPDX-License-Identifier: MIT */
/*
 * catalog_db: handles of the database, and its faults as errnos. Private to catalog*.c.
 */
#ifndef CATALOG_DB_H
#define CATALOG_DB_H

#include <limits.h>
#include <sqlite3.h>
#include <stdint.h>

/* 0 or -errno of SQLite's code, which db has just given. */
int catalog_db_fault(sqlite3 *db, int code);

/* A statement that is kept; -EUCLEAN where it does not fit the tables. */
int catalog_db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **statement);

/* Does what gives no rows, and makes the statement ready for the next time. */
int catalog_db_run(sqlite3 *db, sqlite3_stmt *statement);

/* Makes the file where there is none, and gives it a name that SQLite can open. */
int catalog_db_find(int dir_fd, const char *path, char file[PATH_MAX]);

/* Handles; to be closed also after a failure. The writer makes the tables where there are none. */
int catalog_db_open_writer(const char *file, sqlite3 **db);
int catalog_db_open_reader(const char *file, sqlite3 **db);

#endif
