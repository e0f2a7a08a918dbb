/* SPDX-License-Identifier: MIT */
/*
 * provider: every answer in tests/data/fixtures against what stands beside it, the vectors of
 * words and percentages, hostile bodies, request ids and URLs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "provider.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define FIXTURES "tests/data/fixtures"
#define BODY_MAX ((size_t)1 << 20)
#define BODIES_MIN 120 /* fewer: the directory is not the right one */

static const char *const dialects[] = { "comet", "xai" };

static const char *const kinds[] = { "job", "no_url", "not_found", "bad_request", "auth", "quota",
	"limited", "busy", "config", "unreadable" };
static const char *const states[] = { "unknown", "queued", "running", "done", "failed", "expired" };
static const char *const errors[] = { "none", "moderated", "not_found", "no_url", "bad_request",
	"provider" };

/* ---- files ---------------------------------------------------------------------------------- */

/* The whole file, with a NUL behind it; NULL when there is none. The caller frees it. */
static char *read_file(const char *directory, const char *name, const char *suffix, size_t *length)
{
	char path[512];
	char *text = malloc(BODY_MAX + 1);

	assert_non_null(text);
	assert_in_range(snprintf(path, sizeof(path), "%s/%s%s", directory, name, suffix), 1,
		sizeof(path) - 1);
	FILE *file = fopen(path, "rb");
	if (file == NULL) {
		free(text);
		return NULL;
	}
	*length = fread(text, 1, BODY_MAX, file);
	assert_int_equal(ferror(file), 0);
	assert_int_equal(fclose(file), 0);
	text[*length] = '\0';
	return text;
}

/* Reads from a copy of exactly the right size, where a sanitizer sees a step too far. */
static void read_body(
	size_t dialect, int http_status, const char *body, size_t length, struct report *report)
{
	const struct provider *provider = provider_find(dialects[dialect]);
	char *copy = malloc(length > 0 ? length : 1);

	assert_non_null(provider);
	assert_non_null(copy);
	if (length > 0)
		memcpy(copy, body, length);
	memset(report, 0xa5, sizeof(*report));
	provider_read(provider, http_status, length > 0 ? copy : NULL, length, report);
	free(copy);
}

static void read_text(int http_status, const char *body, struct report *report)
{
	read_body(0, http_status, body, strlen(body), report);
}

/* ---- a report as text ----------------------------------------------------------------------- */

static void print_text(FILE *file, const char *key, const char *text)
{
	if (text[0] != '\0')
		(void)fprintf(file, "%s %s\n", key, text);
}

static void print_number(FILE *file, const char *key, int64_t number, int64_t nothing)
{
	if (number != nothing)
		(void)fprintf(file, "%s %lld\n", key, (long long)number);
}

/* As an expectation has it: what was not said is not there. The caller frees it. */
static char *render(int http_status, const struct report *report)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	assert_non_null(file);
	(void)fprintf(file, "http %d\nkind %s\nstate %s\n", http_status, kinds[report->kind],
		states[report->state]);
	print_number(file, "progress", report->progress, -1);
	if (report->error != ERROR_NONE)
		print_text(file, "error", errors[report->error]);
	print_text(file, "error_message", report->error_message);
	print_text(file, "model", report->model);
	print_number(file, "submitted_at", report->submitted_at, 0);
	print_number(file, "started_at", report->started_at, 0);
	print_number(file, "finished_at", report->finished_at, 0);
	print_number(file, "cost", report->cost_ticks, -1);
	print_text(file, "url", report->url);
	if (report->duration_s >= 0)
		(void)fprintf(file, "duration %g\n", report->duration_s);
	print_number(file, "respect_moderation", report->respect_moderation, -1);
	print_number(file, "wrapped", report->wrapped, 0);
	print_text(file, "code", report->code);
	print_text(file, "message", report->message);
	print_text(file, "task_status", report->task_status);
	print_text(file, "status", report->status);
	assert_int_equal(fclose(file), 0);
	return text;
}

static bool has_suffix(const char *name, const char *suffix)
{
	size_t length = strlen(name);

	return length >= strlen(suffix) && strcmp(name + length - strlen(suffix), suffix) == 0;
}

