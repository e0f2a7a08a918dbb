/* SPDX-License-Identifier: MIT */
#include "view_figures.h"

#include <inttypes.h>
#include <stdio.h>

const char *const figures_asked[ASKED_OUTCOMES] = {
	[ASKED_ANSWERED] = "answered",
	[ASKED_NO_URL] = "no_url",
	[ASKED_NOT_FOUND] = "not_found",
	[ASKED_BAD_REQUEST] = "bad_request",
	[ASKED_AUTH] = "auth",
	[ASKED_QUOTA] = "quota",
	[ASKED_LIMITED] = "limited",
	[ASKED_BUSY] = "busy",
	[ASKED_WRONG_URL] = "wrong_url",
	[ASKED_UNREADABLE] = "unreadable",
	[ASKED_TIMEOUT] = "timeout",
	[ASKED_UNREACHABLE] = "unreachable",
	[ASKED_BROKEN] = "broken",
};

const char *const figures_fetched[FETCHED_OUTCOMES] = {
	[FETCHED_WHOLE] = "whole",
	[FETCHED_CUT] = "cut",
	[FETCHED_DENIED] = "denied",
	[FETCHED_CHANGED] = "changed",
	[FETCHED_NOT_A_VIDEO] = "not_a_video",
	[FETCHED_TOO_LARGE] = "too_large",
	[FETCHED_REFUSED] = "refused_address",
	[FETCHED_STORE_FULL] = "store_full",
	[FETCHED_STORE_BROKEN] = "store_broken",
	[FETCHED_YIELDED] = "yielded",
};

const char *const figures_download[DOWNLOAD_OUTCOMES] = {
	[DOWNLOAD_READY] = "ready",
	[DOWNLOAD_LOST] = "lost",
	[DOWNLOAD_CANCELLED] = "cancelled",
};

const char *const figures_parked[PARKED_OUTCOMES] = {
	[PARKED_ANSWERED] = "answered",
	[PARKED_TIMEOUT] = "timeout",
	[PARKED_INTERRUPTED] = "interrupted",
	[PARKED_FAILED] = "failed",
};

const enum error_code figures_failed[] = { ERROR_MODERATED, ERROR_NOT_FOUND, ERROR_NO_URL,
	ERROR_BAD_REQUEST, ERROR_PROVIDER, ERROR_NONE };
const enum error_code figures_waiting[] = { ERROR_URL_EXPIRED, ERROR_NOT_A_VIDEO,
	ERROR_REFUSED_ADDRESS, ERROR_STORE_FULL, ERROR_TRANSPORT, ERROR_NONE };
const enum error_code figures_lost[] = { ERROR_URL_EXPIRED, ERROR_TOO_LARGE, ERROR_NOT_A_VIDEO,
	ERROR_REFUSED_ADDRESS, ERROR_NONE };

int64_t figures_wall_ms(const struct view_figures *all, int64_t at_ms)
{
	return at_ms != 0 ? all->taken_ms + at_ms - all->figures.now_ms : 0;
}

int64_t figures_ago_ms(const struct view_figures *all, int64_t at_ms)
{
	int64_t ago_ms = all->figures.now_ms - at_ms;
	return at_ms != 0 && ago_ms > 0 ? ago_ms : 0;
}

int64_t figures_ahead_ms(const struct view_figures *all, int64_t at_ms)
{
	int64_t ahead_ms = at_ms - all->figures.now_ms;
	return at_ms != 0 && ahead_ms > 0 ? ahead_ms : 0;
}

int64_t figures_resting(const struct view_figures *all)
{
	const int64_t *value = all->figures.value;
	int64_t resting = value[FIGURE_DOWNLOADS_BEGUN] - value[FIGURE_DOWNLOADS_QUEUED] -
			  value[FIGURE_DOWNLOADS_ACTIVE];
	return resting > 0 ? resting : 0; /* they are not all of one moment */
}

void figures_seconds(char text[FIGURES_SECONDS_SIZE], int64_t ms)
{
	(void)snprintf(text, FIGURES_SECONDS_SIZE, "%" PRId64 ".%03" PRId64, ms / 1000, ms % 1000);
}

void figures_limit(char text[FIGURES_SECONDS_SIZE], enum timed what, size_t bucket)
{
	if (bucket < FIGURES_BUCKETS)
		(void)snprintf(text, FIGURES_SECONDS_SIZE, "%g",
			(double)figures_limits_ms[what][bucket] / 1000);
	else
		(void)snprintf(text, FIGURES_SECONDS_SIZE, "+Inf");
}
