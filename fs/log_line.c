/* SPDX-License-Identifier: MIT */
/* The two forms of a line. Texts of a provider, of libfuse and of curl come through here. */
#include "log_line.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct out {
	char *line;
	size_t length, most;
};

static bool put(struct out *out, const char *bytes, size_t length)
{
	if (length > out->most - out->length)
		return false;
	memcpy(out->line + out->length, bytes, length);
	out->length += length;
	return true;
}

static bool put_text(struct out *out, const char *text)
{
	return put(out, text, strlen(text));
}

static const char *const levels[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

const char *log_line_level(enum log_level level)
{
	return levels[level];
}

bool log_level_find(const char *word, enum log_level *level)
{
	for (int i = LOG_LEVEL_ERROR; i <= LOG_LEVEL_DEBUG; i++) {
		if (strcmp(levels[i], word) == 0) {
			*level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

/* What a provider says must neither fake a line nor steer a terminal. */
static bool put_plain(struct out *out, const char *character, size_t length, uint32_t point)
{
	if (point == UTF8_REPLACEMENT)
		return put_text(out, "\xef\xbf\xbd");
	return utf8_is_control(point) ? put(out, "?", 1) : put(out, character, length);
}

static bool put_escaped(struct out *out, const char *character, size_t length, uint32_t point)
{
	char escape[16];
	if (point == '"' || point == '\\')
		(void)snprintf(escape, sizeof(escape), "\\%c", (int)point);
	else if (utf8_is_control(point))
		(void)snprintf(escape, sizeof(escape), "\\u%04x", (unsigned)point);
	else
		return put_plain(out, character, length, point);
	return put_text(out, escape);
}

/* As much as there is room for. */
static void put_all(struct out *out, const char *text,
	bool (*each)(struct out *out, const char *character, size_t length, uint32_t point))
{
	uint32_t point;
	size_t length;
	for (; *text != '\0'; text += length) {
		length = utf8_next(text, &point);
		if (!each(out, text, length, point))
			return;
	}
}

size_t log_line_text(const struct log_event *event, char *line, size_t size)
{
	struct out out = { .line = line, .most = size - 1 };
	if (event->id != NULL) {
		put_all(&out, event->id, put_plain);
		(void)put_text(&out, ": ");
	}
	put_all(&out, event->message, put_plain);
	line[out.length] = '\0';
	return out.length;
}

static void put_time(struct out *out, int64_t time_ms)
{
	char text[64];
	struct tm tm;
	time_t seconds = (time_t)(time_ms / 1000);
	if (gmtime_r(&seconds, &tm) == NULL)
		memset(&tm, 0, sizeof(tm));
	size_t length = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(text + length, sizeof(text) - length, ".%03dZ", (int)(time_ms % 1000));
	(void)put_text(out, text);
}

size_t log_line_json(const struct log_event *event, int64_t time_ms, char *line, size_t size)
{
	static const char end[] = "\"}";
	struct out out = { .line = line, .most = size - sizeof(end) };

	assert(size >= LOG_LINE_LEAST);
	(void)put_text(&out, "{\"time\":\"");
	put_time(&out, time_ms);
	(void)put_text(&out, "\",\"level\":\"");
	(void)put_text(&out, log_line_level(event->level));
	(void)put_text(&out, "\",\"request_id\":");
	(void)put_text(&out, event->id != NULL ? "\"" : "null");
	if (event->id != NULL) {
		put_all(&out, event->id, put_escaped);
		(void)put_text(&out, "\"");
	}
	(void)put_text(&out, ",\"message\":\"");
	put_all(&out, event->message, put_escaped);
	out.most = size - 1;
	(void)put_text(&out, end);
	line[out.length] = '\0';
	return out.length;
}
