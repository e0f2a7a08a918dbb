/* SPDX-License-Identifier: MIT */
/* cometctl ls: which jobs, in which order, and in which form. */
#include "ctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct listing {
	const struct ctl *ctl;
	struct ctl_job *jobs;
	size_t count;
	bool failed;
};

/* ---- order ---------------------------------------------------------------------------------------- */

static int compare(double a, double b)
{
	return (a > b) - (a < b);
}

static int by_id(const struct ctl_job *a, const struct ctl_job *b)
{
	return strcmp(a->id, b->id);
}

static int by_state(const struct ctl_job *a, const struct ctl_job *b)
{
	return compare(a->state, b->state);
}

/* The larger, and the younger, come first; what is known comes before what is not. */
static int by_progress(const struct ctl_job *a, const struct ctl_job *b)
{
	return compare(b->progress, a->progress);
}

static int by_age(const struct ctl_job *a, const struct ctl_job *b)
{
	return compare((double)b->submitted_at, (double)a->submitted_at);
}

static int by_video(const struct ctl_job *a, const struct ctl_job *b)
{
	return compare(a->video, b->video);
}

static int by_size(const struct ctl_job *a, const struct ctl_job *b)
{
	return compare((double)b->size, (double)a->size);
}

static int by_cost(const struct ctl_job *a, const struct ctl_job *b)
{
	return compare(b->cost_usd, a->cost_usd);
}

struct order {
	const char *key;
	int (*compare)(const struct ctl_job *a, const struct ctl_job *b);
	bool reverse;
};

static const struct order orders[] = { { "age", by_age, false }, { "id", by_id, false },
	{ "state", by_state, false }, { "progress", by_progress, false },
	{ "video", by_video, false }, { "size", by_size, false }, { "cost", by_cost, false } };

/* Of what is equal the younger comes first, then the id decides: the order is always the same. */
static int in_order(const void *a, const void *b, void *arg)
{
	const struct order *order = arg;
	int r = order->compare(a, b);
	if (order->reverse)
		r = -r;
	if (r == 0)
		r = by_age(a, b);
	return r != 0 ? r : by_id(a, b);
}

static void sort(const struct ctl *ctl, struct ctl_job *jobs, size_t count)
{
	struct order order = orders[0];
	for (size_t i = 0; ctl->sort != NULL && i < sizeof(orders) / sizeof(orders[0]); i++)
		if (strcmp(orders[i].key, ctl->sort) == 0)
			order = orders[i];
	order.reverse = ctl->reverse;
	if (count > 0)
		qsort_r(jobs, count, sizeof(*jobs), in_order, &order);
}

/* ---- reading -------------------------------------------------------------------------------------- */

static bool is_meant(const struct ctl *ctl, const struct ctl_job *job)
{
	return ctl->state == NULL || strcmp(ctl->state, ctl_job_state(job->state)) == 0;
}

/* What is forgotten while we list is not there; what was asked for by its id has to be. */
static int read_job(struct listing *listing, const char *id, bool asked_for)
{
	static char document[CTL_DOCUMENT_SIZE];
	struct ctl_job *job = &listing->jobs[listing->count];
	int r = ctl_job_get(listing->ctl, id, job, document);
	if ((r == 0 && !is_meant(listing->ctl, job)) || (r == -ENOENT && !asked_for))
		return 0;
	if (r == 0 && listing->ctl->json && (job->document = strdup(document)) == NULL)
		r = -ENOMEM;
	if (r == 0) {
		listing->count++;
		return 0;
	}
	listing->failed = true;
	ctl_say_error(listing->ctl, id, -r);
	return ctl_mount_is_gone(-r) || r == -ENOMEM ? r : 0;
}

static int read_jobs(struct listing *listing, char *const *ids, size_t count, bool asked_for)
{
	int r = 0;
	listing->jobs = calloc(count + 1, sizeof(*listing->jobs));
	if (listing->jobs == NULL) {
		ctl_say("ls", "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	for (size_t i = 0; r == 0 && i < count; i++)
		r = read_job(listing, ids[i], asked_for);
	return r;
}

/* ---- printing ------------------------------------------------------------------------------------- */

/* As they are: what is exact there stays exact. */
static void print_documents(const struct listing *listing)
{
	(void)printf("[");
	for (size_t i = 0; i < listing->count; i++) {
		const char *document = listing->jobs[i].document;
		size_t length = strlen(document);
		if (length > 0 && document[length - 1] == '\n')
			length--;
		(void)printf("%s%.*s", i > 0 ? ",\n" : "\n", (int)length, document);
	}
	(void)printf("%s]\n", listing->count > 0 ? "\n" : "");
}

static void print(const struct ctl *ctl, const struct listing *listing)
{
	if (ctl->json)
		print_documents(listing);
	else if (!ctl->ids)
		ctl_jobs_print(listing->jobs, listing->count);
	for (size_t i = 0; ctl->ids && i < listing->count; i++)
		(void)printf("%s\n", listing->jobs[i].id);
}

/* Names alone need no document: a completion asks for those of thousands. */
static bool needs_names_only(const struct ctl *ctl)
{
	return ctl->ids && ctl->count == 0 && ctl->state == NULL && ctl->sort != NULL &&
	       strcmp(ctl->sort, "id") == 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void print_names(const struct ctl *ctl, char **ids, size_t count)
{
	if (count > 0)
		qsort(ids, count, sizeof(*ids), by_name);
	for (size_t i = 0; i < count; i++)
		(void)printf("%s\n", ids[ctl->reverse ? count - 1 - i : i]);
}

static int list(const struct ctl *ctl, char *const *ids, size_t count, bool asked_for)
{
	struct listing listing = { .ctl = ctl };
	int r = read_jobs(&listing, ids, count, asked_for);
	if (r == 0) {
		sort(ctl, listing.jobs, listing.count);
		print(ctl, &listing);
	}
	for (size_t i = 0; i < listing.count; i++)
		free(listing.jobs[i].document);
	free(listing.jobs);
	return r != 0 || listing.failed ? CTL_FAILED : CTL_OK;
}

int ctl_ls(struct ctl *ctl)
{
	char **ids = NULL;
	int status = CTL_OK;
	ctl->ids = ctl->ids && !ctl->json;
	if (ctl->count > 0)
		return list(ctl, ctl->args, (size_t)ctl->count, true);
	ssize_t count = ctl_job_list(ctl, &ids);
	if (count < 0) {
		ctl_say_error(ctl, NAME_JOBS, (int)-count);
		return CTL_FAILED;
	}
	if (needs_names_only(ctl))
		print_names(ctl, ids, (size_t)count);
	else
		status = list(ctl, ids, (size_t)count, false);
	ctl_job_list_free(ids, count);
	return status;
}
