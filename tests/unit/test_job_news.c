/* SPDX-License-Identifier: MIT */
/* What is to be told of jobs: what it is, once for each, and when it can be. */
#include <errno.h>
#include <pthread.h>

#include "base.h"
#include "jobs.h"

/* Somebody who looks up a name, and waits for the provider. */
static unsigned answers;

static void on_answer(struct waiter *w, int status)
{
	(void)w, (void)status;
	answers++;
}

/* ---- what is to be told --------------------------------------------------------------------------- */

static void assert_news(uint64_t serial, const char *id, unsigned what)
{
	struct job_news news;
	assert_true(job_news_wait(&news));
	assert_int_equal(news.serial, serial);
	assert_int_equal(news.what, what);
	assert_string_equal(news.id, id);
}

/* Not with an end: what is there still would come before it. */
static void assert_no_news(void)
{
	struct job job = in_state(99, "last", JOB_QUEUED);
	put(job);
	job.state = JOB_RUNNING;
	put(job);
	assert_news(99, "last", JOB_NEWS_STATE);
	job_remove(99);
}

static void each_change_has_its_news(void **state)
{
	struct job job = job_named(1, "one");
	(void)state;
	put(job); /* by mkdir */
	job.progress = 1;
	job.poll_count = 1;
	put(job);
	assert_no_news();
	job.state = JOB_RUNNING;
	put(job);
	assert_news(1, "one", JOB_NEWS_STATE);
	job.state = JOB_DONE;
	job.video = VIDEO_FETCHING;
	put(job);
	assert_news(1, "one", JOB_NEWS_STATE);
	job.video = VIDEO_READY;
	put(job);
	assert_news(1, "one", JOB_NEWS_STATE | JOB_NEWS_VIDEO);
	job.video = VIDEO_REMOVED;
	put(job);
	assert_news(1, "one", JOB_NEWS_STATE);
	job.video = VIDEO_FETCHING;
	put(job);
	assert_news(1, "one", JOB_NEWS_STATE);
	job.video = VIDEO_LOST;
	put(job);
	assert_news(1, "one", JOB_NEWS_STATE);
	assert_no_news();
}

/* By a look-up: it was asked for before it was there. */
static void who_comes_without_a_mkdir_is_news(void **state)
{
	struct job job = in_state(1, "one", JOB_QUEUED);
	(void)state;
	job.poll_count = 1;
	put(job);
	assert_news(1, "one", JOB_NEWS_TRACKED);
	assert_no_news();
}

static void of_one_job_it_is_one(void **state)
{
	struct job one = job_named(1, "one"), two = job_named(2, "two");
	(void)state;
	one.poll_count = 1;
	put(one);
	put(two);
	two.state = JOB_RUNNING;
	put(two);
	one.state = JOB_DONE;
	put(one);
	one.video = VIDEO_READY;
	put(one);
	one.video = VIDEO_REMOVED;
	put(one);
	assert_news(2, "two", JOB_NEWS_STATE);
	assert_news(1, "one", JOB_NEWS_TRACKED | JOB_NEWS_STATE | JOB_NEWS_VIDEO);
	assert_no_news();
}

static void of_a_forgotten_job_there_is_none(void **state)
{
	struct job one = in_state(1, "one", JOB_QUEUED);
	(void)state;
	one.poll_count = 1;
	put(one);
	job_remove(1);
	one.serial = 2;
	put(one);
	one.state = JOB_DONE;
	put(one);
	job_remove(2);
	assert_no_news();
}

static void what_is_loaded_is_no_news(void **state)
{
	struct job job = done_job(1, "one");
	(void)state;
	job.poll_count = 7;
	assert_int_equal(job_load(&job), 0);
	assert_no_news();
}

/* It could only be told when all look-ups have ended, and one may take long. */
static void a_new_job_is_told_of_when_nobody_looks_up(void **state)
{
	struct waiter looks = { .wake = on_answer };
	uint64_t ticket = job_ticket();
	struct job one = in_state(1, "one", JOB_QUEUED), two = in_state(2, "two", JOB_QUEUED);
	(void)state;
	one.poll_count = two.poll_count = 1;
	assert_int_equal(job_wait_ticket(ticket, &looks), 0);
	put(one);
	put(two);
	two.state = JOB_RUNNING;
	put(two);
	assert_news(2, "two", JOB_NEWS_STATE);
	one.state = JOB_RUNNING;
	put(one);
	assert_news(1, "one", JOB_NEWS_STATE);
	assert_no_news();
	job_answer(ticket, 0);
	assert_int_equal(answers, 1);
	assert_news(2, "two", JOB_NEWS_TRACKED);
	assert_news(1, "one", JOB_NEWS_TRACKED);
	assert_no_news();
}

static void *ask(void *ticket)
{
	job_answer(*(uint64_t *)ticket, -ENOENT);
	return NULL;
}

/* Nobody says that a look-up has ended: who waits for that finds it out. */
static void a_look_up_that_ends_lets_it_go(void **state)
{
	struct waiter looks = { .wake = on_answer };
	uint64_t ticket = job_ticket();
	struct job job = in_state(1, "one", JOB_QUEUED);
	pthread_t thread;
	(void)state;
	job.poll_count = 1;
	assert_int_equal(job_wait_ticket(ticket, &looks), 0);
	put(job);
	assert_int_equal(pthread_create(&thread, NULL, ask, &ticket), 0);
	assert_news(1, "one", JOB_NEWS_TRACKED);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

static void *wait_for_news(void *news)
{
	return job_news_wait(news) ? news : NULL;
}

static void the_end_wakes_who_waits(void **state)
{
	struct waiter looks = { .wake = on_answer };
	struct job_news news = { .what = 0 };
	struct job job = in_state(1, "one", JOB_QUEUED);
	pthread_t thread;
	void *result = &news;
	(void)state;
	job.poll_count = 1;
	assert_int_equal(job_wait_ticket(job_ticket(), &looks), 0);
	put(job);
	assert_int_equal(pthread_create(&thread, NULL, wait_for_news, &news), 0);
	job_news_stop();
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_null(result);
	/* Whatever there is to tell, and again. */
	job.state = JOB_RUNNING;
	put(job);
	assert_false(job_news_wait(&news));
}

#define ON_TABLE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_TABLE(each_change_has_its_news),
		ON_TABLE(who_comes_without_a_mkdir_is_news),
		ON_TABLE(of_one_job_it_is_one),
		ON_TABLE(of_a_forgotten_job_there_is_none),
		ON_TABLE(what_is_loaded_is_no_news),
		ON_TABLE(a_new_job_is_told_of_when_nobody_looks_up),
		ON_TABLE(a_look_up_that_ends_lets_it_go),
		ON_TABLE(the_end_wakes_who_waits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
