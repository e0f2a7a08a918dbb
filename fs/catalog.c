/* SPDX-License-Identifier: MIT */
/*
 * The catalog in SQLite. catalog_row.c knows the columns, catalog_db.c the file.
 */
#include "catalog.h"

#include "catalog_db.h"
#include "catalog_row.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum statement {
	BEGIN,
	COMMIT,
	ROLLBACK,
	PUT,
	PUT_BODY,
	DELETE,
	DELETE_BODY,
	WALK,
	LAST,
	STATEMENTS,
};

struct catalog {
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENTS];
	pthread_mutex_t lock; /* over the reader, which is for catalog_body() alone */
	sqlite3 *reader;
	sqlite3_stmt *read_body;
};

/* ---- opening ----------------------------------------------------------------------------------- */

static int prepare(struct catalog *catalog, enum statement which, const char *sql)
{
	return catalog_db_prepare(catalog->db, sql, &catalog->statements[which]);
}

static int prepare_made(struct catalog *catalog, enum statement which, char *sql)
{
	int r = sql == NULL ? -ENOMEM : prepare(catalog, which, sql);
	sqlite3_free(sql);
	return r;
}

static int prepare_all(struct catalog *catalog)
{
	static const char *const texts[STATEMENTS] = {
		[BEGIN] = "BEGIN IMMEDIATE",
		[COMMIT] = "COMMIT",
		[ROLLBACK] = "ROLLBACK",
		[PUT_BODY] = "INSERT OR REPLACE INTO body(serial, body) VALUES(?, ?)",
		[DELETE] = "DELETE FROM job WHERE serial = ?",
		[DELETE_BODY] = "DELETE FROM body WHERE serial = ?",
		[LAST] = "SELECT seq FROM sqlite_sequence WHERE name = 'job'",
	};
	int r = prepare_made(catalog, PUT, catalog_row_put(catalog->db));
	if (r == 0)
		r = prepare_made(catalog, WALK, catalog_row_walk(catalog->db));
	for (enum statement which = 0; which < STATEMENTS && r == 0; which++) {
		if (texts[which] != NULL)
			r = prepare(catalog, which, texts[which]);
	}
	return r;
}

static int open_handles(struct catalog *catalog, const char *file)
{
	int r = catalog_db_open_writer(file, &catalog->db);
	if (r == 0)
		r = prepare_all(catalog);
	if (r == 0)
		r = catalog_db_open_reader(file, &catalog->reader);
	if (r == 0)
		r = catalog_db_prepare(catalog->reader, "SELECT body FROM body WHERE serial = ?",
			&catalog->read_body);
	return r;
}

int catalog_open(int dir_fd, const char *path, struct catalog **catalog)
{
	char file[PATH_MAX];
	assert(sqlite3_threadsafe());
	int r = catalog_db_find(dir_fd, path, file);
	if (r != 0)
		return r;
	struct catalog *new = calloc(1, sizeof(*new));
	if (new == NULL)
		return -ENOMEM;
	r = -pthread_mutex_init(&new->lock, NULL);
	assert(r == 0);
	r = open_handles(new, file);
	if (r == 0)
		*catalog = new;
	else
		catalog_close(new);
	return r;
}

/* The reader first: only a handle that may write can clear its log away when it is the last. */
void catalog_close(struct catalog *catalog)
{
	if (catalog == NULL)
		return;
	(void)sqlite3_finalize(catalog->read_body);
	(void)sqlite3_close(catalog->reader);
	for (size_t i = 0; i < STATEMENTS; i++)
		(void)sqlite3_finalize(catalog->statements[i]);
	(void)sqlite3_close(catalog->db);
	(void)pthread_mutex_destroy(&catalog->lock);
	free(catalog);
}

/* ---- writing ----------------------------------------------------------------------------------- */

int catalog_begin(struct catalog *catalog)
{
	return catalog_db_run(catalog->db, catalog->statements[BEGIN]);
}

int catalog_commit(struct catalog *catalog)
{
	return catalog_db_run(catalog->db, catalog->statements[COMMIT]);
}

