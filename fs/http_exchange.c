/* SPDX-License-Identifier: MIT */
/* One exchange: what curl is told of it, and what it tells us. */
#include "http_exchange.h"

#include "base.h"
#include "cometfs.h"

#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define HEADERS_MAX 65536
#define BODY_STEP 16384

/* ---- call-backs of curl -------------------------------------------------------------------- */

/* A connection whose other end has vanished would else take requests for a quarter of an hour. */
static void limit_silence(const struct http_exchange *x, int fd)
{
	int64_t ms = x->request.stall_ms > 0 ? x->request.stall_ms : x->request.timeout_ms;
	unsigned int limit = ms < INT_MAX ? (unsigned int)ms : INT_MAX;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &limit, sizeof(limit));
}

static curl_socket_t on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct http_exchange *x = arg;
	(void)purpose;
	if (!x->http->limits.allow_private && http_address_check(&address->addr) != HTTP_OK) {
		x->refused = true;
		return CURL_SOCKET_BAD;
	}
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	if (fd >= 0)
		limit_silence(x, fd);
	return fd;
}

/* The empty line behind the headers: of a 1xx there is another answer to come. */
static int head_end(struct http_exchange *x)
{
	long status = 0;
	(void)curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
	x->head.status = (int)status;
	long version = CURL_HTTP_VERSION_NONE;
	(void)curl_easy_getinfo(x->easy, CURLINFO_HTTP_VERSION, &version);
	x->head.bounded =
		x->head.bounded || x->head.length >= 0 || version >= CURL_HTTP_VERSION_2_0;
	if (status < 200)
		return 0;
	x->head_done = true;
	x->following =
		x->request.redirects_max > 0 && status >= 300 && status < 400 && status != 304;
	if (x->following || x->request.on_head == NULL)
		return 0;
	int r = x->request.on_head(x->request.arg, &x->head);
	x->stopped = r < 0;
	return r;
}

static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
	struct http_exchange *x = arg;
	size_t length = size * count;
	char line[1024];

	x->header_bytes += length;
	if (x->header_bytes > HEADERS_MAX) {
		x->too_large = true;
		return 0;
	}
	if (x->head_done) /* a trailer */
		return length;
	if (length >= 5 && memcmp(data, "HTTP/", 5) == 0)
		http_head_begin(&x->head);
	else if (length <= 2)
		return head_end(x) < 0 ? 0 : length;
	else if (length < sizeof(line)) {
		memcpy(line, data, length);
		line[length] = '\0';
		http_head_line(&x->head, line);
	}
	return length;
}

static bool make_room(struct http_exchange *x, size_t length)
{
	int64_t announced = x->head.length;
	bool fits = announced >= (int64_t)length && announced <= (int64_t)x->request.body_max;
	size_t room = fits ? (size_t)announced : length + BODY_STEP;
	char *body = realloc(x->body, room);
	if (body == NULL)
		return false;
	x->body = body;
	x->body_room = room;
	return true;
}

static bool collect(struct http_exchange *x, const char *data, size_t length)
{
	size_t whole = x->body_length + length;
	if (whole > x->request.body_max) {
		x->too_large = true;
		return false;
	}
	if (whole > x->body_room && !make_room(x, whole))
		return false;
	memcpy(x->body + x->body_length, data, length);
	x->body_length = whole;
	return true;
}

static size_t on_write(char *data, size_t size, size_t count, void *arg)
{
	struct http_exchange *x = arg;
	size_t length = size * count;

	if (x->following || length == 0)
		return length;
	if (x->request.body_max > 0)
		return collect(x, data, length) ? length : 0;
	int64_t taken = x->request.on_body(x->request.arg, data, length);
	if (taken == 0)
		return CURL_WRITEFUNC_PAUSE;
	x->stopped = taken < 0;
	return taken < 0 ? 0 : length;
}

/* ---- what it is told ------------------------------------------------------------------------ */

bool http_exchange_set_headers(struct http_exchange *x, const char *bearer)
{
	bool good = x->request.body_max > 0
			    ? http_header_add(&x->headers, "Accept:", "application/json")
			    : http_header_add(&x->headers, "Accept-Encoding:", "identity");
	if (bearer != NULL)
		good = good && http_header_add(&x->headers, "Authorization: Bearer", bearer);
	if (x->if_range[0] != '\0')
		good = good && http_header_add(&x->headers, "If-Range:", x->if_range);
	return good && curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers) == CURLE_OK;
}

#define SET(option, value) (good = good && curl_easy_setopt(x->easy, option, value) == CURLE_OK)

static bool set_limits(struct http_exchange *x)
{
	const struct http_limits *limits = &x->http->limits;
	const struct http_request *request = &x->request;
	bool good = true;

	SET(CURLOPT_PROTOCOLS_STR, limits->allow_http ? "https,http" : "https");
	SET(CURLOPT_PROXY, ""); /* the check of addresses would be of the proxy's */
	SET(CURLOPT_OPENSOCKETFUNCTION, on_socket);
	SET(CURLOPT_OPENSOCKETDATA, x);
	if (limits->cafile != NULL)
		SET(CURLOPT_CAINFO, limits->cafile);
	SET(CURLOPT_TIMEOUT_MS, (long)request->timeout_ms);
	if (request->stall_ms > 0) {
		SET(CURLOPT_CONNECTTIMEOUT_MS, (long)request->stall_ms);
		SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
		SET(CURLOPT_LOW_SPEED_TIME, (long)((request->stall_ms + 999) / 1000));
	}
	return good;
}

/*
 * Small answers share few connections, many of them one of HTTP/2. Such a connection may be open
 * and dead: when a request was given up and no other was answered since it began, connections of
 * before that are used no more. While exchanges still hang in them curl would choose them first.
 */
static bool set_sharing(struct http_exchange *x)
{
	const struct http_request *request = &x->request;
	int64_t silent_ms = x->http->silent_ms;
	bool good = true;

	if (request->share) {
		SET(CURLOPT_PIPEWAIT, 1L);
		/* Who waits for others to connect, waits no longer than that. */
		SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(request->timeout_ms / 4 + 1));
	}
	if (request->body_max > 0 && silent_ms > 0) {
		int64_t since_ms = clock_ms() - silent_ms;
		if (since_ms < request->timeout_ms)
			SET(CURLOPT_FRESH_CONNECT, 1L);
		else
			SET(CURLOPT_MAXLIFETIME_CONN, (long)(since_ms / 1000));
	}
	return good;
}

static bool set_range(struct http_exchange *x)
{
	const struct http_request *request = &x->request;
	char range[64];
	bool good = true;
	if (request->range_from == 0 && request->range_to == 0)
		return true;
	int length = snprintf(range, sizeof(range), "%lld-", (long long)request->range_from);
	if (request->range_to > 0)
		(void)snprintf(range + length, sizeof(range) - (size_t)length, "%lld",
			(long long)request->range_to - 1);
	SET(CURLOPT_RANGE, range);
	return good;
}

bool http_exchange_set_up(struct http_exchange *x)
{
	bool good = true;

	SET(CURLOPT_PRIVATE, x);
	SET(CURLOPT_ERRORBUFFER, x->reason);
	SET(CURLOPT_USERAGENT, "cometfs/" COMETFS_VERSION);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_QUICK_EXIT, 1L); /* a name server that is away must not hold up the engine */
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, x);
	SET(CURLOPT_WRITEFUNCTION, on_write);
	SET(CURLOPT_WRITEDATA, x);
	if (x->request.body_max == 0)
		SET(CURLOPT_BUFFERSIZE, 262144L);
	return good && set_range(x) && set_limits(x) && set_sharing(x);
}
