/* SPDX-License-Identifier: MIT */
/* The log, to standard error or to syslog, and the clocks. */
#include "base.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define LINE_SIZE 2048

/* Set once before the threads start. */
static enum log_level most = LOG_LEVEL_INFO;
static bool to_syslog;

void log_open(enum log_level new_most, bool new_to_syslog)
{
	most = new_most;
	to_syslog = new_to_syslog;
	if (to_syslog)
		openlog("cometfs", LOG_PID, LOG_DAEMON);
}

/* Where a text that was cut at length has to end, so that no character is halved. */
static size_t last_whole(const char *text, size_t length)
{
	size_t start = length;
	while (start > 0 && length - start < 4 && (text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start == 0 || (text[start - 1] & 0xc0) != 0xc0)
		return length;
	unsigned char lead = (unsigned char)text[start - 1];
	size_t wanted = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
	return length - (start - 1) >= wanted ? length : start - 1;
}

/*
 * Makes a `?` of every control character, those of Unicode's second set too (C2 80 to C2 9F): what
 * a provider says must neither fake a line nor steer a terminal. Returns the new length.
 */
static size_t clean(char *text, size_t length)
{
	size_t to = 0;
	for (size_t from = 0; from < length; from++) {
		unsigned char c = (unsigned char)text[from];
		unsigned char next = from + 1 < length ? (unsigned char)text[from + 1] : 0;
		bool second_set = c == 0xc2 && next >= 0x80 && next < 0xa0;
		text[to] = text[from];
		if (c < 0x20 || c == 0x7f || second_set)
			text[to] = '?';
		to++;
		from += second_set;
	}
	return to;
}

/* One write a line, so that the lines of two threads do not mix. A log that fails has no log. */
static void write_line(const char *line, size_t length)
{
	ssize_t r;
	do
		r = write(STDERR_FILENO, line, length);
	while (r < 0 && errno == EINTR);
}

static void say(enum log_level level, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static void say(enum log_level level, const char *format, va_list args)
{
	static const char *const words[] = { "error: ", "warning: ", "", "debug: " };
	static const int priorities[] = { LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG };
	int saved = errno;
	char line[LINE_SIZE];

	if (level > most)
		return;
	int start = to_syslog ? 0 : snprintf(line, sizeof(line), "cometfs: %s", words[level]);
	assert(start >= 0 && start < 32);
	char *text = line + start;
	size_t room = sizeof(line) - (size_t)start;
	int length = vsnprintf(text, room, format, args);
	size_t end = length < 0 ? 0 : (size_t)length;
	if (end >= room)
		end = last_whole(text, room - 1);
	end = clean(text, end);
	if (to_syslog) {
		syslog(priorities[level], "%.*s", (int)end, text);
	} else {
		text[end++] = '\n';
		write_line(line, (size_t)start + end);
	}
	errno = saved;
}

void log_error(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say(LOG_LEVEL_ERROR, format, args);
	va_end(args);
}

void log_warning(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say(LOG_LEVEL_WARNING, format, args);
	va_end(args);
}

void log_info(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say(LOG_LEVEL_INFO, format, args);
	va_end(args);
}

void log_debug(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say(LOG_LEVEL_DEBUG, format, args);
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
