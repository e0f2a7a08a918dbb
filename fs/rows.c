/* SPDX-License-Identifier: MIT */
/*
 * A job's newest value: first on disk, then in memory, then who waits is woken.
 *
 * What gathers while one commit is under way is the next one.
 */
#include "run.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RETRY_MS 5000

/* Where a change is. */
enum place {
	PLACE_GATHERED,
	PLACE_BATCH, /* the disk thread has it */
	PLACE_DEFERRED,
	PLACE_BEHIND, /* on no list: shown after the one before it, never written by itself */
};

struct change {
	STAILQ_ENTRY(change) link;
	enum place place;
	struct run *run;
	bool delete;
	struct job job;
	char *body;
	size_t body_length;
	rows_done *done;
	int error;
};

STAILQ_HEAD(changes, change);

static struct changes gathered = STAILQ_HEAD_INITIALIZER(gathered);
static struct changes batch = STAILQ_HEAD_INITIALIZER(batch); /* with the disk thread */
static struct changes deferred = STAILQ_HEAD_INITIALIZER(deferred); /* after a fault */
static int64_t retry_ms; /* when they are tried again */
static bool faulty; /* and the log has said so */

void rows_load(const struct run *run, struct job *job)
{
	if (run->latest != NULL) {
		*job = run->latest->job;
		return;
	}
	int r = job_get_hidden(run->serial, job);
	assert(r == 0);
}

static void put_into(struct changes *list, struct change *change, enum place place)
{
	change->place = place;
	STAILQ_INSERT_TAIL(list, change, link);
}

static struct change *change_new(struct run *run)
{
	struct change *change = calloc(1, sizeof(*change));
	if (change != NULL) {
		change->run = run;
		run->changes++;
		figures_add(FIGURE_CHANGES, 0, 1);
	}
	return change;
}

/* The latest that is on no list can be written as well as any; else a new one. */
static struct change *gather(struct run *run, rows_done *done)
{
	bool behind = run->latest != NULL && run->latest->place == PLACE_BEHIND;
	struct change *change = behind ? run->latest : change_new(run);
	if (change != NULL) {
		change->done = done;
		put_into(&gathered, change, PLACE_GATHERED);
	} else if (done != NULL) {
		done(run, -ENOMEM);
	}
	return change;
}

static void set_job(struct change *change, const struct job *job)
{
	change->job = *job;
	change->job.changed_ms = clock_wall_after_ms(job->changed_ms);
	change->run->latest = change;
}

void rows_save(
	struct run *run, const struct job *job, const char *body, size_t length, rows_done *done)
{
	struct change *change = gather(run, done);
	if (change == NULL)
		return;
	set_job(change, job);
	if (length > 0 && (change->body = malloc(length)) != NULL) {
		memcpy(change->body, body, length);
		change->body_length = length;
		change->job.response_size = (uint32_t)length;
	}
}

void rows_delete(struct run *run, rows_done *done)
{
	struct change *change = gather(run, done);
	if (change == NULL)
		return;
	rows_load(run, &change->job);
	change->delete = true;
}

static void show_now(const struct job *job)
{
	if (job_put(job) != 0)
		log_job(LOG_LEVEL_WARNING, job->id, "no memory to show its figures");
}

/* Nothing is shown before what it stands on is: it joins what waits to be written, or follows it. */
void rows_show(struct run *run, const struct job *job)
{
	struct change *latest = run->latest;
	if (latest == NULL) {
		struct job now = *job;
		now.changed_ms = clock_wall_after_ms(job->changed_ms);
		show_now(&now);
		return;
	}
	if (latest->place == PLACE_BATCH) {
		latest = change_new(run);
		if (latest == NULL)
			return;
		latest->place = PLACE_BEHIND;
	}
	set_job(latest, job);
	if (latest->place == PLACE_DEFERRED)
		show_now(&latest->job);
}

/* ---- on the disk thread -------------------------------------------------------------------- */

static int write_change(const struct change *change)
{
	if (change->delete)
		return catalog_delete(engine.catalog, change->job.serial);
	int r = catalog_put(engine.catalog, &change->job);
	if (r == 0 && change->body != NULL)
		r = catalog_put_body(
			engine.catalog, change->job.serial, change->body, change->body_length);
	return r;
}

/* All of first up to before last, or nothing. */
static int write_range(struct change *first, const struct change *last)
{
	int r = catalog_begin(engine.catalog);
	for (struct change *c = first; r == 0 && c != last; c = STAILQ_NEXT(c, link))
		r = write_change(c);
	if (r == 0)
		r = catalog_commit(engine.catalog);
	if (r != 0)
		catalog_rollback(engine.catalog);
	return r;
}

/* One fault must not take the others with it: then each is tried alone. */
static void write_batch(struct disk_task *task)
{
	struct change *c;
	(void)task;
	if (write_range(STAILQ_FIRST(&batch), NULL) == 0)
		return;
	STAILQ_FOREACH (c, &batch, link) {
		c->error = write_range(c, STAILQ_NEXT(c, link));
	}
}

