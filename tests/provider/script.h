/* SPDX-License-Identifier: MIT */
/*
 * script: the story that the provider plays, read from a text file.
 *
 * Owns    the text of the script; every string of a step points into it.
 * Thread  any, once it is parsed: nothing changes any more.
 * Gives   sections (jobs by glob, videos by name), each with its steps.
 * Never   knows HTTP, clocks or which step a job is at.
 */
#ifndef SCRIPT_H
#define SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

/* Bytes that may hold NUL; data has a NUL behind them. */
struct text {
	char *data;
	size_t length;
};

/* One `answer` or `serve` line. A string that was not given is NULL, a position is -1. */
struct step {
	STAILQ_ENTRY(step) next;
	int64_t status; /* 0: the usual one */
	const char *builtin; /* name of a built-in body */
	const char *file;
	struct text text;
	const char *type;
	const char *until;
	const char *location;
	const char *retry_after;
	const char *video; /* answer: whose URL the body holds */
	const char *url; /* answer: the body holds this URL instead */
	const char *from; /* serve: deliver the bytes of this video */
	const char *etag;
	int64_t times;
	int64_t progress;
	int64_t cut;
	int64_t stall;
	int64_t cut_after; /* as cut and stall, counted from where the answer begins */
	int64_t stall_after;
	int64_t stall_ms; /* then it goes on by itself */
	int64_t delay_ms;
	int64_t rate;
	int64_t pad_bytes;
	int64_t nest;
	int64_t length_lie;
	bool hang;
	bool once; /* with until: one request takes it, whether that was raised or not */
	bool drop;
	bool empty;
	bool raw; /* answer: nothing in the body is replaced */
	int64_t off_by; /* serve: how far from the range that was asked for */
	const char *encoding; /* serve: the name of one */
	bool no_range;
	bool no_if_range;
	bool no_length;
	const char *length_end; /* `close`: the end of the body is the end of the connection */
	char *loaded; /* what `file` holds, put here by body.c, freed by script_free() */
	size_t loaded_length;
};
STAILQ_HEAD(steps, step);

enum section_kind { SECTION_JOB, SECTION_VIDEO };

struct section {
	STAILQ_ENTRY(section) next;
	enum section_kind kind;
	int line;
	const char *name; /* a job's glob, a video's name */
	bool unknown;
	const char *file;
	int64_t size; /* -1 until known */
	int fd; /* the open `file` of a video; -1 for none */
	struct steps steps;
};
STAILQ_HEAD(sections, section);

struct script {
	char *source;
	struct sections sections;
};

/*
 * Reads length bytes of text into script. 0 or -errno; -EINVAL leaves one line in error that names
 * the script's line. script is to be freed in either case.
 */
int script_parse(const char *text, size_t length, struct script *script, char *error, size_t room);

void script_free(struct script *script);

/* The first job section whose glob matches id; NULL for none. */
const struct section *script_job(const struct script *script, const char *id);

/* The video of that name, with name NULL the first one; NULL for none. */
const struct section *script_video(const struct script *script, const char *name);

/* Whether a step waits for that event. */
bool script_awaits(const struct script *script, const char *event);

#endif
