/* SPDX-License-Identifier: MIT */
/* ops_file: open files. Private to ops*.c. */
#ifndef OPS_FILE_H
#define OPS_FILE_H

#include "ops.h"

void ops_file_open(const struct ops_context *context);

void ops_file_op_open(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi);
void ops_file_op_read(
	fuse_req_t req, fuse_ino_t inode, size_t size, off_t offset, struct fuse_file_info *fi);
void ops_file_op_release(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi);

#endif
