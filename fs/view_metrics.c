/* SPDX-License-Identifier: MIT */
/*
 * metrics.prom: the text format of Prometheus. Each sample says which mount it is of, so that the
 * documents of several can be collected side by side; what changes has a constant width.
 */
#include "view_figures.h"
#include "view_text.h"

#include <inttypes.h>
#include <stdio.h>

struct metrics {
	struct text text;
	const struct view_figures *all;
	const char *name; /* of the metric that the next samples are of */
};

static void put_line(struct metrics *m)
{
	if (m->text.begun)
		text_put(&m->text, "\n");
	m->text.begun = true;
}

static void begin(struct metrics *m, const char *name, const char *type, const char *help)
{
	char lines[512];
	m->name = name;
	put_line(m);
	(void)snprintf(lines, sizeof(lines), "# HELP cometfs_%s %s\n# TYPE cometfs_%s %s", name,
		help, name, type);
	text_put(&m->text, lines);
}

/* suffix: of the name. label: "" for none. */
static void put(struct metrics *m, const char *suffix, const char *label, const char *word,
	const char *value)
{
	char part[128];
	put_line(m);
	(void)snprintf(part, sizeof(part), "cometfs_%s%s{mountpoint=", m->name, suffix);
	text_put(&m->text, part);
	text_quote(&m->text, m->all->mountpoint);
	if (label[0] != '\0') {
		(void)snprintf(part, sizeof(part), ",%s=\"%s\"", label, word);
		text_put(&m->text, part);
	}
	(void)snprintf(part, sizeof(part), "} %s", value);
	text_put(&m->text, part);
}

static void put_count(
	struct metrics *m, const char *suffix, const char *label, const char *word, int64_t count)
{
	char value[FIGURES_SECONDS_SIZE];
	(void)snprintf(
		value, sizeof(value), "%*" PRId64, FIGURES_COUNT_WIDTH, count > 0 ? count : 0);
	put(m, suffix, label, word, value);
}

static void put_seconds(
	struct metrics *m, const char *suffix, const char *label, const char *word, int64_t ms)
{
	char seconds[FIGURES_SECONDS_SIZE], value[FIGURES_SECONDS_SIZE];
	figures_seconds(seconds, ms);
	(void)snprintf(value, sizeof(value), "%*s", FIGURES_WIDTH, seconds);
	put(m, suffix, label, word, value);
}

/* Negative: none, as text. */
static void put_bytes(
	struct metrics *m, const char *label, const char *word, int64_t bytes, const char *none)
{
	char value[FIGURES_SECONDS_SIZE];
	if (bytes >= 0)
		(void)snprintf(value, sizeof(value), "%*" PRId64, FIGURES_WIDTH, bytes);
	else
		(void)snprintf(value, sizeof(value), "%*s", FIGURES_WIDTH, none);
	put(m, "", label, word, value);
}

static void gauge(struct metrics *m, const char *name, int64_t value, const char *help)
{
	begin(m, name, "gauge", help);
	put_count(m, "", "", "", value);
}

static void gauge_seconds(struct metrics *m, const char *name, int64_t ms, const char *help)
{
	begin(m, name, "gauge", help);
	put_seconds(m, "", "", "", ms);
}

static void gauge_bytes(
	struct metrics *m, const char *name, int64_t bytes, const char *none, const char *help)
{
	begin(m, name, "gauge", help);
	put_bytes(m, "", "", bytes, none);
}

static void counters(struct metrics *m, const char *name, enum figure first,
	const char *const *words, size_t outcomes, const char *help)
{
	begin(m, name, "counter", help);
	for (size_t i = 0; i < outcomes; i++)
		put_count(m, "", "outcome", words[i], m->all->figures.value[first + i]);
}

static void errors(struct metrics *m, const char *name, const uint32_t *counts,
	const enum error_code *list, const char *help)
{
	begin(m, name, "gauge", help);
	for (; *list != ERROR_NONE; list++)
		put_count(m, "", "error", view_error(*list), counts[*list]);
}

