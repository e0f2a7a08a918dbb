/* SPDX-License-Identifier: MIT */
/* Who waits is woken once: by what he waits for, by its end, or by the end of his patience. */
#include <errno.h>
#include <stdlib.h>

#include "base.h"
#include "jobs.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PATIENCE INT64_C(30000)
#define NEVER (INT64_MAX / 2)

/* Somebody who waits, and what became of it. */
struct sleeper {
	struct waiter w;
	unsigned wakes;
	int status;
};

/* It runs with no lock held, and an interrupt comes too late for it. */
static void on_wake(struct waiter *w, int status)
{
	struct sleeper *s = container_of(w, struct sleeper, w);
	struct job_view view;

	assert_int_equal(w->state, WAITER_TAKEN);
	assert_false(job_unwait(w));
	(void)job_get(1, &view);
	s->wakes++;
	s->status = status;
}

static struct sleeper asleep(void)
{
	struct sleeper s = { .w = { .state = WAITER_NEW, .wake = on_wake }, .status = 1 };
	return s;
}

static void assert_waiting(const struct sleeper *s)
{
	assert_int_equal(s->w.state, WAITER_LINKED);
	assert_int_equal(s->wakes, 0);
}

static void assert_woken(const struct sleeper *s, int status)
{
	assert_int_equal(s->wakes, 1);
	assert_int_equal(s->status, status);
}

static int64_t expire(int64_t now_ms, int64_t reader_ms, int64_t ticket_ms)
{
	const int64_t patience_ms[WAITER_KINDS] = {
		[WAITER_BYTES] = reader_ms,
		[WAITER_TICKET] = ticket_ms,
		[WAITER_EVENT] = INT64_MAX,
	};
	return job_expire(now_ms, patience_ms);
}

/* Nobody of these is left behind: whoever still waited would be woken now. */
static void assert_nobody_waits(void)
{
	assert_int_equal(expire(NEVER, 0, 0), INT64_MAX);
}

static struct job fetching(uint64_t serial, int64_t bytes)
{
	struct job job = job_named(serial, serial == 1 ? "one" : "two");
	job.state = JOB_DONE;
	job.video = VIDEO_FETCHING;
	job.video_size = 1000;
	job.video_bytes = bytes;
	return job;
}

/* ---- who need not wait, or cannot ------------------------------------------------------------- */

static void there_already(void **state)
{
	struct job job = fetching(1, 100);
	(void)state;
	put(job);
	for (int64_t need = 0; need <= 100; need += 50) {
		struct sleeper s = asleep();
		assert_int_equal(job_wait_bytes(1, 0, 0, need, &s.w), 1);
		assert_int_equal(s.wakes, 0);
	}
	struct sleeper s = asleep();
	assert_int_equal(job_wait_bytes(1, 0, 0, 101, &s.w), 0);
	assert_true(job_unwait(&s.w));
	job.video = VIDEO_READY;
	put(job);
	s = asleep();
	assert_int_equal(job_wait_bytes(1, 0, 0, 1000, &s.w), 1);
	assert_nobody_waits();
}

static void never(void **state)
{
	static const enum video_state gone[] = { VIDEO_NONE, VIDEO_LOST, VIDEO_REMOVED };
	struct job job = fetching(1, 100);
	struct sleeper s = asleep();
	(void)state;
	assert_int_equal(job_wait_bytes(1, 0, 0, 1, &s.w), -ENOENT);
	for (size_t i = 0; i < COUNT(gone); i++) {
		job.video = gone[i];
		put(job);
		s = asleep();
		assert_int_equal(job_wait_bytes(1, 0, 0, 1, &s.w), -EIO);
	}
	put(fetching(1, 100));
	assert_int_equal(job_hide(1), 0);
	s = asleep();
	assert_int_equal(job_wait_bytes(1, 0, 0, 1, &s.w), -ENOENT);
	assert_int_equal(s.wakes, 0);
	assert_nobody_waits();
}

