/* SPDX-License-Identifier: MIT */
/*
 * ctl: the program cometctl, which does all its work through the files of a mount.
 *
 * Owns    the command table, the command line, the mount that is meant, what is said to people.
 * Thread  one; a command runs once, and ends with the program.
 * Never   knows more of cometfs than its words (cometfs.h) and the ground (base.h).
 */
#ifndef CTL_H
#define CTL_H

#include "cometfs.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Exit statuses; 128 + the signal where one ended it. */
enum { CTL_OK = 0, CTL_FAILED = 1, CTL_USAGE = 2, CTL_TIMED_OUT = 124 };

struct ctl {
	const char *name; /* of the command */
	char *const *args; /* what is no option */
	int count;
	char mount[PATH_MAX];
	int root; /* the mount's directories, opened; -1 without a mount */
	int jobs;
	/* Options, all but -m only where the command has them. */
	const char *given_mount, *sort, *state, *timeout, *cafile;
	bool json, ids, reverse, yes, keep, quiet;
};

/* ---- ctl_commands.c: the one table ---------------------------------------------------------------- */

struct ctl_option {
	char letter; /* 0: none */
	const char *name;
	const char *value; /* NULL: takes none; a|b|c are the only ones */
	size_t at; /* of a const char * or, without value, a bool in struct ctl */
	const char *help;
};

struct ctl_command {
	const char *name;
	const char *args; /* as the help shows them */
	const char *help; /* what it does, a line */
	const char *more; /* what else is to be known, lines; or NULL */
	int least, most; /* how many arguments */
	bool ids; /* its first arguments are request ids: all of them, or one where most is 2 */
	bool mountless; /* does something without a mount too */
	int (*run)(struct ctl *ctl);
	struct ctl_option options[6]; /* up to one without a name */
};

extern const struct ctl_command ctl_commands[]; /* up to one without a name */
extern const struct ctl_option ctl_everywhere[]; /* likewise: of every command */

const struct ctl_command *ctl_command_find(const char *name);

/* What cometctl can do, and one command. */
void ctl_help(void);
void ctl_command_help(const struct ctl_command *command);

/* The table for programs: lines of fields with a tab between them. */
void ctl_table_print(void);

/* ---- ctl_mount.c ---------------------------------------------------------------------------------- */

/*
 * Finds the mount, and opens it. 0, or -errno: then why not, and of what; *what is NULL where nothing
 * is mounted at all, and nobody said where.
 */
int ctl_mount_find(struct ctl *ctl, const char **what, const char **why);

/* Likewise, and says what is wrong. */
int ctl_mount_open(struct ctl *ctl);

/* What mountinfo says of the mount that was found: its SOURCE, "" where there is nothing. */
void ctl_mount_source(const struct ctl *ctl, char source[URL_SIZE]);

/* Whether that error says that no daemon is behind the mount any more. */
bool ctl_mount_is_gone(int error);

/* ---- ctl_say.c ------------------------------------------------------------------------------------ */

/* "cometctl: what: why", to standard error, in one line and harmless. */
void ctl_say(const char *what, const char *why, ...) __attribute__((format(printf, 2, 3)));

/* A job's error, from an errno of one of its files: what is wrong, and what to do. */
void ctl_say_error(const struct ctl *ctl, const char *id, int error);

/* Whether it may be coloured what is written there. */
bool ctl_is_colored(int fd);

/*
 * The end of the program: standard output is written, or why it is not is said. The exit status;
 * where a signal was to end it, it does.
 */
int ctl_end(int status);

/* Whether it has the form of a request id. */
bool ctl_id_is_good(const char *id);

/* Says of which it is not. */
bool ctl_ids_are_good(char *const *ids, int count);

/* "90", "1.5m", "2h", "1d", as GNU timeout has it: in ms, -EINVAL for anything else. */
int64_t ctl_duration_ms(const char *text);

/* That of --timeout, 0 without one. Says what is wrong with it. */
int ctl_timeout(const struct ctl *ctl, int64_t *ms);

/* ---- ctl_text.c: pure ----------------------------------------------------------------------------- */

#define CTL_WORD_SIZE 32 /* of each of the short texts */

