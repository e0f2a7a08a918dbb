/* SPDX-License-Identifier: MIT */
/*
 * Opens the database as safely as SQLite allows, and says whether it is ours.
 */
#include "catalog_db.h"

#include "catalog_row.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_NAME "catalog.sqlite"
#define APPLICATION_ID 0x636d7466 /* "cmtf" */
#define BUSY_MS 1000 /* somebody looks at it with another program */

/* A disk that is full or read-only is told by the system's own errno, where SQLite has kept it. */
static int system_fault(sqlite3 *db, int otherwise)
{
	switch (sqlite3_system_errno(db)) {
	case ENOSPC:
	case EDQUOT:
		return -ENOSPC;
	case EROFS:
		return -EROFS;
	default:
		return otherwise;
	}
}

int catalog_db_fault(sqlite3 *db, int code)
{
	if (code == SQLITE_CONSTRAINT_UNIQUE)
		return -EEXIST;
	switch (code & 0xff) {
	case SQLITE_OK:
		return 0;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_CANTOPEN:
		return system_fault(db, -EACCES);
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EUCLEAN;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_CONSTRAINT:
		return -EINVAL;
	case SQLITE_BUSY:
		return -EBUSY;
	default:
		return system_fault(db, -EIO);
	}
}

int catalog_db_run(sqlite3 *db, sqlite3_stmt *statement)
{
	int code = sqlite3_step(statement);
	int r = code == SQLITE_DONE || code == SQLITE_ROW ? 0 : catalog_db_fault(db, code);
	(void)sqlite3_reset(statement);
	(void)sqlite3_clear_bindings(statement);
	return r;
}

static int execute(sqlite3 *db, const char *sql)
{
	return catalog_db_fault(db, sqlite3_exec(db, sql, NULL, NULL, NULL));
}

/* SQL that does not fit the tables (SQLITE_ERROR) means that they are not as we had made them. */
int catalog_db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **statement)
{
	int code = sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);
	return code == SQLITE_ERROR ? -EUCLEAN : catalog_db_fault(db, code);
}

static int read_number(sqlite3 *db, const char *sql, int64_t *number)
{
	sqlite3_stmt *statement = NULL;
	int r = catalog_db_prepare(db, sql, &statement);
	if (r != 0)
		return r;
	int code = sqlite3_step(statement);
	if (code == SQLITE_ROW)
		*number = sqlite3_column_int64(statement, 0);
	else
		r = code == SQLITE_DONE ? -EUCLEAN : catalog_db_fault(db, code);
	(void)sqlite3_finalize(statement);
	return r;
}

/* ---- the file ---------------------------------------------------------------------------------- */

static int check_file(int dir_fd, int fd)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EUCLEAN;
	if ((st.st_mode & 07777) != 0600 && fchmod(fd, 0600) < 0)
		return -errno;
	/* Its name must outlive a power cut as its rows do. */
	if (st.st_size == 0 && fsync(dir_fd) < 0)
		return -errno;
	return 0;
}

/* SQLite would make the file as the umask says, and follow a link to it. */
static int make_file(int dir_fd)
{
	int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	int fd = openat(dir_fd, FILE_NAME, flags, 0600);
	if (fd < 0)
		return -errno;
	int r = check_file(dir_fd, fd);
	(void)close(fd);
	return r;
}

/*
 * The name has no symbolic link in it, which SQLITE_OPEN_NOFOLLOW demands of all its parts. It
 * comes from the descriptor; only where there is no /proc from path, which may have another
 * meaning by now.
 */
