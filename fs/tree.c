/* SPDX-License-Identifier: MIT */
/* The shape of the mount: what is fixed stands in a table, what is of jobs follows from their snapshots. */
#include "tree.h"

#include "provider.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define PER_JOB 16 /* inode numbers */
/* In an inode number: below it are the serial and the kind, above it room for 16 million epochs. */
#define EPOCH_SHIFT 40

/* Positions in a directory: its own name, its parent's, then what is in it. */
#define FIRST_ENTRY 2

struct fixed {
	uint64_t parent;
	const char *name;
	mode_t type;
	bool unlisted; /* found by who knows its name, as .zfs is */
};

/* By inode number. */
static const struct fixed fixed[PER_JOB] = {
	[TREE_ROOT] = { TREE_ROOT, "/", S_IFDIR, true },
	[TREE_JOBS] = { TREE_ROOT, NAME_JOBS, S_IFDIR, false },
	[TREE_BY_STATE] = { TREE_ROOT, NAME_BY_STATE, S_IFDIR, false },
	[TREE_STATE(JOB_QUEUED)] = { TREE_BY_STATE, "queued", S_IFDIR, false },
	[TREE_STATE(JOB_RUNNING)] = { TREE_BY_STATE, "running", S_IFDIR, false },
	[TREE_STATE(JOB_DONE)] = { TREE_BY_STATE, "done", S_IFDIR, false },
	[TREE_STATE(JOB_FAILED)] = { TREE_BY_STATE, "failed", S_IFDIR, false },
	[TREE_STATE(JOB_EXPIRED)] = { TREE_BY_STATE, "expired", S_IFDIR, false },
	[TREE_META] = { TREE_ROOT, NAME_META, S_IFDIR, true },
	[TREE_EVENTS] = { TREE_META, NAME_EVENTS, S_IFREG, false },
	[TREE_STATS] = { TREE_META, NAME_STATS, S_IFREG, false },
	[TREE_METRICS] = { TREE_META, NAME_METRICS, S_IFREG, false },
	[TREE_GALLERY] = { TREE_ROOT, NAME_GALLERY, S_IFREG, false },
};

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

/*
 * The kernel keeps pages and the way it reads them by inode; and what one reader is given of a file
 * that has become longer would cut it for all. So what begins anew, and each answer, has its own.
 */
uint64_t tree_inode_of(const struct job *job, enum tree_kind kind)
{
	uint64_t epoch = kind == TREE_VIDEO ? job->video_epoch : 0;
	if (kind == TREE_RESPONSE)
		epoch = job->poll_count;
	return tree_inode(job->serial, kind) | epoch << EPOCH_SHIFT;
}

uint64_t tree_inode_of_gallery(uint32_t epoch)
{
	return TREE_GALLERY | (uint64_t)epoch << EPOCH_SHIFT;
}

bool tree_is_stale(uint64_t inode, const struct job *job)
{
	return inode != tree_inode_of(job, tree_kind(inode));
}

static bool is_of_state(uint64_t inode)
{
	return inode >= TREE_STATE(JOB_QUEUED) && inode <= TREE_STATE(JOB_EXPIRED);
}

static enum job_state state_of(uint64_t inode)
{
	return (enum job_state)(inode - TREE_BY_STATE);
}

static bool has_jobs(uint64_t inode)
{
	return inode == TREE_JOBS || is_of_state(inode);
}

/* Whose jobs are in there: JOB_UNKNOWN for all. */
static enum job_state listed_state(uint64_t inode)
{
	return inode == TREE_JOBS ? JOB_UNKNOWN : state_of(inode);
}

/* Who has a handle from somewhere may ask for anything. */
static bool is_number(uint64_t inode)
{
	if (tree_serial(inode) == 0)
		return fixed[tree_number(inode)].name != NULL &&
		       (inode == tree_number(inode) || tree_number(inode) == TREE_GALLERY);
	return tree_kind(inode) < TREE_KINDS &&
	       (tree_kind(inode) == TREE_VIDEO || tree_kind(inode) == TREE_RESPONSE ||
		       inode == tree_number(inode));
}

