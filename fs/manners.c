/* SPDX-License-Identifier: MIT */
/*
 * Manners: what all polls share. Whose turn is next, how many there are in a second and at the same
 * time, and what holds all of them up: too many requests, a refused key, a wrong base URL.
 */
#include "manners.h"

#include "cadence.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TROUBLE_MS 60000 /* one probe a minute while the key or the base URL is refused */
#define IN_FLIGHT_MAX 32 /* so that polls never take every connection */
#define TICK_MS 10 /* a poll begins so much late at most, when nothing else is in its way */
#define URGENT_OF 4 /* of so many turns the watched jobs get all but one */
#define MISSES 5 /* so many polls in a row without an answer of use are worth a line in the log */
#define AWAY_MS 10000 /* unless one was accepted a moment ago */
#define REFUSALS 8 /* so many in a row are not of one job each */

/* What all jobs suffer from. */
enum trouble {
	TROUBLE_NONE,
	TROUBLE_AWAY, /* no answers, or none of use: each job backs off by itself */
	TROUBLE_UNPROVEN, /* there is another key: one poll tries it */
	TROUBLE_KEY, /* one poll a minute, as long as it is refused */
	TROUBLE_CONFIG,
};

/* The two lines, each by the time that a poll is due. */
static struct heap ordinary;
static struct heap urgent; /* somebody looks, or a download needs an address */
static unsigned turns;

static unsigned in_flight;
static double slot_ms; /* poll_rate: no poll starts before this */
static double last_slot_ms; /* when the last one did */
static int64_t retry_ms; /* nor before this: too many requests. It only moves on */
static int64_t probe_ms; /* nor before this: the trouble's next probe */
static unsigned holds; /* in a row */
static unsigned refusals; /* in a row */
static unsigned doubts; /* in a row, see verdict.h */
static unsigned misses; /* in a row */
static int64_t missed_ms; /* since when */
static enum trouble trouble;
static char trouble_words[MESSAGE_SIZE];
static unsigned keys; /* how many there have been */
static int64_t told_ms; /* the hold that the documents speak of */
static uint64_t accepted_serial; /* the job whose poll was accepted last, 0: none to speak of */
static int64_t accepted_ms;

/* ---- the lines ------------------------------------------------------------------------------- */

void manners_leave(struct run *run)
{
	heap_remove(run->urgent ? &urgent : &ordinary, &run->poll_due);
}

void manners_line_up(struct run *run, bool in_urgent, int64_t at_ms)
{
	if (run->urgent != in_urgent)
		manners_leave(run);
	run->urgent = in_urgent;
	heap_set(in_urgent ? &urgent : &ordinary, &run->poll_due, at_ms);
}

static struct run *first_due(const struct heap *line, int64_t now_ms)
{
	struct heap_node *node = heap_top(line);
	return node != NULL && node->key <= now_ms ? container_of(node, struct run, poll_due)
						   : NULL;
}

/* Who is looked at goes first, but leaves the others a turn now and then. */
static struct run *choose(int64_t now_ms)
{
	struct run *looked_at = first_due(&urgent, now_ms);
	struct run *other = first_due(&ordinary, now_ms);
	if (looked_at == NULL || other == NULL)
		return looked_at != NULL ? looked_at : other;
	return ++turns % URGENT_OF == 0 ? other : looked_at;
}

static bool is_held(void)
{
	return trouble >= TROUBLE_KEY;
}

/* Look-ups take turns of the rate without being asked, but leave the polls every second one. */
static double next_slot_ms(void)
{
	double rate = engine.options.poll_rate;
	double latest_ms = rate > 0 ? last_slot_ms + 2000 / rate : 0;
	return slot_ms < latest_ms ? slot_ms : latest_ms;
}

/* When the next poll may start: a time, or INT64_MAX when an answer has to come first. */
static int64_t free_ms(int64_t now_ms)
{
	if (in_flight >= (trouble >= TROUBLE_UNPROVEN ? 1 : IN_FLIGHT_MAX))
		return INT64_MAX;
	if (manners_hold_ms() > now_ms)
		return manners_hold_ms();
	double next_ms = next_slot_ms();
	return next_ms > (double)now_ms ? (int64_t)next_ms + 1 : now_ms;
}

static int64_t next_due_ms(void)
{
	const struct heap_node *a = heap_top(&urgent), *b = heap_top(&ordinary);
	int64_t a_ms = a != NULL ? a->key : INT64_MAX, b_ms = b != NULL ? b->key : INT64_MAX;
	return a_ms < b_ms ? a_ms : b_ms;
}

/* Those that are due within one tick begin together: one wake-up for all of them. */
static int64_t next_tick_ms(int64_t at_ms)
{
	return at_ms > INT64_MAX - TICK_MS ? at_ms : (at_ms + TICK_MS - 1) / TICK_MS * TICK_MS;
}

