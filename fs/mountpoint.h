/* SPDX-License-Identifier: MIT */
/* mountpoint: the place of the mount. Private to main.c. Thread: main's, before all others. */
#ifndef MOUNTPOINT_H
#define MOUNTPOINT_H

/* NULL when something can be mounted there, else why not. */
const char *mountpoint_check(const char *path);

#endif
