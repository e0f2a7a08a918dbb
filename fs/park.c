/* SPDX-License-Identifier: MIT */
/*
 * Requests that wait. The order of the steps matters: it is what keeps the waker, an interrupt
 * and the end of the request from meeting in the same memory.
 */
#include "park.h"

#include "base.h"
#include "engine.h"
#include "figures.h"

#include <errno.h>
#include <stdlib.h>

struct park {
	struct waiter waiter;
	fuse_req_t req;
	struct park_about about;
	park_reply *reply;
};

/* The park is the caller's alone. Un-registering waits out an interrupt that is running. */
static void finish(struct park *park, int status)
{
	fuse_req_interrupt_func(park->req, NULL, NULL);
	park->reply(park->req, &park->about, status);
	free(park);
}

static void count(const struct waiter *waiter, enum parked parked)
{
	if (waiter->kind == WAITER_BYTES)
		figures_add(FIGURE_PARKED, parked, 1);
}

static void on_wake(struct waiter *waiter, int status)
{
	count(waiter, status == 0            ? PARKED_ANSWERED
		      : status == -ETIMEDOUT ? PARKED_TIMEOUT
					     : PARKED_FAILED);
	finish(container_of(waiter, struct park, waiter), status);
}

/*
 * libfuse holds the request's lock here, so nothing is un-registered. If the waiter is not
 * linked, whoever took it answers, or it is barred from waiting and park_*() answers.
 */
static void on_interrupt(fuse_req_t req, void *arg)
{
	struct park *park = arg;
	if (!job_unwait(&park->waiter))
		return;
	count(&park->waiter, PARKED_INTERRUPTED);
	(void)fuse_reply_err(req, EINTR);
	free(park);
}

static struct park *park_new(fuse_req_t req, const struct park_about *about, park_reply *reply)
{
	struct park *park = calloc(1, sizeof(*park));
	if (park == NULL) {
		reply(req, about, -ENOMEM);
		return NULL;
	}
	park->waiter.wake = on_wake;
	park->req = req;
	park->about = *about;
	park->reply = reply;
	return park;
}

void park_bytes(fuse_req_t req, uint64_t serial, uint32_t epoch, const struct park_about *about,
	park_reply *reply)
{
	struct park *park = park_new(req, about, reply);
	if (park == NULL)
		return;
	fuse_req_interrupt_func(req, on_interrupt, park);
	int64_t to = about->offset + (int64_t)about->size;
	int r = job_wait_bytes(serial, epoch, about->offset, to, &park->waiter);
	if (r == 0)
		engine_reader(); /* from the wait on, park is no longer ours */
	else
		finish(park, r > 0 ? 0 : r);
}

void park_event(fuse_req_t req, uint64_t number, const struct park_about *about, park_reply *reply)
{
	struct park *park = park_new(req, about, reply);
	if (park == NULL)
		return;
	fuse_req_interrupt_func(req, on_interrupt, park);
	int r = job_wait_event(number, &park->waiter);
	if (r == 0)
		engine_reader();
	else
		finish(park, r > 0 ? 0 : r);
}

uint64_t park_ticket(
	fuse_req_t req, const struct park_about *about, park_reply *reply, bool interruptible)
{
	struct park *park = park_new(req, about, reply);
	if (park == NULL)
		return 0;
	if (interruptible)
		fuse_req_interrupt_func(req, on_interrupt, park);
	uint64_t ticket = job_ticket();
	int r = job_wait_ticket(ticket, &park->waiter);
	if (r == 0)
		return ticket;
	finish(park, r);
	return 0;
}
