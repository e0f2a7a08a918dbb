/* SPDX-License-Identifier: MIT */
/*
 * What goes wrong with jobs, in the log: the first of a kind at once; what repeats is counted, and
 * said in one line a minute. Ten thousand jobs that fail together are not ten thousand lines.
 */
#include "run.h"

#include <stdio.h>
#include <string.h>

#define MINUTE_MS 60000

struct repeated {
	int64_t until_ms; /* a minute from its last line; 0: there was none */
	unsigned count; /* not said yet */
	char id[ID_SIZE]; /* of the last of them */
	char why[MESSAGE_SIZE];
};

static struct repeated repeated[NOTICES][ERROR_CODES];

static const struct {
	enum log_level level;
	const char *words, *more; /* a job may wait more than once */
} kinds[NOTICES] = {
	[NOTICE_FAILED] = { LOG_LEVEL_WARNING, "failed", "jobs" },
	[NOTICE_EXPIRED] = { LOG_LEVEL_WARNING, "expired at the provider", "jobs" },
	[NOTICE_LOST] = { LOG_LEVEL_ERROR, "its video is lost", "jobs" },
	[NOTICE_WAITS] = { LOG_LEVEL_INFO, "the download waits", "times" },
	[NOTICE_ANEW] = { LOG_LEVEL_INFO, "the download begins anew", "times" },
};

static void say(enum notice kind, const struct repeated *r)
{
	const char *colon = r->why[0] != '\0' ? ": " : "";
	if (r->count == 1)
		log_job(kinds[kind].level, r->id, "%s%s%s", kinds[kind].words, colon, r->why);
	else
		log_job(kinds[kind].level, r->id, "%s%s%s (the last of %u more %s)",
			kinds[kind].words, colon, r->why, r->count, kinds[kind].more);
}

static void flush(enum notice kind, struct repeated *r, int64_t now_ms)
{
	if (r->count == 0)
		return;
	say(kind, r);
	r->count = 0;
	r->until_ms = now_ms + MINUTE_MS;
}

void notice(enum notice kind, const char *id, enum error_code code, const char *why)
{
	int64_t now_ms = clock_ms();
	struct repeated *r = &repeated[kind][code];
	r->count++;
	(void)snprintf(r->id, sizeof(r->id), "%s", id);
	(void)snprintf(r->why, sizeof(r->why), "%s", why);
	if (now_ms >= r->until_ms)
		flush(kind, r, now_ms);
}

static int64_t flush_all(int64_t now_ms, bool all)
{
	int64_t next_ms = INT64_MAX;
	for (enum notice kind = 0; kind < NOTICES; kind++) {
		for (size_t code = 0; code < ERROR_CODES; code++) {
			struct repeated *r = &repeated[kind][code];
			if (all || now_ms >= r->until_ms)
				flush(kind, r, now_ms);
			else if (r->count > 0 && r->until_ms < next_ms)
				next_ms = r->until_ms;
		}
	}
	return next_ms;
}

int64_t notice_due(int64_t now_ms)
{
	return flush_all(now_ms, false);
}

void notice_stop(void)
{
	(void)flush_all(clock_ms(), true);
}
