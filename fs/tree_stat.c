/* SPDX-License-Identifier: MIT */
/* The attributes of what is in the mount, and which of them stay until somebody is told. */
#include "tree.h"

#include "base.h"

#include <errno.h>
#include <string.h>

#define DOCUMENT_BLOCK 4096
#define VIDEO_BLOCK 131072 /* what one request of the kernel asks for */
#define DIRECTORY_SIZE 4096
#define SECTOR 512 /* the unit of st_blocks, whatever the file system */

/* The same for all three, so that no cache sees a change where there was none. */
static void set_times(struct stat *st, int64_t seconds, long nanoseconds)
{
	st->st_mtim.tv_sec = (time_t)seconds;
	st->st_mtim.tv_nsec = nanoseconds;
	st->st_atim = st->st_ctim = st->st_mtim;
}

static void set_times_ms(struct stat *st, int64_t ms)
{
	set_times(st, ms / 1000, (long)(ms % 1000) * 1000000);
}

/* redated is far below a millisecond: it makes no time that is another change's. */
static void stat_directory(struct stat *st, nlink_t links, int64_t changed_ms, uint32_t redated)
{
	st->st_mode = S_IFDIR | 0777;
	st->st_nlink = links;
	st->st_size = DIRECTORY_SIZE;
	st->st_blksize = DOCUMENT_BLOCK;
	set_times(st, changed_ms / 1000, (long)(changed_ms % 1000) * 1000000 + redated % 1000000);
}

static void stat_file(struct stat *st, int64_t size, int64_t bytes, blksize_t block)
{
	st->st_mode = S_IFREG | 0444;
	st->st_nlink = 1;
	st->st_size = size;
	st->st_blocks = (bytes + SECTOR - 1) / SECTOR;
	st->st_blksize = block;
}

static void stat_document(struct stat *st, uint32_t size, int64_t changed_ms)
{
	stat_file(st, size, size, DOCUMENT_BLOCK);
	set_times_ms(st, changed_ms);
}

/* Of a removed video too, for who has it open still. */
static int stat_video(struct stat *st, const struct job *job)
{
	if (job->video_size < 0)
		return -ENOENT;
	/* Never no block at all: tar -S takes such a file for one of zeros, and reads none of it. */
	int64_t bytes = job_video_bytes(job);
	stat_file(st, job->video_size, bytes > 0 ? bytes : 1, VIDEO_BLOCK);
	st->st_nlink = job_has_video(job) ? 1 : 0;
	if (job->finished_at > 0)
		set_times(st, job->finished_at, 0);
	else
		set_times_ms(st, job->done_ms);
	return 0;
}

static void stat_link(struct stat *st, const struct job *job)
{
	st->st_mode = S_IFLNK | 0777;
	st->st_nlink = 1;
	st->st_size = (off_t)(strlen("../../" NAME_JOBS "/") + strlen(job->id));
	set_times_ms(st, job->tracked_ms);
}

/* When a job's directory was last another: the same after a remount, and with a video never as without. */
static int64_t listed_ms(const struct job *job)
{
	return (job->done_ms > 0 ? job->done_ms : job->tracked_ms) + job_has_video(job);
}

static int stat_of_job(struct stat *st, uint64_t inode, const struct job_view *view,
	const struct tree_sizes *sizes)
{
	const struct job *job = &view->job;

	switch (tree_kind(inode)) {
	case TREE_JOB_DIR:
		stat_directory(st, 2, listed_ms(job), view->redated);
		return 0;
	case TREE_STATUS:
		stat_document(st, sizes->status(view), job->changed_ms);
		return 0;
	case TREE_RESPONSE:
		stat_document(st, job->response_size, job->changed_ms);
		return 0;
	case TREE_VIDEO:
		/* Who has the one before open still must not take this one's size for his. */
		return tree_is_stale(inode, job) ? -ESTALE : stat_video(st, job);
	case TREE_LINK:
		stat_link(st, job);
		return 0;
	case TREE_KINDS:
		break;
	}
	return -ENOENT;
}

