/* SPDX-License-Identifier: MIT */
/*
 * echo: telling those who watch files, with inotify.
 *
 * Owns    a thread, and a process that acts through the mount: the kernel tells watchers only of
 *         what somebody does there.
 * Thread  echo_fork(), echo_start(), echo_stop(): main's. The others: any.
 * Gives   ATTRIB of status.json, CREATE and CLOSE_WRITE of video.mp4, CREATE of a job's directory.
 * Never   is needed: when it stalls, nothing else does.
 */
#ifndef ECHO_H
#define ECHO_H

#include <fuse_lowlevel.h>
#include <stdbool.h>

/*
 * Starts the process, before there are threads and anything that it must not have. Where that fails
 * there is no echo. mountpoint is absolute, and stays the caller's.
 */
void echo_fork(const char *mountpoint);

/*
 * Once the mount is being served. on_answer() comes when the process has seen it answer: on the
 * thread, once.
 */
void echo_start(struct fuse_session *session, void (*on_answer)(void));

/* While the mount is still being served: ends both. */
void echo_stop(void);

/* Whether it is the process that asks. */
bool echo_asks(fuse_req_t req);

/* Whether it is about to make something of a job as if it were new: JOB_NEWS_TRACKED, JOB_NEWS_VIDEO. */
bool echo_makes(uint64_t serial, unsigned what);

#endif
