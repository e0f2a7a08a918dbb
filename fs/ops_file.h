/* SPDX-License-Identifier: MIT */
/*
 * ops_file: open files. Private to ops*.c. ops_file.c has what is common to all, and the documents
 * that are no more than their text; ops_status.c status.json, ops_video.c videos, ops_events.c the
 * events, ops_figures.c the daemon's figures, ops_gallery.c index.html, ops_poll.c who waits with poll(2).
 */
#ifndef OPS_FILE_H
#define OPS_FILE_H

#include "ops.h"

#include <sys/queue.h>

struct sheet;
struct listener;
struct edition;

/* Set at open, then never changed but where it says so: several READs of one run at the same time. */
struct handle {
	LIST_ENTRY(handle) link; /* shared: under the lock */
	fuse_ino_t inode;
	uint64_t serial; /* 0: of no job */

	struct fuse_pollhandle *poll; /* shared: under the lock. Who waits for news, or NULL */
	int64_t seen; /* shared: under the lock. The sight that was read, or told of by poll(2) */
	bool polled; /* shared: under the lock. It was asked at least once */

	struct sheet *sheet; /* of status.json */
	struct listener *listener; /* of the events */
	struct edition *edition; /* of the gallery */
	char *text; /* of the other documents */
	size_t length;

	int fd; /* of a video that was whole at open; -1 */
	int64_t size;
	uint32_t epoch;
	bool whole; /* the video was, at open */
	_Atomic int64_t
		given_up; /* bytes of it that were there when a READ waited in vain, or -1 */
	int32_t pass; /* above 0: the kernel's number for the file, which it reads by itself */
};

LIST_HEAD(handles, handle);

extern struct ops_context ops_context; /* set once before the threads start */

/* The leaf lock of what is open: handles, sheets. */
void ops_file_lock(void);
void ops_file_unlock(void);

/* All that is open. Shared: under the lock. */
extern struct handles ops_handles;

/* Frees what is still open. */
void ops_file_close(void);

void ops_file_op_open(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi);
void ops_file_op_read(
	fuse_req_t req, fuse_ino_t inode, size_t size, off_t offset, struct fuse_file_info *fi);
void ops_file_op_release(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi);

/* For the echo alone: a video that is there is made as if it were new. */
void ops_file_create(
	fuse_req_t req, const struct fuse_entry_param *entry, struct fuse_file_info *fi);

/* Answers an open with a handle, or with the error r and without it. */
void ops_file_reply_open(
	fuse_req_t req, struct handle *handle, const struct fuse_file_info *fi, int r);

/* The size of a document that is open, of a job that is forgotten: 0 or -ENOENT. */
int ops_file_orphan(uint64_t inode, uint32_t *size);

struct handle *ops_file_handle(const struct fuse_file_info *fi);

/* Answers with what is at offset of a text, which is copied. */
void ops_file_reply(fuse_req_t req, const char *text, size_t length, size_t size, off_t offset);

/* ---- ops_status.c -------------------------------------------------------------------------------- */

/* Each sets how the kernel has it open. 0 or -errno; after that, close is the caller's duty. */
int ops_status_open(struct handle *handle, const struct job_view *view, struct fuse_file_info *fi);
void ops_status_close(const struct handle *handle);
void ops_status_read(fuse_req_t req, struct handle *handle, size_t size, off_t offset);

/* Whether the kernel keeps what is read of it: then we do not see every reader. */
bool ops_status_is_cached(const struct handle *handle);

/* Of the document that this reader has. Under the lock. */
size_t ops_status_length(const struct handle *handle);

/* The size that status.json shows: of its text now, or what its readers were told before. */
uint32_t ops_status_size(const struct job_view *view);

/* ---- ops_video.c --------------------------------------------------------------------------------- */

int ops_video_open(struct handle *handle, const struct job_view *view, struct fuse_file_info *fi);
void ops_video_read(fuse_req_t req, const struct handle *handle, size_t size, off_t offset);

/* Under the lock, before it joins the list of what is open: how the kernel will read it. */
int32_t ops_video_pass(const struct handle *handle);

/* ---- ops_events.c -------------------------------------------------------------------------------- */

int ops_events_open(struct handle *handle);
int ops_events_reply_open(fuse_req_t req, const struct fuse_file_info *fi);
void ops_events_close(const struct handle *handle);
void ops_events_read(
	fuse_req_t req, const struct handle *handle, size_t size, const struct fuse_file_info *fi);

/* Whether there is something to read. */
bool ops_events_ready(const struct handle *handle);

/* ---- ops_figures.c ------------------------------------------------------------------------------- */

int ops_figures_open(struct handle *handle, struct fuse_file_info *fi);

/* The size that stats.json and metrics.prom have whenever they are opened. */
uint32_t ops_figures_size(uint64_t inode);

/* ---- ops_gallery.c ------------------------------------------------------------------------------- */

/* The inode of the edition that is told of now. */
uint64_t ops_gallery_inode(void);

/* The size and the time of an edition: 0 or -ESTALE. */
int ops_gallery_stat(uint64_t inode, uint32_t *size, int64_t *changed_ms);

/* 0 or -ESTALE. After it, close is the caller's duty, and the open is answered by ops_gallery_reply_open(). */
int ops_gallery_open(struct handle *handle, struct fuse_file_info *fi);
void ops_gallery_close(const struct handle *handle);
void ops_gallery_reply_open(fuse_req_t req, struct handle *handle, const struct fuse_file_info *fi);
void ops_gallery_read(fuse_req_t req, const struct handle *handle, size_t size, off_t offset);

/* ---- ops_poll.c ---------------------------------------------------------------------------------- */

/* What there is to see of a job, NULL: that it is gone. Another number, other news. */
int64_t ops_poll_sight(const struct job *job);

void ops_poll_op(
	fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi, struct fuse_pollhandle *poll);

/* At the end of a handle. */
void ops_poll_forget(struct handle *handle);

/* Wakes who waits for news of a job, and for events. Not from a handler. */
void ops_poll_wake(uint64_t serial);

#endif
