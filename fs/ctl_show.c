/* SPDX-License-Identifier: MIT */
/* How jobs that are waited for are shown: bars on a terminal, plain lines elsewhere. */
#include "ctl_watch.h"

#include "base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS 1000 /* of the clock in a line, and of a download */
#define LOOK_MS 5000 /* what is wrong with a poll is no change either, but not in such a hurry */
#define DRAW_MS 100 /* not more often */
#define ID_MOST 36

/* ---- plain lines ---------------------------------------------------------------------------------- */

static void put_plain(const struct ctl_job *job, char *text, size_t size)
{
	char bytes[CTL_WORD_SIZE];
	const char *word = ctl_job_word(job);
	ctl_text_bytes(bytes, job->size);
	if (ctl_job_is_over(job) && job->video == VIDEO_READY)
		(void)snprintf(text, size, "%s %s", word, bytes);
	else if (job->state == JOB_RUNNING && job->progress >= 10)
		(void)snprintf(text, size, "%s %d%%", word, job->progress / 10 * 10);
	else
		(void)snprintf(text, size, "%s",
			job->state == JOB_DONE && !ctl_job_is_over(job) ? "fetching" : word);
}

static void say_changes(struct watch *watch)
{
	char text[sizeof(watch->jobs->said)];
	for (int i = 0; i < watch->next; i++) {
		struct watched *job = &watch->jobs[i];
		if (!job->changed || job->error != 0)
			continue;
		job->changed = false;
		put_plain(&job->job, text, sizeof(text));
		if (strcmp(text, job->said) == 0)
			continue;
		memcpy(job->said, text, sizeof(text));
		(void)printf("%s %s\n", job->job.id, text);
	}
	(void)fflush(stdout);
}

/* ---- which jobs ----------------------------------------------------------------------------------- */

/* What people look for first: what comes in, what is made, what waits; what is over needs no place. */
static int rank_of(const struct watched *job)
{
	if (job->over)
		return 4;
	if (job->job.video == VIDEO_FETCHING)
		return job->job.bytes > 0 ? 0 : 2;
	return job->job.state == JOB_RUNNING ? 1 : 3;
}

/* All of them, in their order, where there is room; else those of the first ranks. */
static void choose(struct show *show, const struct watch *watch, int room)
{
	bool all = watch->count <= room;
	show->shown_count = 0;
	for (int rank = 0; rank < (all ? 1 : 4); rank++)
		for (int i = 0; i < watch->count && show->shown_count < room; i++)
			if (all || rank_of(&watch->jobs[i]) == rank)
				show->shown[show->shown_count++] = i;
}

static bool make_room(struct show *show, int room)
{
	if (room <= show->room)
		return true;
	char **lines = reallocarray(show->lines, (size_t)room, sizeof(*lines));
	int *widths = reallocarray(show->widths, (size_t)room, sizeof(*widths));
	int *shown = reallocarray(show->shown, (size_t)room, sizeof(*shown));
	show->lines = lines != NULL ? lines : show->lines;
	show->widths = widths != NULL ? widths : show->widths;
	show->shown = shown != NULL ? shown : show->shown;
	if (lines == NULL || widths == NULL || shown == NULL)
		return false;
	for (; show->room < room; show->room++) {
		show->lines[show->room] = malloc(CTL_LINE_SIZE);
		if (show->lines[show->room] == NULL)
			return false;
	}
	return true;
}

/* ---- drawing -------------------------------------------------------------------------------------- */

static int id_columns(const struct watch *watch, int columns)
{
	int most = 0, room = columns / 2 < ID_MOST ? columns / 2 : ID_MOST;
	for (int i = 0; i < watch->count && most < room; i++) {
		int own = (int)strlen(watch->jobs[i].job.id);
		most = own > most ? own : most;
	}
	return most < room ? most : room;
}

static void draw_job(struct show *show, const struct watch *watch, int line, int ids)
{
	const struct watched *job = &watch->jobs[show->shown[line]];
	int64_t now_ms = clock_ms();
	const struct ctl_bar bar = { .job = &job->job,
		.progress = &job->progress,
		.bytes = &job->bytes,
		.now_ms = now_ms,
		.elapsed_s = (now_ms - watch->started_ms) / 1000,
		.columns = show->screen.columns - 1,
		.id_columns = ids,
		.colored = show->screen.colored };
	show->widths[line] = ctl_bar_line(&bar, show->lines[line]);
}

static void draw_summary(struct show *show, const struct watch *watch, int line)
{
	char text[128];
	(void)snprintf(text, sizeof(text), "%d of %d over, %d failed; %d more not shown",
		watch->over, watch->count, watch->failed,
		watch->count - watch->over - show->shown_count);
	show->widths[line] =
		ctl_text_fit(show->lines[line], CTL_LINE_SIZE, text, show->screen.columns - 1);
}

static void draw(struct show *show, const struct watch *watch)
{
	show->drawn_ms = clock_ms();
	if (ctl_signal_continued())
		ctl_screen_leave(&show->screen);
	if (ctl_signal_resized())
		ctl_screen_measure(&show->screen);
	int rows = show->screen.rows - 1; /* the cursor rests below */
	if (rows < 1 || !make_room(show, rows))
		return;
	bool all = watch->count <= rows;
	int ids = id_columns(watch, show->screen.columns);
	choose(show, watch, all ? rows : rows - 1);
	for (int line = 0; line < show->shown_count; line++)
		draw_job(show, watch, line, ids);
	if (!all)
		draw_summary(show, watch, show->shown_count);
	ctl_screen_draw(&show->screen, show->lines, show->widths, show->shown_count + !all);
}

void ctl_show_open(struct show *show)
{
	memset(show, 0, sizeof(*show));
	ctl_screen_open(&show->screen);
}

void ctl_show(struct show *show, struct watch *watch)
{
	if (!show->screen.live && !watch->ctl->quiet)
		say_changes(watch);
	if (ctl_show_next_ms(show, watch) != 0)
		return;
	draw(show, watch);
	watch->changed = false;
}

/* A change that came just after the last drawing is drawn a little later. */
int64_t ctl_show_next_ms(const struct show *show, const struct watch *watch)
{
	if (!show->screen.live)
		return -1;
	int64_t rest_ms = show->drawn_ms + (watch->changed ? DRAW_MS : TICK_MS) - clock_ms();
	return rest_ms > 0 ? rest_ms : 0;
}

void ctl_show_refresh(const struct show *show, struct watch *watch)
{
	if (!show->screen.live)
		return;
	for (int line = 0; line < show->shown_count; line++) {
		struct watched *job = &watch->jobs[show->shown[line]];
		bool fetching = job->job.video == VIDEO_FETCHING;
		if (!job->over && job->fd >= 0 &&
			clock_ms() - job->read_ms >= (fetching ? TICK_MS : LOOK_MS))
			ctl_watch_read(watch, job);
	}
}

void ctl_show_close(struct show *show, struct watch *watch)
{
	if (show->screen.live && ctl_signal_ending() == 0)
		draw(show, watch);
	ctl_screen_close(&show->screen);
	for (int line = 0; line < show->room; line++)
		free(show->lines[line]);
	free(show->lines);
	free(show->widths);
	free(show->shown);
}
