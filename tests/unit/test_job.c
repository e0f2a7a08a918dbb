/* SPDX-License-Identifier: MIT */
/* The job table: what goes in comes out, who sees it, and what is held while it is open. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "jobs.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define FAR_SERIAL (UINT64_C(1) << 60)
#define NUMBERS offsetof(struct job, id)

static void put_number(uint64_t serial)
{
	char id[ID_SIZE];
	(void)snprintf(id, sizeof(id), "job-%llu", (unsigned long long)serial);
	put(job_named(serial, id));
}

static void assert_news(uint64_t serial, unsigned what)
{
	struct job_news news;
	assert_true(job_news_wait(&news));
	assert_int_equal(news.serial, serial);
	assert_int_equal(news.what, what);
}

static size_t count(void)
{
	struct job_listing listing;
	job_listing(JOB_UNKNOWN, &listing);
	return listing.jobs;
}

/* All ways to see a job agree that this one is there. */
static void assert_there(uint64_t serial, const char *id)
{
	struct job_view view;
	char next[ID_SIZE] = "";

	assert_int_equal(job_get(serial, &view), 0);
	assert_int_equal(view.job.serial, serial);
	assert_string_equal(view.job.id, id);
	assert_int_equal(job_find(id), serial);
	assert_int_equal(job_next(JOB_UNKNOWN, serial - 1, next), serial);
	assert_string_equal(next, id);
}

static void assert_gone(uint64_t serial, const char *id)
{
	struct job_view view;
	char next[ID_SIZE];

	assert_int_equal(job_get(serial, &view), -ENOENT);
	assert_int_equal(job_find(id), 0);
	assert_int_not_equal(job_next(JOB_UNKNOWN, serial - 1, next), serial);
	assert_int_equal(job_open(serial, JOB_FILE_STATUS), -ENOENT);
	assert_int_equal(job_hide(serial), -ENOENT);
}

/* ---- the table --------------------------------------------------------------------------------- */

static void nothing_before_it_is_open(void **state)
{
	(void)state;
	assert_gone(1, "a");
	assert_int_equal(count(), 0);
}

static void empty(void **state)
{
	struct job job;
	(void)state;
	assert_gone(1, "a");
	assert_gone(UINT64_MAX, "a");
	assert_int_equal(job_get_hidden(1, &job), -ENOENT);
	assert_int_equal(count(), 0);
	job_close(1, JOB_FILE_STATUS);
	job_unhide(1);
}

static void several(void **state)
{
	char longest[ID_SIZE], next[ID_SIZE];
	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	put(job_named(1, "a"));
	put(job_named(7, longest));
	put(job_named(FAR_SERIAL, "A"));
	assert_there(1, "a");
	assert_there(7, longest);
	assert_there(FAR_SERIAL, "A");
	assert_gone(6, "b");
	assert_int_equal(job_next(JOB_UNKNOWN, 1, next), 7);
	assert_int_equal(job_next(JOB_UNKNOWN, FAR_SERIAL, next), 0);
	assert_int_equal(count(), 3);
}

static void the_newest_first(void **state)
{
	struct job job;
	(void)state;
	assert_int_equal(job_before(UINT64_MAX, &job), 0);
	int64_t opened_ms = job_changed_ms();
	put(job_named(1, "a"));
	put(job_named(7, "b"));
	put(job_named(8, "c"));
	put(job_named(FAR_SERIAL, "d"));
	int64_t put_ms = job_changed_ms();
	assert_true(put_ms > opened_ms);
	assert_int_equal(job_before(UINT64_MAX, &job), FAR_SERIAL);
	assert_string_equal(job.id, "d");
	assert_int_equal(job_hide(7), 0);
	assert_int_equal(job_hide(8), 0);
	assert_true(job_changed_ms() > put_ms);
	put_ms = job_changed_ms();
	assert_int_equal(job_before(FAR_SERIAL, &job), 1);
	assert_string_equal(job.id, "a");
	assert_int_equal(job_before(1, &job), 0);
	assert_int_equal(job_before(0, &job), 0);
	/* To look changes nothing. */
	assert_int_equal(job_changed_ms(), put_ms);
}

