/* SPDX-License-Identifier: MIT */
/* cometctl's pure parts: texts for a terminal, numbers, bars, rates, a job's document. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../fs/ctl.h"

static int in_utf8(void **state)
{
	(void)state;
	if (setlocale(LC_ALL, "C.UTF-8") == NULL)
		return -1;
	ctl_text_start();
	return 0;
}

static int in_c(void **state)
{
	(void)state;
	(void)setlocale(LC_ALL, "C");
	ctl_text_start();
	return 0;
}

static void assert_fits(const char *from, int columns, const char *expected, int width)
{
	char to[256];
	assert_int_equal(ctl_text_fit(to, sizeof(to), from, columns), width);
	assert_string_equal(to, expected);
	assert_int_equal(ctl_text_columns(to), width);
}

static void widths(void **state)
{
	(void)state;
	assert_fits("plain", 80, "plain", 5);
	assert_fits("plain", 5, "plain", 5);
	assert_fits("plain", 4, "pla\u2026", 4);
	assert_fits("plain", 1, "\u2026", 1);
	assert_fits("plain", 0, "", 0);
	assert_fits("", 3, "", 0);
	/* Two columns each; half of one is not shown. */
	assert_fits("\u6f22\u5b57", 4, "\u6f22\u5b57", 4);
	assert_fits("\u6f22\u5b57", 3, "\u6f22\u2026", 3);
	assert_fits("\u6f22\u5b57", 2, "\u2026", 1);
	assert_fits("\U0001f3ac film", 20, "\U0001f3ac film", 7);
	/* A mark takes none; a heap of them is none of ours. */
	assert_fits("e\u0301x", 2, "e\u0301x", 2);
	assert_fits("\u0301x", 9, "?x", 2);
	assert_fits("e\u0301\u0301\u0301\u0301", 9, "e\u0301\u0301\u0301?", 2);
}

static void hostile(void **state)
{
	(void)state;
	assert_fits("\033[31mred\033[0m", 80, "?[31mred?[0m", 12);
	assert_fits("a\ab\b\177", 80, "a?b??", 5);
	assert_fits("two\nlines\r\there", 80, "two lines  here", 15);
	assert_fits("\xc2\x9b"
		    "31m",
		80, "?31m", 4);
	assert_fits("\u202egnp.exe", 80, "?gnp.exe", 8);
	assert_fits("\u2066x\u2069\u200b\ufeff\u00ad", 80, "?x????", 6);
	assert_fits("\xff\xc3\xe6\xbc", 80, "\ufffd\ufffd\ufffd", 3);
	assert_fits("\xc0\xaf\xed\xa0\x80\xf4\x90\x80\x80", 80, "\ufffd\ufffd\ufffd", 3);
	assert_fits("\U000e0041", 80, "?", 1);
	/* It makes a character wider, or not: as the terminal likes. */
	assert_fits("\u2764\ufe0f", 80, "\u2764?", 2);
}

static void without_utf8(void **state)
{
	(void)state;
	assert_fits("caf\u00e9 \u6f22", 80, "caf? ?", 6);
	assert_fits("too long", 4, "too~", 4);
}

/* Wherever the buffer ends, it is a whole character that is last. */
static void small_buffers(void **state)
{
	char to[64];
	(void)state;
	for (size_t size = 5; size < 20; size++) {
		int width = ctl_text_fit(to, size, "\u6f22\u5b57\u6f22\u5b57\u6f22\u5b57", 80);
		assert_true(strlen(to) < size);
		assert_int_equal(ctl_text_columns(to), width);
		assert_null(strchr(to, '?'));
	}
}

static void assert_bytes(int64_t bytes, const char *expected)
{
	char to[CTL_WORD_SIZE];
	ctl_text_bytes(to, bytes);
	assert_string_equal(to, expected);
}

static void bytes(void **state)
{
	(void)state;
	assert_bytes(-1, "-");
	assert_bytes(0, "0");
	assert_bytes(1023, "1023");
	assert_bytes(1024, "1.0K");
	assert_bytes(1535, "1.4K");
	assert_bytes(110104, "107K");
	assert_bytes(1024 * 1024 - 1, "1023K");
	assert_bytes(2734112, "2.6M");
	assert_bytes(INT64_C(4) << 30, "4.0G");
	assert_bytes(INT64_MAX, "7.9E");
}

static void assert_age(int64_t seconds, const char *expected)
{
	char to[CTL_WORD_SIZE];
	ctl_text_age(to, seconds);
	assert_string_equal(to, expected);
}

static void assert_clock(int64_t seconds, const char *expected)
{
	char to[CTL_WORD_SIZE];
	ctl_text_clock(to, seconds);
	assert_string_equal(to, expected);
}

