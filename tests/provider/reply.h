/* SPDX-License-Identifier: MIT */
/*
 * reply: an answer on its way: its headers and its bytes, with the faults that a step asks for.
 *
 * Owns    every MHD response.
 * Thread  the connection's.
 * Gives   delays, stalls, cuts, rates and lengths that lie.
 * Never   knows polls or ranges of HTTP: it is told where it starts and how much it has.
 */
#ifndef REPLY_H
#define REPLY_H

#include "stage.h"

#include <sys/types.h>

/* The bytes of an answer: from memory (text, owned), else of a video. */
struct reply {
	struct stage *stage;
	struct MHD_Connection *connection;
	const struct step *step;
	struct text text;
	const struct section *video;
	int64_t start; /* where in the body the answer starts */
	int64_t length; /* how many bytes are really there */
	int64_t started_ms;
	int64_t sent;
	bool stalled; /* it has been, once */
	struct MHD_Response *response;
};

/*
 * Starts a reply of length bytes from start. Takes text.data, in every case. NULL where memory has
 * run out.
 */
struct reply *reply_new(struct stage *stage, struct MHD_Connection *connection,
	const struct step *step, struct text text, const struct section *video, int64_t start,
	int64_t length);

/* Adds a header; nothing where value is NULL. */
void reply_header(struct reply *reply, const char *name, const char *value);

/* Sends it after the step's delay, and frees it when it is sent. */
enum MHD_Result reply_send(struct reply *reply, unsigned status);

/* An answer without any fault, of a body that stays where it is. */
enum MHD_Result reply_plain(
	struct MHD_Connection *connection, unsigned status, const char *type, const char *body);

#endif
