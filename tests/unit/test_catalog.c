/* SPDX-License-Identifier: MIT */
/* The catalog: every field comes back, commits are whole or not there, damage is told. */
#include "scratch.h"

#include <pthread.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include "catalog.h"

#define FILE_NAME "catalog.sqlite"

/* A new field of struct job is to be a column too, and belongs into full_job(). */
#if defined(__LP64__)
_Static_assert(sizeof(struct job) == 7616, "struct job has changed");
#endif

static int open_in(const char *path, struct catalog **catalog)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	int r = catalog_open(fd, path, catalog);
	(void)close(fd);
	return r;
}

static struct catalog *open_catalog(void)
{
	struct catalog *catalog = NULL;
	assert_int_equal(open_in(scratch, &catalog), 0);
	return catalog;
}

static void assert_refused(const char *path, int r)
{
	struct catalog *catalog = NULL;
	assert_int_equal(open_in(path, &catalog), r);
	assert_null(catalog);
}

/* Another program's view of the file: what it does to it. */
static void with_sql(const char *sql)
{
	sqlite3 *db;
	assert_int_equal(sqlite3_open(in(FILE_NAME), &db), SQLITE_OK);
	char *message = NULL;
	if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s: %s", sql, message);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* ---- jobs -------------------------------------------------------------------------------------- */

#define FILL(field, text) (void)snprintf(job.field, sizeof(job.field), "%s", text)

static struct job plain_job(uint64_t serial)
{
	struct job job;
	memset(&job, 0, sizeof(job));
	job.serial = serial;
	(void)snprintf(job.id, sizeof(job.id), "job-%llu", (unsigned long long)serial);
	return job;
}

/* A value of its own in every field. */
static struct job full_job(uint64_t serial)
{
	struct job job = plain_job(serial);
	job.forgotten = true;
	job.state = JOB_EXPIRED;
	job.progress = -1;
	job.error = ERROR_TRANSPORT;
	job.tracked_ms = 1001;
	job.changed_ms = 1002;
	job.done_ms = 1003;
	job.submitted_at = 1004;
	job.started_at = 1005;
	job.finished_at = 1006;
	job.cost_ticks = 500000001;
	job.duration_s = 1.0 / 3;
	job.respect_moderation = -1;
	job.video = VIDEO_REMOVED;
	job.video_error = ERROR_AUTH;
	job.video_size = 1007;
	job.video_bytes = 1008;
	job.video_synced = 1009;
	job.video_epoch = 1014;
	assert_int_equal(extents_read(&job.video_extents, "2000-2100:1,3000-4000:89abcdef"), 0);
	job.wrapped = true;
	job.poll_count = 1010;
	job.poll_last_ms = 1011;
	job.poll_http_status = 503;
	job.poll_failures = 1012;
	job.response_size = 1013;
	FILL(error_message, "error \"message\" of 'some' kind; --");
	FILL(model, "grok-imagine-video");
	FILL(url, "https://example.com/a.mp4?x=%20y");
	FILL(video_message, "caf\xc3\xa9");
	FILL(etag, "\"etag\"");
	FILL(sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	FILL(code, "success");
	FILL(message, "message");
	FILL(task_status, "SUCCESS");
	FILL(status, "done");
	FILL(poll_error, "poll error");
	return job;
}

static void put(struct catalog *catalog, struct job job)
{
	assert_int_equal(catalog_put(catalog, &job), 0);
}

struct walked {
	struct job *jobs; /* the first of them */
	size_t room, count;
	uint64_t last;
	size_t stop_after;
};

static int on_job(void *arg, const struct job *job)
{
	struct walked *walked = arg;
	assert_true(job->serial > walked->last);
	walked->last = job->serial;
	if (walked->count < walked->room)
		walked->jobs[walked->count] = *job;
	walked->count++;
	return walked->count == walked->stop_after ? 77 : 0;
}

static size_t count_jobs(struct catalog *catalog)
{
	struct walked walked = { .room = 0 };
	assert_int_equal(catalog_walk(catalog, on_job, &walked), 0);
	return walked.count;
}

static void assert_jobs(struct catalog *catalog, const struct job *jobs, size_t count)
{
	struct job got[8];
	struct walked walked = { .jobs = got, .room = 8 };
	assert_true(count <= 8);
	assert_int_equal(catalog_walk(catalog, on_job, &walked), 0);
	assert_int_equal(walked.count, count);
	assert_memory_equal(got, jobs, count * sizeof(*jobs));
}

static void assert_body(struct catalog *catalog, uint64_t serial, const char *body, size_t length)
{
	char *got = (char *)1;
	size_t got_length = 99;
	assert_int_equal(catalog_body(catalog, serial, &got, &got_length), 0);
	assert_int_equal(got_length, length);
	if (length > 0)
		assert_memory_equal(got, body, length);
	else
		assert_null(got);
	free(got);
}

static uint64_t last_serial(struct catalog *catalog)
{
	uint64_t serial = UINT64_MAX;
	assert_int_equal(catalog_last_serial(catalog, &serial), 0);
	return serial;
}

static void begin(struct catalog *catalog)
{
	assert_int_equal(catalog_begin(catalog), 0);
}

static void commit(struct catalog *catalog)
{
	assert_int_equal(catalog_commit(catalog), 0);
}

/* ---- rows -------------------------------------------------------------------------------------- */

static void new_and_empty(void **state)
{
	(void)state;
	mode_t before = umask(0);
	struct catalog *catalog = open_catalog();
	assert_int_equal(count_jobs(catalog), 0);
	assert_int_equal(last_serial(catalog), 0);
	assert_body(catalog, 1, NULL, 0);
	put(catalog, plain_job(1));
	assert_int_equal(mode_of(in(FILE_NAME)), 0600);
	assert_int_equal(mode_of(in(FILE_NAME "-wal")), 0600);
	assert_int_equal(mode_of(in(FILE_NAME "-shm")), 0600);
	catalog_close(catalog);
	catalog_close(NULL);
	/* All in one file when nobody has it open. */
	assert_int_equal(access(in(FILE_NAME "-wal"), F_OK), -1);
	(void)umask(before);
}

static void every_field_comes_back(void **state)
{
	const struct job jobs[] = { full_job(1), plain_job(2) };
	struct job first = jobs[0];
	(void)state;
	struct catalog *catalog = open_catalog();
	first.poll_next_ms = 5;
	put(catalog, jobs[1]);
	put(catalog, first);
	assert_jobs(catalog, jobs, 2);
	catalog_close(catalog);

	catalog = open_catalog();
	assert_jobs(catalog, jobs, 2);
	catalog_close(catalog);
}

/* Also the fields that are empty now. */
static void second_put_replaces_all(void **state)
{
	struct job jobs[] = { full_job(1), full_job(2) };
	(void)state;
	struct catalog *catalog = open_catalog();
	put(catalog, jobs[0]);
	put(catalog, jobs[1]);
	jobs[0] = plain_job(1);
	put(catalog, jobs[0]);
	assert_jobs(catalog, jobs, 2);
	put(catalog, full_job(1));
	jobs[0] = full_job(1);
	assert_jobs(catalog, jobs, 2);
	catalog_close(catalog);
}

#define LONGEST(field) memset(job.field, 'x', sizeof(job.field) - 1)

static void limits(void **state)
{
	struct job job = full_job(INT64_MAX);
	(void)state;
	struct catalog *catalog = open_catalog();
	LONGEST(id);
	LONGEST(error_message);
	LONGEST(model);
	LONGEST(url);
	LONGEST(video_message);
	LONGEST(etag);
	LONGEST(code);
	LONGEST(message);
	LONGEST(task_status);
	LONGEST(status);
	LONGEST(poll_error);
	job.tracked_ms = INT64_MIN;
	job.cost_ticks = INT64_MAX;
	job.video_size = -1;
	job.poll_count = UINT32_MAX;
	job.response_size = UINT32_MAX;
	job.poll_http_status = INT32_MIN;
	job.progress = INT32_MAX;
	job.duration_s = -1;
	put(catalog, job);
	assert_jobs(catalog, &job, 1);
	assert_true(last_serial(catalog) == INT64_MAX);
	catalog_close(catalog);
}

static void second_serial_of_an_id(void **state)
{
	const struct job first = full_job(1);
	struct job second = plain_job(2);
	(void)state;
	struct catalog *catalog = open_catalog();
	put(catalog, first);
	(void)snprintf(second.id, sizeof(second.id), "%s", first.id);
	begin(catalog);
	put(catalog, plain_job(3));
	assert_int_equal(catalog_put(catalog, &second), -EEXIST);
	catalog_rollback(catalog);
	assert_jobs(catalog, &first, 1);

	/* Forgotten, the id may come again, under another serial. */
	begin(catalog);
	assert_int_equal(catalog_delete(catalog, 1), 0);
	put(catalog, second);
	commit(catalog);
	assert_jobs(catalog, &second, 1);
	catalog_close(catalog);
}

static void walk_stops(void **state)
{
	struct walked walked = { .stop_after = 2 };
	(void)state;
	struct catalog *catalog = open_catalog();
	for (uint64_t serial = 5; serial > 0; serial--)
		put(catalog, plain_job(serial));
	assert_int_equal(catalog_walk(catalog, on_job, &walked), 77);
	assert_int_equal(walked.last, 2);
	/* It has let go of the table. */
	begin(catalog);
	assert_int_equal(catalog_delete(catalog, 1), 0);
	commit(catalog);
	assert_int_equal(count_jobs(catalog), 4);
	catalog_close(catalog);
}

static void serials_never_come_again(void **state)
{
	(void)state;
	struct catalog *catalog = open_catalog();
	put(catalog, plain_job(1));
	put(catalog, plain_job(41));
	put(catalog, plain_job(7));
	assert_int_equal(last_serial(catalog), 41);
	assert_int_equal(catalog_delete(catalog, 41), 0);
	assert_int_equal(catalog_delete(catalog, 41), 0);
	assert_int_equal(last_serial(catalog), 41);
	assert_int_equal(catalog_delete(catalog, 7), 0);
	assert_int_equal(catalog_delete(catalog, 1), 0);
	catalog_close(catalog);
	catalog = open_catalog();
	assert_int_equal(count_jobs(catalog), 0);
	assert_int_equal(last_serial(catalog), 41);
	catalog_close(catalog);
}

/* ---- bodies ------------------------------------------------------------------------------------ */

static void bodies(void **state)
{
	const size_t large = (size_t)1 << 20;
	char *body = malloc(large);
	(void)state;
	assert_non_null(body);
	for (size_t i = 0; i < large; i++)
		body[i] = (char)(i * 7);
	struct catalog *catalog = open_catalog();
	put(catalog, plain_job(1));
	assert_body(catalog, 1, NULL, 0);
	assert_int_equal(catalog_put_body(catalog, 1, body, large), 0);
	assert_int_equal(catalog_put_body(catalog, 2, "a\0b", 3), 0);
	assert_body(catalog, 1, body, large);
	assert_body(catalog, 2, "a\0b", 3);
	assert_int_equal(catalog_put_body(catalog, 1, "{}", 2), 0);
	assert_body(catalog, 1, "{}", 2);
	assert_int_equal(catalog_put_body(catalog, 1, NULL, 0), 0);
	assert_body(catalog, 1, NULL, 0);
	/* A row that is written anew leaves the body alone. */
	put(catalog, plain_job(2));
	catalog_close(catalog);

	catalog = open_catalog();
	assert_body(catalog, 2, "a\0b", 3);
	assert_int_equal(catalog_delete(catalog, 2), 0);
	assert_body(catalog, 2, NULL, 0);
	catalog_close(catalog);
	free(body);
}

#define READERS 3
#define BODY_SIZE 3000

static void *read_bodies(void *arg)
{
	struct catalog *catalog = arg;
	char *body;
	size_t length;
	for (int i = 0; i < 300; i++) {
		if (catalog_body(catalog, 1, &body, &length) != 0 || length != BODY_SIZE)
			return catalog;
		bool torn = body[0] != body[BODY_SIZE - 1];
		free(body);
		if (torn)
			return catalog;
	}
	return NULL;
}

static void bodies_from_any_thread(void **state)
{
	pthread_t readers[READERS];
	char body[BODY_SIZE];
	void *wrong;
	(void)state;
	struct catalog *catalog = open_catalog();
	memset(body, 'a', sizeof(body));
	assert_int_equal(catalog_put_body(catalog, 1, body, sizeof(body)), 0);
	for (int i = 0; i < READERS; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, read_bodies, catalog), 0);
	for (int i = 0; i < 100; i++) {
		memset(body, 'a' + i % 26, sizeof(body));
		begin(catalog);
		put(catalog, plain_job(1));
		assert_int_equal(catalog_put_body(catalog, 1, body, sizeof(body)), 0);
		commit(catalog);
	}
	for (int i = 0; i < READERS; i++) {
		assert_int_equal(pthread_join(readers[i], &wrong), 0);
		assert_null(wrong);
	}
	catalog_close(catalog);
}

/* What is committed is read while more is being written: no reader waits for a commit. */
static void body_during_a_transaction(void **state)
{
	(void)state;
	struct catalog *catalog = open_catalog();
	assert_int_equal(catalog_put_body(catalog, 1, "old", 3), 0);
	begin(catalog);
	assert_int_equal(catalog_put_body(catalog, 1, "newer", 5), 0);
	assert_body(catalog, 1, "old", 3);
	commit(catalog);
	assert_body(catalog, 1, "newer", 5);
	catalog_close(catalog);
}

/* ---- transactions ------------------------------------------------------------------------------ */

static void rollback_leaves_nothing(void **state)
{
	const struct job job = full_job(1);
	(void)state;
	struct catalog *catalog = open_catalog();
	put(catalog, job);
	begin(catalog);
	put(catalog, plain_job(1));
	put(catalog, plain_job(2));
	assert_int_equal(catalog_put_body(catalog, 1, "x", 1), 0);
	catalog_rollback(catalog);
	catalog_rollback(catalog);
	assert_jobs(catalog, &job, 1);
	assert_body(catalog, 1, NULL, 0);
	assert_int_equal(last_serial(catalog), 1);

	begin(catalog);
	assert_int_equal(catalog_delete(catalog, 1), 0);
	catalog_rollback(catalog);
	assert_jobs(catalog, &job, 1);
	begin(catalog);
	put(catalog, plain_job(2));
	commit(catalog);
	assert_int_equal(count_jobs(catalog), 2);
	catalog_close(catalog);
}

static void closed_before_its_commit(void **state)
{
	const struct job job = full_job(1);
	(void)state;
	struct catalog *catalog = open_catalog();
	put(catalog, job);
	begin(catalog);
	put(catalog, plain_job(2));
	catalog_close(catalog);
	catalog = open_catalog();
	assert_jobs(catalog, &job, 1);
	catalog_close(catalog);
}

static void commit_without_begin(void **state)
{
	(void)state;
	struct catalog *catalog = open_catalog();
	assert_int_equal(catalog_commit(catalog), -EIO);
	begin(catalog);
	assert_int_equal(catalog_begin(catalog), -EIO);
	catalog_rollback(catalog);
	begin(catalog);
	commit(catalog);
	catalog_close(catalog);
}

static void ten_thousand(void **state)
{
	(void)state;
	struct catalog *catalog = open_catalog();
	begin(catalog);
	for (uint64_t serial = 1; serial <= 10000; serial++)
		put(catalog, plain_job(serial));
	commit(catalog);
	catalog_close(catalog);
	catalog = open_catalog();
	assert_int_equal(count_jobs(catalog), 10000);
	assert_int_equal(last_serial(catalog), 10000);
	catalog_close(catalog);
}

/* As much of the file as length says, at most. */
static size_t copy_file(const char *from, const char *to, size_t length)
{
	struct stat st;
	int fd = open(from, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	if (length > (size_t)st.st_size)
		length = (size_t)st.st_size;
	char *bytes = malloc(length + 1);
	assert_non_null(bytes);
	assert_int_equal(read(fd, bytes, length), length);
	write_file(to, bytes, length);
	free(bytes);
	(void)close(fd);
	return (size_t)st.st_size;
}

/* What a power cut would leave if the log had got as far as wal_length. */
static size_t cut_power(size_t wal_length)
{
	(void)unlink(in("after/" FILE_NAME "-shm"));
	(void)copy_file(in(FILE_NAME), in("after/" FILE_NAME), SIZE_MAX);
	return copy_file(in(FILE_NAME "-wal"), in("after/" FILE_NAME "-wal"), wal_length);
}

static size_t count_after(void)
{
	struct catalog *catalog = NULL;
	assert_int_equal(open_in(in("after"), &catalog), 0);
	size_t count = count_jobs(catalog);
	assert_int_equal(last_serial(catalog), count);
	catalog_close(catalog);
	return count;
}

static void power_cut_in_a_transaction(void **state)
{
	(void)state;
	assert_int_equal(mkdir(in("after"), 0700), 0);
	struct catalog *catalog = open_catalog();
	put(catalog, full_job(1));
	begin(catalog);
	/* More than is kept in memory, so that some of it is in the log already. */
	for (uint64_t serial = 2; serial <= 10000; serial++)
		put(catalog, full_job(serial));
	assert_true(cut_power(SIZE_MAX) > 1000000);
	assert_int_equal(count_after(), 1);
	commit(catalog);
	(void)cut_power(SIZE_MAX);
	assert_int_equal(count_after(), 10000);
	catalog_close(catalog);
}

static void power_cut_in_a_commit(void **state)
{
	size_t last = 0, length = SIZE_MAX;
	(void)state;
	assert_int_equal(mkdir(in("after"), 0700), 0);
	struct catalog *catalog = open_catalog();
	for (uint64_t serial = 1; serial <= 10; serial += 5) {
		begin(catalog);
		for (uint64_t i = 0; i < 5; i++)
			put(catalog, full_job(serial + i));
		commit(catalog);
	}
	for (size_t at = 0; at < length + 1000; at += 1000) {
		length = cut_power(at);
		size_t count = count_after();
		assert_true(count % 5 == 0 && count >= last);
		last = count;
	}
	assert_int_equal(last, 10);
	catalog_close(catalog);
}

/* ---- damage ------------------------------------------------------------------------------------ */

static void not_a_database(void **state)
{
	char noise[5000];
	(void)state;
	memset(noise, 'n', sizeof(noise));
	write_file(in(FILE_NAME), noise, sizeof(noise));
	assert_refused(scratch, -EUCLEAN);
	write_file(in(FILE_NAME), "hello", 5);
	assert_refused(scratch, -EUCLEAN);
	/* It is left as it is. */
	struct stat st;
	assert_int_equal(stat(in(FILE_NAME), &st), 0);
	assert_int_equal(st.st_size, 5);
}

static void another_programs_database(void **state)
{
	(void)state;
	with_sql("CREATE TABLE job(serial INTEGER PRIMARY KEY); PRAGMA user_version = 1");
	assert_refused(scratch, -EUCLEAN);
	with_sql("DROP TABLE job; PRAGMA user_version = 0; PRAGMA application_id = 5");
	assert_refused(scratch, -EUCLEAN);
	with_sql("PRAGMA application_id = 0");
	catalog_close(open_catalog());
}

static void newer_version(void **state)
{
	const struct job job = full_job(1);
	(void)state;
	struct catalog *catalog = open_catalog();
	put(catalog, job);
	catalog_close(catalog);
	with_sql("PRAGMA user_version = 4");
	assert_refused(scratch, -EPROTO);
	with_sql("PRAGMA user_version = 0");
	assert_refused(scratch, -EUCLEAN);
	with_sql("PRAGMA user_version = 3");
	catalog = open_catalog();
	assert_jobs(catalog, &job, 1);
	catalog_close(catalog);
}

/* A store of former times: its rows lack what was not known then. */
static void assert_upgraded(const char *back, struct job first)
{
	struct job jobs[] = { full_job(1), plain_job(2) };
	struct catalog *catalog = open_catalog();
	put(catalog, jobs[0]);
	put(catalog, jobs[1]);
	catalog_close(catalog);
	with_sql(back);
	jobs[0] = first;
	for (int i = 0; i < 2; i++) {
		catalog = open_catalog();
		assert_jobs(catalog, jobs, 2);
		catalog_close(catalog);
	}
}

static void older_versions(void **state)
{
	struct job first = full_job(1);
	(void)state;
	first.video_epoch = 0;
	assert_upgraded("ALTER TABLE job DROP COLUMN video_epoch; PRAGMA user_version = 2", first);
	memset(&first.video_extents, 0, sizeof(first.video_extents));
	assert_upgraded("ALTER TABLE job DROP COLUMN video_extents; "
			"ALTER TABLE job DROP COLUMN video_epoch; PRAGMA user_version = 1",
		first);
}

/* Only what is on disk is kept of the extents, and what makes no sense is damage. */
static void extents(void **state)
{
	struct job job = full_job(1);
	(void)state;
	assert_int_equal(extents_add(&job.video_extents, 2100, 2200, 5), 0);
	assert_int_equal(extents_add(&job.video_extents, 9000, 9001, 7), 0);
	struct catalog *catalog = open_catalog();
	put(catalog, job);
	job = full_job(1);
	assert_jobs(catalog, &job, 1);
	catalog_close(catalog);
	with_sql("UPDATE job SET video_extents = '20-10:0'");
	catalog = open_catalog();
	struct walked walked = { .room = 0 };
	assert_int_equal(catalog_walk(catalog, on_job, &walked), -EUCLEAN);
	catalog_close(catalog);
}

static void tables_that_are_not_ours(void **state)
{
	(void)state;
	catalog_close(open_catalog());
	with_sql("ALTER TABLE job DROP COLUMN video_synced");
	assert_refused(scratch, -EUCLEAN);
	with_sql("DROP TABLE job");
	assert_refused(scratch, -EUCLEAN);
}

static void damaged_pages(void **state)
{
	char noise[4096];
	struct stat st;
	struct walked walked = { .room = 0 };
	(void)state;
	struct catalog *catalog = open_catalog();
	begin(catalog);
	for (uint64_t serial = 1; serial <= 1000; serial++)
		put(catalog, full_job(serial));
	commit(catalog);
	catalog_close(catalog);

	memset(noise, 0x5a, sizeof(noise));
	assert_int_equal(stat(in(FILE_NAME), &st), 0);
	int fd = open(in(FILE_NAME), O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	for (off_t at = 40960; at < st.st_size; at += 4096)
		assert_int_equal(pwrite(fd, noise, sizeof(noise), at), sizeof(noise));
	(void)close(fd);
	catalog = open_catalog();
	assert_int_equal(catalog_walk(catalog, on_job, &walked), -EUCLEAN);
	assert_true(walked.count < 1000);
	catalog_close(catalog);
}

static void cut_short(void **state)
{
	(void)state;
	struct catalog *catalog = open_catalog();
	begin(catalog);
	for (uint64_t serial = 1; serial <= 100; serial++)
		put(catalog, full_job(serial));
	commit(catalog);
	catalog_close(catalog);
	assert_int_equal(truncate(in(FILE_NAME), 4096), 0);
	struct walked walked = { .room = 0 };
	int r = open_in(scratch, &catalog);
	if (r == 0) {
		r = catalog_walk(catalog, on_job, &walked);
		catalog_close(catalog);
	}
	assert_int_equal(r, -EUCLEAN);
}

static void assert_senseless(const char *sql)
{
	struct walked walked = { .room = 0 };
	struct catalog *catalog = open_catalog();
	begin(catalog);
	put(catalog, full_job(1));
	put(catalog, full_job(2));
	put(catalog, full_job(3));
	commit(catalog);
	catalog_close(catalog);
	with_sql(sql);
	catalog = open_catalog();
	if (catalog_walk(catalog, on_job, &walked) != -EUCLEAN)
		fail_msg("%s", sql);
	assert_int_equal(walked.count, 1);
	/* A job that is put anew is whole again. */
	put(catalog, full_job(2));
	assert_int_equal(count_jobs(catalog), 3);
	catalog_close(catalog);
}

static void rows_that_make_no_sense(void **state)
{
	(void)state;
	assert_senseless("UPDATE job SET state = 6 WHERE serial = 2");
	assert_senseless("UPDATE job SET state = -1 WHERE serial = 2");
	assert_senseless("UPDATE job SET state = 4294967296 WHERE serial = 2");
	assert_senseless("UPDATE job SET error = 1000 WHERE serial = 2");
	assert_senseless("UPDATE job SET video = 5 WHERE serial = 2");
	assert_senseless("UPDATE job SET video_error = -5 WHERE serial = 2");
	assert_senseless("UPDATE job SET forgotten = 2 WHERE serial = 2");
	assert_senseless("UPDATE job SET poll_count = -1 WHERE serial = 2");
	assert_senseless("UPDATE job SET poll_count = 4294967296 WHERE serial = 2");
	assert_senseless("UPDATE job SET progress = 2147483648 WHERE serial = 2");
	assert_senseless("UPDATE job SET id = '' WHERE serial = 2");
	assert_senseless("UPDATE job SET id = 'a' || char(0) || 'b' WHERE serial = 2");
	assert_senseless("UPDATE job SET id = printf('%0192d', 2) WHERE serial = 2");
}

static void serial_below_one(void **state)
{
	struct walked walked = { .room = 0 };
	(void)state;
	struct catalog *catalog = open_catalog();
	put(catalog, full_job(1));
	catalog_close(catalog);
	with_sql("UPDATE job SET serial = -1");
	catalog = open_catalog();
	assert_int_equal(catalog_walk(catalog, on_job, &walked), -EUCLEAN);
	assert_int_equal(walked.count, 0);
	catalog_close(catalog);
}

/* 63 bytes are the room: 31 characters of two bytes, not half of one more. */
static void long_texts_are_cut(void **state)
{
	struct job job = full_job(1);
	(void)state;
	struct catalog *catalog = open_catalog();
	put(catalog, job);
	catalog_close(catalog);
	with_sql("UPDATE job SET model = replace(printf('%40d', 1), ' ', char(233)), "
		 "code = printf('%064d', 7)");
	memset(job.model, 0, sizeof(job.model));
	for (size_t i = 0; i < 31; i++)
		memcpy(job.model + i * 2, "\xc3\xa9", 2);
	memset(job.code, '0', sizeof(job.code) - 1);
	catalog = open_catalog();
	assert_jobs(catalog, &job, 1);
	catalog_close(catalog);
}

/* ---- the file ---------------------------------------------------------------------------------- */

static void not_a_plain_file(void **state)
{
	(void)state;
	write_file(in("precious"), "", 0);
	assert_int_equal(symlink("precious", in(FILE_NAME)), 0);
	assert_refused(scratch, -ELOOP);
	assert_int_equal(unlink(in(FILE_NAME)), 0);
	assert_int_equal(symlink("nowhere", in(FILE_NAME)), 0);
	assert_refused(scratch, -ELOOP);
	assert_int_equal(access(in("nowhere"), F_OK), -1);
	assert_int_equal(unlink(in(FILE_NAME)), 0);
	assert_int_equal(mkfifo(in(FILE_NAME), 0600), 0);
	assert_refused(scratch, -EUCLEAN);
	assert_int_equal(unlink(in(FILE_NAME)), 0);
	assert_int_equal(mkdir(in(FILE_NAME), 0700), 0);
	assert_refused(scratch, -EISDIR);
	struct stat st;
	assert_int_equal(stat(in("precious"), &st), 0);
	assert_int_equal(st.st_size, 0);
}

static void a_log_that_is_a_link(void **state)
{
	struct stat st;
	(void)state;
	catalog_close(open_catalog());
	write_file(in("precious"), "", 0);
	assert_int_equal(symlink("precious", in(FILE_NAME "-wal")), 0);
	assert_refused(scratch, -EACCES);
	assert_int_equal(stat(in("precious"), &st), 0);
	assert_int_equal(st.st_size, 0);
}

static void wider_mode_is_narrowed(void **state)
{
	(void)state;
	catalog_close(open_catalog());
	assert_int_equal(chmod(in(FILE_NAME), 0644), 0);
	struct catalog *catalog = open_catalog();
	put(catalog, plain_job(1));
	assert_int_equal(mode_of(in(FILE_NAME)), 0600);
	assert_int_equal(mode_of(in(FILE_NAME "-wal")), 0600);
	catalog_close(catalog);
}

/* The descriptor says which directory; the path, where it lies, may lead over links or be stale. */
static void the_descriptor_decides(void **state)
{
	struct catalog *catalog = NULL;
	(void)state;
	assert_int_equal(mkdir(in("real"), 0700), 0);
	assert_int_equal(symlink("real", in("link")), 0);
	assert_int_equal(open_in(in("link"), &catalog), 0);
	catalog_close(catalog);
	int fd = open(in("real"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(catalog_open(fd, "not/there", &catalog), 0);
	put(catalog, plain_job(1));
	catalog_close(catalog);
	(void)close(fd);
	assert_int_equal(access(in("real/" FILE_NAME), F_OK), 0);
}

static void written_by_another(void **state)
{
	int go[2], done[2];
	char byte = 'x';
	(void)state;
	assert_int_equal(pipe(go), 0);
	assert_int_equal(pipe(done), 0);
	/* Before any handle is open, which must not go through a fork. */
	pid_t child = fork();
	if (child == 0) {
		sqlite3 *db;
		if (read(go[0], &byte, 1) != 1 || sqlite3_open(in(FILE_NAME), &db) != SQLITE_OK ||
			sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK ||
			write(done[1], "x", 1) != 1 || read(go[0], &byte, 1) != 1)
			_exit(1);
		_exit(sqlite3_close(db) == SQLITE_OK ? 0 : 1);
	}
	struct catalog *catalog = open_catalog();
	assert_int_equal(write(go[1], "x", 1), 1);
	assert_int_equal(read(done[0], &byte, 1), 1);
	assert_int_equal(catalog_begin(catalog), -EBUSY);
	assert_int_equal(catalog_put_body(catalog, 1, "x", 1), -EBUSY);
	assert_int_equal(count_jobs(catalog), 0);
	assert_body(catalog, 1, NULL, 0);

	int status;
	assert_int_equal(write(go[1], "x", 1), 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	put(catalog, plain_job(1));
	catalog_close(catalog);
	for (int i = 0; i < 2; i++) {
		(void)close(go[i]);
		(void)close(done[i]);
	}
}

static void read_only(void **state)
{
	struct catalog *catalog = NULL;
	(void)state;
	if (!mount_disk("size=1m"))
		return;
	assert_int_equal(open_in(in("disk"), &catalog), 0);
	catalog_close(catalog);
	make_disk_read_only();
	assert_refused(in("disk"), -EROFS);
}

static void full_disk_loses_nothing(void **state)
{
	struct catalog *catalog = NULL;
	const struct job jobs[] = { full_job(1), full_job(2) };
	char body[200000];
	(void)state;
	memset(body, 'b', sizeof(body));
	if (!mount_disk("size=1m"))
		return;
	assert_int_equal(open_in(in("disk"), &catalog), 0);
	put(catalog, jobs[0]);
	fill_disk();
	begin(catalog);
	int r = catalog_put(catalog, &jobs[1]);
	if (r == 0)
		r = catalog_put_body(catalog, 1, body, sizeof(body));
	if (r == 0)
		r = catalog_commit(catalog);
	assert_int_equal(r, -ENOSPC);
	catalog_rollback(catalog);
	assert_jobs(catalog, jobs, 1);
	assert_body(catalog, 1, NULL, 0);

	assert_int_equal(unlink(in("disk/ballast")), 0);
	begin(catalog);
	put(catalog, jobs[1]);
	assert_int_equal(catalog_put_body(catalog, 1, body, sizeof(body)), 0);
	commit(catalog);
	catalog_close(catalog);
	assert_int_equal(open_in(in("disk"), &catalog), 0);
	assert_jobs(catalog, jobs, 2);
	assert_body(catalog, 1, body, sizeof(body));
	catalog_close(catalog);
}

static void no_room_to_begin(void **state)
{
	struct catalog *catalog = NULL;
	(void)state;
	if (!mount_disk("size=1m"))
		return;
	fill_disk();
	assert_refused(in("disk"), -ENOSPC);
	assert_int_equal(unlink(in("disk/ballast")), 0);
	assert_int_equal(open_in(in("disk"), &catalog), 0);
	put(catalog, full_job(1));
	catalog_close(catalog);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(written_by_another),
		TEST(new_and_empty),
		TEST(every_field_comes_back),
		TEST(second_put_replaces_all),
		TEST(limits),
		TEST(second_serial_of_an_id),
		TEST(walk_stops),
		TEST(serials_never_come_again),
		TEST(bodies),
		TEST(bodies_from_any_thread),
		TEST(body_during_a_transaction),
		TEST(rollback_leaves_nothing),
		TEST(closed_before_its_commit),
		TEST(commit_without_begin),
		TEST(ten_thousand),
		TEST(power_cut_in_a_transaction),
		TEST(power_cut_in_a_commit),
		TEST(not_a_database),
		TEST(another_programs_database),
		TEST(newer_version),
		TEST(older_versions),
		TEST(extents),
		TEST(tables_that_are_not_ours),
		TEST(damaged_pages),
		TEST(cut_short),
		TEST(rows_that_make_no_sense),
		TEST(serial_below_one),
		TEST(long_texts_are_cut),
		TEST(not_a_plain_file),
		TEST(a_log_that_is_a_link),
		TEST(wider_mode_is_narrowed),
		TEST(the_descriptor_decides),
		TEST(read_only),
		TEST(full_disk_loses_nothing),
		TEST(no_room_to_begin),
	};
	return cmocka_run_group_tests_name("catalog", tests, NULL, NULL);
}