static void durations(void **state)
{
	(void)state;
	assert_age(-5, "0s");
	assert_age(59, "59s");
	assert_age(60, "1m");
	assert_age(3599, "59m");
	assert_age(86399, "23h");
	assert_age(INT64_C(86400) * 364, "364d");
	assert_age(INT64_C(86400) * 800, "2y");
	assert_clock(-1, "0:00");
	assert_clock(6, "0:06");
	assert_clock(3599, "59:59");
	assert_clock(3723, "1:02:03");
	assert_clock(INT64_C(100) * 3600, "4d");
}

static void given_durations(void **state)
{
	(void)state;
	assert_int_equal(ctl_duration_ms("10"), 10000);
	assert_int_equal(ctl_duration_ms("1.5m"), 90000);
	assert_int_equal(ctl_duration_ms(".5s"), 500);
	assert_int_equal(ctl_duration_ms("2h"), 7200000);
	assert_int_equal(ctl_duration_ms("1d"), 86400000);
	assert_int_equal(ctl_duration_ms("0"), 0);
	static const char *const bad[] = { "", "s", "-1", "1x", "1ms", "nan", "inf", "0x10", " 1",
		"1 ", "+1" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_true(ctl_duration_ms(bad[i]) < 0);
}

static void assert_cost(double usd, const char *expected)
{
	char to[CTL_WORD_SIZE];
	ctl_text_cost(to, usd);
	assert_string_equal(to, expected);
}

static void costs(void **state)
{
	(void)state;
	assert_cost(-1, "-");
	assert_cost(0, "$0.00");
	assert_cost(0.05, "$0.05");
	assert_cost(3, "$3.00");
	assert_cost(0.0000000001, "$0.0000000001");
	assert_cost(12.345, "$12.345");
}

static void assert_bar(int columns, int64_t part, int64_t whole, const char *expected)
{
	char to[256];
	ctl_text_bar(to, sizeof(to), columns, part, whole);
	assert_string_equal(to, expected);
	if (columns > 2)
		assert_int_equal(ctl_text_columns(to), columns);
}

static void bars(void **state)
{
	(void)state;
	assert_bar(12, 0, 100, "[          ]");
	assert_bar(12, 50, 100, "[#####     ]");
	assert_bar(12, 99, 100, "[######### ]");
	assert_bar(12, 100, 100, "[##########]");
	assert_bar(12, 900, 100, "[##########]");
	assert_bar(12, -1, 100, "[..........]");
	assert_bar(12, 5, 0, "[          ]");
	assert_bar(2, 5, 10, "");
}

static void fine_bars(void **state)
{
	(void)state;
	assert_bar(6, 50, 100, "\u2595\u2588\u2588  \u258f");
	assert_bar(6, 60, 100, "\u2595\u2588\u2588\u258d \u258f");
	assert_bar(6, 100, 100, "\u2595\u2588\u2588\u2588\u2588\u258f");
}

static void rates(void **state)
{
	struct ctl_rate rate = { .count = 0 };
	(void)state;
	assert_true(ctl_rate_get(&rate, 0) < 0);
	ctl_rate_add(&rate, 1000, 0);
	assert_true(ctl_rate_get(&rate, 1000) < 0);
	ctl_rate_add(&rate, 2000, 500);
	assert_true(ctl_rate_get(&rate, 2000) == 500);
	/* It has stopped: that shows, and more with time. */
	assert_true(ctl_rate_get(&rate, 6000) == 100);
	/* What was fast long ago is forgotten. */
	for (int i = 3; i < 40; i++)
		ctl_rate_add(&rate, i * INT64_C(1000), 500 + i);
	assert_true(ctl_rate_get(&rate, 39000) < 2);
	/* It begins anew. */
	ctl_rate_add(&rate, 41000, 0);
	assert_true(ctl_rate_get(&rate, 41000) < 0);
}

/* ---- a job's line --------------------------------------------------------------------------------- */

static const char document[] =
	"{\"request_id\":\"abc\",\"state\":\"%s\",\"progress\":%s,\"error\":%s,"
	"\"model\":null,\"submitted_at\":\"2026-03-12T06:30:02Z\",\"finished_at\":null,"
	"\"cost_usd\":0.05,\"video\":{\"state\":\"%s\",\"size\":%s,\"bytes\":%s,\"error\":%s},"
	"\"poll\":{\"last_error\":\"HTTP 401\"}}";

static struct ctl_job job_of(const char *job_state, const char *progress, const char *error,
	const char *video, const char *size, const char *here, const char *video_error)
{
	char text[2048];
	struct ctl_job job;
	(void)snprintf(text, sizeof(text), document, job_state, progress, error, video, size, here,
		video_error);
	assert_int_equal(ctl_job_parse(text, &job), 0);
	return job;
}

static void documents(void **state)
{
	struct ctl_job job = job_of("running", " 42", "null", "none", "null", "null", "null");
	(void)state;
	assert_string_equal(job.id, "abc");
	assert_int_equal(job.state, JOB_RUNNING);
	assert_int_equal(job.progress, 42);
	assert_int_equal(job.submitted_at, 1773297002);
	assert_int_equal(job.size, -1);
	assert_string_equal(job.poll_error, "HTTP 401");
	assert_false(ctl_job_is_over(&job));
	static const char *const bad[] = { "", "{}", "[]", "{\"state\":\"done\"}", "null",
		"{\"request_id\":\"a\",\"state\":\"x\",\"video\":{\"state\":\"none\"}}",
		"{\"request_id\":\"../x\",\"state\":\"done\",\"video\":{\"state\":\"none\"}}" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_true(ctl_job_parse(bad[i], &job) < 0);
}

static void verdicts(void **state)
{
	static const struct {
		const char *state, *video;
		bool over, good;
		const char *word;
	} rows[] = {
		{ "unknown", "none", false, false, "unknown" },
		{ "queued", "none", false, false, "queued" },
		{ "running", "none", false, false, "running" },
		{ "done", "none", false, false, "done" },
		{ "done", "fetching", false, false, "fetching" },
		{ "done", "ready", true, true, "done" },
		{ "done", "lost", true, false, "lost" },
		{ "done", "removed", true, true, "removed" },
		{ "failed", "none", true, false, "failed" },
		{ "expired", "none", true, false, "expired" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ctl_job job = job_of(
			rows[i].state, "null", "null", rows[i].video, "null", "null", "null");
		assert_int_equal(ctl_job_is_over(&job), rows[i].over);
		assert_int_equal(ctl_job_is_good(&job), rows[i].good);
		assert_string_equal(ctl_job_word(&job), rows[i].word);
	}
}

/* The line, within so many columns. */
static void assert_line(const struct ctl_job *job, int columns, const char *expected)
{
	char line[CTL_LINE_SIZE];
	struct ctl_rate none = { .count = 0 }, fetched = { .count = 0 };
	ctl_rate_add(&fetched, 1000, 0);
	ctl_rate_add(&fetched, 2000, 1 << 20);
	struct ctl_bar bar = { .job = job,
		.progress = &none,
		.bytes = &fetched,
		.now_ms = 2000,
		.elapsed_s = 65,
		.columns = columns,
		.id_columns = 4 };
	int width = ctl_bar_line(&bar, line);
	assert_true(width <= columns);
	assert_int_equal(ctl_text_columns(line), width);
	assert_string_equal(line, expected);
}

static void lines(void **state)
{
	struct ctl_job job =
		job_of("done", "100", "null", "fetching", "4194304", "1048576", "null");
	(void)state;
	assert_line(
		&job, 70, "abc  fetching [####            ]  25%  1.0M of 4.0M  1.0M/s  0:03 left");
	assert_line(&job, 30, "abc  fetching  25%  1.0M of 4~");
	assert_line(&job, 14, "abc  fetching ");
	job = job_of("done", "100", "null", "ready", "4194304", "4194304", "null");
	assert_line(&job, 70, "abc  done     4.0M  $0.05");
	job = job_of("failed", "100", "{\"code\":\"moderated\",\"message\":\"no\\u001b[2J\"}",
		"none", "null", "null", "null");
	assert_line(&job, 70, "abc  failed   moderated: no?[2J");
	assert_line(&job, 20, "abc  failed   moder~");
	job = job_of("queued", "null", "null", "none", "null", "null", "null");
	assert_line(&job, 50, "abc  queued   [.............]   -   1:05  HTTP 401");
	job = job_of("done", "100", "null", "fetching", "null", "0",
		"{\"code\":\"store_full\",\"message\":\"\"}");
	assert_line(&job, 70, "abc  fetching store_full");
}

static void ids(void **state)
{
	char longest[ID_SIZE + 1];
	(void)state;
	memset(longest, 'a', sizeof(longest));
	longest[ID_SIZE] = '\0';
	assert_false(ctl_id_is_good(longest));
	longest[ID_SIZE - 1] = '\0';
	assert_true(ctl_id_is_good(longest));
	assert_true(ctl_id_is_good("-task_5:x.Y"));
	static const char *const bad[] = { "", ".a", "a/b", "a b", "\u00e9", "a\n" };
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(ctl_id_is_good(bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(widths, in_utf8),
		cmocka_unit_test_setup(hostile, in_utf8),
		cmocka_unit_test_setup(small_buffers, in_utf8),
		cmocka_unit_test_setup(fine_bars, in_utf8),
		cmocka_unit_test_setup(without_utf8, in_c),
		cmocka_unit_test_setup(bytes, in_c),
		cmocka_unit_test_setup(durations, in_c),
		cmocka_unit_test_setup(given_durations, in_c),
		cmocka_unit_test_setup(costs, in_c),
		cmocka_unit_test_setup(bars, in_c),
		cmocka_unit_test_setup(rates, in_c),
		cmocka_unit_test_setup(documents, in_c),
		cmocka_unit_test_setup(verdicts, in_c),
		cmocka_unit_test_setup(lines, in_c),
		cmocka_unit_test_setup(ids, in_c),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
