/* SPDX-License-Identifier: MIT */
/*
 * The start: what the catalog remembers, joined with what the store has.
 */
#include "start.h"

#include <errno.h>
#include <string.h>

/*
 *   row                  file            then
 *   forgotten            any             forget it now
 *   not done             any             as the row says
 *   fetching             whole, fits     hash it: its row came too late
 *   fetching             part or none    go on from what was synced
 *   ready                whole, fits     ready
 *   ready                else            fetch again: the one way back of a video
 *   removed              any             delete what is left
 *   lost, by our limits  any             try again: the limits may be others now
 *   lost otherwise       part            delete it
 *   lost otherwise       no part         lost
 */
enum start_action start_of(const struct job *job, const struct store_video *file)
{
	bool fits = file->whole && (job->video_size < 0 || job->video_size == file->whole_bytes);
	if (job->forgotten)
		return START_FORGET;
	switch (job->video) {
	case VIDEO_FETCHING:
		return fits ? START_ADOPT : START_FETCH;
	case VIDEO_READY:
		return fits ? START_KEEP : START_FETCH_AGAIN;
	case VIDEO_REMOVED:
		return file->whole || file->part ? START_DELETE : START_KEEP;
	case VIDEO_LOST:
		if (job->video_error == ERROR_TOO_LARGE ||
			job->video_error == ERROR_REFUSED_ADDRESS)
			return START_FETCH_AGAIN;
		return file->part ? START_DELETE : START_KEEP;
	case VIDEO_NONE:
		break;
	}
	return job_is_final(job) ? START_KEEP : START_POLL;
}

/*
 * As far as it got: no more than is in the part, whatever the row says. Nothing of it is shown before
 * it has been compared with its hash.
 */
static void trust_part(struct job *job, const struct store_video *file)
{
	int64_t part_bytes = file->part ? file->part_bytes : 0;
	if (job->video_synced > part_bytes)
		job->video_synced = part_bytes;
	job->video_bytes = 0;
	extents_clip(&job->video_extents, job->video_synced, part_bytes);
}

static const char *way_back_words(const struct job *job, const struct store_video *file)
{
	if (job->video == VIDEO_LOST)
		return "it was given up for an option, which may be another now";
	return file->whole ? "its file has another length" : "its file is gone";
}

static void way_back(struct job *job, const struct store_video *file)
{
	log_job(LOG_LEVEL_WARNING, job->id, "its video has to be fetched again: %s",
		way_back_words(job, file));
	job->video = VIDEO_FETCHING;
	job_set_video_error(job, ERROR_NONE, "");
	job->video_size = -1;
	job_set_video_empty(job);
	job->etag[0] = '\0';
	job->sha256[0] = '\0';
	job->video_epoch++;
}

static int show(const struct job *job, void (*begin)(struct run *run))
{
	int r = job_load(job);
	if (r != 0 || begin == NULL)
		return r;
	struct run *run = run_of(job->serial);
	if (run == NULL)
		return -ENOMEM;
	begin(run);
	return 0;
}

static void begin_poll(struct run *run)
{
	poll_begin(run, true);
}

static void fetch_again(struct run *run)
{
	run->again = true;
	fetch_begin(run);
}

static int start_job(struct job *job)
{
	struct store_video file = { .whole = false };
	if (job->video != VIDEO_NONE || job->forgotten) {
		int r = store_look(engine.store, job->serial, &file);
		if (r != 0)
			return r;
	}
	switch (start_of(job, &file)) {
	case START_FORGET:
		return 1; /* not while the rows are being walked */
	case START_POLL:
		return show(job, begin_poll);
	case START_ADOPT:
		return show(job, fetch_adopt);
	case START_FETCH_AGAIN:
		way_back(job, &file);
		trust_part(job, &file);
		return show(job, fetch_again);
	case START_FETCH:
		trust_part(job, &file);
		return show(job, fetch_begin);
	case START_DELETE:
		(void)(job->video == VIDEO_LOST ? store_delete_part(engine.store, job->serial)
						: store_delete(engine.store, job->serial));
		/* fallthrough */
	case START_KEEP:
		break;
	}
	return show(job, NULL);
}

struct forgotten {
	uint64_t *serials;
	size_t count, room;
};

static int on_row(void *arg, const struct job *row)
{
	struct forgotten *forgotten = arg;
	struct job job = *row;
	int r = start_job(&job);
	if (r != 1)
		return r;
	if (forgotten->count == forgotten->room) {
		size_t room = forgotten->room * 2 + 16;
		uint64_t *serials = reallocarray(forgotten->serials, room, sizeof(uint64_t));
		if (serials == NULL)
			return -ENOMEM;
		forgotten->serials = serials;
		forgotten->room = room;
	}
	forgotten->serials[forgotten->count++] = job.serial;
	return 0;
}

/* Ends what a crash interrupted: the files first, as ever. */
static void forget_rest(const struct forgotten *forgotten)
{
	int r = forgotten->count > 0 ? catalog_begin(engine.catalog) : -ENOENT;
	for (size_t i = 0; r == 0 && i < forgotten->count; i++) {
		r = store_delete(engine.store, forgotten->serials[i]);
		if (r == 0)
			r = catalog_delete(engine.catalog, forgotten->serials[i]);
	}
	if (r == 0)
		r = catalog_commit(engine.catalog);
	if (r != 0 && forgotten->count > 0) {
		catalog_rollback(engine.catalog);
		log_error(
			"jobs that were forgotten are not deleted yet, the next mount tries again: %s",
			strerror(-r));
	}
}

static void on_file(void *arg, uint64_t serial, const char *name)
{
	struct job job;
	(void)arg;
	if (serial == 0)
		log_warning("the store has something that is not ours: %s, left alone", name);
	else if (job_get_hidden(serial, &job) != 0)
		log_warning("the store has a file that no job knows: %s, left alone", name);
}

int start_jobs(void)
{
	struct forgotten forgotten = { .count = 0 };
	int r = catalog_last_serial(engine.catalog, &engine.last_serial);
	if (r == 0)
		r = catalog_walk(engine.catalog, on_row, &forgotten);
	if (r == 0) {
		forget_rest(&forgotten);
		r = store_sweep(engine.store, on_file, NULL);
	}
	free(forgotten.serials);
	return r;
}

static void mend(struct run *run)
{
	struct job job;
	struct store_video file;
	rows_load(run, &job);
	if (run->ticket != 0 || store_look(engine.store, run->serial, &file) != 0 ||
		start_of(&job, &file) != START_FETCH_AGAIN)
		return;
	way_back(&job, &file);
	rows_save(run, &job, NULL, 0, NULL);
	fetch_again(run);
}

void start_mend(uint64_t serial)
{
	struct job job;
	struct run *run = job_get_hidden(serial, &job) == 0 ? run_of(serial) : NULL;
	if (run == NULL)
		return;
	if (run->fetch == NULL)
		mend(run);
	run_rest(run);
}
