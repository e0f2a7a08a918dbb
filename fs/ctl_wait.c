/* SPDX-License-Identifier: MIT */
/* cometctl wait: until all are over, or the time is. */
#include "ctl_watch.h"

#include "base.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SAID_MOST 20 /* of those that are not over when the time is */

/* ---- what is said at the end ---------------------------------------------------------------------- */

static void say_failure(const struct ctl_job *job)
{
	char trouble[MESSAGE_SIZE * 2];
	const char *advice = ctl_job_advice(job);
	const char *what = job->state == JOB_DONE ? "its video is lost" : ctl_job_state(job->state);
	ctl_job_trouble(job, trouble, sizeof(trouble));
	ctl_say(job->id, "%s%s%s%s%s", what, trouble[0] != '\0' ? ": " : "", trouble,
		advice != NULL ? ": " : "", advice != NULL ? advice : "");
}

static void say_end(const struct watch *watch, const struct watched *job)
{
	if (job->error == -ENOENT && job->job.state == JOB_UNKNOWN && job->read_ms == 0)
		ctl_say_error(watch->ctl, job->job.id, ENOENT);
	else if (job->error == -ENOENT)
		ctl_say(job->job.id, "was forgotten while it was waited for");
	else if (job->error != 0)
		ctl_say_error(watch->ctl, job->job.id, -job->error);
	else if (!ctl_job_is_good(&job->job))
		say_failure(&job->job);
}

/* What holds it up may be no change that we were told of: it is looked at once more. */
static void say_unfinished(struct watch *watch, struct watched *job)
{
	char trouble[MESSAGE_SIZE * 2], progress[CTL_WORD_SIZE] = "";
	if (job->fd >= 0)
		ctl_watch_read(watch, job);
	if (job->over)
		return;
	if (job->job.state == JOB_RUNNING && job->job.progress >= 0)
		(void)snprintf(progress, sizeof(progress), " %d%%", job->job.progress);
	ctl_job_trouble(&job->job, trouble, sizeof(trouble));
	ctl_say(job->job.id, "timed out: still %s%s%s%s", ctl_job_word(&job->job), progress,
		trouble[0] != '\0' ? ": " : "", trouble);
}

static int say_timeout(struct watch *watch)
{
	int said = 0;
	for (int i = 0; i < watch->count && said < SAID_MOST; i++) {
		if (watch->jobs[i].over)
			continue;
		say_unfinished(watch, &watch->jobs[i]);
		said++;
	}
	if (watch->over == watch->count)
		return CTL_OK;
	if (watch->count - watch->over > said)
		ctl_say("wait", "timed out: and %d more", watch->count - watch->over - said);
	return CTL_TIMED_OUT;
}

/* ---- waiting -------------------------------------------------------------------------------------- */

static int64_t sooner(int64_t a_ms, int64_t b_ms)
{
	if (a_ms < 0 || b_ms < 0)
		return a_ms < 0 ? b_ms : a_ms;
	return a_ms < b_ms ? a_ms : b_ms;
}

/* 0 when all are over, ETIMEDOUT, EINTR; ENOTCONN. */
static int loop(struct watch *watch, struct show *show, int64_t deadline_ms)
{
	for (;;) {
		ctl_watch_start(watch);
		ctl_show(show, watch);
		if (ctl_signal_ending() != 0)
			return EINTR;
		if (watch->gone)
			return ENOTCONN;
		if (watch->over == watch->count)
			return 0;
		int64_t rest_ms = deadline_ms >= 0 ? deadline_ms - clock_ms() : -1;
		if (deadline_ms >= 0 && rest_ms <= 0)
			return ETIMEDOUT;
		int r = ctl_signal_poll(
			watch->epoll, sooner(ctl_show_next_ms(show, watch), rest_ms));
		if (r > 0)
			ctl_watch_changed(watch);
		watch->changed =
			watch->changed || r < 0; /* a signal: the terminal may be another */
		ctl_show_refresh(show, watch);
	}
}

static int finish(struct watch *watch, int why)
{
	if (why == ENOTCONN) {
		ctl_say_error(watch->ctl, watch->ctl->mount, ENOTCONN);
		return CTL_FAILED;
	}
	int r = why == ETIMEDOUT ? say_timeout(watch) : CTL_OK;
	for (int i = 0; i < watch->count; i++)
		if (watch->jobs[i].over)
			say_end(watch, &watch->jobs[i]);
	if (r != CTL_OK)
		return r;
	return watch->failed > 0 ? CTL_FAILED : CTL_OK;
}

int ctl_wait_for(const struct ctl *ctl, char *const *ids, int count, int64_t timeout_ms)
{
	struct watch watch;
	struct show show;
	int r = ctl_watch_open(&watch, ctl, ids, count), status = CTL_FAILED;
	ctl_signals_follow_terminal();
	if (r == 0) {
		ctl_show_open(&show);
		r = loop(&watch, &show, timeout_ms > 0 ? clock_ms() + timeout_ms : -1);
		ctl_show_close(&show, &watch);
		if (r != EINTR)
			status = finish(&watch, r);
	} else {
		ctl_say(ctl->name, "%s", strerror(-r));
	}
	ctl_watch_close(&watch);
	return status;
}

int ctl_wait(struct ctl *ctl)
{
	int64_t timeout_ms;
	if (ctl_timeout(ctl, &timeout_ms) != 0)
		return CTL_USAGE;
	return ctl_wait_for(ctl, ctl->args, ctl->count, timeout_ms);
}
