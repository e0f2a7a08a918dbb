/* SPDX-License-Identifier: MIT */
/* Extended attributes: who has which, and what of an address is told. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "view.h"

#define STATE "user.cometfs.state"
#define TYPE "user.mime_type"
#define ORIGIN "user.xdg.origin.url"
#define SHA256 "user.cometfs.sha256"
#define SUM "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static struct job done_job(enum video_state video, const char *url)
{
	struct job job;
	job_init(&job, "aaa", 0);
	job.state = JOB_DONE;
	job.video = video;
	assert_in_range(snprintf(job.url, sizeof(job.url), "%s", url), 0, URL_SIZE - 1);
	(void)snprintf(job.sha256, sizeof(job.sha256), "%s", SUM);
	return job;
}

/* NULL: there is no such attribute. */
static void assert_attr(
	enum view_attr_of of, const struct job *job, const char *name, const char *expected)
{
	char value[VIEW_ATTR_SIZE];
	int length = view_attr(of, job, name, value);
	if (expected == NULL) {
		assert_int_equal(length, -ENODATA);
		return;
	}
	assert_int_equal(length, strlen(expected));
	assert_string_equal(value, expected);
}

/* The names as one text, a blank behind each. */
static void assert_names(enum view_attr_of of, const struct job *job, const char *expected)
{
	char names[VIEW_ATTR_SIZE];
	size_t length = view_attr_names(of, job, names);
	assert_int_equal(length, strlen(expected));
	for (size_t i = 0; i < length; i++)
		assert_int_equal(names[i] != '\0' ? names[i] : ' ', expected[i]);
}

static void of_a_job(void **state)
{
	(void)state;
	struct job job;
	job_init(&job, "aaa", 0);
	assert_attr(VIEW_ATTR_OF_JOB, &job, STATE, "unknown");
	job = done_job(VIDEO_READY, "https://a/b");
	assert_attr(VIEW_ATTR_OF_JOB, &job, STATE, "done");
	assert_attr(VIEW_ATTR_OF_JOB, &job, TYPE, NULL);
	assert_attr(VIEW_ATTR_OF_JOB, &job, ORIGIN, NULL);
	assert_attr(VIEW_ATTR_OF_JOB, &job, SHA256, NULL);
	assert_names(VIEW_ATTR_OF_JOB, &job, STATE " ");
}

static void of_a_video(void **state)
{
	(void)state;
	struct job job = done_job(VIDEO_READY, "https://a/b");
	assert_attr(VIEW_ATTR_OF_VIDEO, &job, TYPE, "video/mp4");
	assert_attr(VIEW_ATTR_OF_VIDEO, &job, ORIGIN, "https://a/b");
	assert_attr(VIEW_ATTR_OF_VIDEO, &job, SHA256, SUM);
	assert_attr(VIEW_ATTR_OF_VIDEO, &job, STATE, NULL);
	assert_names(VIEW_ATTR_OF_VIDEO, &job, TYPE " " ORIGIN " " SHA256 " ");
}

/* The hash of what has come so far is not the video's. */
static void of_a_video_that_comes_in(void **state)
{
	(void)state;
	struct job job = done_job(VIDEO_FETCHING, "https://a/b");
	assert_attr(VIEW_ATTR_OF_VIDEO, &job, SHA256, NULL);
	assert_names(VIEW_ATTR_OF_VIDEO, &job, TYPE " " ORIGIN " ");
	job = done_job(VIDEO_REMOVED, "");
	assert_attr(VIEW_ATTR_OF_VIDEO, &job, SHA256, NULL);
	assert_names(VIEW_ATTR_OF_VIDEO, &job, TYPE " ");
}

static void no_such_name(void **state)
{
	(void)state;
	static const char *const names[] = { "", "user.", "user.mime_typ", "user.mime_type2",
		"USER.MIME_TYPE", "mime_type", "user.cometfs", "security.selinux" };
	const struct job job = done_job(VIDEO_READY, "https://a/b");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_attr(VIEW_ATTR_OF_VIDEO, &job, names[i], NULL);
		assert_attr(VIEW_ATTR_OF_JOB, &job, names[i], NULL);
	}
}

