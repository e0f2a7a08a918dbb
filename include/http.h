/* SPDX-License-Identifier: MIT */
/*
 * http: requests over one curl multi handle.
 *
 * Owns    every curl handle in the program.
 * Thread  the engine's only, except http_wake(), http_url_check() and http_origin().
 * Gives   on_head() at most once, on_body() as bytes arrive, on_done() exactly once a request.
 *         The first two run inside curl: they call no http_*().
 * Never   knows jobs, JSON, providers, FUSE or the store.
 */
#ifndef HTTP_H
#define HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http;
struct http_exchange;

/* How an exchange ended: with an answer of any status, or why there is none, or not all of it. */
enum http_error {
	HTTP_OK,
	HTTP_REFUSED_URL, /* its scheme or a user name in it is not allowed */
	HTTP_REFUSED_ADDRESS, /* its host is a private or special address */
	HTTP_REFUSED_NAME, /* its host's name leads to such an address: now, perhaps not always */
	HTTP_RESOLVE,
	HTTP_CONNECT,
	HTTP_TLS,
	HTTP_TIMEOUT,
	HTTP_CUT, /* it ended before its announced end */
	HTTP_TOO_LARGE, /* a body over body_max, or headers over 64 KiB */
	HTTP_REDIRECTS, /* more than redirects_max */
	HTTP_STOPPED, /* on_head() or on_body() said so */
	HTTP_TRANSPORT, /* anything else */
};

/* Set once, before http_new(). */
struct http_limits {
	bool allow_http; /* else https only */
	bool allow_private; /* else an address of a special range is refused */
	const char *cafile; /* NULL: the system's; kept by the caller */
	int connections_per_host;
};

/* What an answer's header says. -1 or "" where it says nothing. */
struct http_head {
	int status;
	int64_t length; /* of what follows, in bytes */
	int64_t range_from; /* of a 206 */
	int64_t range_total; /* the whole resource's length, of a 206 or 416 */
	int64_t retry_after_ms;
	bool bounded; /* its end can be told from a connection that was cut */
	bool ranges; /* the server says that it has ranges of bytes */
	bool encoded; /* it has a Content-Encoding, although none was asked for */
	char type[64]; /* of the content: lower case, without parameters */
	char etag[256]; /* strong ones only, with the quotes */
};

/* What ended: texts live as long as the call-back. */
struct http_result {
	enum http_error error;
	const char *reason; /* of the error, for people; "" when there is none */
	const struct http_head *head; /* status 0 when there was no answer at all */
	const char *body; /* what was collected, when body_max was given */
	size_t body_length;
};

struct http_request {
	const char *url; /* copied, as are the next two */
	const char *bearer; /* NULL: none. Never sent on along a redirect */
	const char *if_range; /* NULL: none */
	int64_t range_from; /* above 0: ask for the bytes from here on, */
	int64_t range_to; /* up to before this one; 0: to the end */
	bool share; /* it may wait for a connection that others are opening, to share it */
	size_t body_max; /* above 0: collect so many bytes at most, no on_body() */
	int64_t timeout_ms; /* for the whole exchange; 0: no limit */
	int64_t stall_ms; /* for connecting, and between two bytes; 0: no limit */
	int redirects_max; /* 0: a redirect is an answer like any other */
	/* The last header of the last answer came; negative stops the exchange. May be NULL. */
	int (*on_head)(void *arg, const struct http_head *head);
	/* Bytes came. Returns how many were taken: all, or 0 for "paused", or negative: stop. */
	int64_t (*on_body)(void *arg, const char *data, size_t length);
	void (*on_done)(void *arg, const struct http_result *result);
	void *arg;
};

/* -ENOMEM or -EIO when curl cannot start. */
int http_new(const struct http_limits *limits, struct http **http);

/* Ends all exchanges without a call-back. Accepts NULL. */
void http_free(struct http *http);

/*
 * Starts an exchange. It is the caller's to cancel until on_done() is called, http's afterwards.
 * What cannot even start ends in on_done() too, from http_poll().
 */
struct http_exchange *http_send(struct http *http, const struct http_request *request);

/* Ends an exchange without a call-back. */
void http_cancel(struct http *http, struct http_exchange *exchange);

/* Goes on with an exchange whose on_body() returned 0. */
void http_resume(struct http_exchange *exchange);

/* Waits for the network, http_wake() or timeout_ms (negative: for ever); runs the call-backs. */
void http_poll(struct http *http, int64_t timeout_ms);

/* Ends the current or the next http_poll() at once. From any thread. */
void http_wake(struct http *http);

/* What http_send() would say of this URL before any look-up: HTTP_OK or one of the refusals. */
enum http_error http_url_check(const char *url, const struct http_limits *limits);

/*
 * Writes scheme://host:port of url, lower case, with the port always there. -EINVAL when it is
 * no URL of http or https; -ENAMETOOLONG.
 */
int http_origin(const char *url, char *origin, size_t size);

/* Whether url's host is localhost or a loopback address. */
bool http_is_loopback(const char *url);

/* HTTP_REFUSED_ADDRESS or HTTP_OK for a struct sockaddr: 127/8, RFC 1918, link-local, ... */
struct sockaddr;
enum http_error http_address_check(const struct sockaddr *address);

/* Milliseconds from now_s (Unix) of a Retry-After: seconds or a date, an hour at most; -1 when neither. */
int64_t http_retry_after(const char *value, int64_t now_s);

#endif
