/* SPDX-License-Identifier: MIT */
/* Exchanges with a server that may do anything: each ends once, and says how. */
#include <stdlib.h>

#include "base.h"
#include "http.h"
#include "server.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define STUCK_S 120
#define SOON_MS 10000
#define BODY_SIZE 300000
#define HEADERS_MAX 65536
#define OK "HTTP/1.1 200 OK\r\nConnection: close\r\n"

static struct http *http;
static char url[128];

/* What an exchange's call-backs saw, and are to say. */
static struct seen {
	int heads, bodies, dones;
	struct http_head head;
	char *data; /* of on_body() */
	size_t length;
	int pauses; /* how often on_body() says "paused" */
	int stop_at; /* which on_body() says "stop"; 0: none */
	bool stop_head;
	enum http_error error;
	struct http_head last;
	char reason[256];
	char body[1024];
	size_t body_length;
} seen;

static int on_head(void *arg, const struct http_head *head)
{
	(void)arg;
	seen.heads++;
	seen.head = *head;
	return seen.stop_head ? -1 : 0;
}

static int64_t on_body(void *arg, const char *data, size_t length)
{
	(void)arg;
	if (++seen.bodies == seen.stop_at)
		return -1;
	if (seen.pauses > 0) {
		seen.pauses--;
		return 0;
	}
	seen.data = realloc(seen.data, seen.length + length);
	assert_non_null(seen.data);
	memcpy(seen.data + seen.length, data, length);
	seen.length += length;
	return (int64_t)length;
}

static void on_done(void *arg, const struct http_result *result)
{
	(void)arg;
	seen.dones++;
	seen.error = result->error;
	seen.last = *result->head;
	(void)snprintf(seen.reason, sizeof(seen.reason), "%s", result->reason);
	seen.body_length = result->body_length;
	assert_true(result->body_length < sizeof(seen.body));
	if (result->body_length > 0)
		memcpy(seen.body, result->body, result->body_length);
}

/* ---- a test's frame ----------------------------------------------------------------------------------- */

static void open_http(bool allow_http, bool allow_private)
{
	const struct http_limits limits = {
		.allow_http = allow_http, .allow_private = allow_private, .connections_per_host = 4
	};
	http_free(http);
	assert_int_equal(http_new(&limits, &http), 0);
}

static int begin(void **state)
{
	(void)state;
	memset(&seen, 0, sizeof(seen));
	server_begin();
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/first", server.port);
	open_http(true, true);
	return 0;
}

static int end(void **state)
{
	(void)state;
	http_free(http);
	http = NULL;
	server_end();
	free(seen.data);
	return 0;
}

/* As a poll asks. */
static struct http_request asking(size_t body_max)
{
	struct http_request request = { .url = url, .body_max = body_max, .on_done = on_done };
	return request;
}

/* As a download asks. */
static struct http_request fetching(void)
{
	struct http_request request = { .url = url,
		.redirects_max = 5,
		.on_head = on_head,
		.on_body = on_body,
		.on_done = on_done };
	return request;
}

static struct http_exchange *send_it(const struct http_request *request)
{
	struct http_exchange *x = http_send(http, request);
	assert_non_null(x);
	return x;
}

/* Until something is so, or it has taken too long. */
#define POLL_UNTIL(so)                                                                             \
	for (int64_t until = clock_ms() + SOON_MS; !(so) && clock_ms() < until;)                   \
	http_poll(http, 100)

static void until_done(enum http_error error)
{
	POLL_UNTIL(seen.dones > 0);
	http_poll(http, 0);
	assert_int_equal(seen.dones, 1);
	if (seen.error != error)
		fail_msg("error %d, not %d: %s (asked %u)", seen.error, error, seen.reason,
			server.asked);
	if (error == HTTP_OK)
		assert_string_equal(seen.reason, "");
	else
		assert_string_not_equal(seen.reason, "");
}

