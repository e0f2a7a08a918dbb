/* SPDX-License-Identifier: MIT */
/*
 * Open files. A document is taken at open and never changes under its reader. A READ of a video is
 * answered in full or not at all: through the page cache a short answer would mean end of file.
 */
#include "ops_file.h"

#include "base.h"
#include "engine.h"
#include "ops_pass.h"
#include "park.h"
#include "view.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Set at open, then never changed: several READs of one handle run at the same time. */
struct handle {
	LIST_ENTRY(handle) link; /* shared: under the lock */
	enum tree_kind kind;
	fuse_ino_t inode;
	uint64_t serial;
	char *text; /* of a document */
	size_t length;
	int fd; /* of a video that was whole at open; -1 */
	int64_t size;
	uint32_t epoch;
	bool whole; /* the video was, at open */
	int32_t pass; /* above 0: the kernel's number for the file, which it reads by itself */
};

static struct ops_context context;

/*
 * Guards the list of open handles alone: it tells how an inode is open, and those that are left at
 * the end are freed then.
 */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static LIST_HEAD(, handle) handles = LIST_HEAD_INITIALIZER(handles);

void ops_file_open(const struct ops_context *c)
{
	context = *c;
}

static enum job_file file_of(enum tree_kind kind)
{
	switch (kind) {
	case TREE_STATUS:
		return JOB_FILE_STATUS;
	case TREE_RESPONSE:
		return JOB_FILE_RESPONSE;
	default:
		return JOB_FILE_VIDEO;
	}
}

static struct handle *handle_of(const struct fuse_file_info *fi)
{
	return (struct handle *)(uintptr_t)fi->fh;
}

static void handle_free(struct handle *handle)
{
	if (handle->fd >= 0)
		(void)close(handle->fd);
	free(handle->text);
	free(handle);
}

/* Another one of the same inode, under the lock. */
static const struct handle *find_other(const struct handle *handle)
{
	const struct handle *other = LIST_FIRST(&handles);
	while (other != NULL && other->inode != handle->inode)
		other = LIST_NEXT(other, link);
	return other;
}

/*
 * An inode is read by the kernel itself for all who have it open, or for none: it refuses what does
 * not go together. The first one decides. Who has opened a video before it was whole counts too, also
 * when he has closed it and has it mapped: his release comes after that.
 */
static int32_t find_pass(const struct handle *handle)
{
	if (handle->kind != TREE_VIDEO)
		return 0;
	const struct handle *other = find_other(handle);
	if (other != NULL || !handle->whole)
		return other != NULL ? other->pass : 0;
	return ops_pass_open(context.fuse_fd, handle->fd);
}

static void handle_link(struct handle *handle)
{
	(void)pthread_mutex_lock(&lock);
	handle->pass = find_pass(handle);
	LIST_INSERT_HEAD(&handles, handle, link);
	(void)pthread_mutex_unlock(&lock);
	if (handle->pass != 0)
		ops_pass_say(handle->pass);
}

static void handle_close(struct handle *handle)
{
	(void)pthread_mutex_lock(&lock);
	LIST_REMOVE(handle, link);
	bool last = handle->pass > 0 && find_other(handle) == NULL;
	(void)pthread_mutex_unlock(&lock);
	if (last)
		ops_pass_close(context.fuse_fd, handle->pass);
	job_close(handle->serial, file_of(handle->kind));
	handle_free(handle);
}

void ops_close(void)
{
	struct handle *handle;
	while ((handle = LIST_FIRST(&handles)) != NULL) {
		LIST_REMOVE(handle, link);
		handle_free(handle);
	}
}

/* ---- open ------------------------------------------------------------------------------------- */

/* Somebody looks: the next poll comes sooner. Only a letter where it would change something. */
static void watch(const struct job *job)
{
	int64_t age_ms = clock_wall_ms() - job->poll_last_ms;
	bool old =
		age_ms < 0 || age_ms >= context.interval_watched_ms; /* a clock may be set back */
	if (!job_is_final(job) && old)
		engine_watch(job->serial);
}

