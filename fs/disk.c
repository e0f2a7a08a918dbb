/* SPDX-License-Identifier: MIT */
/* One thread, two lists: of tasks to do, and of those that have ended. */
#include "disk.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

STAILQ_HEAD(tasks, disk_task);

/* Guards the two lists and stopping. A leaf: nothing is called under it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t given = PTHREAD_COND_INITIALIZER;

static struct tasks waiting = STAILQ_HEAD_INITIALIZER(waiting);
static struct tasks ended = STAILQ_HEAD_INITIALIZER(ended);
static bool stopping;

/* Set once before the thread starts. */
static void (*wake_engine)(void);
static pthread_t thread;

static struct disk_task *take(struct tasks *tasks)
{
	(void)pthread_mutex_lock(&lock);
	struct disk_task *task = STAILQ_FIRST(tasks);
	if (task != NULL)
		STAILQ_REMOVE_HEAD(tasks, link);
	(void)pthread_mutex_unlock(&lock);
	return task;
}

/* Once it is on the list, the task is the engine's, and may be gone. */
static bool do_next(void)
{
	struct disk_task *task = take(&waiting);
	if (task == NULL)
		return false;
	task->work(task);
	(void)pthread_mutex_lock(&lock);
	STAILQ_INSERT_TAIL(&ended, task, link);
	(void)pthread_mutex_unlock(&lock);
	return true;
}

/* False when there is nothing to do any more, and will not be. */
static bool wait_for_task(void)
{
	(void)pthread_mutex_lock(&lock);
	while (STAILQ_EMPTY(&waiting) && !stopping)
		(void)pthread_cond_wait(&given, &lock);
	bool more = !STAILQ_EMPTY(&waiting);
	(void)pthread_mutex_unlock(&lock);
	return more;
}

static void *disk_main(void *arg)
{
	(void)arg;
	while (wait_for_task()) {
		if (do_next())
			wake_engine();
	}
	return NULL;
}

int disk_start(void (*wake)(void))
{
	sigset_t all, before;

	stopping = false;
	wake_engine = wake;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	int r = pthread_create(&thread, NULL, disk_main, NULL);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -r;
}

void disk_stop(void)
{
	(void)pthread_mutex_lock(&lock);
	assert(!stopping);
	stopping = true;
	(void)pthread_cond_signal(&given);
	(void)pthread_mutex_unlock(&lock);
	(void)pthread_join(thread, NULL);
	/* What a done() gives now has no thread left but this one. */
	do
		disk_done();
	while (do_next());
}

void disk_do(struct disk_task *task)
{
	(void)pthread_mutex_lock(&lock);
	STAILQ_INSERT_TAIL(&waiting, task, link);
	(void)pthread_cond_signal(&given);
	(void)pthread_mutex_unlock(&lock);
}

void disk_done(void)
{
	struct disk_task *task;
	while ((task = take(&ended)) != NULL)
		task->done(task);
}
