/* SPDX-License-Identifier: MIT */
/*
 * figures: counts of what happens, and how things stand, for stats.json and metrics.prom.
 *
 * Owns    the figures, since the start of the program.
 * Thread  any, at any time, also under a lock: atomics, nothing waits.
 * Gives   copies. Each figure is right; two of them may be of moments next to each other.
 * Never   knows where a figure comes from, or how it is shown.
 */
#ifndef FIGURES_H
#define FIGURES_H

#include <stdint.h>

/* How a question to the provider ended: a poll, or a look-up. */
enum asked {
	ASKED_ANSWERED, /* the answer speaks of the job */
	ASKED_NO_URL,
	ASKED_NOT_FOUND,
	ASKED_BAD_REQUEST,
	ASKED_AUTH, /* the key is refused */
	ASKED_QUOTA,
	ASKED_LIMITED,
	ASKED_BUSY,
	ASKED_WRONG_URL,
	ASKED_UNREADABLE,
	ASKED_TIMEOUT, /* no answer, as the next two */
	ASKED_UNREACHABLE,
	ASKED_BROKEN,
	ASKED_OUTCOMES,
};

/* How a request for a video's bytes ended. */
enum fetched {
	FETCHED_WHOLE,
	FETCHED_CUT,
	FETCHED_DENIED,
	FETCHED_CHANGED,
	FETCHED_NOT_A_VIDEO,
	FETCHED_TOO_LARGE,
	FETCHED_REFUSED,
	FETCHED_STORE_FULL,
	FETCHED_STORE_BROKEN,
	FETCHED_YIELDED, /* others came first */
	FETCHED_OUTCOMES,
};

/* What became of a download. */
enum download { DOWNLOAD_READY, DOWNLOAD_LOST, DOWNLOAD_CANCELLED, DOWNLOAD_OUTCOMES };

/* How a request of the kernel that was parked ended. */
enum parked { PARKED_ANSWERED, PARKED_TIMEOUT, PARKED_INTERRUPTED, PARKED_FAILED, PARKED_OUTCOMES };

/* What may be wrong with everything at once. */
enum wrong {
	WRONG_KEY, /* it is refused */
	WRONG_PROVIDER, /* no answer, or none of use */
	WRONG_BASE_URL, /* another server answers */
	WRONG_CATALOG, /* it cannot be written */
	WRONGS,
};

enum key_state { KEY_UNPROVEN, KEY_ACCEPTED, KEY_REFUSED, KEY_STATES };

/* Each is one number; of a kind with outcomes, the first of so many. */
enum figure {
	/* counters, which only grow */
	FIGURE_POLLS,
	FIGURE_LOOKUPS = FIGURE_POLLS + ASKED_OUTCOMES,
	FIGURE_FETCHES = FIGURE_LOOKUPS + ASKED_OUTCOMES,
	FIGURE_DOWNLOADS = FIGURE_FETCHES + FETCHED_OUTCOMES,
	FIGURE_PARKED = FIGURE_DOWNLOADS + DOWNLOAD_OUTCOMES,
	FIGURE_DOWNLOADED_BYTES = FIGURE_PARKED + PARKED_OUTCOMES,

	/* how things stand */
	FIGURE_POLLS_IN_FLIGHT,
	FIGURE_POLLS_PLANNED, /* jobs in the line, as the next */
	FIGURE_POLLS_PLANNED_URGENT,
	FIGURE_DOWNLOADS_BEGUN, /* in whatever step */
	FIGURE_DOWNLOADS_QUEUED,
	FIGURE_DOWNLOADS_ACTIVE,
	FIGURE_LETTERS, /* to the engine, not read yet */
	FIGURE_CHANGES, /* of rows, not on disk yet */
	FIGURE_STORE_TAKEN, /* bytes of store_max */
	FIGURE_KEY, /* enum key_state */
	FIGURE_FAILURES, /* questions in a row without an answer of use */
	FIGURE_LAST_FAILURE, /* enum asked: the kind of the last that failed */

	/* moments: milliseconds of clock_ms(), 0: never, or not so */
	FIGURE_POLL_DUE_MS, /* when the first in the line is */
	FIGURE_HELD_UNTIL_MS, /* no poll starts before */
	FIGURE_ACCEPTED_MS, /* the last answer that was */
	FIGURE_FAILED_MS, /* the last question that was not answered well */
	FIGURE_KEY_MS, /* since when it is in its state */
	FIGURE_WRONG_MS, /* since when it is wrong */

	FIGURES = FIGURE_WRONG_MS + WRONGS,
};

/* Buckets of a histogram; what is above the last one's limit is in one more. */
#define FIGURES_BUCKETS 12

enum timed { TIMED_POLL, TIMED_DOWNLOAD, TIMED_KINDS };

struct figures {
	int64_t now_ms; /* of clock_ms(), when it was copied */
	int64_t value[FIGURES];
	int64_t polls_last_minute;
	struct figures_times {
		uint64_t counts[FIGURES_BUCKETS + 1]; /* each of its own bucket */
		int64_t sum_ms;
	} times[TIMED_KINDS];
};

/* The limits of the buckets: a time that is as long is still in. */
extern const int64_t figures_limits_ms[TIMED_KINDS][FIGURES_BUCKETS];

/* kind: the outcome's, of figures that have one; else 0. */
void figures_add(enum figure figure, unsigned kind, int64_t more);
void figures_set(enum figure figure, unsigned kind, int64_t value);

/* Something took so long. */
void figures_time(enum timed what, int64_t ms);

/* What the provider thinks of the key, and since when, if that is new. The engine thread only. */
void figures_key(enum key_state state);

/* A poll begins. The engine thread only. */
void figures_poll(int64_t now_ms);

void figures_get(struct figures *figures);

#endif
