/* SPDX-License-Identifier: MIT */
/* A job's line: id, a word, a bar, how fast, how long still. Pure. */
#include "ctl.h"

#include <stdio.h>
#include <string.h>

#define WORD_COLUMNS 8
#define LEAST_BAR 6
#define MOST_BAR 32
#define WINDOW_MS 8000 /* what was longer ago says nothing of now */

void ctl_rate_add(struct ctl_rate *rate, int64_t now_ms, int64_t value)
{
	unsigned last = (rate->count + CTL_SAMPLES - 1) % CTL_SAMPLES;
	if (rate->count > 0 && value < rate->samples[last].value)
		rate->count = 0; /* it has begun anew */
	if (rate->count > 0 && now_ms - rate->samples[last].at_ms < 200)
		return;
	rate->samples[rate->count % CTL_SAMPLES].at_ms = now_ms;
	rate->samples[rate->count % CTL_SAMPLES].value = value;
	rate->count++;
}

double ctl_rate_get(const struct ctl_rate *rate, int64_t now_ms)
{
	if (rate->count < 2)
		return -1;
	unsigned first = rate->count > CTL_SAMPLES ? rate->count - CTL_SAMPLES : 0;
	unsigned last = rate->count - 1;
	while (first + 1 < last && now_ms - rate->samples[first % CTL_SAMPLES].at_ms > WINDOW_MS)
		first++;
	int64_t ms = now_ms - rate->samples[first % CTL_SAMPLES].at_ms;
	int64_t more =
		rate->samples[last % CTL_SAMPLES].value - rate->samples[first % CTL_SAMPLES].value;
	return ms > 0 ? (double)more * 1000 / (double)ms : -1;
}

/* "  0:06 left", or nothing. */
static void put_left(char *to, size_t size, double rest, double rate)
{
	char left[CTL_WORD_SIZE] = "";
	to[0] = '\0';
	if (rate <= 0 || rest / rate > 1e9)
		return;
	ctl_text_clock(left, (int64_t)(rest / rate + 0.999));
	(void)snprintf(to, size, "  %s left", left);
}

/* A bar as long as there is room for, then the words; the words alone where there is none. */
static void put_bar(
	char *to, size_t size, int columns, int64_t part, int64_t whole, const char *words)
{
	char bar[MOST_BAR * 4], all[CTL_LINE_SIZE];
	int room = columns - ctl_text_columns(words) - 1;
	if (room > MOST_BAR)
		room = MOST_BAR;
	if (room >= LEAST_BAR)
		ctl_text_bar(bar, sizeof(bar), room, part, whole);
	(void)snprintf(all, sizeof(all), "%s%s%s", room >= LEAST_BAR ? bar : "",
		room >= LEAST_BAR ? " " : "", words);
	(void)ctl_text_fit(to, size, all, columns);
}

void ctl_bar_bytes(char *to, size_t size, int columns, int64_t bytes, int64_t whole,
	const struct ctl_rate *rate, int64_t now_ms)
{
	char here[CTL_WORD_SIZE], all[CTL_WORD_SIZE], speed[CTL_WORD_SIZE], left[CTL_WORD_SIZE * 2];
	char words[CTL_LINE_SIZE];
	double per_second = ctl_rate_get(rate, now_ms);
	int percent = whole > 0 ? (int)((double)bytes * 100 / (double)whole) : 100;
	ctl_text_bytes(here, bytes);
	ctl_text_bytes(all, whole);
	ctl_text_bytes(speed, (int64_t)per_second);
	put_left(left, sizeof(left), (double)(whole - bytes), per_second);
	int length = snprintf(words, sizeof(words), "%3d%%  %s of %s", percent, here, all);
	if (per_second >= 0)
		(void)snprintf(words + length, sizeof(words) - (size_t)length, "  %s/s%s", speed,
			bytes < whole ? left : "");
	put_bar(to, size, columns, bytes, whole, words);
}

