/* SPDX-License-Identifier: MIT */
#include "shared_map.h"

#ifdef FUSE_CAP_DIRECT_IO_ALLOW_MMAP

int shared_map_open(struct fuse_session *session)
{
	(void)session;
	return 0;
}

void shared_map_init(struct fuse_conn_info *conn)
{
	if (conn->capable & FUSE_CAP_DIRECT_IO_ALLOW_MMAP)
		conn->want |= FUSE_CAP_DIRECT_IO_ALLOW_MMAP;
}

#else

#include <linux/fuse.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/uio.h>
#include <unistd.h>

/* FUSE_DIRECT_IO_ALLOW_MMAP, bit 36 of the flags, in their upper half. */
#define ALLOW_MMAP (1U << (36 - 32))

static atomic_bool answered; /* INIT is the first request, and alone until it is answered */

static ssize_t on_writev(int fd, struct iovec *iov, int count, void *userdata)
{
	(void)userdata;
	if (!answered && count == 2 && iov[1].iov_len == sizeof(struct fuse_init_out)) {
		struct fuse_init_out *init = iov[1].iov_base;
		if (init->flags & FUSE_INIT_EXT)
			init->flags2 |= ALLOW_MMAP;
		init->flags |= FUSE_PARALLEL_DIROPS;
		answered = true;
	}
	return writev(fd, iov, count);
}

static ssize_t on_read(int fd, void *buffer, size_t size, void *userdata)
{
	(void)userdata;
	return read(fd, buffer, size);
}

int shared_map_open(struct fuse_session *session)
{
	const struct fuse_custom_io io = { .writev = on_writev, .read = on_read };
	return fuse_session_custom_io(session, &io, fuse_session_fd(session));
}

void shared_map_init(struct fuse_conn_info *conn)
{
	(void)conn; /* this libfuse has no name for it */
}

#endif
