/* SPDX-License-Identifier: MIT */
/* The shape of the mount: three levels, of which only the names in jobs/ vary. */
#include "tree.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define PER_JOB 16 /* inode numbers */
#define EPOCH_SHIFT 56 /* in an inode number: below it are the serial and the kind */
#define DOCUMENT_BLOCK 4096
#define VIDEO_BLOCK 131072 /* what one request of the kernel asks for */
#define DIRECTORY_SIZE 4096
#define SECTOR 512 /* the unit of st_blocks, whatever the file system */

/* Positions in a directory: its own name, its parent's, then what is in it. */
#define FIRST_ENTRY 2

static const char *const file_names[TREE_KINDS] = {
	[TREE_STATUS] = NAME_STATUS,
	[TREE_RESPONSE] = NAME_RESPONSE,
	[TREE_VIDEO] = NAME_VIDEO,
};

uint64_t tree_inode(uint64_t serial, enum tree_kind kind)
{
	return serial * PER_JOB + kind;
}

uint64_t tree_serial(uint64_t inode)
{
	return tree_number(inode) / PER_JOB;
}

enum tree_kind tree_kind(uint64_t inode)
{
	return (enum tree_kind)(inode % PER_JOB);
}

uint64_t tree_number(uint64_t inode)
{
	return inode & ((UINT64_C(1) << EPOCH_SHIFT) - 1);
}

/* Of a file as it is now. The kernel keeps pages and the way it reads them by inode. */
static uint64_t inode_of(const struct job *job, enum tree_kind kind)
{
	uint64_t epoch = kind == TREE_VIDEO ? job->video_epoch : 0;
	return tree_inode(job->serial, kind) | epoch << EPOCH_SHIFT;
}

bool tree_is_stale(uint64_t inode, const struct job *job)
{
	return inode != inode_of(job, tree_kind(inode));
}

bool tree_has_video(const struct job *job)
{
	return job->video_size >= 0 && (job->video == VIDEO_FETCHING || job->video == VIDEO_READY);
}

/* Whether there is such a directory; view is filled for a job's. */
static int check_directory(uint64_t inode, struct job_view *view)
{
	if (inode == TREE_ROOT || inode == TREE_JOBS)
		return 0;
	if (tree_serial(inode) == 0 || tree_kind(inode) >= TREE_KINDS)
		return -ENOENT;
	if (tree_kind(inode) != TREE_JOB_DIR)
		return -ENOTDIR;
	return job_get(tree_serial(inode), view);
}

static uint64_t parent_of(uint64_t inode)
{
	uint64_t serial = tree_serial(inode);
	if (serial > 0 && tree_kind(inode) != TREE_JOB_DIR)
		return tree_inode(serial, TREE_JOB_DIR);
	return serial > 0 ? TREE_JOBS : TREE_ROOT;
}

static uint64_t find_file(const struct job *job, const char *name)
{
	for (enum tree_kind kind = TREE_STATUS; kind < TREE_KINDS; kind++) {
		if (strcmp(name, file_names[kind]) == 0 &&
			(kind != TREE_VIDEO || tree_has_video(job)))
			return inode_of(job, kind);
	}
	return 0;
}

