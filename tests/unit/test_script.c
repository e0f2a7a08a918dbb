/* SPDX-License-Identifier: MIT */
/* The provider's scripts: what is understood, and that every mistake is named with its line. */
#include "../provider/script.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void parse(const char *text, struct script *script)
{
	char error[256] = "";
	int r = script_parse(text, strlen(text), script, error, sizeof(error));
	assert_string_equal(error, "");
	assert_int_equal(r, 0);
}

static void assert_wrong(const char *text, const char *complaint)
{
	char error[256] = "";
	struct script script;
	int r = script_parse(text, strlen(text), &script, error, sizeof(error));
	assert_string_equal(error, complaint);
	assert_int_equal(r, -EINVAL);
	script_free(&script);
}

static const struct step *step_at(const struct section *section, int number)
{
	const struct step *step = STAILQ_FIRST(&section->steps);
	while (step && number--)
		step = STAILQ_NEXT(step, next);
	assert_non_null(step);
	return step;
}

static void test_story(void **state)
{
	(void)state;
	struct script script;
	parse("# A story.\n"
	      "job *   # any\n"
	      "\tanswer 200 queued\r\n"
	      "  answer 200 running progress=42 times=2\n"
	      "answer done until=finish\n"
	      "\n"
	      "video clip.mp4\n"
	      "  file clip.mp4\n"
	      "  serve",
		&script);
	const struct section *job = script_job(&script, "x");
	assert_int_equal(step_at(job, 0)->status, 200);
	assert_string_equal(step_at(job, 0)->builtin, "queued");
	assert_int_equal(step_at(job, 0)->times, 1);
	assert_int_equal(step_at(job, 1)->progress, 42);
	assert_int_equal(step_at(job, 1)->times, 2);
	assert_int_equal(step_at(job, 2)->status, 0);
	assert_string_equal(step_at(job, 2)->builtin, "done");
	assert_string_equal(step_at(job, 2)->until, "finish");
	assert_null(STAILQ_NEXT(step_at(job, 2), next));
	const struct section *video = script_video(&script, "clip.mp4");
	assert_string_equal(video->file, "clip.mp4");
	assert_int_equal(video->size, -1);
	assert_non_null(step_at(video, 0));
	script_free(&script);
}

static void test_defaults(void **state)
{
	(void)state;
	struct script script;
	parse("job *\nanswer", &script);
	const struct step *step = step_at(script_job(&script, "x"), 0);
	assert_int_equal(step->status, 0);
	assert_null(step->builtin);
	assert_int_equal(step->cut, -1);
	assert_int_equal(step->stall, -1);
	assert_int_equal(step->cut_after, -1);
	assert_int_equal(step->stall_after, -1);
	assert_int_equal(step->stall_ms, 0);
	assert_int_equal(step->off_by, 0);
	assert_int_equal(step->rate, -1);
	assert_int_equal(step->progress, -1);
	assert_int_equal(step->delay_ms, 0);
	assert_false(step->hang || step->drop || step->empty);
	script_free(&script);
}

static void test_job_first_glob_wins(void **state)
{
	(void)state;
	struct script script;
	parse("job task_*\nunknown\njob a?c\nanswer queued\nvideo v\nsize 1", &script);
	assert_true(script_job(&script, "task_1")->unknown);
	assert_false(script_job(&script, "abc")->unknown);
	assert_null(script_job(&script, "abcd"));
	assert_null(script_job(&script, "v"));
	script_free(&script);
	parse("job *\nunknown\njob a\nanswer queued", &script);
	assert_true(script_job(&script, "a")->unknown);
	script_free(&script);
}

static void test_video_by_name(void **state)
{
	(void)state;
	struct script script;
	parse("video a\nsize 1\nvideo b*\nsize 2\nserve from=a", &script);
	assert_int_equal(script_video(&script, NULL)->size, 1);
	assert_int_equal(script_video(&script, "b*")->size, 2);
	assert_null(script_video(&script, "bb"));
	assert_string_equal(step_at(script_video(&script, "b*"), 0)->from, "a");
	script_free(&script);
	parse("job *\nunknown", &script);
	assert_null(script_video(&script, NULL));
	script_free(&script);
}

