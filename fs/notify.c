/* SPDX-License-Identifier: MIT */
#include "notify.h"

#include "base.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* Set once before the threads start. */
static struct sockaddr_un address = { .sun_family = AF_UNIX };
static socklen_t address_length; /* 0: nobody wants to know */

/* With a reader that is behind, as systemd is while it reads all of its units again. */
static const struct timeval patience = { .tv_sec = 5 };

static atomic_bool ready;

/* A path, or, with an @ in front, a name in Linux' own space of names, which begins with a zero byte. */
void notify_open(void)
{
	const char *name = getenv("NOTIFY_SOCKET");
	size_t length = name != NULL ? strlen(name) : 0;
	if (length > 1 && length < sizeof(address.sun_path) && (*name == '/' || *name == '@')) {
		memcpy(address.sun_path, name, length + 1);
		address_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length +
					     (*name == '/'));
		if (*name == '@')
			address.sun_path[0] = '\0';
	} else if (length > 0) {
		log_warning("$NOTIFY_SOCKET: %s: not a socket that can be told anything", name);
	}
	(void)unsetenv("NOTIFY_SOCKET");
}

bool notify_is_open(void)
{
	return address_length > 0;
}

/* A socket a message: there are few, and none is kept over a fork. */
static int send_message(const char *text, int flags)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	ssize_t n = sendto(fd, text, strlen(text), MSG_NOSIGNAL | flags,
		(const struct sockaddr *)&address, address_length);
	int error = n < 0 ? errno : 0;
	(void)close(fd);
	return error;
}

/* These have to arrive: without its READY=1 a service is ended. */
static void tell(const char *text)
{
	int error = notify_is_open() ? send_message(text, 0) : 0;
	if (error != 0)
		log_warning("$NOTIFY_SOCKET: %s", strerror(error));
}

void notify_ready(void)
{
	tell("READY=1");
	ready = true;
}

/* systemd's Type=notify-reload wants to know when, to tell this reload from one before it. */
void notify_reloading(void)
{
	char text[64];
	struct timespec now = { 0, 0 };
	if (!ready)
		return;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	(void)snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
		(int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	tell(text);
}

void notify_reloaded(void)
{
	if (ready)
		tell("READY=1");
}

void notify_stopping(void)
{
	tell("STOPPING=1");
}

bool notify_status(const char *line)
{
	char text[256];
	(void)snprintf(text, sizeof(text), "STATUS=%s", line);
	return send_message(text, MSG_DONTWAIT) != EAGAIN;
}
