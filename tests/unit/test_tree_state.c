/* SPDX-License-Identifier: MIT */
/* by-state/ and .cometfs/, and what the kernel may keep of names and attributes. */
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
#include "view.h"

#define AT(position) ((position) * (uint64_t)JOB_EDITIONS)
#define LINK(serial) tree_inode(serial, TREE_LINK)

static const struct tree_owner owner = { .uid = 7, .gid = 8, .umask = 077, .started_ms = 5001 };

static uint32_t status_size(const struct job_view *view)
{
	(void)view;
	return 100;
}

static uint32_t figures_size(uint64_t inode)
{
	return (uint32_t)inode * 100;
}

static int no_orphan(uint64_t inode, uint32_t *size)
{
	(void)inode, (void)size;
	return -ENOENT;
}

static const struct tree_sizes sizes = {
	.status = status_size, .figures = figures_size, .orphan = no_orphan
};

static struct stat stat_of(uint64_t inode, enum tree_lasts expected)
{
	struct stat st;
	enum tree_lasts lasts;
	assert_int_equal(tree_stat(inode, &owner, &sizes, &st, &lasts), 0);
	assert_int_equal(lasts, expected);
	return st;
}

static uint64_t entry(uint64_t inode, uint64_t at, uint64_t expected, mode_t type, const char *name)
{
	struct tree_entry e;
	assert_int_equal(tree_list(inode, at, &e), 1);
	assert_int_equal(e.inode, expected);
	assert_int_equal(e.type, type);
	assert_string_equal(e.name, name);
	return e.next;
}

static void end(uint64_t inode, uint64_t at)
{
	struct tree_entry e;
	assert_int_equal(tree_list(inode, at, &e), 0);
}

static struct job job_in(enum job_state state, uint64_t serial, const char *id)
{
	struct job job = job_named(serial, id);
	job.state = state;
	return job;
}

/* The directories have the words that the documents have. */
static void words(void **unused)
{
	uint64_t at = AT(2), inode;
	(void)unused;
	for (enum job_state state = JOB_QUEUED; state <= JOB_EXPIRED; state++) {
		at = entry(TREE_BY_STATE, at, TREE_STATE(state), S_IFDIR, view_job_state(state));
		assert_int_equal(tree_lookup(TREE_BY_STATE, view_job_state(state), &inode), 0);
		assert_int_equal(inode, TREE_STATE(state));
	}
	end(TREE_BY_STATE, at);
	assert_int_equal(tree_lookup(TREE_BY_STATE, "unknown", &inode), -ENOENT);
}

static void links(void **unused)
{
	char target[TREE_TARGET_SIZE];
	uint64_t inode;
	(void)unused;
	put(job_in(JOB_UNKNOWN, 1, "new"));
	put(job_in(JOB_RUNNING, 2, "one"));
	put(job_in(JOB_DONE, 3, "two"));
	put(job_in(JOB_RUNNING, 4, "three"));
	uint64_t running = TREE_STATE(JOB_RUNNING);
	uint64_t at = entry(running, 0, running, S_IFDIR, ".");
	at = entry(running, at, TREE_BY_STATE, S_IFDIR, "..");
	at = entry(running, at, LINK(2), S_IFLNK, "one");
	at = entry(running, at, LINK(4), S_IFLNK, "three");
	end(running, at);
	assert_int_equal(tree_lookup(running, "one", &inode), 0);
	assert_int_equal(inode, LINK(2));
	assert_int_equal(tree_lookup(running, "two", &inode), -ENOENT);
	assert_int_equal(tree_lookup(LINK(2), "..", &inode), 0);
	assert_int_equal(inode, running);
	assert_int_equal(tree_target(LINK(2), target), 0);
	assert_string_equal(target, "../../jobs/one");
	assert_int_equal(tree_target(LINK(9), target), -ENOENT);
	assert_int_equal(tree_target(TREE_JOBS, target), -EINVAL);
	assert_int_equal(tree_target(tree_inode(2, TREE_STATUS), target), -EINVAL);
	struct stat st = stat_of(LINK(2), TREE_LASTS_KNOWN);
	assert_int_equal(st.st_mode, S_IFLNK | 0777);
	assert_int_equal(st.st_size, strlen("../../jobs/one"));
	assert_int_equal(st.st_uid, 7);
}

