/* SPDX-License-Identifier: MIT */
/*
 * Requests over one curl multi handle.
 *
 * Redirects are followed by hand: each hop's URL is checked as the first one's was, and the key
 * never goes along.
 */
#include "http_exchange.h"

#include "base.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define TOO_LARGE_CODE 100 /* CURLE_TOO_LARGE, which curl has since 8.6 */

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
	long most = limits->connections_per_host;
	(void)curl_multi_setopt(h->multi, CURLMOPT_MAX_HOST_CONNECTIONS, most);
	/* Else curl keeps four for each exchange under way, and opens the rest anew and anew. */
	(void)curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, most);
	*http = h;
	return 0;
}

/*
 * Making a handle costs as much as a small exchange, so they are used again: for small ones only,
 * since curl gives a used handle no other size of buffer.
 */
static CURL *take_handle(struct http *http, bool small)
{
	bool again = small && http->handle_count > 0;
	return again ? http->handles[--http->handle_count] : curl_easy_init();
}

/* Nothing of the old exchange stays in it, the key least of all. */
static void put_handle(struct http *http, CURL *easy, bool small)
{
	curl_easy_reset(easy);
	if (small && http->handle_count < HANDLES_KEPT)
		http->handles[http->handle_count++] = easy;
	else
		curl_easy_cleanup(easy);
}

static void exchange_free(struct http_exchange *x)
{
	LIST_REMOVE(x, link);
	if (x->easy != NULL) {
		(void)curl_multi_remove_handle(x->http->multi, x->easy);
		put_handle(x->http, x->easy, x->request.body_max > 0);
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
	while (http->handle_count > 0)
		curl_easy_cleanup(take_handle(http, true));
	(void)curl_multi_cleanup(http->multi);
	free(http);
	curl_global_cleanup();
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
	/* Without TLS there is no HTTP/2, and nothing to wait for. */
	bool plain = strncasecmp(url, "http:", 5) == 0;
	long version = plain ? CURL_HTTP_VERSION_1_1 : CURL_HTTP_VERSION_2TLS;
	if (curl_easy_setopt(x->easy, CURLOPT_HTTP_VERSION, version) != CURLE_OK ||
		curl_easy_setopt(x->easy, CURLOPT_URL, url) != CURLE_OK ||
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
	x->begun_ms = clock_ms();
	x->request = *request;
	x->request.url = x->request.bearer = x->request.if_range = NULL;
	http_head_begin(&x->head);
	if (request->if_range != NULL)
		(void)snprintf(x->if_range, sizeof(x->if_range), "%s", request->if_range);
	LIST_INSERT_HEAD(&http->exchanges, x, link);
	x->easy = take_handle(http, request->body_max > 0);
	if (x->easy == NULL || !http_exchange_set_up(x) ||
		!http_exchange_set_headers(x, request->bearer))
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
	/* curl has its own limits: for one header line, and for their number, trailers too. */
	bool endless_line = code == CURLE_OUT_OF_MEMORY && !x->head_done;
	if (x->too_large || endless_line || (int)code == TOO_LARGE_CODE)
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

/* Whether the connections of small exchanges are alive, as far as this one can tell. */
static void notice_silence(struct http_exchange *x, enum http_error error)
{
	struct http *http = x->http;
	if (x->request.body_max == 0)
		return;
	if (x->head_done)
		http->answered_ms = clock_ms();
	else if (error == HTTP_TIMEOUT && http->answered_ms < x->begun_ms)
		http->silent_ms = clock_ms();
}

static void finish(struct http_exchange *x, enum http_error error)
{
	notice_silence(x, error);
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
	enum http_error error = http_exchange_set_headers(x, NULL) ? begin(x, url) : HTTP_TRANSPORT;
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
