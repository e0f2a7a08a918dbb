/* SPDX-License-Identifier: MIT */
/*
 * job: what is known of every job, and who waits for more.
 *
 * Owns    the job table, the one lock, the lists of waiters, the counts of open files, what has
 *         happened lately.
 * Thread  any; below the line: the engine's only. One writer.
 * Gives   copies; and wake() exactly once for a waiter that was linked and not unlinked again,
 *         on the engine thread, with no lock held.
 * Never   does I/O, logs, knows curl, JSON, SQL or FUSE.
 */
#ifndef JOB_H
#define JOB_H

#include "cometfs.h"
#include "extents.h"

#include <stddef.h>
#include <sys/queue.h>

/*
 * All that is known of one job: a plain value. The catalog keeps every field, or it says why not.
 * The extents and the texts stand last: the table keeps them packed, without their unused room.
 */
struct job {
	uint64_t serial; /* given by the engine, from 1 up, never used again */
	bool forgotten; /* its user gave it up; its files are being deleted */
	enum job_state state;
	int progress; /* 0 to 100, -1 not known */
	enum error_code error;
	int64_t tracked_ms; /* Unix milliseconds, as the next two */
	int64_t changed_ms; /* the document's last change */
	int64_t done_ms; /* when we first saw a final state; 0 before */
	int64_t submitted_at; /* Unix seconds by the provider, 0 not known; the next two likewise */
	int64_t started_at;
	int64_t finished_at;
	int64_t cost_ticks; /* -1 not known */
	double duration_s; /* negative not known */
	int respect_moderation; /* 0, 1, -1 not known */

	enum video_state video;
	enum error_code video_error; /* also while fetching: why it waits */
	int64_t video_size; /* bytes, -1 not known; never changes within an epoch */
	int64_t video_bytes; /* the front: how many are there, from the start of the file */
	int64_t video_synced; /* how many of them a power cut leaves alone; more than are there: of a
				 former life, and not compared yet */
	uint32_t video_epoch; /* counts new beginnings of the download */

	bool wrapped; /* as in struct report */
	uint32_t poll_count;
	int64_t poll_last_ms; /* Unix milliseconds, 0 never */
	int64_t poll_next_ms; /* 0 none planned; not in the catalog */
	int poll_http_status; /* 0: no answer */
	uint32_t poll_failures; /* in a row */
	uint32_t response_size; /* bytes of response.json */

	struct extents video_extents; /* what is there beyond the front, while fetching */

	char id[ID_SIZE]; /* the first text */
	char error_message[MESSAGE_SIZE];
	char model[WORD_SIZE];
	char url[URL_SIZE];
	char video_message[MESSAGE_SIZE];
	char etag[ETAG_SIZE];
	char sha256
		[SHA256_SIZE]; /* of the video; while fetching, of its first video_synced bytes */
	char code[WORD_SIZE]; /* the provider's words, as in struct report; the next three too */
	char message[MESSAGE_SIZE];
	char task_status[WORD_SIZE];
	char status[WORD_SIZE];
	char poll_error[MESSAGE_SIZE]; /* "" when the last poll went well */
};

/* The files of a job that can be open. */
enum job_file { JOB_FILE_STATUS, JOB_FILE_RESPONSE, JOB_FILE_VIDEO, JOB_FILES };

/* A copy of a job, and of what belongs to this life of it. */
struct job_view {
	struct job job;
	uint32_t revision; /* counts its values */
	uint32_t cached; /* the revision whose status.json the page cache has; 0 not known */
	uint32_t cached_length; /* bytes of that document */
	bool settled; /* it is not just about to change: what is said of it may be kept */
	uint32_t redated; /* see job_redate() */
	uint32_t shown[JOB_FILES]; /* see job_show(); 0 when it is not open */
};

/* So many editions of a list are told apart. */
#define JOB_EDITIONS 4096U

/* All jobs of a state, as a directory; JOB_UNKNOWN stands for all jobs. */
struct job_listing {
	size_t jobs;
	int64_t changed_ms; /* Unix milliseconds; never the same after a change */
	uint32_t redated; /* see job_listing_end(); from 0 on after each change */
	bool settled; /* it is not just about to change */
};

/* Whether a job, or its video, will not change any more by itself. The second is never true before
 * the first. */
bool job_is_final(const struct job *job);
bool job_video_is_final(const struct job *job);

/* A new job of a valid id. */
void job_init(struct job *job, const char *id, int64_t now_ms);

/*
 * Takes over what a report of kind REPORT_JOB says. A state goes to the right only: what was said
 * before is kept where the report says nothing, and a final job is left as it is. True when the
 * state or anything else that a crash must not forget has changed.
 */
bool job_accept(struct job *job, const struct report *report, int64_t now_ms);

/* Whether there is a video.mp4: its final size is known, and it was not given up or removed. */
bool job_has_video(const struct job *job);

/* Why the video waits, or is lost; ERROR_NONE and "" when all is well. */
void job_set_video_error(struct job *job, enum error_code error, const char *message);

