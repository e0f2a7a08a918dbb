/* SPDX-License-Identifier: MIT */
/* cometctl doctor: each thing that cometfs needs has a line, OK or what to do. */
#include "ctl_doctor.h"

#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_SIZE 2048

void doctor_tell(
	struct doctor *doctor, enum finding finding, const char *what, const char *how, ...)
{
	static const struct {
		const char *word, *color;
	} marks[] = { { "OK  ", "\033[32m" }, { "NOTE", "\033[33m" }, { "BAD ", "\033[31m" } };
	char raw[TEXT_SIZE], text[TEXT_SIZE];
	bool colored = ctl_is_colored(STDOUT_FILENO);
	va_list args;
	va_start(args, how);
	(void)vsnprintf(raw, sizeof(raw), how, args);
	va_end(args);
	(void)ctl_text_fit(text, sizeof(text), raw, INT_MAX);
	(void)printf("%s%s%s  %s: %s\n", colored ? marks[finding].color : "", marks[finding].word,
		colored ? "\033[0m" : "", what, text);
	(void)fflush(stdout); /* the next may take a while */
	doctor->bad += finding == FINDING_BAD;
}

/* ---- this machine --------------------------------------------------------------------------------- */

static void check_device(struct doctor *doctor)
{
	static const char device[] = "/dev/fuse";
	int fd = open(device, O_RDWR | O_CLOEXEC);
	if (fd >= 0) {
		(void)close(fd);
		doctor_tell(doctor, FINDING_OK, device, "can be opened");
	} else if (errno == ENOENT || errno == ENODEV || errno == ENXIO) {
		doctor_tell(doctor, FINDING_BAD, device,
			"the kernel's module is missing: modprobe fuse as root; a container needs "
			"--device /dev/fuse");
	} else {
		doctor_tell(doctor, FINDING_BAD, device,
			"%s: you may not open it: chmod 666 /dev/fuse as root; a container needs "
			"--device /dev/fuse",
			strerror(errno));
	}
}

/* As a shell finds it. */
static bool find_program(const char *name, char path[PATH_MAX], struct stat *st)
{
	const char *all = getenv("PATH");
	char *copy = strdup(all != NULL ? all : "/usr/bin:/bin"), *rest = copy, *dir;
	bool found = false;
	while (!found && rest != NULL && (dir = strsep(&rest, ":")) != NULL) {
		(void)snprintf(path, PATH_MAX, "%s/%s", *dir != '\0' ? dir : ".", name);
		found = access(path, X_OK) == 0 && stat(path, st) == 0 && S_ISREG(st->st_mode);
	}
	free(copy);
	return found;
}

static void check_fusermount(struct doctor *doctor)
{
	static const char name[] = "fusermount3";
	char path[PATH_MAX];
	struct stat st;
	if (!find_program(name, path, &st))
		doctor_tell(doctor, geteuid() == 0 ? FINDING_NOTE : FINDING_BAD, name,
			"is not in $PATH: install the package fuse3%s",
			geteuid() == 0 ? "; root can do without it, and unmount with umount" : "");
	else if ((st.st_mode & S_ISUID) == 0 || st.st_uid != 0)
		doctor_tell(doctor, geteuid() == 0 ? FINDING_NOTE : FINDING_BAD, name,
			"%s is not setuid root, so that only root can mount: install the package "
			"fuse3 anew",
			path);
	else
		doctor_tell(doctor, FINDING_OK, name, "%s, setuid root", path);
}

/* ---- what cometfs itself would make of SOURCE and of the environment, with its own code ----------- */

static char source_word[URL_SIZE];

/* The one that is given, that of the mount, or none. */
static char *find_source(const struct ctl *ctl)
{
	if (ctl->count > 0)
		return ctl->args[0];
	if (ctl->root >= 0)
		ctl_mount_source(ctl, source_word);
	return strstr(source_word, "://") != NULL ? source_word : NULL;
}

static int parse(struct options *options, char *source, bool strict, char why[TEXT_SIZE])
{
	static char name[] = "cometfs", flag[] = "-o", last[] = "--", place[] = "/";
	static char as_is[] = "store=/", allowed[] = "store=/,allow_http,allow_private";
	char *const argv[] = { name, flag, strict ? as_is : allowed, last,
		source != NULL ? source : place, place };
	return options_parse(options, source != NULL ? 6 : 5, argv, why, TEXT_SIZE);
}

/* What a mount does with it is known. What needs an option is worth to know before. */
static bool check_source(struct doctor *doctor, struct options *options)
{
	char why[TEXT_SIZE], needs[TEXT_SIZE], *source = find_source(doctor->ctl);
	int r = parse(options, source, true, needs);
	bool noted = r != 0 && doctor->ctl->root < 0;
	if (r != 0)
		r = parse(options, source, false, why);
	if (r != 0)
		doctor_tell(doctor, FINDING_BAD, "SOURCE", "%s", why);
	else if (noted)
		doctor_tell(doctor, FINDING_NOTE, "SOURCE", "%s", needs);
	if (r == 0)
		(void)snprintf(doctor->source, sizeof(doctor->source), "%s", options->base);
	return r == 0;
}

/* Where no daemon can tell of it. */
static void check_key(struct doctor *doctor, const struct options *options)
{
	char key[KEY_SIZE], why[TEXT_SIZE];
	int r = options_key(options, key, why, sizeof(why));
	explicit_bzero(key, sizeof(key));
	if (r == 0)
		doctor_tell(doctor, FINDING_OK, "key",
			"there is one; whether it is accepted is known once cometfs is mounted");
	else
		doctor_tell(doctor, r == -ENODATA ? FINDING_NOTE : FINDING_BAD, "key", "%s", why);
}

/* ---- all of it ------------------------------------------------------------------------------------ */

static void check_mount(struct doctor *doctor, struct ctl *ctl)
{
	const char *what, *why;
	int r = ctl_mount_find(ctl, &what, &why);
	if (r == 0)
		doctor_tell(doctor, FINDING_OK, "mount", "%s", ctl->mount);
	else
		doctor_tell(doctor, what == NULL ? FINDING_NOTE : FINDING_BAD, "mount", "%s%s%s",
			what != NULL ? what : "", what != NULL ? ": " : "", why);
}

int ctl_doctor(struct ctl *ctl)
{
	static struct options options;
	struct doctor doctor = { .ctl = ctl };
	check_device(&doctor);
	check_fusermount(&doctor);
	check_mount(&doctor, ctl);
	bool known = check_source(&doctor, &options);
	if (ctl->root >= 0)
		doctor_check_daemon(&doctor);
	else if (known)
		check_key(&doctor, &options);
	if (known)
		doctor_check_network(&doctor);
	return doctor.bad > 0 ? CTL_FAILED : CTL_OK;
}
