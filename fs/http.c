/* SPDX-License-Identifier: MIT */
/*
 * Requests over one curl multi handle.
 *
 * Redirects are followed by hand: each hop's URL is checked as the first one's was, and the key
 * never goes along.
 */
#include "http_head.h"

#include "cometfs.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>
#include <sys/socket.h>

#define HEADERS_MAX 65536
#define BODY_STEP 16384

struct http {
	CURLM *multi;
	struct http_limits limits;
	LIST_HEAD(, http_exchange) exchanges;
};

struct http_exchange {
	LIST_ENTRY(http_exchange) link;
	struct http *http;
	CURL *easy;
	struct curl_slist *headers;
	struct http_request request; /* its texts are not ours to keep: cleared */
	struct http_head head;
	bool head_done;
	bool following; /* this answer is a redirect that will be followed */
	bool refused; /* an address was */
	char if_range[256];
	bool too_large;
	bool stopped;
	enum http_error dead; /* could not even start */
	int redirects;
	size_t header_bytes;
	char *body;
	size_t body_length, body_room;
	char reason[CURL_ERROR_SIZE];
};

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

static bool collect(struct http_exchange *x, const char *data, size_t length)
{
	if (length > x->request.body_max - x->body_length) {
		x->too_large = true;
		return false;
	}
	if (x->body_length + length > x->body_room) {
		size_t room = x->body_length + length + BODY_STEP;
		char *body = realloc(x->body, room);
		if (body == NULL)
			return false;
		x->body = body;
		x->body_room = room;
	}
	memcpy(x->body + x->body_length, data, length);
	x->body_length += length;
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

/* ---- exchanges ------------------------------------------------------------------------------ */

int http_new(const struct http_limits *limits, struct http **http)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -EIO;
	struct http *h = calloc(1, sizeof(*h));
	if (h == NULL)
		return -ENOMEM;
	h->limits = *limits;
	h->multi = curl_multi_init();
	if (h->multi == NULL) {
		free(h);
		return -ENOMEM;
	}
	(void)curl_multi_setopt(
		h->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)limits->connections_per_host);
	*http = h;
	return 0;
}

static void exchange_free(struct http_exchange *x)
{
	LIST_REMOVE(x, link);
	if (x->easy != NULL) {
		(void)curl_multi_remove_handle(x->http->multi, x->easy);
		curl_easy_cleanup(x->easy);
	}
	http_headers_free(&x->headers);
	free(x->body);
	free(x);
}

void http_free(struct http *http)
{
	struct http_exchange *x;
	if (http == NULL)
		return;
	while ((x = LIST_FIRST(&http->exchanges)) != NULL)
		exchange_free(x);
	(void)curl_multi_cleanup(http->multi);
	free(http);
	curl_global_cleanup();
}

static bool set_headers(struct http_exchange *x, const char *bearer)
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

static bool set_up(struct http_exchange *x)
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
	SET(CURLOPT_FRESH_CONNECT, x->request.fresh ? 1L : 0L);
	/* Many small answers over one connection of HTTP/2; a video may have one of its own. */
	if (x->request.body_max > 0)
		SET(CURLOPT_PIPEWAIT, 1L);
	else
		SET(CURLOPT_BUFFERSIZE, 262144L);
	if (x->request.range_from > 0) {
		char range[32];
		(void)snprintf(range, sizeof(range), "%lld-", (long long)x->request.range_from);
		SET(CURLOPT_RANGE, range);
	}
	return good && set_limits(x);
}

/* Begins with url, which is checked first. */
static enum http_error begin(struct http_exchange *x, const char *url)
{
	enum http_error error = http_url_check(url, &x->http->limits);
	if (error != HTTP_OK)
		return error;
	http_head_begin(&x->head);
	x->head_done = x->following = false;
	x->header_bytes = 0;
	if (curl_easy_setopt(x->easy, CURLOPT_URL, url) != CURLE_OK ||
		curl_multi_add_handle(x->http->multi, x->easy) != CURLM_OK)
		return HTTP_TRANSPORT;
	return HTTP_OK;
}

