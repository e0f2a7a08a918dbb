/* SPDX-License-Identifier: MIT */
/* Open files: what is common to them, and documents that are taken at open and never change. */
#include "ops_file.h"

#include "ops_pass.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct ops_context ops_context;
struct handles ops_handles = LIST_HEAD_INITIALIZER(ops_handles);

/*
 * Guards what several handles have in common. No other lock is taken under it. The list tells how an
 * inode is open, and whom to wake; those that are left at the end are freed then.
 */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void ops_file_lock(void)
{
	(void)pthread_mutex_lock(&lock);
}

void ops_file_unlock(void)
{
	(void)pthread_mutex_unlock(&lock);
}

static enum job_file file_of(const struct handle *handle)
{
	switch (tree_kind(handle->inode)) {
	case TREE_STATUS:
		return JOB_FILE_STATUS;
	case TREE_RESPONSE:
		return JOB_FILE_RESPONSE;
	default:
		return JOB_FILE_VIDEO;
	}
}

static bool is_video(const struct handle *handle)
{
	return handle->serial > 0 && tree_kind(handle->inode) == TREE_VIDEO;
}

struct handle *ops_file_handle(const struct fuse_file_info *fi)
{
	return (struct handle *)(uintptr_t)fi->fh;
}

static void handle_free(struct handle *handle)
{
	if (handle->sheet != NULL)
		ops_status_close(handle);
	if (handle->listener != NULL)
		ops_events_close(handle);
	if (handle->edition != NULL)
		ops_gallery_close(handle);
	ops_poll_forget(handle);
	if (handle->fd >= 0)
		(void)close(handle->fd);
	free(handle->text);
	free(handle);
}

static void handle_link(struct handle *handle)
{
	ops_file_lock();
	if (is_video(handle))
		handle->pass = ops_video_pass(handle);
	LIST_INSERT_HEAD(&ops_handles, handle, link);
	ops_file_unlock();
	if (handle->pass != 0)
		ops_pass_say(handle->pass);
}

static bool is_last(const struct handle *handle)
{
	const struct handle *other;
	LIST_FOREACH (other, &ops_handles, link) {
		if (other->inode == handle->inode)
			return false;
	}
	return true;
}

static void handle_close(struct handle *handle)
{
	ops_file_lock();
	LIST_REMOVE(handle, link);
	bool last = handle->pass > 0 && is_last(handle);
	ops_file_unlock();
	if (last)
		ops_pass_close(ops_context.fuse_fd, handle->pass);
	if (handle->serial > 0)
		job_close(handle->serial, file_of(handle));
	handle_free(handle);
}

void ops_file_close(void)
{
	struct handle *handle;
	while ((handle = LIST_FIRST(&ops_handles)) != NULL) {
		LIST_REMOVE(handle, link);
		handle_free(handle);
	}
}

/*
 * All that have it open share the inode: of their sizes it is the largest, or one would read too little. But
 * of a status.json in the page cache there is none: the kernel would cut its pages to that, which may be of
 * a text with more blanks.
 */
int ops_file_orphan(uint64_t inode, uint32_t *size)
{
	const struct handle *handle;
	bool open = false, cached = false;
	*size = 0;
	ops_file_lock();
	LIST_FOREACH (handle, &ops_handles, link) {
		if (handle->inode != inode)
			continue;
		bool status = handle->sheet != NULL;
		size_t length = status ? ops_status_length(handle) : handle->length;
		*size = length > *size ? (uint32_t)length : *size;
		open = true;
		cached = cached || (status && ops_status_is_cached(handle));
	}
	ops_file_unlock();
	return open && !cached ? 0 : -ENOENT;
}

/* ---- open ------------------------------------------------------------------------------------- */

static int open_response(
	struct handle *handle, const struct job_view *view, struct fuse_file_info *fi)
{
	if (tree_is_stale(handle->inode, &view->job))
		return -ESTALE;
	fi->direct_io = !job_is_final(&view->job);
	return catalog_body(ops_context.catalog, view->job.serial, &handle->text, &handle->length);
}

static int open_kind(struct handle *handle, const struct job_view *view, struct fuse_file_info *fi)
{
	switch (tree_kind(handle->inode)) {
	case TREE_STATUS:
		return ops_status_open(handle, view, fi);
	case TREE_RESPONSE:
		return open_response(handle, view, fi);
	case TREE_VIDEO:
		return ops_video_open(handle, view, fi);
	case TREE_LINK:
		return -ELOOP;
	default:
		return -EISDIR;
	}
}