static void a_new_value_takes_the_place_of_the_old(void **state)
{
	struct job_view view;
	(void)state;
	put(job_named(1, "a"));
	put(job_named(2, "b"));
	assert_int_equal(job_get(1, &view), 0);
	view.job.state = JOB_FAILED;
	(void)snprintf(view.job.error_message, sizeof(view.job.error_message), "no");
	assert_int_equal(job_put(&view.job), 0);
	assert_int_equal(count(), 2);
	assert_int_equal(job_get(1, &view), 0);
	assert_int_equal(view.job.state, JOB_FAILED);
	assert_string_equal(view.job.error_message, "no");
	assert_there(1, "a");
	assert_there(2, "b");
}

static void more_than_its_first_room(void **state)
{
	enum { MANY = 5000 };
	char id[ID_SIZE], next[ID_SIZE];
	uint64_t seen = 0, last = 0;

	(void)state;
	for (uint64_t i = 1; i <= MANY; i++)
		put_number(i * 3);
	assert_int_equal(count(), MANY);
	for (uint64_t i = 1; i <= MANY; i += 2)
		job_remove(i * 3);
	for (uint64_t s = job_next(JOB_UNKNOWN, 0, next); s != 0;
		s = job_next(JOB_UNKNOWN, s, next)) {
		assert_true(s > last);
		(void)snprintf(id, sizeof(id), "job-%llu", (unsigned long long)s);
		assert_there(s, id);
		last = s;
		seen++;
	}
	assert_int_equal(seen, MANY / 2);
	assert_int_equal(count(), MANY / 2);
	assert_gone(3, "job-3");
}

static void removed(void **state)
{
	(void)state;
	put(job_named(1, "a"));
	put(job_named(2, "b"));
	put(job_named(3, "c"));
	job_remove(2);
	assert_gone(2, "b");
	assert_there(1, "a");
	assert_there(3, "c");
	/* Its user may track it again: a new job, with a serial of its own. */
	put(job_named(4, "b"));
	assert_there(4, "b");
	job_remove(4);
	job_remove(1);
	job_remove(3);
	assert_int_equal(count(), 0);
}

/* ---- hidden, while it is being forgotten ---------------------------------------------------- */

static void hidden(void **state)
{
	struct job job;
	char next[ID_SIZE];
	(void)state;
	put(job_named(1, "a"));
	put(job_named(2, "b"));
	put(job_named(3, "c"));
	assert_int_equal(job_hide(2), 0);
	assert_gone(2, "b");
	assert_int_equal(job_next(JOB_UNKNOWN, 1, next), 3);
	assert_int_equal(job_get_hidden(2, &job), 0);
	assert_string_equal(job.id, "b");
	job_unhide(2);
	assert_there(2, "b");
}

/* The same id again, before the old one is gone: the visible one is found, whichever is older. */
static void hidden_beside_its_successor(void **state)
{
	(void)state;
	put(job_named(1, "a"));
	assert_int_equal(job_hide(1), 0);
	put(job_named(2, "a"));
	assert_int_equal(job_find("a"), 2);
	job_remove(1);
	assert_there(2, "a");
}

static void hidden_stays_so_with_a_new_value(void **state)
{
	(void)state;
	put(job_named(1, "a"));
	assert_int_equal(job_hide(1), 0);
	put(job_named(1, "a"));
	assert_gone(1, "a");
}

static void not_hidden_while_its_video_is_open(void **state)
{
	(void)state;
	put(job_named(1, "a"));
	assert_int_equal(job_open(1, JOB_FILE_VIDEO), 0);
	assert_int_equal(job_open(1, JOB_FILE_VIDEO), 0);
	assert_int_equal(job_hide(1), -EBUSY);
	job_close(1, JOB_FILE_VIDEO);
	assert_int_equal(job_hide(1), -EBUSY);
	assert_there(1, "a");
	job_close(1, JOB_FILE_VIDEO);
	assert_int_equal(job_hide(1), 0);
}

static void documents_hold_nothing_up(void **state)
{
	(void)state;
	put(job_named(1, "a"));
	assert_int_equal(job_open(1, JOB_FILE_STATUS), 0);
	assert_int_equal(job_open(1, JOB_FILE_RESPONSE), 0);
	assert_int_equal(job_hide(1), 0);
	job_close(1, JOB_FILE_STATUS);
	job_remove(1);
	job_close(1, JOB_FILE_RESPONSE);
}

/* ---- sizes that were shown -------------------------------------------------------------------- */

