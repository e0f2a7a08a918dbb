/* SPDX-License-Identifier: MIT */
/* The options of `answer` and `serve` lines: one table. */
#include "options.h"

#include "words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum option_kind { FLAG, STRING, TEXT, NUMBER, SIGNED };

struct option {
	const char *name;
	enum option_kind kind;
	unsigned where;
	size_t at;
};

#define OPTION(name, kind, where, field)                                                           \
	{                                                                                          \
		name, kind, where, offsetof(struct step, field)                                    \
	}

static const struct option options[] = {
	OPTION("body", STRING, IN_ANSWER | IN_SERVE, file),
	OPTION("text", TEXT, IN_ANSWER | IN_SERVE, text),
	OPTION("type", STRING, IN_ANSWER | IN_SERVE, type),
	OPTION("empty", FLAG, IN_ANSWER | IN_SERVE, empty),
	OPTION("times", NUMBER, IN_ANSWER | IN_SERVE, times),
	OPTION("until", STRING, IN_ANSWER | IN_SERVE, until),
	OPTION("once", FLAG, IN_ANSWER | IN_SERVE, once),
	OPTION("delay", NUMBER, IN_ANSWER | IN_SERVE, delay_ms),
	OPTION("rate", NUMBER, IN_ANSWER | IN_SERVE, rate),
	OPTION("cut", NUMBER, IN_ANSWER | IN_SERVE, cut),
	OPTION("stall", NUMBER, IN_ANSWER | IN_SERVE, stall),
	OPTION("cut-after", NUMBER, IN_ANSWER | IN_SERVE, cut_after),
	OPTION("stall-after", NUMBER, IN_ANSWER | IN_SERVE, stall_after),
	OPTION("for", NUMBER, IN_ANSWER | IN_SERVE, stall_ms),
	OPTION("drop", FLAG, IN_ANSWER | IN_SERVE, drop),
	OPTION("hang", FLAG, IN_ANSWER | IN_SERVE, hang),
	OPTION("retry-after", STRING, IN_ANSWER | IN_SERVE, retry_after),
	OPTION("location", STRING, IN_ANSWER, location),
	OPTION("progress", NUMBER, IN_ANSWER, progress),
	OPTION("video", STRING, IN_ANSWER, video),
	OPTION("url", STRING, IN_ANSWER, url),
	OPTION("bytes", NUMBER, IN_ANSWER, pad_bytes),
	OPTION("nest", NUMBER, IN_ANSWER, nest),
	OPTION("raw", FLAG, IN_ANSWER, raw),
	OPTION("redirect", STRING, IN_SERVE, location),
	OPTION("status", NUMBER, IN_SERVE, status),
	OPTION("length", SIGNED, IN_SERVE, length_lie),
	OPTION("no-length", FLAG, IN_SERVE, no_length),
	OPTION("no-length", STRING, IN_SERVE, length_end),
	OPTION("no-range", FLAG, IN_SERVE, no_range),
	OPTION("no-if-range", FLAG, IN_SERVE, no_if_range),
	OPTION("off-by", SIGNED, IN_SERVE, off_by),
	OPTION("encoding", STRING, IN_SERVE, encoding),
	OPTION("etag", STRING, IN_SERVE, etag),
	OPTION("from", STRING, IN_SERVE, from),
};

static int complain(struct complaint *wrong, const char *what, const char *word)
{
	*wrong = (struct complaint){ what, word };
	return -EINVAL;
}

int options_number(const char *text, bool is_signed, int64_t *result)
{
	static const char units[] = "KMG";
	char *end = NULL;
	int shift = 0;
	if (is_signed != (*text == '+' || *text == '-'))
		return -EINVAL;
	if (!strchr("0123456789", text[is_signed ? 1 : 0]) || !text[is_signed ? 1 : 0])
		return -EINVAL;
	errno = 0;
	long long value = strtoll(text, &end, 10);
	const char *unit = *end ? strchr(units, *end) : NULL;
	if (unit) {
		shift = 10 * (int)(unit - units + 1);
		end++;
	}
	if (errno || *end || value > INT64_MAX >> shift || value < INT64_MIN >> shift)
		return -EINVAL;
	*result = value * ((int64_t)1 << shift);
	return 0;
}

/* Puts the word into the step's field; 1 where the word is of another form than the option. */
static int option_set(const struct option *option, struct step *step, const struct word *word)
{
	void *field = (char *)step + option->at;
	if (!word->value.data != (option->kind == FLAG))
		return 1;
	switch (option->kind) {
	case FLAG:
		*(bool *)field = true;
		return 0;
	case STRING:
		*(const char **)field = word->value.data;
		return strlen(word->value.data) == word->value.length ? 0 : -EINVAL;
	case TEXT:
		*(struct text *)field = word->value;
		return 0;
	default:
		return options_number(word->value.data, option->kind == SIGNED, field);
	}
}

static int step_option(
	struct complaint *wrong, struct step *step, unsigned where, const struct word *word)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
		if (!(options[i].where & where) || strcmp(options[i].name, word->key) != 0)
			continue;
		int r = option_set(&options[i], step, word);
		if (r < 0)
			return complain(wrong, "not a value for this option", word->key);
		if (r == 0)
			return 0;
	}
	return complain(wrong, "no such option here", word->key);
}

/* What may stand before the options of an answer: a status, the name of a built-in body. */
static bool answer_word(struct step *step, const struct word *word)
{
	if (word->value.data)
		return false;
	if (!step->status && !step->builtin && options_number(word->key, false, &step->status) == 0)
		return true;
	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		if (options[i].where & IN_ANSWER && strcmp(options[i].name, word->key) == 0)
			return false;
	if (step->builtin)
		return false;
	step->builtin = word->key;
	return true;
}

static int step_check(struct complaint *wrong, const struct step *step)
{
	int bodies = !!step->builtin + !!step->file + !!step->text.data + step->empty;
	if (bodies > 1)
		return complain(wrong, "more than one body", step->builtin ? step->builtin : "");
	if (step->until && step->times != 1)
		return complain(wrong, "times and until do not go together", step->until);
	if (step->until && step->stall_ms)
		return complain(wrong, "for and until do not go together", step->until);
	if (step->status && (step->status < 200 || step->status > 599))
		return complain(wrong, "no status", "200 to 599 are");
	if (step->length_end && strcmp(step->length_end, "close") != 0)
		return complain(wrong, "no-length is alone or no-length=close", step->length_end);
	if (step->times < 1 || step->rate == 0)
		return complain(wrong, "must be above 0", "times, rate");
	return 0;
}

int options_read(char **line, unsigned where, struct step *step, struct complaint *wrong)
{
	struct word word;
	int r;
	step->times = 1;
	step->progress = step->cut = step->stall = step->rate = -1;
	step->cut_after = step->stall_after = -1;
	while ((r = words_next(line, &word)) > 0) {
		if (where == IN_ANSWER && answer_word(step, &word))
			continue;
		r = step_option(wrong, step, where, &word);
		if (r)
			return r;
	}
	if (r)
		return complain(wrong, "quotes or escapes", word.key);
	return step_check(wrong, step);
}