/* ---- on the engine thread ------------------------------------------------------------------ */

static void free_change(struct change *change)
{
	struct run *run = change->run;
	if (run->latest == change)
		run->latest = NULL;
	run->changes--;
	figures_add(FIGURE_CHANGES, 0, -1);
	free(change->body);
	free(change);
	run_rest(run);
}

static void say_fault(int error)
{
	if (error != 0 && !faulty)
		log_error(
			"the catalog cannot be written, this is tried again: %s", strerror(-error));
	else if (error == 0 && faulty)
		log_info("the catalog can be written again");
	if (faulty != (error != 0))
		figures_set(FIGURE_WRONG_MS, WRONG_CATALOG, error != 0 ? clock_ms() : 0);
	faulty = error != 0;
}

static void publish(const struct change *change)
{
	if (change->delete || (change->error != 0 && change->done != NULL))
		return;
	if (job_put(&change->job) != 0)
		log_job(LOG_LEVEL_ERROR, change->job.id, "no memory for its new state");
}

static void defer_one(struct change *change)
{
	if (STAILQ_EMPTY(&deferred))
		retry_ms = clock_ms() + RETRY_MS;
	change->error = 0;
	put_into(&deferred, change, PLACE_DEFERRED);
}

/* Written later, unless a newer value of the same job is on its way anyway. */
static bool defer(struct change *change)
{
	struct change *latest = change->run->latest;
	if (change->error == 0 || change->done != NULL || latest == NULL)
		return false;
	if (latest->place == PLACE_BEHIND) {
		/* The newer one is shown only; with it, all is written. */
		latest->body = change->body;
		latest->body_length = change->body_length;
		change->body = NULL;
		show_now(&latest->job);
		defer_one(latest);
		return false;
	}
	if (latest != change)
		return false;
	defer_one(change);
	return true;
}

static void gather_deferred(void)
{
	struct change *change;
	while ((change = STAILQ_FIRST(&deferred)) != NULL) {
		STAILQ_REMOVE_HEAD(&deferred, link);
		if (change->run->latest == change)
			put_into(&gathered, change, PLACE_GATHERED);
		else
			free_change(change);
	}
}

/* What was to follow the run's last change is shown, now that nothing is before it. */
static void show_behind(struct run *run)
{
	struct change *change = run->latest;
	if (change == NULL || change->place != PLACE_BEHIND)
		return;
	show_now(&change->job);
	free_change(change);
}

/* A value that is dropped may have stood before one that was to be written later. */
static void save_again(struct run *run)
{
	struct job job;
	if (run->latest == NULL && job_get_hidden(run->serial, &job) == 0)
		rows_save(run, &job, NULL, 0, NULL);
}

static void batch_done(struct disk_task *task)
{
	struct changes ended = STAILQ_HEAD_INITIALIZER(ended);
	struct change *change;
	(void)task;

	STAILQ_CONCAT(&ended, &batch);
	while ((change = STAILQ_FIRST(&ended)) != NULL) {
		STAILQ_REMOVE_HEAD(&ended, link);
		/* An id that exists already is its user's news, not a fault of the disk. */
		if (change->error != -EEXIST)
			say_fault(change->error);
		publish(change);
		if (defer(change))
			continue;
		rows_done *done = change->done;
		struct run *run = change->run;
		int error = change->error;
		run->changes++; /* it outlives done() */
		free_change(change);
		show_behind(run);
		if (done != NULL && error != 0)
			save_again(run);
		if (done != NULL)
			done(run, error);
		run->changes--;
		run_rest(run);
	}
}

static struct disk_task batch_task = { .work = write_batch, .done = batch_done };

static void take_batch(void)
{
	struct change *change;
	STAILQ_CONCAT(&batch, &gathered);
	STAILQ_FOREACH (change, &batch, link) {
		change->place = PLACE_BATCH;
	}
}

int64_t rows_flush(int64_t now_ms)
{
	if (now_ms >= retry_ms)
		gather_deferred();
	if (!STAILQ_EMPTY(&gathered) && STAILQ_EMPTY(&batch)) {
		take_batch();
		disk_do(&batch_task);
	}
	return STAILQ_EMPTY(&deferred) ? INT64_MAX : retry_ms;
}

void rows_finish(void)
{
	struct change *change;
	gather_deferred();
	if (!STAILQ_EMPTY(&gathered)) {
		take_batch();
		write_batch(&batch_task);
	}
	while ((change = STAILQ_FIRST(&batch)) != NULL) {
		STAILQ_REMOVE_HEAD(&batch, link);
		if (change->error != 0)
			log_job(LOG_LEVEL_ERROR, change->job.id,
				"its last state was not written, the next mount has the one before: %s",
				strerror(-change->error));
		free_change(change);
	}
}