static void test_numbers(void **state)
{
	(void)state;
	struct script script;
	parse("video v\nsize 3G\nserve cut=2K stall=1M rate=1 delay=0\nserve length=-100\n"
	      "serve length=+1K\n"
	      "serve cut-after=1K stall-after=512 for=300 off-by=-7",
		&script);
	const struct section *video = script_video(&script, "v");
	assert_int_equal(video->size, INT64_C(3221225472));
	assert_int_equal(step_at(video, 0)->cut, 2048);
	assert_int_equal(step_at(video, 0)->stall, 1048576);
	assert_int_equal(step_at(video, 0)->delay_ms, 0);
	assert_int_equal(step_at(video, 1)->length_lie, -100);
	assert_int_equal(step_at(video, 2)->length_lie, 1024);
	assert_int_equal(step_at(video, 3)->cut_after, 1024);
	assert_int_equal(step_at(video, 3)->stall_after, 512);
	assert_int_equal(step_at(video, 3)->stall_ms, 300);
	assert_int_equal(step_at(video, 3)->off_by, -7);
	script_free(&script);
}

static void test_numbers_wrong(void **state)
{
	(void)state;
	assert_wrong("video v\nsize 1T", "line 2: not a size: 1T");
	assert_wrong("video v\nsize -1", "line 2: not a size: -1");
	assert_wrong("video v\nsize 1KK", "line 2: not a size: 1KK");
	assert_wrong(
		"video v\nsize 9223372036854775808", "line 2: not a size: 9223372036854775808");
	assert_wrong("video v\nsize 8589934592G", "line 2: not a size: 8589934592G");
	assert_wrong("video v\nsize 1\nserve cut=", "line 3: not a value for this option: cut");
	assert_wrong("video v\nsize 1\nserve cut=+1", "line 3: not a value for this option: cut");
	assert_wrong(
		"video v\nsize 1\nserve length=9", "line 3: not a value for this option: length");
	assert_wrong(
		"video v\nsize 1\nserve length=-", "line 3: not a value for this option: length");
	assert_wrong("job *\nanswer times=0", "line 2: must be above 0: times, rate");
	assert_wrong("job *\nanswer rate=0", "line 2: must be above 0: times, rate");
}

static void test_quotes(void **state)
{
	(void)state;
	struct script script;
	parse("job *\n"
	      "answer text='{\"a\": \"# b\"}' type=\"text/html; charset=utf-8\"\n"
	      "answer text='a\\n\\t\\0\\\\\\'\\x7f\\xFf'\n"
	      "answer text='' retry-after='Wed, 21 Oct'2015\n",
		&script);
	const struct section *job = script_job(&script, "x");
	assert_string_equal(step_at(job, 0)->text.data, "{\"a\": \"# b\"}");
	assert_string_equal(step_at(job, 0)->type, "text/html; charset=utf-8");
	const struct text *text = &step_at(job, 1)->text;
	assert_int_equal(text->length, 8);
	assert_memory_equal(text->data, "a\n\t\0\\'\x7f\xff", 9);
	assert_non_null(step_at(job, 2)->text.data);
	assert_int_equal(step_at(job, 2)->text.length, 0);
	assert_string_equal(step_at(job, 2)->retry_after, "Wed, 21 Oct2015");
	script_free(&script);
}

static void test_quotes_wrong(void **state)
{
	(void)state;
	assert_wrong("job *\nanswer text='a\nanswer", "line 2: quotes or escapes: text");
	assert_wrong("job *\nanswer text='a\\", "line 2: quotes or escapes: text");
	assert_wrong("job *\nanswer text='\\q'", "line 2: quotes or escapes: text");
	assert_wrong("job *\nanswer text='\\x1'", "line 2: quotes or escapes: text");
	assert_wrong("job *\nanswer text='\\x", "line 2: quotes or escapes: text");
	assert_wrong("job *\nanswer type='a\\0'", "line 2: not a value for this option: type");
}

static void test_flag_or_value(void **state)
{
	(void)state;
	struct script script;
	parse("video v\nsize 1\nserve no-length\nserve no-length=close\nserve no-range hang drop",
		&script);
	const struct section *video = script_video(&script, "v");
	assert_true(step_at(video, 0)->no_length);
	assert_null(step_at(video, 0)->length_end);
	assert_false(step_at(video, 1)->no_length);
	assert_string_equal(step_at(video, 1)->length_end, "close");
	assert_true(step_at(video, 2)->no_range && step_at(video, 2)->hang);
	script_free(&script);
	parse("job *\nanswer text=@ID@ raw\nanswer", &script);
	assert_true(step_at(script_job(&script, "x"), 0)->raw);
	assert_false(step_at(script_job(&script, "x"), 1)->raw);
	script_free(&script);
	assert_wrong("video v\nsize 1\nserve raw", "line 3: no such option here: raw");
	assert_wrong("video v\nsize 1\nserve stall=1 for=5 until=go",
		"line 3: for and until do not go together: go");
	assert_wrong("video v\nsize 1\nserve no-length=2",
		"line 3: no-length is alone or no-length=close: 2");
	assert_wrong("job *\nanswer drop=1", "line 2: no such option here: drop");
	assert_wrong("job *\nanswer times", "line 2: no such option here: times");
}

