/* SPDX-License-Identifier: MIT */
/* What the kernel asks about names: look-ups, attributes, lists, mkdir, rmdir, unlink. */
#include "ops.h"

#include "base.h"
#include "engine.h"
#include "ops_file.h"
#include "ops_pass.h"
#include "park.h"
#include "provider.h"
#include "shared_map.h"
#include "view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * How long the kernel may remember. Entries go away through the mount itself, so the kernel
 * knows; what changes by itself is asked for each time.
 */
#define ENTRY_S 1.0
#define STATIC_S 1.0
#define LIVE_S 0.0
#define UNKNOWN_S 5.0 /* that a provider does not know an id */

static struct ops_context context;

void ops_open(const struct ops_context *c)
{
	context = *c;
	ops_file_open(c);
}

/* The size that status.json shows: of its text now, or what its readers were told before. */
static uint32_t status_size(const struct job_view *view)
{
	size_t length = 0;
	char *text = view_status(&view->job, context.provider, &length);
	free(text);
	return job_show(view->job.serial, JOB_FILE_STATUS, (uint32_t)length);
}

static double attr_timeout(uint64_t inode)
{
	struct job_view view;
	if (tree_serial(inode) == 0 || tree_kind(inode) == TREE_JOB_DIR)
		return STATIC_S;
	if (tree_kind(inode) != TREE_VIDEO || job_get(tree_serial(inode), &view) != 0)
		return LIVE_S;
	return view.job.video == VIDEO_READY ? STATIC_S : LIVE_S;
}

/* Fills what the kernel wants to know of an entry: 0 or -errno. */
static int fill_entry(uint64_t inode, struct fuse_entry_param *entry)
{
	memset(entry, 0, sizeof(*entry));
	int r = tree_stat(inode, &context.owner, status_size, &entry->attr);
	if (r != 0)
		return r;
	entry->ino = inode;
	entry->entry_timeout = ENTRY_S;
	entry->attr_timeout = attr_timeout(inode);
	return 0;
}

/* Looks name up and answers. */
static void reply_name(fuse_req_t req, uint64_t parent, const char *name)
{
	struct fuse_entry_param entry;
	uint64_t inode;
	int r = tree_lookup(parent, name, &inode);
	if (r == 0)
		r = fill_entry(inode, &entry);
	if (r == 0)
		(void)fuse_reply_entry(req, &entry);
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
	const struct fuse_entry_param nothing = { .entry_timeout = UNKNOWN_S };
	if (status == -ENOENT)
		(void)fuse_reply_entry(req, &nothing);
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

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	uint64_t inode;
	if (!context.track_lookup || parent != TREE_JOBS || !provider_id_askable(name) ||
		tree_lookup(parent, name, &inode) == 0) {
		reply_name(req, parent, name);
		return;
	}
	struct park_about about = about_name(parent, name);
	uint64_t ticket = park_ticket(req, &about, reply_looked_up, true);
	if (ticket != 0)
		engine_lookup(name, ticket);
}

static void op_getattr(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi)
{
	struct stat st;
	(void)fi;
	int r = tree_stat(inode, &context.owner, status_size, &st);
	if (r == 0)
		(void)fuse_reply_attr(req, &st, attr_timeout(inode));
	else
		(void)fuse_reply_err(req, -r);
}

/* As a read-only file of somebody else's answers. */
static void op_setattr(
	fuse_req_t req, fuse_ino_t inode, struct stat *st, int to_set, struct fuse_file_info *fi)
{
	(void)inode, (void)st, (void)fi;
	(void)fuse_reply_err(req, (to_set & FUSE_SET_ATTR_SIZE) != 0 ? EACCES : EPERM);
}

static void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	(void)mode;
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
	(void)parent, (void)name, (void)mode, (void)fi;
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

/* ---- lists ----------------------------------------------------------------------------------- */

/* Without this the kernel would keep lists that change behind its back. */
static void op_opendir(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi)
{
	(void)inode;
	fi->cache_readdir = 0;
	fi->keep_cache = 0;
	(void)fuse_reply_open(req, fi);
}

/* One entry into buffer; the bytes it takes, more than room when it does not fit. */
static size_t add_entry(
	fuse_req_t req, char *buffer, size_t room, const struct tree_entry *entry, bool plus)
{
	struct fuse_entry_param param;
	const struct stat plain = { .st_ino = tree_number(entry->inode), .st_mode = entry->type };

	if (!plus)
		return fuse_add_direntry(
			req, buffer, room, entry->name, &plain, (off_t)entry->next);
	/* Of "." and "..", and of what has just gone, the kernel learns no more than the name. */
	if (entry->name[0] == '.' || fill_entry(entry->inode, &param) != 0) {
		memset(&param, 0, sizeof(param));
		param.attr = plain;
	}
	return fuse_add_direntry_plus(req, buffer, room, entry->name, &param, (off_t)entry->next);
}

static void list(fuse_req_t req, fuse_ino_t inode, size_t size, off_t offset, bool plus)
{
	struct tree_entry entry = { .next = (uint64_t)offset };
	char *buffer = malloc(size);
	size_t used = 0;
	int r = buffer != NULL ? 1 : -ENOMEM;

	while (r > 0 && (r = tree_list(inode, entry.next, &entry)) > 0) {
		size_t length = add_entry(req, buffer + used, size - used, &entry, plus);
		if (length > size - used)
			break;
		used += length;
	}
	if (r < 0)
		(void)fuse_reply_err(req, -r);
	else
		(void)fuse_reply_buf(req, buffer, used);
	free(buffer);
}

static void op_readdir(
	fuse_req_t req, fuse_ino_t inode, size_t size, off_t offset, struct fuse_file_info *fi)
{
	(void)fi;
	list(req, inode, size, offset, false);
}

static void op_readdirplus(
	fuse_req_t req, fuse_ino_t inode, size_t size, off_t offset, struct fuse_file_info *fi)
{
	(void)fi;
	list(req, inode, size, offset, true);
}

static void op_statfs(fuse_req_t req, fuse_ino_t inode)
{
	struct statvfs st;
	(void)inode;
	int r = store_statfs(context.store, &st);
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
	/* Asynchronous direct I/O cannot be killed while its READ is parked. */
	conn->want &= ~(unsigned)FUSE_CAP_ASYNC_DIO;
	/* A handle is an inode number, which we know without a look-up: NFS servers' live on. */
	conn->want |= conn->capable & FUSE_CAP_EXPORT_SUPPORT;
	/* Readahead of unfinished videos is parked, and must not use up what others need. */
	conn->max_background = 1024;
	shared_map_init(conn);
	ops_pass_init(conn);
}

const struct fuse_lowlevel_ops ops_table = {
	.init = op_init,
	.lookup = op_lookup,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.mkdir = op_mkdir,
	.rmdir = op_rmdir,
	.unlink = op_unlink,
	.mknod = op_mknod,
	.create = op_create,
	.symlink = op_symlink,
	.link = op_link,
	.rename = op_rename,
	.opendir = op_opendir,
	.readdir = op_readdir,
	.readdirplus = op_readdirplus,
	.statfs = op_statfs,
	.open = ops_file_op_open,
	.read = ops_file_op_read,
	.release = ops_file_op_release,
};
