/* SPDX-License-Identifier: MIT */
/*
 * shared_map: lets programs map files shared that the kernel does not cache (direct_io).
 *
 * The kernel can since 6.6, libfuse has a name for it since 3.17. With an older libfuse the flag
 * is set in its answer to INIT on the way out: without it Python's mmap, which maps shared by
 * default, gets ENODEV from a document or a video that is under way.
 *
 * Thread  before the session's loop; op_init's.
 */
#ifndef SHARED_MAP_H
#define SHARED_MAP_H

#include <fuse_lowlevel.h>

/* After fuse_session_mount(). 0 or -errno. */
int shared_map_open(struct fuse_session *session);

/* From op_init. */
void shared_map_init(struct fuse_conn_info *conn);

#endif