/* While it changes, each reader has his own; when it does not, the page cache serves it. */
static int open_status(struct handle *handle, const struct job *job, struct fuse_file_info *fi)
{
	handle->text = view_status(job, context.provider, &handle->length);
	fi->direct_io = !job_video_is_final(job);
	watch(job);
	return handle->text != NULL ? 0 : -ENOMEM;
}

static int open_response(struct handle *handle, const struct job *job, struct fuse_file_info *fi)
{
	fi->direct_io = !job_is_final(job);
	return catalog_body(context.catalog, job->serial, &handle->text, &handle->length);
}

/* Somebody has been at the store's file: its bytes are never given out as the video's. */
static bool is_short(const struct handle *handle)
{
	struct stat st;
	return handle->fd >= 0 && fstat(handle->fd, &st) == 0 && st.st_size != handle->size;
}

static int open_video(struct handle *handle, const struct job *job, struct fuse_file_info *fi)
{
	if (!tree_has_video(job))
		return -ENOENT;
	/* The kernel looks its name up again. What it kept of the old inode would be another file's. */
	if (tree_is_stale(handle->inode, job))
		return -ESTALE;
	handle->whole = job->video == VIDEO_READY;
	handle->size = job->video_size;
	handle->epoch = job->video_epoch;
	fi->direct_io = !handle->whole;
	/* Also meanwhile: to drop its pages, the kernel would wait for a READ of them that waits. */
	fi->keep_cache = true;
	if (!handle->whole)
		return 0;
	handle->fd = store_open_video(context.store, job->serial, true);
	if (handle->fd == -ENOENT || is_short(handle)) {
		engine_damaged(job->serial);
		return -EIO;
	}
	return handle->fd >= 0 ? 0 : handle->fd;
}

static int open_kind(struct handle *handle, const struct job *job, struct fuse_file_info *fi)
{
	switch (handle->kind) {
	case TREE_STATUS:
		return open_status(handle, job, fi);
	case TREE_RESPONSE:
		return open_response(handle, job, fi);
	case TREE_VIDEO:
		return open_video(handle, job, fi);
	default:
		return -EISDIR;
	}
}

static int open_handle(fuse_ino_t inode, struct fuse_file_info *fi, struct handle **out)
{
	struct job_view view;
	if (tree_serial(inode) == 0)
		return -EISDIR;
	struct handle *handle = calloc(1, sizeof(*handle));
	if (handle == NULL)
		return -ENOMEM;
	handle->inode = inode;
	handle->kind = tree_kind(inode);
	handle->serial = tree_serial(inode);
	handle->fd = -1;
	/* Counted before it is looked at, so that no rmdir comes between. */
	int r = job_open(handle->serial, file_of(handle->kind));
	if (r == 0) {
		r = job_get(handle->serial, &view);
		if (r == 0)
			r = open_kind(handle, &view.job, fi);
		if (r != 0)
			job_close(handle->serial, file_of(handle->kind));
	}
	if (r != 0) {
		handle_free(handle);
		return r;
	}
	(void)job_show(handle->serial, file_of(handle->kind), (uint32_t)handle->length);
	handle_link(handle);
	if (handle->pass > 0)
		ops_pass_answer(fi, handle->pass);
	*out = handle;
	return 0;
}

void ops_file_op_open(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi)
{
	struct handle *handle = NULL;
	int r = (fi->flags & O_ACCMODE) != O_RDONLY ? -EACCES : open_handle(inode, fi, &handle);
	if (r != 0) {
		(void)fuse_reply_err(req, -r);
		return;
	}
	fi->fh = (uint64_t)(uintptr_t)handle;
	/* An open that was interrupted is not followed by a release. */
	if (fuse_reply_open(req, fi) == -ENOENT)
		handle_close(handle);
}

/* ---- read ------------------------------------------------------------------------------------- */