struct run *manners_next(int64_t now_ms, int64_t *next_ms)
{
	*next_ms = next_tick_ms(next_due_ms());
	if (*next_ms > now_ms)
		return NULL;
	*next_ms = free_ms(now_ms);
	if (*next_ms > now_ms)
		return NULL;
	struct run *run = choose(now_ms);
	manners_leave(run);
	manners_charge(now_ms);
	last_slot_ms = (double)now_ms;
	return run;
}

void manners_charge(int64_t now_ms)
{
	double rate = engine.options.poll_rate;
	if (rate > 0)
		slot_ms = (slot_ms > (double)now_ms ? slot_ms : (double)now_ms) + 1000 / rate;
}

void manners_begun(struct run *run)
{
	run->key = keys;
	in_flight++;
	figures_poll(clock_ms());
}

void manners_ended(void)
{
	in_flight--;
}

void manners_show(void)
{
	int64_t due_ms = next_due_ms();
	figures_set(FIGURE_POLLS_IN_FLIGHT, 0, in_flight);
	figures_set(FIGURE_POLLS_PLANNED, 0, (int64_t)ordinary.count);
	figures_set(FIGURE_POLLS_PLANNED_URGENT, 0, (int64_t)urgent.count);
	figures_set(FIGURE_POLL_DUE_MS, 0, due_ms < INT64_MAX ? due_ms : 0);
	figures_set(FIGURE_HELD_UNTIL_MS, 0, manners_hold_ms());
	figures_set(FIGURE_FAILURES, 0, misses);
}

/* ---- what holds all of them up ----------------------------------------------------------------- */

int64_t manners_hold_ms(void)
{
	return retry_ms > probe_ms ? retry_ms : probe_ms;
}

/* As a look-up would be told. */
int manners_refusal(void)
{
	if (manners_hold_ms() <= clock_ms())
		return 0;
	return trouble == TROUBLE_KEY ? -EACCES : -EIO;
}

bool manners_is_stale(const struct run *run)
{
	return run->key != keys;
}

const char *manners_words(void)
{
	return is_held() ? trouble_words : "";
}

unsigned manners_doubts(void)
{
	return doubts;
}

/*
 * In each document that waits stands why: nobody would find it in the one job's that was asked. A
 * job with faults of its own keeps those.
 */
static void tell_all(void)
{
	struct run *run;
	struct job job;
	int64_t now_ms = clock_ms();
	told_ms = manners_hold_ms();
	LIST_FOREACH (run, &engine.runs, link) {
		if (run->poll_due.at == 0)
			continue;
		rows_load(run, &job);
		if (job_is_final(&job))
			continue;
		if (job.poll_failures == 0)
			memcpy(job.poll_error, manners_words(), strlen(manners_words()) + 1);
		int64_t due_ms = run->poll_due.key > told_ms ? run->poll_due.key : told_ms;
		job.poll_next_ms = clock_wall_ms() + (due_ms > now_ms ? due_ms - now_ms : 0);
		rows_show(run, &job);
	}
}

/* One at a time: the others are over, or covered by it. */
static void show_trouble(void)
{
	int64_t now_ms = clock_ms();
	bool key = trouble == TROUBLE_KEY, url = trouble == TROUBLE_CONFIG;
	figures_set(FIGURE_WRONG_MS, WRONG_KEY, key ? now_ms : 0);
	figures_set(FIGURE_WRONG_MS, WRONG_BASE_URL, url ? now_ms : 0);
	figures_set(FIGURE_WRONG_MS, WRONG_PROVIDER, trouble == TROUBLE_AWAY ? missed_ms : 0);
}

static void set_trouble(enum trouble new, const char *why)
{
	(void)snprintf(trouble_words, sizeof(trouble_words), "%s", why);
	if (trouble == new)
		return;
	trouble = new;
	show_trouble();
	if (new == TROUBLE_AWAY)
		log_warning("polls fail, and are tried again: %s", why);
	else if (new == TROUBLE_KEY)
		log_error("the key is refused, all polls wait for a minute each: %s (a new one in "
			  "key_file is read at SIGHUP)",
			why);
	else if (new == TROUBLE_CONFIG)
		log_error("the base URL is wrong, all polls wait for a minute each: %s: %s (mount "
			  "again with the right SOURCE)",
			engine.options.base, why);
	else
		log_info("the provider accepts our polls again");
}

/* Once for all that hear of the same thing at the same time. */
static void tell_news(bool news)
{
	int64_t later_ms = manners_hold_ms() - told_ms;
	if (news || later_ms > 1000)
		tell_all();
}

