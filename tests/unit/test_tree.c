/* SPDX-License-Identifier: MIT */
/* The shape of the mount, over a real table of jobs: names and listings. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "jobs.h"
#include "tree.h"

/* A position, of edition 0. */
#define AT(position) ((position) * (uint64_t)JOB_EDITIONS)

static void assert_lookup(uint64_t parent, const char *name, uint64_t expected)
{
	uint64_t inode = 0;
	assert_int_equal(tree_lookup(parent, name, &inode), 0);
	assert_int_equal(inode, expected);
}

static void assert_no_lookup(uint64_t parent, const char *name, int error)
{
	uint64_t inode = 99;
	assert_int_equal(tree_lookup(parent, name, &inode), error);
	assert_int_equal(inode, 99);
}

static uint64_t assert_entry(uint64_t inode, uint64_t at, uint64_t expected, const char *name)
{
	struct tree_entry entry;
	assert_int_equal(tree_list(inode, at, &entry), 1);
	assert_int_equal(entry.inode, expected);
	assert_string_equal(entry.name, name);
	bool file = tree_serial(expected) > 0 && tree_kind(expected) != TREE_JOB_DIR;
	assert_int_equal(entry.type, file ? S_IFREG : S_IFDIR);
	assert_true(entry.next > at);
	return entry.next;
}

static void assert_end(uint64_t inode, uint64_t at)
{
	struct tree_entry entry;
	assert_int_equal(tree_list(inode, at, &entry), 0);
}

static void numbers(void **state)
{
	(void)state;
	assert_int_equal(tree_serial(TREE_ROOT), 0);
	assert_int_equal(tree_serial(TREE_JOBS), 0);
	assert_int_equal(tree_inode(1, TREE_JOB_DIR), 16);
	assert_int_equal(tree_inode(1, TREE_VIDEO), 19);
	uint64_t inode = tree_inode(UINT64_C(1) << 35, TREE_RESPONSE);
	assert_int_equal(tree_serial(inode), UINT64_C(1) << 35);
	assert_int_equal(tree_kind(inode), TREE_RESPONSE);
}

static uint64_t found(uint64_t parent, const char *name)
{
	uint64_t inode = 0;
	assert_int_equal(tree_lookup(parent, name, &inode), 0);
	return inode;
}

/* For the kernel another file, for programs the same number. */
static void epochs(void **state)
{
	(void)state;
	struct job job = done_job(3, "bbb");
	put(job);
	uint64_t first = found(48, "video.mp4");
	assert_false(tree_is_stale(first, &job));
	job.video_epoch = 1;
	assert_true(tree_is_stale(first, &job));
	put(job);
	uint64_t second = found(48, "video.mp4");
	assert_int_not_equal(second, first);
	assert_false(tree_is_stale(second, &job));
	(void)assert_entry(48, AT(4), second, "video.mp4");
	assert_int_equal(tree_serial(second), 3);
	assert_int_equal(tree_kind(second), TREE_VIDEO);
	assert_int_equal(tree_number(second), tree_number(first));
	job.video_epoch = 256;
	assert_true(tree_is_stale(first, &job));
	assert_true(tree_is_stale(second, &job));

	const struct tree_owner owner = { .uid = 0 };
	struct stat st;
	enum tree_lasts lasts;
	assert_int_equal(tree_stat(second, &owner, NULL, &st, &lasts), 0);
	assert_int_equal(st.st_ino, 51);
	assert_int_equal(found(48, "status.json"), 49);
}

static void lookup(void **state)
{
	(void)state;
	put(job_named(1, "aaa"));
	put(done_job(3, "bbb"));
	assert_lookup(TREE_ROOT, "jobs", TREE_JOBS);
	assert_lookup(TREE_JOBS, "aaa", 16);
	assert_lookup(TREE_JOBS, "bbb", 48);
	assert_lookup(16, "status.json", 17);
	assert_lookup(16, "response.json", 18);
	assert_lookup(48, "video.mp4", 51);
	assert_no_lookup(TREE_ROOT, "Jobs", -ENOENT);
	assert_no_lookup(TREE_ROOT, "aaa", -ENOENT);
	assert_no_lookup(TREE_JOBS, "ccc", -ENOENT);
	assert_no_lookup(TREE_JOBS, "", -ENOENT);
	assert_no_lookup(TREE_JOBS, "not an id/", -ENOENT);
	assert_no_lookup(16, "video.mp4", -ENOENT);
	assert_no_lookup(16, "status.jso", -ENOENT);
	assert_no_lookup(16, "jobs", -ENOENT);
}

