/* SPDX-License-Identifier: MIT */
/* Jobs that are waited for: what is known of each, and how they are shown. */
#ifndef CTL_WATCH_H
#define CTL_WATCH_H

#include "ctl.h"

struct watched {
	struct ctl_job job; /* as it was when it was last read */
	struct ctl_rate progress, bytes;
	int64_t read_ms;
	int fd; /* its status.json, -1 before its turn, and when it is over */
	bool over;
	bool changed; /* since its last plain line */
	int error; /* of reading it: -errno, or 0 */
	char said[64]; /* its last plain line */
};

struct watch {
	const struct ctl *ctl;
	struct watched *jobs;
	int count;
	int next; /* the first that has had no turn */
	int open; /* files */
	int over, failed; /* jobs */
	bool changed; /* something has, since it was last drawn */
	bool gone; /* the daemon is */
	int epoll;
	int64_t started_ms;
};

int ctl_watch_open(struct watch *watch, const struct ctl *ctl, char *const *ids, int count);
void ctl_watch_close(struct watch *watch);

/* Reads those that have had no turn, as far as files can be opened. */
void ctl_watch_start(struct watch *watch);

/* Reads those of which the kernel says that they have changed. */
void ctl_watch_changed(struct watch *watch);

void ctl_watch_read(struct watch *watch, struct watched *job);

/* ---- ctl_show.c ----------------------------------------------------------------------------------- */

struct show {
	struct ctl_screen screen;
	char **lines;
	int *widths;
	int *shown; /* places in watch->jobs of those whose lines stand there */
	int shown_count, room;
	int64_t drawn_ms;
};

void ctl_show_open(struct show *show);

/* Bars on a terminal, a plain line for each change elsewhere. */
void ctl_show(struct show *show, struct watch *watch);

/* In how many ms it wants to be called again at the latest, -1: when something has changed. */
int64_t ctl_show_next_ms(const struct show *show, const struct watch *watch);

/* Reads anew what people look at, and no change is told of. */
void ctl_show_refresh(const struct show *show, struct watch *watch);

/* The last look; what stands there stays. */
void ctl_show_close(struct show *show, struct watch *watch);

#endif
