/* SPDX-License-Identifier: MIT */
/* The record of what has happened, and who waits for more. */
#include <errno.h>
#include <string.h>

#include "base.h"
#include "jobs.h"

#define NEVER (INT64_MAX / 2)

/* ---- the record ----------------------------------------------------------------------------------- */

static void assert_event(
	uint64_t *number, enum job_event_kind kind, int from, int to, const char *id)
{
	struct job_event event;
	uint64_t before = *number;
	assert_true(job_event_at(number, &event));
	assert_int_equal(event.kind, kind);
	assert_int_equal(event.from, from);
	assert_int_equal(event.to, to);
	assert_string_equal(event.id, id);
	assert_true(*number > before);
}

static void assert_no_event(uint64_t number)
{
	struct job_event event = { .kind = JOB_EVENT_IDLE };
	uint64_t at = number;
	assert_false(job_event_at(&at, &event));
	assert_int_equal(at, number);
	assert_int_equal(event.kind, JOB_EVENT_IDLE);
	assert_int_equal(job_events_end(), number);
}

static void in_the_order_in_which_they_happen(void **state)
{
	struct job job = job_named(1, "one");
	uint64_t at = job_events_end();
	(void)state;
	assert_no_event(at);
	put(job);
	job.state = JOB_RUNNING;
	job.progress = 12;
	put(job);
	put(in_state(2, "two", JOB_QUEUED));
	job.state = JOB_DONE;
	job.progress = 100;
	job.video = VIDEO_FETCHING;
	put(job);
	job.video = VIDEO_READY;
	put(job);
	assert_int_equal(job_hide(1), 0);
	job_remove(1);
	assert_event(&at, JOB_EVENT_TRACKED, 0, JOB_UNKNOWN, "one");
	assert_event(&at, JOB_EVENT_STATE, JOB_UNKNOWN, JOB_RUNNING, "one");
	assert_event(&at, JOB_EVENT_PROGRESS, -1, 12, "one");
	assert_event(&at, JOB_EVENT_TRACKED, 0, JOB_QUEUED, "two");
	assert_event(&at, JOB_EVENT_STATE, JOB_RUNNING, JOB_DONE, "one");
	assert_event(&at, JOB_EVENT_PROGRESS, 12, 100, "one");
	assert_event(&at, JOB_EVENT_VIDEO, VIDEO_NONE, VIDEO_FETCHING, "one");
	assert_event(&at, JOB_EVENT_VIDEO, VIDEO_FETCHING, VIDEO_READY, "one");
	assert_event(&at, JOB_EVENT_FORGOTTEN, JOB_DONE, 0, "one");
	assert_no_event(at);
}

static void an_event_has_its_time(void **state)
{
	struct job_event event;
	uint64_t at = job_events_end();
	int64_t before_ms = clock_wall_ms();
	(void)state;
	put(job_named(1, "one"));
	assert_true(job_event_at(&at, &event));
	assert_true(event.time_ms >= before_ms);
	assert_true(event.time_ms <= clock_wall_ms());
}

/* More bytes, another poll, an error: that is in status.json, and no event. */
static void what_is_no_event(void **state)
{
	struct job job = in_state(1, "one", JOB_DONE);
	uint64_t at;
	(void)state;
	job.video = VIDEO_FETCHING;
	job.video_size = 1000;
	put(job);
	at = job_events_end();
	put(job);
	job.video_bytes = 500;
	job.poll_count++;
	job_set_video_error(&job, ERROR_TRANSPORT, "gone");
	put(job);
	assert_int_equal(job_hide(1), 0);
	job_unhide(1);
	job_settle_size(1);
	assert_no_event(at);
}

/* Who was there before we were is not new; what happens to him then is. */
static void what_is_loaded_is_no_event(void **state)
{
	struct job job = in_state(1, "one", JOB_QUEUED);
	uint64_t at = job_events_end();
	(void)state;
	assert_int_equal(job_load(&job), 0);
	assert_no_event(at);
	job.state = JOB_FAILED;
	put(job);
	assert_event(&at, JOB_EVENT_STATE, JOB_QUEUED, JOB_FAILED, "one");
	assert_no_event(at);
}

/* Makes so many events, with the numbers from `from` on as their values. */
static void make_events(struct job *job, int from, int count)
{
	for (int i = from; i < from + count; i++)
		put_progress(job, i);
}