static void a_link_follows_the_state(void **unused)
{
	uint64_t inode;
	(void)unused;
	put(job_in(JOB_QUEUED, 1, "one"));
	struct stat queued = stat_of(TREE_STATE(JOB_QUEUED), TREE_LASTS);
	struct stat done = stat_of(TREE_STATE(JOB_DONE), TREE_LASTS);
	struct stat failed = stat_of(TREE_STATE(JOB_FAILED), TREE_LASTS);
	put(job_in(JOB_DONE, 1, "one"));
	assert_int_equal(tree_lookup(TREE_STATE(JOB_QUEUED), "one", &inode), -ENOENT);
	assert_int_equal(tree_lookup(TREE_STATE(JOB_DONE), "one", &inode), 0);
	struct stat st = stat_of(TREE_STATE(JOB_QUEUED), TREE_LASTS);
	assert_memory_not_equal(&st.st_mtim, &queued.st_mtim, sizeof(st.st_mtim));
	st = stat_of(TREE_STATE(JOB_DONE), TREE_LASTS);
	assert_memory_not_equal(&st.st_mtim, &done.st_mtim, sizeof(st.st_mtim));
	st = stat_of(TREE_STATE(JOB_FAILED), TREE_LASTS);
	assert_memory_equal(&st.st_mtim, &failed.st_mtim, sizeof(st.st_mtim));
}

/* More than are looked at in one go. */
static void a_needle(void **unused)
{
	char id[ID_SIZE];
	(void)unused;
	for (uint64_t serial = 1; serial <= 5000; serial++) {
		(void)snprintf(id, sizeof(id), "job-%d", (int)serial);
		put(job_in(serial == 4097 ? JOB_FAILED : JOB_DONE, serial, id));
	}
	uint64_t at = entry(TREE_STATE(JOB_FAILED), AT(2), LINK(4097), S_IFLNK, "job-4097");
	end(TREE_STATE(JOB_FAILED), at);
	end(TREE_STATE(JOB_EXPIRED), AT(2));
}

static void meta(void **unused)
{
	uint64_t inode;
	(void)unused;
	assert_int_equal(tree_lookup(TREE_ROOT, ".cometfs", &inode), 0);
	assert_int_equal(inode, TREE_META);
	uint64_t at = entry(TREE_META, 0, TREE_META, S_IFDIR, ".");
	at = entry(TREE_META, at, TREE_ROOT, S_IFDIR, "..");
	at = entry(TREE_META, at, TREE_EVENTS, S_IFREG, "events");
	at = entry(TREE_META, at, TREE_STATS, S_IFREG, "stats.json");
	at = entry(TREE_META, at, TREE_METRICS, S_IFREG, "metrics.prom");
	end(TREE_META, at);
	assert_int_equal(stat_of(TREE_EVENTS, TREE_LASTS).st_size, 0);
	assert_int_equal(stat_of(TREE_STATS, TREE_CHANGES).st_size, TREE_STATS * 100);
	assert_int_equal(stat_of(TREE_METRICS, TREE_CHANGES).st_mode, S_IFREG | 0400);
	assert_int_equal(tree_lookup(TREE_EVENTS, "x", &inode), -ENOTDIR);
}

/* The editions of it that there are, to this test: those of an even epoch. */
static int edition(uint64_t inode, uint32_t *size, int64_t *changed_ms)
{
	uint64_t epoch = inode >> 40;
	*size = (uint32_t)epoch * 10;
	*changed_ms = (int64_t)epoch * 1000 + 7;
	return epoch % 2 == 0 ? 0 : -ESTALE;
}