static void exchange(const struct http_request *request, enum http_error error)
{
	if (!server.runs)
		server_run_now();
	(void)send_it(request);
	until_done(error);
}

static bool was_asked(unsigned i, const char *text)
{
	return strcasestr(server.requests[i], text) != NULL;
}

static void assert_body(const char *text)
{
	assert_int_equal(seen.body_length, strlen(text));
	assert_memory_equal(seen.body, text, strlen(text));
}

/* ---- answers ------------------------------------------------------------------------------------------ */

static void a_poll(void **state)
{
	struct http_request request = asking(100);
	(void)state;
	server_plan(OK "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
	request.bearer = "sk-key";
	exchange(&request, HTTP_OK);
	assert_int_equal(seen.last.status, 200);
	assert_int_equal(seen.last.length, 2);
	assert_string_equal(seen.last.type, "application/json");
	assert_body("{}");
	assert_true(was_asked(0, "GET /first HTTP/1.1\r\n"));
	assert_true(was_asked(0, "\r\nAuthorization: Bearer sk-key\r\n"));
	assert_true(was_asked(0, "\r\nAccept: application/json\r\n"));
	assert_true(was_asked(0, "\r\nUser-Agent: cometfs/"));
	assert_false(was_asked(0, "\r\nRange:"));
}

static void a_download(void **state)
{
	struct http_request request = fetching();
	(void)state;
	server_plan("HTTP/1.1 206 Partial Content\r\nConnection: close\r\nContent-Length: 5\r\n"
		    "Content-Range: bytes 100-104/105\r\nETag: \"tag\"\r\n\r\nhello");
	request.range_from = 100;
	request.if_range = "\"tag\"";
	exchange(&request, HTTP_OK);
	assert_int_equal(seen.heads, 1);
	assert_int_equal(seen.head.status, 206);
	assert_int_equal(seen.head.range_from, 100);
	assert_int_equal(seen.head.range_total, 105);
	assert_string_equal(seen.head.etag, "\"tag\"");
	assert_int_equal(seen.length, 5);
	assert_memory_equal(seen.data, "hello", 5);
	assert_int_equal(seen.body_length, 0);
	assert_true(was_asked(0, "\r\nRange: bytes=100-\r\n"));
	assert_true(was_asked(0, "\r\nIf-Range: \"tag\"\r\n"));
	assert_true(was_asked(0, "\r\nAccept-Encoding: identity\r\n"));
	assert_false(was_asked(0, "Authorization"));
}

static void ask_up_to(int64_t from, int64_t to, const char *header)
{
	struct http_request request = fetching();
	server_plan("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno");
	request.range_from = from;
	request.range_to = to;
	exchange(&request, HTTP_OK);
	assert_true(was_asked(0, header));
}

static void a_range_with_an_end(void **state)
{
	(void)state;
	ask_up_to(100, 105, "\r\nRange: bytes=100-104\r\n");
}

static void a_beginning(void **state)
{
	(void)state;
	ask_up_to(0, 105, "\r\nRange: bytes=0-104\r\n");
}

/* Any status is an answer; with no tag to compare there is no If-Range. */
static void a_refusal(void **state)
{
	struct http_request request = fetching();
	(void)state;
	server_plan("HTTP/1.1 429 Slow down\r\nConnection: close\r\nRetry-After: 7\r\n"
		    "Content-Length: 2\r\n\r\nno");
	request.range_from = 1;
	request.if_range = "";
	exchange(&request, HTTP_OK);
	assert_int_equal(seen.last.status, 429);
	assert_int_equal(seen.last.retry_after_ms, 7000);
	assert_false(was_asked(0, "If-Range"));
}

static void an_empty_body(void **state)
{
	struct http_request request = asking(1);
	(void)state;
	server_plan("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
	exchange(&request, HTTP_OK);
	assert_int_equal(seen.last.status, 204);
	assert_int_equal(seen.last.length, -1);
	assert_body("");
}

/* What an early answer or a trailer says is not said by the headers. */
static void only_the_last_headers_count(void **state)
{
	struct http_request request = fetching();
	(void)state;
	server_plan("HTTP/1.1 103 Early Hints\r\nETag: \"early\"\r\nContent-Length: 9\r\n\r\n" OK
		    "Transfer-Encoding: chunked\r\nTrailer: ETag\r\n\r\n"
		    "2\r\nab\r\n0\r\nETag: \"late\"\r\n\r\n");
	exchange(&request, HTTP_OK);
	assert_int_equal(seen.heads, 1);
	assert_int_equal(seen.head.status, 200);
	assert_int_equal(seen.head.length, -1);
	assert_string_equal(seen.head.etag, "");
	assert_string_equal(seen.last.etag, "");
	assert_int_equal(seen.length, 2);
}

static void chunks_count_and_a_length_beside_them_does_not(void **state)
{
	static const char *const replies[] = {
		OK "Transfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n2\r\nab\r\n0\r\n\r\n",
		OK "Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
	};
	struct http_request request = fetching();
	(void)state;
	for (size_t i = 0; i < COUNT(replies); i++)
		server_plan(replies[i]);
	for (size_t i = 0; i < COUNT(replies); i++) {
		seen.dones = 0;
		exchange(&request, HTTP_OK);
		assert_int_equal(seen.head.length, -1);
		assert_true(seen.head.bounded);
	}
}

static void one_after_the_other(void **state)
{
	struct http_request request = asking(100);
	(void)state;
	server_plan(OK "Content-Length: 1\r\n\r\na");
	server_plan(OK "Content-Length: 1\r\n\r\nb");
	exchange(&request, HTTP_OK);
	assert_body("a");
	seen.dones = 0;
	exchange(&request, HTTP_OK);
	assert_body("b");
}

/* ---- limits -------------------------------------------------------------------------------------------- */

static void a_body_as_large_as_it_may_be(void **state)
{
	struct http_request request = asking(10);
	(void)state;
	server_plan(OK "Content-Length: 10\r\n\r\n0123456789");
	exchange(&request, HTTP_OK);
	assert_body("0123456789");
}

static void a_body_that_is_too_large(void **state)
{
	static const char *const replies[] = {
		OK "Content-Length: 11\r\n\r\n0123456789a",
		OK "\r\n0123456789a",
		OK "Transfer-Encoding: chunked\r\n\r\n8\r\n01234567\r\n8\r\n01234567\r\n0\r\n\r\n",
	};
	struct http_request request = asking(10);
	(void)state;
	for (size_t i = 0; i < COUNT(replies); i++)
		server_plan(replies[i]);
	for (size_t i = 0; i < COUNT(replies); i++) {
		seen.dones = 0;
		exchange(&request, HTTP_TOO_LARGE);
		assert_int_equal(seen.last.status, 200);
	}
}

/* An answer without a body, whose headers have so many bytes in all. */
static void write_headers(char *text, size_t bytes)
{
	static const char first[] = OK "Content-Length: 0\r\n", end_of_line[] = { '\r', '\n' };
	size_t length = sizeof(first) - 1, last = bytes - sizeof(end_of_line);

	memcpy(text, first, length);
	while (length < last) {
		/* No line is too short to be one. */
		size_t line = last - length < 2000 ? last - length : 1000;
		memset(text + length, 'x', line);
		text[length + 1] = ':';
		length += line;
		memcpy(text + length - sizeof(end_of_line), end_of_line, sizeof(end_of_line));
	}
	memcpy(text + last, end_of_line, sizeof(end_of_line));
}

static void headers_at_their_limit(void **state)
{
	static char fits[HEADERS_MAX], over[HEADERS_MAX + 1];
	struct http_request request = asking(10);
	(void)state;
	write_headers(fits, sizeof(fits));
	write_headers(over, sizeof(over));
	server_plan_bytes(fits, sizeof(fits), REPLY_PLAIN);
	server_plan_bytes(over, sizeof(over), REPLY_PLAIN);
	exchange(&request, HTTP_OK);
	seen.dones = 0;
	exchange(&request, HTTP_TOO_LARGE);
}

/* ---- redirects ----------------------------------------------------------------------------------------- */

static char redirects[REPLIES][256];

static void plan_redirect(int status, const char *location)
{
	char *text = redirects[server.planned];
	(void)snprintf(text, sizeof(redirects[0]),
		"HTTP/1.1 %d Moved\r\nConnection: close\r\nLocation: %s\r\nETag: \"moved\"\r\n"
		"Content-Length: 4\r\n\r\nmove",
		status, location);
	server_plan(text);
}

static void redirected(void **state)
{
	static const int statuses[] = { 301, 302, 303, 307, 308 };
	struct http_request request = fetching();
	(void)state;
	for (size_t i = 0; i < COUNT(statuses); i++)
		plan_redirect(statuses[i], i % 2 == 0 ? "/next" : url);
	server_plan(OK "Content-Length: 5\r\n\r\nvideo");
	exchange(&request, HTTP_OK);
	assert_int_equal(seen.heads, 1);
	assert_int_equal(seen.head.status, 200);
	assert_string_equal(seen.head.etag, "");
	assert_int_equal(seen.length, 5);
	assert_memory_equal(seen.data, "video", 5);
	assert_true(was_asked(1, "GET /next "));
	assert_true(was_asked(2, "GET /first "));
}

static void redirected_too_often(void **state)
{
	struct http_request request = fetching();
	(void)state;
	for (int i = 0; i < 7; i++)
		plan_redirect(302, url);
	exchange(&request, HTTP_REDIRECTS);
	assert_int_equal(seen.heads, 0);
	assert_int_equal(seen.length, 0);
	http_free(http);
	http = NULL;
	server_end();
	assert_int_equal(server.asked, 6);
	server_begin();
}

/* Even on the way to another path of the same server; what to ask for does go along. */
static void the_key_stays_behind(void **state)
{
	struct http_request request = fetching();
	(void)state;
	plan_redirect(302, "/next");
	server_plan(OK "Content-Length: 0\r\n\r\n");
	request.bearer = "sk-key";
	request.range_from = 7;
	request.if_range = "\"tag\"";
	exchange(&request, HTTP_OK);
	assert_true(was_asked(0, "\r\nAuthorization: Bearer sk-key\r\n"));
	assert_false(was_asked(1, "Authorization"));
	assert_false(was_asked(1, "sk-key"));
	assert_true(was_asked(1, "\r\nRange: bytes=7-\r\n"));
	assert_true(was_asked(1, "\r\nIf-Range: \"tag\"\r\n"));
	assert_true(was_asked(1, "\r\nAccept-Encoding: identity\r\n"));
}

static void redirected_to_no_place(void **state)
{
	char with_user[128];
	const char *const places[] = { "file:///etc/passwd", "ftp://127.0.0.1/v.mp4",
		"data:video/mp4;base64,AAAA", with_user };
	struct http_request request = fetching();
	(void)state;
	(void)snprintf(with_user, sizeof(with_user), "http://me@127.0.0.1:%u/", server.port);
	for (size_t i = 0; i < COUNT(places); i++)
		plan_redirect(302, places[i]);
	for (size_t i = 0; i < COUNT(places); i++) {
		seen.dones = 0;
		exchange(&request, HTTP_REFUSED_URL);
	}
	assert_int_equal(seen.heads, 0);
}

static void redirected_without_a_place(void **state)
{
	struct http_request request = fetching();
	(void)state;
	server_plan("HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
	exchange(&request, HTTP_TRANSPORT);
}

/* As a poll does, who follows nobody. */
static void a_redirect_can_be_an_answer(void **state)
{
	struct http_request request = asking(10);
	(void)state;
	plan_redirect(302, "/next");
	exchange(&request, HTTP_OK);
	assert_int_equal(seen.last.status, 302);
	assert_body("move");
}

static void not_modified_is_no_redirect(void **state)
{
	struct http_request request = fetching();
	(void)state;
	server_plan("HTTP/1.1 304 Not Modified\r\nConnection: close\r\nLocation: /x\r\n\r\n");
	exchange(&request, HTTP_OK);
	assert_int_equal(seen.head.status, 304);
}

/* ---- what is not even asked ------------------------------------------------------------------------------ */

static void assert_nobody_was_asked(void)
{
	http_free(http);
	http = NULL;
	server_end();
	assert_int_equal(server.asked, 0);
	server_begin();
}

static void http_is_not_allowed(void **state)
{
	struct http_request request = asking(10);
	(void)state;
	open_http(false, true);
	server_plan(OK "\r\n");
	exchange(&request, HTTP_REFUSED_URL);
	assert_int_equal(seen.last.status, 0);
	assert_nobody_was_asked();
}

static void private_addresses_are_not_allowed(void **state)
{
	struct http_request request = asking(10);
	(void)state;
	open_http(true, false);
	server_plan(OK "\r\n");
	exchange(&request, HTTP_REFUSED_ADDRESS);
	seen.dones = 0;
	(void)snprintf(url, sizeof(url), "http://localhost:%u/", server.port);
	exchange(&request, HTTP_REFUSED_NAME);
	assert_int_equal(seen.last.status, 0);
	assert_nobody_was_asked();
}

static void no_url(void **state)
{
	static const char *const bads[] = { "", "x", "file:///etc/passwd", "http://me@127.0.0.1/" };
	struct http_request request = asking(10);
	(void)state;
	for (size_t i = 0; i < COUNT(bads); i++) {
		seen.dones = 0;
		request.url = bads[i];
		exchange(&request, HTTP_REFUSED_URL);
	}
}

/* It never ends before http_poll(), however it ends. */
static void a_refusal_comes_from_the_poll(void **state)
{
	struct http_request request = asking(10);
	(void)state;
	request.url = "x";
	(void)send_it(&request);
	assert_int_equal(seen.dones, 0);
	struct http_exchange *x = send_it(&request);
	http_cancel(http, x);
	until_done(HTTP_REFUSED_URL);
}

/* ---- servers that break off --------------------------------------------------------------------------- */

static void nobody_is_there(void **state)
{
	struct http_request request = asking(10);
	(void)state;
	assert_int_equal(close(server.listener), 0);
	(void)send_it(&request);
	until_done(HTTP_CONNECT);
	assert_int_equal(seen.last.status, 0);
	server.listener = -1;
}

static void cut(void **state)
{
	static const char *const replies[] = {
		"",
		"HTTP/1.1 200 OK\r\nContent-Le",
		OK "Content-Length: 10\r\n\r\n01234",
		OK "Transfer-Encoding: chunked\r\n\r\n8\r\n0123",
		OK "Transfer-Encoding: chunked\r\n\r\n4\r\n0123\r\n",
	};
	struct http_request request = fetching();
	(void)state;
	for (size_t i = 0; i < COUNT(replies); i++)
		server_plan(replies[i]);
	for (size_t i = 0; i < COUNT(replies); i++) {
		seen.dones = 0;
		exchange(&request, HTTP_CUT);
		assert_int_equal(seen.last.status, i < 2 ? 0 : 200);
	}
}

static void no_http_at_all(void **state)
{
	struct http_request request = asking(100);
	(void)state;
	server_plan("220 mail.example ESMTP\r\n");
	exchange(&request, HTTP_TRANSPORT);
}

/* ---- servers that take their time ------------------------------------------------------------------------ */

static void no_answer(void **state)
{
	struct http_request request = asking(10);
	(void)state;
	server_plan_bytes("", 0, REPLY_HELD);
	request.timeout_ms = 200;
	int64_t begun = clock_ms();
	exchange(&request, HTTP_TIMEOUT);
	/* Two clocks that are cut at milliseconds may differ by some. */
	assert_true(clock_ms() - begun >= 190);
	assert_int_equal(seen.last.status, 0);
}

static void no_whole_answer(void **state)
{
	static const char part[] = OK "Content-Length: 10\r\n\r\n01234";
	struct http_request request = asking(10);
	(void)state;
	server_plan_bytes(part, sizeof(part) - 1, REPLY_HELD);
	request.timeout_ms = 200;
	exchange(&request, HTTP_TIMEOUT);
	assert_int_equal(seen.last.status, 200);
}

static void stalled(void **state)
{
	static const char part[] = OK "Content-Length: 10\r\n\r\n01234";
	struct http_request request = fetching();
	(void)state;
	server_plan_bytes(part, sizeof(part) - 1, REPLY_HELD);
	request.stall_ms = 1000;
	exchange(&request, HTTP_TIMEOUT);
	assert_int_equal(seen.length, 5);
}

/* ---- the receiver's word --------------------------------------------------------------------------------- */

static char large[BODY_SIZE + 128];
static size_t large_head;

/* An answer with a body that comes in many pieces; when it is held, there is a byte to come. */
static void plan_large(unsigned how)
{
	int announced = how == REPLY_HELD ? BODY_SIZE + 1 : BODY_SIZE;
	int length = snprintf(large, sizeof(large), OK "Content-Length: %d\r\n\r\n", announced);
	assert_in_range(length, 1, 127);
	large_head = (size_t)length;
	for (size_t i = 0; i < BODY_SIZE; i++)
		large[large_head + i] = (char)('a' + i % 23);
	server_plan_bytes(large, large_head + BODY_SIZE, how);
}

static void assert_large(void)
{
	assert_int_equal(seen.length, BODY_SIZE);
	assert_memory_equal(seen.data, large + large_head, BODY_SIZE);
}

static void paused_and_resumed(void **state)
{
	struct http_request request = fetching();
	(void)state;
	plan_large(REPLY_PLAIN);
	server_run_now();
	seen.pauses = 1;
	struct http_exchange *x = send_it(&request);
	POLL_UNTIL(seen.bodies > 0);
	for (int i = 0; i < 5; i++)
		http_poll(http, 10);
	assert_int_equal(seen.bodies, 1);
	assert_int_equal(seen.dones, 0);
	http_resume(x);
	until_done(HTTP_OK);
	assert_large();
}

/* It says "paused" again and again, also the moment that it is resumed. */
static void paused_again(void **state)
{
	struct http_request request = fetching();
	(void)state;
	plan_large(REPLY_PLAIN);
	server_run_now();
	seen.pauses = 5;
	struct http_exchange *x = send_it(&request);
	for (int bodies = 1; bodies <= 5; bodies++) {
		POLL_UNTIL(seen.bodies >= bodies);
		assert_int_equal(seen.bodies, bodies);
		http_resume(x);
	}
	until_done(HTTP_OK);
	assert_large();
}

/* A pause may be long: neither it nor the silence in it is a stall of the server. */
static void a_pause_is_no_stall(void **state)
{
	struct http_request request = fetching();
	(void)state;
	plan_large(REPLY_PLAIN);
	server_run_now();
	seen.pauses = 1;
	request.stall_ms = 1000;
	struct http_exchange *x = send_it(&request);
	POLL_UNTIL(seen.bodies > 0);
	for (int64_t until = clock_ms() + 2500; clock_ms() < until;)
		http_poll(http, 100);
	assert_int_equal(seen.dones, 0);
	http_resume(x);
	until_done(HTTP_OK);
	assert_large();
}

static void stopped_at_the_head(void **state)
{
	struct http_request request = fetching();
	(void)state;
	plan_large(REPLY_HELD);
	seen.stop_head = true;
	exchange(&request, HTTP_STOPPED);
	assert_int_equal(seen.bodies, 0);
	assert_int_equal(seen.last.status, 200);
}

static void stopped_at_the_body(void **state)
{
	struct http_request request = fetching();
	(void)state;
	plan_large(REPLY_HELD);
	seen.stop_at = 2;
	exchange(&request, HTTP_STOPPED);
	assert_int_equal(seen.bodies, 2);
}

/* The first thing that it says when it is resumed; the server has nothing more to send. */
static void stopped_when_resumed(void **state)
{
	static const char part[] = OK "Content-Length: 10\r\n\r\n01234";
	struct http_request request = fetching();
	(void)state;
	server_plan_bytes(part, sizeof(part) - 1, REPLY_HELD);
	server_run_now();
	seen.pauses = 1;
	seen.stop_at = 2;
	struct http_exchange *x = send_it(&request);
	POLL_UNTIL(seen.bodies > 0);
	http_resume(x);
	until_done(HTTP_STOPPED);
	assert_int_equal(seen.bodies, 2);
}

/* ---- cancelled ------------------------------------------------------------------------------------------ */

static void cancelled_in_the_middle(void **state)
{
	struct http_request request = fetching();
	(void)state;
	plan_large(REPLY_HELD);
	server_plan(OK "Content-Length: 0\r\n\r\n");
	server_run_now();
	struct http_exchange *x = send_it(&request);
	POLL_UNTIL(seen.length > 0);
	http_cancel(http, x);
	/* The server sees that the connection is closed, and can take the next one. */
	assert_int_equal(sem_wait(&server.closed), 0);
	http_poll(http, 0);
	assert_int_equal(seen.dones, 0);
	exchange(&request, HTTP_OK);
	assert_int_equal(seen.heads, 2);
}

static void cancelled_while_paused(void **state)
{
	struct http_request request = fetching();
	(void)state;
	plan_large(REPLY_HELD);
	server_run_now();
	seen.pauses = 1;
	struct http_exchange *x = send_it(&request);
	POLL_UNTIL(seen.bodies > 0);
	http_cancel(http, x);
	assert_int_equal(sem_wait(&server.closed), 0);
	http_poll(http, 0);
	assert_int_equal(seen.dones, 0);
}

static void cancelled_before_it_began(void **state)
{
	struct http_request request = fetching();
	(void)state;
	http_cancel(http, send_it(&request));
	http_poll(http, 0);
	assert_int_equal(seen.dones, 0);
}

static void all_end_with_http(void **state)
{
	struct http_request request = fetching();
	(void)state;
	plan_large(REPLY_HELD);
	server_run_now();
	(void)send_it(&request);
	(void)send_it(&request);
	POLL_UNTIL(seen.length > 0);
	http_free(http);
	http = NULL;
	assert_int_equal(seen.dones, 0);
}

static struct http_exchange *other;

static void on_done_cancel(void *arg, const struct http_result *result)
{
	on_done(arg, result);
	http_cancel(http, other);
}

/* The end of one may be the end of another, that has ended too but was not told yet. */
static void one_cancels_another(void **state)
{
	struct http_request request = asking(10), first = asking(10);
	(void)state;
	request.url = first.url = "x";
	first.on_done = on_done_cancel;
	/* Either may be told first: both are ready to cancel the other one. */
	other = send_it(&request);
	(void)send_it(&first);
	until_done(HTTP_REFUSED_URL);
}

static void on_done_again(void *arg, const struct http_result *result)
{
	struct http_request request = asking(100);
	(void)arg;
	assert_int_equal(result->error, HTTP_OK);
	(void)send_it(&request);
}

static void one_begins_another(void **state)
{
	struct http_request request = asking(100);
	(void)state;
	server_plan(OK "Content-Length: 1\r\n\r\na");
	server_plan(OK "Content-Length: 1\r\n\r\nb");
	request.on_done = on_done_again;
	exchange(&request, HTTP_OK);
	assert_body("b");
}

/* ---- waiting ---------------------------------------------------------------------------------------------- */

static void *wake(void *arg)
{
	(void)arg;
	http_wake(http);
	return NULL;
}

/* From another thread, before or while it waits for ever; whether something is under way or not. */
static void woken(void **state)
{
	struct http_request request = fetching();
	pthread_t thread;
	(void)state;
	server_plan_bytes("", 0, REPLY_HELD);
	server_run_now();
	for (int i = 0; i < 100; i++) {
		assert_int_equal(pthread_create(&thread, NULL, wake, NULL), 0);
		http_poll(http, -1);
		assert_int_equal(pthread_join(thread, NULL), 0);
		if (i == 50) {
			(void)send_it(&request);
			POLL_UNTIL(sem_trywait(&server.sent) == 0);
		}
	}
}

static void nothing_to_do(void **state)
{
	(void)state;
	int64_t begun = clock_ms();
	http_poll(http, 150);
	assert_in_range(clock_ms() - begun, 140, SOON_MS);
	begun = clock_ms();
	http_poll(http, 0);
	assert_true(clock_ms() - begun < 140);
}

/* What came while nobody waited is delivered at once, not after the next wait. */
static void an_answer_that_came_before_the_wait(void **state)
{
	static const char reply[] = OK "Content-Length: 2\r\n\r\nok";
	struct http_request request = asking(10);
	(void)state;
	server_plan_bytes(reply, sizeof(reply) - 1, REPLY_GATED);
	server_run_now();
	(void)send_it(&request);
	/* Until the request is out; then the whole answer comes while nobody looks. */
	for (int64_t until = clock_ms() + 300; clock_ms() < until;)
		http_poll(http, 10);
	assert_int_equal(sem_post(&server.go), 0);
	assert_int_equal(sem_wait(&server.sent), 0);
	int64_t begun = clock_ms();
	for (int i = 0; i < 3 && seen.dones == 0; i++)
		http_poll(http, SOON_MS);
	assert_int_equal(seen.dones, 1);
	assert_true(clock_ms() - begun < SOON_MS / 2);
}

#define UNIT(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT(a_poll),
		UNIT(a_download),
		UNIT(a_range_with_an_end),
		UNIT(a_beginning),
		UNIT(a_refusal),
		UNIT(an_empty_body),
		UNIT(only_the_last_headers_count),
		UNIT(chunks_count_and_a_length_beside_them_does_not),
		UNIT(one_after_the_other),
		UNIT(a_body_as_large_as_it_may_be),
		UNIT(a_body_that_is_too_large),
		UNIT(headers_at_their_limit),
		UNIT(redirected),
		UNIT(redirected_too_often),
		UNIT(the_key_stays_behind),
		UNIT(redirected_to_no_place),
		UNIT(redirected_without_a_place),
		UNIT(a_redirect_can_be_an_answer),
		UNIT(not_modified_is_no_redirect),
		UNIT(http_is_not_allowed),
		UNIT(private_addresses_are_not_allowed),
		UNIT(no_url),
		UNIT(a_refusal_comes_from_the_poll),
		UNIT(nobody_is_there),
		UNIT(cut),
		UNIT(no_http_at_all),
		UNIT(no_answer),
		UNIT(no_whole_answer),
		UNIT(stalled),
		UNIT(paused_and_resumed),
		UNIT(paused_again),
		UNIT(a_pause_is_no_stall),
		UNIT(stopped_at_the_head),
		UNIT(stopped_at_the_body),
		UNIT(stopped_when_resumed),
		UNIT(cancelled_in_the_middle),
		UNIT(cancelled_while_paused),
		UNIT(cancelled_before_it_began),
		UNIT(all_end_with_http),
		UNIT(one_cancels_another),
		UNIT(one_begins_another),
		UNIT(woken),
		UNIT(nothing_to_do),
		UNIT(an_answer_that_came_before_the_wait),
	};
	/* What would wait for ever is a failure. */
	(void)alarm(STUCK_S);
	return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
