/* SPDX-License-Identifier: MIT */
/* Cuts lines into words. Unescaping only ever shortens, so it is done in place. */
#include "words.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = c ? strchr(digits, tolower((unsigned char)c)) : NULL;
	return found ? (int)(found - digits) : -1;
}

static int hex_byte(const char *at, char *byte)
{
	int high = hex_digit(at[0]);
	int low = high < 0 ? -1 : hex_digit(at[1]);
	if (low < 0)
		return -EINVAL;
	*byte = (char)(high * 16 + low);
	return 2;
}

/* The byte that the escape at `at` (behind its backslash) stands for; how long the escape is. */
static int escape(const char *at, char *byte)
{
	static const char names[] = "ntr0\\'\"";
	static const char bytes[] = "\n\t\r\0\\'\"";
	if (*at == 'x')
		return hex_byte(at + 1, byte) < 0 ? -EINVAL : 3;
	const char *found = *at ? strchr(names, *at) : NULL;
	if (!found)
		return -EINVAL;
	*byte = bytes[found - names];
	return 1;
}

/* Unescapes what is quoted from *from (behind its opening quote) to *to; both move on. */
static int quoted(char **from, char **to, char quote)
{
	while (**from != quote) {
		if (!**from)
			return -EINVAL;
		if (**from != '\\') {
			*(*to)++ = *(*from)++;
			continue;
		}
		int length = escape(*from + 1, *to);
		if (length < 0)
			return length;
		*from += 1 + length;
		(*to)++;
	}
	(*from)++;
	return 0;
}

static int value(char **from, char **to)
{
	while (**from && !isspace((unsigned char)**from)) {
		char c = *(*from)++;
		if (c != '\'' && c != '"') {
			*(*to)++ = c;
			continue;
		}
		int r = quoted(from, to, c);
		if (r)
			return r;
	}
	return 0;
}

static char *end_word(char *from, char *to)
{
	char *rest = *from ? from + 1 : from;
	*to = '\0';
	return rest;
}

int words_next(char **line, struct word *word)
{
	char *from = *line;
	while (isspace((unsigned char)*from))
		from++;
	*line = from;
	if (!*from || *from == '#')
		return 0;
	word->key = from;
	word->value = (struct text){ 0 };
	from += strcspn(from, "= \t\r");
	if (*from != '=') {
		*line = end_word(from, from);
		return 1;
	}
	*from++ = '\0';
	char *to = word->value.data = from;
	int r = value(&from, &to);
	if (r)
		return r;
	word->value.length = (size_t)(to - word->value.data);
	*line = end_word(from, to);
	return 1;
}