/* A copy: the moment that the kernel has its bytes, another thread may release the file. */
static void reply_slice(fuse_req_t req, const char *text, size_t length, size_t size, off_t offset)
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

/* As long as its size was shown: a tool that copies st_size bytes gets a whole document. */
static void read_status(fuse_req_t req, const struct handle *handle, size_t size, off_t offset)
{
	size_t shown = job_show(handle->serial, JOB_FILE_STATUS, (uint32_t)handle->length);
	if (shown <= handle->length) {
		reply_slice(req, handle->text, handle->length, size, offset);
		return;
	}
	char *padded = malloc(shown + 1);
	if (padded == NULL) {
		(void)fuse_reply_err(req, ENOMEM);
		return;
	}
	size_t length = handle->length;
	memcpy(padded, handle->text, length + 1);
	view_pad(padded, &length, shown);
	reply_slice(req, padded, length, size, offset);
	free(padded);
}

/* All of it, or EIO: the store's file is shorter than it was. */
static int read_fully(int fd, char *buffer, size_t size, off_t offset)
{
	size_t done = 0;
	while (done < size) {
		ssize_t n = pread(fd, buffer + done, size - done, offset + (off_t)done);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return -EIO;
		if (n > 0)
			done += (size_t)n;
	}
	return 0;
}

/*
 * The part is opened when its bytes are there, and not before: a download that cannot trust the part
 * of a former life makes a new one. Afterwards it may be another video's, which is told by the epoch.
 */
static int read_part(const struct handle *handle, char *buffer, size_t size, off_t offset)
{
	int fd = store_open_video(context.store, handle->serial, false);
	if (fd < 0)
		return fd == -ENOENT ? -EIO : fd;
	int r = read_fully(fd, buffer, size, offset);
	(void)close(fd);
	return r == 0 && !job_has_epoch(handle->serial, handle->epoch) ? -EIO : r;
}

static void reply_bytes(fuse_req_t req, const struct handle *handle, size_t size, off_t offset)
{
	char *buffer = malloc(size);
	int r = -ENOMEM;
	if (buffer != NULL && handle->whole)
		r = read_fully(handle->fd, buffer, size, offset);
	else if (buffer != NULL)
		r = read_part(handle, buffer, size, offset);
	if (r == 0)
		(void)fuse_reply_buf(req, buffer, size);
	else
		(void)fuse_reply_err(req, -r);
	free(buffer);
}

/* Until the answer the handle lives: the kernel releases a file only when no READ of it is open. */
static void reply_video(fuse_req_t req, const struct park_about *about, int status)
{
	const struct handle *handle = (const struct handle *)(uintptr_t)about->handle;
	if (status == 0)
		reply_bytes(req, handle, about->size, about->offset);
	else
		(void)fuse_reply_err(req, -status);
}

static void read_video(fuse_req_t req, const struct handle *handle, size_t size, off_t offset)
{
	if (offset >= handle->size) {
		(void)fuse_reply_buf(req, NULL, 0);
		return;
	}
	if ((int64_t)size > handle->size - offset)
		size = (size_t)(handle->size - offset);
	if (handle->whole) {
		reply_bytes(req, handle, size, offset);
		return;
	}
	const struct park_about about = {
		.handle = (uint64_t)(uintptr_t)handle, .size = size, .offset = offset
	};
	park_bytes(req, handle->serial, handle->epoch, &about, reply_video);
}

void ops_file_op_read(
	fuse_req_t req, fuse_ino_t inode, size_t size, off_t offset, struct fuse_file_info *fi)
{
	const struct handle *handle = handle_of(fi);
	(void)inode;
	switch (handle->kind) {
	case TREE_STATUS:
		read_status(req, handle, size, offset);
		break;
	case TREE_RESPONSE:
		reply_slice(req, handle->text, handle->length, size, offset);
		break;
	default:
		read_video(req, handle, size, offset);
	}
}

void ops_file_op_release(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi)
{
	(void)inode;
	handle_close(handle_of(fi));
	(void)fuse_reply_err(req, 0);
}