/* The bytes of a video come without a word; all else of a job is recalled when it changes. */
static enum tree_lasts lasts_of_job(uint64_t inode, const struct job_view *view)
{
	const struct job *job = &view->job;
	enum tree_kind kind = tree_kind(inode);
	if (!view->settled || tree_is_stale(inode, job) ||
		(kind == TREE_VIDEO && job->video != VIDEO_READY))
		return TREE_CHANGES;
	return kind == TREE_RESPONSE || job_video_is_final(job) ? TREE_LASTS : TREE_LASTS_KNOWN;
}

static bool stat_jobs(struct stat *st, enum job_state state)
{
	struct job_listing listing;
	job_listing(state, &listing);
	/* Each job is a directory in jobs/; links count for nothing. */
	stat_directory(st, state == JOB_UNKNOWN ? 2 + listing.jobs : 2, listing.changed_ms,
		listing.redated);
	return listing.settled;
}

/* Whether it lasts; -ENOENT. */
static int stat_fixed(struct stat *st, uint64_t inode, const struct tree_owner *owner,
	const struct tree_sizes *sizes)
{
	switch (inode) {
	case TREE_ROOT:
		stat_directory(st, 2 + 2, owner->started_ms, 0);
		return true;
	case TREE_JOBS:
		return stat_jobs(st, JOB_UNKNOWN);
	case TREE_BY_STATE:
		stat_directory(st, 2 + JOB_EXPIRED, owner->started_ms, 0);
		return true;
	case TREE_STATE(JOB_QUEUED):
	case TREE_STATE(JOB_RUNNING):
	case TREE_STATE(JOB_DONE):
	case TREE_STATE(JOB_FAILED):
	case TREE_STATE(JOB_EXPIRED):
		return stat_jobs(st, (enum job_state)(inode - TREE_BY_STATE));
	case TREE_META:
		stat_directory(st, 2, owner->started_ms, 0);
		return true;
	case TREE_EVENTS:
		stat_document(st, 0, owner->started_ms);
		return true;
	case TREE_STATS:
	case TREE_METRICS:
		stat_document(st, sizes->figures(inode), clock_wall_ms());
		return false;
	default:
		return -ENOENT;
	}
}

/* Each edition is a file that never changes. */
static int stat_gallery(struct stat *st, uint64_t inode, const struct tree_sizes *sizes)
{
	uint32_t size;
	int64_t changed_ms;
	int r = sizes->gallery(inode, &size, &changed_ms);
	if (r == 0)
		stat_document(st, size, changed_ms);
	return r < 0 ? r : false;
}

/* As of any file without a name. When that was taken away nobody knows any more. */
static int stat_orphan(struct stat *st, uint64_t inode, const struct tree_owner *owner,
	const struct tree_sizes *sizes)
{
	uint32_t size;
	int r = sizes->orphan(inode, &size);
	if (r != 0)
		return r;
	stat_document(st, size, owner->started_ms);
	st->st_nlink = 0;
	return 0;
}

static int stat_any(struct stat *st, uint64_t inode, const struct tree_owner *owner,
	const struct tree_sizes *sizes, enum tree_lasts *lasts)
{
	struct job_view view;
	int r;

	if (tree_serial(inode) == 0) {
		r = tree_number(inode) == TREE_GALLERY ? stat_gallery(st, inode, sizes)
						       : stat_fixed(st, inode, owner, sizes);
		*lasts = r > 0 ? TREE_LASTS : TREE_CHANGES;
		return r < 0 ? r : 0;
	}
	r = job_get(tree_serial(inode), &view);
	if (r != 0)
		return stat_orphan(st, inode, owner, sizes);
	r = stat_of_job(st, inode, &view, sizes);
	if (r == 0)
		*lasts = lasts_of_job(inode, &view);
	return r;
}

int tree_stat(uint64_t inode, const struct tree_owner *owner, const struct tree_sizes *sizes,
	struct stat *st, enum tree_lasts *lasts)
{
	struct stat new = {
		.st_ino = tree_number(inode), .st_uid = owner->uid, .st_gid = owner->gid
	};
	enum tree_lasts new_lasts = TREE_CHANGES;
	int r = stat_any(&new, inode, owner, sizes, &new_lasts);
	if (r != 0)
		return r;
	if (!S_ISLNK(new.st_mode))
		new.st_mode &= ~(owner->umask & 0777);
	*st = new;
	*lasts = new_lasts;
	return 0;
}
