/* SPDX-License-Identifier: MIT */
/*
 * cometfs.h: the words that everything else is said in.
 *
 * Owns    the limits of a request id, the states of a job and of its video, the codes of
 *         errors, what a provider can say (struct report), the names in the mount.
 * Never   has a function.
 */
#ifndef COMETFS_H
#define COMETFS_H

#include <stdbool.h>
#include <stdint.h>

#define COMETFS_VERSION "0.1.0"

/* Sizes of texts in bytes, with the terminating NUL. */
#define ID_SIZE 192 /* a request id has 1 to 191 of A-Z a-z 0-9 . _ : - */
#define WORD_SIZE 64 /* a status, a code, a model */
#define MESSAGE_SIZE 512
#define URL_SIZE 4096
#define ETAG_SIZE 256
#define SHA256_SIZE 65 /* hexadecimal */

/* One US dollar, in the provider's unit of price. */
#define TICKS_PER_USD INT64_C(10000000000)

/*
 * A job's state. It only ever moves to the right; done, failed and expired are final.
 *
 *   unknown   no answer has been accepted yet; in a report: nothing said of the state
 *   queued    accepted by the provider, not begun
 *   running
 *   done      there is, or was, a video
 *   failed    the error says why
 *   expired   it was made, and the provider has it no more
 */
enum job_state { JOB_UNKNOWN, JOB_QUEUED, JOB_RUNNING, JOB_DONE, JOB_FAILED, JOB_EXPIRED };
#define JOB_STATES (JOB_EXPIRED + 1)

/*
 * The state of a job's video.
 *
 *   none      the job is not done
 *   fetching  wanted, on its way or waiting for its turn
 *   ready     whole, and on disk
 *   lost      given up: the video's error says why
 *   removed   its user deleted the local copy
 */
enum video_state { VIDEO_NONE, VIDEO_FETCHING, VIDEO_READY, VIDEO_LOST, VIDEO_REMOVED };
#define VIDEO_STATES (VIDEO_REMOVED + 1)

/* Errors as status.json names them; the words are in view.c. */
enum error_code {
	ERROR_NONE,
	ERROR_MODERATED,
	ERROR_NOT_FOUND,
	ERROR_NO_URL,
	ERROR_BAD_REQUEST,
	ERROR_PROVIDER, /* the message has the provider's own words */
	ERROR_URL_EXPIRED,
	ERROR_TOO_LARGE,
	ERROR_NOT_A_VIDEO,
	ERROR_REFUSED_ADDRESS,
	ERROR_STORE_FULL,
	ERROR_AUTH,
	ERROR_TRANSPORT,
};
#define ERROR_CODES (ERROR_TRANSPORT + 1)

/* What kind of answer a poll got: what it is good for, whatever its HTTP status was. */
enum report_kind {
	REPORT_JOB, /* it speaks of the job: state, or JOB_UNKNOWN for "leave the state alone" */
	REPORT_NO_URL, /* done, but nowhere to fetch from */
	REPORT_NOT_FOUND, /* no such job; normal for some seconds after its creation */
	REPORT_BAD_REQUEST, /* the request is wrong; seen in passing just after a creation */
	REPORT_AUTH, /* the key is wrong, missing, or may not */
	REPORT_QUOTA, /* the key has no credit left */
	REPORT_LIMITED, /* too many requests */
	REPORT_BUSY, /* the provider has a problem of its own, for a while */
	REPORT_CONFIG, /* the base URL is wrong: a redirect, no such route */
	REPORT_UNREADABLE, /* not a JSON object */
};

/*
 * What a provider said, in one normal form. Texts are valid UTF-8, cut at a character where they
 * are too long, and empty where nothing was said.
 */
struct report {
	enum report_kind kind;
	enum job_state state;
	char task_id[ID_SIZE]; /* whose answer it says it is: of a gateway's task; */
	char request_id[ID_SIZE]; /* without one: of an answer that is not wrapped */
	int progress; /* 0 to 100, -1 not said */
	enum error_code error; /* of a failed job, else ERROR_NONE */
	char error_message[MESSAGE_SIZE]; /* also the text of an answer that is not of the job */
	char model[WORD_SIZE];
	int64_t submitted_at; /* Unix seconds, 0 not said; the next two likewise */
	int64_t started_at;
	int64_t finished_at;
	int64_t cost_ticks; /* -1 not said */
	char url[URL_SIZE]; /* of the video; http: or https: */
	double duration_s; /* of the video, negative not said */
	int respect_moderation; /* 0, 1, -1 not said */
	bool wrapped; /* in the gateway's envelope: code and message are there, even if empty */
	char code[WORD_SIZE]; /* of the envelope or of the error */
	char message[MESSAGE_SIZE];
	char task_status[WORD_SIZE]; /* the gateway's word */
	char status[WORD_SIZE]; /* the provider's own word */
};

/* Names in the mount. Those in by-state/ are the words of the states. */
#define NAME_GALLERY "index.html"
#define NAME_JOBS "jobs"
#define NAME_BY_STATE "by-state"
#define NAME_META ".cometfs"
#define NAME_EVENTS "events"
#define NAME_STATS "stats.json"
#define NAME_METRICS "metrics.prom"
#define NAME_STATUS "status.json"
#define NAME_RESPONSE "response.json"
#define NAME_VIDEO "video.mp4"

#endif
