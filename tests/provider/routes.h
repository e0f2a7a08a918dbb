/* SPDX-License-Identifier: MIT */
/*
 * routes: what the provider answers, by the start of the path.
 *
 * Thread  the connection's.
 * Gives   each an MHD result; MHD_NO closes the connection without an answer.
 */
#ifndef ROUTES_H
#define ROUTES_H

#include "stage.h"

struct request {
	struct stage *stage;
	struct MHD_Connection *connection;
	const char *method;
	const char *path;
	const char *rest; /* of the path, behind what chose the route */
};

/* The state of job `rest`. */
enum MHD_Result polls_answer(const struct request *request);

/* The bytes of video `rest`. */
enum MHD_Result videos_answer(const struct request *request);

/* Raises event `rest`. */
enum MHD_Result control_event(const struct request *request);

/* How often `poll/ID` or `video/NAME` was asked; with ?wait=N as soon as that is N times. */
enum MHD_Result control_count(const struct request *request);

/* The key that the request brings as Bearer; NULL for none. */
const char *routes_key(const struct request *request);

/* A header of the request; NULL for none. */
const char *routes_header(const struct request *request, const char *name);

/*
 * The part of an answer that polls and videos share: hanging and dropping. 0 to go on, -ECANCELED to
 * close the connection.
 */
int routes_hold(const struct request *request, const struct step *step);

#endif
