/* SPDX-License-Identifier: MIT */
/* ops_attr: extended attributes. Private to ops*.c. */
#ifndef OPS_ATTR_H
#define OPS_ATTR_H

#include <fuse_lowlevel.h>

void ops_attr_op_getxattr(fuse_req_t req, fuse_ino_t inode, const char *name, size_t size);
void ops_attr_op_listxattr(fuse_req_t req, fuse_ino_t inode, size_t size);
void ops_attr_op_setxattr(fuse_req_t req, fuse_ino_t inode, const char *name, const char *value,
	size_t size, int flags);
void ops_attr_op_removexattr(fuse_req_t req, fuse_ino_t inode, const char *name);

#endif