static void who_is_too_slow_is_told_how_many_he_missed(void **state)
{
	struct job job = job_named(1, "one");
	uint64_t at, fresh;
	(void)state;
	put(job);
	at = job_events_end();
	make_events(&job, 0, JOB_EVENTS);
	/* As many as are kept: nothing is lost yet. */
	uint64_t all = at;
	assert_event(&all, JOB_EVENT_PROGRESS, -1, 0, "one");
	make_events(&job, JOB_EVENTS, 1);
	assert_event(&at, JOB_EVENT_DROPPED, 0, 1, "");
	assert_event(&at, JOB_EVENT_PROGRESS, 0, 1, "one");
	make_events(&job, JOB_EVENTS + 1, 10);
	assert_event(&at, JOB_EVENT_DROPPED, 0, 9, "");
	for (int i = 11; i < JOB_EVENTS + 11; i++)
		assert_event(&at, JOB_EVENT_PROGRESS, i - 1, i, "one");
	assert_no_event(at);
	/* Of many rounds, all are counted; who has begun just now missed none. */
	make_events(&job, JOB_EVENTS + 11, 3 * JOB_EVENTS);
	fresh = job_events_end();
	assert_event(&at, JOB_EVENT_DROPPED, 0, 2 * JOB_EVENTS, "");
	make_events(&job, 0, 1);
	assert_event(&fresh, JOB_EVENT_PROGRESS, 4 * JOB_EVENTS + 10, 0, "one");
}

/* ---- who waits for them --------------------------------------------------------------------------- */

struct sleeper {
	struct waiter w;
	unsigned wakes;
	int status;
};

static void on_wake(struct waiter *w, int status)
{
	struct sleeper *s = container_of(w, struct sleeper, w);
	s->wakes++;
	s->status = status;
	/* No lock is held, and what he has waited for is there. */
	if (status == 0)
		assert_true(w->kind == WAITER_TICKET || w->key < job_events_end());
}

static struct sleeper asleep(void)
{
	struct sleeper s = { .w = { .state = WAITER_NEW, .wake = on_wake }, .status = 1 };
	return s;
}

static void who_waits_is_woken_once(void **state)
{
	struct sleeper one = asleep(), two = asleep(), later = asleep();
	uint64_t end = job_events_end();
	struct job job = job_named(1, "one");
	(void)state;
	assert_int_equal(job_wait_event(end, &one.w), 0);
	assert_int_equal(job_wait_event(end, &two.w), 0);
	assert_int_equal(job_wait_event(end + 1, &later.w), 0);
	put(job);
	assert_int_equal(one.wakes, 1);
	assert_int_equal(one.status, 0);
	assert_int_equal(two.wakes, 1);
	assert_int_equal(later.wakes, 0);
	put(job); /* the same once more: nothing has happened */
	assert_int_equal(later.wakes, 0);
	job_remove(1);
	assert_int_equal(later.wakes, 1);
	assert_int_equal(one.wakes, 1);
}

static void who_is_late_need_not_wait(void **state)
{
	struct sleeper s = asleep();
	uint64_t end = job_events_end();
	(void)state;
	put(job_named(1, "one"));
	assert_int_equal(job_wait_event(end, &s.w), 1);
	assert_int_equal(s.wakes, 0);
}

static void who_is_interrupted_is_not_woken(void **state)
{
	struct sleeper waits = asleep(), barred = asleep();
	uint64_t end = job_events_end();
	(void)state;
	assert_int_equal(job_wait_event(end, &waits.w), 0);
	assert_true(job_unwait(&waits.w));
	assert_false(job_unwait(&barred.w));
	assert_int_equal(job_wait_event(end, &barred.w), -EINTR);
	put(job_named(1, "one"));
	assert_int_equal(waits.wakes + barred.wakes, 0);
}

static void who_has_waited_long_is_told_so(void **state)
{
	int64_t patience_ms[WAITER_KINDS] = { NEVER, NEVER, 1000 };
	struct sleeper first = asleep(), failed = asleep();
	uint64_t end = job_events_end();
	(void)state;
	assert_int_equal(job_wait_event(end, &first.w), 0);
	assert_int_equal(job_expire(first.w.since_ms + 999, patience_ms), first.w.since_ms + 1000);
	assert_int_equal(first.wakes, 0);
	assert_int_equal(job_expire(first.w.since_ms + 1000, patience_ms), INT64_MAX);
	assert_int_equal(first.wakes, 1);
	assert_int_equal(first.status, -ETIMEDOUT);
	assert_int_equal(job_wait_event(end, &failed.w), 0);
	job_fail_waiters(-EIO);
	assert_int_equal(failed.status, -EIO);
}

static void what_is_loaded_wakes_nobody(void **state)
{
	struct sleeper s = asleep();
	struct job job = in_state(1, "one", JOB_QUEUED);
	(void)state;
	assert_int_equal(job_wait_event(job_events_end(), &s.w), 0);
	assert_int_equal(job_load(&job), 0);
	assert_int_equal(s.wakes, 0);
	assert_true(job_unwait(&s.w));
}

#define ON_TABLE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_TABLE(in_the_order_in_which_they_happen),
		ON_TABLE(an_event_has_its_time),
		ON_TABLE(what_is_no_event),
		ON_TABLE(what_is_loaded_is_no_event),
		ON_TABLE(who_is_too_slow_is_told_how_many_he_missed),
		ON_TABLE(who_waits_is_woken_once),
		ON_TABLE(who_is_late_need_not_wait),
		ON_TABLE(who_is_interrupted_is_not_woken),
		ON_TABLE(who_has_waited_long_is_told_so),
		ON_TABLE(what_is_loaded_wakes_nobody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