/* What is under way at the provider. */
static void put_progress(const struct ctl_bar *bar, char *to, size_t size, int columns)
{
	const struct ctl_job *job = bar->job;
	char elapsed[CTL_WORD_SIZE], left[CTL_WORD_SIZE * 2], words[CTL_LINE_SIZE];
	char trouble[MESSAGE_SIZE * 2], speed[CTL_WORD_SIZE * 2] = "";
	double rate = ctl_rate_get(bar->progress, bar->now_ms);
	ctl_text_clock(elapsed, bar->elapsed_s);
	ctl_job_trouble(job, trouble, sizeof(trouble));
	put_left(left, sizeof(left), 100 - job->progress, rate);
	if (rate > 0)
		(void)snprintf(speed, sizeof(speed), "  %.0f%%/%s", rate >= 1 ? rate : rate * 60,
			rate >= 1 ? "s" : "min");
	if (job->progress >= 0)
		(void)snprintf(
			words, sizeof(words), "%3d%%%s%s  %s", job->progress, speed, left, elapsed);
	else
		(void)snprintf(words, sizeof(words), "  -   %s", elapsed);
	if (trouble[0] != '\0')
		(void)snprintf(
			words + strlen(words), sizeof(words) - strlen(words), "  %s", trouble);
	put_bar(to, size, columns, job->progress, 100, words);
}

static void put_over(const struct ctl_job *job, char *to, size_t size, int columns)
{
	char bytes[CTL_WORD_SIZE], cost[CTL_WORD_SIZE], words[CTL_LINE_SIZE];
	ctl_job_trouble(job, words, sizeof(words));
	ctl_text_bytes(bytes, job->size);
	ctl_text_cost(cost, job->cost_usd);
	if (ctl_job_is_good(job))
		(void)snprintf(words, sizeof(words), "%s%s%s", bytes,
			job->cost_usd >= 0 ? "  " : "", job->cost_usd >= 0 ? cost : "");
	(void)ctl_text_fit(to, size, words, columns);
}

static void put_rest(const struct ctl_bar *bar, char *to, size_t size, int columns)
{
	const struct ctl_job *job = bar->job;
	char trouble[MESSAGE_SIZE * 2];
	if (ctl_job_is_over(job)) {
		put_over(job, to, size, columns);
	} else if (job->state != JOB_DONE) {
		put_progress(bar, to, size, columns);
	} else if (job->size > 0 && job->video_error.code[0] == '\0') {
		ctl_bar_bytes(to, size, columns, job->bytes > 0 ? job->bytes : 0, job->size,
			bar->bytes, bar->now_ms);
	} else {
		ctl_job_trouble(job, trouble, sizeof(trouble));
		(void)ctl_text_fit(
			to, size, trouble[0] != '\0' ? trouble : "waits for its turn", columns);
	}
}

int ctl_bar_line(const struct ctl_bar *bar, char line[CTL_LINE_SIZE])
{
	char id[ID_SIZE + 8], word[CTL_WORD_SIZE], rest[CTL_LINE_SIZE / 2];
	const char *color = bar->colored ? ctl_job_color(bar->job) : "";
	int columns = bar->columns - bar->id_columns - 1;
	int id_width = ctl_text_fit(id, sizeof(id), bar->job->id, bar->id_columns);
	int word_width = ctl_text_fit(word, sizeof(word), ctl_job_word(bar->job),
		columns < WORD_COLUMNS ? columns : WORD_COLUMNS);
	int room = columns - WORD_COLUMNS - 1;
	rest[0] = '\0';
	if (room > 0)
		put_rest(bar, rest, sizeof(rest), room);
	(void)snprintf(line, CTL_LINE_SIZE, "%s%*s %s%s%s%*s%s", id, bar->id_columns - id_width, "",
		color, word, *color != '\0' ? "\033[0m" : "", WORD_COLUMNS + 1 - word_width, "",
		rest);
	/* Blanks at the end count: a narrower terminal breaks them too. */
	return bar->id_columns + 1 + WORD_COLUMNS + 1 + ctl_text_columns(rest);
}
