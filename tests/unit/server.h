/* SPDX-License-Identifier: MIT */
/*
 * A server of few bytes in a thread of its own: it answers one connection after the other with
 * what the test has planned for it, right or wrong, and keeps what it was asked.
 */
#ifndef SERVER_H
#define SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define REPLIES 8
#define REQUEST_SIZE 4096

/* When it goes on with a reply, beyond having been asked. */
enum {
	REPLY_PLAIN = 0,
	REPLY_GATED = 1, /* sent after a sem_post() of server.go */
	REPLY_HELD = 2, /* what is sent is not all: the other side has to close */
};

static struct server {
	int listener;
	unsigned port;
	bool runs;
	pthread_t thread;
	struct {
		const char *bytes; /* the test's, and there until the end */
		size_t length;
		unsigned how;
	} replies[REPLIES];
	unsigned planned;
	char requests[REPLIES][REQUEST_SIZE]; /* read it when it was answered */
	unsigned asked; /* how many came; after server_end() */
	sem_t go, sent, closed;
} server;

/* Up to the empty line behind the headers. */
static inline void server_read(int fd, char request[REQUEST_SIZE])
{
	size_t length = 0;
	ssize_t n = 1;
	while (n > 0 && length < REQUEST_SIZE - 1 && strstr(request, "\r\n\r\n") == NULL) {
		n = recv(fd, request + length, REQUEST_SIZE - 1 - length, 0);
		length += n > 0 ? (size_t)n : 0;
		request[length] = '\0';
	}
}

static inline void server_answer(int fd, unsigned i)
{
	char rest[64];
	const char *bytes = server.replies[i].bytes;
	size_t left = server.replies[i].length;
	ssize_t n = 1;

	if ((server.replies[i].how & REPLY_GATED) != 0)
		(void)sem_wait(&server.go);
	for (; left > 0 && n > 0; left -= n > 0 ? (size_t)n : 0) {
		n = send(fd, bytes, left, MSG_NOSIGNAL);
		bytes += n > 0 ? n : 0;
	}
	if ((server.replies[i].how & REPLY_HELD) == 0)
		(void)shutdown(fd, SHUT_WR);
	(void)sem_post(&server.sent);
	while (recv(fd, rest, sizeof(rest), 0) > 0)
		;
}

static inline void *server_run(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < server.planned; i++) {
		int fd = accept(server.listener, NULL, NULL);
		if (fd < 0)
			break;
		server.asked++;
		server_read(fd, server.requests[i]);
		server_answer(fd, i);
		(void)close(fd);
		(void)sem_post(&server.closed);
	}
	return NULL;
}

/* Listens, so that its port is known; answers nobody before server_run_now(). */
static inline void server_begin(void)
{
	struct sockaddr_in here = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr *address = (struct sockaddr *)(void *)&here;
	socklen_t length = sizeof(here);

	memset(&server, 0, sizeof(server));
	server.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(server.listener >= 0);
	assert_int_equal(bind(server.listener, address, length), 0);
	assert_int_equal(listen(server.listener, REPLIES), 0);
	assert_int_equal(getsockname(server.listener, address, &length), 0);
	server.port = ntohs(here.sin_port);
	assert_int_equal(sem_init(&server.go, 0, 0), 0);
	assert_int_equal(sem_init(&server.sent, 0, 0), 0);
	assert_int_equal(sem_init(&server.closed, 0, 0), 0);
}

static inline void server_plan_bytes(const char *bytes, size_t length, unsigned how)
{
	assert_true(server.planned < REPLIES);
	server.replies[server.planned].bytes = bytes;
	server.replies[server.planned].length = length;
	server.replies[server.planned++].how = how;
}

static inline void server_plan(const char *text)
{
	server_plan_bytes(text, strlen(text), REPLY_PLAIN);
}

static inline void server_run_now(void)
{
	assert_int_equal(pthread_create(&server.thread, NULL, server_run, NULL), 0);
	server.runs = true;
}

/* Whoever was connected has to be gone. */
static inline void server_end(void)
{
	(void)shutdown(server.listener, SHUT_RDWR);
	if (server.runs)
		assert_int_equal(pthread_join(server.thread, NULL), 0);
	server.runs = false;
	(void)close(server.listener);
	(void)sem_destroy(&server.go);
	(void)sem_destroy(&server.sent);
	(void)sem_destroy(&server.closed);
}

#endif
