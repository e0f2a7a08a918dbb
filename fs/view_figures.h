/* SPDX-License-Identifier: MIT */
/* view_figures: what stats.json and metrics.prom have in common. Private to view*.c. */
#ifndef VIEW_FIGURES_H
#define VIEW_FIGURES_H

#include "view.h"

/* Widths of what changes: all that can be expected fits. Of counts, and of bytes and seconds. */
#define FIGURES_COUNT_WIDTH 12
#define FIGURES_WIDTH 16

/* The words of the outcomes. */
extern const char *const figures_asked[ASKED_OUTCOMES];
extern const char *const figures_fetched[FETCHED_OUTCOMES];
extern const char *const figures_download[DOWNLOAD_OUTCOMES];
extern const char *const figures_parked[PARKED_OUTCOMES];

/* The errors that jobs fail with, that videos wait for, that they are lost by. Ends with ERROR_NONE. */
extern const enum error_code figures_failed[];
extern const enum error_code figures_waiting[];
extern const enum error_code figures_lost[];

/* Milliseconds since 1970 of a moment of clock_ms(); 0 for 0. */
int64_t figures_wall_ms(const struct view_figures *all, int64_t at_ms);

/* How long a moment is past, or is still to come: milliseconds, 0 for the other one and for 0. */
int64_t figures_ago_ms(const struct view_figures *all, int64_t at_ms);
int64_t figures_ahead_ms(const struct view_figures *all, int64_t at_ms);

/* Downloads that have begun, but have no turn and stand in no line: they rest, or ask for an address. */
int64_t figures_resting(const struct view_figures *all);

/* Seconds as text, with three digits behind the point. */
#define FIGURES_SECONDS_SIZE 32
void figures_seconds(char text[FIGURES_SECONDS_SIZE], int64_t ms);

/* The limit of a bucket in seconds, the shortest; "+Inf" of the last. */
void figures_limit(char text[FIGURES_SECONDS_SIZE], enum timed what, size_t bucket);

#endif