/* Bytes of another beginning are another file's, also when enough of them are there. */
static void another_epoch(void **state)
{
	struct job job = fetching(1, 100);
	struct sleeper s = asleep();
	(void)state;
	job.video_epoch = 3;
	put(job);
	assert_int_equal(job_wait_bytes(1, 2, 0, 1, &s.w), -EIO);
	assert_int_equal(job_wait_bytes(1, 3, 0, 1, &s.w), 1);
	job.video = VIDEO_READY;
	put(job);
	assert_int_equal(job_wait_bytes(1, 2, 0, 1, &s.w), -EIO);
}

/* ---- bytes --------------------------------------------------------------------------------------- */

static struct job fetching_with(int64_t bytes, const char *extents)
{
	struct job job = fetching(1, bytes);
	char *end;
	for (; *extents != '\0'; extents = *end == ',' ? end + 1 : end) {
		int64_t from = strtoll(extents, &end, 10), to = strtoll(end + 1, &end, 10);
		assert_int_equal(extents_add(&job.video_extents, from, to, 0), 0);
	}
	return job;
}

/* Beyond the front, from extents, and over the seam of both. */
static void bytes_beyond_the_front(void **state)
{
	struct sleeper s[4] = { asleep(), asleep(), asleep(), asleep() };
	(void)state;
	put(fetching_with(100, "200-300"));
	assert_int_equal(job_wait_bytes(1, 0, 200, 300, &s[0].w), 1);
	assert_int_equal(job_wait_bytes(1, 0, 50, 201, &s[0].w), 0);
	assert_int_equal(job_wait_bytes(1, 0, 299, 301, &s[1].w), 0);
	assert_int_equal(job_wait_bytes(1, 0, 400, 401, &s[2].w), 0);
	put(fetching_with(200, "200-300"));
	assert_woken(&s[0], 0);
	assert_waiting(&s[1]);
	put(fetching_with(200, "200-300,400-401"));
	assert_woken(&s[2], 0);
	assert_waiting(&s[1]);
	put(fetching_with(301, "400-401"));
	assert_woken(&s[1], 0);
	assert_nobody_waits();
}

/* The oldest wait decides, whoever's patience was renewed; what is there is nobody's want. */
static void what_is_wanted(void **state)
{
	struct sleeper far = asleep(), near = asleep(), farther = asleep(), other = asleep();
	(void)state;
	put(fetching_with(100, "500-600"));
	put(fetching(2, 0));
	assert_int_equal(job_wanted(1, 0), -1);
	assert_int_equal(job_wait_bytes(1, 0, 550, 700, &far.w), 0);
	assert_int_equal(job_wait_bytes(2, 0, 5000, 5001, &other.w), 0);
	assert_int_equal(job_wait_bytes(1, 0, 50, 150, &near.w), 0);
	assert_int_equal(job_wait_bytes(1, 0, 900, 901, &farther.w), 0);
	assert_int_equal(job_wanted(1, 0), 600);
	assert_int_equal(job_wanted(1, 600), 600);
	assert_int_equal(job_wanted(1, 601), 900);
	assert_int_equal(job_wanted(1, 901), -1);
	assert_int_equal(job_wanted(2, 0), 5000);
	assert_int_equal(job_wanted(3, 0), -1);
	put(fetching_with(120, "500-600")); /* all are renewed */
	assert_int_equal(job_wanted(1, 0), 600);
	put(fetching_with(120, "500-700"));
	assert_woken(&far, 0);
	assert_int_equal(job_wanted(1, 0), 120);
	job_fail_waiters(-EIO);
}

