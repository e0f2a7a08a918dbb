/* SPDX-License-Identifier: MIT */
/*
 * index.html: the page of gallery.html with the jobs in its middle, as JSON. A job is an array, its columns
 * are named once. All text from outside is in strings, in which nothing can end the element that they are in.
 */
#include "gallery.h"

#include "gallery_page.h"
#include "view.h"
#include "view_text.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VALUE_SIZE 64
#define TAIL_SIZE 64 /* what is to be written behind the jobs, but for the page */
#define JOB_BYTES 256 /* of a usual job there are some 170 */
#define TROUBLE_BYTES 1200 /* and a message, of which all is escaped is rare */
#define ABOUT_BYTES 65536

struct gallery {
	struct text text;
	const char *rest; /* of the page, behind the data */
	size_t jobs, omitted;
};

static const char columns[] =
	"\"id\",\"state\",\"progress\",\"error\",\"message\",\"model\",\"tracked\","
	"\"submitted\",\"started\",\"finished\",\"cost\",\"video\",\"duration\","
	"\"size\",\"bytes\",\"videoError\",\"videoMessage\",\"failures\",\"pollError\"";

uint32_t gallery_size(const struct job_counts *counts)
{
	uint64_t jobs = 0, troubled = counts->unanswered;
	for (size_t i = 0; i < JOB_STATES; i++)
		jobs += counts->jobs[i];
	for (size_t i = ERROR_NONE + 1; i < ERROR_CODES; i++)
		troubled += counts->failed[i] + counts->lost[i] + counts->waiting[i];
	uint64_t size =
		strlen(gallery_page()) + ABOUT_BYTES + jobs * JOB_BYTES + troubled * TROUBLE_BYTES;
	return size < GALLERY_MAX ? (uint32_t)size : GALLERY_MAX;
}

/* ---- values ------------------------------------------------------------------------------------ */

static void put_next(struct text *text)
{
	if (text->begun)
		text_put(text, ",");
	text->begun = true;
}

/* null where nothing is known: a number below the least, an empty text. */
static void put_number(struct text *text, int64_t number, int64_t least)
{
	char value[VALUE_SIZE] = "null";
	put_next(text);
	if (number >= least)
		(void)snprintf(value, sizeof(value), "%" PRId64, number);
	text_put(text, value);
}

static void put_text(struct text *text, const char *string)
{
	put_next(text);
	if (string != NULL && string[0] != '\0')
		text_quote(text, string);
	else
		text_put(text, "null");
}

/* In thousandths: a double as text would follow the locale, and may be no number at all. */
static void put_seconds(struct text *text, double seconds)
{
	bool known = seconds >= 0 && seconds < UINT32_MAX;
	put_number(text, known ? (int64_t)(seconds * 1000 + 0.5) : -1, 0);
}

static void put_error(struct text *text, enum error_code code, const char *message)
{
	put_text(text, view_error(code));
	put_text(text, code != ERROR_NONE ? message : NULL);
}

/* Its address is nobody's business. */
static void put_video(struct text *text, const struct job *job)
{
	put_text(text, view_video_state(job->video));
	put_seconds(text, job->duration_s);
	put_number(text, job->video_size, 0);
	put_number(text, job->video == VIDEO_FETCHING ? job_video_bytes(job) : -1, 0);
	put_error(text, job->video_error, job->video_message);
}

static int64_t finished_at(const struct job *job)
{
	return job->finished_at == 0 ? job->done_ms / 1000 : job->finished_at;
}

static void put_job(struct text *text, const struct job *job)
{
	bool unanswered = !job_is_final(job) && job->poll_failures > 0;

	text->begun = false;
	put_text(text, job->id);
	put_text(text, view_job_state(job->state));
	put_number(text, job->progress, 0);
	put_error(text, job->error, job->error_message);
	put_text(text, job->model);
	put_number(text, job->tracked_ms / 1000, 1);
	put_number(text, job->submitted_at, 1);
	put_number(text, job->started_at, 1);
	put_number(text, job_is_final(job) ? finished_at(job) : 0, 1);
	put_number(text, job->cost_ticks, 0);
	put_video(text, job);
	put_number(text, unanswered ? job->poll_failures : 0, 1);
	put_text(text, unanswered ? job->poll_error : NULL);
}

/* ---- the page ---------------------------------------------------------------------------------- */

static void put_member(struct text *text, const char *name)
{
	put_next(text);
	text_put(text, "\n\"");
	text_put(text, name);
	text_put(text, "\":");
	text->begun = false;
}

/* For how many milliseconds what is wrong has been so. */
static void put_wrong(struct text *text, const int64_t wrong_ms[WRONGS])
{
	static const char *const names[WRONGS] = { "wrongKey", "wrongProvider", "wrongUrl",
		"wrongCatalog" };
	for (size_t i = 0; i < WRONGS; i++) {
		put_member(text, names[i]);
		put_number(text, wrong_ms[i], 1);
	}
}

static void put_about(struct text *text, const struct gallery_about *about)
{
	text_put(text, "{");
	put_member(text, "mountpoint");
	put_text(text, about->mountpoint);
	put_member(text, "provider");
	put_text(text, about->provider);
	put_member(text, "taken");
	put_number(text, about->taken_ms, 0);
	put_wrong(text, about->wrong_ms);
	put_member(text, "columns");
	text_put(text, "[");
	text_put(text, columns);
	text_put(text, "]");
	text->begun = true;
	put_member(text, "jobs");
	text_put(text, "[");
}

struct gallery *gallery_new(const struct gallery_about *about, char *bytes, size_t size)
{
	struct gallery *gallery = calloc(1, sizeof(*gallery));
	const char *page = gallery_page(), *place = strstr(page, GALLERY_PLACE);
	assert(place != NULL);
	if (gallery == NULL)
		return NULL;
	gallery->rest = place + strlen(GALLERY_PLACE);
	gallery->text = (struct text){
		.bytes = bytes,
		.room = size - strlen(gallery->rest) - TAIL_SIZE,
		.fixed = true,
		.page = true,
	};
	text_put_bytes(&gallery->text, page, (size_t)(place - page));
	put_about(&gallery->text, about);
	assert(!gallery->text.failed);
	return gallery;
}

/* What was written of one that has no room is taken back. */
void gallery_add(struct gallery *gallery, const struct job *job)
{
	struct text *text = &gallery->text;
	size_t before = text->length;
	if (gallery->omitted == 0) {
		text_put(text, gallery->jobs > 0 ? ",\n[" : "\n[");
		put_job(text, job);
		text_put(text, "]");
	}
	if (gallery->omitted == 0 && !text->failed) {
		gallery->jobs++;
		return;
	}
	text->failed = false;
	text->length = before;
	gallery->omitted++;
}

size_t gallery_end(struct gallery *gallery, size_t *omitted)
{
	struct text *text = &gallery->text;
	text->room += strlen(gallery->rest) + TAIL_SIZE;
	text_put(text, "]");
	text->begun = true;
	put_member(text, "omitted");
	put_number(text, (int64_t)gallery->omitted, 0);
	text_put(text, "}\n");
	text_put(text, gallery->rest);
	assert(!text->failed);
	size_t length = text->length;
	*omitted = gallery->omitted;
	free(gallery);
	return length;
}