/* A file of the directory that is a body. */
static int is_body(const struct dirent *entry)
{
	const char *name = entry->d_name;

	return name[0] != '.' && strcmp(name, "vectors") != 0 && strcmp(name, "README.md") != 0 &&
	       !has_suffix(name, ".expect");
}

static int is_expectation(const struct dirent *entry)
{
	return has_suffix(entry->d_name, ".expect");
}

/* ---- the samples ---------------------------------------------------------------------------- */

/* True when all dialects read from the body what is expected of it. */
static bool check_body(const char *name, const char *body, size_t length, const char *expectation)
{
	bool good = true;
	int http_status = 0;

	while (*expectation == '#') {
		expectation = strchrnul(expectation, '\n');
		expectation += *expectation == '\n';
	}
	if (strncmp(expectation, "http ", 5) == 0)
		http_status = (int)strtol(expectation + 5, NULL, 10);
	for (size_t i = 0; i < sizeof(dialects) / sizeof(dialects[0]); i++) {
		struct report report;
		read_body(i, http_status, body, length, &report);
		char *text = render(http_status, &report);
		if (strcmp(text, expectation) != 0) {
			print_error("%s, read as %s:\n%s\nexpected:\n%s\n", name, dialects[i], text,
				expectation);
			good = false;
		}
		free(text);
	}
	return good;
}

static void test_samples(void **state)
{
	struct dirent **bodies = NULL;
	int count = scandir(FIXTURES, &bodies, is_body, alphasort);
	unsigned bad = 0;

	(void)state;
	assert_true(count >= BODIES_MIN);
	for (int i = 0; i < count; i++) {
		const char *name = bodies[i]->d_name;
		size_t length = 0;
		size_t ignored = 0;
		char *body = read_file(FIXTURES, name, "", &length);
		char *expectation = read_file(FIXTURES, name, ".expect", &ignored);
		if (expectation == NULL)
			print_error("%s has no expectation\n", name);
		if (body == NULL || expectation == NULL ||
			!check_body(name, body, length, expectation))
			bad++;
		free(body);
		free(expectation);
		free(bodies[i]);
	}
	free(bodies);
	assert_int_equal(bad, 0);
}

static void test_expectations_have_bodies(void **state)
{
	struct dirent **entries = NULL;
	int count = scandir(FIXTURES, &entries, is_expectation, alphasort);
	unsigned bad = 0;

	(void)state;
	assert_true(count > 0);
	for (int i = 0; i < count; i++) {
		size_t length = strlen(entries[i]->d_name) - strlen(".expect");
		size_t ignored = 0;
		entries[i]->d_name[length] = '\0';
		char *body = read_file(FIXTURES, entries[i]->d_name, "", &ignored);
		if (body == NULL) {
			print_error("%s is not there\n", entries[i]->d_name);
			bad++;
		}
		free(body);
		free(entries[i]);
	}
	free(entries);
	assert_int_equal(bad, 0);
}

/* ---- vectors -------------------------------------------------------------------------------- */

static cJSON *load_vectors(const char *name)
{
	size_t length = 0;
	char *text = read_file(FIXTURES "/vectors", name, "", &length);

	assert_non_null(text);
	cJSON *json = cJSON_ParseWithLength(text, length);
	free(text);
	assert_non_null(json);
	assert_true(cJSON_GetArraySize(cJSON_GetObjectItem(json, "cases")) > 20);
	return json;
}

/* Puts value (NULL: nothing) into a body at key, wrapped or not, and reads it. */
static void read_with(bool wrapped, const char *key, const cJSON *value, struct report *report)
{
	cJSON *top = cJSON_CreateObject();
	cJSON *object = top;

	if (wrapped) {
		assert_non_null(cJSON_AddStringToObject(top, "code", "success"));
		object = cJSON_AddObjectToObject(top, "data");
	}
	assert_non_null(cJSON_AddStringToObject(object, wrapped ? "task_id" : "request_id", "x"));
	if (value != NULL)
		assert_true(cJSON_AddItemToObject(object, key, cJSON_Duplicate(value, true)));
	char *body = cJSON_PrintUnformatted(top);
	assert_non_null(body);
	read_text(200, body, report);
	cJSON_free(body);
	cJSON_Delete(top);
}

/* Without an address, "done" is a kind of its own. */
static const char *state_of(const struct report *report)
{
	if (report->kind == REPORT_NO_URL)
		return "done";
	assert_int_equal(report->kind, REPORT_JOB);
	return states[report->state];
}

