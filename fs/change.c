/* SPDX-License-Identifier: MIT */
/*
 * What its user does to a job: track, forget, remove its video. Intent is on disk before the act,
 * and the act is done before it is claimed.
 */
#include "run.h"

#include <errno.h>

/* Ends what the run is busy with for a letter. */
static void reply(struct run *run, int status)
{
	job_answer(run->ticket, status);
	run->ticket = 0;
}

static void say(const struct run *run, const char *what)
{
	struct job job;
	rows_load(run, &job);
	log_job(LOG_LEVEL_INFO, job.id, "%s", what);
}

/* What there is to do for a job by its state. */
static void go_on(struct run *run, bool answered)
{
	struct job job;
	rows_load(run, &job);
	if (!job_is_final(&job))
		poll_begin(run, answered);
	else if (job.video == VIDEO_FETCHING)
		fetch_begin(run);
}

/* ---- tracking ------------------------------------------------------------------------------ */

static void on_created(struct run *run, int error)
{
	if (error == 0) {
		say(run, "tracked");
		go_on(run, run->looked_up);
	}
	reply(run, error == -EEXIST && run->looked_up ? 0 : error);
}

void change_create(struct job *job, const char *body, size_t length, uint64_t ticket)
{
	job->serial = ++engine.last_serial;
	struct run *run = run_of(job->serial);
	if (run == NULL) {
		job_answer(ticket, -ENOMEM);
		return;
	}
	run->ticket = ticket;
	run->looked_up = job->poll_count > 0;
	rows_save(run, job, body, length, on_created);
}

void change_track(const char *id, uint64_t ticket)
{
	struct job job;
	if (job_find(id) != 0) {
		job_answer(ticket, -EEXIST);
		return;
	}
	job_init(&job, id, clock_wall_ms());
	change_create(&job, NULL, 0, ticket);
}

void change_lookup(const char *id, uint64_t ticket)
{
	if (job_find(id) != 0)
		job_answer(ticket, 0);
	else
		probe_begin(id, ticket);
}

static void set_removed(struct job *job)
{
	if (job->video == VIDEO_FETCHING)
		job->sha256[0] = '\0';
	job->video = VIDEO_REMOVED;
	job_set_video_error(job, ERROR_NONE, "");
	job_set_video_empty(job);
}

/* ---- forgetting: the row says so, then the files go, then the row -------------------------- */

static void work_delete(struct disk_task *task)
{
	struct run *run = container_of(task, struct run, delete_task);
	run->delete_error = store_delete(engine.store, run->serial);
}

static void delete_files(struct run *run, void (*done)(struct disk_task *task))
{
	run->delete_task.work = work_delete;
	run->delete_task.done = done;
	disk_do(&run->delete_task);
}

/* Its files may be gone, or some of them: it is shown without a video, and can be forgotten again. */
static void remember(struct run *run, int error)
{
	struct job job;
	rows_load(run, &job);
	job.forgotten = false;
	rows_save(run, &job, NULL, 0, NULL);
	job_unhide(run->serial);
	go_on(run, true);
	reply(run, error);
}

static void on_forgotten(struct run *run, int error)
{
	if (error != 0) {
		remember(run, error);
		return;
	}
	say(run, "forgotten");
	job_remove(run->serial);
	reply(run, 0);
}

static void on_forgotten_files(struct disk_task *task)
{
	struct run *run = container_of(task, struct run, delete_task);
	if (run->delete_error == 0)
		rows_delete(run, on_forgotten);
	else
		remember(run, run->delete_error);
	run_rest(run);
}

static void on_forgetting(struct run *run, int error)
{
	if (error == 0) {
		delete_files(run, on_forgotten_files);
		return;
	}
	job_unhide(run->serial);
	go_on(run, true);
	reply(run, error);
}

static void forget_row(struct run *run)
{
	struct job job;
	rows_load(run, &job);
	job.forgotten = true;
	if (job.video == VIDEO_READY || job.video == VIDEO_FETCHING)
		set_removed(&job);
	rows_save(run, &job, NULL, 0, on_forgetting);
}

/* ---- removing a video: the row says so, then the file goes --------------------------------- */

static void on_removed_files(struct disk_task *task)
{
	struct run *run = container_of(task, struct run, delete_task);
	reply(run, run->delete_error);
	run_rest(run);
}

static void on_removing(struct run *run, int error)
{
	if (error == 0) {
		say(run, "its video is removed");
		delete_files(run, on_removed_files);
		return;
	}
	go_on(run, true);
	reply(run, error);
}

static void remove_row(struct run *run)
{
	struct job job;
	rows_load(run, &job);
	set_removed(&job);
	rows_save(run, &job, NULL, 0, on_removing);
}

static int begin_forget(struct run *run)
{
	int r = job_hide(run->serial);
	if (r != 0)
		return r;
	poll_end(run);
	fetch_cancel(run, forget_row);
	return 0;
}

static int begin_remove(struct run *run)
{
	struct job job;
	rows_load(run, &job);
	if (job.video != VIDEO_READY && job.video != VIDEO_FETCHING)
		return -ENOENT;
	fetch_cancel(run, remove_row);
	return 0;
}

/* One thing at a time for a job; the kernel keeps it so, another writer would have to be told. */
static void change(uint64_t serial, uint64_t ticket, int (*begin)(struct run *run))
{
	struct job_view view;
	struct run *run = job_get(serial, &view) == 0 ? run_of(serial) : NULL;
	if (run == NULL || run->ticket != 0) {
		job_answer(ticket, run == NULL ? -ENOENT : -EBUSY);
		return;
	}
	run->ticket = ticket;
	int r = begin(run);
	if (r != 0)
		reply(run, r);
	run_rest(run);
}

void change_forget(uint64_t serial, uint64_t ticket)
{
	change(serial, ticket, begin_forget);
}

void change_remove(uint64_t serial, uint64_t ticket)
{
	change(serial, ticket, begin_remove);
}
