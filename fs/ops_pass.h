/* SPDX-License-Identifier: MIT */
/*
 * ops_pass: whole videos that the kernel reads from the store by itself. Private to ops*.c.
 * It needs libfuse 3.17, Linux 6.9, CAP_SYS_ADMIN, and a store that is on no stacked file system.
 */
#ifndef OPS_PASS_H
#define OPS_PASS_H

#include <fuse_lowlevel.h>
#include <stdint.h>

/* At INIT: asks for it. */
void ops_pass_init(struct fuse_conn_info *conn);

/*
 * Shows the kernel the file behind fd: a number above 0, to answer opens with, or -errno. All who
 * have an inode open must have been answered with the same one. It is given back with
 * ops_pass_close() when the last of them has closed it.
 */
int32_t ops_pass_open(int fuse_fd, int fd);
void ops_pass_close(int fuse_fd, int32_t number);

/* Has an open answered with a number. */
void ops_pass_answer(struct fuse_file_info *fi, int32_t number);

/* Says in the log what ops_pass_open() has returned: once, and when it has changed. */
void ops_pass_say(int32_t number);

#endif
