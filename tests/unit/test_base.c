/* SPDX-License-Identifier: MIT */
/* The log as it arrives on standard error, the clocks, the heap against a plain search. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base.h"

#define LINE_MOST 2048

static int real_stderr, in;

/* A pipe in the place of standard error, until caught() gives what came. */
static void catch_log(void)
{
	int ends[2];
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	real_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	assert_true(real_stderr >= 0);
	assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	assert_int_equal(close(ends[1]), 0);
	in = ends[0];
}

static size_t caught(char *text, size_t size)
{
	assert_int_equal(dup2(real_stderr, STDERR_FILENO), STDERR_FILENO);
	assert_int_equal(close(real_stderr), 0);
	ssize_t length = read(in, text, size - 1);
	assert_true(length >= 0);
	text[length] = '\0';
	assert_int_equal(close(in), 0);
	return (size_t)length;
}

static void assert_line(const char *message, const char *expected)
{
	char text[256];
	catch_log();
	log_info("%s", message);
	(void)caught(text, sizeof(text));
	assert_string_equal(text, expected);
}

/* Before any log_open(): it is the first test. */
static void log_default(void **state)
{
	(void)state;
	char text[256];
	catch_log();
	log_debug("quiet");
	log_info("loud");
	(void)caught(text, sizeof(text));
	assert_string_equal(text, "cometfs: loud\n");
}

static void log_form(void **state)
{
	(void)state;
	char text[256];
	log_open(LOG_LEVEL_DEBUG, LOG_FORM_TEXT);
	catch_log();
	log_error("%s: %d", "one", 1);
	log_warning("two");
	log_info("three");
	log_debug("four");
	(void)caught(text, sizeof(text));
	assert_string_equal(text, "cometfs: error: one: 1\n"
				  "cometfs: warning: two\n"
				  "cometfs: three\n"
				  "cometfs: debug: four\n");
}

static void log_of_a_job(void **state)
{
	(void)state;
	char text[256];
	catch_log();
	log_job(LOG_LEVEL_WARNING, "4b2c", "%d bytes", 7);
	(void)caught(text, sizeof(text));
	assert_string_equal(text, "cometfs: warning: 4b2c: 7 bytes\n");
}

static void log_as_json(void **state)
{
	(void)state;
	char text[256];
	log_open(LOG_LEVEL_INFO, LOG_FORM_JSON);
	catch_log();
	log_debug("no");
	log_job(LOG_LEVEL_ERROR, "4b2c", "\"%s\"", "a");
	log_failure("%s: %s", "/mnt", "a\nb");
	(void)caught(text, sizeof(text));
	log_open(LOG_LEVEL_INFO, LOG_FORM_TEXT);
	assert_memory_equal(text, "{\"time\":\"20", 11);
	assert_non_null(strstr(text, "Z\",\"level\":\"error\",\"request_id\":\"4b2c\","
				     "\"message\":\"\\\"a\\\"\"}\ncometfs: /mnt: a?b\n"));
}

