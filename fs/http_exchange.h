/* SPDX-License-Identifier: MIT */
/*
 * http_exchange: one request and its answer, as curl is told of it. Private to http*.c.
 */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include "http_head.h"

#include <curl/curl.h>
#include <sys/queue.h>

#define HANDLES_KEPT 64

struct http {
	CURLM *multi;
	struct http_limits limits;
	LIST_HEAD(, http_exchange) exchanges;
	CURL *handles[HANDLES_KEPT]; /* at rest */
	size_t handle_count;
	int64_t answered_ms; /* the last small answer came */
	int64_t silent_ms; /* one was given up, and none had come since it began; 0: never */
};

struct http_exchange {
	LIST_ENTRY(http_exchange) link;
	struct http *http;
	CURL *easy;
	struct curl_slist *headers;
	struct http_request request; /* its texts are not ours to keep: cleared */
	struct http_head head;
	int64_t begun_ms;
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

/* Tells curl all of an exchange but its URL and headers. */
bool http_exchange_set_up(struct http_exchange *x);

/* The headers of the request; bearer may be NULL. */
bool http_exchange_set_headers(struct http_exchange *x, const char *bearer);

#endif
