/* SPDX-License-Identifier: MIT */
/*
 * The child does everything and reports through a pipe; until then its errors go to the terminal, and
 * the parent waits, and looks whether the mount answers.
 */
#include "background.h"

#include "base.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int report_fd = -1; /* to the waiting parent */

static int fail(const char *what, const char *why)
{
	log_failure("%s: %s", what, why);
	return EXIT_FAILURE;
}

/*
 * The session is left only now: a mount point of systemd.automount lets in none but systemd's own
 * process group until it is mounted.
 */
void background_ready(void)
{
	if (report_fd < 0)
		return;
	(void)setsid();
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; null >= 0 && fd < 3; fd++)
		(void)dup2(null, fd);
	if (null > 2)
		(void)close(null);
	if (chdir("/") != 0)
		log_warning("/: %s", strerror(errno));
	log_to_syslog();
	(void)!write(report_fd, "+", 1);
	(void)close(report_fd);
}

/* The child says "+" when it serves; then the kernel is asked whether the mount answers. */
static int wait_for_child(const char *mountpoint, pid_t child, int fd)
{
	char word = '\0';
	struct stat st;
	int status = 0;
	ssize_t n;
	do
		n = read(fd, &word, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1 && stat(mountpoint, &st) == 0)
		return EXIT_SUCCESS;
	if (n == 1)
		return fail(mountpoint, "the mount does not answer, see why with -f");
	pid_t ended;
	do
		ended = waitpid(child, &status, 0);
	while (ended < 0 && errno == EINTR);
	if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
		return WEXITSTATUS(status);
	return fail(mountpoint, "the daemon ended before it was ready, see why with -f");
}

bool background_fork(const char *mountpoint, int *status)
{
	int fds[2];
	if (pipe2(fds, O_CLOEXEC) != 0) {
		*status = fail("pipe", strerror(errno));
		return true;
	}
	pid_t child = fork();
	if (child < 0) {
		*status = fail("fork", strerror(errno));
		return true;
	}
	if (child > 0) {
		(void)close(fds[1]);
		*status = wait_for_child(mountpoint, child, fds[0]);
		return true;
	}
	(void)close(fds[0]);
	report_fd = fds[1];
	return false;
}