static void histogram(struct metrics *m, const char *name, enum timed what, const char *help)
{
	const struct figures_times *times = &m->all->figures.times[what];
	char limit[FIGURES_SECONDS_SIZE];
	int64_t count = 0;

	begin(m, name, "histogram", help);
	for (size_t i = 0; i <= FIGURES_BUCKETS; i++) {
		figures_limit(limit, what, i);
		count += (int64_t)times->counts[i];
		put_count(m, "_bucket", "le", limit, count);
	}
	put_seconds(m, "_sum", "", "", times->sum_ms);
	put_count(m, "_count", "", "", count);
}

/* ---- the metrics ------------------------------------------------------------------------------- */

static void put_program(struct metrics *m)
{
	begin(m, "info", "gauge", "What runs: always 1.");
	put(m, "", "version", COMETFS_VERSION, "1");
	gauge_seconds(
		m, "start_time_seconds", m->all->started_ms, "When it was mounted, Unix time.");
}

static void put_troubles(struct metrics *m)
{
	static const char *const words[] = {
		[WRONG_KEY] = "key",
		[WRONG_PROVIDER] = "provider",
		[WRONG_BASE_URL] = "base_url",
		[WRONG_CATALOG] = "catalog",
	};
	const int64_t *value = m->all->figures.value;

	begin(m, "trouble_seconds", "gauge",
		"For how long something has been wrong for all jobs: the key is refused, the "
		"provider does not answer, another server answers, the catalog cannot be written. "
		"0: all is well.");
	for (enum wrong i = 0; i < WRONGS; i++) {
		int64_t at_ms = value[FIGURE_WRONG_MS + i];
		int64_t ago_ms = figures_ago_ms(m->all, at_ms);
		put_seconds(m, "", "kind", words[i], at_ms != 0 && ago_ms == 0 ? 1 : ago_ms);
	}
	gauge_seconds(m, "provider_accepted_timestamp_seconds",
		figures_wall_ms(m->all, value[FIGURE_ACCEPTED_MS]),
		"When the provider last spoke of a job, Unix time. 0: never.");
	gauge(m, "provider_failures", value[FIGURE_FAILURES],
		"Polls and look-ups in a row without an answer of use.");
}

static void put_jobs(struct metrics *m)
{
	const struct job_counts *jobs = &m->all->jobs;

	begin(m, "jobs", "gauge", "Jobs by state.");
	for (enum job_state i = 0; i < JOB_STATES; i++)
		put_count(m, "", "state", view_job_state(i), jobs->jobs[i]);
	errors(m, "jobs_failed", jobs->failed, figures_failed, "Failed jobs by error.");
	gauge(m, "jobs_unanswered", jobs->unanswered,
		"Jobs that are not final and whose last poll failed.");
	begin(m, "videos", "gauge", "Videos by state.");
	for (enum video_state i = 0; i < VIDEO_STATES; i++)
		put_count(m, "", "state", view_video_state(i), jobs->videos[i]);
	errors(m, "videos_waiting", jobs->waiting, figures_waiting,
		"Videos whose download waits, by what for.");
	errors(m, "videos_lost", jobs->lost, figures_lost, "Videos that were given up, by error.");
}

static void put_store(struct metrics *m)
{
	const struct view_figures *all = m->all;

	begin(m, "video_bytes", "gauge", "Bytes of videos in the store.");
	put_bytes(m, "state", "ready", all->jobs.ready_bytes, "");
	put_bytes(m, "state", "fetching", all->jobs.part_bytes, "");
	gauge_bytes(m, "store_taken_bytes", all->figures.value[FIGURE_STORE_TAKEN], "",
		"What counts against store_max: videos, and room promised to downloads.");
	gauge_bytes(m, "store_max_bytes", all->store_max > 0 ? all->store_max : -1, "+Inf",
		"The option store_max.");
	gauge_bytes(m, "store_free_bytes", all->store_free, "NaN",
		"What the store's file system has left.");
	gauge_bytes(m, "store_size_bytes", all->store_size, "NaN", "What it has in all.");
	gauge(m, "catalog_changes_waiting", all->figures.value[FIGURE_CHANGES],
		"Changes of jobs that are not on disk yet.");
}

