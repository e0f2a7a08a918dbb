/* SPDX-License-Identifier: MIT */
/* How many jobs there are of each state, for `systemctl status`: told when that has changed. */
#include "notify.h"
#include "run.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SECOND_MS 1000

static uint32_t told[JOB_STATES];
static bool begun; /* something was told */
static int64_t not_before_ms;

/* "3 jobs: 1 running, 2 done" */
static void write_line(char *line, size_t size, const uint32_t jobs[JOB_STATES])
{
	static const char *const words[JOB_STATES] = {
		[JOB_UNKNOWN] = "unknown",
		[JOB_QUEUED] = "queued",
		[JOB_RUNNING] = "running",
		[JOB_DONE] = "done",
		[JOB_FAILED] = "failed",
		[JOB_EXPIRED] = "expired",
	};
	uint64_t all = 0;
	for (size_t i = 0; i < JOB_STATES; i++)
		all += jobs[i];
	int used = snprintf(line, size, "%" PRIu64 " job%s", all, all == 1 ? "" : "s");
	const char *before = ": ";
	for (size_t i = 0; i < JOB_STATES; i++) {
		if (jobs[i] == 0)
			continue;
		used += snprintf(line + used, size - (size_t)used, "%s%" PRIu32 " %s", before,
			jobs[i], words[i]);
		before = ", ";
	}
}

int64_t tally_due(int64_t now_ms)
{
	struct job_counts counts;
	char line[192]; /* six numbers of ten digits fit */
	if (!notify_is_open())
		return INT64_MAX;
	job_counts(&counts);
	if (begun && memcmp(counts.jobs, told, sizeof(told)) == 0)
		return INT64_MAX;
	if (now_ms < not_before_ms)
		return not_before_ms;
	not_before_ms = now_ms + SECOND_MS;
	write_line(line, sizeof(line), counts.jobs);
	if (!notify_status(line))
		return not_before_ms;
	memcpy(told, counts.jobs, sizeof(told));
	begun = true;
	return INT64_MAX;
}