static void dots(void **state)
{
	(void)state;
	put(job_named(1, "aaa"));
	assert_lookup(TREE_ROOT, ".", TREE_ROOT);
	assert_lookup(TREE_ROOT, "..", TREE_ROOT);
	assert_lookup(TREE_JOBS, ".", TREE_JOBS);
	assert_lookup(TREE_JOBS, "..", TREE_ROOT);
	assert_lookup(16, ".", 16);
	assert_lookup(16, "..", TREE_JOBS);
	assert_lookup(17, ".", 17);
	assert_lookup(18, ".", 18);
	assert_lookup(17, "..", 16);
	assert_no_lookup(17, "...", -ENOTDIR);
	assert_lookup(20, ".", 20);
	assert_no_lookup(21, ".", -ENOENT);
	assert_no_lookup(32, ".", -ENOENT);
	assert_no_lookup(33, ".", -ENOENT);
	assert_no_lookup(33, "..", -ENOENT);
}

/* Who comes with a video's number alone gets that video or none. */
static void dots_of_videos(void **state)
{
	(void)state;
	put(job_named(1, "aaa"));
	assert_no_lookup(19, ".", -ESTALE);
	struct job job = done_job(3, "bbb");
	put(job);
	assert_lookup(51, ".", 51);
	assert_lookup(51, "..", 48);
	job.video_epoch = 1;
	put(job);
	assert_no_lookup(51, ".", -ESTALE);
	uint64_t second = found(48, "video.mp4");
	assert_lookup(second, ".", second);
	assert_lookup(second, "..", 48);
	job.video = VIDEO_REMOVED;
	put(job);
	assert_no_lookup(second, ".", -ESTALE);
}

static void no_directory(void **state)
{
	(void)state;
	put(job_named(1, "aaa"));
	static const struct {
		uint64_t inode;
		int error;
	} cases[] = {
		{ 0, -ENOENT },
		{ 10, -ENOTDIR },
		{ 15, -ENOENT },
		{ 17, -ENOTDIR },
		{ 18, -ENOTDIR },
		{ 19, -ENOTDIR },
		{ 20, -ENOTDIR },
		{ 21, -ENOENT },
		{ 32, -ENOENT },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tree_entry entry;
		assert_no_lookup(cases[i].inode, "status.json", cases[i].error);
		assert_int_equal(tree_list(cases[i].inode, 0, &entry), cases[i].error);
		assert_int_equal(tree_list(cases[i].inode, AT(2), &entry), cases[i].error);
	}
}

static void long_names(void **state)
{
	(void)state;
	char name[300];
	put(job_named(1, "aaa"));
	static const uint64_t directories[] = { TREE_ROOT, TREE_JOBS, 16 };
	for (size_t i = 0; i < 3; i++) {
		memset(name, 'a', sizeof(name));
		name[256] = '\0';
		assert_no_lookup(directories[i], name, -ENAMETOOLONG);
		name[255] = '\0';
		assert_no_lookup(directories[i], name, -ENOENT);
	}
	name[191] = '\0';
	put(job_named(2, name));
	assert_lookup(TREE_JOBS, name, 32);
	assert_entry(TREE_JOBS, AT(3), 32, name);
}