static void put_polls(struct metrics *m)
{
	const int64_t *value = m->all->figures.value;
	char rate[FIGURES_SECONDS_SIZE] = "+Inf";
	if (m->all->poll_rate > 0)
		(void)snprintf(rate, sizeof(rate), "%g", m->all->poll_rate);

	counters(m, "polls_total", FIGURE_POLLS, figures_asked, ASKED_OUTCOMES,
		"Polls of jobs that have ended.");
	histogram(m, "poll_duration_seconds", TIMED_POLL,
		"From a poll's request to its answer, where there was one.");
	counters(m, "lookups_total", FIGURE_LOOKUPS, figures_asked, ASKED_OUTCOMES,
		"Questions about ids that nobody tracked.");
	begin(m, "poll_rate_limit", "gauge", "The option poll_rate: polls a second.");
	put(m, "", "", "", rate);
	gauge(m, "polls_in_flight", value[FIGURE_POLLS_IN_FLIGHT], "Polls without an answer yet.");
	begin(m, "polls_planned", "gauge",
		"Jobs that are to be polled. Urgent: somebody looks, or a download needs an "
		"address.");
	put_count(m, "", "line", "ordinary", value[FIGURE_POLLS_PLANNED]);
	put_count(m, "", "line", "urgent", value[FIGURE_POLLS_PLANNED_URGENT]);
	gauge_seconds(m, "poll_late_seconds", figures_ago_ms(m->all, value[FIGURE_POLL_DUE_MS]),
		"How late the next poll is.");
	gauge_seconds(m, "polls_held_seconds",
		figures_ahead_ms(m->all, value[FIGURE_HELD_UNTIL_MS]),
		"How long all polls still wait: the provider wants it so, or something is wrong.");
}

static void put_downloads(struct metrics *m)
{
	const int64_t *value = m->all->figures.value;

	counters(m, "downloads_total", FIGURE_DOWNLOADS, figures_download, DOWNLOAD_OUTCOMES,
		"Downloads that have ended.");
	histogram(m, "download_duration_seconds", TIMED_DOWNLOAD,
		"From a job seen done until its video is on disk.");
	counters(m, "download_requests_total", FIGURE_FETCHES, figures_fetched, FETCHED_OUTCOMES,
		"Requests for videos that have ended.");
	begin(m, "downloaded_bytes_total", "counter", "Bytes of videos that came in.");
	put_bytes(m, "", "", value[FIGURE_DOWNLOADED_BYTES], "");
	begin(m, "download_queue", "gauge",
		"Downloads by step. Resting: after a fault, or for room.");
	put_count(m, "", "step", "active", value[FIGURE_DOWNLOADS_ACTIVE]);
	put_count(m, "", "step", "queued", value[FIGURE_DOWNLOADS_QUEUED]);
	put_count(m, "", "step", "resting", figures_resting(m->all));
	gauge(m, "download_turns", m->all->downloads, "The option downloads.");
}

static void put_requests(struct metrics *m)
{
	begin(m, "requests_parked", "gauge",
		"Requests of programs that wait: reads for bytes of a video, changes for the disk "
		"or the provider, listeners for events.");
	put_count(m, "", "what", "read", m->all->jobs.waiters[WAITER_BYTES]);
	put_count(m, "", "what", "change", m->all->jobs.waiters[WAITER_TICKET]);
	put_count(m, "", "what", "event", m->all->jobs.waiters[WAITER_EVENT]);
	counters(m, "parked_reads_total", FIGURE_PARKED, figures_parked, PARKED_OUTCOMES,
		"Reads that have waited for bytes of a video.");
	gauge(m, "letters", m->all->figures.value[FIGURE_LETTERS],
		"Orders to the engine that it has not read yet.");
}

char *view_metrics(const struct view_figures *all, size_t *length)
{
	struct metrics m = { .text = { .plain = true }, .all = all };

	put_program(&m);
	put_troubles(&m);
	put_jobs(&m);
	put_store(&m);
	put_polls(&m);
	put_downloads(&m);
	put_requests(&m);
	return text_end(&m.text, length);
}
