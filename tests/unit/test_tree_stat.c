/* SPDX-License-Identifier: MIT */
/* The attributes of everything in the mount, over a real table of jobs. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "jobs.h"
#include "tree.h"

static const struct tree_owner owner = { .uid = 7, .gid = 8, .umask = 022, .started_ms = 5001 };

static uint32_t status_size(const struct job_view *view)
{
	return view->shown[JOB_FILE_STATUS] > 1000 ? view->shown[JOB_FILE_STATUS] : 1000;
}

static uint64_t open_inode;

static int orphan_size(uint64_t inode, uint32_t *size)
{
	*size = 77;
	return inode == open_inode ? 0 : -ENOENT;
}

static const struct tree_sizes sizes = { .status = status_size, .orphan = orphan_size };
static enum tree_lasts lasts;

static struct stat stat_of(uint64_t inode)
{
	struct stat st;
	memset(&st, 0x55, sizeof(st));
	assert_int_equal(tree_stat(inode, &owner, &sizes, &st, &lasts), 0);
	assert_int_equal(st.st_ino, inode);
	assert_int_equal(st.st_uid, 7);
	assert_int_equal(st.st_gid, 8);
	assert_memory_equal(&st.st_atim, &st.st_ctim, sizeof(st.st_ctim));
	assert_memory_equal(&st.st_mtim, &st.st_ctim, sizeof(st.st_ctim));
	return st;
}

static void assert_no_stat(uint64_t inode)
{
	struct stat st = { .st_size = 99 };
	assert_int_equal(tree_stat(inode, &owner, &sizes, &st, &lasts), -ENOENT);
	assert_int_equal(st.st_size, 99);
}

static void assert_time(const struct stat *st, int64_t seconds, int64_t milliseconds)
{
	assert_int_equal(st->st_mtim.tv_sec, seconds);
	assert_int_equal(st->st_mtim.tv_nsec, milliseconds * 1000000);
}

static void stat_directories(void **state)
{
	(void)state;
	put(job_named(1, "aaa"));
	put(done_job(2, "bbb"));
	struct stat st = stat_of(TREE_ROOT);
	assert_int_equal(st.st_mode, S_IFDIR | 0755);
	assert_int_equal(st.st_nlink, 4);
	assert_int_equal(st.st_size, 4096);
	assert_int_equal(st.st_blocks, 0);
	assert_time(&st, 5, 1);
	st = stat_of(TREE_JOBS);
	assert_int_equal(st.st_mode, S_IFDIR | 0755);
	assert_int_equal(st.st_nlink, 4);
	assert_true(st.st_mtim.tv_sec > 0); /* when it was opened */
	st = stat_of(16);
	assert_int_equal(st.st_mode, S_IFDIR | 0755);
	assert_int_equal(st.st_nlink, 2);
	assert_time(&st, TRACKED_MS / 1000, 123);
	st = stat_of(32); /* with a video, another time than without */
	assert_time(&st, DONE_MS / 1000, 457);
}

static void stat_documents(void **state)
{
	(void)state;
	struct job job = job_named(1, "aaa");
	job.response_size = 513;
	put(job);
	struct stat st = stat_of(17);
	assert_int_equal(st.st_mode, S_IFREG | 0444);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(st.st_size, 1000);
	assert_int_equal(st.st_blocks, 2);
	assert_int_equal(st.st_blksize, 4096);
	assert_time(&st, TRACKED_MS / 1000 + 1, 123);
	st = stat_of(18);
	assert_int_equal(st.st_size, 513);
	assert_int_equal(st.st_blocks, 2);
	assert_time(&st, TRACKED_MS / 1000 + 1, 123);
	job.response_size = 0;
	put(job);
	st = stat_of(18);
	assert_int_equal(st.st_size, 0);
	assert_int_equal(st.st_blocks, 0);
}