static void be_accepted(const struct run *run)
{
	bool was_held = is_held();
	holds = misses = doubts = refusals = 0;
	probe_ms = 0;
	accepted_serial = run != NULL ? run->serial : 0;
	accepted_ms = clock_ms();
	figures_set(FIGURE_ACCEPTED_MS, 0, accepted_ms);
	figures_key(KEY_ACCEPTED);
	set_trouble(TROUBLE_NONE, "");
	if (was_held)
		tell_all();
}

/*
 * A key, or a base URL, that another job was accepted with a moment ago, or since this one was
 * refused before, is good: then the refusal is of this job, which waits alone. A key that is
 * revoked is noticed when the job that was accepted last asks again, when a few others are refused
 * in a row, or within a minute.
 */
static bool is_jobs_own(const struct run *run)
{
	if (accepted_ms == 0 || refusals > REFUSALS ||
		(run != NULL && accepted_serial == run->serial))
		return false;
	bool before = run != NULL && run->refused_ms > 0 && accepted_ms > run->refused_ms;
	return before || clock_ms() - accepted_ms < TROUBLE_MS;
}

static void be_refused(struct run *run, enum trouble kind, const char *why)
{
	int64_t now_ms = clock_ms();
	refusals++;
	bool own = is_jobs_own(run);
	if (run != NULL) {
		run->refused = true;
		run->refused_ms = now_ms;
		run->not_before_ms = own ? now_ms + TROUBLE_MS : run->not_before_ms;
	}
	if (own)
		return;
	bool news = trouble != kind;
	probe_ms = now_ms + TROUBLE_MS;
	set_trouble(kind, why);
	if (kind == TROUBLE_KEY)
		figures_key(KEY_REFUSED);
	tell_news(news);
}

/* A provider that is not there is news once, for however many jobs. */
static void be_missed(const char *why)
{
	bool away = accepted_ms == 0 || clock_ms() - accepted_ms > AWAY_MS;
	if (misses == 0)
		missed_ms = clock_ms();
	if (++misses >= MISSES && away && trouble == TROUBLE_NONE)
		set_trouble(TROUBLE_AWAY, why);
}

/* However many answers say so at the same time, it was one time too many. */
static void hold(const struct http_head *head)
{
	int64_t now_ms = clock_ms(), until_ms = now_ms + head->retry_after_ms;
	if (head->retry_after_ms <= 0 && retry_ms > now_ms)
		return;
	if (head->retry_after_ms <= 0)
		until_ms = now_ms + cadence_back_off(++holds);
	if (until_ms > retry_ms)
		retry_ms = until_ms;
	tell_news(false);
}

static void count_doubts(enum verdict_action action, const struct report *report)
{
	if (action == VERDICT_DOUBT)
		doubts++;
	else if (action != VERDICT_CONFIG && report != NULL)
		doubts = 0;
}

void manners_judge(struct run *run, enum verdict_action action, const struct report *report,
	const struct http_head *head, const char *why)
{
	bool missed = action != VERDICT_ACCEPT &&
		      (report == NULL || report->kind == REPORT_BUSY ||
			      report->kind == REPORT_UNREADABLE || action == VERDICT_HOLD);
	bool later = (head->status == 429 || head->status == 503) && head->retry_after_ms > 0;

	if (run != NULL)
		run->refused = false;
	count_doubts(action, report);
	if (action == VERDICT_HOLD || later)
		hold(head);
	if (missed && action != VERDICT_CONFIG)
		be_missed(why);
	if (action == VERDICT_ACCEPT)
		be_accepted(run);
	else if (action == VERDICT_CONFIG)
		be_refused(run, TROUBLE_CONFIG, why);
	else if (action == VERDICT_KEY && (run == NULL || !manners_is_stale(run)))
		be_refused(run, TROUBLE_KEY, why);
}

/* Who was put off because of the old key, or until its probe, is asked now. */
void manners_rekeyed(void)
{
	struct run *run;
	int64_t now_ms = clock_ms(), held_until_ms = is_held() ? probe_ms : 0;
	keys++;
	accepted_ms = 0;
	probe_ms = 0;
	if (is_held())
		trouble = TROUBLE_UNPROVEN;
	figures_key(KEY_UNPROVEN);
	show_trouble();
	LIST_FOREACH (run, &engine.runs, link) {
		if (run->poll_due.at == 0 || (!run->refused && run->poll_due.key > held_until_ms))
			continue;
		run->not_before_ms = run->refused ? 0 : run->not_before_ms;
		run->refused = false;
		manners_line_up(run, run->urgent,
			run->not_before_ms > now_ms ? run->not_before_ms : now_ms);
	}
	if (held_until_ms > 0)
		tell_all();
}

void manners_stop(void)
{
	heap_free(&ordinary);
	heap_free(&urgent);
	in_flight = 0;
}
