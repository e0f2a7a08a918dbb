/* SPDX-License-Identifier: MIT */
/* cometctl add: a mkdir an id. One after the other: the kernel lets only one make a name in jobs/. */
#include "ctl.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct adding {
	const struct ctl *ctl;
	long added, known, wrong;
};

/* Whether to go on: what concerns one id is no reason not to. */
static bool add_one(struct adding *adding, const char *id, const char *what)
{
	int r = ctl_id_is_good(id) ? ctl_job_track(adding->ctl, id) : -EINVAL;
	if (r >= 0) {
		*(r == 0 ? &adding->added : &adding->known) += 1;
		return true;
	}
	adding->wrong++;
	ctl_say_error(adding->ctl, what, -r);
	return r == -EINVAL || r == -ENAMETOOLONG;
}

static char *trim(char *line)
{
	while (isspace((unsigned char)*line))
		line++;
	size_t length = strlen(line);
	while (length > 0 && isspace((unsigned char)line[length - 1]))
		line[--length] = '\0';
	return line;
}

/* A line with a NUL in it has no id. */
static bool add_line(struct adding *adding, char *line, size_t length, long number)
{
	char what[ID_SIZE + 64];
	const char *id = strlen(line) == length ? trim(line) : "\001";
	if (*id == '\0')
		return true;
	(void)snprintf(what, sizeof(what), "line %ld: %.*s", number, ID_SIZE, id);
	return add_one(adding, id, ctl_id_is_good(id) ? id : what);
}

static bool add_lines(struct adding *adding)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t length;
	bool going = true;
	for (long number = 1; going && (length = getline(&line, &size, stdin)) > 0; number++)
		going = add_line(adding, line, (size_t)length, number);
	free(line);
	if (ferror(stdin)) {
		ctl_say("standard input", "%s", strerror(errno));
		adding->wrong++;
	}
	return going;
}

int ctl_add(struct ctl *ctl)
{
	struct adding adding = { .ctl = ctl };
	bool going = true;
	if (ctl->count == 0 && isatty(STDIN_FILENO)) {
		ctl_say("add", "no ID given: cometctl add ID..., or a line each on standard input");
		return CTL_USAGE;
	}
	if (ctl->count == 0)
		going = add_lines(&adding);
	for (int i = 0; going && i < ctl->count; i++)
		going = strcmp(ctl->args[i], "-") == 0
				? add_lines(&adding)
				: add_one(&adding, ctl->args[i], ctl->args[i]);
	if (!ctl->quiet)
		(void)printf("%ld added, %ld there already%s\n", adding.added, adding.known,
			going ? "" : ", the rest not tried");
	return adding.wrong == 0 ? CTL_OK : CTL_FAILED;
}