/* Nothing of the video is there any more. */
void job_set_video_empty(struct job *job);

/* How many bytes of the video are there, and the first from byte `at` on that is not. */
int64_t job_video_bytes(const struct job *job);
int64_t job_video_gap(const struct job *job, int64_t at);

/* Ends a job as failed. */
void job_fail(struct job *job, enum error_code error, const char *message, int64_t now_ms);

/*
 * Copies the job out: 0 or -ENOENT. A job that is being forgotten is not there. Who gets it may
 * keep what he reads in it until recall(), if it is settled.
 */
int job_get(uint64_t serial, struct job_view *view);

/* The serial of a request id; 0 when it is not tracked. */
uint64_t job_find(const char *id);

/*
 * The job with the smallest serial above the given one, for listings: its id too. 0 at the end. Of
 * a state only, JOB_UNKNOWN stands for any.
 */
uint64_t job_next(enum job_state state, uint64_t serial, char id[ID_SIZE]);

/*
 * The job with the largest serial below the given one, the newest of those before it; 0 at the end. For who
 * makes a document of its own of all jobs, and tells nobody anything that would have to be recalled.
 */
uint64_t job_before(uint64_t serial, struct job *job);

/* When any job has changed last, or the table was opened: Unix milliseconds. */
int64_t job_changed_ms(void);

void job_listing(enum job_state state, struct job_listing *listing);

/* Somebody begins to list it: the number of its edition, below JOB_EDITIONS. Each change makes another. */
unsigned job_listing_begin(enum job_state state);

/*
 * Somebody comes to the end of a list of an edition. True when it is an old one: then the directory gets
 * another time, so that who keeps that list for one of now looks again. Who is told so recalls the time.
 */
bool job_listing_end(enum job_state state, unsigned edition);

/* Likewise of a job, which has an old list when its lists differ in what they have. */
void job_redate(uint64_t serial);

/* Whether the video is still that of an epoch. */
bool job_has_epoch(uint64_t serial, uint32_t epoch);

/* Counts an open file of a job: 0 or -ENOENT. */
int job_open(uint64_t serial, enum job_file file);
void job_close(uint64_t serial, enum job_file file);

/*
 * The size to show of status.json that is size bytes long now: while it is open, it only grows (its
 * readers are given blanks up to what was shown). When it is closed and was shown longer than it is,
 * that is news.
 */
uint32_t job_show(uint64_t serial, enum job_file file, uint32_t size);

/* The page cache has status.json of this revision, so long; 0: of which, is not known. */
void job_set_cached(uint64_t serial, uint32_t revision, uint32_t length);

/* ---- what happens ------------------------------------------------------------------------------ */

/* One thing that has happened to a job. */
enum job_event_kind {
	JOB_EVENT_TRACKED,
	JOB_EVENT_STATE, /* from and to are enum job_state; of the one above to, of FORGOTTEN from */
	JOB_EVENT_PROGRESS, /* percent, -1 not known */
	JOB_EVENT_VIDEO, /* enum video_state */
	JOB_EVENT_FORGOTTEN,
	JOB_EVENT_DROPPED, /* to: so many are not there any more, who asks was too slow. Of no job */
	JOB_EVENT_IDLE, /* nothing has happened. Never in the record: for who has to say something */
};

struct job_event {
	int64_t time_ms; /* Unix milliseconds */
	enum job_event_kind kind;
	int from, to;
	char id[ID_SIZE];
};

#define JOB_EVENTS 4096 /* so many are kept */

/* The number that the next event will have. */
uint64_t job_events_end(void);

/* The event of that number, or the first that is there still: true, and *number is the next one's. */
bool job_event_at(uint64_t *number, struct job_event *event);

/* What is to be told to those who look at files. */
#define JOB_NEWS_TRACKED 1U /* without a mkdir */
#define JOB_NEWS_STATE 2U /* of the job or of its video */
#define JOB_NEWS_VIDEO 4U /* it is whole now */
#define JOB_NEWS_SIZE 8U /* status.json was shown longer than it is */

struct job_news {
	uint64_t serial;
	unsigned what;
	char id[ID_SIZE];
};

/* Waits for news; what has come for one job in the meantime is one. False after job_news_stop(). */
bool job_news_wait(struct job_news *news);
void job_news_stop(void);

/* Unless somebody has status.json open again: it is shown as long as it is. Recalls first. */
void job_settle_size(uint64_t serial);

/*
 * Who keeps what he was told. Set before there are jobs and threads, NULL: nobody. Both are called
 * with no lock held, on the thread that makes the change.
 */
struct job_audience {
	/*
	 * Before a change is visible: what was told of the job, and of the lists that it is in, is
	 * not to be kept. before is NULL for a new job, after for one that goes; of before only
	 * what stands in front of the texts is there. told: whether anything was told of the job.
	 */
	void (*recall)(const struct job *before, const struct job *after, bool told);
	/* After it. */
	void (*changed)(uint64_t serial);
};

