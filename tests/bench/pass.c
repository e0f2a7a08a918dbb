/* SPDX-License-Identifier: MIT */
/*
 * A file system that only passes reads through: the file FILE as MOUNTPOINT/video, done as libfuse's
 * own example passthrough_ll with cache=always does it. pass FILE MOUNTPOINT
 */
#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "video"
#define INODE 2
#define TIMEOUT_S 1.0 /* libfuse's default */

static const char *file;

static int look(fuse_ino_t inode, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	if (inode == INODE && stat(file, st) != 0)
		return -errno;
	st->st_ino = inode;
	if (inode == INODE)
		return 0;
	st->st_mode = S_IFDIR | 0755;
	st->st_nlink = 2;
	return 0;
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param entry = {
		.ino = INODE, .attr_timeout = TIMEOUT_S, .entry_timeout = TIMEOUT_S
	};
	int r = parent == FUSE_ROOT_ID && strcmp(name, NAME) == 0 ? look(INODE, &entry.attr)
								  : -ENOENT;
	if (r == 0)
		(void)fuse_reply_entry(req, &entry);
	else
		(void)fuse_reply_err(req, -r);
}

static void op_getattr(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi)
{
	struct stat st;
	int r = look(inode, &st);
	(void)fi;
	if (r == 0)
		(void)fuse_reply_attr(req, &st, TIMEOUT_S);
	else
		(void)fuse_reply_err(req, -r);
}

static void op_open(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi)
{
	(void)inode;
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		(void)fuse_reply_err(req, errno);
		return;
	}
	fi->fh = (uint64_t)fd;
	fi->keep_cache = 1;
	(void)fuse_reply_open(req, fi);
}

static void op_read(
	fuse_req_t req, fuse_ino_t inode, size_t size, off_t offset, struct fuse_file_info *fi)
{
	struct fuse_bufvec bytes = FUSE_BUFVEC_INIT(size);
	(void)inode;
	bytes.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
	bytes.buf[0].fd = (int)fi->fh;
	bytes.buf[0].pos = offset;
	(void)fuse_reply_data(req, &bytes, FUSE_BUF_SPLICE_MOVE);
}

static void op_release(fuse_req_t req, fuse_ino_t inode, struct fuse_file_info *fi)
{
	(void)inode;
	(void)close((int)fi->fh);
	(void)fuse_reply_err(req, 0);
}

static const struct fuse_lowlevel_ops operations = {
	.lookup = op_lookup,
	.getattr = op_getattr,
	.open = op_open,
	.read = op_read,
	.release = op_release,
};

static int serve(char *program, const char *mountpoint)
{
	char *words[] = { program, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(1, words);
	struct fuse_session *session =
		fuse_session_new(&args, &operations, sizeof(operations), NULL);
	struct fuse_loop_config *config = fuse_loop_cfg_create();
	int r = -1;

	if (session != NULL && config != NULL && fuse_set_signal_handlers(session) == 0) {
		r = fuse_session_mount(session, mountpoint);
		if (r == 0)
			r = fuse_session_loop_mt(session, config);
		fuse_session_unmount(session);
		fuse_remove_signal_handlers(session);
	}
	fuse_loop_cfg_destroy(config);
	if (session != NULL)
		fuse_session_destroy(session);
	return r;
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		(void)fputs("pass FILE MOUNTPOINT\n", stderr);
		return 2;
	}
	file = argv[1];
	return serve(argv[0], argv[2]) == 0 ? 0 : 1;
}
