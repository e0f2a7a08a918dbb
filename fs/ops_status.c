/* SPDX-License-Identifier: MIT */
/*
 * Open status.json, in the manner of sysfs: who reads on has the document that he has begun, who goes
 * back to the beginning has the one of now. As long as a job changes by itself, that can only be done
 * where each READ is seen; through the page cache it is that of all who have the file open. After
 * that the page cache has it, which costs no READ at all.
 */
#include "ops_file.h"

#include "base.h"
#include "engine.h"
#include "view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 4096 /* the least that a page cache reads at a time */

/* The document that a reader has. All but the first is under the lock: several READs run at once. */
struct sheet {
	bool cached; /* by the kernel, for all: set at open */
	bool begun; /* it was read, or may have been */
	uint32_t revision;
	char *text; /* NULL as long as the page cache has it, and nobody asks */
	size_t length;
	size_t shown; /* what it is padded up to, also when the job is forgotten */
};

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

static void sheet_free(struct sheet *sheet)
{
	free(sheet->text);
	free(sheet);
}

/* Where the page cache has it already there is nothing to write. NULL without memory. */
static struct sheet *sheet_new(const struct job_view *view)
{
	struct sheet *sheet = calloc(1, sizeof(*sheet));
	if (sheet == NULL)
		return NULL;
	sheet->revision = view->revision;
	sheet->begun = job_video_is_final(&view->job) && view->cached == view->revision;
	sheet->length = view->cached_length;
	if (!sheet->begun)
		sheet->text = view_status(&view->job, ops_context.provider, &sheet->length);
	sheet->cached = job_video_is_final(&view->job) && sheet->length <= PAGE;
	if (sheet->begun || sheet->text != NULL)
		return sheet;
	sheet_free(sheet);
	return NULL;
}

int ops_status_open(struct handle *handle, const struct job_view *view, struct fuse_file_info *fi)
{
	struct sheet *sheet = sheet_new(view);
	if (sheet == NULL)
		return -ENOMEM;
	fi->direct_io = !sheet->cached;
	fi->keep_cache = sheet->begun;
	handle->sheet = sheet;
	handle->seen = ops_poll_sight(&view->job);
	sheet->shown = job_show(handle->serial, JOB_FILE_STATUS, (uint32_t)sheet->length);
	watch(&view->job);
	return 0;
}

void ops_status_close(const struct handle *handle)
{
	sheet_free(handle->sheet);
}

/* As long as it was shown: who copies st_size bytes gets a whole document. */
static size_t padded_length(const struct sheet *sheet)
{
	return sheet->length > sheet->shown ? sheet->length : sheet->shown;
}

size_t ops_status_length(const struct handle *handle)
{
	return padded_length(handle->sheet);
}

bool ops_status_is_cached(const struct handle *handle)
{
	return handle->sheet->cached;
}

/* ---- read --------------------------------------------------------------------------------------- */

/*
 * Whether the document of now may take this one's place: not when the reader may have asked for the
 * size before, and would read no more than that of a longer one. Who reads once more knows what he
 * does; but of what is cached the kernel asks, each time that something has changed. Under the lock.
 */
static bool is_replaceable(const struct sheet *sheet, const struct job_view *view, size_t length)
{
	size_t told = sheet->length;
	if (sheet->begun)
		told = sheet->cached ? view->shown[JOB_FILE_STATUS] : SIZE_MAX;
	bool newer = (int32_t)(view->revision - sheet->revision) > 0;
	return sheet->text == NULL || (newer && length <= told);
}

static void replace(struct sheet *sheet, const struct job_view *view)
{
	size_t length = 0;
	char *text = view_status(&view->job, ops_context.provider, &length), *old = text;
	if (text == NULL)
		return;
	ops_file_lock();
	if (is_replaceable(sheet, view, length)) {
		old = sheet->text;
		sheet->text = text;
		sheet->length = length;
		sheet->revision = view->revision;
	}
	ops_file_unlock();
	free(old);
}

/* Who has read it has seen what it says: poll(2) need not tell him. */
static void begin(struct handle *handle, const struct job_view *view)
{
	ops_file_lock();
	handle->sheet->begun = true;
	if (view == NULL || view->revision == handle->sheet->revision)
		handle->seen = ops_poll_sight(view != NULL ? &view->job : NULL);
	ops_file_unlock();
}

/* 0; -ENOENT for who reads from the beginning once more, when the job is forgotten. */
static int renew(struct handle *handle, bool from_start)
{
	struct sheet *sheet = handle->sheet;
	struct job_view view;
	ops_file_lock();
	bool missing = sheet->text == NULL, again = sheet->begun;
	uint32_t revision = sheet->revision;
	ops_file_unlock();
	if (!missing && !from_start)
		return 0;
	int r = job_get(handle->serial, &view);
	if (r == 0 && (missing || view.revision != revision))
		replace(sheet, &view);
	begin(handle, r == 0 ? &view : NULL);
	return missing || again ? r : 0;
}

/* NULL without memory. While it is open, it is not shown shorter. */
static char *copy_padded(struct sheet *sheet, size_t shown, size_t *length)
{
	ops_file_lock();
	if (shown > sheet->shown)
		sheet->shown = shown;
	size_t room = padded_length(sheet);
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

/* What the page cache has after this. Who reads for himself brings it there by sendfile and mmap. */
static size_t tell_cached(const struct handle *handle)
{
	const struct sheet *sheet = handle->sheet;
	ops_file_lock();
	size_t length = sheet->length;
	uint32_t revision = sheet->cached ? sheet->revision : 0;
	ops_file_unlock();
	job_set_cached(handle->serial, revision, (uint32_t)length);
	return length;
}

void ops_status_read(fuse_req_t req, struct handle *handle, size_t size, off_t offset)
{
	int r = renew(handle, offset == 0);
	if (r != 0) {
		(void)fuse_reply_err(req, -r);
		return;
	}
	size_t length = tell_cached(handle);
	size_t shown = job_show(handle->serial, JOB_FILE_STATUS, (uint32_t)length);
	char *text = copy_padded(handle->sheet, shown, &length);
	if (text == NULL) {
		(void)fuse_reply_err(req, ENOMEM);
		return;
	}
	ops_file_reply(req, text, length, size, offset);
	free(text);
}