static void test_status_vectors(void **state)
{
	cJSON *json = load_vectors("status.json");
	const cJSON *item = NULL;
	struct report report;

	(void)state;
	cJSON_ArrayForEach (item, cJSON_GetObjectItem(json, "cases")) {
		const char *level = cJSON_GetStringValue(cJSON_GetArrayItem(item, 0));
		const cJSON *value = cJSON_GetArrayItem(item, 1);
		const char *expected = cJSON_GetStringValue(cJSON_GetArrayItem(item, 2));
		bool wrapped = strcmp(level, "wrapper") == 0;

		read_with(wrapped, "status", value, &report);
		assert_string_equal(state_of(&report), expected);
		if (!cJSON_IsNull(value))
			continue;
		read_with(wrapped, "status", NULL, &report);
		assert_string_equal(state_of(&report), expected);
	}
	cJSON_Delete(json);
}

static void test_progress_vectors(void **state)
{
	cJSON *json = load_vectors("progress.json");
	const cJSON *item = NULL;
	struct report report;

	(void)state;
	cJSON_ArrayForEach (item, cJSON_GetObjectItem(json, "cases")) {
		const cJSON *value = cJSON_GetArrayItem(item, 0);
		const cJSON *expected = cJSON_GetArrayItem(item, 1);
		int progress = cJSON_IsNull(expected) ? -1 : expected->valueint;

		read_with(false, "progress", value, &report);
		assert_int_equal(report.progress, progress);
		read_with(true, "progress", value, &report);
		assert_int_equal(report.progress, progress);
	}
	cJSON_Delete(json);
}

/* ---- hostile bodies ------------------------------------------------------------------------- */

static bool is_utf8(const char *text)
{
	wchar_t wide = 0;
	mbstate_t shift = { 0 };
	size_t left = strlen(text);

	while (left > 0) {
		size_t length = mbrtowc(&wide, text, left, &shift);
		if (length == (size_t)-1 || length == (size_t)-2)
			return false;
		text += length;
		left -= length;
	}
	return true;
}

static void check_text(const char *text, size_t size)
{
	assert_non_null(memchr(text, '\0', size));
	assert_true(is_utf8(text));
}

/* What holds for every report, whatever the body was. */
static void check_report(const struct report *report)
{
	assert_in_range(report->kind, REPORT_JOB, REPORT_UNREADABLE);
	assert_in_range(report->state, JOB_UNKNOWN, JOB_EXPIRED);
	assert_in_range(report->progress + 1, 0, 101);
	assert_true(report->cost_ticks >= -1);
	assert_true(
		report->submitted_at >= 0 && report->started_at >= 0 && report->finished_at >= 0);
	check_text(report->error_message, sizeof(report->error_message));
	check_text(report->model, sizeof(report->model));
	check_text(report->url, sizeof(report->url));
	check_text(report->code, sizeof(report->code));
	check_text(report->message, sizeof(report->message));
	check_text(report->task_status, sizeof(report->task_status));
	check_text(report->status, sizeof(report->status));
	assert_int_equal(report->state == JOB_FAILED, report->error != ERROR_NONE);
	assert_int_equal(report->state == JOB_DONE, report->url[0] != '\0');
	if (report->kind != REPORT_JOB)
		assert_true(report->error_message[0] != '\0');
	if (report->kind != REPORT_JOB && report->kind != REPORT_NO_URL)
		assert_int_equal(report->state, JOB_UNKNOWN);
}

static unsigned next_random(unsigned *seed)
{
	*seed = *seed * 1103515245u + 12345u;
	return *seed >> 8;
}

/* What is cut anywhere but in the blanks at its end is no object. */
static void cut_everywhere(const char *body, size_t length)
{
	struct report report;

	read_body(0, 200, body, length, &report);
	bool whole = report.kind != REPORT_UNREADABLE;
	for (size_t cut = 0; cut < length && cut < 1500; cut++) {
		read_body(0, 200, body, cut, &report);
		check_report(&report);
		if (whole && strspn(body + cut, " \r\n") < length - cut)
			assert_int_equal(report.kind, REPORT_UNREADABLE);
	}
}

