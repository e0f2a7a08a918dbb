/* SPDX-License-Identifier: MIT */
/* cometctl get: track, wait, copy. */
#include "ctl.h"

#include "base.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DRAW_MS 100

struct copying {
	struct ctl_screen screen;
	struct ctl_rate rate;
	const char *name;
	int64_t size, drawn_ms;
};

/* ---- the bar -------------------------------------------------------------------------------------- */

static void draw(struct copying *copying, int64_t bytes)
{
	char line[CTL_LINE_SIZE], rest[CTL_LINE_SIZE / 2], name[ID_SIZE * 2];
	char *const lines[] = { line };
	int64_t now_ms = clock_ms();
	if (ctl_signal_continued())
		ctl_screen_leave(&copying->screen);
	if (ctl_signal_resized())
		ctl_screen_measure(&copying->screen);
	int columns = copying->screen.columns - 1;
	int width = ctl_text_fit(name, sizeof(name), copying->name, columns / 2);
	ctl_rate_add(&copying->rate, now_ms, bytes);
	ctl_bar_bytes(rest, sizeof(rest), columns - width - 1, bytes, copying->size, &copying->rate,
		now_ms);
	(void)snprintf(line, sizeof(line), "%s %s", name, rest);
	width += 1 + ctl_text_columns(rest);
	ctl_screen_draw(&copying->screen, lines, &width, 1);
	copying->drawn_ms = now_ms;
}

static int on_bytes(void *arg, int64_t bytes)
{
	struct copying *copying = arg;
	if (ctl_signal_ending() != 0)
		return -EINTR;
	bool due = clock_ms() - copying->drawn_ms >= DRAW_MS || bytes == copying->size;
	if (copying->screen.live && due)
		draw(copying, bytes);
	return 0;
}

/* ---- copying -------------------------------------------------------------------------------------- */

/* What was ready a moment ago may be forgotten, removed or found damaged since. */
static int open_video(const struct ctl *ctl, const char *id, struct stat *st)
{
	char path[ID_SIZE + sizeof(NAME_VIDEO) + 1];
	(void)snprintf(path, sizeof(path), "%s/%s", id, NAME_VIDEO);
	int fd = openat(ctl->jobs, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, st) != 0) {
		int error = errno;
		if (fd >= 0)
			(void)close(fd);
		if (error == ENOENT)
			ctl_say(id, "has no video here any more: cometctl forget and add it, to "
				    "fetch it anew");
		else
			ctl_say_error(ctl, id, error);
		return -error;
	}
	return fd;
}

static int copy(const struct ctl *ctl, const char *name, int video, const struct stat *st,
	struct ctl_target *target)
{
	struct copying copying = { .name = name, .size = st->st_size };
	const struct timespec times[] = { { .tv_nsec = UTIME_OMIT }, st->st_mtim };
	ctl_screen_open(&copying.screen);
	int r = ctl_copy(target->fd, video, st->st_size, on_bytes, &copying);
	if (r == 0 && futimens(target->fd, times) != 0)
		r = -errno;
	ctl_signals_catch(); /* it may have a part from now on */
	if (r == 0)
		r = ctl_target_finish(target, ctl->keep);
	if (r == 0 && !copying.screen.live)
		(void)printf("%s\n", target->path);
	ctl_screen_close(&copying.screen);
	return r;
}

static void say_copy_error(const struct ctl *ctl, const struct ctl_target *target, int error)
{
	if (ctl_mount_is_gone(error))
		ctl_say_error(ctl, ctl->mount, error);
	else if (error == ENOSPC || error == EDQUOT)
		ctl_say(target->path, "%s: make room there, or choose another DEST",
			strerror(error));
	else if (error == EEXIST)
		ctl_say(target->path, "is there already: it is left as it is");
	else if (error != EINTR)
		ctl_say(target->path, "%s: nothing was written there", strerror(error));
}

static int get(struct ctl *ctl, const char *id, struct ctl_target *target)
{
	struct stat st;
	const char *slash = strrchr(target->path, '/');
	int video = open_video(ctl, id, &st);
	if (video < 0)
		return CTL_FAILED;
	int r = copy(ctl, slash != NULL ? slash + 1 : target->path, video, &st, target);
	(void)close(video);
	if (r == 0)
		return CTL_OK;
	say_copy_error(ctl, target, -r);
	return CTL_FAILED;
}

/* Where it is to go is tried first: nobody waits an hour for a name that is no good. */
int ctl_get(struct ctl *ctl)
{
	struct ctl_target target;
	const char *id = ctl->args[0];
	char name[ID_SIZE + 8];
	int64_t timeout_ms;
	if (ctl_timeout(ctl, &timeout_ms) != 0)
		return CTL_USAGE;
	ctl->quiet = true; /* where there are no bars, the file's path is all that is said */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN); /* a file too large for ulimit is an error as others are */
	ctl_signals_catch();
	(void)snprintf(name, sizeof(name), "%s.mp4", id);
	if (ctl_target_open(&target, ctl->count > 1 ? ctl->args[1] : NULL, name, ctl->keep) != 0)
		return CTL_FAILED;
	if (target.part[0] == '\0')
		ctl_signals_release();
	int r = ctl_job_track(ctl, id);
	if (r < 0 && r != -EINTR)
		ctl_say_error(ctl, id, -r);
	int status = r < 0 ? CTL_FAILED : ctl_wait_for(ctl, ctl->args, 1, timeout_ms);
	if (status == CTL_OK)
		status = get(ctl, id, &target);
	ctl_target_close(&target);
	return status;
}