int catalog_db_find(int dir_fd, const char *path, char file[PATH_MAX])
{
	char link[32], directory[PATH_MAX];
	struct stat by_fd, by_name;
	int r = make_file(dir_fd);
	if (r != 0)
		return r;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", dir_fd);
	if (realpath(link, directory) == NULL && realpath(path, directory) == NULL)
		return -errno;
	if (fstat(dir_fd, &by_fd) < 0 || stat(directory, &by_name) < 0)
		return -errno;
	if (by_fd.st_dev != by_name.st_dev || by_fd.st_ino != by_name.st_ino)
		return -EIO;
	int length = snprintf(file, PATH_MAX, "%s/" FILE_NAME, directory);
	return length < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* ---- handles ----------------------------------------------------------------------------------- */

/* Each handle is used by one thread at a time, so SQLite need not lock. */
static int open_handle(const char *file, int mode, sqlite3 **db)
{
	int flags = mode | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE;
	int code = sqlite3_open_v2(file, db, flags, NULL);
	if (*db == NULL)
		return -ENOMEM;
	if (code != SQLITE_OK)
		return catalog_db_fault(*db, code);
	return execute(*db, "PRAGMA mmap_size = 0; PRAGMA temp_store = MEMORY");
}

/* Whether there is nothing in it yet. Nothing of a file that is not ours is changed. */
static int check(sqlite3 *db, bool *blank, int64_t *version)
{
	int64_t application, things;
	int r = read_number(db, "PRAGMA application_id", &application);
	if (r == 0)
		r = read_number(db, "PRAGMA user_version", version);
	if (r == 0)
		r = read_number(db, "SELECT count(*) FROM sqlite_master", &things);
	if (r != 0)
		return r;
	*blank = application == 0 && *version == 0 && things == 0;
	if (*blank)
		return 0;
	if (application != APPLICATION_ID || *version < 1)
		return -EUCLEAN;
	return *version > SCHEMA_VERSION ? -EPROTO : 0;
}

/* Write-ahead, so that catalog_body() never waits for a commit; FULL, so that a commit is on disk. */
static int set_up(sqlite3 *db)
{
	sqlite3_stmt *statement = NULL;
	int r = catalog_db_fault(db, sqlite3_busy_timeout(db, BUSY_MS));
	if (r == 0)
		r = execute(db, "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 4194304");
	if (r == 0)
		r = catalog_db_prepare(db, "PRAGMA journal_mode = WAL", &statement);
	if (r != 0)
		return r;
	int code = sqlite3_step(statement);
	if (code != SQLITE_ROW)
		r = catalog_db_fault(db, code);
	else if (strcmp((const char *)sqlite3_column_text(statement, 0), "wal") != 0)
		r = -EIO;
	(void)sqlite3_finalize(statement);
	return r;
}

static int make_tables(sqlite3 *db)
{
	char *tables = catalog_row_schema(db);
	char *sql = tables == NULL ? NULL
				   : sqlite3_mprintf("BEGIN IMMEDIATE; PRAGMA application_id = %d; "
						     "PRAGMA user_version = %d; %s; COMMIT",
					     APPLICATION_ID, SCHEMA_VERSION, tables);
	int r = sql == NULL ? -ENOMEM : execute(db, sql);
	sqlite3_free(sql);
	sqlite3_free(tables);
	return r;
}

/* Each step is whole or not done at all. */
static int upgrade(sqlite3 *db, int64_t version)
{
	int r = 0;
	for (; r == 0 && version < SCHEMA_VERSION; version++) {
		char *sql = sqlite3_mprintf("BEGIN IMMEDIATE; %s; PRAGMA user_version = %lld; "
					    "COMMIT",
			catalog_row_upgrade(version), (long long)version + 1);
		r = sql == NULL ? -ENOMEM : execute(db, sql);
		sqlite3_free(sql);
	}
	return r;
}

int catalog_db_open_writer(const char *file, sqlite3 **db)
{
	bool blank = false;
	int64_t version = 0;
	int r = open_handle(file, SQLITE_OPEN_READWRITE, db);
	if (r == 0)
		r = check(*db, &blank, &version);
	if (r == 0)
		r = set_up(*db);
	if (r == 0)
		r = blank ? make_tables(*db) : upgrade(*db, version);
	return r;
}

int catalog_db_open_reader(const char *file, sqlite3 **db)
{
	return open_handle(file, SQLITE_OPEN_READONLY, db);
}
