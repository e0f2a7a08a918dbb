/* SPDX-License-Identifier: MIT */
/* Parses scripts: lines into sections and their steps; an error names its line. */
#include "script.h"

#include "options.h"
#include "words.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct parser {
	struct script *script;
	struct section *section; /* the one that lines belong to */
	char *rest; /* what is left of the line */
	int line;
	char *error;
	size_t room;
};

static int fault(const struct parser *parser, const char *what, const char *word)
{
	if (parser->error)
		(void)snprintf(
			parser->error, parser->room, "line %d: %s: %s", parser->line, what, word);
	return -EINVAL;
}

static int line_step(struct parser *parser, unsigned where)
{
	struct complaint wrong;
	struct step *step = calloc(1, sizeof(*step));
	if (!step)
		return -ENOMEM;
	STAILQ_INSERT_TAIL(&parser->section->steps, step, next);
	int r = options_read(&parser->rest, where, step, &wrong);
	return r ? fault(parser, wrong.what, wrong.word) : 0;
}

/* The one plain word that a line of this type has. */
static int line_word(struct parser *parser, const char **result)
{
	struct word word;
	if (words_next(&parser->rest, &word) != 1 || word.value.data)
		return fault(parser, "a word is missing", "behind the first");
	*result = word.key;
	return words_next(&parser->rest, &word) ? fault(parser, "too much", word.key) : 0;
}

static int line_section(struct parser *parser, enum section_kind kind)
{
	struct section *section = calloc(1, sizeof(*section));
	if (!section)
		return -ENOMEM;
	section->kind = kind;
	section->line = parser->line;
	section->size = section->fd = -1;
	STAILQ_INIT(&section->steps);
	STAILQ_INSERT_TAIL(&parser->script->sections, section, next);
	parser->section = section;
	return line_word(parser, &section->name);
}

static int line_size(struct parser *parser)
{
	const char *size = NULL;
	int r = line_word(parser, &size);
	if (r)
		return r;
	return options_number(size, false, &parser->section->size)
		       ? fault(parser, "not a size", size)
		       : 0;
}

static int line_of_job(struct parser *parser, const char *first)
{
	if (strcmp(first, "answer") == 0)
		return line_step(parser, IN_ANSWER);
	if (strcmp(first, "unknown") == 0) {
		parser->section->unknown = true;
		return 0;
	}
	return fault(parser, "does not belong into a job", first);
}

static int line_of_video(struct parser *parser, const char *first)
{
	if (strcmp(first, "serve") == 0)
		return line_step(parser, IN_SERVE);
	if (strcmp(first, "file") == 0)
		return line_word(parser, &parser->section->file);
	if (strcmp(first, "size") == 0)
		return line_size(parser);
	return fault(parser, "does not belong into a video", first);
}

static int line_parse(struct parser *parser)
{
	struct word first;
	int r = words_next(&parser->rest, &first);
	if (r == 0)
		return 0;
	if (r < 0 || first.value.data)
		return fault(parser, "a line starts with a plain word", first.key);
	if (strcmp(first.key, "job") == 0)
		return line_section(parser, SECTION_JOB);
	if (strcmp(first.key, "video") == 0)
		return line_section(parser, SECTION_VIDEO);
	if (!parser->section)
		return fault(parser, "comes before the first job or video", first.key);
	return parser->section->kind == SECTION_JOB ? line_of_job(parser, first.key)
						    : line_of_video(parser, first.key);
}

static int section_check(struct parser *parser, const struct section *section)
{
	parser->line = section->line;
	if (section->kind == SECTION_JOB && section->unknown == !STAILQ_EMPTY(&section->steps))
		return fault(parser, "needs answers or unknown, not both", section->name);
	if (section->kind == SECTION_VIDEO && !section->file == (section->size < 0))
		return fault(parser, "needs a file or a size, not both", section->name);
	const struct step *step;
	STAILQ_FOREACH (step, &section->steps, next) {
		if (step->from && !script_video(parser->script, step->from))
			return fault(parser, "no such video", step->from);
		if (step->video && !script_video(parser->script, step->video))
			return fault(parser, "no such video", step->video);
	}
	return 0;
}

static int lines_parse(struct parser *parser, char *source)
{
	char *rest = source;
	while (rest) {
		parser->line++;
		parser->rest = strsep(&rest, "\n");
		int r = line_parse(parser);
		if (r)
			return r;
	}
	const struct section *section;
	STAILQ_FOREACH (section, &parser->script->sections, next) {
		int r = section_check(parser, section);
		if (r)
			return r;
	}
	return 0;
}

int script_parse(const char *text, size_t length, struct script *script, char *error, size_t room)
{
	struct parser parser = { .script = script, .error = error, .room = room };
	STAILQ_INIT(&script->sections);
	script->source = malloc(length + 1);
	if (!script->source)
		return -ENOMEM;
	memcpy(script->source, text, length);
	script->source[length] = '\0';
	if (memchr(text, '\0', length))
		return fault(&parser, "a NUL byte in the script", "write \\0 in a text");
	return lines_parse(&parser, script->source);
}

static void section_free(struct section *section)
{
	while (!STAILQ_EMPTY(&section->steps)) {
		struct step *step = STAILQ_FIRST(&section->steps);
		STAILQ_REMOVE_HEAD(&section->steps, next);
		free(step->loaded);
		free(step);
	}
	if (section->fd >= 0)
		close(section->fd);
	free(section);
}

void script_free(struct script *script)
{
	while (!STAILQ_EMPTY(&script->sections)) {
		struct section *section = STAILQ_FIRST(&script->sections);
		STAILQ_REMOVE_HEAD(&script->sections, next);
		section_free(section);
	}
	free(script->source);
	script->source = NULL;
}

const struct section *script_job(const struct script *script, const char *id)
{
	const struct section *section;
	STAILQ_FOREACH (section, &script->sections, next)
		if (section->kind == SECTION_JOB && fnmatch(section->name, id, 0) == 0)
			return section;
	return NULL;
}

const struct section *script_video(const struct script *script, const char *name)
{
	const struct section *section;
	STAILQ_FOREACH (section, &script->sections, next)
		if (section->kind == SECTION_VIDEO && (!name || strcmp(section->name, name) == 0))
			return section;
	return NULL;
}

bool script_awaits(const struct script *script, const char *event)
{
	const struct section *section;
	const struct step *step;
	STAILQ_FOREACH (section, &script->sections, next)
		STAILQ_FOREACH (step, &section->steps, next)
			if (step->until && strcmp(step->until, event) == 0)
				return true;
	return false;
}