static void gallery(void **unused)
{
	const struct tree_sizes of_gallery = { .gallery = edition };
	const struct tree_owner somebody = { .umask = 022 };
	enum tree_lasts lasts;
	struct stat st;
	uint64_t inode;
	(void)unused;
	assert_int_equal(tree_lookup(TREE_ROOT, "index.html", &inode), 0);
	assert_int_equal(inode, TREE_GALLERY);
	assert_false(tree_name_lasts(TREE_ROOT, "index.html"));
	uint64_t second = tree_inode_of_gallery(2);
	assert_int_equal(tree_number(second), TREE_GALLERY);
	assert_int_equal(tree_serial(second), 0);
	assert_int_equal(tree_inode_of_gallery(UINT32_C(0xff000002)), second);
	assert_int_equal(tree_stat(second, &somebody, &of_gallery, &st, &lasts), 0);
	assert_int_equal(st.st_mode, S_IFREG | 0444);
	assert_int_equal(st.st_ino, TREE_GALLERY);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(st.st_size, 20);
	assert_int_equal(st.st_mtim.tv_sec, 2);
	assert_int_equal(st.st_mtim.tv_nsec, 7000000);
	assert_int_equal(lasts, TREE_CHANGES);
	assert_int_equal(
		tree_stat(tree_inode_of_gallery(3), &somebody, &of_gallery, &st, &lasts), -ESTALE);
	/* For who has a handle of it. */
	assert_int_equal(tree_lookup(second, ".", &inode), 0);
	assert_int_equal(inode, second);
	assert_int_equal(tree_lookup(second, "..", &inode), 0);
	assert_int_equal(inode, TREE_ROOT);
	assert_int_equal(tree_lookup(second, "x", &inode), -ENOTDIR);
	/* Nothing else that is fixed has editions. */
	assert_int_equal(tree_lookup(second - TREE_GALLERY + TREE_ROOT, ".", &inode), -ENOENT);
	assert_int_equal(tree_lookup(second - TREE_GALLERY + 15, ".", &inode), -ENOENT);
}

/* Videos and answers come by themselves, and by-state/ follows; everything else is done through the mount. */
static void names(void **unused)
{
	const uint64_t under_way = tree_inode(1, TREE_JOB_DIR),
		       at_rest = tree_inode(2, TREE_JOB_DIR);
	(void)unused;
	put(job_in(JOB_RUNNING, 1, "one"));
	put(done_job(2, "two"));
	assert_true(tree_name_lasts(TREE_ROOT, "jobs"));
	assert_true(tree_name_lasts(TREE_JOBS, "one"));
	assert_true(tree_name_lasts(under_way, "status.json"));
	assert_false(tree_name_lasts(under_way, "response.json"));
	assert_false(tree_name_lasts(under_way, "video.mp4"));
	assert_true(tree_name_lasts(at_rest, "response.json"));
	assert_true(tree_name_lasts(at_rest, "video.mp4"));
	assert_false(tree_name_lasts(TREE_STATE(JOB_DONE), "two"));
	assert_true(tree_absence_lasts(TREE_ROOT, ".hidden"));
	assert_true(tree_absence_lasts(TREE_JOBS, ".hidden"));
	assert_false(tree_absence_lasts(TREE_JOBS, "three"));
	assert_true(tree_absence_lasts(under_way, ".hidden"));
	assert_false(tree_absence_lasts(under_way, "video.mp4"));
	assert_false(tree_absence_lasts(at_rest, "video.mp4"));
	assert_false(tree_absence_lasts(TREE_STATE(JOB_DONE), "three"));
}

