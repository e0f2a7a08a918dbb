/* SPDX-License-Identifier: MIT */
/*
 * Lists of directories. The kernel keeps them, as their attributes are recalled when they change:
 * it need not even say that it opens one. With auto_unmount it says so: fusermount3 knows a dead mount
 * by that it cannot be opened.
 */
#include "ops_list.h"

#include "ops_file.h"
#include "ops_recall.h"
#include "tree.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static atomic_bool unopened; /* whether it may go without */

void ops_list_init(const struct fuse_conn_info *conn)
{
	unopened = !ops_context.auto_unmount && (conn->capable & FUSE_CAP_NO_OPENDIR_SUPPORT) != 0;
}

void ops_list_op_opendir(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi)
{
	(void)inode;
	if (unopened) {
		(void)fuse_reply_err(req, ENOSYS);
		return;
	}
	fi->cache_readdir = fi->keep_cache = 1;
	(void)fuse_reply_open(req, fi);
}

/* One entry into buffer; the bytes it takes, more than room when it does not fit. */
static size_t add_entry(fuse_req_t req, uint64_t directory, char *buffer, size_t room,
	const struct tree_entry *entry, bool plus)
{
	struct fuse_entry_param param;
	const struct stat plain = { .st_ino = tree_number(entry->inode), .st_mode = entry->type };

	if (!plus)
		return fuse_add_direntry(
			req, buffer, room, entry->name, &plain, (off_t)entry->next);
	/* Of "." and "..", and of what has just gone, the kernel learns no more than the name. */
	if (entry->name[0] == '.' || ops_entry(directory, entry->name, entry->inode, &param) != 0) {
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
		size_t length = add_entry(req, inode, buffer + used, size - used, &entry, plus);
		if (length > size - used)
			break;
		used += length;
	}
	/* Before the end is told: with it, the kernel has a list that it keeps. */
	if (r == 0 && used == 0 && tree_list_end(inode, entry.next))
		ops_recall(inode);
	if (r < 0)
		(void)fuse_reply_err(req, -r);
	else
		(void)fuse_reply_buf(req, buffer, used);
	free(buffer);
}

void ops_list_op_readdir(
	fuse_req_t req, fuse_ino_t inode, size_t size, off_t offset, struct fuse_file_info *fi)
{
	(void)fi;
	list(req, inode, size, offset, false);
}

void ops_list_op_readdirplus(
	fuse_req_t req, fuse_ino_t inode, size_t size, off_t offset, struct fuse_file_info *fi)
{
	(void)fi;
	list(req, inode, size, offset, true);
}