struct http_exchange *http_send(struct http *http, const struct http_request *request)
{
	struct http_exchange *x = calloc(1, sizeof(*x));
	if (x == NULL)
		return NULL;
	assert((request->body_max > 0) == (request->on_body == NULL));
	x->http = http;
	x->request = *request;
	x->request.url = x->request.bearer = x->request.if_range = NULL;
	http_head_begin(&x->head);
	if (request->if_range != NULL)
		(void)snprintf(x->if_range, sizeof(x->if_range), "%s", request->if_range);
	LIST_INSERT_HEAD(&http->exchanges, x, link);
	x->easy = curl_easy_init();
	if (x->easy == NULL || !set_up(x) || !set_headers(x, request->bearer))
		x->dead = HTTP_TRANSPORT;
	else
		x->dead = begin(x, request->url);
	if (x->dead != HTTP_OK)
		http_wake(http);
	return x;
}

void http_cancel(struct http *http, struct http_exchange *exchange)
{
	assert(exchange->http == http);
	exchange_free(exchange);
}

static enum http_error error_of(const struct http_exchange *x, CURLcode code)
{
	if (x->too_large)
		return HTTP_TOO_LARGE;
	if (x->stopped)
		return HTTP_STOPPED;
	if (x->refused && code == CURLE_COULDNT_CONNECT)
		return HTTP_REFUSED_NAME;
	/* To curl, an answer that ends inside its headers is one without a body. */
	return code == CURLE_OK && !x->head_done ? HTTP_CUT : http_error_of(code);
}

/* What was held back is given to on_body() in here, which may end the exchange. */
void http_resume(struct http_exchange *exchange)
{
	CURLcode code = curl_easy_pause(exchange->easy, CURLPAUSE_CONT);
	if (code == CURLE_OK)
		return;
	exchange->dead = error_of(exchange, code);
	http_wake(exchange->http);
}

static void finish(struct http_exchange *x, enum http_error error)
{
	struct http_result result = { .error = error,
		.reason = http_reason(error, x->reason),
		.head = &x->head,
		.body = x->body,
		.body_length = x->body_length };

	/* Out of curl first: on_done() may well send the next request. */
	if (x->easy != NULL)
		(void)curl_multi_remove_handle(x->http->multi, x->easy);
	x->request.on_done(x->request.arg, &result);
	exchange_free(x);
}

/* Goes where the redirect points to; the key stays behind. */
static enum http_error follow(struct http_exchange *x)
{
	const char *target = NULL;
	if (++x->redirects > x->request.redirects_max)
		return HTTP_REDIRECTS;
	(void)curl_easy_getinfo(x->easy, CURLINFO_REDIRECT_URL, &target);
	char *url = target != NULL ? strdup(target) : NULL;
	if (url == NULL)
		return HTTP_TRANSPORT;
	(void)curl_multi_remove_handle(x->http->multi, x->easy);
	http_headers_free(&x->headers);
	enum http_error error = set_headers(x, NULL) ? begin(x, url) : HTTP_TRANSPORT;
	free(url);
	return error;
}

static void deliver(struct http *http)
{
	CURLMsg *message;
	int left;
	while ((message = curl_multi_info_read(http->multi, &left)) != NULL) {
		struct http_exchange *x = NULL;
		CURLcode code = message->data.result;
		(void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&x);
		enum http_error error = error_of(x, code);
		if (error == HTTP_OK && x->following) {
			error = follow(x);
			if (error == HTTP_OK)
				continue;
		}
		finish(x, error);
	}
}

/* One at a time: a call-back may cancel any other exchange. */
static struct http_exchange *first_dead(struct http *http)
{
	struct http_exchange *x;
	LIST_FOREACH (x, &http->exchanges, link) {
		if (x->dead != HTTP_OK)
			return x;
	}
	return NULL;
}

void http_poll(struct http *http, int64_t timeout_ms)
{
	struct http_exchange *dead;
	int running;

	int wait_ms = timeout_ms < 0 || timeout_ms > INT_MAX ? INT_MAX : (int)timeout_ms;
	/* Poll first: an end that a perform before it saw would lie undelivered while we sleep. */
	(void)curl_multi_poll(http->multi, NULL, 0, wait_ms, NULL);
	(void)curl_multi_perform(http->multi, &running);
	deliver(http);
	while ((dead = first_dead(http)) != NULL)
		finish(dead, dead->dead);
}

void http_wake(struct http *http)
{
	(void)curl_multi_wakeup(http->multi);
}
