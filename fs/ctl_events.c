/* SPDX-License-Identifier: MIT */
/* cometctl events: the lines of .cometfs/events, for people. */
#include "ctl.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define READ_SIZE 65536
#define VALUE_SIZE 64

/* What has been read, up to the last whole line. */
struct stream {
	char bytes[READ_SIZE * 2];
	size_t length;
};

static const char *text_of(const cJSON *event, const char *key)
{
	const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(event, key));
	return text != NULL ? text : "";
}

/* A word, or a number with its sign of percent. */
static void put_value(const cJSON *event, const char *key, char to[VALUE_SIZE])
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(event, key);
	to[0] = '\0';
	if (cJSON_IsString(value))
		(void)ctl_text_fit(to, VALUE_SIZE, cJSON_GetStringValue(value), VALUE_SIZE / 2);
	else if (cJSON_IsNumber(value))
		(void)snprintf(to, VALUE_SIZE, "%d%%", value->valueint);
}

/* In the reader's own time zone. */
static void put_time(const cJSON *event, char to[VALUE_SIZE])
{
	struct tm tm = { 0 };
	time_t when;
	(void)snprintf(to, VALUE_SIZE, "--:--:--");
	if (strptime(text_of(event, "time"), "%Y-%m-%dT%H:%M:%SZ", &tm) == NULL)
		return;
	when = timegm(&tm);
	if (localtime_r(&when, &tm) != NULL)
		(void)strftime(to, VALUE_SIZE, "%H:%M:%S", &tm);
}

/* What was lost may have been of anybody. */
static bool is_meant(const struct ctl *ctl, const char *id, const char *what)
{
	if (ctl->count == 0 || strcmp(what, "dropped") == 0)
		return true;
	for (int i = 0; i < ctl->count; i++)
		if (strcmp(ctl->args[i], id) == 0)
			return true;
	return false;
}

static void print_event(const cJSON *event)
{
	char when[VALUE_SIZE], old[VALUE_SIZE], new[VALUE_SIZE], id[ID_SIZE * 2];
	const char *what = text_of(event, "event");
	put_time(event, when);
	put_value(event, "old", old);
	put_value(event, "new", new);
	(void)ctl_text_fit(id, sizeof(id), text_of(event, "request_id"), ID_SIZE);
	if (strcmp(what, "dropped") == 0) {
		new[strcspn(new, "%")] = '\0';
		(void)printf("%s  %s events were lost: they came faster than they were read\n",
			when, new);
	} else if (strcmp(what, "idle") == 0) {
		return;
	} else if (strcmp(what, "tracked") == 0 || strcmp(what, "forgotten") == 0) {
		(void)printf("%s  %s  %s\n", when, id, what);
	} else {
		(void)printf("%s  %s  %s%s -> %s\n", when, id,
			strcmp(what, "video") == 0 ? "video " : "", old[0] != '\0' ? old : "-",
			new);
	}
}

static void print_line(const struct ctl *ctl, const char *line)
{
	cJSON *event = cJSON_Parse(line);
	bool meant = event != NULL &&
		     is_meant(ctl, text_of(event, "request_id"), text_of(event, "event"));
	if (meant && ctl->json)
		(void)printf("%s\n", line);
	else if (meant)
		print_event(event);
	cJSON_Delete(event);
}

static void print_lines(const struct ctl *ctl, struct stream *stream)
{
	char *line = stream->bytes, *end;
	stream->bytes[stream->length] = '\0';
	for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		print_line(ctl, line);
	}
	stream->length -= (size_t)(line - stream->bytes);
	memmove(stream->bytes, line, stream->length);
	if (stream->length >= READ_SIZE)
		stream->length = 0; /* no event is so long */
}

/* Until there is something to read; -EPIPE when nobody reads what we write any more. */
static int wait_for_lines(int fd)
{
	struct pollfd polls[] = { { .fd = fd, .events = POLLIN }, { .fd = STDOUT_FILENO } };
	if (poll(polls, 2, -1) < 0)
		return errno == EINTR ? 0 : -errno;
	return (polls[1].revents & (POLLERR | POLLHUP)) != 0 ? -EPIPE : 0;
}

static int follow(const struct ctl *ctl, int fd)
{
	static struct stream stream;
	int r = 0;
	while (r == 0) {
		r = wait_for_lines(fd);
		ssize_t got = r == 0 ? read(fd, stream.bytes + stream.length, READ_SIZE) : 0;
		if (r == 0 && got <= 0)
			r = got < 0 ? -errno : -ENOTCONN;
		if (r == -EAGAIN || r == -EINTR)
			r = 0;
		stream.length += got > 0 ? (size_t)got : 0;
		if (got > 0)
			print_lines(ctl, &stream);
		if (fflush(stdout) != 0)
			r = -EPIPE;
	}
	return r;
}

int ctl_events(struct ctl *ctl)
{
	int fd = openat(ctl->root, NAME_META "/" NAME_EVENTS, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		ctl_say_error(ctl, NAME_META "/" NAME_EVENTS, errno);
		return CTL_FAILED;
	}
	int r = follow(ctl, fd);
	(void)close(fd);
	if (r == -EPIPE)
		return CTL_OK;
	ctl_say_error(ctl, NAME_META "/" NAME_EVENTS, r == -EIO ? ENOTCONN : -r);
	return CTL_FAILED;
}
