/* SPDX-License-Identifier: MIT */
/*
 * What the kernel keeps of a job is taken back before the job changes: so a long time-out is never
 * an old truth. Only attributes are: that waits for nothing. With them go the pages (they belong to
 * a time and a size) and the list that was kept of a directory.
 */
#include "ops_recall.h"

#include "ops_file.h"

void ops_recall(uint64_t inode)
{
	(void)fuse_lowlevel_notify_inval_inode(ops_context.session, inode, -1, 0);
}

static void recall_lists(const struct job *before, const struct job *after)
{
	if (before != NULL && after != NULL && before->state == after->state)
		return;
	if (before != NULL && before->state != JOB_UNKNOWN)
		ops_recall(TREE_STATE(before->state));
	if (after != NULL && after->state != JOB_UNKNOWN)
		ops_recall(TREE_STATE(after->state));
	if (before == NULL || after == NULL)
		ops_recall(TREE_JOBS);
}

static void on_recall(const struct job *before, const struct job *after, bool told)
{
	const struct job *job = before != NULL ? before : after;
	recall_lists(before, after);
	if (!told)
		return;
	ops_recall(tree_inode(job->serial, TREE_JOB_DIR));
	ops_recall(tree_inode(job->serial, TREE_STATUS));
	if (before != NULL)
		ops_recall(tree_inode_of(before, TREE_RESPONSE));
	/* Of a video that is not whole the kernel keeps nothing, and a READ of it may wait. */
	if (before != NULL && before->video == VIDEO_READY)
		ops_recall(tree_inode_of(before, TREE_VIDEO));
}

static void on_changed(uint64_t serial)
{
	ops_poll_wake(serial);
}

void ops_recall_begin(void)
{
	static const struct job_audience audience = {
		.recall = on_recall,
		.changed = on_changed,
	};
	job_set_audience(&audience);
}

void ops_recall_end(void)
{
	job_set_audience(NULL);
}