static void videos_there(void **state)
{
	(void)state;
	static const struct {
		enum video_state video;
		int64_t size;
		bool there;
	} cases[] = {
		{ VIDEO_NONE, -1, false },
		{ VIDEO_FETCHING, -1, false },
		{ VIDEO_FETCHING, 0, true },
		{ VIDEO_FETCHING, 10, true },
		{ VIDEO_READY, 10, true },
		{ VIDEO_LOST, 10, false },
		{ VIDEO_REMOVED, 10, false },
	};
	struct job job = done_job(1, "aaa");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		job.video = cases[i].video;
		job.video_size = cases[i].size;
		put(job);
		assert_int_equal(job_has_video(&job), cases[i].there);
		struct tree_entry entry;
		assert_int_equal(tree_list(16, AT(4), &entry), cases[i].there);
		if (cases[i].there)
			assert_lookup(16, "video.mp4", 19);
		else
			assert_no_lookup(16, "video.mp4", -ENOENT);
	}
}

static void list_root(void **state)
{
	(void)state;
	uint64_t at = assert_entry(TREE_ROOT, 0, TREE_ROOT, ".");
	at = assert_entry(TREE_ROOT, at, TREE_ROOT, "..");
	at = assert_entry(TREE_ROOT, at, TREE_JOBS, "jobs");
	at = assert_entry(TREE_ROOT, at, TREE_BY_STATE, "by-state");
	struct tree_entry entry;
	assert_int_equal(tree_list(TREE_ROOT, at, &entry), 1);
	assert_string_equal(entry.name, "index.html");
	assert_int_equal(entry.inode, TREE_GALLERY);
	assert_int_equal(entry.type, S_IFREG);
	at = entry.next;
	assert_end(TREE_ROOT, at);
	assert_end(TREE_ROOT, UINT64_MAX);
}

static void list_job(void **state)
{
	(void)state;
	put(done_job(1, "aaa"));
	uint64_t at = assert_entry(16, 0, 16, ".");
	at = assert_entry(16, at, TREE_JOBS, "..");
	at = assert_entry(16, at, 17, "status.json");
	at = assert_entry(16, at, 18, "response.json");
	at = assert_entry(16, at, 19, "video.mp4");
	assert_end(16, at);
	assert_end(16, UINT64_MAX);
}

/* Jobs come and go between the calls: none is given twice, none that stays is left out. */
static void list_jobs(void **state)
{
	(void)state;
	assert_end(TREE_JOBS, AT(2));
	put(job_named(1, "aaa"));
	put(job_named(2, "bbb"));
	put(job_named(5, "ccc"));
	uint64_t at = assert_entry(TREE_JOBS, 0, TREE_JOBS, ".");
	at = assert_entry(TREE_JOBS, at, TREE_ROOT, "..");
	at = assert_entry(TREE_JOBS, at, tree_inode(1, TREE_JOB_DIR), "aaa");
	job_remove(1);
	at = assert_entry(TREE_JOBS, at, tree_inode(2, TREE_JOB_DIR), "bbb");
	job_remove(2);
	put(job_named(6, "ddd"));
	at = assert_entry(TREE_JOBS, at, tree_inode(5, TREE_JOB_DIR), "ccc");
	at = assert_entry(TREE_JOBS, at, tree_inode(6, TREE_JOB_DIR), "ddd");
	assert_end(TREE_JOBS, at);
	put(job_named(7, "aaa"));
	at = assert_entry(TREE_JOBS, at, tree_inode(7, TREE_JOB_DIR), "aaa");
	assert_end(TREE_JOBS, at);
}

static void forgotten(void **state)
{
	(void)state;
	struct tree_entry entry;
	put(done_job(1, "aaa"));
	assert_int_equal(job_hide(1), 0);
	assert_no_lookup(TREE_JOBS, "aaa", -ENOENT);
	assert_no_lookup(16, "status.json", -ENOENT);
	assert_int_equal(tree_list(16, 0, &entry), -ENOENT);
	assert_end(TREE_JOBS, AT(2));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(numbers),
		TEST(epochs),
		TEST(lookup),
		TEST(dots),
		TEST(dots_of_videos),
		TEST(no_directory),
		TEST(long_names),
		TEST(videos_there),
		TEST(list_root),
		TEST(list_job),
		TEST(list_jobs),
		TEST(forgotten),
	};
	return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