static void change_bytes(const char *body, size_t length, unsigned *seed)
{
	struct report report;
	char *copy = malloc(length);

	assert_non_null(copy);
	memcpy(copy, body, length);
	for (unsigned i = 0; i <= next_random(seed) % 4; i++)
		copy[next_random(seed) % length] = (char)next_random(seed);
	read_body(0, next_random(seed) % 3 != 0 ? 200 : 400, copy, length, &report);
	check_report(&report);
	free(copy);
}

static void test_torture(void **state)
{
	struct dirent **bodies = NULL;
	int count = scandir(FIXTURES, &bodies, is_body, alphasort);
	unsigned seed = 2;

	(void)state;
	assert_true(count > 0);
	for (int i = 0; i < count; i++) {
		size_t length = 0;
		char *body = read_file(FIXTURES, bodies[i]->d_name, "", &length);
		assert_non_null(body);
		cut_everywhere(body, length);
		for (int round = 0; round < 60 && length > 0; round++)
			change_bytes(body, length, &seed);
		free(body);
		free(bodies[i]);
	}
	free(bodies);
}

/* Every status with every sort of body: a status alone never ends a job, but for 410. */
static void test_every_status(void **state)
{
	static const char *const bodies[] = { "", "<html></html>", "{}", "[]", "{\"error\":\"x\"}",
		"{\"code\":\"x\",\"message\":\"y\",\"data\":null}" };
	struct report report;

	(void)state;
	for (int status = 200; status < 1000; status++) {
		for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
			read_text(status, bodies[i], &report);
			check_report(&report);
			if (status < 300)
				continue;
			assert_int_not_equal(report.state, JOB_FAILED);
			assert_int_equal(
				report.state == JOB_EXPIRED, status == 410 && i >= 2 && i != 3);
			assert_int_equal(report.kind == REPORT_CONFIG,
				status < 400 || status == 405 || status == 501);
		}
	}
}

static void test_deep_nesting(void **state)
{
	size_t depth = 200000;
	size_t length = 2 * depth + 8;
	char *body = malloc(length);
	struct report report;

	(void)state;
	assert_non_null(body);
	(void)snprintf(body, length, "{\"a\":");
	memset(body + 5, '[', depth);
	memset(body + 5 + depth, ']', depth);
	body[5 + 2 * depth] = '}';
	read_body(0, 200, body, 6 + 2 * depth, &report);
	assert_int_equal(report.kind, REPORT_UNREADABLE);
	free(body);
}

/* Texts of 1 MiB are cut at a character: 511 bytes have room for 170 of three bytes. */
static void test_long_texts(void **state)
{
	static const char head[] = "{\"status\":\"failed\",\"error\":\"";
	char *body = malloc(BODY_MAX);
	size_t length = sizeof(head) - 1;
	struct report report;

	(void)state;
	assert_non_null(body);
	(void)snprintf(body, BODY_MAX, "%s", head);
	for (; length + 6 < BODY_MAX; length += 3)
		(void)snprintf(body + length, 4, "\xe4\xbb\xbb");
	(void)snprintf(body + length, 3, "\"}");
	read_body(0, 200, body, length + 2, &report);
	assert_int_equal(report.state, JOB_FAILED);
	assert_int_equal(strlen(report.error_message), 510);
	check_report(&report);
	free(body);
}

/* ---- ids and URLs --------------------------------------------------------------------------- */

#define TEN "0123456789"
#define NINETY TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define LONGEST NINETY NINETY TEN "x" /* 191 characters */