/* After some faults SQLite has rolled back by itself. */
void catalog_rollback(struct catalog *catalog)
{
	if (!sqlite3_get_autocommit(catalog->db))
		(void)catalog_db_run(catalog->db, catalog->statements[ROLLBACK]);
}

static int run_bound(struct catalog *catalog, enum statement which, int code)
{
	if (code != SQLITE_OK)
		return catalog_db_fault(catalog->db, code);
	return catalog_db_run(catalog->db, catalog->statements[which]);
}

int catalog_put(struct catalog *catalog, const struct job *job)
{
	return run_bound(catalog, PUT, catalog_row_bind(catalog->statements[PUT], job));
}

int catalog_put_body(struct catalog *catalog, uint64_t serial, const char *body, size_t length)
{
	sqlite3_stmt *statement = catalog->statements[PUT_BODY];
	int code = sqlite3_bind_int64(statement, 1, (int64_t)serial);
	/* SQLite takes a NULL pointer for an SQL NULL. */
	if (code == SQLITE_OK)
		code = sqlite3_bind_blob64(
			statement, 2, length > 0 ? body : "", length, SQLITE_STATIC);
	return run_bound(catalog, PUT_BODY, code);
}

static int delete_from(struct catalog *catalog, enum statement which, uint64_t serial)
{
	int code = sqlite3_bind_int64(catalog->statements[which], 1, (int64_t)serial);
	return run_bound(catalog, which, code);
}

int catalog_delete(struct catalog *catalog, uint64_t serial)
{
	int r = delete_from(catalog, DELETE, serial);
	return r != 0 ? r : delete_from(catalog, DELETE_BODY, serial);
}

/* ---- reading ----------------------------------------------------------------------------------- */

/* A row that makes no sense ends the walk aloud: to leave it out would be to lose a job. */
int catalog_walk(struct catalog *catalog, int (*each)(void *arg, const struct job *job), void *arg)
{
	sqlite3_stmt *statement = catalog->statements[WALK];
	struct job job;
	int r = 0, code = SQLITE_DONE;
	while (r == 0 && (code = sqlite3_step(statement)) == SQLITE_ROW) {
		r = catalog_row_read(statement, &job);
		if (r == 0)
			r = each(arg, &job);
	}
	if (r == 0 && code != SQLITE_DONE)
		r = catalog_db_fault(catalog->db, code);
	(void)sqlite3_reset(statement);
	return r;
}

int catalog_last_serial(struct catalog *catalog, uint64_t *serial)
{
	sqlite3_stmt *statement = catalog->statements[LAST];
	int code = sqlite3_step(statement), r = 0;
	if (code == SQLITE_ROW)
		*serial = (uint64_t)sqlite3_column_int64(statement, 0);
	else if (code == SQLITE_DONE)
		*serial = 0;
	else
		r = catalog_db_fault(catalog->db, code);
	(void)sqlite3_reset(statement);
	return r;
}

static int copy_body(sqlite3_stmt *statement, char **body, size_t *length)
{
	const void *blob = sqlite3_column_blob(statement, 0);
	size_t size = (size_t)sqlite3_column_bytes(statement, 0);
	char *copy = NULL;
	if (size > 0) {
		copy = blob != NULL ? malloc(size) : NULL;
		if (copy == NULL)
			return -ENOMEM;
		memcpy(copy, blob, size);
	}
	*body = copy;
	*length = size;
	return 0;
}

static int find_body(struct catalog *catalog, uint64_t serial, char **body, size_t *length)
{
	sqlite3_stmt *statement = catalog->read_body;
	int code = sqlite3_bind_int64(statement, 1, (int64_t)serial);
	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code == SQLITE_ROW)
		return copy_body(statement, body, length);
	if (code != SQLITE_DONE)
		return catalog_db_fault(catalog->reader, code);
	*body = NULL;
	*length = 0;
	return 0;
}

int catalog_body(struct catalog *catalog, uint64_t serial, char **body, size_t *length)
{
	(void)pthread_mutex_lock(&catalog->lock);
	int r = find_body(catalog, serial, body, length);
	(void)sqlite3_reset(catalog->read_body);
	(void)pthread_mutex_unlock(&catalog->lock);
	return r;
}
