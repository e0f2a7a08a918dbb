/* SPDX-License-Identifier: MIT */
/* What is said to people: one line, what and why and what to do, and nothing that steers a terminal. */
#include "ctl.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SAID_SIZE 4096

void ctl_say(const char *what, const char *why, ...)
{
	char raw[SAID_SIZE], words[SAID_SIZE], line[SAID_SIZE + 64];
	va_list args;
	va_start(args, why);
	int length = snprintf(raw, sizeof(raw), "%s: ", what);
	if (length > 0 && (size_t)length < sizeof(raw))
		(void)vsnprintf(raw + length, sizeof(raw) - (size_t)length, why, args);
	va_end(args);
	(void)ctl_text_fit(words, sizeof(words), raw, INT_MAX);
	/* Whole, so that it does not mix with what others write there. */
	length = snprintf(line, sizeof(line), "cometctl: %s\n", words);
	(void)fflush(stdout);
	if (write(STDERR_FILENO, line, (size_t)length) < 0)
		return; /* there is nobody to tell */
}

void ctl_say_error(const struct ctl *ctl, const char *id, int error)
{
	static const struct {
		int error;
		const char *why;
	} known[] = {
		{ ENOENT, "is not tracked: cometctl add it first" },
		{ EBUSY, "its video is open in a program: close it, and try again" },
		{ EROFS, "the mount is read-only: mount it without -o ro" },
		{ ENOSPC, "the store's disk is full: make room there" },
		{ EINVAL, "is no request id: 1 to 191 of A-Z a-z 0-9 . _ : -, no dot in front" },
		{ EPERM, "is not allowed: the mount belongs to somebody else" },
		{ EACCES,
			"is not allowed: the mount belongs to somebody else, or the key is refused" },
		{ EIO, "cannot be read now: cometctl doctor says more" },
		{ EBADMSG, "its status.json is not one of cometfs: is another version mounted?" },
	};
	if (ctl_mount_is_gone(error)) {
		ctl_say(ctl->mount, "the daemon has ended: start it again with cometfs");
		return;
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].error == error) {
			ctl_say(id, "%s", known[i].why);
			return;
		}
	}
	ctl_say(id, "%s", strerror(error));
}

bool ctl_is_colored(int fd)
{
	const char *no = getenv("NO_COLOR"), *terminal = getenv("TERM");
	return isatty(fd) && (no == NULL || *no == '\0') && terminal != NULL && *terminal != '\0' &&
	       strcmp(terminal, "dumb") != 0;
}

/* A full disk behind standard output shows here at last. Who only reads no more has what he wanted. */
int ctl_end(int status)
{
	if (ctl_signal_ending() != 0) {
		(void)fflush(stdout);
		ctl_signal_die(ctl_signal_ending());
	}
	errno = 0;
	bool failed = ferror(stdout) != 0;
	if (fclose(stdout) == 0 && !failed)
		return status;
	if (errno != EPIPE && errno != EBADF)
		ctl_say("standard output", "%s",
			errno != 0 ? strerror(errno) : "cannot be written");
	return status == CTL_OK ? CTL_FAILED : status;
}

bool ctl_id_is_good(const char *id)
{
	size_t length =
		strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-");
	return id[length] == '\0' && length > 0 && length < ID_SIZE && id[0] != '.';
}

bool ctl_ids_are_good(char *const *ids, int count)
{
	bool good = true;
	for (int i = 0; i < count; i++) {
		if (ctl_id_is_good(ids[i]))
			continue;
		ctl_say(ids[i][0] != '\0' ? ids[i] : "\"\"",
			"is no request id: 1 to 191 of A-Z a-z 0-9 . _ : -, no dot in front");
		good = false;
	}
	return good;
}

int64_t ctl_duration_ms(const char *text)
{
	static const struct {
		char unit;
		double seconds;
	} units[] = { { '\0', 1 }, { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	char *end;
	double number = strtod(text, &end);
	bool decimal = text[0] == '.' || (text[0] >= '0' && text[0] <= '9');
	if (end == text || !decimal || !isfinite(number) || strpbrk(text, "xXpP") != NULL)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (*end != units[i].unit || (*end != '\0' && end[1] != '\0'))
			continue;
		double ms = number * units[i].seconds * 1000 + 0.999;
		return ms < 1e15 ? (int64_t)ms : (int64_t)1e15;
	}
	return -EINVAL;
}

int ctl_timeout(const struct ctl *ctl, int64_t *ms)
{
	*ms = ctl->timeout != NULL ? ctl_duration_ms(ctl->timeout) : 0;
	if (*ms >= 0)
		return 0;
	ctl_say(ctl->timeout, "is no duration: 10, 1.5m, 2h and 1d are");
	return -EINVAL;
}
