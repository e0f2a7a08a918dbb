/* SPDX-License-Identifier: MIT */
/*
 * One table of columns makes the schema, writes a row and reads it back.
 */
#include "catalog_row.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum kind { KIND_INTEGER, KIND_REAL, KIND_TEXT, KIND_EXTENTS };

struct column {
	const char *name;
	enum kind kind;
	size_t offset;
	size_t size;
	int64_t least; /* of an integer, both included */
	int64_t most;
	bool exact; /* a text that is too long is damage, not just cut */
	const char *also; /* SQL */
};

#define SIZE_OF(field) sizeof(((struct job *)NULL)->field)
#define FIELD(field) .name = #field, .offset = offsetof(struct job, field), .size = SIZE_OF(field)
#define TEXT(field) FIELD(field), .kind = KIND_TEXT
#define REAL(field) FIELD(field), .kind = KIND_REAL
#define RANGE(field, from, to) FIELD(field), .kind = KIND_INTEGER, .least = (from), .most = (to)
#define BOOL(field) RANGE(field, 0, 1)
#define INT(field) RANGE(field, INT32_MIN, INT32_MAX)
#define UINT(field) RANGE(field, 0, UINT32_MAX)
#define INT64(field) RANGE(field, INT64_MIN, INT64_MAX)

/*
 * A row for every field of struct job that is kept. Enums are kept as their numbers: they may get
 * new values at their ends, but never change their order without a new SCHEMA_VERSION. A new row
 * here needs one too, and a way up for what older versions have left.
 */
static const struct column columns[] = {
	{ RANGE(serial, 1, INT64_MAX), .also = "PRIMARY KEY AUTOINCREMENT" },
	{ TEXT(id), .exact = true, .also = "UNIQUE" },
	{ BOOL(forgotten) },
	{ RANGE(state, JOB_UNKNOWN, JOB_EXPIRED) },
	{ INT(progress) },
	{ RANGE(error, ERROR_NONE, ERROR_TRANSPORT) },
	{ INT64(tracked_ms) },
	{ INT64(changed_ms) },
	{ INT64(done_ms) },
	{ INT64(submitted_at) },
	{ INT64(started_at) },
	{ INT64(finished_at) },
	{ INT64(cost_ticks) },
	{ REAL(duration_s) },
	{ INT(respect_moderation) },
	{ RANGE(video, VIDEO_NONE, VIDEO_REMOVED) },
	{ RANGE(video_error, ERROR_NONE, ERROR_TRANSPORT) },
	{ INT64(video_size) },
	{ INT64(video_bytes) },
	{ INT64(video_synced) },
	{ FIELD(video_extents), .kind = KIND_EXTENTS, .also = "DEFAULT ''" },
	{ UINT(video_epoch), .also = "DEFAULT 0" },
	{ BOOL(wrapped) },
	{ UINT(poll_count) },
	{ INT64(poll_last_ms) },
	{ INT(poll_http_status) },
	{ UINT(poll_failures) },
	{ UINT(response_size) },
	{ TEXT(error_message) },
	{ TEXT(model) },
	{ TEXT(url) },
	{ TEXT(video_message) },
	{ TEXT(etag) },
	{ TEXT(sha256) },
	{ TEXT(code) },
	{ TEXT(message) },
	{ TEXT(task_status) },
	{ TEXT(status) },
	{ TEXT(poll_error) },
};

_Static_assert(sizeof(bool) == 1, "load() and keep() tell integers by their sizes");
_Static_assert(sizeof(enum job_state) == 4 && sizeof(enum video_state) == 4, "the same");
_Static_assert(sizeof(enum error_code) == 4, "the same");

/* ---- SQL --------------------------------------------------------------------------------------- */

static void append_names(sqlite3_str *sql, const char *format, size_t first)
{
	for (size_t i = first; i < COUNT(columns); i++) {
		sqlite3_str_appendall(sql, i > first ? ", " : "");
		sqlite3_str_appendf(sql, format, columns[i].name, columns[i].name);
	}
}

/* The bodies are apart, so that a walk over the jobs never pages through them. */
char *catalog_row_schema(sqlite3 *db)
{
	static const char *const types[] = { [KIND_INTEGER] = "INTEGER",
		[KIND_REAL] = "REAL",
		[KIND_TEXT] = "TEXT",
		[KIND_EXTENTS] = "TEXT" };
	sqlite3_str *sql = sqlite3_str_new(db);
	sqlite3_str_appendall(sql, "CREATE TABLE job(");
	for (size_t i = 0; i < COUNT(columns); i++) {
		const struct column *column = &columns[i];
		sqlite3_str_appendf(sql, "%s%s %s NOT NULL %s", i > 0 ? ", " : "", column->name,
			types[column->kind], column->also != NULL ? column->also : "");
	}
	sqlite3_str_appendall(sql, ") STRICT; CREATE TABLE body(serial INTEGER PRIMARY KEY, "
				   "body BLOB NOT NULL) STRICT");
	return sqlite3_str_finish(sql);
}

/* Version 1 knew no extents, version 2 no epochs. */
const char *catalog_row_upgrade(int64_t version)
{
	static const char *const upgrades[SCHEMA_VERSION] = {
		[1] = "ALTER TABLE job ADD COLUMN video_extents TEXT NOT NULL DEFAULT ''",
		[2] = "ALTER TABLE job ADD COLUMN video_epoch INTEGER NOT NULL DEFAULT 0",
	};
	assert(version >= 1 && version < SCHEMA_VERSION);
	return upgrades[version];
}

