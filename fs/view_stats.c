/* SPDX-License-Identifier: MIT */
/* stats.json. Keys, their order and their types are fixed; what changes has a constant width. */
#include "view_figures.h"
#include "view_text.h"

#include <assert.h>
#include <stdio.h>

#define WORD_WIDTH 16 /* of a word in quotes, or null */

static void put_count(struct text *text, const char *key, int64_t count)
{
	text_number(text, key, count > 0 ? count : 0, FIGURES_COUNT_WIDTH);
}

static void put_bytes(struct text *text, const char *key, int64_t bytes)
{
	text_number(text, key, bytes, FIGURES_WIDTH);
}

static void put_word(struct text *text, const char *key, const char *word)
{
	char value[WORD_WIDTH + 1];
	int length = snprintf(value, sizeof(value), word != NULL ? "\"%s\"" : "null", word);
	assert(length <= WORD_WIDTH);
	text_member(text, key, value, WORD_WIDTH);
}

static void put_seconds(struct text *text, const char *key, int64_t ms)
{
	char value[FIGURES_SECONDS_SIZE];
	figures_seconds(value, ms);
	text_member(text, key, value, FIGURES_WIDTH);
}

static void put_wall(struct text *text, const char *key, int64_t ms)
{
	text_time(text, key, ms / 1000, TEXT_TIME_WIDTH);
}

static void put_moment(
	struct text *text, const char *key, const struct view_figures *all, int64_t at_ms)
{
	put_wall(text, key, figures_wall_ms(all, at_ms));
}

static void put_outcomes(struct text *text, const char *key, const int64_t *counts,
	const char *const *words, size_t outcomes)
{
	text_open(text, key);
	for (size_t i = 0; i < outcomes; i++)
		put_count(text, words[i], counts[i]);
	text_close(text);
}

static void put_errors(
	struct text *text, const char *key, const uint32_t *counts, const enum error_code *errors)
{
	text_open(text, key);
	for (; *errors != ERROR_NONE; errors++)
		put_count(text, view_error(*errors), counts[*errors]);
	text_close(text);
}

/* As a histogram of Prometheus: a bucket has what is below it too. */
static void put_times(
	struct text *text, const char *key, const struct view_figures *all, enum timed what)
{
	const struct figures_times *times = &all->figures.times[what];
	char limit[FIGURES_SECONDS_SIZE];
	int64_t count = 0;

	text_open(text, key);
	put_seconds(text, "sum", times->sum_ms);
	text_open(text, "buckets");
	for (size_t i = 0; i <= FIGURES_BUCKETS; i++) {
		figures_limit(limit, what, i);
		count += (int64_t)times->counts[i];
		put_count(text, limit, count);
	}
	text_close(text);
	text_close(text);
}

static void put_provider(struct text *text, const struct view_figures *all)
{
	const int64_t *value = all->figures.value;
	int64_t failing_ms = value[FIGURE_WRONG_MS + WRONG_PROVIDER];
	int64_t wrong_ms = value[FIGURE_WRONG_MS + WRONG_BASE_URL];
	bool failed = value[FIGURE_FAILED_MS] != 0;
	const char *state = wrong_ms != 0                    ? "wrong_url"
			    : failing_ms != 0                ? "failing"
			    : value[FIGURE_ACCEPTED_MS] != 0 ? "ok"
							     : "unknown";

	text_open(text, "provider");
	text_string(text, "name", all->provider);
	put_word(text, "state", state);
	put_moment(text, "failing_since", all, wrong_ms != 0 ? wrong_ms : failing_ms);
	put_moment(text, "accepted_at", all, value[FIGURE_ACCEPTED_MS]);
	put_count(text, "failures", value[FIGURE_FAILURES]);
	put_word(text, "last_failure", failed ? figures_asked[value[FIGURE_LAST_FAILURE]] : NULL);
	put_moment(text, "last_failure_at", all, value[FIGURE_FAILED_MS]);
	text_close(text);
}

static void put_key(struct text *text, const struct view_figures *all)
{
	static const char *const words[] = {
		[KEY_UNPROVEN] = "unknown",
		[KEY_ACCEPTED] = "accepted",
		[KEY_REFUSED] = "refused",
	};
	text_open(text, "key");
	put_word(text, "state", words[all->figures.value[FIGURE_KEY]]);
	put_moment(text, "since", all, all->figures.value[FIGURE_KEY_MS]);
	text_close(text);
}

