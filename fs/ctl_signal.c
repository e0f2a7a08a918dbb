/* SPDX-License-Identifier: MIT */
/*
 * Signals, let in where the program can end in order. They interrupt what waits in the mount, and do
 * not start it again: who asks there looks here first. Only what leaves nothing to take away ends at
 * once: a read through the page cache, of a daemon that answers nothing, is not interrupted at all.
 */
#include "ctl.h"

#include "base.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

static const int ending[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
#define ENDING (sizeof(ending) / sizeof(ending[0]))

static volatile sig_atomic_t ended_by, resized, continued;

static void on_end(int number)
{
	ended_by = number;
}

static void on_resize(int number)
{
	(void)number;
	resized = 1;
}

static void on_continue(int number)
{
	(void)number;
	continued = resized = 1;
}

/* What was to be ignored, as by nohup, is. */
static void catch (int number, void (*take)(int))
{
	struct sigaction old, action = { .sa_handler = take };
	(void)sigemptyset(&action.sa_mask);
	if (sigaction(number, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
		(void)sigaction(number, &action, NULL);
}

void ctl_signals_catch(void)
{
	for (size_t i = 0; i < ENDING; i++)
		catch (ending[i], on_end);
}

void ctl_signals_release(void)
{
	for (size_t i = 0; i < ENDING; i++)
		catch (ending[i], SIG_DFL);
}

void ctl_signals_follow_terminal(void)
{
	catch (SIGWINCH, on_resize);
	catch (SIGCONT, on_continue);
}

int ctl_signal_ending(void)
{
	return ended_by;
}

static bool take(volatile sig_atomic_t *flag)
{
	bool was = *flag != 0;
	*flag = 0;
	return was;
}

bool ctl_signal_resized(void)
{
	return take(&resized);
}

bool ctl_signal_continued(void)
{
	return take(&continued);
}

/* Between the look and the wait nothing may come in: it would be waited for again. */
int ctl_signal_poll(int fd, int64_t ms)
{
	struct pollfd poll = { .fd = fd, .events = POLLIN };
	struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
	sigset_t all, before;
	int r = -EINTR;
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, &before);
	if (ended_by == 0) {
		r = ppoll(&poll, 1, ms >= 0 ? &time : NULL, &before);
		r = r < 0 ? -errno : r;
	}
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return r;
}

void ctl_signal_die(int number)
{
	(void)signal(number, SIG_DFL);
	(void)kill(getpid(), number);
	_exit(128 + number);
}