/* What readers were shown holds while they read. */
static void stat_open_documents(void **state)
{
	(void)state;
	struct job job = job_named(1, "aaa");
	job.response_size = 600;
	put(job);
	assert_int_equal(job_open(1, JOB_FILE_STATUS), 0);
	assert_int_equal(job_show(1, JOB_FILE_STATUS, 1234), 1234);
	job.response_size = 700;
	put(job);
	assert_int_equal(stat_of(17).st_size, 1234);
	assert_int_equal(stat_of(18).st_size, 700);
	job_close(1, JOB_FILE_STATUS);
	job_settle_size(1);
	assert_int_equal(stat_of(17).st_size, 1000);
	assert_int_equal(stat_of(18).st_size, 700);
}

static void stat_videos(void **state)
{
	(void)state;
	struct job job = done_job(1, "aaa");
	put(job);
	struct stat st = stat_of(19);
	assert_int_equal(st.st_mode, S_IFREG | 0444);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(st.st_size, 1025);
	assert_int_equal(st.st_blocks, 3);
	assert_int_equal(st.st_blksize, 128 * 1024);
	assert_time(&st, FINISHED_AT, 0);
	job.video = VIDEO_FETCHING;
	job.video_bytes = 512;
	job.finished_at = 0;
	put(job);
	st = stat_of(19);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(st.st_size, 1025);
	assert_int_equal(st.st_blocks, 1);
	assert_time(&st, DONE_MS / 1000, 456);
	job.video_bytes = 0;
	put(job);
	assert_int_equal(stat_of(19).st_blocks, 1);
	job.video = VIDEO_REMOVED;
	put(job);
	st = stat_of(19);
	assert_int_equal(st.st_nlink, 0);
	assert_int_equal(st.st_size, 1025);
	job.video_size = -1;
	put(job);
	assert_no_stat(19);
}

static void stat_nothing(void **state)
{
	(void)state;
	struct stat st;
	put(job_named(1, "aaa"));
	assert_no_stat(0);
	assert_no_stat(14);
	assert_no_stat(15);
	assert_no_stat(19);
	assert_no_stat(21);
	assert_no_stat(31);
	assert_no_stat(32);
	assert_int_equal(job_hide(1), 0);
	assert_no_stat(16);
	assert_no_stat(17);
	job_unhide(1);
	assert_int_equal(tree_stat(TREE_ROOT, &owner, NULL, &st, &lasts), 0);
	assert_int_equal(tree_stat(18, &owner, NULL, &st, &lasts), 0);
}

static void stat_orphans(void **state)
{
	(void)state;
	open_inode = tree_inode(900, TREE_STATUS);
	struct stat st = stat_of(open_inode);
	assert_int_equal(st.st_mode, S_IFREG | 0444);
	assert_int_equal(st.st_size, 77);
	assert_int_equal(st.st_nlink, 0);
	assert_int_equal(lasts, TREE_CHANGES);
	assert_time(&st, 5, 1);
	assert_no_stat(tree_inode(900, TREE_RESPONSE));
	open_inode = 0;
	assert_no_stat(tree_inode(900, TREE_STATUS));
}

static void umasks(void **state)
{
	(void)state;
	struct tree_owner strict = owner;
	struct stat st;
	strict.umask = 077;
	put(job_named(1, "aaa"));
	assert_int_equal(tree_stat(16, &strict, &sizes, &st, &lasts), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0700);
	assert_int_equal(tree_stat(17, &strict, &sizes, &st, &lasts), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0400);
	strict.umask = 002;
	assert_int_equal(tree_stat(16, &strict, &sizes, &st, &lasts), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0775);
	assert_int_equal(tree_stat(17, &strict, &sizes, &st, &lasts), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0444);
	strict.umask = (mode_t)-1;
	assert_int_equal(tree_stat(17, &strict, &sizes, &st, &lasts), 0);
	assert_int_equal(st.st_mode, S_IFREG);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(stat_directories),
		TEST(stat_documents),
		TEST(stat_open_documents),
		TEST(stat_videos),
		TEST(stat_nothing),
		TEST(stat_orphans),
		TEST(umasks),
	};
	return cmocka_run_group_tests_name("tree_stat", tests, NULL, NULL);
}
