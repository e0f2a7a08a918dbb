/* SPDX-License-Identifier: MIT */
/* The mount that is meant, and what the kernel's table says of it. */
#include "ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TYPE "fuse.cometfs"

/* In the table a blank, a tab, a line's end and a backslash are \ooo. In place. */
static void unescape(char *text)
{
	char *to = text;
	while (*text != '\0') {
		if (text[0] == '\\' && strspn(text + 1, "01234567") >= 3) {
			*to++ = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 |
				       (text[3] - '0'));
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

/* "36 35 0:42 / /mnt rw,nosuid shared:1 - fuse.cometfs SOURCE rw": a line that is of cometfs. */
static bool read_line(char *line, char **place, char **source)
{
	char *end = strstr(line, " - " TYPE " ");
	if (end == NULL)
		return false;
	*source = end + strlen(" - " TYPE " ");
	*strchrnul(*source, ' ') = '\0';
	*end = '\0';
	for (int field = 0; field < 5; field++)
		*place = strsep(&line, " ");
	if (*place == NULL)
		return false;
	unescape(*place);
	unescape(*source);
	return true;
}

/* Calls take() for each mount of cometfs, until it says true. */
static void each_mount(bool (*take)(void *arg, const char *place, const char *source), void *arg)
{
	char *line = NULL, *place, *source;
	size_t size = 0;
	bool taken = false;
	FILE *table = fopen("/proc/self/mountinfo", "re");
	if (table == NULL)
		return;
	while (!taken && getline(&line, &size, table) > 0) {
		line[strcspn(line, "\n")] = '\0';
		taken = read_line(line, &place, &source) && take(arg, place, source);
	}
	free(line);
	(void)fclose(table);
}

/* ---- finding -------------------------------------------------------------------------------------- */

bool ctl_mount_is_gone(int error)
{
	return error == ENOTCONN || error == ECONNABORTED;
}

/* What only a cometfs has, in its root. 0 or -errno. */
static int open_place(struct ctl *ctl, const char *place)
{
	int meta = -1, error = 0;
	ctl->root = open(place, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (ctl->root >= 0)
		meta = openat(ctl->root, NAME_META "/" NAME_STATS, O_RDONLY | O_CLOEXEC);
	if (meta >= 0)
		ctl->jobs = openat(ctl->root, NAME_JOBS, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (ctl->jobs < 0)
		error = errno;
	if (meta >= 0)
		(void)close(meta);
	if (error != 0 && ctl->root >= 0) {
		(void)close(ctl->root);
		ctl->root = -1;
	}
	(void)snprintf(ctl->mount, sizeof(ctl->mount), "%s", place);
	return -error;
}

struct search {
	struct ctl *ctl;
	int first_error; /* why not the first one */
	char first[PATH_MAX];
	bool found, more; /* it may be another that is meant */
};

/*
 * The first one; but where somebody else has one that we may not enter, ours is meant. The others are
 * not looked at, as their daemons may not answer.
 */
static bool try_place(void *arg, const char *place, const char *source)
{
	struct search *search = arg;
	(void)source;
	if (search->found) {
		search->more = strcmp(place, search->ctl->mount) != 0;
		return search->more;
	}
	int r = open_place(search->ctl, place);
	search->found = r == 0;
	if (r != 0 && search->first_error == 0) {
		search->first_error = r;
		(void)snprintf(search->first, sizeof(search->first), "%s", place);
	}
	return r != 0 && r != -EACCES;
}

static const char *why_not(int r)
{
	if (r == -ENOENT || r == -ENOTDIR)
		return "no cometfs is mounted there: mount it with cometfs, or say -m MOUNT";
	if (r == -EACCES)
		return "is another user's mount: let others in with -o allow_other";
	if (ctl_mount_is_gone(-r))
		return "the daemon has ended: start it again with cometfs";
	return strerror(-r);
}

int ctl_mount_find(struct ctl *ctl, const char **what, const char **why)
{
	static struct search search;
	const char *place = ctl->given_mount;
	if (place == NULL)
		place = getenv("COMETFS_MOUNT");
	search.ctl = ctl;
	if (place != NULL && (*place != '\0' || place == ctl->given_mount)) {
		int r = open_place(ctl, place);
		*what = place;
		*why = why_not(r);
		return r;
	}
	each_mount(try_place, &search);
	if (search.more && !ctl->quiet)
		ctl_say(ctl->mount, "of several mounts this is taken: name one with -m MOUNT");
	if (search.found)
		return 0;
	*what = search.first_error != 0 ? search.first : NULL;
	*why = search.first_error != 0
		       ? why_not(search.first_error)
		       : "no cometfs is mounted: mount one with cometfs MOUNTPOINT, or say -m MOUNT";
	return search.first_error != 0 ? search.first_error : -ENOENT;
}

int ctl_mount_open(struct ctl *ctl)
{
	const char *what, *why;
	int r = ctl_mount_find(ctl, &what, &why);
	if (r != 0)
		ctl_say(what != NULL ? what : ctl->name, "%s", why);
	return r;
}

/* ---- its source ----------------------------------------------------------------------------------- */

struct source {
	char place[PATH_MAX];
	char *to;
};

static bool take_source(void *arg, const char *place, const char *source)
{
	struct source *wanted = arg;
	if (strcmp(place, wanted->place) == 0)
		(void)snprintf(wanted->to, URL_SIZE, "%s", source);
	return false; /* of those at the same place the last one is the uppermost */
}

void ctl_mount_source(const struct ctl *ctl, char source[URL_SIZE])
{
	struct source wanted = { .to = source };
	source[0] = '\0';
	if (realpath(ctl->mount, wanted.place) != NULL)
		each_mount(take_source, &wanted);
}