char *catalog_row_put(sqlite3 *db)
{
	sqlite3_str *sql = sqlite3_str_new(db);
	sqlite3_str_appendall(sql, "INSERT INTO job(");
	append_names(sql, "%s", 0);
	sqlite3_str_appendall(sql, ") VALUES(?");
	for (size_t i = 1; i < COUNT(columns); i++)
		sqlite3_str_appendall(sql, ", ?");
	sqlite3_str_appendall(sql, ") ON CONFLICT(serial) DO UPDATE SET ");
	append_names(sql, "%s = excluded.%s", 1);
	return sqlite3_str_finish(sql);
}

char *catalog_row_walk(sqlite3 *db)
{
	sqlite3_str *sql = sqlite3_str_new(db);
	sqlite3_str_appendall(sql, "SELECT ");
	append_names(sql, "%s", 0);
	sqlite3_str_appendall(sql, " FROM job ORDER BY serial");
	return sqlite3_str_finish(sql);
}

/* ---- values ------------------------------------------------------------------------------------ */

static int64_t load(const struct column *column, const char *from)
{
	int64_t value;
	int32_t word;
	switch (column->size) {
	case 1:
		return *(const bool *)from;
	case 4:
		memcpy(&word, from, sizeof(word));
		return column->least < 0 ? word : (int64_t)(uint32_t)word;
	default:
		assert(column->size == sizeof(value));
		memcpy(&value, from, sizeof(value));
		return value;
	}
}

static int bind(sqlite3_stmt *statement, int place, const struct column *column, const char *from)
{
	double real;
	char text[EXTENTS_TEXT_SIZE];
	switch (column->kind) {
	case KIND_INTEGER:
		return sqlite3_bind_int64(statement, place, load(column, from));
	case KIND_REAL:
		memcpy(&real, from, sizeof(real));
		return sqlite3_bind_double(statement, place, real);
	case KIND_EXTENTS:
		extents_write((const struct extents *)(const void *)from, text);
		return sqlite3_bind_text(statement, place, text, -1, SQLITE_TRANSIENT);
	default:
		return sqlite3_bind_text(
			statement, place, from, (int)strnlen(from, column->size), SQLITE_STATIC);
	}
}

int catalog_row_bind(sqlite3_stmt *statement, const struct job *job)
{
	int code = SQLITE_OK;
	assert(job->serial > 0 && job->serial <= INT64_MAX && job->id[0] != '\0');
	for (size_t i = 0; i < COUNT(columns) && code == SQLITE_OK; i++) {
		const char *from = (const char *)job + columns[i].offset;
		code = bind(statement, (int)i + 1, &columns[i], from);
	}
	return code;
}

static int keep(const struct column *column, int64_t value, char *to)
{
	uint32_t word = (uint32_t)value;
	if (value < column->least || value > column->most)
		return -EUCLEAN;
	if (column->size == 1)
		*(bool *)to = value != 0;
	else if (column->size == sizeof(word))
		memcpy(to, &word, sizeof(word));
	else
		memcpy(to, &value, sizeof(value));
	return 0;
}

/* A text that is too long is cut between two characters of UTF-8. */
static int keep_text(const struct column *column, const char *text, size_t length, char *to)
{
	if (text == NULL)
		return -ENOMEM;
	if (column->exact && (length == 0 || length >= column->size || strlen(text) != length))
		return -EUCLEAN;
	if (length >= column->size) {
		length = column->size - 1;
		while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
			length--;
	}
	memcpy(to, text, length);
	to[length] = '\0';
	return 0;
}

static int keep_extents(const char *text, char *to)
{
	if (text == NULL)
		return -ENOMEM;
	int r = extents_read((struct extents *)(void *)to, text);
	return r != 0 ? -EUCLEAN : 0;
}

static int read_column(sqlite3_stmt *statement, int place, const struct column *column, char *to)
{
	static const int types[] = { [KIND_INTEGER] = SQLITE_INTEGER,
		[KIND_REAL] = SQLITE_FLOAT,
		[KIND_TEXT] = SQLITE_TEXT,
		[KIND_EXTENTS] = SQLITE_TEXT };
	if (sqlite3_column_type(statement, place) != types[column->kind])
		return -EUCLEAN;
	if (column->kind == KIND_INTEGER)
		return keep(column, sqlite3_column_int64(statement, place), to);
	if (column->kind == KIND_TEXT) {
		const char *text = (const char *)sqlite3_column_text(statement, place);
		return keep_text(column, text, (size_t)sqlite3_column_bytes(statement, place), to);
	}
	if (column->kind == KIND_EXTENTS)
		return keep_extents((const char *)sqlite3_column_text(statement, place), to);
	double real = sqlite3_column_double(statement, place);
	memcpy(to, &real, sizeof(real));
	return 0;
}

int catalog_row_read(sqlite3_stmt *statement, struct job *job)
{
	int r = 0;
	memset(job, 0, sizeof(*job));
	for (size_t i = 0; i < COUNT(columns) && r == 0; i++)
		r = read_column(statement, (int)i, &columns[i], (char *)job + columns[i].offset);
	return r;
}
