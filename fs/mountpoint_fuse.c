/* SPDX-License-Identifier: MIT */
/*
 * What libfuse and fusermount3 say. fusermount3 writes to the standard error that it inherits, where it
 * would be a line of its own, with less than a person needs: it is made part of ours.
 */
#include "mountpoint.h"

#include "base.h"

#include <errno.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static bool mounted;
static char words[512]; /* what was said last, before that */

static const struct {
	const char *said, *what_to_do;
} advices[] = {
	{ "exec fusermount3", "install the package fuse3" },
	{ "fusermount posix_spawn failed", "install the package fuse3" }, /* libfuse 3.15 on */
	{ "for fusermount3 failed", "install the package fuse3" }, /* libfuse 3.17 on */
	{ "/dev/fuse: Permission denied", "mount as root, or let users open it (chmod 666)" },
	{ "/dev/fuse: Operation not permitted", "the container has to be given the device" },
	{ "mount failed: Operation not permitted",
		"fusermount3 has to be setuid root; in a container mount as root, with CAP_SYS_ADMIN" },
	{ "", "" },
};

__attribute__((format(printf, 2, 0))) static void on_fuse_log(
	enum fuse_log_level level, const char *format, va_list args)
{
	char line[sizeof(words)];
	(void)vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\n")] = '\0';
	if (line[0] == '\0')
		return;
	if (!mounted)
		memcpy(words, line, sizeof(words));
	else if (level <= FUSE_LOG_ERR)
		log_warning("%s", line);
	else
		log_debug("%s", line);
}

void mountpoint_listen(void)
{
	fuse_set_log_func(on_fuse_log);
}

/* Standard error as it was, of which *file takes the place. -1: it stays. */
static int divert(int *file)
{
	int before = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	*file = memfd_create("cometfs", MFD_CLOEXEC);
	if (before >= 0 && *file >= 0 && dup2(*file, STDERR_FILENO) >= 0)
		return before;
	if (before >= 0)
		(void)close(before);
	return -1;
}

/* The first line is the cause of those behind it. */
static void take_words(int file)
{
	char said[sizeof(words)];
	ssize_t length = pread(file, said, sizeof(said) - 1, 0);
	if (length <= 0)
		return;
	said[length] = '\0';
	said[strcspn(said, "\n")] = '\0';
	memcpy(words, said, sizeof(words));
}

/* The socket on which fusermount3 hears our end: libfuse opens it with /dev/fuse, and keeps it to itself. -1. */
static int find_socket(int fuse_fd)
{
	for (int fd = fuse_fd + 1; fd < fuse_fd + 8; fd++) {
		int type = 0;
		socklen_t size = sizeof(type);
		if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM)
			return fd;
	}
	return -1;
}

/*
 * With auto_unmount, fusermount3 opens the mount when that socket ends, and takes it down if this says
 * ENOTCONN. The kernel closes the files of a killed process from the highest number on. Did the socket end
 * before /dev/fuse, the open could still come to us, and fail with ECONNABORTED. So it changes places with
 * a file that was there before; its old number stays taken, as libfuse may yet close it.
 */
static void lower_socket(int null, int fuse_fd)
{
	int socket = find_socket(fuse_fd);
	int spare = socket >= 0 ? fcntl(null, F_DUPFD_CLOEXEC, 0) : -1;
	if (spare >= 0 && dup3(socket, null, O_CLOEXEC) >= 0)
		(void)dup3(spare, socket, O_CLOEXEC);
	else
		(void)close(null);
	if (spare >= 0)
		(void)close(spare);
}

int mountpoint_mount(struct fuse_session *session, const char *path)
{
	int file = -1;
	words[0] = '\0';
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int before = divert(&file);
	mounted = fuse_session_mount(session, path) == 0;
	if (null >= 0)
		lower_socket(null, mounted ? fuse_session_fd(session) : null);
	if (before >= 0) {
		(void)dup2(before, STDERR_FILENO);
		(void)close(before);
		take_words(file);
	}
	if (file >= 0)
		(void)close(file);
	return mounted ? 0 : -EIO;
}

const char *mountpoint_fault(void)
{
	static char text[2 * sizeof(words)];
	size_t i = 0;
	if (words[0] == '\0')
		return "it cannot be mounted, and fusermount3 does not say why: is it that of the "
		       "package fuse3?";
	while (strstr(words, advices[i].said) == NULL)
		i++;
	(void)snprintf(text, sizeof(text), "%s%s%s%s", words,
		advices[i].what_to_do[0] != '\0' ? " (" : "", advices[i].what_to_do,
		advices[i].what_to_do[0] != '\0' ? ")" : "");
	return text;
}
