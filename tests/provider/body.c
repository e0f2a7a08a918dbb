/* SPDX-License-Identifier: MIT */
/* Makes bodies: a template from the script, then the words in it that stand for something. */
#include "body.h"

#include "builtin.h"
#include "stage.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The video's address in every sample of the vendor. */
static const char sample_url[] =
	"https://vidgen.x.ai/xai-vidgen-bucket/xai-video-72924fdc-e6d7-4885-b318-8a367aaa9a02.mp4";

struct fact {
	const char *word;
	const char *value;
};

enum { URL_ROOM = 1024, NUMBER_ROOM = 24 };

enum body_shows body_shows(const struct step *step)
{
	const struct builtin *builtin = builtin_find(step->builtin);
	return builtin ? builtin->shows : BODY_SHOWS_NEITHER;
}

/* Which of the facts stands at `at`; NULL for none. */
static const struct fact *fact_at(const struct fact *facts, const char *at, size_t left)
{
	if (*at != '@' && *at != 'h')
		return NULL;
	for (; facts->word; facts++) {
		size_t length = strlen(facts->word);
		if (length <= left && memcmp(at, facts->word, length) == 0)
			return facts;
	}
	return NULL;
}

static void replace(FILE *out, struct text template, const struct fact *facts)
{
	size_t at = 0;
	while (at < template.length) {
		const struct fact *fact = fact_at(facts, template.data + at, template.length - at);
		if (fact)
			(void)fputs(fact->value, out);
		else
			(void)fputc(template.data[at], out);
		at += fact ? strlen(fact->word) : 1;
	}
}

static int close_stream(FILE *out, struct text *made, struct text *result)
{
	bool bad = ferror(out) != 0;
	if (fclose(out) != 0 || bad) {
		free(made->data);
		return -ENOMEM;
	}
	*result = *made;
	return 0;
}

char *body_url(const struct stage *stage, const char *text, const char *id)
{
	const struct fact facts[] = { { "@BASE@", stage->base }, { "@ID@", id }, { 0 } };
	struct text made = { 0 };
	FILE *out = text ? open_memstream(&made.data, &made.length) : NULL;
	if (!out)
		return NULL;
	replace(out, (struct text){ (char *)(uintptr_t)text, strlen(text) }, facts);
	return close_stream(out, &made, &made) ? NULL : made.data;
}

static void video_url(
	const struct stage *stage, const struct step *step, const char *id, char *url, size_t room)
{
	const struct section *video = script_video(&stage->script, step->video);
	char *given = body_url(stage, step->url, id);
	int length = given ? snprintf(url, room, "%s", given)
			   : snprintf(url, room, "%s/videos/%s", stage->base,
				     video ? video->name : "none.mp4");
	if (length < 0 || (size_t)length >= room)
		url[0] = '\0';
	free(given);
}

static struct text template_of(const struct step *step)
{
	const struct builtin *builtin = builtin_find(step->builtin);
	if (builtin)
		return (struct text){ (char *)(uintptr_t)builtin->text, strlen(builtin->text) };
	if (step->loaded)
		return (struct text){ step->loaded, step->loaded_length };
	return step->text;
}

static void nested(FILE *out, const struct step *step, const struct fact *facts)
{
	static const struct fact none[] = { { 0 } };
	for (int64_t i = 0; i < step->nest; i++)
		(void)fputs("{\"data\":", out);
	replace(out, template_of(step), step->raw ? none : facts);
	for (int64_t i = 0; i < step->nest; i++)
		(void)fputc('}', out);
}

static void number_text(char text[NUMBER_ROOM], int64_t number)
{
	(void)snprintf(text, NUMBER_ROOM, "%" PRId64, number);
}

int body_make(
	const struct stage *stage, const struct turn *turn, const char *id, struct text *result)
{
	const struct step *step = turn->step;
	const struct builtin *builtin = builtin_find(step->builtin);
	char url[URL_ROOM];
	char submitted[NUMBER_ROOM];
	char started[NUMBER_ROOM];
	char finished[NUMBER_ROOM];
	char progress[NUMBER_ROOM];
	const struct fact facts[] = { { "@ID@", id }, { "@BASE@", stage->base }, { "@VIDEO@", url },
		{ sample_url, url }, { "@SUBMITTED@", submitted }, { "@STARTED@", started },
		{ "@FINISHED@", finished }, { "@PROGRESS@", progress }, { 0 } };
	struct text made = { 0 };
	FILE *out = open_memstream(&made.data, &made.length);
	if (!out)
		return -ENOMEM;
	video_url(stage, step, id, url, sizeof(url));
	number_text(submitted, turn->submitted);
	number_text(started, turn->started);
	number_text(finished, turn->finished);
	number_text(progress, step->progress < 0 && builtin ? builtin->progress : step->progress);
	nested(out, step, facts);
	for (long at = ftell(out); at < step->pad_bytes; at++)
		(void)fputc(' ', out);
	return close_stream(out, &made, result);
}
