/* SPDX-License-Identifier: MIT */
/* The kernel's time limit for answers. A mount has that which is set when it begins. */
#include "limit.h"

#include <stdio.h>
#include <stdlib.h>

#define LEAST_MS 5000 /* the kernel looks every 15 seconds, and acts on no limit below that */

/* Seconds; 0: none, or a kernel that knows of none. */
static int64_t read_limit(const char *path)
{
	char text[32] = "";
	FILE *file = fopen(path, "re");
	if (file == NULL)
		return 0;
	if (fgets(text, sizeof(text), file) == NULL)
		text[0] = '\0';
	(void)fclose(file);
	return (int64_t)strtoul(text, NULL, 10);
}

int64_t limit_park_ms(void)
{
	int64_t limit = read_limit("/proc/sys/fs/fuse/default_request_timeout");
	int64_t most = read_limit("/proc/sys/fs/fuse/max_request_timeout");
	if (most > 0 && (limit == 0 || limit > most))
		limit = most;
	if (limit == 0)
		return INT64_MAX;
	int64_t half_ms = limit * 1000 / 2;
	return half_ms > LEAST_MS ? half_ms : LEAST_MS;
}