static void who_reads(void **state)
{
	struct sleeper s[4] = { asleep(), asleep(), asleep(), asleep() };
	static const uint64_t of[] = { 2, 1, 2, 3 };
	uint64_t serials[4];
	(void)state;
	for (uint64_t serial = 1; serial <= 3; serial++)
		put(fetching(serial, 0));
	assert_int_equal(job_readers(serials, 4), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(job_wait_bytes(of[i], 0, 0, 10, &s[i].w), 0);
	assert_int_equal(job_readers(serials, 4), 3);
	assert_int_equal(serials[0], 2);
	assert_int_equal(serials[1], 1);
	assert_int_equal(serials[2], 3);
	assert_int_equal(job_readers(serials, 1), 1);
	assert_int_equal(serials[0], 2);
	job_fail_waiters(-EIO);
}

static void each_when_his_bytes_are_there(void **state)
{
	struct sleeper s[4] = { asleep(), asleep(), asleep(), asleep() };
	struct job job = fetching(1, 0);
	(void)state;
	put(job);
	for (int i = 0; i < 4; i++) /* 400, 300, 200, 100 */
		assert_int_equal(job_wait_bytes(1, 0, 0, 400 - 100 * i, &s[i].w), 0);
	put(fetching(1, 99));
	for (int i = 0; i < 4; i++)
		assert_waiting(&s[i]);
	put(fetching(1, 100));
	assert_woken(&s[3], 0);
	put(fetching(1, 399));
	assert_woken(&s[2], 0);
	assert_woken(&s[1], 0);
	assert_waiting(&s[0]);
	job.video = VIDEO_READY;
	put(job);
	put(job);
	for (int i = 0; i < 4; i++)
		assert_woken(&s[i], 0);
	assert_nobody_waits();
}

static void another_job_wakes_nobody(void **state)
{
	struct sleeper one = asleep(), two = asleep(), ticket = asleep();
	(void)state;
	put(fetching(1, 0));
	put(fetching(2, 0));
	assert_int_equal(job_wait_bytes(1, 0, 0, 10, &one.w), 0);
	assert_int_equal(job_wait_bytes(2, 0, 0, 10, &two.w), 0);
	assert_int_equal(job_wait_ticket(1, &ticket.w), 0);
	put(fetching(2, 10));
	assert_woken(&two, 0);
	assert_waiting(&one);
	assert_waiting(&ticket);
	job_remove(2);
	assert_waiting(&one);
	job_remove(1);
	assert_woken(&one, -EIO);
	assert_waiting(&ticket);
	assert_true(job_unwait(&ticket.w));
}

/* Given up, removed, begun anew, and taken out of the table. */
static void told_that_it_never_comes(void **state)
{
	struct sleeper s[5];
	struct job ends[4];
	(void)state;
	for (size_t i = 0; i < COUNT(ends); i++)
		ends[i] = fetching(1, 500);
	ends[0].video = VIDEO_LOST;
	ends[1].video = VIDEO_REMOVED;
	ends[2].video_epoch = 1;
	ends[3].video_epoch = 1;
	ends[3].video = VIDEO_READY;
	for (size_t i = 0; i < COUNT(ends); i++) {
		s[i] = asleep();
		put(fetching(1, 0));
		assert_int_equal(job_wait_bytes(1, 0, 0, 10, &s[i].w), 0);
		put(ends[i]);
		assert_woken(&s[i], -EIO);
	}
	s[4] = asleep();
	put(fetching(1, 0));
	assert_int_equal(job_wait_bytes(1, 0, 0, 10, &s[4].w), 0);
	assert_int_equal(job_hide(1), 0);
	assert_waiting(&s[4]);
	job_remove(1);
	assert_woken(&s[4], -EIO);
}

/* ---- tickets --------------------------------------------------------------------------------------- */

static void a_ticket_is_answered_once(void **state)
{
	struct sleeper s[3] = { asleep(), asleep(), asleep() };
	uint64_t tickets[3];
	(void)state;
	for (int i = 0; i < 3; i++) {
		tickets[i] = job_ticket();
		assert_int_not_equal(tickets[i], 0);
		assert_int_equal(job_wait_ticket(tickets[i], &s[i].w), 0);
	}
	assert_true(tickets[0] < tickets[1] && tickets[1] < tickets[2]);
	job_answer(tickets[1], -EEXIST);
	job_answer(tickets[1], 0);
	assert_woken(&s[1], -EEXIST);
	assert_waiting(&s[0]);
	job_answer(tickets[0], 0);
	assert_woken(&s[0], 0);
	job_answer(tickets[2] + 1, 0);
	assert_waiting(&s[2]);
	job_answer(tickets[2], -ENOSPC);
	assert_woken(&s[2], -ENOSPC);
	assert_nobody_waits();
}

/* A serial and a ticket of the same number have nothing to do with each other. */
static void a_ticket_is_no_serial(void **state)
{
	struct sleeper ticket = asleep(), reader = asleep();
	(void)state;
	put(fetching(1, 0));
	assert_int_equal(job_wait_ticket(1, &ticket.w), 0);
	assert_int_equal(job_wait_bytes(1, 0, 0, 10, &reader.w), 0);
	put(fetching(1, 10));
	assert_waiting(&ticket);
	assert_woken(&reader, 0);
	reader = asleep();
	assert_int_equal(job_wait_bytes(1, 0, 0, 20, &reader.w), 0);
	job_answer(1, 0);
	assert_woken(&ticket, 0);
	assert_waiting(&reader);
	assert_true(job_unwait(&reader.w));
}

/* ---- interrupts ------------------------------------------------------------------------------------ */

static void unlinked_is_never_woken(void **state)
{
	struct sleeper reader = asleep(), ticket = asleep();
	(void)state;
	put(fetching(1, 0));
	assert_int_equal(job_wait_bytes(1, 0, 0, 10, &reader.w), 0);
	assert_int_equal(job_wait_ticket(7, &ticket.w), 0);
	assert_true(job_unwait(&reader.w));
	assert_true(job_unwait(&ticket.w));
	assert_false(job_unwait(&reader.w));
	assert_false(job_unwait(&ticket.w));
	put(fetching(1, 100));
	job_answer(7, 0);
	job_fail_waiters(-EIO);
	assert_int_equal(reader.wakes, 0);
	assert_int_equal(ticket.wakes, 0);
	assert_nobody_waits();
}

static void taken_is_not_unlinked(void **state)
{
	struct sleeper s = asleep();
	(void)state;
	put(fetching(1, 0));
	assert_int_equal(job_wait_bytes(1, 0, 0, 10, &s.w), 0);
	put(fetching(1, 10));
	assert_woken(&s, 0);
	assert_false(job_unwait(&s.w));
}

/* The interrupt was first: whoever comes to wait does not, even if all is there. */
static void barred(void **state)
{
	struct sleeper reader = asleep(), ticket = asleep();
	(void)state;
	put(fetching(1, 100));
	assert_false(job_unwait(&reader.w));
	assert_false(job_unwait(&ticket.w));
	assert_int_equal(job_wait_bytes(1, 0, 0, 10, &reader.w), -EINTR);
	assert_int_equal(job_wait_bytes(1, 0, 0, 500, &reader.w), -EINTR);
	assert_int_equal(job_wait_bytes(2, 0, 0, 500, &reader.w), -EINTR);
	assert_int_equal(job_wait_ticket(1, &ticket.w), -EINTR);
	assert_false(job_unwait(&reader.w));
	job_answer(1, 0);
	job_fail_waiters(-EIO);
	assert_int_equal(reader.wakes, 0);
	assert_int_equal(ticket.wakes, 0);
}

/* ---- patience -------------------------------------------------------------------------------------- */

/* As if he had begun to wait so long ago. */
static void wait_since(struct sleeper *s, int64_t ago_ms)
{
	s->w.since_ms -= ago_ms;
}

static void patience_ends(void **state)
{
	struct sleeper reader = asleep(), ticket = asleep();
	(void)state;
	assert_int_equal(expire(NEVER, PATIENCE, PATIENCE), INT64_MAX);
	put(fetching(1, 0));
	assert_int_equal(job_wait_bytes(1, 0, 0, 10, &reader.w), 0);
	assert_int_equal(job_wait_ticket(7, &ticket.w), 0);
	int64_t reader_end = reader.w.since_ms + PATIENCE;
	int64_t ticket_end = ticket.w.since_ms + 3 * PATIENCE;
	assert_int_equal(expire(reader_end - 1, PATIENCE, 3 * PATIENCE), reader_end);
	assert_waiting(&reader);
	assert_int_equal(expire(reader_end, PATIENCE, 3 * PATIENCE), ticket_end);
	assert_woken(&reader, -ETIMEDOUT);
	assert_waiting(&ticket);
	assert_int_equal(expire(ticket_end, PATIENCE, 3 * PATIENCE), INT64_MAX);
	assert_woken(&ticket, -ETIMEDOUT);
	job_answer(7, 0);
	put(fetching(1, 10));
	assert_woken(&reader, -ETIMEDOUT);
	assert_woken(&ticket, -ETIMEDOUT);
}

/* The deadline of tickets is said when it is the nearer one. */
static void the_nearer_end_is_said(void **state)
{
	struct sleeper reader = asleep(), ticket = asleep();
	(void)state;
	put(fetching(1, 0));
	assert_int_equal(job_wait_bytes(1, 0, 0, 10, &reader.w), 0);
	assert_int_equal(job_wait_ticket(7, &ticket.w), 0);
	assert_int_equal(expire(0, PATIENCE, 10), ticket.w.since_ms + 10);
	assert_int_equal(expire(0, 10, PATIENCE), reader.w.since_ms + 10);
	assert_true(job_unwait(&reader.w));
	assert_true(job_unwait(&ticket.w));
}

/* A new byte renews patience; another value without one does not. */
static void renewed_by_a_byte(void **state)
{
	struct sleeper s = asleep();
	(void)state;
	put(fetching(1, 5));
	assert_int_equal(job_wait_bytes(1, 0, 0, 10, &s.w), 0);
	wait_since(&s, PATIENCE);
	int64_t long_ago = s.w.since_ms;
	struct job job = fetching(1, 5);
	job.video_error = ERROR_TRANSPORT;
	put(job);
	assert_int_equal(s.w.since_ms, long_ago);
	put(fetching(1, 6));
	assert_true(s.w.since_ms >= long_ago + PATIENCE);
	assert_int_equal(expire(long_ago + PATIENCE, PATIENCE, 0), s.w.since_ms + PATIENCE);
	assert_waiting(&s);
	assert_true(job_unwait(&s.w));
}

/* Only that job's readers are renewed, and they queue up again behind the others. */
static void renewed_behind_the_others(void **state)
{
	struct sleeper first = asleep(), other = asleep(), last = asleep();
	(void)state;
	put(fetching(1, 0));
	put(fetching(2, 0));
	assert_int_equal(job_wait_bytes(1, 0, 0, 500, &first.w), 0);
	assert_int_equal(job_wait_bytes(2, 0, 0, 500, &other.w), 0);
	assert_int_equal(job_wait_bytes(1, 0, 0, 500, &last.w), 0);
	wait_since(&first, 3000);
	wait_since(&other, 2000);
	wait_since(&last, 1000);
	int64_t other_end = other.w.since_ms + PATIENCE;
	put(fetching(1, 1));
	int64_t renewed_end = first.w.since_ms + PATIENCE;
	assert_true(renewed_end >= other_end + 2000);
	assert_int_equal(expire(other_end - 1, PATIENCE, 0), other_end);
	assert_int_equal(expire(other_end, PATIENCE, 0), renewed_end);
	assert_woken(&other, -ETIMEDOUT);
	assert_waiting(&first);
	assert_waiting(&last);
	assert_int_equal(expire(renewed_end, PATIENCE, 0), INT64_MAX);
	assert_woken(&first, -ETIMEDOUT);
	assert_woken(&last, -ETIMEDOUT);
}

/* However often a byte has renewed his patience, and whatever he waits for. */
static void age_is_not_renewed(void **state)
{
	struct sleeper first = asleep(), ticket = asleep(), last = asleep(), gone = asleep();
	(void)state;
	put(fetching(1, 0));
	assert_int_equal(job_wait_bytes(1, 0, 0, 500, &first.w), 0);
	assert_int_equal(job_wait_bytes(1, 0, 0, 500, &gone.w), 0);
	assert_int_equal(job_wait_ticket(7, &ticket.w), 0);
	assert_int_equal(job_wait_bytes(1, 0, 0, 500, &last.w), 0);
	assert_true(job_unwait(&gone.w));
	int64_t begun = first.w.asked_ms;
	ticket.w.asked_ms = begun + 1000;
	last.w.asked_ms = begun + 2000;
	put(fetching(1, 1));
	assert_int_equal(job_expire_old(NEVER, INT64_MAX), INT64_MAX);
	assert_int_equal(job_expire_old(begun + 9, 10), begun + 10);
	assert_waiting(&first);
	assert_int_equal(job_expire_old(begun + 10, 10), begun + 1010);
	assert_woken(&first, -ETIMEDOUT);
	assert_waiting(&ticket);
	assert_int_equal(job_expire_old(begun + 1010, 10), begun + 2010);
	assert_woken(&ticket, -ETIMEDOUT);
	assert_waiting(&last);
	put(fetching(1, 500));
	assert_woken(&last, 0);
	assert_int_equal(job_expire_old(NEVER, 10), INT64_MAX);
	assert_int_equal(gone.wakes, 0);
	assert_nobody_waits();
}

/* Some of one job go, some stay, wherever in the line they stand. */
static void some_go_some_stay(void **state)
{
	(void)state;
	for (unsigned goes = 0; goes < 16; goes++) {
		struct sleeper s[4] = { asleep(), asleep(), asleep(), asleep() };
		put(fetching(1, 0));
		for (unsigned i = 0; i < 4; i++) {
			int64_t need = goes >> i & 1 ? 10 : 500;
			assert_int_equal(job_wait_bytes(1, 0, 0, need, &s[i].w), 0);
		}
		put(fetching(1, 10));
		for (unsigned i = 0; i < 4; i++)
			assert_int_equal(s[i].wakes, goes >> i & 1);
		job_remove(1);
		for (unsigned i = 0; i < 4; i++)
			assert_woken(&s[i], goes >> i & 1 ? 0 : -EIO);
	}
}

/* ---- the end ----------------------------------------------------------------------------------------- */

static void all_fail(void **state)
{
	struct sleeper reader = asleep(), ticket = asleep();
	(void)state;
	put(fetching(1, 0));
	assert_int_equal(job_wait_bytes(1, 0, 0, 10, &reader.w), 0);
	assert_int_equal(job_wait_ticket(7, &ticket.w), 0);
	job_fail_waiters(-ESHUTDOWN);
	job_fail_waiters(-EIO);
	assert_woken(&reader, -ESHUTDOWN);
	assert_woken(&ticket, -ESHUTDOWN);
}

static void closing_fails_all(void **state)
{
	struct sleeper reader = asleep(), ticket = asleep();
	(void)state;
	put(fetching(1, 0));
	assert_int_equal(job_wait_bytes(1, 0, 0, 10, &reader.w), 0);
	assert_int_equal(job_wait_ticket(7, &ticket.w), 0);
	job_table_close();
	assert_woken(&reader, -EIO);
	assert_woken(&ticket, -EIO);
	assert_int_equal(job_table_open(), 0);
}

static unsigned freed;

static void on_wake_free(struct waiter *w, int status)
{
	(void)status;
	freed++;
	free(container_of(w, struct sleeper, w));
}

/* wake() may free its waiter, and the next of the same list is still found. */
static void woken_ones_are_gone(void **state)
{
	(void)state;
	freed = 0;
	put(fetching(1, 0));
	for (int i = 0; i < 10; i++) {
		struct sleeper *s = calloc(1, sizeof(*s));
		assert_non_null(s);
		s->w.wake = on_wake_free;
		assert_int_equal(job_wait_bytes(1, 0, 0, i < 5 ? 10 : 20, &s->w), 0);
	}
	put(fetching(1, 10));
	assert_int_equal(freed, 5);
	put(fetching(1, 20));
	assert_int_equal(freed, 10);
}

#define ON_TABLE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_TABLE(there_already),
		ON_TABLE(never),
		ON_TABLE(another_epoch),
		ON_TABLE(bytes_beyond_the_front),
		ON_TABLE(what_is_wanted),
		ON_TABLE(who_reads),
		ON_TABLE(each_when_his_bytes_are_there),
		ON_TABLE(another_job_wakes_nobody),
		ON_TABLE(told_that_it_never_comes),
		ON_TABLE(a_ticket_is_answered_once),
		ON_TABLE(a_ticket_is_no_serial),
		ON_TABLE(unlinked_is_never_woken),
		ON_TABLE(taken_is_not_unlinked),
		ON_TABLE(barred),
		ON_TABLE(patience_ends),
		ON_TABLE(the_nearer_end_is_said),
		ON_TABLE(renewed_by_a_byte),
		ON_TABLE(renewed_behind_the_others),
		ON_TABLE(age_is_not_renewed),
		ON_TABLE(some_go_some_stay),
		ON_TABLE(all_fail),
		ON_TABLE(closing_fails_all),
		ON_TABLE(woken_ones_are_gone),
	};
	return cmocka_run_group_tests_name("job_wait", tests, NULL, NULL);
}
