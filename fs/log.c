/* SPDX-License-Identifier: MIT */
/* The log, to standard error or to syslog, and the clocks. */
#include "log_line.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define LINE_SIZE 4096 /* what a pipe takes at once, so that the lines of two threads do not mix */
#define TEXT_SIZE 2048

/* Set once before the threads start. */
static enum log_level most = LOG_LEVEL_INFO;
static enum log_form form = LOG_FORM_TEXT;
static enum { TO_STDERR, TO_JOURNAL, TO_SYSLOG } destination;

/* systemd tells what it has connected us to: device:inode. */
static bool is_journal(int fd)
{
	const char *told = getenv("JOURNAL_STREAM");
	char ours[64];
	struct stat st;
	if (told == NULL || fstat(fd, &st) != 0)
		return false;
	(void)snprintf(ours, sizeof(ours), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(told, ours) == 0;
}

void log_open(enum log_level new_most, enum log_form new_form)
{
	most = new_most;
	form = new_form;
	destination = is_journal(STDERR_FILENO) ? TO_JOURNAL : TO_STDERR;
}

void log_to_syslog(void)
{
	destination = TO_SYSLOG;
	openlog("cometfs", LOG_PID, LOG_DAEMON);
}

/* One write a line. A log that fails has no log. */
static void write_line(const char *line, size_t length)
{
	ssize_t r;
	do
		r = write(STDERR_FILENO, line, length);
	while (r < 0 && errno == EINTR);
}

void log_failure(const char *format, ...)
{
	char message[LINE_SIZE] = "", line[TEXT_SIZE];
	const struct log_event event = { .level = LOG_LEVEL_ERROR, .message = message };
	va_list args;
	va_start(args, format);
	(void)vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	int start =
		snprintf(line, sizeof(line), "%scometfs: ", is_journal(STDERR_FILENO) ? "<3>" : "");
	size_t length = (size_t)start;
	length += log_line_text(&event, line + length, sizeof(line) - length - 1);
	line[length++] = '\n';
	write_line(line, length);
}

/* What stands in front of a line: the level, where nothing else tells it. */
static size_t begin_line(enum log_level level, int priority, char *line, size_t size)
{
	int length = 0;
	if (destination == TO_JOURNAL)
		length = snprintf(line, size, "<%d>", priority);
	else if (destination == TO_STDERR && form == LOG_FORM_TEXT)
		length = snprintf(line, size, "cometfs: %s%s",
			level == LOG_LEVEL_INFO ? "" : log_line_level(level),
			level == LOG_LEVEL_INFO ? "" : ": ");
	assert(length >= 0 && (size_t)length < size);
	return (size_t)length;
}

static void say(enum log_level level, const char *id, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));

static void say(enum log_level level, const char *id, const char *format, va_list args)
{
	static const int priorities[] = { LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG };
	/* No line has room for all of this one: where it is cut itself is never seen. */
	char message[LINE_SIZE] = "", line[LINE_SIZE];
	int saved = errno;

	if (level > most)
		return;
	(void)vsnprintf(message, sizeof(message), format, args);
	const struct log_event event = { .level = level, .id = id, .message = message };
	size_t length = begin_line(level, priorities[level], line, sizeof(line));
	length += form == LOG_FORM_JSON
			  ? log_line_json(&event, clock_wall_ms(), line + length,
				    sizeof(line) - length - 1)
			  : log_line_text(&event, line + length, TEXT_SIZE - length - 1);
	if (destination == TO_SYSLOG) {
		syslog(priorities[level], "%s", line);
	} else {
		line[length++] = '\n';
		write_line(line, length);
	}
	errno = saved;
}

void log_job(enum log_level level, const char *id, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say(level, id, format, args);
	va_end(args);
}

void log_error(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say(LOG_LEVEL_ERROR, NULL, format, args);
	va_end(args);
}

void log_warning(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say(LOG_LEVEL_WARNING, NULL, format, args);
	va_end(args);
}

void log_info(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say(LOG_LEVEL_INFO, NULL, format, args);
	va_end(args);
}

void log_debug(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say(LOG_LEVEL_DEBUG, NULL, format, args);
	va_end(args);
}

static struct timespec now(clockid_t clock)
{
	struct timespec t;
	int r = clock_gettime(clock, &t);
	assert(r == 0);
	return t;
}

static int64_t to_ms(struct timespec t)
{
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_ms(void)
{
	return to_ms(now(CLOCK_BOOTTIME));
}

int64_t clock_wall_ms(void)
{
	return to_ms(now(CLOCK_REALTIME));
}

int64_t clock_wall_after_ms(int64_t than_ms)
{
	int64_t now_ms = clock_wall_ms();
	return now_ms > than_ms || than_ms - now_ms >= 1000 ? now_ms : than_ms + 1;
}

/* Asks the kernel once a thread: thousands of polls a second draw one each. */
uint32_t clock_jitter(uint32_t limit)
{
	static _Thread_local struct drand48_data state;
	static _Thread_local bool seeded;
	long seed, drawn = 0;

	assert(limit > 0);
	if (!seeded) {
		if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) != (ssize_t)sizeof(seed))
			seed = now(CLOCK_MONOTONIC).tv_nsec;
		(void)srand48_r(seed, &state);
		seeded = true;
	}
	(void)lrand48_r(&state, &drawn); /* 31 bits */
	return (uint32_t)((uint64_t)drawn * limit >> 31);
}
