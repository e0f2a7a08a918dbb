/* SPDX-License-Identifier: MIT */
/*
 * The kernel's passthrough. Its calls are made here and not by libfuse, which would complain in the
 * log where they are refused, and not say why.
 */
#include "ops_pass.h"

#include "base.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>

#if defined(FUSE_CAP_PASSTHROUGH) && defined(FUSE_DEV_IOC_BACKING_OPEN)

void ops_pass_init(struct fuse_conn_info *conn)
{
	if (conn->capable & FUSE_CAP_PASSTHROUGH)
		conn->want |= FUSE_CAP_PASSTHROUGH;
}

/*
 * The kernel opens the file again as its reader has opened it. Where O_DIRECT is not to be had, his
 * open would fail, which through the page cache it does not.
 */
static bool takes_direct(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	bool takes = flags >= 0 && fcntl(fd, F_SETFL, flags | O_DIRECT) == 0;
	return takes && fcntl(fd, F_SETFL, flags) == 0;
}

int32_t ops_pass_open(int fuse_fd, int fd)
{
	const struct fuse_backing_map map = { .fd = fd };
	if (!takes_direct(fd))
		return -EINVAL;
	int number = ioctl(fuse_fd, FUSE_DEV_IOC_BACKING_OPEN, &map);
	return number >= 0 ? number : -errno;
}

void ops_pass_close(int fuse_fd, int32_t number)
{
	(void)ioctl(fuse_fd, FUSE_DEV_IOC_BACKING_CLOSE, &number);
}

void ops_pass_answer(struct fuse_file_info *fi, int32_t number)
{
	fi->backing_id = number;
	fi->direct_io = fi->keep_cache = 0; /* neither goes with it */
}

#else

void ops_pass_init(struct fuse_conn_info *conn)
{
	(void)conn;
}

int32_t ops_pass_open(int fuse_fd, int fd)
{
	(void)fuse_fd, (void)fd;
	return -ENOSYS;
}

void ops_pass_close(int fuse_fd, int32_t number)
{
	(void)fuse_fd, (void)number;
}

void ops_pass_answer(struct fuse_file_info *fi, int32_t number)
{
	(void)fi, (void)number;
}

#endif

static const char *words(int r)
{
	switch (-r) {
	case ENOSYS:
		return "this libfuse has none";
	case ENOTTY:
	case EOPNOTSUPP:
		return "this kernel has none";
	case EPERM:
		return "it needs CAP_SYS_ADMIN";
	case ELOOP:
		return "the store is on a stacked file system";
	case EINVAL:
		return "the store has no O_DIRECT";
	default:
		return strerror(-r);
	}
}

void ops_pass_say(int32_t number)
{
	static atomic_int said = 1; /* what no result comes to */
	int r = number > 0 ? 0 : number;
	if (atomic_exchange(&said, r) == r)
		return;
	if (r == 0)
		log_info("finished videos are read by the kernel itself (passthrough)");
	else
		log_info("finished videos are read through the page cache (no passthrough: %s)",
			words(r));
}