/* Who has an old one open keeps it; a name leads to the new one. */
static void answers(void **unused)
{
	(void)unused;
	struct job job = job_in(JOB_RUNNING, 1, "one");
	job.poll_count = 1;
	job.response_size = 300;
	put(job);
	uint64_t first = 0, second = 0;
	assert_int_equal(tree_lookup(16, "response.json", &first), 0);
	assert_int_equal(stat_of(first, TREE_LASTS).st_ino, 18);
	job.poll_count = 2;
	job.response_size = 900;
	put(job);
	assert_int_equal(tree_lookup(16, "response.json", &second), 0);
	assert_int_not_equal(first, second);
	assert_int_equal(stat_of(second, TREE_LASTS).st_ino, 18);
	assert_int_equal(stat_of(first, TREE_CHANGES).st_ino, 18);
	assert_true(tree_is_stale(first, &job));
}

/* Whoever has a handle from somewhere may ask for anything. */
static void forged(void **unused)
{
	static const uint64_t inodes[] = { UINT64_C(0x10000000002), UINT64_C(0x10000000010),
		UINT64_C(0x10000000011), UINT64_MAX, 15, 21 };
	uint64_t inode;
	(void)unused;
	put(done_job(1, "one"));
	for (size_t i = 0; i < sizeof(inodes) / sizeof(inodes[0]); i++) {
		assert_int_equal(tree_lookup(inodes[i], ".", &inode), -ENOENT);
		assert_int_equal(tree_lookup(inodes[i], "..", &inode), -ENOENT);
	}
}

static uint64_t recalled;

/* In between the old value is there still, and nothing that is said of it lasts. */
static void on_recall(const struct job *before, const struct job *after, bool told)
{
	assert_non_null(before);
	assert_true(told);
	recalled = after->serial;
	(void)stat_of(tree_inode(1, TREE_STATUS), TREE_CHANGES);
	(void)stat_of(tree_inode(1, TREE_JOB_DIR), TREE_CHANGES);
	(void)stat_of(TREE_STATE(JOB_QUEUED), TREE_CHANGES);
	(void)stat_of(TREE_STATE(JOB_RUNNING), TREE_CHANGES);
	(void)stat_of(TREE_STATE(JOB_DONE), TREE_LASTS);
	(void)stat_of(TREE_JOBS, TREE_LASTS);
	struct job_view view;
	assert_int_equal(job_get(1, &view), 0);
	assert_int_equal(view.job.state, JOB_QUEUED);
}

static void on_changed(uint64_t serial)
{
	assert_int_equal(recalled, serial);
	(void)stat_of(tree_inode(1, TREE_STATUS), TREE_LASTS_KNOWN);
}

static void nothing_lasts_before_a_change(void **unused)
{
	static const struct job_audience audience = { on_recall, on_changed };
	(void)unused;
	put(job_in(JOB_QUEUED, 1, "one"));
	(void)stat_of(tree_inode(1, TREE_STATUS), TREE_LASTS_KNOWN);
	recalled = 0;
	job_set_audience(&audience);
	put(job_in(JOB_RUNNING, 1, "one"));
	job_set_audience(NULL);
	assert_int_equal(recalled, 1);
	(void)stat_of(TREE_STATE(JOB_RUNNING), TREE_LASTS);
}

/* The bytes of a video that comes in are told of by nobody. */
static void videos_last_when_they_are_whole(void **unused)
{
	(void)unused;
	struct job job = done_job(1, "one");
	job.video = VIDEO_FETCHING;
	job.video_bytes = 10;
	put(job);
	(void)stat_of(tree_inode(1, TREE_VIDEO), TREE_CHANGES);
	put(done_job(1, "one"));
	(void)stat_of(tree_inode(1, TREE_VIDEO), TREE_LASTS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(words),
		TEST(links),
		TEST(a_link_follows_the_state),
		TEST(a_needle),
		TEST(meta),
		TEST(gallery),
		TEST(names),
		TEST(answers),
		TEST(forged),
		TEST(nothing_lasts_before_a_change),
		TEST(videos_last_when_they_are_whole),
	};
	return cmocka_run_group_tests_name("tree_state", tests, NULL, NULL);
}
