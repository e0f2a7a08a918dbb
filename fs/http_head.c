/* SPDX-License-Identifier: MIT */
/* What the headers of an answer say, and what curl's errors mean. */
#include "http_head.h"

#include "base.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The value of a header line if it has that name, else NULL. Cuts the line end off. */
static const char *value_of(char *line, const char *name)
{
	size_t length = strlen(name);
	if (strncasecmp(line, name, length) != 0 || line[length] != ':')
		return NULL;
	char *value = line + length + 1;
	value += strspn(value, " \t");
	size_t end = strlen(value);
	while (end > 0 && strchr(" \t\r\n", value[end - 1]) != NULL)
		end--;
	value[end] = '\0';
	return value;
}

static int64_t number_of(const char *text, const char **rest)
{
	char *end;
	errno = 0;
	long long number = strtoll(text, &end, 10);
	*rest = end;
	return end == text || errno != 0 || number < 0 ? -1 : number;
}

static int64_t length_of(const char *value)
{
	const char *rest;
	int64_t length = number_of(value, &rest);
	return *rest == '\0' ? length : -1;
}

/* bytes 100-199/1000, or, of a 416, bytes * /1000 */
static void read_range(struct http_head *head, const char *value)
{
	const char *rest;
	if (strncasecmp(value, "bytes ", 6) != 0)
		return;
	value += 6;
	if (*value != '*')
		head->range_from = number_of(value, &rest);
	const char *slash = strchr(value, '/');
	if (slash != NULL)
		head->range_total = length_of(slash + 1);
}

static void read_type(struct http_head *head, const char *value)
{
	size_t length = strcspn(value, "; \t");
	if (length >= sizeof(head->type))
		length = sizeof(head->type) - 1;
	for (size_t i = 0; i < length; i++)
		head->type[i] =
			(char)(value[i] >= 'A' && value[i] <= 'Z' ? value[i] + 32 : value[i]);
	head->type[length] = '\0';
}

/* Chunks tell the end; a length beside them does not count. */
static void read_encoding(struct http_head *head, const char *value)
{
	head->bounded = strcasecmp(value, "chunked") == 0;
	head->length = -1;
}

/*
 * A weak tag promises no equal bytes, so it is none. Nor is one with a control character: the tag
 * goes into a header of ours, and a bare CR would end that line for some servers.
 */
static void read_etag(struct http_head *head, const char *value)
{
	for (const char *c = value; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return;
	if (value[0] == '"' && strlen(value) < sizeof(head->etag))
		(void)snprintf(head->etag, sizeof(head->etag), "%s", value);
}

void http_head_line(struct http_head *head, char *line)
{
	const char *value;
	if ((value = value_of(line, "content-length")) != NULL)
		head->length = head->bounded ? -1 : length_of(value);
	else if ((value = value_of(line, "content-range")) != NULL)
		read_range(head, value);
	else if ((value = value_of(line, "accept-ranges")) != NULL)
		head->ranges = strcasecmp(value, "bytes") == 0;
	else if ((value = value_of(line, "content-type")) != NULL)
		read_type(head, value);
	else if ((value = value_of(line, "content-encoding")) != NULL)
		head->encoded = strcasecmp(value, "identity") != 0;
	else if ((value = value_of(line, "transfer-encoding")) != NULL)
		read_encoding(head, value);
	else if ((value = value_of(line, "retry-after")) != NULL)
		head->retry_after_ms = http_retry_after(value, clock_wall_ms() / 1000);
	else if ((value = value_of(line, "etag")) != NULL)
		read_etag(head, value);
}

void http_head_begin(struct http_head *head)
{
	memset(head, 0, sizeof(*head));
	head->length = head->range_from = head->range_total = head->retry_after_ms = -1;
}

void http_headers_free(struct curl_slist **headers)
{
	for (struct curl_slist *header = *headers; header != NULL; header = header->next)
		explicit_bzero(header->data, strlen(header->data));
	curl_slist_free_all(*headers);
	*headers = NULL;
}

bool http_header_add(struct curl_slist **headers, const char *name, const char *value)
{
	char line[2048];
	int length = snprintf(line, sizeof(line), "%s %s", name, value);
	bool fits = length > 0 && (size_t)length < sizeof(line);
	struct curl_slist *longer = fits ? curl_slist_append(*headers, line) : NULL;
	explicit_bzero(line, sizeof(line));
	if (longer == NULL)
		return false;
	*headers = longer;
	return true;
}

enum http_error http_error_of(CURLcode code)
{
	switch (code) {
	case CURLE_OK:
		return HTTP_OK;
	case CURLE_COULDNT_RESOLVE_HOST:
		return HTTP_RESOLVE;
	case CURLE_COULDNT_CONNECT:
		return HTTP_CONNECT;
	case CURLE_OPERATION_TIMEDOUT:
		return HTTP_TIMEOUT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
		return HTTP_TLS;
	case CURLE_PARTIAL_FILE:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		return HTTP_CUT;
	default:
		return HTTP_TRANSPORT;
	}
}

const char *http_reason(enum http_error error, const char *said)
{
	switch (error) {
	case HTTP_OK:
		return "";
	case HTTP_REFUSED_URL:
		return "only https: addresses without a user name are fetched, http: ones with -o allow_http";
	case HTTP_REFUSED_ADDRESS:
	case HTTP_REFUSED_NAME:
		return "the host is at a private or special address, which needs -o allow_private";
	case HTTP_TOO_LARGE:
		return "the answer is too large";
	case HTTP_REDIRECTS:
		return "too many redirects";
	default:
		return said[0] != '\0' ? said : "the connection failed";
	}
}
