/* SPDX-License-Identifier: MIT */
/* A list is in order again when as many changes of it have ended as were begun. */
#include "job_listings.h"

#include "base.h"

#define QUIET_MS 2000 /* longer than an answer is on its way */

/* Shared: under the lock. That of JOB_UNKNOWN is of all jobs. */
static struct listing {
	int64_t changed_ms; /* Unix milliseconds */
	int64_t since_ms; /* the same moment, by the clock that is never set */
	unsigned edition;
	unsigned newest; /* edition but for one that has come again */
	bool unended[JOB_EDITIONS]; /* begun by somebody, and ended by nobody since */
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
 * The kernel may have half a list, of somebody who did not read on, and keeps nobody's while it has that. Who
 * reads the same edition to its end completes it. So the oldest of which that may be so comes again, when
 * none but the one of now was given lately; else it is one that nobody was given since long.
 */
static unsigned next_edition(struct listing *listing, bool quiet)
{
	for (unsigned i = 1; quiet && i < JOB_EDITIONS; i++) {
		unsigned edition = (listing->newest + i) % JOB_EDITIONS;
		if (listing->unended[edition] && edition != listing->edition)
			return edition;
	}
	do
		listing->newest = (listing->newest + 1) % JOB_EDITIONS;
	while (listing->newest == listing->edition);
	return listing->newest;
}

static void end(struct listing *listing)
{
	int64_t now_ms = clock_ms();
	bool quiet = now_ms - listing->since_ms >= QUIET_MS;
	listing->changing--;
	listing->changed_ms = clock_wall_after_ms(listing->changed_ms);
	listing->since_ms = now_ms;
	listing->edition = next_edition(listing, quiet);
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
	listing->settled = l->changing == 0;
}

unsigned listings_begin_list(enum job_state state)
{
	struct listing *listing = &listings[state];
	listing->unended[listing->edition] = true;
	return listing->edition;
}

bool listings_end_list(enum job_state state, unsigned edition)
{
	struct listing *listing = &listings[state];
	bool old = edition != listing->edition;
	listing->unended[edition] = false;
	listing->redated += old;
	return old;
}
