/* SPDX-License-Identifier: MIT */
/* Listens, starts MHD with a thread for each connection, and chooses the route. */
#include "server.h"

#include "reply.h"
#include "routes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST_CONNECTIONS = 8192, STACK_BYTES = 256 * 1024, BACKLOG = 1024 };

static const struct route {
	const char *start;
	enum MHD_Result (*answer)(const struct request *request);
} routes[] = {
	{ "/grok/v1/videos/", polls_answer },
	{ "/v1/videos/", polls_answer },
	{ "/videos/", videos_answer },
	{ "/_event/", control_event },
	{ "/_count/", control_count },
};

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
	const char *path, const char *method, const char *version, const char *body,
	size_t *body_length, void **seen)
{
	struct stage *stage = context;
	(void)version;
	(void)body;
	/* MHD calls first for the headers, then for each part of a body, then for the answer. */
	if (!*seen) {
		*seen = stage;
		return MHD_YES;
	}
	if (*body_length) {
		*body_length = 0;
		return MHD_YES;
	}
	for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++) {
		size_t length = strlen(routes[i].start);
		if (strncmp(path, routes[i].start, length) != 0 || !path[length])
			continue;
		const struct request request = { stage, connection, method, path, path + length };
		return routes[i].answer(&request);
	}
	stage_log(stage, "other %s %s", method, path);
	return reply_plain(connection, MHD_HTTP_NOT_FOUND, "text/plain", "not found\n");
}

static int bind_to(int fd, struct sockaddr_in *address)
{
	int yes = 1;
	socklen_t length = sizeof(*address);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0 ||
		bind(fd, (struct sockaddr *)address, length) < 0 || listen(fd, BACKLOG) < 0 ||
		getsockname(fd, (struct sockaddr *)address, &length) < 0)
		return -errno;
	return 0;
}

int server_listen(const char *address, uint16_t *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(*port) };
	if (inet_pton(AF_INET, address, &at.sin_addr) != 1)
		return -EINVAL;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	int r = bind_to(fd, &at);
	if (r) {
		close(fd);
		return r;
	}
	*port = ntohs(at.sin_port);
	return fd;
}

/* Hundreds of connections are the point of some tests; a low limit of the shell is not. */
static void raise_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

struct MHD_Daemon *server_start(struct stage *stage, int fd)
{
	raise_limit();
	return MHD_start_daemon(
		MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_ITC, 0, NULL,
		NULL, on_request, stage, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)MOST_CONNECTIONS, MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_BYTES,
		MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
}