static void put_store(struct text *text, const struct view_figures *all)
{
	int64_t faulty_ms = all->figures.value[FIGURE_WRONG_MS + WRONG_CATALOG];

	text_open(text, "catalog");
	put_word(text, "state", faulty_ms != 0 ? "not_writable" : "ok");
	put_moment(text, "since", all, faulty_ms);
	put_count(text, "changes_waiting", all->figures.value[FIGURE_CHANGES]);
	text_close(text);

	text_open(text, "store");
	put_bytes(text, "video_bytes", all->jobs.ready_bytes);
	put_bytes(text, "part_bytes", all->jobs.part_bytes);
	put_bytes(text, "taken", all->figures.value[FIGURE_STORE_TAKEN]);
	text_number(text, "max", all->store_max > 0 ? all->store_max : -1, 0);
	put_bytes(text, "free", all->store_free);
	put_bytes(text, "size", all->store_size);
	text_close(text);
}

static void put_jobs(struct text *text, const struct job_counts *jobs)
{
	text_open(text, "jobs");
	for (enum job_state state = 0; state < JOB_STATES; state++)
		put_count(text, view_job_state(state), jobs->jobs[state]);
	text_close(text);
	put_errors(text, "jobs_failed", jobs->failed, figures_failed);
	put_count(text, "jobs_unanswered", jobs->unanswered);

	text_open(text, "videos");
	for (enum video_state state = 0; state < VIDEO_STATES; state++)
		put_count(text, view_video_state(state), jobs->videos[state]);
	text_close(text);
	put_errors(text, "videos_waiting", jobs->waiting, figures_waiting);
	put_errors(text, "videos_lost", jobs->lost, figures_lost);
}

static void put_polls(struct text *text, const struct view_figures *all)
{
	const int64_t *value = all->figures.value;
	char rate[FIGURES_SECONDS_SIZE] = "null";
	if (all->poll_rate > 0)
		(void)snprintf(rate, sizeof(rate), "%g", all->poll_rate);

	text_open(text, "polls");
	text_member(text, "rate_limit", rate, 0);
	put_count(text, "last_minute", all->figures.polls_last_minute);
	put_count(text, "in_flight", value[FIGURE_POLLS_IN_FLIGHT]);
	put_count(text, "planned", value[FIGURE_POLLS_PLANNED]);
	put_count(text, "planned_urgent", value[FIGURE_POLLS_PLANNED_URGENT]);
	put_seconds(text, "late_s", figures_ago_ms(all, value[FIGURE_POLL_DUE_MS]));
	put_seconds(text, "held_s", figures_ahead_ms(all, value[FIGURE_HELD_UNTIL_MS]));
	put_outcomes(text, "outcomes", value + FIGURE_POLLS, figures_asked, ASKED_OUTCOMES);
	put_times(text, "took_s", all, TIMED_POLL);
	text_close(text);
	put_outcomes(text, "lookups", value + FIGURE_LOOKUPS, figures_asked, ASKED_OUTCOMES);
}

static void put_downloads(struct text *text, const struct view_figures *all)
{
	const int64_t *value = all->figures.value;

	text_open(text, "downloads");
	text_number(text, "limit", all->downloads, 0);
	put_count(text, "active", value[FIGURE_DOWNLOADS_ACTIVE]);
	put_count(text, "queued", value[FIGURE_DOWNLOADS_QUEUED]);
	put_count(text, "resting", figures_resting(all));
	put_bytes(text, "bytes", value[FIGURE_DOWNLOADED_BYTES]);
	put_outcomes(
		text, "outcomes", value + FIGURE_DOWNLOADS, figures_download, DOWNLOAD_OUTCOMES);
	put_outcomes(text, "requests", value + FIGURE_FETCHES, figures_fetched, FETCHED_OUTCOMES);
	put_times(text, "took_s", all, TIMED_DOWNLOAD);
	text_close(text);
}

static void put_waiting(struct text *text, const struct view_figures *all)
{
	text_open(text, "requests");
	put_count(text, "reads_parked", all->jobs.waiters[WAITER_BYTES]);
	put_count(text, "changes_parked", all->jobs.waiters[WAITER_TICKET]);
	put_count(text, "listeners", all->jobs.waiters[WAITER_EVENT]);
	put_count(text, "letters", all->figures.value[FIGURE_LETTERS]);
	put_outcomes(text, "parked_reads", all->figures.value + FIGURE_PARKED, figures_parked,
		PARKED_OUTCOMES);
	text_close(text);
}

char *view_stats(const struct view_figures *all, size_t *length)
{
	struct text text = { .wide = true };

	text_open(&text, NULL);
	text_string(&text, "version", COMETFS_VERSION);
	text_string(&text, "mountpoint", all->mountpoint);
	put_wall(&text, "started_at", all->started_ms);
	put_wall(&text, "taken_at", all->taken_ms);
	put_provider(&text, all);
	put_key(&text, all);
	put_store(&text, all);
	put_jobs(&text, &all->jobs);
	put_polls(&text, all);
	put_downloads(&text, all);
	put_waiting(&text, all);
	text_close(&text);
	return text_end(&text, length);
}
