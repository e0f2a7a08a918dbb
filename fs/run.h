/* SPDX-License-Identifier: MIT */
/*
 * run: the engine's own record of a job with which something goes on. Private to the engine:
 * engine.c letters.c change.c poll.c manners.c probe.c notice.c tally.c fetch*.c rows.c start.c.
 *
 * Everything here belongs to the engine thread. A run lives from the moment that there is
 * something to do for its job until run_rest() finds nothing any more; a remembered job that is
 * final has none.
 */
#ifndef RUN_H
#define RUN_H

#include "base.h"
#include "disk.h"
#include "engine.h"
#include "figures.h"

struct fetch;
struct change;

struct run {
	LIST_ENTRY(run) link;
	uint64_t serial;

	/* manners.c */
	struct heap_node poll_due;
	bool urgent; /* which line it is in, or was */
	unsigned key; /* which one the poll under way went out with */
	bool refused; /* the last answer was: for the key, or the base URL */
	int64_t refused_ms; /* when, last; 0: never */
	int64_t not_before_ms; /* whoever looks: the provider said so, or refused this job */

	/* poll.c */
	struct http_exchange *poll;
	int64_t poll_begun_ms;
	int64_t age_ms; /* of the job, when the polls began at begun_ms */
	int64_t begun_ms;
	int64_t unknown_ms; /* since when the provider says that it does not know it; 0: it does not */
	unsigned no_url_polls;
	bool refresh; /* the poll under way is for a fresh address of the video */
	char *task_id, *request_id; /* what the provider calls the job, in its two shapes */
	char *body; /* the last accepted one, to see whether the next is another */
	size_t body_length;
	int body_status; /* the HTTP status that it came with */

	/* fetch.c */
	struct fetch *fetch;
	bool again; /* its video was wanted before: how long it takes says nothing any more */

	/* fetch_room.c */
	int64_t promised; /* bytes of the store */
	int64_t short_of; /* so many, all in all, were asked for in vain; 0: none */

	/* rows.c */
	struct change *latest; /* the newest value that is not on disk yet */
	unsigned changes; /* on their way to the disk */

	/* change.c */
	uint64_t ticket; /* of the letter that it is busy with; 0: none */
	bool looked_up; /* it was tracked by a look-up */
	struct disk_task delete_task;
	int delete_error;
};

/* What the engine works with: set before the thread starts. */
struct engine {
	struct engine_options options; /* the key in it is the current one */
	char origin[512]; /* of the provider: who may see the key */
	struct http *http;
	struct catalog *catalog;
	struct store *store;
	uint64_t last_serial;
	LIST_HEAD(, run) runs;
	bool stopping; /* the disk thread is gone, nothing new begins */
};

extern struct engine engine;

