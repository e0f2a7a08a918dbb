/* SPDX-License-Identifier: MIT */
/* What cometctl can do: the one table that its command line, its help and its completions come from. */
#include "ctl.h"

#include <stdio.h>
#include <string.h>

#define AT(field) offsetof(struct ctl, field)
#define STATES "unknown|queued|running|done|failed|expired"

const struct ctl_option ctl_everywhere[] = {
	{ 'm', "mount", "MOUNT", AT(given_mount),
		"the mount; else $COMETFS_MOUNT, else the first cometfs that is mounted" },
	{ 'h', "help", NULL, 0, "this help; after a command, that of the command" },
	{ 'V', "version", NULL, 0, "the version" },
	{ 0, "commands", NULL, 0, "all commands and options, as a table for programs" },
	{ 0 },
};

#define TIMEOUT                                                                                    \
	{                                                                                          \
		't', "timeout", "DURATION", AT(timeout),                                           \
			"give up after so long (10, 1.5m, 2h, 1d; 0: never), with exit status 124" \
	}

const struct ctl_command ctl_commands[] = {
	{ "add", "[ID...]", "track jobs; without an ID, or with -, those of standard input",
		"Standard input has an ID a line. An ID that is tracked already is no error.\n", 0,
		INT_MAX, false, false, ctl_add,
		{ { 'q', "quiet", NULL, AT(quiet), "say nothing of what went well" }, { 0 } } },
	{ "ls", "[ID...]", "list jobs in a table",
		"VIDEO is what is here of it while it comes in. Newest jobs come first.\n", 0,
		INT_MAX, true, false, ctl_ls,
		{ { 0, "json", NULL, AT(json), "an array of the jobs' status.json" },
			{ 'q', "quiet", NULL, AT(ids), "only the ids" },
			{ 's', "sort", "id|state|progress|age|video|size|cost", AT(sort),
				"by what; age, the youngest first, where it is not given" },
			{ 'r', "reverse", NULL, AT(reverse), "the other way round" },
			{ 'S', "state", STATES, AT(state), "only jobs of that state" }, { 0 } } },
	{ "wait", "ID...", "wait until jobs are over and their videos are here",
		"The exit status is 0 when all are done, 1 when one failed, expired, lost its video or\n"
		"was forgotten, 124 after the timeout.\n",
		1, INT_MAX, true, false, ctl_wait, { TIMEOUT, { 0 } } },
	{ "get", "ID [DEST]", "wait for a job, and copy its video",
		"DEST is a directory or a file; without it, ID.mp4 in the current directory. An ID that is\n"
		"not tracked yet is tracked. Nothing but a whole video ever has the final name.\n",
		1, 2, true, false, ctl_get,
		{ { 'n', "no-clobber", NULL, AT(keep), "write over no file that is there" },
			TIMEOUT, { 0 } } },
	{ "forget", "ID...", "forget jobs, and delete their local copies",
		"It asks first, where a video would be deleted.\n", 1, INT_MAX, true, false,
		ctl_forget, { { 'y', "yes", NULL, AT(yes), "do not ask" }, { 0 } } },
	{ "events", "[ID...]", "print what happens, until Ctrl-C",
		"With ids, only what happens to those.\n", 0, INT_MAX, true, false, ctl_events,
		{ { 0, "json", NULL, AT(json), "the lines as .cometfs/events has them" }, { 0 } } },
	{ "doctor", "[SOURCE]", "check all that cometfs needs, and say what to do",
		"SOURCE is the provider's address; by default that of the mount. The key is never shown,\n"
		"and nothing is sent but a HEAD request without it. The exit status is 1 when something\n"
		"has to be done.\n",
		0, 1, false, true, ctl_doctor,
		{ { 0, "cafile", "PATH", AT(cafile), "certificates to trust, as with -o cafile" },
			{ 0 } } },
	{ .name = NULL },
};

const struct ctl_command *ctl_command_find(const char *name)
{
	for (const struct ctl_command *c = ctl_commands; c->name != NULL; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

static void print_option(const struct ctl_option *option)
{
	char left[128], letter[] = { '-', option->letter, ',', ' ', '\0' };
	(void)snprintf(left, sizeof(left), "%s--%s%s%s", option->letter != '\0' ? letter : "    ",
		option->name, option->value != NULL ? "=" : "",
		option->value != NULL ? option->value : "");
	(void)printf("  %-24s%s%s\n", left, strlen(left) > 23 ? "\n                          " : "",
		option->help);
}

static void print_options(const struct ctl_option *option)
{
	for (; option->name != NULL; option++)
		print_option(option);
}

void ctl_help(void)
{
	char left[64];
	(void)printf("usage: cometctl [-m MOUNT] COMMAND [OPTION...] [ARGUMENT...]\n\n"
		     "Works with the jobs of a mounted cometfs.\n\n");
	for (const struct ctl_command *c = ctl_commands; c->name != NULL; c++) {
		(void)snprintf(left, sizeof(left), "%s %s", c->name, c->args);
		(void)printf("  %-18s %s\n", left, c->help);
	}
	(void)printf("\n");
	print_options(ctl_everywhere);
	(void)printf("\ncometctl COMMAND --help says more of a command.\n");
}

void ctl_command_help(const struct ctl_command *command)
{
	(void)printf("usage: cometctl [-m MOUNT] %s [OPTION...] %s\n\n%c%s.\n%s\n", command->name,
		command->args, command->help[0] - 'a' + 'A', command->help + 1,
		command->more != NULL ? command->more : "");
	print_options(command->options);
	print_options(ctl_everywhere);
}

static void print_rows(const char *of, const struct ctl_option *option)
{
	for (; option->name != NULL; option++) {
		char letter[] = { option->letter != '\0' ? '-' : '\0', option->letter, '\0' };
		(void)printf("option\t%s\t%s\t--%s\t%s\t%s\n", of, letter, option->name,
			option->value != NULL ? option->value : "", option->help);
	}
}

void ctl_table_print(void)
{
	for (const struct ctl_command *c = ctl_commands; c->name != NULL; c++) {
		(void)printf("command\t%s\t%s\t%s\n", c->name, c->args, c->help);
		print_rows(c->name, c->options);
	}
	print_rows("", ctl_everywhere);
}
