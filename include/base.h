/* SPDX-License-Identifier: MIT */
/*
 * base: the ground that everything stands on: the log, the clocks, a heap, UTF-8.
 *
 * Owns    the log's destination, level and form.
 * Thread  the log and the clocks: any. A heap: whoever owns it.
 * Never   knows jobs.
 */
#ifndef BASE_H
#define BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

enum log_form { LOG_FORM_TEXT, LOG_FORM_JSON };

/*
 * What is logged, and how, from now on; to standard error. Until the first call LOG_LEVEL_INFO, as text.
 * Where standard error is systemd's journal, each line has its level in front as the journal wants it.
 * Set before threads.
 */
void log_open(enum log_level most, enum log_form form);

/* From now on the lines go to syslog. Set before threads. */
void log_to_syslog(void);

/* False when word is none of error, warning, info and debug. */
bool log_level_find(const char *word, enum log_level *level);

/*
 * One line an event, control characters replaced, errno kept. Who logs leaves out keys and the
 * queries of URLs. log_job() for what concerns one job: its id stands first.
 */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_job(enum log_level level, const char *id, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Why the program does not start, for who started it: one line on standard error, "cometfs: what: why",
 * also when the log is JSON.
 */
void log_failure(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * How many bytes the character at text has, which is not at its end, and which one it is; of what is
 * no UTF-8 how many to take for UTF8_REPLACEMENT.
 */
#define UTF8_REPLACEMENT 0xfffd
size_t utf8_next(const char *text, uint32_t *point);

/*
 * What steers a terminal, ends a line (also the two that JavaScript knows and JSON does not), or turns the
 * order of what stands beside it, which could show another line than there is.
 */
bool utf8_is_control(uint32_t point);

/* Milliseconds since the machine started, sleep included: for deadlines. */
int64_t clock_ms(void);

/* Milliseconds since 1970: for what people read. */
int64_t clock_wall_ms(void);

/*
 * The same, but later than than_ms: for times that tell each state of a thing from those before it.
 * Unless than_ms is a second ahead: then the clock was set back, and counts.
 */
int64_t clock_wall_after_ms(int64_t than_ms);

/* A random number from 0 to below limit (which is above 0): for jitter, not for secrets. */
uint32_t clock_jitter(uint32_t limit);

/*
 * A min-heap of nodes that live inside what they are the deadline of. The smallest key is on top,
 * of equal keys the one that was put in, or moved, first. All zero is empty, and in no heap.
 */
struct heap_node {
	int64_t key;
	uint64_t order; /* heap.c only */
	size_t at; /* heap.c only: 0 when in no heap, else its place plus 1 */
};

struct heap {
	struct heap_node **nodes;
	size_t count;
	size_t room;
	uint64_t next_order;
};

/* Puts node in with key, or moves it there. With no memory left it ends the program. */
void heap_set(struct heap *heap, struct heap_node *node, int64_t key);

/* Takes node out; nothing where it is not in. */
void heap_remove(struct heap *heap, struct heap_node *node);

/* The node with the smallest key; NULL when empty. */
struct heap_node *heap_top(const struct heap *heap);

/* Frees what the heap itself holds; its nodes are their owners'. */
void heap_free(struct heap *heap);

#define container_of(pointer, type, member)                                                        \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
