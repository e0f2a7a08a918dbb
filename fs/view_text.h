/* SPDX-License-Identifier: MIT */
/*
 * view_text: JSON as it is written, member by member. Private to view*.c and gallery.c.
 *
 * What cJSON prints has tabs, numbers that went through a double, and no constant widths.
 */
#ifndef VIEW_TEXT_H
#define VIEW_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * All zero at first, or with bytes and room of the user's own, and fixed. Memory, or that room, may run out at
 * any time: only text_end(), or failed, tells.
 */
struct text {
	char *bytes;
	size_t length;
	size_t room;
	bool fixed; /* bytes are the user's; no text_end() */
	bool failed;
	bool wide; /* whether the widths of members count; set by the user */
	bool plain; /* no JSON: control characters cannot be written; set by the user */
	bool page; /* it stands in an HTML page: its marks are written as escapes; set by the user */
	bool begun; /* the open object has a member */
	unsigned depth;
};

/* An object begins, as a member; without a key it is the document itself. */
void text_open(struct text *text, const char *key);
void text_close(struct text *text);

/* A member whose value is JSON already; in a wide text, blanks fill it up to width in front. */
void text_member(struct text *text, const char *key, const char *value, int width);

/* A member that is a string, or null for NULL. What is not UTF-8 in it becomes U+FFFD. */
void text_string(struct text *text, const char *key, const char *value);

/* A member that is a number, or null for a negative one; seconds since 1970, or null for 0. */
void text_number(struct text *text, const char *key, int64_t number, int width);
void text_time(struct text *text, const char *key, int64_t seconds, int width);

#define TEXT_TIME_WIDTH 22

/* No member: bytes or text as they are; a string in quotes. */
void text_put_bytes(struct text *text, const char *bytes, size_t length);
void text_put(struct text *text, const char *string);
void text_quote(struct text *text, const char *string);

/* The text with a last newline, and a NUL behind: the caller's. NULL when memory ran out. */
char *text_end(struct text *text, size_t *length);

#endif