/* Counted before it is looked at, so that no rmdir comes between. */
static int open_of_job(struct handle *handle, struct fuse_file_info *fi)
{
	struct job_view view;
	int r = job_open(handle->serial, file_of(handle));
	if (r != 0)
		return r;
	r = job_get(handle->serial, &view);
	if (r == 0)
		r = open_kind(handle, &view, fi);
	if (r != 0)
		job_close(handle->serial, file_of(handle));
	return r;
}

static int open_fixed(struct handle *handle, struct fuse_file_info *fi)
{
	switch (tree_number(handle->inode)) {
	case TREE_EVENTS:
		return ops_events_open(handle);
	case TREE_STATS:
	case TREE_METRICS:
		return ops_figures_open(handle, fi);
	case TREE_GALLERY:
		return ops_gallery_open(handle, fi);
	default:
		return -EISDIR;
	}
}

static int handle_new(fuse_ino_t inode, struct fuse_file_info *fi, struct handle **out)
{
	struct handle *handle = calloc(1, sizeof(*handle));
	if (handle == NULL)
		return -ENOMEM;
	handle->inode = inode;
	handle->serial = tree_serial(inode);
	handle->fd = -1;
	int r = handle->serial > 0 ? open_of_job(handle, fi) : open_fixed(handle, fi);
	if (r != 0) {
		handle_free(handle);
		return r;
	}
	handle_link(handle);
	if (handle->pass > 0)
		ops_pass_answer(fi, handle->pass);
	fi->fh = (uint64_t)(uintptr_t)handle;
	*out = handle;
	return 0;
}

static int reply_open(fuse_req_t req, const struct handle *handle, const struct fuse_file_info *fi)
{
	return handle->listener != NULL ? ops_events_reply_open(req, fi) : fuse_reply_open(req, fi);
}

/* An open that was interrupted is not followed by a release. */
void ops_file_reply_open(
	fuse_req_t req, struct handle *handle, const struct fuse_file_info *fi, int r)
{
	bool gone = r != 0 || reply_open(req, handle, fi) == -ENOENT;
	if (r != 0)
		(void)fuse_reply_err(req, -r);
	if (gone && handle != NULL)
		handle_close(handle);
}

void ops_file_op_open(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi)
{
	struct handle *handle = NULL;
	/* Also to read, O_TRUNC: answered with success, the kernel would show an empty file. */
	bool changes = (fi->flags & O_ACCMODE) != O_RDONLY || (fi->flags & O_TRUNC) != 0;
	int r = changes ? -EACCES : handle_new(inode, fi, &handle);
	if (r == 0 && handle->edition != NULL)
		ops_gallery_reply_open(req, handle, fi);
	else
		ops_file_reply_open(req, handle, fi, r);
}

void ops_file_create(
	fuse_req_t req, const struct fuse_entry_param *entry, struct fuse_file_info *fi)
{
	struct handle *handle = NULL;
	int r = handle_new(entry->ino, fi, &handle);
	if (r != 0)
		(void)fuse_reply_err(req, -r);
	else if (fuse_reply_create(req, entry, fi) == -ENOENT)
		handle_close(handle);
}

/* ---- read ------------------------------------------------------------------------------------- */

/* A copy: the moment that the kernel has its bytes, another thread may release the file. */
void ops_file_reply(fuse_req_t req, const char *text, size_t length, size_t size, off_t offset)
{
	size_t at = (uint64_t)offset < length ? (size_t)offset : length;
	size_t count = size < length - at ? size : length - at;
	char *slice = malloc(count + 1);
	if (slice == NULL) {
		(void)fuse_reply_err(req, ENOMEM);
		return;
	}
	if (count > 0)
		memcpy(slice, text + at, count);
	(void)fuse_reply_buf(req, slice, count);
	free(slice);
}

static void read_of_job(fuse_req_t req, struct handle *handle, size_t size, off_t offset)
{
	switch (tree_kind(handle->inode)) {
	case TREE_STATUS:
		ops_status_read(req, handle, size, offset);
		break;
	case TREE_VIDEO:
		ops_video_read(req, handle, size, offset);
		break;
	default:
		ops_file_reply(req, handle->text, handle->length, size, offset);
	}
}

void ops_file_op_read(
	fuse_req_t req, fuse_ino_t inode, size_t size, off_t offset, struct fuse_file_info *fi)
{
	struct handle *handle = ops_file_handle(fi);
	if (handle->serial > 0)
		read_of_job(req, handle, size, offset);
	else if (inode == TREE_EVENTS)
		ops_events_read(req, handle, size, fi);
	else if (handle->edition != NULL)
		ops_gallery_read(req, handle, size, offset);
	else
		ops_file_reply(req, handle->text, handle->length, size, offset);
}

void ops_file_op_release(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi)
{
	(void)inode;
	handle_close(ops_file_handle(fi));
	(void)fuse_reply_err(req, 0);
}