void job_set_audience(const struct job_audience *audience);

/* ---- waiting ----------------------------------------------------------------------------------- */

/*
 * Somebody who waits; lives in what the waker gets back by container_of(). All of it is under the
 * lock from a wait until wake().
 */
enum waiter_state {
	WAITER_NEW,
	WAITER_LINKED,
	WAITER_TAKEN, /* wake() comes */
	WAITER_BARRED, /* interrupted before it could wait */
};

enum waiter_kind { WAITER_BYTES, WAITER_TICKET, WAITER_EVENT, WAITER_KINDS };

struct waiter {
	TAILQ_ENTRY(waiter) link;
	TAILQ_ENTRY(waiter) age; /* among all, by asked_ms */
	enum waiter_state state; /* WAITER_NEW before a wait */
	enum waiter_kind kind;
	uint64_t key; /* a job's serial, or a ticket */
	int64_t from, to; /* bytes of the video, to is behind the last */
	uint32_t epoch;
	int64_t since_ms; /* of which patience counts */
	int64_t asked_ms; /* of the request */
	int status; /* what the taken one will be told */
	void (*wake)(struct waiter *waiter, int status); /* set before a wait */
};

/*
 * Waits until the video's bytes from `from` up to before `to` are there.
 *   0         linked: wake(w, 0 or -errno) will come, unless job_unwait() is first
 *   1         they are there already
 *   -ENOENT   no such job     -EIO   this video, or this epoch of it, will never come
 *   -EINTR    job_unwait() was first
 */
int job_wait_bytes(uint64_t serial, uint32_t epoch, int64_t from, int64_t to, struct waiter *w);

/* A number for one question to the engine, never used again. */
uint64_t job_ticket(void);

/* Waits until the engine has answered the ticket: 0 linked, -EINTR. Before the letter is posted. */
int job_wait_ticket(uint64_t ticket, struct waiter *w);

/* Waits until there is an event of that number: 0 linked, 1 there is, -EINTR. */
int job_wait_event(uint64_t number, struct waiter *w);

/*
 * True when w was linked, and is not any more: it is the caller's again. False when it is being
 * woken; and when it has not waited yet, which it then will not.
 */
bool job_unwait(struct waiter *w);

/* How many there are of each kind, and who waits. A job that is being forgotten is not counted. */
struct job_counts {
	uint32_t jobs[JOB_STATES];
	uint32_t videos[VIDEO_STATES];
	uint32_t failed[ERROR_CODES]; /* jobs, by what has failed */
	uint32_t waiting[ERROR_CODES]; /* videos that are fetching, by why they wait */
	uint32_t lost[ERROR_CODES]; /* videos, by why */
	uint32_t unanswered; /* jobs that are not final, whose last poll failed */
	int64_t ready_bytes; /* of the videos that are ready; of those that are fetching: */
	int64_t part_bytes;
	uint32_t waiters[WAITER_KINDS];
};

/* All of one moment. */
void job_counts(struct job_counts *counts);

/* ---- the engine thread only ---------------------------------------------------------------- */

/* -ENOMEM. */
int job_table_open(void);

/* Fails every waiter with -EIO, frees all. */
void job_table_close(void);

/*
 * Makes a job, or its new value, visible: recalls what was told of the old one, wakes whoever has
 * waited for the new one (readers whose bytes are there, or will never be; who waits for events).
 * 0 or -ENOMEM, the old value then stays.
 */
int job_put(const struct job *job);

/* As job_put() of a new job, for those that were there before we were: it is no event. */
int job_load(const struct job *job);

/* Hides a job from everybody: 0, -ENOENT, -EBUSY while its video is open. */
int job_hide(uint64_t serial);
void job_unhide(uint64_t serial);

/* As job_get(), hidden ones too. */
int job_get_hidden(uint64_t serial, struct job *job);

/* Takes a job out for good. */
void job_remove(uint64_t serial);

/* Answers a ticket; nobody may be waiting any more. */
void job_answer(uint64_t ticket, int status);

/*
 * Of those who wait for the job's video, what he who has waited longest for a byte at or behind
 * `beyond` needs first; -1 when nobody does.
 */
int64_t job_wanted(uint64_t serial, int64_t beyond);

/* The jobs whose videos are waited for, who has waited longest first: so many, room at most. */
size_t job_readers(uint64_t *serials, size_t room);

/* The sizes of all videos that are ready, together: of jobs that are not being forgotten. */
int64_t job_ready_bytes(void);

/*
 * Ends with -ETIMEDOUT who has waited longer than those of his kind may: for bytes, without a new
 * one of his video. Returns the time of the next such end, INT64_MAX when none is near.
 */
int64_t job_expire(int64_t now_ms, const int64_t patience_ms[WAITER_KINDS]);

/* Likewise who has waited for park_ms at all, whatever has come meanwhile. */
int64_t job_expire_old(int64_t now_ms, int64_t park_ms);

/* Ends every waiter with status. */
void job_fail_waiters(int status);

#endif