static uint32_t held(uint64_t serial, enum job_file file)
{
	struct job_view view;
	assert_int_equal(job_get(serial, &view), 0);
	return view.shown[file];
}

static void nothing_is_held_while_closed(void **state)
{
	(void)state;
	put(job_named(1, "a"));
	assert_int_equal(job_show(1, JOB_FILE_STATUS, 900), 900);
	assert_int_equal(job_show(1, JOB_FILE_STATUS, 800), 800);
	assert_int_equal(held(1, JOB_FILE_STATUS), 0);
	assert_int_equal(job_show(2, JOB_FILE_STATUS, 700), 700);
}

static void an_open_status_only_grows(void **state)
{
	(void)state;
	put(job_named(1, "a"));
	put(job_named(2, "b"));
	assert_int_equal(job_open(1, JOB_FILE_STATUS), 0);
	assert_int_equal(job_open(1, JOB_FILE_STATUS), 0);
	assert_int_equal(job_show(1, JOB_FILE_STATUS, 900), 900);
	assert_int_equal(job_show(1, JOB_FILE_STATUS, 800), 900);
	assert_int_equal(job_show(1, JOB_FILE_STATUS, 901), 901);
	assert_int_equal(held(1, JOB_FILE_STATUS), 901);
	assert_int_equal(held(1, JOB_FILE_RESPONSE), 0);
	assert_int_equal(job_show(2, JOB_FILE_STATUS, 800), 800);
	job_close(1, JOB_FILE_STATUS);
	assert_int_equal(job_show(1, JOB_FILE_STATUS, 800), 901);
	job_close(1, JOB_FILE_STATUS);
	assert_int_equal(job_show(1, JOB_FILE_STATUS, 800), 901);
	assert_news(1, JOB_NEWS_SIZE);
	job_settle_size(1);
	assert_int_equal(held(1, JOB_FILE_STATUS), 0);
	assert_int_equal(job_show(1, JOB_FILE_STATUS, 800), 800);
}

static void a_new_value_settles_what_was_shown(void **state)
{
	(void)state;
	put(job_named(1, "a"));
	assert_int_equal(job_open(1, JOB_FILE_STATUS), 0);
	assert_int_equal(job_show(1, JOB_FILE_STATUS, 900), 900);
	assert_int_equal(job_show(1, JOB_FILE_STATUS, 800), 900);
	job_close(1, JOB_FILE_STATUS);
	assert_int_equal(held(1, JOB_FILE_STATUS), 900);
	put(job_named(1, "a"));
	assert_int_equal(held(1, JOB_FILE_STATUS), 0);
}

static void what_is_held_outlives_a_new_value(void **state)
{
	(void)state;
	put(job_named(1, "a"));
	assert_int_equal(job_open(1, JOB_FILE_STATUS), 0);
	assert_int_equal(job_show(1, JOB_FILE_STATUS, 900), 900);
	put(job_named(1, "a"));
	assert_int_equal(held(1, JOB_FILE_STATUS), 900);
}

/* ---- packing ----------------------------------------------------------------------------------- */

#define TEXT(field)                                                                                \
	{                                                                                          \
#field, offsetof(struct job, field), sizeof(((struct job *)NULL)->field)           \
	}

static const struct {
	const char *name;
	size_t at, size;
} texts[] = {
	TEXT(id),
	TEXT(error_message),
	TEXT(model),
	TEXT(url),
	TEXT(video_message),
	TEXT(etag),
	TEXT(sha256),
	TEXT(code),
	TEXT(message),
	TEXT(task_status),
	TEXT(status),
	TEXT(poll_error),
};

/* Whoever adds a text to struct job has to add it here too, and so to the packing. */
static void the_list_of_texts_is_whole(void **state)
{
	size_t end = NUMBERS;
	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		assert_int_equal(texts[i].at, end);
		end += texts[i].size;
	}
	assert_in_range(sizeof(struct job) - end, 0, _Alignof(struct job) - 1);
}

static char *text_of(struct job *job, size_t i)
{
	return (char *)job + texts[i].at;
}

static void set_text(struct job *job, size_t i, size_t length)
{
	memset(text_of(job, i), 'a' + (int)i, length);
	text_of(job, i)[length] = '\0';
}