/* What needs the locale is found out once. */
void ctl_text_start(void);

/*
 * Makes a text from outside harmless, in at most so many columns: where it is cut there is an
 * ellipsis. Returns the columns that it takes.
 */
int ctl_text_fit(char *to, size_t size, const char *from, int columns);

/* The columns of a text that is harmless. */
int ctl_text_columns(const char *text);

void ctl_text_bytes(char to[CTL_WORD_SIZE], int64_t bytes); /* 2.6M; - below 0 */
void ctl_text_age(char to[CTL_WORD_SIZE], int64_t seconds); /* 3m */
void ctl_text_clock(char to[CTL_WORD_SIZE], int64_t seconds); /* 1:02:03 */
void ctl_text_cost(char to[CTL_WORD_SIZE], double usd); /* $0.05 */

/* A bar of so many columns, part of whole of it full; -1: nobody knows how full. */
void ctl_text_bar(char *to, size_t size, int columns, int64_t part, int64_t whole);

/* ---- ctl_job.c: a job as its status.json has it ------------------------------------------------- */

#define CTL_DOCUMENT_SIZE 65536 /* no status.json is longer */

struct ctl_error {
	char code[WORD_SIZE]; /* "" for none */
	char message[MESSAGE_SIZE];
};

struct ctl_job {
	char id[ID_SIZE];
	enum job_state state;
	enum video_state video;
	int progress; /* -1 not known, as the numbers below */
	struct ctl_error error, video_error;
	char poll_error[MESSAGE_SIZE];
	int64_t submitted_at; /* Unix seconds; when it was tracked, where nobody said */
	int64_t finished_at; /* 0 not yet */
	double cost_usd;
	int64_t size, bytes;
	char *document; /* its text, where ls --json has kept it; else NULL */
};

const char *ctl_job_state(enum job_state state);
const char *ctl_video_state(enum video_state state);

/* 0, or -EBADMSG for what is no such document. */
int ctl_job_parse(const char *document, struct ctl_job *job);

/* Of an open file, from its beginning: 0 or -errno. */
int ctl_document_read(int fd, char document[CTL_DOCUMENT_SIZE]);

/* -1 with errno. */
int ctl_job_open(const struct ctl *ctl, const char *id);

/* Opens, reads and parses. document may be NULL. 0 or -errno. */
int ctl_job_get(const struct ctl *ctl, const char *id, struct ctl_job *job, char *document);

/* Nothing more comes of it. */
bool ctl_job_is_over(const struct ctl_job *job);

/* It is over, and all is well: it has a video, or had one that its user removed. */
bool ctl_job_is_good(const struct ctl_job *job);

/* One word for where it stands: the job's, or its video's. */
const char *ctl_job_word(const struct ctl_job *job);
const char *ctl_job_color(const struct ctl_job *job); /* "" where it needs none */

/* What is wrong with it, "" where nothing is: "moderated: its words". */
void ctl_job_trouble(const struct ctl_job *job, char *text, size_t size);

/* What a person can do about that; NULL where it is nothing. */
const char *ctl_job_advice(const struct ctl_job *job);

/* All jobs of the mount, by name; each and the list are the caller's. A count or -errno. */
ssize_t ctl_job_list(const struct ctl *ctl, char ***ids);
void ctl_job_list_free(char **ids, ssize_t count);

/* 0; 1 when it is tracked already; -errno. */
int ctl_job_track(const struct ctl *ctl, const char *id);

/* ---- ctl_signal.c --------------------------------------------------------------------------------- */

/*
 * From now on INT, TERM, HUP and QUIT end nothing by themselves, and what waits in the mount says EINTR;
 * and again they do, at once.
 */
void ctl_signals_catch(void);
void ctl_signals_release(void);

/* WINCH and CONT are asked for below. */
void ctl_signals_follow_terminal(void);

/* Which signal is to end the program, 0 for none; so far. */
int ctl_signal_ending(void);

/* Whether the terminal may be another, or we were stopped, since it was last asked. */
bool ctl_signal_resized(void);
bool ctl_signal_continued(void);

/* poll(2) of fd (POLLIN) for at most ms, -1 for ever, with the signals let in: 1, 0, or -errno. */
int ctl_signal_poll(int fd, int64_t ms);

