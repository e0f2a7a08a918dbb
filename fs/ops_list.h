/* SPDX-License-Identifier: MIT */
/* ops_list: lists of directories. Private to ops*.c. */
#ifndef OPS_LIST_H
#define OPS_LIST_H

#include "ops.h"

/* What the kernel learns of a name that is there: 0 or -errno. In ops.c. */
int ops_entry(uint64_t parent, const char *name, uint64_t inode, struct fuse_entry_param *entry);

void ops_list_init(const struct fuse_conn_info *conn);

void ops_list_op_opendir(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi);
void ops_list_op_readdir(
	fuse_req_t req, fuse_ino_t inode, size_t size, off_t offset, struct fuse_file_info *fi);
void ops_list_op_readdirplus(
	fuse_req_t req, fuse_ino_t inode, size_t size, off_t offset, struct fuse_file_info *fi);

#endif
