/* SPDX-License-Identifier: MIT */
/* What the kernel asks about names: look-ups, attributes, mkdir, rmdir, unlink. */
#include "ops.h"

#include "echo.h"
#include "engine.h"
#include "ops_attr.h"
#include "ops_file.h"
#include "ops_list.h"
#include "ops_pass.h"
#include "ops_recall.h"
#include "park.h"
#include "provider.h"
#include "shared_map.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * How long the kernel may remember what is taken back from it when it changes. It is not for ever,
 * in case that it ever misses that.
 */
#define LASTING_S 3600.0
#define UNKNOWN_S 5.0 /* that a provider does not know an id */

static const struct tree_sizes sizes = {
	.status = ops_status_size,
	.figures = ops_figures_size,
	.gallery = ops_gallery_stat,
	.orphan = ops_file_orphan,
};

void ops_open(const struct ops_context *c)
{
	ops_context = *c;
	ops_recall_begin();
}

void ops_close(void)
{
	ops_recall_end();
	ops_file_close();
}

/* ---- attributes ---------------------------------------------------------------------------------- */

int ops_entry(uint64_t parent, const char *name, uint64_t inode, struct fuse_entry_param *entry)
{
	enum tree_lasts lasts;
	memset(entry, 0, sizeof(*entry));
	if (inode == TREE_GALLERY)
		inode = ops_gallery_inode();
	int r = tree_stat(inode, &ops_context.owner, &sizes, &entry->attr, &lasts);
	if (r != 0)
		return r;
	entry->ino = inode;
	entry->entry_timeout = tree_name_lasts(parent, name) ? LASTING_S : 0;
	entry->attr_timeout = lasts == TREE_LASTS ? LASTING_S : 0;
	return 0;
}

static void reply_attributes(fuse_req_t req, fuse_ino_t inode)
{
	struct stat st;
	enum tree_lasts lasts;
	int r = tree_stat(inode, &ops_context.owner, &sizes, &st, &lasts);
	if (r == 0)
		(void)fuse_reply_attr(req, &st, lasts != TREE_CHANGES ? LASTING_S : 0);
	else
		(void)fuse_reply_err(req, -r);
}

static void op_getattr(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi)
{
	(void)fi;
	reply_attributes(req, inode);
}

/*
 * By the modes alone, whoever asks: what nobody may write is not writable for root either. With
 * default_permissions the kernel answers by itself. Without this it would say yes to everything.
 */
static void op_access(fuse_req_t req, fuse_ino_t inode, int mask)
{
	struct stat st;
	enum tree_lasts lasts;
	int r = tree_stat(inode, &ops_context.owner, &sizes, &st, &lasts);
	if (r == 0 &&
		((st.st_mode | st.st_mode >> 3 | st.st_mode >> 6) & (mode_t)mask) != (mode_t)mask)
		r = -EACCES;
	(void)fuse_reply_err(req, -r);
}

/* As a read-only file of somebody else's answers. */
static void op_setattr(
	fuse_req_t req, fuse_ino_t inode, struct stat *st, int to_set, struct fuse_file_info *fi)
{
	(void)inode, (void)st, (void)fi;
	(void)fuse_reply_err(req, (to_set & FUSE_SET_ATTR_SIZE) != 0 ? EACCES : EPERM);
}

/* ---- names --------------------------------------------------------------------------------------- */

/* The kernel may remember that there is no such name. */
static void reply_none(fuse_req_t req, double lasting_s)
{
	const struct fuse_entry_param nothing = { .entry_timeout = lasting_s };
	if (lasting_s > 0)
		(void)fuse_reply_entry(req, &nothing);
	else
		(void)fuse_reply_err(req, ENOENT);
}

/* Looks name up and answers. */
static void reply_name(fuse_req_t req, uint64_t parent, const char *name)
{
	struct fuse_entry_param entry;
	uint64_t inode;
	int r = tree_lookup(parent, name, &inode);
	if (r == 0)
		r = ops_entry(parent, name, inode, &entry);
	if (r == 0)
		(void)fuse_reply_entry(req, &entry);
	else if (r == -ENOENT)
		reply_none(req, tree_absence_lasts(parent, name) ? LASTING_S : 0);
	else
		(void)fuse_reply_err(req, -r);
}

static void reply_made(fuse_req_t req, const struct park_about *about, int status)
{
	if (status == 0)
		reply_name(req, about->inode, about->name);
	else
		(void)fuse_reply_err(req, -status);
}

static void reply_looked_up(fuse_req_t req, const struct park_about *about, int status)
{
	if (status == -ENOENT)
		reply_none(req, UNKNOWN_S);
	else
		reply_made(req, about, status);
}

static void reply_status(fuse_req_t req, const struct park_about *about, int status)
{
	(void)about;
	(void)fuse_reply_err(req, -status);
}

static struct park_about about_name(uint64_t parent, const char *name)
{
	struct park_about about = { .inode = parent };
	(void)snprintf(about.name, sizeof(about.name), "%s", name);
	return about;
}

/* The echo makes it as if it were new: to it, it is not there yet. */
static bool is_being_made(fuse_req_t req, uint64_t parent, uint64_t inode)
{
	if (!echo_asks(req) || tree_serial(inode) == 0)
		return false;
	unsigned what = parent == TREE_JOBS              ? JOB_NEWS_TRACKED
			: tree_kind(inode) == TREE_VIDEO ? JOB_NEWS_VIDEO
							 : 0;
	return what != 0 && echo_makes(tree_serial(inode), what);
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	uint64_t inode;
	bool known = tree_lookup(parent, name, &inode) == 0;
	/* It may look for a job that was forgotten meanwhile: nobody is asked for its sake. */
	if (known ? is_being_made(req, parent, inode) : echo_asks(req)) {
		reply_none(req, 0);
		return;
	}
	if (known || !ops_context.track_lookup || parent != TREE_JOBS ||
		!provider_id_askable(name)) {
		reply_name(req, parent, name);
		return;
	}
	struct park_about about = about_name(parent, name);
	uint64_t ticket = park_ticket(req, &about, reply_looked_up, true);
	if (ticket != 0)
		engine_lookup(name, ticket);
}

