/* SPDX-License-Identifier: MIT */
/*
 * Open videos. A READ is answered in full or not at all: through the page cache a short answer would
 * mean end of file.
 */
#include "ops_file.h"

#include "engine.h"
#include "ops_pass.h"
#include "park.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* Another one of the same inode, under the lock. */
static const struct handle *find_other(const struct handle *handle)
{
	const struct handle *other = LIST_FIRST(&ops_handles);
	while (other != NULL && other->inode != handle->inode)
		other = LIST_NEXT(other, link);
	return other;
}

/*
 * An inode is read by the kernel itself for all who have it open, or for none: it refuses what does
 * not go together. The first one decides. Who has opened a video before it was whole counts too, also
 * when he has closed it and has it mapped: his release comes after that.
 */
int32_t ops_video_pass(const struct handle *handle)
{
	const struct handle *other = find_other(handle);
	if (other != NULL || !handle->whole)
		return other != NULL ? other->pass : 0;
	return ops_pass_open(ops_context.fuse_fd, handle->fd);
}

/* Somebody has been at the store's file: its bytes are never given out as the video's. */
static bool is_short(const struct handle *handle)
{
	struct stat st;
	return handle->fd >= 0 && fstat(handle->fd, &st) == 0 && st.st_size != handle->size;
}

int ops_video_open(struct handle *handle, const struct job_view *view, struct fuse_file_info *fi)
{
	const struct job *job = &view->job;
	if (!job_has_video(job))
		return -ENOENT;
	/* The kernel looks its name up again. What it kept of the old inode would be another file's. */
	if (tree_is_stale(handle->inode, job))
		return -ESTALE;
	handle->whole = job->video == VIDEO_READY;
	handle->size = job->video_size;
	handle->epoch = job->video_epoch;
	handle->given_up = -1;
	fi->direct_io = !handle->whole;
	/* Also meanwhile: to drop its pages, the kernel would wait for a READ of them that waits. */
	fi->keep_cache = true;
	if (!handle->whole)
		return 0;
	handle->fd = store_open_video(ops_context.store, job->serial, true);
	if (handle->fd == -ENOENT || is_short(handle)) {
		engine_damaged(job->serial);
		return -EIO;
	}
	return handle->fd >= 0 ? 0 : handle->fd;
}

/* ---- read ------------------------------------------------------------------------------------- */

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
	int fd = store_open_video(ops_context.store, handle->serial, false);
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

/*
 * Who has waited in vain and reads on, as rsync does with each block of a file, does not wait as long
 * again before something new has come.
 */
static bool is_given_up(const struct handle *handle, size_t size, off_t offset)
{
	struct job_view view;
	return handle->given_up >= 0 && job_get(handle->serial, &view) == 0 &&
	       job_video_bytes(&view.job) == handle->given_up &&
	       job_video_gap(&view.job, offset) < offset + (off_t)size;
}

static void give_up(struct handle *handle)
{
	struct job_view view;
	if (job_get(handle->serial, &view) == 0)
		handle->given_up = job_video_bytes(&view.job);
}

/* Until the answer the handle lives: the kernel releases a file only when no READ of it is open. */
static void reply_video(fuse_req_t req, const struct park_about *about, int status)
{
	struct handle *handle = (struct handle *)(uintptr_t)about->handle;
	if (status == -ETIMEDOUT)
		give_up(handle);
	if (status == 0)
		reply_bytes(req, handle, about->size, about->offset);
	else
		(void)fuse_reply_err(req, -status);
}

void ops_video_read(fuse_req_t req, const struct handle *handle, size_t size, off_t offset)
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
	if (is_given_up(handle, size, offset)) {
		(void)fuse_reply_err(req, ETIMEDOUT);
		return;
	}
	const struct park_about about = {
		.handle = (uint64_t)(uintptr_t)handle, .size = size, .offset = offset
	};
	park_bytes(req, handle->serial, handle->epoch, &about, reply_video);
}
