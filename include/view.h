/* SPDX-License-Identifier: MIT */
/*
 * view: the documents of the mount as text.
 *
 * Owns    the form of status.json, of events, of stats.json and metrics.prom; the extended attributes.
 * Thread  any: pure functions.
 * Gives   bytes for a snapshot.
 * Never   knows what providers send, or libfuse.
 */
#ifndef VIEW_H
#define VIEW_H

#include "figures.h"
#include "job.h"

/*
 * status.json as text: malloc'ed, the caller frees it, *length without the NUL that follows.
 * NULL when there is no memory. While the job or its video is under way, what changes often is
 * printed in constant width (blanks before a number), and its size is a multiple of 2048 (tabs at the
 * end of the last line but one), so that it does not grow.
 */
char *view_status(const struct job *job, const char *provider, size_t *length);

/* How everything stands, for the next two. */
struct view_figures {
	const char *mountpoint;
	const char *provider; /* its name */
	double poll_rate; /* a second; 0: no limit */
	unsigned downloads; /* at a time */
	int64_t store_max; /* bytes; 0: no limit */
	int64_t store_size; /* bytes of the store's file system; -1 not known */
	int64_t store_free; /* of them, for us */
	int64_t started_ms; /* Unix milliseconds */
	int64_t taken_ms; /* likewise: when all this was so */
	struct figures figures;
	struct job_counts jobs;
};

/*
 * stats.json and metrics.prom as text, as above. All that changes is printed in constant width: their
 * sizes are the same for the life of a mount.
 */
char *view_stats(const struct view_figures *all, size_t *length);
char *view_metrics(const struct view_figures *all, size_t *length);

/*
 * Makes the document of *length bytes exactly size bytes long, which is no less, with blanks
 * before its last newline: it stays the same JSON. text has room for size + 1 bytes.
 */
void view_pad(char *text, size_t *length, size_t size);

/* Room for an event as a line, with its newline and NUL. */
#define VIEW_EVENT_SIZE 512

/* An event as one line of JSON. */
void view_event(const struct job_event *event, char line[VIEW_EVENT_SIZE]);

/* What has extended attributes. */
enum view_attr_of { VIEW_ATTR_OF_JOB, VIEW_ATTR_OF_VIDEO };

/* Room for a value or a list of names. With all names it still fits into one block of ext4. */
#define VIEW_ATTR_SIZE 2048

/* The value of an extended attribute: its length, without the NUL that follows, or -ENODATA. */
int view_attr(
	enum view_attr_of of, const struct job *job, const char *name, char value[VIEW_ATTR_SIZE]);

/* The names of those that there are, each with its NUL: how many bytes. */
size_t view_attr_names(enum view_attr_of of, const struct job *job, char names[VIEW_ATTR_SIZE]);

/* The words of the states and the codes, as the documents have them. */
const char *view_job_state(enum job_state state);
const char *view_video_state(enum video_state state);
const char *view_error(enum error_code code); /* NULL for ERROR_NONE */

#endif
