/* SPDX-License-Identifier: MIT */
/* Who keeps what he was told hears of each change: before anybody can see it, and after. */
#include <string.h>

#include "base.h"
#include "jobs.h"

/* ---- before and after ----------------------------------------------------------------------------- */

static struct {
	unsigned recalls, changes;
	uint64_t changed;
	bool told;
	enum job_state seen; /* at the recall, and at the change after it */
	bool settled, listed;
	enum job_state seen_after;
	bool settled_after;
} heard;

static void look(uint64_t serial, enum job_state *seen, bool *settled)
{
	struct job_view view;
	if (job_get(serial, &view) != 0)
		return;
	*seen = view.job.state;
	*settled = view.settled;
}

static void on_recall(const struct job *before, const struct job *after, bool told)
{
	const struct job *job = before != NULL ? before : after;
	struct job_listing listing;
	assert_int_equal(heard.recalls++, heard.changes);
	heard.told = told;
	look(job->serial, &heard.seen, &heard.settled);
	job_listing(JOB_UNKNOWN, &listing);
	heard.listed = listing.settled;
}

static void on_changed(uint64_t serial)
{
	heard.changes++;
	heard.changed = serial;
	look(serial, &heard.seen_after, &heard.settled_after);
}

static const struct job_audience audience = { .recall = on_recall, .changed = on_changed };

static void listen(void)
{
	memset(&heard, 0, sizeof(heard));
	heard.seen = heard.seen_after = JOB_EXPIRED;
	job_set_audience(&audience);
}

static int stop_listening(void **state)
{
	job_set_audience(NULL);
	return teardown(state);
}

static void recalled_before_it_is_so_and_announced_after(void **state)
{
	struct job job = in_state(1, "one", JOB_QUEUED);
	struct job_view view;
	(void)state;
	put(job);
	assert_int_equal(job_get(1, &view), 0);
	assert_true(view.settled);
	listen();
	job.state = JOB_RUNNING;
	put(job);
	assert_int_equal(heard.recalls, 1);
	assert_true(heard.told);
	assert_int_equal(heard.seen, JOB_QUEUED);
	assert_false(heard.settled);
	assert_true(heard.listed); /* that of all jobs does not change */
	assert_int_equal(heard.changes, 1);
	assert_int_equal(heard.changed, 1);
	assert_int_equal(heard.seen_after, JOB_RUNNING);
	assert_true(heard.settled_after);
}

/* What nobody was told needs no recall, but the lists; and it is announced. */
static void only_what_was_told_is_recalled(void **state)
{
	struct job job = in_state(1, "one", JOB_QUEUED);
	struct job_view view;
	(void)state;
	put(job);
	listen();
	put_progress(&job, 1);
	assert_int_equal(heard.recalls, 0);
	assert_int_equal(heard.changes, 1);
	listen();
	assert_int_equal(job_get(1, &view), 0);
	put_progress(&job, 2);
	assert_int_equal(heard.recalls, 1);
	/* It was looked at in between, so it is recalled once more. */
	listen();
	put_progress(&job, 3);
	assert_int_equal(heard.recalls, 1);
}

static void who_comes_and_goes_is_recalled_with_the_lists(void **state)
{
	(void)state;
	listen();
	put(in_state(1, "one", JOB_QUEUED));
	assert_int_equal(heard.recalls, 1);
	assert_false(heard.told);
	assert_false(heard.listed);
	assert_int_equal(heard.seen, JOB_EXPIRED); /* it was not there */
	assert_int_equal(heard.seen_after, JOB_QUEUED);
	listen();
	job_remove(1);
	assert_int_equal(heard.recalls, 1);
	assert_int_equal(heard.seen, JOB_QUEUED);
	assert_false(heard.settled);
	assert_false(heard.listed);
	assert_int_equal(heard.seen_after, JOB_EXPIRED);
	assert_int_equal(heard.changed, 1);
}

/* A hidden job is recalled when it hides, and when it is back. */
static void hiding_is_a_change(void **state)
{
	struct job_view view;
	(void)state;
	put(in_state(1, "one", JOB_QUEUED));
	assert_int_equal(job_get(1, &view), 0);
	listen();
	assert_int_equal(job_hide(1), 0);
	assert_int_equal(heard.recalls, 1);
	assert_true(heard.told);
	assert_false(heard.listed);
	assert_int_equal(heard.seen, JOB_QUEUED);
	listen();
	job_unhide(1);
	assert_int_equal(heard.recalls, 1);
	assert_false(heard.listed);
	assert_int_equal(job_get(1, &view), 0);
	assert_true(view.settled);
}

static void sizes_are_settled_after_a_recall(void **state)
{
	struct job_news news;
	struct job_view view;
	(void)state;
	put(in_state(1, "one", JOB_QUEUED));
	assert_int_equal(job_open(1, JOB_FILE_STATUS), 0);
	assert_int_equal(job_show(1, JOB_FILE_STATUS, 900), 900);
	assert_int_equal(job_show(1, JOB_FILE_STATUS, 800), 900);
	job_close(1, JOB_FILE_STATUS);
	assert_true(job_news_wait(&news));
	assert_int_equal(news.what, JOB_NEWS_SIZE);
	assert_int_equal(job_get(1, &view), 0);
	assert_int_equal(view.shown[JOB_FILE_STATUS], 900);
	listen();
	job_settle_size(1);
	assert_int_equal(heard.recalls, 1);
	assert_false(heard.settled);
	assert_int_equal(job_get(1, &view), 0);
	assert_true(view.settled);
	assert_int_equal(view.shown[JOB_FILE_STATUS], 0);
}

/* ---- lists ---------------------------------------------------------------------------------------- */

static int64_t changed_ms(enum job_state state)
{
	struct job_listing listing;
	job_listing(state, &listing);
	return listing.changed_ms;
}

/* Each at another time, also when the clock has not moved on. */
static void a_list_changes_with_what_is_in_it(void **state)
{
	struct job job = in_state(1, "one", JOB_QUEUED);
	int64_t all = changed_ms(JOB_UNKNOWN), queued = changed_ms(JOB_QUEUED),
		running = changed_ms(JOB_RUNNING), done = changed_ms(JOB_DONE);
	(void)state;
	put(job);
	assert_true(changed_ms(JOB_UNKNOWN) > all);
	assert_true(changed_ms(JOB_QUEUED) > queued);
	assert_int_equal(changed_ms(JOB_RUNNING), running);
	all = changed_ms(JOB_UNKNOWN);
	queued = changed_ms(JOB_QUEUED);
	job.state = JOB_RUNNING;
	put(job);
	assert_int_equal(changed_ms(JOB_UNKNOWN), all);
	assert_true(changed_ms(JOB_QUEUED) > queued);
	assert_true(changed_ms(JOB_RUNNING) > running);
	running = changed_ms(JOB_RUNNING);
	put_progress(&job, 50);
	assert_int_equal(changed_ms(JOB_RUNNING), running);
	job_remove(1);
	assert_true(changed_ms(JOB_UNKNOWN) > all);
	assert_true(changed_ms(JOB_RUNNING) > running);
	assert_int_equal(changed_ms(JOB_DONE), done);
}

#define ON_TABLE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define HEARD(f) cmocka_unit_test_setup_teardown(f, setup, stop_listening)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HEARD(recalled_before_it_is_so_and_announced_after),
		HEARD(only_what_was_told_is_recalled),
		HEARD(who_comes_and_goes_is_recalled_with_the_lists),
		HEARD(hiding_is_a_change),
		HEARD(sizes_are_settled_after_a_recall),
		ON_TABLE(a_list_changes_with_what_is_in_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