/* Whether there is such an inode: 0, or -ENOTDIR if it is no directory. view is filled for a job's. */
static int check_directory(uint64_t inode, struct job_view *view)
{
	if (!is_number(inode))
		return -ENOENT;
	if (tree_serial(inode) == 0)
		return fixed[tree_number(inode)].type == S_IFDIR ? 0 : -ENOTDIR;
	int r = job_get(tree_serial(inode), view);
	return r == 0 && tree_kind(inode) != TREE_JOB_DIR ? -ENOTDIR : r;
}

static uint64_t parent_of(uint64_t inode, const struct job_view *view)
{
	uint64_t serial = tree_serial(inode);
	if (serial == 0)
		return fixed[tree_number(inode)].parent;
	if (tree_kind(inode) == TREE_LINK)
		return TREE_STATE(view->job.state);
	return tree_kind(inode) == TREE_JOB_DIR ? TREE_JOBS : tree_inode(serial, TREE_JOB_DIR);
}

/* ---- look-ups ---------------------------------------------------------------------------------- */

static uint64_t find_fixed(uint64_t directory, const char *name)
{
	for (uint64_t inode = TREE_JOBS; inode < PER_JOB; inode++) {
		if (fixed[inode].parent == directory && strcmp(name, fixed[inode].name) == 0)
			return inode;
	}
	return 0;
}

static uint64_t find_file(const struct job *job, const char *name)
{
	for (enum tree_kind kind = TREE_STATUS; kind <= TREE_VIDEO; kind++) {
		if (strcmp(name, file_names[kind]) == 0 &&
			(kind != TREE_VIDEO || job_has_video(job)))
			return tree_inode_of(job, kind);
	}
	return 0;
}

static uint64_t find_link(enum job_state state, const char *name)
{
	struct job_view view;
	uint64_t serial = job_find(name);
	bool there = serial != 0 && job_get(serial, &view) == 0 && view.job.state == state;
	return there ? tree_inode(serial, TREE_LINK) : 0;
}

