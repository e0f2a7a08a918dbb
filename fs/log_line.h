/* SPDX-License-Identifier: MIT */
/*
 * log_line: an event of the log as one line, whatever texts are in it. Private to log.c.
 * Thread: any: pure functions.
 */
#ifndef LOG_LINE_H
#define LOG_LINE_H

#include "base.h"

struct log_event {
	enum log_level level;
	const char *id; /* of the job that it is about, NULL for none */
	const char *message;
};

/*
 * Both write the line without its end, and return its length, which is below size; what is too long is
 * cut, at a whole character. Size is at least LOG_LINE_LEAST.
 */
#define LOG_LINE_LEAST 512

/* The job's id, if there is one, and the message. Control characters are `?`, what is no UTF-8 U+FFFD. */
size_t log_line_text(const struct log_event *event, char *line, size_t size);

/* A JSON object: time, level, request_id (null for none) and message. */
size_t log_line_json(const struct log_event *event, int64_t time_ms, char *line, size_t size);

/* "error" and its kind. */
const char *log_line_level(enum log_level level);

#endif
