/* SPDX-License-Identifier: MIT */
/*
 * catalog_row: a job as a row, and the tables that have it. Private to catalog*.c.
 */
#ifndef CATALOG_ROW_H
#define CATALOG_ROW_H

#include "job.h"

#include <sqlite3.h>

#define SCHEMA_VERSION 3

/* SQL that makes the tables, writes a row, reads all rows: sqlite3_free()'d; NULL: no memory. */
char *catalog_row_schema(sqlite3 *db);
char *catalog_row_put(sqlite3 *db);
char *catalog_row_walk(sqlite3 *db);

/* SQL that brings the tables of an older version to the next one. */
const char *catalog_row_upgrade(int64_t version);

/* Fills in what catalog_row_put() leaves open. The job must stay until the step. SQLite's code. */
int catalog_row_bind(sqlite3_stmt *statement, const struct job *job);

/* Reads what a step of catalog_row_walk() gave: 0, -ENOMEM, -EUCLEAN where it makes no sense. */
int catalog_row_read(sqlite3_stmt *statement, struct job *job);

#endif