/* The inode, or 0. view is of the directory, when it is a job's. */
static uint64_t find(uint64_t directory, const char *name, const struct job_view *view)
{
	if (directory == TREE_JOBS)
		return tree_inode(job_find(name), TREE_JOB_DIR);
	if (is_of_state(directory))
		return find_link(state_of(directory), name);
	return tree_serial(directory) == 0 ? find_fixed(directory, name)
					   : find_file(&view->job, name);
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
		r = 0;
	if (r == 0 && tree_serial(inode) > 0 && tree_kind(inode) == TREE_VIDEO &&
		(tree_is_stale(inode, &view.job) || !job_has_video(&view.job)))
		r = -ESTALE;
	if (r == 0)
		*found = strcmp(name, ".") == 0 ? inode : parent_of(inode, &view);
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

bool tree_name_lasts(uint64_t parent, const char *name)
{
	struct job_view view;
	if (is_of_state(parent))
		return false;
	if (parent == TREE_ROOT)
		return strcmp(name, NAME_GALLERY) != 0;
	if (tree_serial(parent) == 0 || strcmp(name, NAME_STATUS) == 0)
		return true;
	if (job_get(tree_serial(parent), &view) != 0)
		return false;
	return strcmp(name, NAME_VIDEO) == 0 ? view.job.video == VIDEO_READY
					     : job_video_is_final(&view.job);
}

/* A job is told of before its mkdir has come back to the kernel. */
bool tree_absence_lasts(uint64_t parent, const char *name)
{
	if (is_of_state(parent))
		return false;
	if (parent == TREE_JOBS)
		return !provider_id_valid(name);
	return tree_serial(parent) == 0 || strcmp(name, NAME_VIDEO) != 0;
}

/* The size of a link's target is its length. */
int tree_target(uint64_t inode, char target[TREE_TARGET_SIZE])
{
	struct job_view view;
	if (tree_serial(inode) == 0 || tree_kind(inode) != TREE_LINK)
		return -EINVAL;
	int r = job_get(tree_serial(inode), &view);
	if (r == 0)
		(void)snprintf(target, TREE_TARGET_SIZE, "../../%s/%s", NAME_JOBS, view.job.id);
	return r;
}

/* ---- lists ------------------------------------------------------------------------------------- */

/*
 * The kernel keeps a list of a directory under the time that it was last told of it, and puts together
 * what comes: an entry that goes on where the one before has ended. An answer that was given before a
 * change may come when it has asked for the new time already: then the old list would stand under the
 * new time. So what a list of one edition goes on with is never where one of another does; and when one
 * of an old edition ends, the directory gets another time before that is told: see tree_list_end().
 */
static unsigned begin_list(uint64_t inode, const struct job_view *view)
{
	if (has_jobs(inode))
		return job_listing_begin(listed_state(inode));
	/* In nothing else do two lists of a job differ. */
	return tree_serial(inode) > 0 && job_has_video(&view->job);
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
static int list_jobs(uint64_t directory, uint64_t at, struct tree_entry *entry)
{
	bool all = directory == TREE_JOBS;
	uint64_t serial = job_next(listed_state(directory), at - FIRST_ENTRY, entry->name);
	if (serial == 0)
		return 0;
	entry->inode = tree_inode(serial, all ? TREE_JOB_DIR : TREE_LINK);
	entry->type = all ? S_IFDIR : S_IFLNK;
	entry->next = FIRST_ENTRY + serial;
	return 1;
}

static int list_files(uint64_t at, const struct job *job, struct tree_entry *entry)
{
	uint64_t kind = at - FIRST_ENTRY + TREE_STATUS;
	if (kind > TREE_VIDEO || (kind == TREE_VIDEO && !job_has_video(job)))
		return 0;
	return fill(
		entry, tree_inode_of(job, (enum tree_kind)kind), S_IFREG, at + 1, file_names[kind]);
}

static int list_fixed(uint64_t directory, uint64_t at, struct tree_entry *entry)
{
	for (uint64_t inode = at - FIRST_ENTRY + 1; inode < PER_JOB; inode++) {
		const struct fixed *f = &fixed[inode];
		if (f->parent == directory && !f->unlisted)
			return fill(entry, inode, f->type, FIRST_ENTRY + inode, f->name);
	}
	return 0;
}

static int list(uint64_t inode, uint64_t at, const struct job_view *view, struct tree_entry *entry)
{
	if (at == 0)
		return fill(entry, inode, S_IFDIR, 1, ".");
	if (at == 1)
		return fill(entry, parent_of(inode, view), S_IFDIR, FIRST_ENTRY, "..");
	if (has_jobs(inode))
		return list_jobs(inode, at, entry);
	return tree_serial(inode) > 0 ? list_files(at, &view->job, entry)
				      : list_fixed(inode, at, entry);
}

/* The edition is in the lower digits: so there are 32 bits' room for half a million jobs. */
int tree_list(uint64_t inode, uint64_t at, struct tree_entry *entry)
{
	struct job_view view;
	int r = check_directory(inode, &view);
	if (r != 0)
		return r;
	uint64_t edition = at > 0 ? at % JOB_EDITIONS : begin_list(inode, &view);
	r = list(inode, at / JOB_EDITIONS, &view, entry);
	if (r > 0)
		entry->next = entry->next * JOB_EDITIONS + edition;
	return r;
}

bool tree_list_end(uint64_t inode, uint64_t at)
{
	struct job_view view;
	unsigned edition = at % JOB_EDITIONS;
	if (check_directory(inode, &view) != 0)
		return false;
	if (has_jobs(inode))
		return job_listing_end(listed_state(inode), edition);
	bool old = tree_serial(inode) > 0 && edition != job_has_video(&view.job);
	if (old)
		job_redate(tree_serial(inode));
	return old;
}
