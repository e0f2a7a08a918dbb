/* SPDX-License-Identifier: MIT */
/* limit: how patient the kernel is. Private to main.c. Thread: main's, before all others. */
#ifndef LIMIT_H
#define LIMIT_H

#include <stdint.h>

/*
 * How long a request may go without its answer, in milliseconds; INT64_MAX for ever. An administrator
 * can set a time after which the kernel ends a mount for one answer that is overdue: this is well
 * below it.
 */
int64_t limit_park_ms(void);

#endif
