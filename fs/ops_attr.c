/* SPDX-License-Identifier: MIT */
/*
 * Extended attributes. The kernel keeps none of them: each question comes here. That there are only
 * those of users is said with EOPNOTSUPP: `ls -l` then asks for access lists and labels once in all,
 * and with ENODATA would ask three times a file.
 */
#include "ops_attr.h"

#include "echo.h"
#include "tree.h"
#include "view.h"

#include <errno.h>
#include <string.h>

/* The job of an inode that can have attributes: 1, 0 for one that has none, or -errno. */
static int find(fuse_ino_t inode, struct job_view *view, enum view_attr_of *of)
{
	if (tree_serial(inode) == 0)
		return 0;
	int r = job_get(tree_serial(inode), view);
	if (r != 0)
		return r;
	if (tree_kind(inode) == TREE_VIDEO && tree_is_stale(inode, &view->job))
		return -ESTALE;
	*of = tree_kind(inode) == TREE_VIDEO ? VIEW_ATTR_OF_VIDEO : VIEW_ATTR_OF_JOB;
	return tree_kind(inode) == TREE_VIDEO || tree_kind(inode) == TREE_JOB_DIR ? 1 : 0;
}

/* size is the room that the caller has; 0 asks for what he needs. */
static void reply(fuse_req_t req, const char *bytes, size_t length, size_t size)
{
	if (size == 0)
		(void)fuse_reply_xattr(req, length);
	else if (length > size)
		(void)fuse_reply_err(req, ERANGE);
	else
		(void)fuse_reply_buf(req, bytes, length);
}

static bool is_of_users(const char *name)
{
	return strncmp(name, "user.", 5) == 0;
}

void ops_attr_op_getxattr(fuse_req_t req, fuse_ino_t inode, const char *name, size_t size)
{
	struct job_view view;
	enum view_attr_of of;
	char value[VIEW_ATTR_SIZE];
	int r = is_of_users(name) ? find(inode, &view, &of) : -EOPNOTSUPP;

	if (r >= 0)
		r = r > 0 ? view_attr(of, &view.job, name, value) : -ENODATA;
	if (r >= 0)
		reply(req, value, (size_t)r, size);
	else
		(void)fuse_reply_err(req, -r);
}

void ops_attr_op_listxattr(fuse_req_t req, fuse_ino_t inode, size_t size)
{
	struct job_view view;
	enum view_attr_of of;
	char names[VIEW_ATTR_SIZE];
	int r = find(inode, &view, &of);

	if (r > 0)
		r = (int)view_attr_names(of, &view.job, names);
	if (r >= 0)
		reply(req, names, (size_t)r, size);
	else
		(void)fuse_reply_err(req, -r);
}

/* As to a file that may only be read. */
static void refuse(fuse_req_t req, const char *name)
{
	(void)fuse_reply_err(req, is_of_users(name) ? EACCES : EOPNOTSUPP);
}

void ops_attr_op_setxattr(fuse_req_t req, fuse_ino_t inode, const char *name, const char *value,
	size_t size, int flags)
{
	(void)inode, (void)value, (void)size, (void)flags;
	refuse(req, name);
}

void ops_attr_op_removexattr(fuse_req_t req, fuse_ino_t inode, const char *name)
{
	(void)inode;
	if (echo_asks(req))
		(void)fuse_reply_err(req, 0); /* for its sound */
	else
		refuse(req, name);
}
