/* SPDX-License-Identifier: MIT */
/* A list is in order again when as many changes of it have ended as were begun. */
#include "job_listings.h"

#include "base.h"

/* Shared: under the lock. That of JOB_UNKNOWN is of all jobs. */
static struct listing {
	int64_t changed_ms;
	unsigned changing; /* so many changes of it are just about to come */
} listings[JOB_STATES];

/* Never the same again, whatever the clock says. */
static int64_t later(int64_t than_ms)
{
	int64_t now_ms = clock_wall_ms();
	return now_ms > than_ms ? now_ms : than_ms + 1;
}

void listings_clear(void)
{
	for (int state = 0; state < JOB_STATES; state++)
		listings[state] = (struct listing){ .changed_ms = clock_wall_ms() };
}

static void begin(struct listing *listing)
{
	listing->changing++;
}

static void end(struct listing *listing)
{
	listing->changing--;
	listing->changed_ms = later(listing->changed_ms);
}

static bool for_each_changed(
	const struct job *before, const struct job *after, void (*act)(struct listing *listing))
{
	bool both = before != NULL && after != NULL;
	if (both && before->state == after->state)
		return false;
	if (before != NULL && before->state != JOB_UNKNOWN)
		act(&listings[before->state]);
	if (after != NULL && after->state != JOB_UNKNOWN)
		act(&listings[after->state]);
	if (!both)
		act(&listings[JOB_UNKNOWN]);
	return true;
}

bool listings_begin(const struct job *before, const struct job *after)
{
	return for_each_changed(before, after, begin);
}

void listings_end(const struct job *before, const struct job *after)
{
	(void)for_each_changed(before, after, end);
}

void listings_get(enum job_state state, struct job_listing *listing)
{
	listing->changed_ms = listings[state].changed_ms;
	listing->settled = listings[state].changing == 0;
}
