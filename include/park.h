/* SPDX-License-Identifier: MIT */
/*
 * park: requests that wait.
 *
 * Owns    every fuse_req_t between a handler that returned without an answer and that answer.
 * Thread  park_*(): a libfuse worker. The answer is given on the engine's, or, when the caller
 *         is interrupted, on a worker.
 * Gives   reply() exactly once, with no lock held.
 * Never   knows why a request waits.
 */
#ifndef PARK_H
#define PARK_H

#include "cometfs.h"

#include <fuse_lowlevel.h>

/* What the answer is about; copied. */
struct park_about {
	uint64_t inode;
	uint64_t handle;
	size_t size;
	off_t offset;
	char name[ID_SIZE];
};

/* Answers req: status is 0 or -errno. */
typedef void park_reply(fuse_req_t req, const struct park_about *about, int status);

/* Until the bytes of the job's video that the answer is about are there: size of them, from offset. */
void park_bytes(fuse_req_t req, uint64_t serial, uint32_t epoch, const struct park_about *about,
	park_reply *reply);

/* Until there is an event of that number. Who waits for long is answered with -ETIMEDOUT. */
void park_event(fuse_req_t req, uint64_t number, const struct park_about *about, park_reply *reply);

/*
 * Until the engine has answered a ticket: returns it, to be posted with the letter; or 0, and req
 * has been answered. interruptible: whether the letter may be forgotten on the way.
 */
uint64_t park_ticket(
	fuse_req_t req, const struct park_about *about, park_reply *reply, bool interruptible);

#endif
