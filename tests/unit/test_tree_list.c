/* SPDX-License-Identifier: MIT */
/* Editions of lists: which are old, and what happens to the directory's time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "base.h"
#include "jobs.h"
#include "tree.h"

/* A position, of edition 0. */
#define AT(position) ((position) * (uint64_t)JOB_EDITIONS)

/* Where the list goes on after its first entry. */
static uint64_t begin_list(uint64_t inode)
{
	struct tree_entry entry;
	assert_int_equal(tree_list(inode, 0, &entry), 1);
	return entry.next;
}

static struct timespec time_of(uint64_t inode)
{
	const struct tree_owner owner = { .uid = 0 };
	struct stat st;
	enum tree_lasts lasts;
	assert_int_equal(tree_stat(inode, &owner, NULL, &st, &lasts), 0);
	assert_int_not_equal(lasts, TREE_CHANGES);
	return st.st_mtim;
}

/* To its end; nowhere is it where a list of another edition is. Whether it was an old one: then the time has moved on. */
static bool end_list(uint64_t inode, uint64_t at)
{
	struct tree_entry entry;
	uint64_t edition = at % JOB_EDITIONS;
	struct timespec before = time_of(inode);
	while (tree_list(inode, at, &entry) > 0) {
		at = entry.next;
		assert_int_equal(at % JOB_EDITIONS, edition);
	}
	bool old = tree_list_end(inode, at);
	struct timespec after = time_of(inode);
	assert_int_equal(after.tv_sec, before.tv_sec);
	assert_int_equal(after.tv_nsec, before.tv_nsec + old);
	return old;
}

static void lists_of_before_a_change_are_old(void **state)
{
	(void)state;
	struct job job = in_state(1, "aaa", JOB_RUNNING);
	put(job);
	const uint64_t running = TREE_STATE(JOB_RUNNING);
	uint64_t at = begin_list(TREE_JOBS), at_running = begin_list(running);
	put(job_named(2, "bbb"));
	assert_true(end_list(TREE_JOBS, at));
	assert_false(end_list(running, at_running));
	uint64_t new_at = begin_list(TREE_JOBS);
	assert_int_equal(new_at / JOB_EDITIONS, at / JOB_EDITIONS);
	assert_false(end_list(TREE_JOBS, new_at));
	assert_true(end_list(TREE_JOBS, at));
	job.state = JOB_DONE;
	put(job);
	assert_true(end_list(running, at_running));
	assert_false(end_list(TREE_JOBS, new_at));
	job_remove(2);
	assert_int_equal(time_of(TREE_JOBS).tv_nsec % 1000000, 0);
	assert_true(end_list(TREE_JOBS, new_at));
}

/* Its times come again, so what was counted stays. */
static void a_jobs_list_changes_with_its_video(void **state)
{
	(void)state;
	struct job job = done_job(1, "aaa");
	put(job);
	uint64_t with = begin_list(16);
	struct timespec time = time_of(16);
	job.changed_ms++;
	put(job);
	assert_false(end_list(16, with));
	job.video = VIDEO_REMOVED;
	put(job);
	assert_true(end_list(16, with));
	uint64_t without = begin_list(16);
	job.video = VIDEO_READY;
	put(job);
	assert_int_equal(time_of(16).tv_nsec, time.tv_nsec + 1);
	assert_true(end_list(16, without));
	assert_false(end_list(16, with));
	assert_int_equal(time_of(16).tv_nsec, time.tv_nsec + 2);
	job_remove(1);
	assert_false(tree_list_end(16, without));
}

/* Any position may be asked for; what never changes has no other time. */
static void what_never_changes_is_never_old(void **state)
{
	static const uint64_t inodes[] = { 0, TREE_ROOT, TREE_BY_STATE, TREE_META, TREE_STATS, 17 };
	(void)state;
	put(job_named(1, "aaa"));
	for (size_t i = 0; i < sizeof(inodes) / sizeof(inodes[0]); i++) {
		assert_false(tree_list_end(inodes[i], AT(5) + 7));
		assert_false(tree_list_end(inodes[i], INT64_MAX));
	}
	assert_true(tree_list_end(TREE_JOBS, INT64_MAX));
	assert_true(tree_list_end(16, INT64_MAX));
}

static void change(uint64_t serial)
{
	char id[ID_SIZE];
	(void)snprintf(id, sizeof(id), "job-%d", (int)serial);
	put(job_named(serial, id));
}

/* Nobody is so late. */
static void an_edition_does_not_come_again_soon(void **state)
{
	(void)state;
	uint64_t first = begin_list(TREE_JOBS);
	for (uint64_t serial = 1; serial < JOB_EDITIONS; serial++) {
		change(serial);
		assert_true(tree_list_end(TREE_JOBS, first));
	}
}

/* Half of it may be in the kernel, where it is in the way until somebody completes it. */
static void of_which_nobody_came_to_the_end_comes_again_after_a_while(void **state)
{
	static const struct timespec a_while = { 2, 100000000 };
	(void)state;
	int64_t begun_ms = clock_ms();
	assert_false(end_list(TREE_JOBS, begin_list(TREE_JOBS)));
	change(1);
	uint64_t first = begin_list(TREE_JOBS);
	change(2);
	uint64_t second = begin_list(TREE_JOBS);
	change(3);
	uint64_t third = begin_list(TREE_JOBS);
	assert_false(end_list(TREE_JOBS, third));
	if (clock_ms() - begun_ms > 1000)
		skip(); /* on a machine so slow a while has passed already */
	(void)nanosleep(&a_while, NULL);
	change(4);
	assert_int_equal(begin_list(TREE_JOBS), first);
	assert_false(end_list(TREE_JOBS, first));
	change(5);
	assert_int_not_equal(begin_list(TREE_JOBS), first);
	assert_int_not_equal(begin_list(TREE_JOBS), second);
	assert_int_not_equal(begin_list(TREE_JOBS), third);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(lists_of_before_a_change_are_old),
		TEST(a_jobs_list_changes_with_its_video),
		TEST(what_never_changes_is_never_old),
		TEST(an_edition_does_not_come_again_soon),
		TEST(of_which_nobody_came_to_the_end_comes_again_after_a_while),
	};
	return cmocka_run_group_tests_name("tree_list", tests, NULL, NULL);
}
