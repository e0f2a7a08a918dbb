/* SPDX-License-Identifier: MIT */
/*
 * options: the command line and the environment. Private to main.c and options*.c.
 *
 * Owns    the one table of options, which drives parsing and --help.
 * Thread  main's, before all others.
 * Never   prints a key.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "base.h"
#include "engine.h"

#include <limits.h>
#include <sys/types.h>

struct options {
	const char *source; /* as given, or NULL */
	const char *mountpoint;
	char base[URL_SIZE]; /* the provider's, cleaned */
	const char *key_file;
	const char *provider_name;
	const char *store;
	char store_path[PATH_MAX], key_path[PATH_MAX], ca_path[PATH_MAX]; /* absolute */
	const char *track;
	const char *log_form, *log_level; /* as given; the next two are what they mean */
	enum log_form form;
	enum log_level level;
	const char *cafile;
	double interval, interval_watched, timeout, lookup_timeout; /* seconds */
	double poll_rate;
	unsigned downloads;
	int64_t max_video;
	int64_t store_max; /* 0: no limit */
	bool allow_http, allow_private, auto_unmount;
	bool foreground, debug, help, version, check;
	unsigned uid, gid, umask;

	const struct provider *provider;
	char fuse_options[PATH_MAX]; /* for libfuse: its own options, comma separated */
};

/*
 * Reads the command line. 0, or -EINVAL with a line for people in why: "what: why". Help and
 * version are not errors; nothing else is looked at then.
 */
int options_parse(struct options *options, int argc, char *const *argv, char *why, size_t size);

/* The second half of it: what follows from what was given. */
int options_complete(struct options *options, char *why, size_t size);

/* Writes "what: reason"; -EINVAL. */
int options_say(char *why, size_t size, const char *what, const char *reason);

/* What people are told of a row of the table, in the order of its members. */
struct option_words {
	const char *name;
	const char *value; /* what follows "=", NULL: nothing does */
	const char *fallback; /* the default, NULL: none */
	const char *help; /* NULL: it is known from mount(8), */
	bool for_mount; /* and is not for us */
};

/* False behind the last row. */
bool options_words(size_t row, struct option_words *words);

/* Prints the usage and the table. The options of the manual page are made of it. */
void options_help(void);

/*
 * Reads the key: from key_file, else the provider's variable, else $CREDENTIALS_DIRECTORY. 0, or
 * -errno and why. The caller wipes key.
 */
int options_key(const struct options *options, char key[KEY_SIZE], char *why, size_t size);

/* What the engine is told, without the key. */
void options_engine(const struct options *options, struct engine_options *out);

#endif