/* Puts it, gets it over other bytes, and compares. */
static void assert_survives(struct job *job)
{
	struct job_view view;
	memset(&view, 0x55, sizeof(view));
	job->serial = 1;
	assert_int_equal(job_put(job), 0);
	assert_int_equal(job_get(1, &view), 0);
	size_t used = job->video_extents.count * sizeof(struct extent);
	assert_memory_equal(&view.job, job, offsetof(struct job, video_extents.at) + used);
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_string_equal(text_of(&view.job, i), text_of(job, i));
	job_remove(1);
}

/* Each text empty, with one character, and full, while all others have another length. */
static void every_text(void **state)
{
	struct job job;
	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		const size_t lengths[] = { i > 0 ? 0 : 1, 1, texts[i].size - 1 };
		for (size_t l = 0; l < COUNT(lengths); l++) {
			job_init(&job, "", 0);
			for (size_t other = 0; other < COUNT(texts); other++)
				set_text(&job, other, 2 + other);
			set_text(&job, i, lengths[l]);
			assert_survives(&job);
		}
	}
}

static void all_texts_full_and_all_empty(void **state)
{
	struct job job;
	(void)state;
	job_init(&job, "", 0);
	assert_survives(&job);
	for (size_t i = 0; i < COUNT(texts); i++)
		set_text(&job, i, texts[i].size - 1);
	assert_survives(&job);
}

/* Cut, and nothing of its neighbour goes along; an id is valid, or never gets here. */
static void a_text_without_an_end(void **state)
{
	struct job job;
	struct job_view view;
	(void)state;
	for (size_t i = 1; i < COUNT(texts); i++) {
		job_init(&job, "a", 0);
		job.serial = 1;
		memset(text_of(&job, i), 'z', texts[i].size);
		assert_int_equal(job_put(&job), 0);
		assert_int_equal(job_get(1, &view), 0);
		assert_int_equal(strlen(text_of(&view.job, i)), texts[i].size - 1);
		job_remove(1);
	}
}

static void ready_bytes(void **state)
{
	struct job one = done_job(1, "one"), two = done_job(2, "two");
	(void)state;
	assert_int_equal(job_ready_bytes(), 0);
	put(one);
	put(two);
	assert_int_equal(job_ready_bytes(), 2050);
	one.video = VIDEO_REMOVED;
	put(one);
	assert_int_equal(job_ready_bytes(), 1025);
	two.video_size = 5000;
	put(two);
	assert_int_equal(job_ready_bytes(), 5000);
	job_remove(1);
	assert_int_equal(job_ready_bytes(), 5000);
	job_remove(2);
	assert_int_equal(job_ready_bytes(), 0);
}

static void every_number(void **state)
{
	struct job job;
	(void)state;
	job_init(&job, "a", INT64_MAX);
	memset(&job, 0xa5, NUMBERS);
	/* A bool and an enum are not any byte. */
	job.forgotten = job.wrapped = true;
	job.state = JOB_EXPIRED;
	job.error = ERROR_TRANSPORT;
	job.video = VIDEO_REMOVED;
	job.video_error = ERROR_AUTH;
	job.duration_s = 0.1;
	for (uint32_t extents = 0; extents <= EXTENTS_MAX; extents++) {
		job.video_extents.count = extents;
		assert_survives(&job);
	}
}

#define ON_TABLE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_before_it_is_open),
		ON_TABLE(empty),
		ON_TABLE(several),
		ON_TABLE(the_newest_first),
		ON_TABLE(a_new_value_takes_the_place_of_the_old),
		ON_TABLE(more_than_its_first_room),
		ON_TABLE(removed),
		ON_TABLE(hidden),
		ON_TABLE(hidden_beside_its_successor),
		ON_TABLE(hidden_stays_so_with_a_new_value),
		ON_TABLE(not_hidden_while_its_video_is_open),
		ON_TABLE(documents_hold_nothing_up),
		ON_TABLE(nothing_is_held_while_closed),
		ON_TABLE(an_open_status_only_grows),
		ON_TABLE(a_new_value_settles_what_was_shown),
		ON_TABLE(what_is_held_outlives_a_new_value),
		cmocka_unit_test(the_list_of_texts_is_whole),
		ON_TABLE(every_text),
		ON_TABLE(all_texts_full_and_all_empty),
		ON_TABLE(a_text_without_an_end),
		ON_TABLE(every_number),
		ON_TABLE(ready_bytes),
	};
	return cmocka_run_group_tests_name("job", tests, NULL, NULL);
}
