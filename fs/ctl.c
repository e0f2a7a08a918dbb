/* SPDX-License-Identifier: MIT */
/* cometctl's command line, read by the one table of commands. */
#include "ctl.h"

#include <fcntl.h>
#include <getopt.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_OPTIONS 16
#define LONG_ONLY 256 /* getopt's value of an option without a letter: this and its place */

/* The options of a command, or of none, as getopt wants them. */
struct parser {
	const struct ctl_option *rows[MOST_OPTIONS];
	struct option longs[MOST_OPTIONS + 1];
	char letters[MOST_OPTIONS * 2 + 2];
	size_t count;
};

static void add_rows(struct parser *parser, const struct ctl_option *row)
{
	size_t end = strlen(parser->letters);
	for (; row->name != NULL && parser->count < MOST_OPTIONS; row++) {
		size_t at = parser->count++;
		parser->rows[at] = row;
		parser->longs[at] = (struct option){ .name = row->name,
			.has_arg = row->value != NULL ? required_argument : no_argument,
			.val = LONG_ONLY + (int)at };
		if (row->letter != '\0')
			parser->letters[end++] = row->letter;
		if (row->letter != '\0' && row->value != NULL)
			parser->letters[end++] = ':';
	}
	parser->letters[end] = '\0';
}

static const struct ctl_option *find_row(const struct parser *parser, int letter)
{
	if (letter >= LONG_ONLY)
		return parser->rows[letter - LONG_ONLY];
	for (size_t i = 0; i < parser->count; i++)
		if (parser->rows[i]->letter == letter)
			return parser->rows[i];
	return NULL;
}

static int refuse(const char *what, const char *why)
{
	ctl_say(what, "%s: see cometctl --help", why);
	return CTL_USAGE;
}

/* "a|b|c" has it. */
static bool is_one_of(const char *list, const char *value)
{
	size_t length = strcspn(value, "|");
	for (const char *at = list; at != NULL; at = strchr(at, '|')) {
		at += *at == '|';
		if (strncmp(at, value, length) == 0 && (at[length] == '|' || at[length] == '\0'))
			return length > 0 && value[length] == '\0';
	}
	return false;
}

static int take(struct ctl *ctl, const struct ctl_option *row, const char *value)
{
	char why[256];
	if (row->value == NULL) {
		*(bool *)((char *)ctl + row->at) = true;
		return CTL_OK;
	}
	*(const char **)((char *)ctl + row->at) = value;
	if (strchr(row->value, '|') == NULL || is_one_of(row->value, value))
		return CTL_OK;
	(void)snprintf(why, sizeof(why), "--%s is one of %s", row->name, row->value);
	return refuse(value, why);
}

struct asked {
	bool help, version, table;
};

/* What getopt complains of: an option's letter, or the word. */
static int refuse_option(int argc, char *const *argv, bool lacks_value)
{
	char word[] = { '-', (char)optopt, '\0' };
	bool is_letter = optopt > 0 && optopt < LONG_ONLY;
	int at = optind - 1 < argc ? optind - 1 : argc - 1;
	return refuse(
		is_letter ? word : argv[at], lacks_value ? "needs a value" : "no such option");
}

/* Up to the first word that is no option, where the letters begin with "+"; all of them otherwise. */
static int take_options(struct ctl *ctl, const struct parser *parser, int argc, char *const *argv,
	struct asked *asked)
{
	int letter, r = CTL_OK;
	while (r == CTL_OK &&
		(letter = getopt_long(argc, argv, parser->letters, parser->longs, NULL)) != -1) {
		const struct ctl_option *row = find_row(parser, letter);
		if (letter == '?' || letter == ':')
			return refuse_option(argc, argv, letter == ':');
		if (strcmp(row->name, "help") == 0)
			asked->help = true;
		else if (strcmp(row->name, "version") == 0)
			asked->version = true;
		else if (strcmp(row->name, "commands") == 0)
			asked->table = true;
		else
			r = take(ctl, row, optarg);
	}
	return r;
}

static int check_count(const struct ctl_command *command, int count)
{
	char why[256];
	if (count >= command->least && count <= command->most)
		return CTL_OK;
	(void)snprintf(why, sizeof(why), "%s: cometctl %s %s",
		count < command->least ? "something is missing" : "that is too much", command->name,
		command->args);
	return refuse(command->name, why);
}

static int run(struct ctl *ctl, const struct ctl_command *command)
{
	int ids = !command->ids ? 0 : command->most == 2 ? 1 : ctl->count;
	int r = check_count(command, ctl->count);
	if (r == CTL_OK && !ctl_ids_are_good(ctl->args, ids))
		r = CTL_USAGE;
	if (r == CTL_OK && !command->mountless && ctl_mount_open(ctl) != 0)
		r = CTL_FAILED;
	return r == CTL_OK ? command->run(ctl) : r;
}

static int print_asked(const struct asked *asked, const struct ctl_command *command)
{
	if (asked->version)
		(void)printf("cometctl %s\n", COMETFS_VERSION);
	else if (asked->table)
		ctl_table_print();
	else if (command != NULL)
		ctl_command_help(command);
	else
		ctl_help();
	return CTL_OK;
}

static bool is_asked(const struct asked *asked)
{
	return asked->help || asked->version || asked->table;
}

/* The command's own words; its options may stand among its arguments. */
static int run_command(struct ctl *ctl, int argc, char *const *argv)
{
	struct parser parser = { .letters = ":" };
	struct asked asked = { .help = false };
	const struct ctl_command *command = ctl_command_find(argv[0]);
	if (command == NULL)
		return refuse(argv[0], "no such command");
	ctl->name = command->name;
	add_rows(&parser, command->options);
	add_rows(&parser, ctl_everywhere);
	optind = 0;
	int r = take_options(ctl, &parser, argc, argv, &asked);
	if (r != CTL_OK || is_asked(&asked))
		return r != CTL_OK ? r : print_asked(&asked, command);
	ctl->args = argv + optind;
	ctl->count = argc - optind;
	return run(ctl, command);
}

/* Who closed one of the three would else have what we print in the next file that we open. */
static void open_standard(void)
{
	int fd;
	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		(void)close(fd);
}

int main(int argc, char **argv)
{
	static struct ctl ctl = { .root = -1, .jobs = -1 };
	struct parser parser = { .letters = "+:" };
	struct asked asked = { .help = false };

	open_standard();
	(void)setlocale(LC_CTYPE, ""); /* numbers and messages are the same for everybody */
	ctl_text_start();
	add_rows(&parser, ctl_everywhere);
	int r = take_options(&ctl, &parser, argc, argv, &asked);
	if (r == CTL_OK && is_asked(&asked))
		r = print_asked(&asked, NULL);
	else if (r == CTL_OK && optind == argc)
		r = refuse("COMMAND", "none is given");
	else if (r == CTL_OK)
		r = run_command(&ctl, argc - optind, argv + optind);
	return ctl_end(r);
}
