/* SPDX-License-Identifier: MIT */
/* The disk thread: order, threads, signals, its end. Built with ThreadSanitizer too. */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "disk.h"

#define TASKS 1000
#define PATIENCE_S 20 /* until a test that waits in vain has failed */

struct job_task {
	struct disk_task task;
	int number;
	pthread_t worked_on;
	bool signals_blocked;
	bool worked, done;
};

static sem_t woken, gate;
static int last_worked, done_count, chain_left;

static void wake(void)
{
	(void)sem_post(&woken);
}

static void wait_for(sem_t *semaphore)
{
	struct timespec until;
	assert_int_equal(clock_gettime(CLOCK_REALTIME, &until), 0);
	until.tv_sec += PATIENCE_S;
	int r;
	do
		r = sem_timedwait(semaphore, &until);
	while (r != 0 && errno == EINTR);
	assert_int_equal(r, 0);
}

static struct job_task *of(struct disk_task *task)
{
	return (struct job_task *)(void *)((char *)task - offsetof(struct job_task, task));
}

static bool all_blocked(void)
{
	sigset_t blocked;
	static const int some[] = { SIGTERM, SIGINT, SIGHUP, SIGPIPE, SIGALRM, SIGCHLD, SIGUSR1 };
	if (pthread_sigmask(SIG_SETMASK, NULL, &blocked) != 0)
		return false;
	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		if (sigismember(&blocked, some[i]) != 1)
			return false;
	}
	return true;
}

static void work(struct disk_task *task)
{
	struct job_task *t = of(task);
	t->worked_on = pthread_self();
	t->signals_blocked = all_blocked();
	t->worked = t->number == last_worked + 1;
	last_worked = t->number;
}

static void work_at_gate(struct disk_task *task)
{
	int r;
	do
		r = sem_wait(&gate);
	while (r != 0);
	work(task);
}

static void done(struct disk_task *task)
{
	struct job_task *t = of(task);
	assert_true(t->worked);
	assert_int_equal(t->number, ++done_count);
	t->done = true;
}

static void done_and_free(struct disk_task *task)
{
	done(task);
	free(of(task));
}

static void done_and_again(struct disk_task *task)
{
	struct job_task *t = of(task);
	done(task);
	if (chain_left-- > 0) {
		t->number++;
		disk_do(task);
	}
}

static int setup(void **state)
{
	(void)state;
	last_worked = done_count = 0;
	if (sem_init(&woken, 0, 0) != 0 || sem_init(&gate, 0, 0) != 0)
		return -1;
	return disk_start(wake);
}

static int teardown(void **state)
{
	(void)state;
	(void)sem_destroy(&woken);
	(void)sem_destroy(&gate);
	return 0;
}

static void there_and_back(void **state)
{
	(void)state;
	struct job_task t = { .task = { .work = work, .done = done }, .number = 1 };
	disk_done();
	disk_do(&t.task);
	wait_for(&woken);
	assert_int_equal(done_count, 0);
	disk_done();
	assert_true(t.done);
	assert_false(pthread_equal(t.worked_on, pthread_self()));
	assert_true(t.signals_blocked);
	assert_false(all_blocked());
	disk_done();
	assert_int_equal(done_count, 1);
	disk_stop();
}

/* A done() may free its task: nothing touches it afterwards. */
static void in_order(void **state)
{
	(void)state;
	for (int i = 1; i <= TASKS; i++) {
		struct job_task *t = calloc(1, sizeof(*t));
		assert_non_null(t);
		t->task.work = work;
		t->task.done = done_and_free;
		t->number = i;
		disk_do(&t->task);
		if (i % 7 == 0)
			disk_done();
	}
	while (done_count < TASKS) {
		wait_for(&woken);
		disk_done();
	}
	disk_stop();
	assert_int_equal(done_count, TASKS);
}

/* One that hangs holds up none of what the engine does: disk_do() and disk_done() return. */
static void one_hangs(void **state)
{
	(void)state;
	struct job_task slow = { .task = { .work = work_at_gate, .done = done }, .number = 1 };
	struct job_task next = { .task = { .work = work, .done = done }, .number = 2 };
	disk_do(&slow.task);
	disk_do(&next.task);
	disk_done();
	assert_int_equal(done_count, 0);
	assert_int_equal(sem_post(&gate), 0);
	disk_stop();
	assert_int_equal(done_count, 2);
}

static void stop_does_all(void **state)
{
	(void)state;
	static struct job_task tasks[TASKS];
	for (int i = 0; i < TASKS; i++) {
		tasks[i] = (struct job_task){ .task = { .work = work, .done = done },
			.number = i + 1 };
		disk_do(&tasks[i].task);
	}
	disk_stop();
	assert_int_equal(done_count, TASKS);
}

/* What ends gives more to do, also when there is no thread any more. */
static void stop_does_what_follows(void **state)
{
	(void)state;
	struct job_task t = { .task = { .work = work, .done = done_and_again }, .number = 1 };
	chain_left = 3;
	disk_do(&t.task);
	wait_for(&woken);
	disk_stop();
	assert_int_equal(done_count, 4);
}

static void stop_without_tasks(void **state)
{
	(void)state;
	disk_stop();
	assert_int_equal(disk_start(wake), 0);
	struct job_task t = { .task = { .work = work, .done = done }, .number = 1 };
	disk_do(&t.task);
	disk_stop();
	assert_true(t.done);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(there_and_back),
		TEST(in_order),
		TEST(one_hangs),
		TEST(stop_does_all),
		TEST(stop_does_what_follows),
		TEST(stop_without_tasks),
	};
	return cmocka_run_group_tests_name("disk", tests, NULL, NULL);
}
