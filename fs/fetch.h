/* SPDX-License-Identifier: MIT */
/*
 * fetch: one download, in its parts. Private to fetch*.c.
 *
 *   queued      waits for its turn
 *   preparing   the disk thread opens the part and hashes what is kept of it
 *   getting     bytes come in: curl -> filling -> writing -> part
 *   joining     the front has met a piece: the disk thread hashes that
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
	FETCH_JOINING,
	FETCH_ENDING,
	FETCH_RESTING,
	FETCH_REFRESHING,
};

/* How a request ended. */
enum fetch_outcome {
	FETCH_OPEN, /* not yet */
	FETCH_WHOLE,
	FETCH_MET, /* what it would bring next is there already */
	FETCH_YIELDED, /* others come first */
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

/*
 * One request, and the bytes that it brings, from one place of the file on. Two buffers: while one
 * is written the other fills, and when both are full curl pauses. So a slow disk slows the network,
 * not the memory. All zero but for ended: at rest.
 */
struct stream {
	struct fetch *fetch;
	struct http_exchange *exchange;
	int64_t from; /* where the request begins */
	int64_t at; /* all from there up to before this byte is in the part */
	int64_t to; /* it ends before this byte; INT64_MAX: where the server ends */
	enum fetch_outcome outcome;
	char reason[MESSAGE_SIZE];
	int64_t retry_after_ms;
	bool bounded; /* the answer's end can be told from a cut */
	bool paused;
	bool ended; /* curl is done with it */
	char *filling, *writing; /* FETCH_BUFFER bytes each; only while getting */
	size_t filled, written;
};

struct fetch {
	TAILQ_ENTRY(fetch) link;
	struct run *run;
	enum fetch_step step;
	struct heap_node due; /* while resting */
	int64_t turn_ms; /* when its turn came */
	int64_t pace_ms, pace_bytes; /* when it was looked at last how fast it is; what there was */
	unsigned failures; /* in a row, without a byte that is further than ever */
	int64_t most_bytes; /* how far it ever came */
	unsigned small_steps; /* attempts in a row that brought next to nothing */
	uint32_t epoch; /* the newest */
	int64_t begun_ms; /* on the clock of deadlines, which nobody sets */
	int64_t address_age_ms; /* then: since the job was done */
	int64_t junk_ms; /* since when no video came, only other things; 0: not so */
	bool asked; /* for a fresh address, and there was an answer */
	bool ask_first; /* for a fresh address, when the rest is over */
	bool adopting;
	bool slow; /* it gives up its turn for that */
	char reason[MESSAGE_SIZE]; /* why it waits or is given up */

	/* The front goes through the whole file; the reach brings a place far ahead of it that somebody
	 * reads. Either may be either of the two: the front becomes the reach that it has met. */
	struct stream streams[2];
	struct stream *front, *reach;
	unsigned reach_failures; /* in a row */
	int64_t reach_not_before_ms; /* another one may start: after a fault, or a time for this one */
	enum { RANGES_UNKNOWN, RANGES_YES, RANGES_NO } ranges; /* the server's */

	/* the part */
	struct store_part *part;
	int64_t bytes; /* of the front, in the part */
	int64_t synced;
	struct extents extents; /* beyond the front, in the part */
	int64_t size; /* announced, -1 not known */
	char etag[ETAG_SIZE];
	unsigned char first[8];
	char sha256[SHA256_SIZE]; /* of the first `synced` bytes; at the end of all */

	/* the disk thread's work */
	struct disk_task task;
	bool task_out;
	int task_result;
	bool task_synced;
	char task_sha256[SHA256_SIZE]; /* of the front, when that was synced or read */
	uint32_t task_crc; /* of what is written */
	struct stream *task_stream; /* whose bytes are written */
	int64_t task_reserve; /* room for so many bytes first */
	int64_t unsynced; /* bytes in the part that a power cut may take */
	void (*after)(struct fetch *f);
	void (*then)(struct run *run); /* not NULL: it is being cancelled */
};

#define FETCH_BUFFER ((size_t)1 << 20)
#define FETCH_FULL_MS 5000 /* a full store is looked at again */

/* ---- fetch_turn.c: whose turn it is --------------------------------------------------------- */

/* Stands in line. */
void turn_wait(struct fetch *f);

/* Gives its turn to others, for a while or for now. Its streams are idle, the part stays open. */
void turn_rest(struct fetch *f, int64_t delay_ms);
void turn_yield(struct fetch *f);

/* Is in no line, and has no turn, any more. */
void turn_leave(struct fetch *f);

/* ---- fetch_stream.c: a request and what it brings ------------------------------------------- */

/* Asks for the bytes from `from` on, up to before `to`. */
void stream_start(struct stream *s, int64_t from, int64_t to);

/* Ends it before its time; what it has brought can still be written. */
void stream_stop(struct stream *s);

/* Ends it; what it has brought is for nobody. */
void stream_drop(struct stream *s);

/* Behind the last byte that it has brought. */
int64_t stream_received(const struct stream *s);

/* It has come to what is there already. */
bool stream_has_met(const struct stream *s);

/* Nothing goes on in it, and nothing waits to be written. */
bool stream_is_idle(const struct stream *s);

/* Says why it ended, and ends it: -1. */
int stream_fail(struct stream *s, enum fetch_outcome outcome, const char *reason);

void stream_free_buffers(struct stream *s);

/* ---- fetch_write.c: from the streams to the part -------------------------------------------- */

/* Gives to the disk thread what a stream has brought; false when that is not to be now. */
bool fetch_write(struct stream *s);

/* On the disk thread: reads and hashes some more of the front, which has met a piece or was opened
 * again: 1 when there is more, 0 done, -errno. */
int fetch_rehash(struct fetch *f);

/* On the disk thread: puts all on disk, and takes the hash of the front. */
int fetch_sync(struct fetch *f);

/* On the engine's, then: all that is in the part is synced. */
void fetch_note_sync(struct fetch *f);

/* What is in the part, for its readers; and on disk what is not to be fetched again. well: what was
 * wrong is over. */
void fetch_show(struct fetch *f, bool well);

/* ---- fetch_get.c: an attempt ---------------------------------------------------------------- */

/* Goes on from what is in the part: by a request, or by what is there beyond the front. */
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

/* Waits until the store has room. */
void fetch_wait_for_room(struct fetch *f, const char *why);

/* The part is to be opened anew: what is in it is not known any more, but for what was synced, and who
 * has been promised more waits again. */
void fetch_lose_unsynced(struct fetch *f);

/* The part could not be written or read: it is opened anew, and read again. */
void fetch_reopen(struct fetch *f, int error);

/* ---- fetch.c ------------------------------------------------------------------------------- */

/* Gives work to the disk thread; after() follows on ours, unless the fetch was cancelled. */
void fetch_submit(
	struct fetch *f, void (*work)(struct disk_task *task), void (*after)(struct fetch *f));

/* Whether anything of the video is in the part. */
bool fetch_has_bytes(const struct fetch *f);

/* The file stays; what is in it is looked at when it is opened again. */
void fetch_close_part(struct fetch *f);

/* Its turn has come. */
void fetch_start(struct fetch *f);

/* Ends the fetch; its run may end with it. */
void fetch_drop(struct fetch *f);

#endif
