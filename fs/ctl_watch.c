/* SPDX-License-Identifier: MIT */
/*
 * Waiting for jobs. The kernel is asked, with poll(2), to say when one has changed; then it is read.
 * Only for people who look on, the bytes of a download, which are no change, are read once a second.
 */
#include "ctl_watch.h"

#include "base.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#define AT_ONCE 64 /* changes that are taken between two looks at the clock */

static void release(struct watch *watch, struct watched *job)
{
	if (job->fd < 0)
		return;
	(void)close(job->fd);
	job->fd = -1;
	watch->open--;
}

static void end(struct watch *watch, struct watched *job, int r)
{
	if (job->over)
		return;
	job->over = watch->changed = true;
	job->error = r;
	watch->over++;
	if (r != 0 || !ctl_job_is_good(&job->job))
		watch->failed++;
	release(watch, job);
}

void ctl_watch_read(struct watch *watch, struct watched *job)
{
	static char document[CTL_DOCUMENT_SIZE];
	struct ctl_job new;
	int r = ctl_document_read(job->fd, document);
	if (r == 0)
		r = ctl_job_parse(document, &new);
	if (r == -EINTR)
		return;
	if (r != 0) {
		watch->gone = watch->gone || ctl_mount_is_gone(-r);
		end(watch, job, r);
		return;
	}
	job->job = new;
	job->changed = watch->changed = true;
	job->read_ms = clock_ms();
	if (new.progress >= 0)
		ctl_rate_add(&job->progress, job->read_ms, new.progress);
	if (new.video == VIDEO_FETCHING &&new.bytes >= 0)
		ctl_rate_add(&job->bytes, job->read_ms, new.bytes);
	if (ctl_job_is_over(&new))
		end(watch, job, 0);
}

/* Its status.json: told until it is read, as a file of sysfs. */
static int listen_to(struct watch *watch, struct watched *job)
{
	struct epoll_event event = { .events = EPOLLPRI | EPOLLERR, .data.ptr = job };
	return epoll_ctl(watch->epoll, EPOLL_CTL_ADD, job->fd, &event) == 0 ? 0 : -errno;
}

/* 0; -EMFILE when its turn is later, when another job is over. */
static int start(struct watch *watch, struct watched *job)
{
	do
		job->fd = ctl_job_open(watch->ctl, job->job.id);
	while (job->fd < 0 && errno == EINTR && ctl_signal_ending() == 0);
	int r = job->fd >= 0 ? 0 : -errno;
	if ((r == -EMFILE || r == -ENFILE) && watch->open > 0)
		return -EMFILE;
	if (r == 0) {
		watch->open++;
		ctl_watch_read(watch, job);
		if (!job->over)
			r = listen_to(watch, job);
	}
	if (r != 0 && r != -EINTR) {
		watch->gone = watch->gone || ctl_mount_is_gone(-r);
		end(watch, job, r);
	}
	return 0;
}

void ctl_watch_start(struct watch *watch)
{
	while (watch->next < watch->count && !watch->gone && ctl_signal_ending() == 0) {
		if (start(watch, &watch->jobs[watch->next]) != 0)
			return;
		watch->next++;
	}
}

void ctl_watch_changed(struct watch *watch)
{
	struct epoll_event events[AT_ONCE];
	int count = epoll_wait(watch->epoll, events, AT_ONCE, 0);
	for (int i = 0; i < count; i++) {
		struct watched *job = events[i].data.ptr;
		if (!job->over)
			ctl_watch_read(watch, job);
	}
}

/* As many files as we may have open, a job needs one. */
static void raise_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

int ctl_watch_open(struct watch *watch, const struct ctl *ctl, char *const *ids, int count)
{
	memset(watch, 0, sizeof(*watch));
	watch->ctl = ctl;
	watch->epoll = epoll_create1(EPOLL_CLOEXEC);
	watch->jobs = calloc((size_t)count, sizeof(*watch->jobs));
	if (watch->epoll < 0 || watch->jobs == NULL)
		return -errno;
	raise_limit();
	watch->count = count;
	watch->started_ms = clock_ms();
	for (int i = 0; i < count; i++) {
		watch->jobs[i].fd = -1;
		(void)snprintf(watch->jobs[i].job.id, ID_SIZE, "%s", ids[i]);
		watch->jobs[i].job.progress = -1;
	}
	return 0;
}

void ctl_watch_close(struct watch *watch)
{
	for (int i = 0; i < watch->count; i++)
		release(watch, &watch->jobs[i]);
	if (watch->epoll >= 0)
		(void)close(watch->epoll);
	free(watch->jobs);
}
