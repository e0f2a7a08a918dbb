/* SPDX-License-Identifier: MIT */
/*
 * Open status.json. Each reader has one whole document, as it was at his open. As long as all have
 * the same one, they share it, and the page cache; who comes when it has changed reads for himself.
 * What fits in a page is read in one piece: there the next document can take the place of the one
 * before, for who goes back to the beginning.
 */
#include "ops_file.h"

#include "base.h"
#include "engine.h"
#include "view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 4096 /* the least that a page cache reads at a time */

/* A text, and whose it is. */
struct sheet {
	LIST_ENTRY(sheet) link; /* shared: under the lock; only of shared ones */
	uint64_t serial;
	bool shared; /* in the page cache: one of each job at most */
	bool begun; /* it is in the page cache, or was read; shared: under the lock, like the next */
	unsigned users;
	uint32_t revision;
	char *text; /* NULL as long as the page cache has it, and nobody asks */
	size_t length;
};

/* Shared: under the lock. */
static LIST_HEAD(, sheet) sheets = LIST_HEAD_INITIALIZER(sheets);

uint32_t ops_status_size(const struct job_view *view)
{
	size_t length = 0;
	char *text = view_status(&view->job, ops_context.provider, &length);
	free(text);
	return job_show(view->job.serial, JOB_FILE_STATUS, (uint32_t)length);
}

/* ---- open --------------------------------------------------------------------------------------- */

/* Somebody looks: the next poll comes sooner. Only a letter where it would change something. */
static void watch(const struct job *job)
{
	int64_t age_ms = clock_wall_ms() - job->poll_last_ms;
	/* A clock may be set back. */
	bool old = age_ms < 0 || age_ms >= ops_context.interval_watched_ms;
	if (!job_is_final(job) && old)
		engine_watch(job->serial);
}

static struct sheet *find(uint64_t serial)
{
	struct sheet *sheet;
	LIST_FOREACH (sheet, &sheets, link) {
		if (sheet->serial == serial)
			break;
	}
	return sheet;
}

/* The one that is shared, if it is as new; else the new one, which then is. Under the lock. */
static struct sheet *share(struct sheet *new)
{
	struct sheet *sheet = find(new->serial);
	if (sheet != NULL && sheet->revision == new->revision) {
		sheet->users++;
		return sheet;
	}
	new->shared = sheet == NULL &&new->length <= PAGE;
	if (new->shared)
		LIST_INSERT_HEAD(&sheets, new, link);
	return new;
}

static void sheet_free(struct sheet *sheet)
{
	if (sheet != NULL)
		free(sheet->text);
	free(sheet);
}

/* The page cache has it, most likely: then there is nothing to write. */
static struct sheet *sheet_new(const struct job_view *view)
{
	struct sheet *new = calloc(1, sizeof(*new));
	if (new == NULL)
		return NULL;
	new->serial = view->job.serial;
	new->revision = view->revision;
	new->users = 1;
	new->begun = view->cached == view->revision;
	new->length = view->cached_length;
	if (!new->begun)
		new->text = view_status(&view->job, ops_context.provider, &new->length);
	if (new->begun || new->text != NULL)
		return new;
	sheet_free(new);
	return NULL;
}

int ops_status_open(struct handle *handle, const struct job_view *view, struct fuse_file_info *fi)
{
	struct sheet *new = sheet_new(view);
	if (new == NULL)
		return -ENOMEM;
	ops_file_lock();
	struct sheet *sheet = share(new);
	fi->direct_io = !sheet->shared;
	size_t length = sheet->length;
	ops_file_unlock();
	if (sheet != new)
		sheet_free(new);
	fi->keep_cache = view->cached == view->revision;
	handle->sheet = sheet;
	handle->seen = ops_poll_sight(&view->job);
	(void)job_show(view->job.serial, JOB_FILE_STATUS, (uint32_t)length);
	watch(&view->job);
	return 0;
}

void ops_status_close(const struct handle *handle)
{
	struct sheet *sheet = handle->sheet;
	ops_file_lock();
	bool last = --sheet->users == 0;
	if (last && sheet->shared)
		LIST_REMOVE(sheet, link);
	ops_file_unlock();
	if (last)
		sheet_free(sheet);
}

/* ---- read --------------------------------------------------------------------------------------- */

/*
 * Whether the next document may take this one's place: not when somebody may have asked for the size
 * before, and would read no more than that of a longer one. For what is shared the kernel asks each
 * time that something has changed. Who reads for himself, and not for the first time, knows what he
 * does.
 */
static bool is_replaceable(
	const struct sheet *sheet, const struct job_view *view, size_t length, bool again)
{
	size_t told = sheet->length;
	if (again)
		told = sheet->shared ? view->shown[JOB_FILE_STATUS] : SIZE_MAX;
	bool newer = (int32_t)(view->revision - sheet->revision) > 0;
	bool fits = length <= told && (length <= PAGE || !sheet->shared);
	return sheet->text == NULL || (newer && fits);
}

static void replace(struct sheet *sheet, const struct job_view *view, bool again)
{
	size_t length = 0;
	char *text = view_status(&view->job, ops_context.provider, &length), *old = text;
	if (text == NULL)
		return;
	ops_file_lock();
	if (is_replaceable(sheet, view, length, again)) {
		old = sheet->text;
		sheet->text = text;
		sheet->length = length;
		sheet->revision = view->revision;
	}
	ops_file_unlock();
	free(old);
}

/*
 * Who reads from the beginning wants what is true now: 0; -ENOENT when he does so again, and the job is
 * forgotten. What others have brought into the page cache may have been newer than what he had then.
 */
static int renew(struct sheet *sheet, bool from_start)
{
	struct job_view view;
	ops_file_lock();
	bool missing = sheet->text == NULL, again = sheet->begun;
	uint32_t revision = sheet->revision;
	sheet->begun = again || from_start;
	ops_file_unlock();
	if (!missing && !from_start)
		return 0;
	int r = job_get(sheet->serial, &view);
	if (r == 0 && (missing || view.revision != revision))
		replace(sheet, &view, again);
	return missing || again ? r : 0;
}

/*
 * The text, padded up to as long as it was shown: who copies st_size bytes gets a whole document.
 * NULL without memory.
 */
static char *copy_padded(const struct sheet *sheet, size_t shown, size_t *length)
{
	ops_file_lock();
	size_t room = sheet->length > shown ? sheet->length : shown;
	char *text = sheet->text != NULL ? malloc(room + 1) : NULL;
	if (text != NULL) {
		memcpy(text, sheet->text, sheet->length + 1);
		*length = sheet->length;
	}
	ops_file_unlock();
	if (text != NULL)
		view_pad(text, length, room);
	return text;
}

void ops_status_read(fuse_req_t req, const struct handle *handle, size_t size, off_t offset)
{
	struct sheet *sheet = handle->sheet;
	int r = renew(sheet, offset == 0);
	if (r != 0) {
		(void)fuse_reply_err(req, -r);
		return;
	}
	ops_file_lock();
	size_t length = sheet->length;
	/* sendfile and mmap bring also into the page cache what somebody reads for himself. */
	uint32_t cached = sheet->shared ? sheet->revision : 0;
	ops_file_unlock();
	job_set_cached(sheet->serial, cached, (uint32_t)length);
	size_t shown = job_show(sheet->serial, JOB_FILE_STATUS, (uint32_t)length);
	char *text = copy_padded(sheet, shown, &length);
	if (text == NULL) {
		(void)fuse_reply_err(req, ENOMEM);
		return;
	}
	ops_file_reply(req, text, length, size, offset);
	free(text);
}
