/* SPDX-License-Identifier: MIT */
/*
 * fetch: one download, in its parts. Private to fetch*.c.
 *
 *   queued      waits for its turn
 *   preparing   the disk thread opens the part and hashes what is kept of it
 *   getting     bytes come in: curl -> filling -> writing -> part
 *   ending      the disk thread makes the part a whole file
 *   resting     after a fault, until its time; the part stays open
 *   refreshing  a poll asks for a fresh address
 */
#ifndef FETCH_H
#define FETCH_H

#include "run.h"

enum fetch_step {
	FETCH_QUEUED,
	FETCH_PREPARING,
	FETCH_GETTING,
	FETCH_ENDING,
	FETCH_RESTING,
	FETCH_REFRESHING,
};

/* How an attempt ended. */
enum fetch_outcome {
	FETCH_OPEN, /* not yet */
	FETCH_WHOLE,
	FETCH_CUT, /* no answer, or not all of it */
	FETCH_DENIED, /* 401, 403, 404, 410: perhaps not yet, perhaps not any more */
	FETCH_CHANGED, /* what is there is not the beginning of what the server has */
	FETCH_JUNK, /* not a video */
	FETCH_TOO_LARGE,
	FETCH_REFUSED, /* a name that leads to where we do not fetch from */
	FETCH_REFUSED_FOR_GOOD, /* an address that we do not fetch from */
	FETCH_FULL, /* no room in the store */
	FETCH_BROKEN, /* the store cannot be written or read */
};

struct fetch {
	TAILQ_ENTRY(fetch) link;
	struct run *run;
	enum fetch_step step;
	struct heap_node due; /* while resting */
	unsigned failures; /* in a row, without a byte that is further than ever */
	int64_t most_bytes; /* how far it ever came */
	int64_t begun_ms; /* on the clock of deadlines, which nobody sets */
	int64_t address_age_ms; /* then: since the job was done */
	int64_t junk_ms; /* since when no video came, only other things; 0: not so */
	bool asked; /* for a fresh address, and there was an answer */
	bool ask_first; /* for a fresh address, when the rest is over */
	bool adopting;

	/* this attempt */
	struct http_exchange *exchange;
	enum fetch_outcome outcome;
	char reason[MESSAGE_SIZE];
	int64_t retry_after_ms;
	bool bounded; /* the answer's end can be told from a cut */
	bool paused;
	bool ended; /* curl is done with it */
	char *filling, *writing; /* FETCH_BUFFER bytes each; only while getting */
	size_t filled, written;

	/* the part */
	struct store_part *part;
	int64_t keep;
	int64_t bytes; /* in the part */
	int64_t synced;
	int64_t size; /* announced, -1 not known */
	char etag[ETAG_SIZE];
	unsigned char first[8];
	char sha256[SHA256_SIZE];

	/* the disk thread's work */
	struct disk_task task;
	bool task_out;
	int task_result;
	void (*after)(struct fetch *f);
	void (*then)(struct run *run); /* not NULL: it is being cancelled */
};

#define FETCH_BUFFER ((size_t)1 << 20)
#define FETCH_FULL_MS 5000 /* a full store is looked at again */

/* Gives work to the disk thread; after() follows on ours, unless the fetch was cancelled. */
void fetch_submit(
	struct fetch *f, void (*work)(struct disk_task *task), void (*after)(struct fetch *f));

/* Starts to get the bytes from f->bytes on. */
void fetch_get(struct fetch *f);

/* Hands on what has come; true when the attempt is over and all of it is in the part. */
bool fetch_pump(struct fetch *f);

/* ---- fetch_end.c --------------------------------------------------------------------------- */

/* An attempt is over: what now? */
void fetch_conclude(struct fetch *f);

/* All is there: makes the part a whole file, and the video ready. */
void fetch_end(struct fetch *f);

/* From the first byte, as another file: who has read of the old one gets an error. */
void fetch_begin_anew(struct fetch *f);

/* Says why it waits, in the document and, when that is news, in the log; rests. */
void fetch_wait(struct fetch *f, enum error_code error, int64_t delay_ms);

/* ---- fetch.c ------------------------------------------------------------------------------- */

/* The file stays; what is in it is looked at when it is opened again. */
void fetch_close_part(struct fetch *f);

/* Gives its turn to others for a while; the part stays open. */
void fetch_rest(struct fetch *f, int64_t delay_ms);

/* Ends the fetch; its run may end with it. */
void fetch_drop(struct fetch *f);

#endif