static void test_id_valid(void **state)
{
	static const char *const good[] = { "a", "0", "_", "-", ":", "-rf", "a..b", "a.",
		"4b2cd27e-0b0d-3dec-c31c-7572daf74bb3", "task_zgUBKXVW6YhJkXPvuTJ2Y0jaLnycfEu9",
		"grok:a3d1008e-4544-40d4-d075-11527e794e4a", LONGEST };
	static const char *const bad[] = { "", ".", "..", ".a", "...", "../x", "a/b", "/", "a b",
		" a", "a ", "a\n", "\ta", "a%2e", "%", "a?b", "a#b", "a&b", "a\\b", "a*", "a~",
		"a@b", "a,b", "\xc3\xa4", "a\xff", "\xef\xbc\x8e\xef\xbc\x8e", "a\x7f", "a\x01",
		LONGEST "y" };

	(void)state;
	assert_int_equal(strlen(LONGEST), ID_SIZE - 1);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(provider_id_valid(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (provider_id_valid(bad[i]))
			fail_msg("valid: %s", bad[i]);
		assert_false(provider_id_askable(bad[i]));
	}
}

static void test_id_askable(void **state)
{
	static const char *const good[] = { "4b2cd27e-0b0d-3dec-c31c-7572daf74bb3",
		"4B2CD27E-0B0D-3DEC-C31C-7572DAF74BB3", "00000000-0000-0000-0000-000000000000",
		"task_a", "task_zgUBKXVW6YhJkXPvuTJ2Y0jaLnycfEu9" };
	static const char *const bad[] = { ".Trash", "desktop.ini", "autorun.inf", "video.mp4",
		"4b2cd27e-0b0d-3dec-c31c-7572daf74bb", "4b2cd27e-0b0d-3dec-c31c-7572daf74bb33",
		"4b2cd27e00b0d-3dec-c31c-7572daf74bb3", "4b2cd27e-0b0d-3dec-c31c-7572daf74bbg",
		"4b2cd27e-0b0d-3dec-c31c--572daf74bb3", "4b2cd27e0b0d3decc31c7572daf74bb3",
		"4b2cd27e-0b0d-3dec-c31c-7572daf74bb3.part", "task_", "task", "task_a-b",
		"task_a.b", "task_a_b", "Task_a", "xtask_a", "task_" LONGEST, "task_a:b" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(provider_id_askable(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (provider_id_askable(bad[i]))
			fail_msg("askable: %s", bad[i]);
}

static void test_url(void **state)
{
	const struct provider *comet = provider_find("comet");
	const struct provider *xai = provider_find("xai");
	char url[URL_SIZE];

	(void)state;
	assert_int_equal(
		provider_url(comet, "https://api.cometapi.com", "a.b_c-D9", url, sizeof(url)), 0);
	assert_string_equal(url, "https://api.cometapi.com/grok/v1/videos/a.b_c-D9");
	assert_int_equal(provider_url(xai, "http://[::1]:8080/x", "grok:1:", url, sizeof(url)), 0);
	assert_string_equal(url, "http://[::1]:8080/x/v1/videos/grok%3A1%3A");
}

static void test_url_limits(void **state)
{
	static const char whole[] = "https://a/v1/videos/x%3A";
	const struct provider *xai = provider_find("xai");
	char url[URL_SIZE] = "untouched";
	char colons[ID_SIZE];

	(void)state;
	assert_int_equal(
		provider_url(xai, "https://a", "x:", url, sizeof(whole) - 1), -ENAMETOOLONG);
	assert_string_equal(url, "untouched");
	assert_int_equal(provider_url(xai, "https://a", "x:", url, 0), -ENAMETOOLONG);
	assert_int_equal(provider_url(xai, "https://a", "x:", url, sizeof(whole)), 0);
	assert_string_equal(url, whole);
	memset(colons, ':', sizeof(colons) - 1);
	colons[sizeof(colons) - 1] = '\0';
	assert_int_equal(provider_url(xai, "https://a", colons, url, sizeof(url)), 0);
	assert_int_equal(strlen(url), strlen("https://a/v1/videos/") + 3 * strlen(colons));
}

static void test_find(void **state)
{
	(void)state;
	assert_string_equal(provider_find("comet")->key_variable, "COMETAPI_KEY");
	assert_string_equal(provider_find("xai")->key_variable, "XAI_API_KEY");
	assert_null(provider_find(""));
	assert_null(provider_find("Comet"));
	assert_null(provider_find("comet "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_expectations_have_bodies),
		cmocka_unit_test(test_status_vectors),
		cmocka_unit_test(test_progress_vectors),
		cmocka_unit_test(test_torture),
		cmocka_unit_test(test_every_status),
		cmocka_unit_test(test_deep_nesting),
		cmocka_unit_test(test_long_texts),
		cmocka_unit_test(test_id_valid),
		cmocka_unit_test(test_id_askable),
		cmocka_unit_test(test_url),
		cmocka_unit_test(test_url_limits),
		cmocka_unit_test(test_find),
	};

	/* What is valid UTF-8 is judged by the C library, not by the code under test. */
	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		return EXIT_FAILURE;
	return cmocka_run_group_tests_name("provider", tests, NULL, NULL);
}