/* The inode, or 0. view is of the directory, when it is a job's. */
static uint64_t find(uint64_t directory, const char *name, const struct job_view *view)
{
	if (directory == TREE_ROOT)
		return strcmp(name, NAME_JOBS) == 0 ? TREE_JOBS : 0;
	if (directory == TREE_JOBS)
		return tree_inode(job_find(name), TREE_JOB_DIR);
	return find_file(&view->job, name);
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* "." and ".." of files too: who has a handle of one comes without its directory. */
static int find_dots(uint64_t inode, const char *name, uint64_t *found)
{
	struct job_view view;
	int r = check_directory(inode, &view);
	if (r == -ENOTDIR)
		r = job_get(tree_serial(inode), &view);
	if (r == 0 && tree_serial(inode) > 0 && tree_kind(inode) == TREE_VIDEO &&
		(tree_is_stale(inode, &view.job) || !tree_has_video(&view.job)))
		r = -ESTALE;
	if (r == 0)
		*found = strcmp(name, ".") == 0 ? inode : parent_of(inode);
	return r;
}

int tree_lookup(uint64_t parent, const char *name, uint64_t *inode)
{
	struct job_view view;
	if (is_dots(name))
		return find_dots(parent, name, inode);
	int r = check_directory(parent, &view);
	if (r != 0)
		return r;
	if (strlen(name) > NAME_MAX)
		return -ENAMETOOLONG;
	uint64_t found = find(parent, name, &view);
	if (found == 0)
		return -ENOENT;
	*inode = found;
	return 0;
}

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

static void stat_directory(struct stat *st, nlink_t links, int64_t changed_ms)
{
	st->st_mode = S_IFDIR | 0755;
	st->st_nlink = links;
	st->st_size = DIRECTORY_SIZE;
	st->st_blksize = DOCUMENT_BLOCK;
	set_times_ms(st, changed_ms);
}

static void stat_file(struct stat *st, int64_t size, int64_t bytes, blksize_t block)
{
	st->st_mode = S_IFREG | 0444;
	st->st_nlink = 1;
	st->st_size = size;
	st->st_blocks = (bytes + SECTOR - 1) / SECTOR;
	st->st_blksize = block;
}

/* Of a removed video too, for who has it open still. */
static int stat_video(struct stat *st, const struct job *job)
{
	if (job->video_size < 0)
		return -ENOENT;
	stat_file(st, job->video_size, job_video_bytes(job), VIDEO_BLOCK);
	st->st_nlink = tree_has_video(job) ? 1 : 0;
	if (job->finished_at > 0)
		set_times(st, job->finished_at, 0);
	else
		set_times_ms(st, job->done_ms);
	return 0;
}

static void stat_document(struct stat *st, uint32_t size, const struct job *job)
{
	stat_file(st, size, size, DOCUMENT_BLOCK);
	set_times_ms(st, job->changed_ms);
}

static int stat_of_job(struct stat *st, uint64_t inode, const struct job_view *view,
	uint32_t (*status_size)(const struct job_view *view))
{
	const struct job *job = &view->job;
	uint32_t shown = view->shown[JOB_FILE_RESPONSE];

	switch (tree_kind(inode)) {
	case TREE_JOB_DIR:
		stat_directory(st, 2, job->done_ms > 0 ? job->done_ms : job->tracked_ms);
		return 0;
	case TREE_STATUS:
		stat_document(st, status_size(view), job);
		return 0;
	case TREE_RESPONSE:
		stat_document(st, shown > 0 ? shown : job->response_size, job);
		return 0;
	case TREE_VIDEO:
		/* Who has the one before open still must not take this one's size for his. */
		return tree_is_stale(inode, job) ? -ESTALE : stat_video(st, job);
	case TREE_KINDS:
		break;
	}
	return -ENOENT;
}

static int stat_any(struct stat *st, uint64_t inode, const struct tree_owner *owner,
	uint32_t (*status_size)(const struct job_view *view))
{
	struct job_view view;

	if (inode == TREE_ROOT) {
		stat_directory(st, 3, owner->started_ms);
		return 0;
	}
	if (inode == TREE_JOBS) {
		stat_directory(st, 2 + job_count(), owner->started_ms);
		return 0;
	}
	if (tree_serial(inode) == 0 || tree_kind(inode) >= TREE_KINDS)
		return -ENOENT;
	int r = job_get(tree_serial(inode), &view);
	return r == 0 ? stat_of_job(st, inode, &view, status_size) : r;
}

int tree_stat(uint64_t inode, const struct tree_owner *owner,
	uint32_t (*status_size)(const struct job_view *view), struct stat *st)
{
	struct stat new = {
		.st_ino = tree_number(inode), .st_uid = owner->uid, .st_gid = owner->gid
	};
	int r = stat_any(&new, inode, owner, status_size);
	if (r != 0)
		return r;
	new.st_mode &= ~(owner->umask & 0777);
	*st = new;
	return 0;
}

static int fill(
	struct tree_entry *entry, uint64_t inode, mode_t type, uint64_t next, const char *name)
{
	entry->inode = inode;
	entry->type = type;
	entry->next = next;
	(void)snprintf(entry->name, sizeof(entry->name), "%s", name);
	return 1;
}

/* The position names the job that was given last: who comes and goes beside it shifts nothing. */
static int list_jobs(uint64_t at, struct tree_entry *entry)
{
	uint64_t serial = job_next(at - FIRST_ENTRY, entry->name);
	if (serial == 0)
		return 0;
	entry->inode = tree_inode(serial, TREE_JOB_DIR);
	entry->type = S_IFDIR;
	entry->next = FIRST_ENTRY + serial;
	return 1;
}

static int list_files(uint64_t at, const struct job *job, struct tree_entry *entry)
{
	uint64_t kind = at - FIRST_ENTRY + TREE_STATUS;
	if (kind >= TREE_KINDS || (kind == TREE_VIDEO && !tree_has_video(job)))
		return 0;
	return fill(entry, inode_of(job, (enum tree_kind)kind), S_IFREG, at + 1, file_names[kind]);
}

int tree_list(uint64_t inode, uint64_t at, struct tree_entry *entry)
{
	struct job_view view;
	int r = check_directory(inode, &view);
	if (r != 0)
		return r;
	if (at == 0)
		return fill(entry, inode, S_IFDIR, 1, ".");
	if (at == 1)
		return fill(entry, parent_of(inode), S_IFDIR, FIRST_ENTRY, "..");
	if (inode == TREE_JOBS)
		return list_jobs(at, entry);
	if (inode != TREE_ROOT)
		return list_files(at, &view.job, entry);
	return at == FIRST_ENTRY ? fill(entry, TREE_JOBS, S_IFDIR, at + 1, NAME_JOBS) : 0;
}