/* systemd tells which file of ours is its journal. */
static void log_to_the_journal(void **state)
{
	(void)state;
	struct stat st;
	char text[256], stream[64];
	catch_log();
	assert_int_equal(fstat(STDERR_FILENO, &st), 0);
	(void)snprintf(
		stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	assert_int_equal(setenv("JOURNAL_STREAM", stream, 1), 0);
	log_open(LOG_LEVEL_INFO, LOG_FORM_TEXT);
	log_warning("two");
	log_job(LOG_LEVEL_INFO, "4b2c", "three");
	log_failure("%s", "four");
	assert_int_equal(setenv("JOURNAL_STREAM", "1:1", 1), 0);
	log_open(LOG_LEVEL_INFO, LOG_FORM_TEXT);
	log_error("one");
	(void)caught(text, sizeof(text));
	assert_string_equal(
		text, "<4>two\n<6>4b2c: three\n<3>cometfs: four\ncometfs: error: one\n");
}

static void log_levels(void **state)
{
	(void)state;
	char text[256];
	log_open(LOG_LEVEL_WARNING, LOG_FORM_TEXT);
	catch_log();
	log_info("no");
	log_debug("no");
	log_warning("yes");
	(void)caught(text, sizeof(text));
	log_open(LOG_LEVEL_INFO, LOG_FORM_TEXT);
	assert_string_equal(text, "cometfs: warning: yes\n");
}

static void log_elsewhere(void **state)
{
	(void)state;
	char text[256];
	log_to_syslog();
	catch_log();
	log_info("a test of cometfs");
	size_t length = caught(text, sizeof(text));
	log_open(LOG_LEVEL_INFO, LOG_FORM_TEXT);
	assert_int_equal(length, 0);
}

static void log_control_characters(void **state)
{
	(void)state;
	assert_line("a\nb\x1b[31m\x7f\x01z", "cometfs: a?b?[31m??z\n");
	assert_line("a\xc2\x9b"
		    "31m\xc2\x80\xc2\x9fz",
		"cometfs: a?31m??z\n");
	assert_line("\xc2\xa0\xc3\xa9\xe2\x82\x80", "cometfs: \xc2\xa0\xc3\xa9\xe2\x82\x80\n");
	assert_line("end\xc2", "cometfs: end\xef\xbf\xbd\n");
	assert_line("", "cometfs: \n");
}

/* Characters of one to four bytes, at every place that a cut can have. */
static void log_long(void **state)
{
	(void)state;
	static const char *const characters[] = { "x", "\xc3\xa9", "\xe6\x97\xa5",
		"\xf0\x9f\x8e\xac" };
	char message[3 * LINE_MOST], text[3 * LINE_MOST];

	for (size_t c = 0; c < 4; c++) {
		size_t size = strlen(characters[c]);
		for (size_t shift = 0; shift < 4; shift++) {
			size_t at = shift;
			memset(message, '.', shift);
			for (; at + size < sizeof(message); at += size)
				memcpy(message + at, characters[c], size);
			message[at] = '\0';
			catch_log();
			log_info("%s", message);
			size_t length = caught(text, sizeof(text));
			size_t body = length - strlen("cometfs: ") - 1;
			assert_in_range(length, LINE_MOST - 4, LINE_MOST);
			assert_int_equal(text[length - 1], '\n');
			assert_memory_equal(text + strlen("cometfs: "), message, body);
			assert_int_equal((body - shift) % size, 0);
		}
	}
}

static void log_bytes_without_a_start(void **state)
{
	(void)state;
	static char message[3 * LINE_MOST], text[3 * LINE_MOST];
	memset(message, 0x85, sizeof(message) - 1);
	catch_log();
	log_info("%s", message);
	size_t length = caught(text, sizeof(text));
	assert_in_range(length, LINE_MOST - 4, LINE_MOST);
}

static void log_keeps_errno(void **state)
{
	(void)state;
	char text[256];
	catch_log();
	errno = ENOSPC;
	log_warning("%m");
	assert_int_equal(errno, ENOSPC);
	(void)caught(text, sizeof(text));
	assert_string_equal(text, "cometfs: warning: No space left on device\n");

	int kept = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	assert_int_equal(close(STDERR_FILENO), 0);
	errno = ENOSPC;
	log_warning("to nowhere");
	int after = errno;
	assert_int_equal(dup2(kept, STDERR_FILENO), STDERR_FILENO);
	assert_int_equal(close(kept), 0);
	assert_int_equal(after, ENOSPC);
}

static void clocks(void **state)
{
	(void)state;
	int64_t before = clock_ms();
	assert_true(before > 0);
	assert_true(clock_ms() >= before);
	int64_t seconds = time(NULL);
	assert_in_range(clock_wall_ms() / 1000, seconds - 1, seconds + 60);
}

static void jitter(void **state)
{
	(void)state;
	unsigned seen[4] = { 0 };
	for (int i = 0; i < 4000; i++) {
		assert_int_equal(clock_jitter(1), 0);
		uint32_t n = clock_jitter(4);
		assert_in_range(n, 0, 3);
		seen[n]++;
	}
	for (int i = 0; i < 4; i++)
		assert_in_range(seen[i], 700, 1300);
	uint32_t bits = 0;
	for (int i = 0; i < 100; i++)
		bits |= clock_jitter(UINT32_MAX);
	assert_true(bits > UINT32_MAX / 2);
}

static void heap_empty(void **state)
{
	(void)state;
	struct heap heap = { 0 };
	struct heap_node node = { 0 };
	assert_null(heap_top(&heap));
	heap_remove(&heap, &node);
	assert_null(heap_top(&heap));
	heap_free(&heap);
	heap_set(&heap, &node, 1);
	assert_ptr_equal(heap_top(&heap), &node);
	heap_free(&heap);
	assert_null(heap_top(&heap));
}

static void heap_first_in_first_out(void **state)
{
	(void)state;
	struct heap heap = { 0 };
	struct heap_node nodes[100] = { 0 };
	for (int i = 0; i < 100; i++)
		heap_set(&heap, &nodes[i], 5);
	heap_set(&heap, &nodes[0], 5);
	for (int i = 1; i <= 100; i++) {
		struct heap_node *top = heap_top(&heap);
		assert_ptr_equal(top, &nodes[i % 100]);
		heap_remove(&heap, top);
		assert_int_equal(top->at, 0);
	}
	assert_null(heap_top(&heap));
	heap_free(&heap);
}

static void heap_extremes(void **state)
{
	(void)state;
	struct heap heap = { 0 };
	struct heap_node low = { 0 }, middle = { 0 }, high = { 0 };
	heap_set(&heap, &high, INT64_MAX);
	heap_set(&heap, &middle, 0);
	heap_set(&heap, &low, INT64_MIN);
	assert_ptr_equal(heap_top(&heap), &low);
	heap_set(&heap, &low, INT64_MAX);
	assert_ptr_equal(heap_top(&heap), &middle);
	heap_remove(&heap, &middle);
	assert_ptr_equal(heap_top(&heap), &high);
	heap_free(&heap);
}

/* The last one, 7, takes the place of the removed 11, below 10: it has to go up. */
static void heap_remove_moves_up(void **state)
{
	(void)state;
	static const int64_t keys[] = { 0, 10, 1, 11, 12, 2, 3, 13, 14, 15, 16, 4, 5, 6, 7 };
	struct heap heap = { 0 };
	struct heap_node nodes[15] = { 0 };
	for (int i = 0; i < 15; i++)
		heap_set(&heap, &nodes[i], keys[i]);
	heap_remove(&heap, &nodes[3]);
	for (int64_t expected = 0; expected <= 16; expected++) {
		if (expected == 8)
			expected = 10;
		if (expected == 11)
			expected = 12;
		assert_int_equal(heap_top(&heap)->key, expected);
		heap_remove(&heap, heap_top(&heap));
	}
	assert_null(heap_top(&heap));
	heap_free(&heap);
}

static const struct heap_node *smallest(const struct heap_node *nodes, size_t count)
{
	const struct heap_node *best = NULL;
	for (size_t i = 0; i < count; i++) {
		const struct heap_node *n = &nodes[i];
		if (n->at == 0)
			continue;
		if (best == NULL || n->key < best->key ||
			(n->key == best->key && n->order < best->order))
			best = n;
	}
	return best;
}

/* Any sequence of puts, moves and removals: the top is always what a search finds. */
static void heap_against_a_search(void **state)
{
	(void)state;
	struct heap heap = { 0 };
	static struct heap_node nodes[200];
	uint32_t random = 12345;
	for (int step = 0; step < 20000; step++) {
		random = random * 1664525 + 1013904223;
		struct heap_node *node = &nodes[(random >> 8) % 200];
		if ((random >> 28) < 5)
			heap_remove(&heap, node);
		else
			heap_set(&heap, node, (random >> 20) % 50);
		assert_ptr_equal(heap_top(&heap), smallest(nodes, 200));
	}
	heap_free(&heap);
}

static void containers(void **state)
{
	(void)state;
	struct owner {
		int first;
		struct heap_node due;
	} owner = { .first = 1 };
	assert_ptr_equal(container_of(&owner.due, struct owner, due), &owner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(log_default),
		cmocka_unit_test(log_form),
		cmocka_unit_test(log_of_a_job),
		cmocka_unit_test(log_as_json),
		cmocka_unit_test(log_to_the_journal),
		cmocka_unit_test(log_levels),
		cmocka_unit_test(log_elsewhere),
		cmocka_unit_test(log_control_characters),
		cmocka_unit_test(log_long),
		cmocka_unit_test(log_bytes_without_a_start),
		cmocka_unit_test(log_keeps_errno),
		cmocka_unit_test(clocks),
		cmocka_unit_test(jitter),
		cmocka_unit_test(heap_empty),
		cmocka_unit_test(heap_first_in_first_out),
		cmocka_unit_test(heap_extremes),
		cmocka_unit_test(heap_remove_moves_up),
		cmocka_unit_test(heap_against_a_search),
		cmocka_unit_test(containers),
	};
	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
