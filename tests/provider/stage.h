/* SPDX-License-Identifier: MIT */
/*
 * stage: how far the story is: counts, the step that each job and video is at, events, the log.
 *
 * Owns    the one lock of the provider.
 * Thread  any; every connection has its own.
 * Gives   steps that are counted, logged and taken in one go, so that a test that has seen a count
 *         knows which step it was.
 * Never   knows bodies or ranges.
 */
#ifndef STAGE_H
#define STAGE_H

#include "script.h"

#include <microhttpd.h>
#include <pthread.h>

struct stage {
	/* set once before the threads start */
	struct script script;
	char base[256]; /* the URL of this provider, without a slash at its end */
	const char *key; /* NULL: every key will do */
	int log_fd; /* -1: no log */

	/* shared: under lock */
	pthread_mutex_t lock;
	pthread_cond_t changed; /* an event, or the end */
	pthread_cond_t counted;
	bool stopping;
	void *cursors; /* tsearch */
	void *events; /* tsearch */
};

/* What a request got: its step, and the times of its job in Unix seconds, 0 for not yet. */
struct turn {
	const struct step *step;
	int64_t submitted;
	int64_t started;
	int64_t finished;
};

/* What a request looks like in the log, and what kind of section it asks. */
struct asked {
	enum section_kind kind;
	const char *name;
	const char *path; /* of a job */
	const char *range;
	const char *if_range;
	const char *auth;
	bool head; /* neither counted nor a turn: it shows what a GET would get */
};

/* Starts with an empty log at log_path (NULL: none). 0 or -errno. */
int stage_open(struct stage *stage, const char *log_path);

/* Ends every wait. */
void stage_stop(struct stage *stage);

/* After stage_stop(), when no thread is left. */
void stage_close(struct stage *stage);

/* Counts and logs a request, and takes its turn in section; without section there is no turn. */
void stage_enter(struct stage *stage, const struct asked *asked, const struct section *section,
	struct turn *turn);

/* One line in the log for what is not counted. */
void stage_log(struct stage *stage, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* How many requests there were, as soon as they are at_least that many (or the end comes). */
uint64_t stage_count(
	struct stage *stage, enum section_kind kind, const char *name, uint64_t at_least);

/* Raises an event for good. 0, -ENOENT when no step awaits it, or -ENOMEM. */
int stage_raise(struct stage *stage, const char *event);

/*
 * Waits until event is raised (NULL: never is). 0, or -ECANCELED when the provider stops or the
 * client has gone.
 */
int stage_await(struct stage *stage, struct MHD_Connection *connection, const char *event);

/* Sleeps. 0, or -ECANCELED when the provider stops. */
int stage_sleep(struct stage *stage, int64_t ms);

#endif