static void origins(void **state)
{
	(void)state;
	static const struct {
		const char *url;
		const char *told;
	} cases[] = {
		{ "", NULL },
		{ "https://vidgen.x.ai/v/a.mp4", "https://vidgen.x.ai/v/a.mp4" },
		{ "HTTPS://Vidgen.x.ai:8443/A.mp4", "HTTPS://Vidgen.x.ai:8443/A.mp4" },
		{ "http://[::1]:80/a.mp4", "http://[::1]:80/a.mp4" },
		{ "https://[2001:db8::1]/a.mp4", "https://[2001:db8::1]/a.mp4" },
		{ "https://h", "https://h" },
		{ "https://h/%3Fa%23b%40c/\xc3\xa4", "https://h/%3Fa%23b%40c/\xc3\xa4" },
		/* the query, and the fragment */
		{ "https://h/a.mp4?X-Amz-Signature=secret", "https://h/a.mp4" },
		{ "https://h/a.mp4#secret?b", "https://h/a.mp4" },
		{ "https://h?secret", "https://h" },
		{ "https://h#secret", "https://h" },
		{ "https://h/a?b=https://secret@h/", "https://h/a" },
		/* who asks */
		{ "https://secret@h/a", "https://h/a" },
		{ "https://me:secret@h/a", "https://h/a" },
		{ "https://me:secret@h:1/a@b", "https://h:1/a@b" },
		{ "https://me@else:secret@h/a", "https://h/a" },
		{ "https://me:secret@[::1]/a", "https://[::1]/a" },
		{ "https://me:secret@h?c", "https://h" },
		{ "https:///me:secret@h/a", "https://h/a" },
		{ "https:////me:secret@h/a", "https://h/a" },
		{ "https:///\\/me:secret@h/a", "https://h/a" },
		{ "https://me:sec\\ret@h/a", "https://h/a" },
		/* not told at all */
		{ "https://", NULL },
		{ "https:///", NULL },
		{ "https://@/a", NULL },
		{ "https://me:secret@/a", NULL },
		{ "https://:secret/a", NULL },
		{ "https://me:secret/a", NULL },
		{ "https://me:secret?@h/a", NULL },
		{ "https://me:secret#@h/a", NULL },
		{ "https://h:80secret/a", NULL },
		{ "https://[::1]:secret/a", NULL },
		{ "https://h\\a", NULL },
		{ "https://h%40/a", NULL },
		{ "h/a", NULL },
		{ "https:/h?a=https://b/", NULL },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct job job = done_job(VIDEO_READY, cases[i].url);
		assert_attr(VIEW_ATTR_OF_VIDEO, &job, ORIGIN, cases[i].told);
	}
}

/* A cut address would be another one. */
static void long_origins(void **state)
{
	(void)state;
	char url[URL_SIZE];
	struct job job;

	memset(url, 'a', sizeof(url));
	memcpy(url, "https://h/", 10);
	url[VIEW_ATTR_SIZE - 1] = '\0';
	job = done_job(VIDEO_READY, url);
	assert_attr(VIEW_ATTR_OF_VIDEO, &job, ORIGIN, url);
	url[VIEW_ATTR_SIZE - 1] = 'a';
	url[VIEW_ATTR_SIZE] = '\0';
	job = done_job(VIDEO_READY, url);
	assert_attr(VIEW_ATTR_OF_VIDEO, &job, ORIGIN, NULL);
	assert_names(VIEW_ATTR_OF_VIDEO, &job, TYPE " " SHA256 " ");

	/* What is left out takes no room. */
	memset(url + 10, 'a', sizeof(url) - 10);
	url[20] = '?';
	url[URL_SIZE - 1] = '\0';
	job = done_job(VIDEO_READY, url);
	assert_attr(VIEW_ATTR_OF_VIDEO, &job, ORIGIN, "https://h/aaaaaaaaaa");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(of_a_job),
		cmocka_unit_test(of_a_video),
		cmocka_unit_test(of_a_video_that_comes_in),
		cmocka_unit_test(no_such_name),
		cmocka_unit_test(origins),
		cmocka_unit_test(long_origins),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