/* Of two times the sooner, of two places the first. */
static inline int64_t lesser(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* The run of a job, made when there is none. NULL when there is no memory. */
struct run *run_of(uint64_t serial);

/* The run of a job if it has one. */
struct run *run_find(uint64_t serial);

/* Frees the run if nothing goes on with it. */
void run_rest(struct run *run);

/* ---- letters.c: the mailbox ---------------------------------------------------------------- */

/* Does what the letters want; false: the last one was engine_stop()'s. */
bool letters_take(void);

void letters_stop(void);
void letters_free(void);

/* ---- change.c: what its user does to a job. Each answers the ticket ------------------------- */

void change_track(const char *id, uint64_t ticket);
void change_lookup(const char *id, uint64_t ticket);
void change_forget(uint64_t serial, uint64_t ticket);
void change_remove(uint64_t serial, uint64_t ticket);

/* A new job: its first row, then its run. body: the answer that it came from, if any. */
void change_create(struct job *job, const char *body, size_t length, uint64_t ticket);

/* ---- rows.c: on disk before anybody sees it ------------------------------------------------- */

/* The newest value, whether it is on disk yet or not. */
void rows_load(const struct run *run, struct job *job);

/* Done with one change: error is 0 or -errno. */
typedef void rows_done(struct run *run, int error);

/*
 * Writes a new value, and the time of this change with it. It is visible when it is on disk. body
 * (copied) is the accepted answer with it, or NULL. Where the disk cannot take it: with done, the
 * value is dropped and done is told; without, it is shown all the same and written later, since
 * the provider would say it again.
 */
void rows_save(
	struct run *run, const struct job *job, const char *body, size_t length, rows_done *done);

/* Deletes a job's row. */
void rows_delete(struct run *run, rows_done *done);

/* Shows a value whose news a crash may forget (figures, progress of a download). */
void rows_show(struct run *run, const struct job *job);

/* Writes what has gathered, as one commit; the time of the next try after a fault. */
int64_t rows_flush(int64_t now_ms);

/* At the end, with the disk thread gone: writes the rest. */
void rows_finish(void);

/* ---- poll.c -------------------------------------------------------------------------------- */

/*
 * Begins to poll a job: now, or, spread, at some time of the first interval: one that has had an
 * answer already, or is remembered from before a restart, so that it is no storm.
 */
void poll_begin(struct run *run, bool spread);

/* Ends the polling of a job. */
void poll_end(struct run *run);

/* Asks once for a fresh address; fetch_refreshed() follows, whatever comes of it. */
void poll_refresh(struct run *run);

/* Somebody looks at the job: its next poll comes sooner. */
void poll_watch(struct run *run);

/* Starts what is due and allowed; the time of the next. */
int64_t poll_due(int64_t now_ms);

/*
 * Asks about an id; on_done as in struct http_request. NULL when it cannot even be sent. share: it
 * may wait for a connection that others are opening.
 */
struct http_exchange *poll_ask(const char *id, int64_t timeout_ms, bool share,
	void (*on_done)(void *arg, const struct http_result *result), void *arg);

/* ---- probe.c: an id that nobody tracks ------------------------------------------------------ */

/* Asks the provider, tracks the id if it is known, answers the ticket. */
void probe_begin(const char *id, uint64_t ticket);

/* Answers what is left, with http at rest. */
void probe_stop(void);

/* ---- notice.c: what goes wrong with jobs, in the log ---------------------------------------- */

enum notice { NOTICE_FAILED, NOTICE_EXPIRED, NOTICE_LOST, NOTICE_WAITS, NOTICE_ANEW, NOTICES };

/* One line; or, when there was one of this kind and code less than a minute ago, part of the next. */
void notice(enum notice kind, const char *id, enum error_code code, const char *why);

/* Says what has repeated for a minute; the time of the next such line. */
int64_t notice_due(int64_t now_ms);

/* At the end: says what has not been said yet. */
void notice_stop(void);

/* ---- tally.c: how many jobs there are, for who runs us as a service --------------------------- */

/* Tells it, if it has changed; the time of the next such message. */
int64_t tally_due(int64_t now_ms);

/* ---- fetch.c ------------------------------------------------------------------------------- */

/* Wants the video of a done job: its turn comes, or the part that is there goes on. */
void fetch_begin(struct run *run);

/* A whole file is there, but its row does not know its hash yet. */
void fetch_adopt(struct run *run);

/* Gives the download up; then() is called when nothing goes on any more, perhaps at once. */
void fetch_cancel(struct run *run, void (*then)(struct run *run));

/* poll_refresh() has ended. answered: the provider spoke of the job; fresh: of another address. */
void fetch_refreshed(struct run *run, bool answered, bool fresh);

/* Starts what has waited long enough, hands on what has come; the time of the next. */
int64_t fetch_due(int64_t now_ms);

/* At the end, with http at rest and the disk thread gone: keeps what has come. */
void fetch_stop(struct run *run);

/* After that: frees what fetch_turn.c itself holds. */
void fetch_free(void);

/* ---- fetch_room.c: store_max ---------------------------------------------------------------- */

#define NO_VIDEO "what the server sends is no MP4 video"
#define ROOM_FULL "the store has reached its store_max, remove videos or mount with a greater one"

/* It has so many bytes, whatever the limit. */
void room_hold(struct run *run, int64_t bytes);

/* Promises the store's room for so many bytes of its video; false when there is none. */
bool room_claim(struct run *run, int64_t bytes);

/* Whether an older one waits for room, and this one, which waits too, has some. */
bool room_is_in_the_way(const struct run *run);

/* How much of store_max is taken: by what is ready, and by promises. */
int64_t room_taken(void);

/* Its download has ended: what is not ready takes no room any more. */
void room_free(struct run *run);

/* ---- start.c ------------------------------------------------------------------------------- */

/* Joins the catalog's rows with the store's files, fills the job table. 0 or -errno. */
int start_jobs(void);

/* A kept video's file is said to be damaged, while we run: what is so is fetched again. */
void start_mend(uint64_t serial);

#endif
