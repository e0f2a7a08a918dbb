/* SPDX-License-Identifier: MIT */
/*
 * background: without -f the daemon is a child, and its parent waits until it serves. Private to main.c.
 * Thread: main's, before all others.
 */
#ifndef BACKGROUND_H
#define BACKGROUND_H

#include <stdbool.h>

/*
 * False in the child. True in the parent, with its exit status, when the child serves and the mount
 * answers, or has failed; what failed has been said on the terminal.
 */
bool background_fork(const char *mountpoint, int *status);

/* The child serves: from here on it has neither terminal nor session, and the log goes to syslog. */
void background_ready(void);

#endif
