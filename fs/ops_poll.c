/* SPDX-License-Identifier: MIT */
/*
 * poll(2), in the manner of sysfs: status.json is always readable, and has POLLPRI and POLLERR from a
 * change of its state or progress on until it is read from its beginning. Through the page cache we
 * do not see that, so there it is the telling that counts.
 */
#include "ops_file.h"

#include <poll.h>
#include <stdatomic.h>

#define ALWAYS (POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM)
#define GONE (-1) /* the sight of a job that is forgotten */

static atomic_uint waiting; /* so many handles have one */

int64_t ops_poll_sight(const struct job *job)
{
	if (job == NULL)
		return GONE;
	return ((int64_t)job->state * (VIDEO_REMOVED + 1) + (int64_t)job->video) * 1000 +
	       job->progress + 1;
}

static bool is_status(const struct handle *handle)
{
	return handle->sheet != NULL;
}

/*
 * What had changed before the first time that we are asked is told twice: the first answer may go to
 * EPOLL_CTL_ADD, where nobody sees it.
 */
static bool has_news(struct handle *handle)
{
	struct job_view view;
	int64_t sight = ops_poll_sight(job_get(handle->serial, &view) == 0 ? &view.job : NULL);
	ops_file_lock();
	bool news = handle->seen != sight;
	if (ops_status_is_cached(handle) && handle->polled)
		handle->seen = sight;
	handle->polled = true;
	ops_file_unlock();
	return news;
}

static unsigned ready(struct handle *handle)
{
	if (handle->listener != NULL)
		return ops_events_ready(handle) ? POLLIN | POLLRDNORM : 0;
	return ALWAYS | (is_status(handle) && has_news(handle) ? POLLPRI | POLLERR : 0);
}

/* Whom to wake is known before it is looked at: nothing comes in between. */
static void wait_for_news(struct handle *handle, struct fuse_pollhandle *poll)
{
	ops_file_lock();
	struct fuse_pollhandle *old = handle->poll;
	handle->poll = poll;
	ops_file_unlock();
	if (old != NULL)
		fuse_pollhandle_destroy(old);
	else
		waiting++;
}

void ops_poll_op(
	fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi, struct fuse_pollhandle *poll)
{
	struct handle *handle = ops_file_handle(fi);
	(void)inode;
	if (poll != NULL)
		wait_for_news(handle, poll);
	(void)fuse_reply_poll(req, ready(handle));
}

void ops_poll_forget(struct handle *handle)
{
	if (handle->poll == NULL)
		return;
	fuse_pollhandle_destroy(handle->poll);
	waiting--;
}

static struct fuse_pollhandle *take_waiting(uint64_t serial)
{
	struct fuse_pollhandle *poll = NULL;
	struct handle *handle;
	ops_file_lock();
	LIST_FOREACH (handle, &ops_handles, link) {
		bool meant = handle->serial == serial || handle->listener != NULL;
		if (handle->poll != NULL && meant)
			break;
	}
	if (handle != NULL) {
		poll = handle->poll;
		handle->poll = NULL;
		waiting--;
	}
	ops_file_unlock();
	return poll;
}

void ops_poll_wake(uint64_t serial)
{
	struct fuse_pollhandle *poll;
	while (waiting > 0 && (poll = take_waiting(serial)) != NULL) {
		(void)fuse_lowlevel_notify_poll(poll);
		fuse_pollhandle_destroy(poll);
	}
}
