/* SPDX-License-Identifier: MIT */
/* A table of jobs, as wide as the terminal is. */
#include "ctl.h"

#include "base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ID_LEAST 36 /* a UUID: what is cut below that is the last resort */
#define NOTE_LEAST 12
#define NOTE_SIZE ((size_t)MESSAGE_SIZE * 2)

enum column { ID, STATE, PROGRESS, AGE, VIDEO, SIZE, COST, NOTE, COLUMNS };

static const char *const titles[COLUMNS] = { "ID", "STATE", "PROG", "AGE", "VIDEO", "SIZE", "COST",
	"NOTE" };
static const bool to_the_right[COLUMNS] = {
	[PROGRESS] = true, [AGE] = true, [SIZE] = true, [COST] = true
};

struct table {
	const struct ctl_job *jobs;
	size_t count;
	int widths[COLUMNS]; /* 0: not shown */
	int gap;
	int64_t now_s;
	bool colored;
};

/* ---- cells ---------------------------------------------------------------------------------------- */

static void put_note(const struct ctl_job *job, char *to, size_t size)
{
	char raw[NOTE_SIZE];
	ctl_job_trouble(job, raw, sizeof(raw));
	(void)ctl_text_fit(to, size, raw, INT_MAX);
}

/* What is here of it, while it comes in. */
static void put_video(const struct ctl_job *job, char *to, size_t size)
{
	double part = job->size > 0 && job->bytes > 0 ? (double)job->bytes / (double)job->size : 0;
	if (job->video == VIDEO_FETCHING && job->size > 0)
		(void)snprintf(to, size, "%d%%", (int)(part * 100));
	else
		(void)snprintf(to, size, "%s",
			job->video == VIDEO_NONE ? "-" : ctl_video_state(job->video));
}

static void put_cell(const struct table *table, const struct ctl_job *job, enum column column,
	char cell[NOTE_SIZE])
{
	int64_t age_s = table->now_s - job->submitted_at;
	switch (column) {
	case ID:
		(void)snprintf(cell, NOTE_SIZE, "%s", job->id);
		break;
	case STATE:
		(void)snprintf(cell, NOTE_SIZE, "%s", ctl_job_state(job->state));
		break;
	case PROGRESS:
		(void)snprintf(cell, NOTE_SIZE, job->progress >= 0 ? "%d%%" : "-", job->progress);
		break;
	case AGE:
		(void)snprintf(cell, NOTE_SIZE, "-");
		if (job->submitted_at > 0)
			ctl_text_age(cell, age_s);
		break;
	case VIDEO:
		put_video(job, cell, NOTE_SIZE);
		break;
	case SIZE:
		ctl_text_bytes(cell, job->size);
		break;
	case COST:
		ctl_text_cost(cell, job->cost_usd);
		break;
	default:
		put_note(job, cell, NOTE_SIZE);
	}
}

/* ---- widths --------------------------------------------------------------------------------------- */

static void find_widths(struct table *table)
{
	char cell[NOTE_SIZE];
	for (int column = 0; column < COLUMNS; column++) {
		int width = column == NOTE ? 0 : (int)strlen(titles[column]);
		for (size_t i = 0; i < table->count; i++) {
			put_cell(table, &table->jobs[i], (enum column)column, cell);
			int own = ctl_text_columns(cell);
			width = own > width ? own : width;
		}
		table->widths[column] = width;
	}
}

static int whole_width(const struct table *table)
{
	int width = -table->gap;
	for (int column = 0; column < COLUMNS; column++)
		if (table->widths[column] > 0)
			width += table->widths[column] + table->gap;
	return width;
}

/* Takes what is too much from a column, down to what it has to have. */
static void narrow(struct table *table, enum column column, int least, int columns)
{
	int more = whole_width(table) - columns;
	int width = table->widths[column];
	if (more <= 0 || width <= least)
		return;
	table->widths[column] = width - more > least ? width - more : least;
}

/* The note and long ids first, then the gaps, then what can be missed most easily. */
static void fit(struct table *table, int columns)
{
	static const enum column missed[] = { NOTE, COST, SIZE, VIDEO, AGE, PROGRESS };
	narrow(table, NOTE, NOTE_LEAST, columns);
	narrow(table, ID, ID_LEAST, columns);
	if (whole_width(table) > columns)
		table->gap = 1;
	for (size_t i = 0; i < sizeof(missed) / sizeof(missed[0]); i++)
		if (whole_width(table) > columns)
			table->widths[missed[i]] = 0;
	narrow(table, ID, 1, columns);
	narrow(table, STATE, 1, columns);
}

/* ---- printing ------------------------------------------------------------------------------------- */

/* Blanks come before what follows them: there are none at the end of a line. */
static void print_cell(const struct table *table, enum column column, const char *cell,
	const char *color, int *blanks)
{
	char text[NOTE_SIZE + 8];
	int width = table->widths[column];
	int own = ctl_text_fit(text, sizeof(text), cell, width);
	int before = to_the_right[column] ? width - own : 0;
	if (own > 0)
		(void)printf("%*s%s%s%s", *blanks + before, "", color, text,
			*color != '\0' ? "\033[0m" : "");
	*blanks = (own > 0 ? 0 : *blanks + before) + width - own - before + table->gap;
}

static void print_row(const struct table *table, const struct ctl_job *job)
{
	char cell[NOTE_SIZE];
	int blanks = 0;
	for (int column = 0; column < COLUMNS; column++) {
		bool colored = table->colored && job != NULL && column == STATE;
		if (table->widths[column] == 0)
			continue;
		if (job != NULL)
			put_cell(table, job, (enum column)column, cell);
		print_cell(table, (enum column)column, job != NULL ? cell : titles[column],
			colored ? ctl_job_color(job) : "", &blanks);
	}
	(void)printf("\n");
}

void ctl_jobs_print(const struct ctl_job *jobs, size_t count)
{
	struct table table = {
		.jobs = jobs, .count = count, .gap = 2, .now_s = clock_wall_ms() / 1000
	};
	struct ctl_screen screen;
	ctl_screen_open(&screen);
	table.colored = screen.colored;
	find_widths(&table);
	if (isatty(STDOUT_FILENO))
		fit(&table, screen.columns);
	print_row(&table, NULL);
	for (size_t i = 0; i < count; i++)
		print_row(&table, &jobs[i]);
}
