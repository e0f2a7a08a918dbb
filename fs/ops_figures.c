/* SPDX-License-Identifier: MIT */
/* stats.json and metrics.prom: taken when they are opened. */
#include "ops_file.h"

#include "base.h"
#include "view.h"

#include <errno.h>
#include <stdlib.h>

static void look_at_store(struct view_figures *all)
{
	struct statvfs st;
	if (store_statfs(ops_context.store, &st) != 0)
		return;
	all->store_size = (int64_t)(st.f_blocks * st.f_frsize);
	all->store_free = (int64_t)(st.f_bavail * st.f_frsize);
}

/* All but the figures. */
static struct view_figures about(void)
{
	return (struct view_figures){ .mountpoint = ops_context.mountpoint,
		.provider = ops_context.provider,
		.poll_rate = ops_context.poll_rate,
		.downloads = ops_context.downloads,
		.store_max = ops_context.store_max,
		.store_size = -1,
		.store_free = -1,
		.started_ms = ops_context.owner.started_ms };
}

static char *text_of(uint64_t inode, const struct view_figures *all, size_t *length)
{
	return inode == TREE_STATS ? view_stats(all, length) : view_metrics(all, length);
}

/* Whatever the figures are, it is as long; so nothing is counted, and no disk is asked. */
uint32_t ops_figures_size(uint64_t inode)
{
	const struct view_figures all = about();
	size_t length = 0;
	free(text_of(inode, &all, &length));
	return (uint32_t)length;
}

int ops_figures_open(struct handle *handle, struct fuse_file_info *fi)
{
	struct view_figures all = about();
	look_at_store(&all);
	job_counts(&all.jobs);
	figures_get(&all.figures);
	all.taken_ms = clock_wall_ms();
	handle->text = text_of(handle->inode, &all, &handle->length);
	fi->direct_io = true;
	return handle->text != NULL ? 0 : -ENOMEM;
}
