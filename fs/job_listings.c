/* SPDX-License-Identifier: MIT */
/* A list is in order again when as many changes of it have ended as were begun. */
#include "job_listings.h"

#include "base.h"

#define QUIET_MS 10000 /* far longer than an answer is on its way */

/* Shared: under the lock. That of JOB_UNKNOWN is of all jobs. */
static struct listing {
	int64_t changed_ms; /* Unix milliseconds */
	int64_t since_ms; /* the same moment, by the clock that is never set */
	unsigned edition;
	uint32_t redated; /* since */
	unsigned changing; /* so many changes of it are just about to come */
} listings[JOB_STATES];

void listings_clear(void)
{
	for (int state = 0; state < JOB_STATES; state++)
		listings[state] =
			(struct listing){ .changed_ms = clock_wall_ms(), .since_ms = clock_ms() };
}

static void begin(struct listing *listing)
{
	listing->changing++;
}

/*
 * The next one's number is one that nobody has been given lately; after a while without a change it is
 * soon one of before. For the kernel may have half a list of an edition, of somebody who did not read on,
 * and nobody's list while it has that: who reads the same edition again completes it.
 */
static unsigned next_edition(unsigned edition, bool quiet)
{
	const unsigned half = JOB_EDITIONS / 2;
	if (quiet)
		return edition < half ? half : 0;
	return (edition + 1) % JOB_EDITIONS;
}

static void end(struct listing *listing)
{
	int64_t now_ms = clock_ms();
	bool quiet = now_ms - listing->since_ms >= QUIET_MS;
	listing->changing--;
	listing->changed_ms = clock_wall_after_ms(listing->changed_ms);
	listing->since_ms = now_ms;
	listing->edition = next_edition(listing->edition, quiet);
	listing->redated = 0;
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
	const struct listing *l = &listings[state];
	listing->changed_ms = l->changed_ms;
	listing->redated = l->redated;
	listing->edition = l->edition;
	listing->settled = l->changing == 0;
}

void listings_redate(enum job_state state)
{
	listings[state].redated++;
}
