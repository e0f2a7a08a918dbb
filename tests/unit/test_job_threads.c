/* SPDX-License-Identifier: MIT */
/*
 * One writer, many who wait, and as many who interrupt them at any moment: everybody gets exactly
 * one end. ThreadSanitizer watches the lock, the counts watch the rest.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base.h"
#include "jobs.h"

#define READERS 8
#define ROUNDS 1000
#define STUCK_S 120

/* One reader, and the thread that interrupts him: each waits for the other's sign. */
struct reader {
	struct waiter w;
	pthread_t thread, interrupter;
	sem_t woken, go, interrupted;
	atomic_uint wakes;
	int status;
	bool unwaited, ended;
	unsigned seed, expected; /* how often it had to be woken */
	unsigned there, barred, unlinked; /* the other ends */
	unsigned wrong;
};

static atomic_uint readers_left;

static void on_wake(struct waiter *w, int status)
{
	struct reader *r = container_of(w, struct reader, w);
	r->status = status;
	atomic_fetch_add(&r->wakes, 1);
	(void)sem_post(&r->woken);
}

static unsigned dice(struct reader *r, unsigned sides)
{
	r->seed = r->seed * 1103515245u + 12345u;
	return (r->seed >> 16) % sides;
}

static void expect(struct reader *r, bool good)
{
	r->wrong += !good;
}

static void be_woken(struct reader *r)
{
	r->expected++;
	(void)sem_wait(&r->woken);
	expect(r, r->status == 0);
}

static void end_round(struct reader *r, int waited, bool unwaited)
{
	switch (waited) {
	case 0:
		if (unwaited)
			r->unlinked++;
		else
			be_woken(r);
		break;
	case 1:
		r->there++;
		expect(r, !unwaited);
		break;
	default:
		r->barred++;
		expect(r, waited == -EINTR && !unwaited);
		break;
	}
}

static void wait_once(struct reader *r, int64_t need)
{
	bool interrupt = dice(r, 2) == 0;

	r->w.state = WAITER_NEW;
	r->unwaited = false;
	if (interrupt)
		(void)sem_post(&r->go);
	int waited = job_wait_bytes(1, 0, 0, need, &r->w);
	if (interrupt)
		(void)sem_wait(&r->interrupted);
	end_round(r, waited, r->unwaited);
}

/* What the file system does meanwhile: opens, listings, look-ups. */
static void look_around(struct reader *r)
{
	char id[ID_SIZE];
	uint64_t serial = job_next(JOB_UNKNOWN, 1 + dice(r, 4000), id);
	uint64_t found = serial != 0 ? job_find(id) : 0;
	expect(r, found == serial || found == 0); /* it may be gone by now */
	if (job_open(1, JOB_FILE_STATUS) == 0) {
		expect(r, job_show(1, JOB_FILE_STATUS, dice(r, 1000)) < 1000);
		job_close(1, JOB_FILE_STATUS);
	}
	struct job_listing listing;
	job_listing(JOB_QUEUED, &listing);
}

static void *read_on(void *arg)
{
	struct reader *r = arg;
	struct job_view view;
	int64_t last = 0;

	for (unsigned i = 0; i < ROUNDS; i++) {
		expect(r, job_get(1, &view) == 0 && view.job.video_bytes >= last);
		last = view.job.video_bytes;
		wait_once(r, last + dice(r, 3));
		look_around(r);
	}
	r->ended = true;
	(void)sem_post(&r->go);
	atomic_fetch_sub(&readers_left, 1);
	return NULL;
}

static void *keep_interrupting(void *arg)
{
	struct reader *r = arg;
	for (;;) {
		(void)sem_wait(&r->go);
		if (r->ended)
			return NULL;
		r->unwaited = job_unwait(&r->w);
		(void)sem_post(&r->interrupted);
	}
}

static void begin(struct reader *r, unsigned seed)
{
	memset(r, 0, sizeof(*r));
	r->w.wake = on_wake;
	r->seed = seed;
	assert_int_equal(sem_init(&r->woken, 0, 0), 0);
	assert_int_equal(sem_init(&r->go, 0, 0), 0);
	assert_int_equal(sem_init(&r->interrupted, 0, 0), 0);
	assert_int_equal(pthread_create(&r->interrupter, NULL, keep_interrupting, r), 0);
	assert_int_equal(pthread_create(&r->thread, NULL, read_on, r), 0);
}

static void end(struct reader *r)
{
	assert_int_equal(pthread_join(r->thread, NULL), 0);
	assert_int_equal(pthread_join(r->interrupter, NULL), 0);
	assert_int_equal(r->wrong, 0);
	assert_int_equal(atomic_load(&r->wakes), r->expected);
	assert_int_equal(r->expected + r->unlinked + r->there + r->barred, ROUNDS);
	assert_int_not_equal(sem_trywait(&r->woken), 0);
	(void)sem_destroy(&r->woken);
	(void)sem_destroy(&r->go);
	(void)sem_destroy(&r->interrupted);
}

/* The table moves to larger arrays, and jobs leave it, while others look into it. */
static void change_others(uint64_t step)
{
	char id[ID_SIZE];
	if (step >= 4000)
		return;
	(void)snprintf(id, sizeof(id), "other-%llu", (unsigned long long)step);
	put(job_named(2 + step, id));
	if (step % 3 == 2)
		job_remove(2 + step - 1);
}

static void one_end_for_everybody(void **state)
{
	static struct reader readers[READERS];
	struct job job = done_job(1, "one");
	unsigned woken = 0, unlinked = 0;

	(void)state;
	job.video = VIDEO_FETCHING;
	job.video_size = INT64_MAX;
	job.video_bytes = 0;
	put(job);
	atomic_store(&readers_left, READERS);
	for (unsigned i = 0; i < READERS; i++)
		begin(&readers[i], i + 1);
	for (uint64_t step = 0; atomic_load(&readers_left) > 0; step++) {
		job.video_bytes++;
		put(job);
		const int64_t patience_ms[WAITER_KINDS] = { 1, 1, 1 };
		(void)job_expire(0, patience_ms);
		(void)job_expire_old(0, 1);
		change_others(step);
	}
	for (unsigned i = 0; i < READERS; i++) {
		end(&readers[i]);
		woken += readers[i].expected;
		unlinked += readers[i].unlinked;
	}
	print_message("%u woken, %u interrupted\n", woken, unlinked);
	assert_int_not_equal(woken, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_end_for_everybody, setup, teardown),
	};
	/* A wake-up that is lost would be waited for for ever. */
	(void)alarm(STUCK_S);
	return cmocka_run_group_tests_name("job_threads", tests, NULL, NULL);
}
