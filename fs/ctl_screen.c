/* SPDX-License-Identifier: MIT */
/*
 * Lines that are redrawn in place. The cursor rests below them, and nothing of the terminal is ever
 * changed: whatever ends the program, kill -9 too, leaves it as it was.
 */
#include "ctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define UP "\033[%dA"
#define CLEAR_LINE "\033[K"
#define CLEAR_BELOW "\033[J"

static int number_of(const char *variable)
{
	const char *text = getenv(variable);
	long number = text != NULL ? strtol(text, NULL, 10) : 0;
	return number > 0 && number < 10000 ? (int)number : 0;
}

void ctl_screen_measure(struct ctl_screen *screen)
{
	struct winsize size = { 0 };
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0)
		memset(&size, 0, sizeof(size));
	int columns = size.ws_col > 0 ? size.ws_col : number_of("COLUMNS");
	int rows = size.ws_row > 0 ? size.ws_row : number_of("LINES");
	screen->columns = columns > 0 ? columns : 80;
	screen->rows = rows > 0 ? rows : 24;
}

void ctl_screen_open(struct ctl_screen *screen)
{
	const char *terminal = getenv("TERM");
	memset(screen, 0, sizeof(*screen));
	screen->live = isatty(STDOUT_FILENO) && terminal != NULL && *terminal != '\0' &&
		       strcmp(terminal, "dumb") != 0;
	screen->colored = ctl_is_colored(STDOUT_FILENO);
	ctl_screen_measure(screen);
}

/* Where the terminal became narrower it has broken the lines that stood there. */
static int rows_drawn(const struct ctl_screen *screen)
{
	int rows = 0;
	for (int i = 0; i < screen->drawn; i++)
		rows += screen->widths[i] > screen->columns
				? (screen->widths[i] + screen->columns - 1) / screen->columns
				: 1;
	return rows < screen->rows ? rows : screen->rows - 1;
}

static bool remember(struct ctl_screen *screen, const int *widths, int count)
{
	int *copy = reallocarray(screen->widths, (size_t)(count > 0 ? count : 1), sizeof(*copy));
	if (copy == NULL)
		return false;
	memcpy(copy, widths, (size_t)count * sizeof(*copy));
	screen->widths = copy;
	screen->drawn = count;
	return true;
}

static void write_all(const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t r = write(STDOUT_FILENO, bytes, length);
		if (r < 0 && errno != EINTR)
			return; /* the terminal is gone; so will we, by SIGHUP */
		bytes += r > 0 ? r : 0;
		length -= r > 0 ? (size_t)r : 0;
	}
}

/* In one write, so that no half of it is ever seen. Who was put into the background draws nothing. */
void ctl_screen_draw(struct ctl_screen *screen, char *const *lines, const int *widths, int count)
{
	char *text = NULL;
	size_t length = 0;
	int up = rows_drawn(screen);
	pid_t front =
		tcgetpgrp(STDOUT_FILENO); /* not above 0: of another session, or a container */
	if (front > 0 && front != getpgrp())
		return;
	FILE *out = open_memstream(&text, &length);
	if (out == NULL)
		return;
	(void)fprintf(out, "\r");
	if (up > 0)
		(void)fprintf(out, UP, up);
	for (int i = 0; i < count; i++)
		(void)fprintf(out, "%s" CLEAR_LINE "\n", lines[i]);
	(void)fprintf(out, CLEAR_BELOW);
	if (fclose(out) == 0 && remember(screen, widths, count))
		write_all(text, length);
	free(text);
}

void ctl_screen_leave(struct ctl_screen *screen)
{
	screen->drawn = 0;
}

void ctl_screen_close(struct ctl_screen *screen)
{
	free(screen->widths);
	screen->widths = NULL;
	screen->drawn = 0;
}