static void test_places(void **state)
{
	(void)state;
	assert_wrong("answer 200", "line 1: comes before the first job or video: answer");
	assert_wrong("job *\nserve", "line 2: does not belong into a job: serve");
	assert_wrong("video v\nanswer", "line 2: does not belong into a video: answer");
	assert_wrong("job *\nanswer etag=x", "line 2: no such option here: etag");
	assert_wrong("video v\nsize 1\nserve progress=1", "line 3: no such option here: progress");
	assert_wrong("video v\nsize 1\nserve queued", "line 3: no such option here: queued");
	assert_wrong("\n\njob=1", "line 3: a line starts with a plain word: job");
}

static void test_sections_wrong(void **state)
{
	(void)state;
	assert_wrong("job", "line 1: a word is missing: behind the first");
	assert_wrong("job a b", "line 1: too much: b");
	assert_wrong("\njob a\nvideo v\nsize 1", "line 2: needs answers or unknown, not both: a");
	assert_wrong("job a\nunknown\nanswer", "line 1: needs answers or unknown, not both: a");
	assert_wrong("video v", "line 1: needs a file or a size, not both: v");
	assert_wrong("video v\nsize 1\nfile f", "line 1: needs a file or a size, not both: v");
	assert_wrong("job *\nanswer done video=w", "line 1: no such video: w");
	assert_wrong("video v\nsize 1\nserve from=w", "line 1: no such video: w");
}

static void test_answers_wrong(void **state)
{
	(void)state;
	assert_wrong("job *\nanswer 200 done empty", "line 2: more than one body: done");
	assert_wrong("job *\nanswer text=a body=b", "line 2: more than one body: ");
	assert_wrong("job *\nanswer 99", "line 2: no status: 200 to 599 are");
	assert_wrong("job *\nanswer 600", "line 2: no status: 200 to 599 are");
	assert_wrong("job *\nanswer done failed", "line 2: no such option here: failed");
	assert_wrong(
		"job *\nanswer times=2 until=e", "line 2: times and until do not go together: e");
}

static void test_nul_in_script(void **state)
{
	(void)state;
	static const char text[] = "job *\n\0answer";
	char error[256] = "";
	struct script script;
	assert_int_equal(
		script_parse(text, sizeof(text) - 1, &script, error, sizeof(error)), -EINVAL);
	assert_non_null(strstr(error, "NUL"));
	script_free(&script);
}

static void test_awaits(void **state)
{
	(void)state;
	struct script script;
	parse("job *\nanswer queued until=run\nvideo v\nsize 1\nserve stall=1 until=go", &script);
	assert_true(script_awaits(&script, "run"));
	assert_true(script_awaits(&script, "go"));
	assert_false(script_awaits(&script, "runs"));
	script_free(&script);
}

static void assert_file_parses(const char *name)
{
	char path[512];
	char text[16384];
	struct script script;
	(void)snprintf(path, sizeof(path), "tests/provider/scripts/%s", name);
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	size_t length = fread(text, 1, sizeof(text) - 1, file);
	text[length] = '\0';
	assert_int_equal(fclose(file), 0);
	print_message("%s\n", path);
	parse(text, &script);
	assert_non_null(STAILQ_FIRST(&script.sections));
	script_free(&script);
}

static void test_our_scripts(void **state)
{
	(void)state;
	int count = 0;
	const struct dirent *entry;
	DIR *directory = opendir("tests/provider/scripts");
	assert_non_null(directory);
	while ((entry = readdir(directory))) {
		const char *dot = strrchr(entry->d_name, '.');
		if (!dot || strcmp(dot, ".script") != 0)
			continue;
		assert_file_parses(entry->d_name);
		count++;
	}
	assert_int_equal(closedir(directory), 0);
	assert_true(count > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_story),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_job_first_glob_wins),
		cmocka_unit_test(test_video_by_name),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_numbers_wrong),
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_quotes_wrong),
		cmocka_unit_test(test_flag_or_value),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_sections_wrong),
		cmocka_unit_test(test_answers_wrong),
		cmocka_unit_test(test_nul_in_script),
		cmocka_unit_test(test_awaits),
		cmocka_unit_test(test_our_scripts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
