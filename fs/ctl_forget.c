/* SPDX-License-Identifier: MIT */
/* cometctl forget: a rmdir an id. What was paid for is not deleted without a question. */
#include "ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAMED 8 /* so many videos are named in the question */

struct videos {
	int count;
	int64_t bytes;
};

static bool has_video(const struct ctl_job *job)
{
	return job->video == VIDEO_READY || (job->video == VIDEO_FETCHING && job->bytes > 0);
}

/* -errno of the first that cannot be read: then nothing is forgotten. */
static int count_videos(const struct ctl *ctl, struct videos *videos)
{
	struct ctl_job job;
	int failed = 0;
	for (int i = 0; i < ctl->count; i++) {
		int r = ctl_job_get(ctl, ctl->args[i], &job, NULL);
		if (r != 0) {
			ctl_say_error(ctl, ctl->args[i], -r);
			failed = r;
			if (ctl_mount_is_gone(-r))
				break;
		} else if (has_video(&job)) {
			videos->count++;
			videos->bytes += job.bytes;
		}
	}
	return failed;
}

static void name_videos(const struct ctl *ctl)
{
	struct ctl_job job;
	char bytes[CTL_WORD_SIZE];
	int named = 0;
	for (int i = 0; i < ctl->count && named < NAMED; i++) {
		if (ctl_job_get(ctl, ctl->args[i], &job, NULL) != 0 || !has_video(&job))
			continue;
		ctl_text_bytes(bytes, job.bytes);
		(void)fprintf(stderr, "  %s  %s\n", job.id, bytes);
		named++;
	}
}

/* Yes is "y" or "yes"; an end of file is no. */
static bool ask(const struct ctl *ctl, const struct videos *videos)
{
	char bytes[CTL_WORD_SIZE], answer[64] = "";
	ctl_text_bytes(bytes, videos->bytes);
	name_videos(ctl);
	if (videos->count > NAMED)
		(void)fprintf(stderr, "  and %d more\n", videos->count - NAMED);
	(void)fprintf(stderr, "Forget %d job%s, and delete %d video%s (%s)? [y/N] ", ctl->count,
		ctl->count == 1 ? "" : "s", videos->count, videos->count == 1 ? "" : "s", bytes);
	if (fgets(answer, sizeof(answer), stdin) == NULL)
		(void)fprintf(stderr, "\n");
	answer[strcspn(answer, "\r\n")] = '\0';
	return strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0;
}

/* What came in while somebody thought is named, too. */
static bool ask_for_all(const struct ctl *ctl, struct videos *videos)
{
	struct videos asked = { 0 };
	while (videos->count > asked.count) {
		if (!ask(ctl, videos))
			return false;
		asked = *videos;
		*videos = (struct videos){ 0 };
		if (count_videos(ctl, videos) != 0)
			return false;
	}
	return true;
}

static bool may_forget(const struct ctl *ctl)
{
	struct videos videos = { 0 };
	char bytes[CTL_WORD_SIZE];
	if (ctl->yes)
		return true;
	if (count_videos(ctl, &videos) != 0) {
		ctl_say("forget", "nothing was forgotten");
		return false;
	}
	if (videos.count == 0)
		return true;
	if (isatty(STDIN_FILENO) && isatty(STDERR_FILENO)) {
		if (ask_for_all(ctl, &videos))
			return true;
		ctl_say("forget", "nothing was forgotten");
		return false;
	}
	ctl_text_bytes(bytes, videos.bytes);
	ctl_say("forget", "nothing was forgotten: %d video%s (%s) would be deleted: -y does it",
		videos.count, videos.count == 1 ? "" : "s", bytes);
	return false;
}

int ctl_forget(struct ctl *ctl)
{
	int status = CTL_OK;
	if (!may_forget(ctl))
		return CTL_FAILED;
	for (int i = 0; i < ctl->count; i++) {
		if (unlinkat(ctl->jobs, ctl->args[i], AT_REMOVEDIR) == 0)
			continue;
		int error = errno;
		ctl_say_error(ctl, ctl->args[i], error);
		status = CTL_FAILED;
		if (ctl_mount_is_gone(error))
			break;
	}
	return status;
}