/* Ends the program by the signal that it was to end by, as if it had not been caught. */
void ctl_signal_die(int number) __attribute__((noreturn));

/* ---- ctl_screen.c: lines that are redrawn in place ---------------------------------------------- */

struct ctl_screen {
	bool live; /* standard output is a terminal that can do it */
	bool colored;
	int columns, rows;
	int drawn; /* lines that stand there */
	int *widths; /* theirs */
};

void ctl_screen_open(struct ctl_screen *screen);

/* Asks anew how large the terminal is. */
void ctl_screen_measure(struct ctl_screen *screen);

/* Puts count lines where the last ones are. widths: their columns. */
void ctl_screen_draw(struct ctl_screen *screen, char *const *lines, const int *widths, int count);

/* From here on new lines are drawn below: the last ones stay. */
void ctl_screen_leave(struct ctl_screen *screen);
void ctl_screen_close(struct ctl_screen *screen);

/* ---- ctl_bar.c: a job's line ---------------------------------------------------------------------- */

#define CTL_LINE_SIZE 2048
#define CTL_SAMPLES 8

/* How fast something comes in: what was seen of it lately. */
struct ctl_rate {
	struct {
		int64_t at_ms, value;
	} samples[CTL_SAMPLES];
	unsigned count;
};

void ctl_rate_add(struct ctl_rate *rate, int64_t now_ms, int64_t value);

/* A second; below 0 while nobody knows. */
double ctl_rate_get(const struct ctl_rate *rate, int64_t now_ms);

/* Bytes of a whole, as they come: "[###    ] 45%  12M of 27M  2.4M/s  0:06 left" */
void ctl_bar_bytes(char *to, size_t size, int columns, int64_t bytes, int64_t whole,
	const struct ctl_rate *rate, int64_t now_ms);

struct ctl_bar {
	const struct ctl_job *job;
	const struct ctl_rate *progress, *bytes;
	int64_t now_ms; /* of clock_ms() */
	int64_t elapsed_s;
	int columns, id_columns;
	bool colored;
};

/* Returns the columns that it takes. */
int ctl_bar_line(const struct ctl_bar *bar, char line[CTL_LINE_SIZE]);

/* ---- ctl_table.c ---------------------------------------------------------------------------------- */

void ctl_jobs_print(const struct ctl_job *jobs, size_t count);

/* ---- ctl_wait.c ----------------------------------------------------------------------------------- */

/*
 * Waits for jobs, for ever where timeout_ms is 0; shows them meanwhile, and says which went wrong.
 * CTL_OK, CTL_FAILED, CTL_TIMED_OUT; CTL_FAILED too where a signal ends it.
 */
int ctl_wait_for(const struct ctl *ctl, char *const *ids, int count, int64_t timeout_ms);

/* ---- ctl_copy.c ----------------------------------------------------------------------------------- */

/* A file that is to have a name once it is whole. */
struct ctl_target {
	char path[PATH_MAX]; /* the final name */
	char part[PATH_MAX]; /* its name until then; "" while it has none */
	int dir, fd;
};

/*
 * Where DEST is (NULL, a directory, a file, or not there yet) for a file called name. Says what is
 * wrong, and returns -errno. keep: nothing is written over.
 */
int ctl_target_open(struct ctl_target *target, const char *dest, const char *name, bool keep);

/* On disk, and under its name: 0 or -errno. */
int ctl_target_finish(struct ctl_target *target, bool keep);

/* Gives up what is not finished. */
void ctl_target_close(struct ctl_target *target);

/* on_bytes: so many are there; not 0 ends it. 0, -errno, or what on_bytes said. */
int ctl_copy(int to, int from, int64_t size, int (*on_bytes)(void *arg, int64_t bytes), void *arg);

/* ---- the commands --------------------------------------------------------------------------------- */

int ctl_add(struct ctl *ctl);
int ctl_ls(struct ctl *ctl);
int ctl_wait(struct ctl *ctl);
int ctl_get(struct ctl *ctl);
int ctl_forget(struct ctl *ctl);
int ctl_events(struct ctl *ctl);
int ctl_doctor(struct ctl *ctl);

#endif