static void op_readlink(fuse_req_t req, fuse_ino_t inode)
{
	char target[TREE_TARGET_SIZE];
	int r = tree_target(inode, target);
	if (r == 0)
		(void)fuse_reply_readlink(req, target);
	else
		(void)fuse_reply_err(req, -r);
}

static void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	(void)mode;
	if (parent == TREE_JOBS && echo_asks(req)) {
		reply_name(req, parent, name);
		return;
	}
	if (parent != TREE_JOBS || !provider_id_valid(name)) {
		(void)fuse_reply_err(req, parent != TREE_JOBS ? EPERM : EINVAL);
		return;
	}
	struct park_about about = about_name(parent, name);
	uint64_t ticket = park_ticket(req, &about, reply_made, false);
	if (ticket != 0)
		engine_track(name, ticket);
}

static void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	uint64_t inode;
	int r = tree_lookup(parent, name, &inode);
	if (r != 0 || parent != TREE_JOBS) {
		(void)fuse_reply_err(req, r != 0 ? -r : EPERM);
		return;
	}
	struct park_about about = about_name(parent, name);
	uint64_t ticket = park_ticket(req, &about, reply_status, false);
	if (ticket != 0)
		engine_forget(tree_serial(inode), ticket);
}

static void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	uint64_t inode;
	int r = tree_lookup(parent, name, &inode);
	if (r == 0 && (tree_serial(inode) == 0 || tree_kind(inode) != TREE_VIDEO))
		r = -EPERM;
	if (r != 0) {
		(void)fuse_reply_err(req, -r);
		return;
	}
	struct park_about about = about_name(parent, name);
	uint64_t ticket = park_ticket(req, &about, reply_status, false);
	if (ticket != 0)
		engine_remove_video(tree_serial(inode), ticket);
}

/* ---- what is not offered: nothing is made, linked or renamed here --------------------------- */

static void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	(void)parent, (void)name, (void)mode, (void)rdev;
	(void)fuse_reply_err(req, EPERM);
}

static void op_create(
	fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi)
{
	struct fuse_entry_param entry;
	uint64_t inode;
	(void)mode;
	bool made = echo_asks(req) && tree_lookup(parent, name, &inode) == 0 &&
		    is_being_made(req, parent, inode) &&
		    ops_entry(parent, name, inode, &entry) == 0;
	if (made)
		ops_file_create(req, &entry, fi);
	else
		(void)fuse_reply_err(req, EPERM);
}

static void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	(void)target, (void)parent, (void)name;
	(void)fuse_reply_err(req, EPERM);
}

static void op_link(fuse_req_t req, fuse_ino_t inode, fuse_ino_t parent, const char *name)
{
	(void)inode, (void)parent, (void)name;
	(void)fuse_reply_err(req, EPERM);
}

static void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
	const char *new_name, unsigned int flags)
{
	(void)parent, (void)name, (void)new_parent, (void)new_name, (void)flags;
	(void)fuse_reply_err(req, EPERM);
}

/* ---- the file system itself -------------------------------------------------------------------- */

static void op_statfs(fuse_req_t req, fuse_ino_t inode)
{
	struct statvfs st;
	(void)inode;
	int r = store_statfs(ops_context.store, &st);
	if (r != 0) {
		(void)fuse_reply_err(req, -r);
		return;
	}
	st.f_namemax = 255;
	(void)fuse_reply_statfs(req, &st);
}

static void op_init(void *arg, struct fuse_conn_info *conn)
{
	(void)arg;
	/*
	 * Without it, io_uring gets a short answer's bytes again, behind it: Linux does not move on. What it costs:
	 * who is killed with libaio's READ parked ends when that does.
	 */
	conn->want |= conn->capable & FUSE_CAP_ASYNC_DIO;
	/* A handle is an inode number, which we know without a look-up: NFS servers' live on. */
	conn->want |= conn->capable & FUSE_CAP_EXPORT_SUPPORT;
	/* A look-up that waits for the provider holds up no other. */
	conn->want |= conn->capable & FUSE_CAP_PARALLEL_DIROPS;
	/* Readahead of unfinished videos is parked, and must not use up what others need. */
	conn->max_background = 1024;
	shared_map_init(conn);
	ops_pass_init(conn);
	ops_list_init(conn);
}

const struct fuse_lowlevel_ops ops_table = {
	.init = op_init,
	.lookup = op_lookup,
	.getattr = op_getattr,
	.access = op_access,
	.setattr = op_setattr,
	.readlink = op_readlink,
	.mkdir = op_mkdir,
	.rmdir = op_rmdir,
	.unlink = op_unlink,
	.mknod = op_mknod,
	.create = op_create,
	.symlink = op_symlink,
	.link = op_link,
	.rename = op_rename,
	.opendir = ops_list_op_opendir,
	.readdir = ops_list_op_readdir,
	.readdirplus = ops_list_op_readdirplus,
	.statfs = op_statfs,
	.getxattr = ops_attr_op_getxattr,
	.listxattr = ops_attr_op_listxattr,
	.setxattr = ops_attr_op_setxattr,
	.removexattr = ops_attr_op_removexattr,
	.open = ops_file_op_open,
	.read = ops_file_op_read,
	.poll = ops_poll_op,
	.release = ops_file_op_release,
};
