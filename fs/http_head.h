/* SPDX-License-Identifier: MIT */
/*
 * http_head: headers and errors of an exchange. Private to http*.c.
 *
 * Thread  any: pure functions.
 */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include "http.h"

#include <curl/curl.h>

/* Nothing is known yet. */
void http_head_begin(struct http_head *head);

/* Takes in one header line, which it may change. */
void http_head_line(struct http_head *head, char *line);

/* One more header to send, "Name:" and its value. False where there is no memory, or no room. */
bool http_header_add(struct curl_slist **headers, const char *name, const char *value);

/* Wipes first: the key is in one of them. */
void http_headers_free(struct curl_slist **headers);

enum http_error http_error_of(CURLcode code);

/* For people: what curl said, or words of ours. */
const char *http_reason(enum http_error error, const char *said);

#endif
