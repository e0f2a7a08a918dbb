/* SPDX-License-Identifier: MIT */
/*
 * Probes: an id that nobody tracks was looked up, and the provider is asked once whether it is a
 * job. The kernel lets one look-up of a name through at a time, so each has its own probe.
 */
#include "manners.h"
#include "poll_answer.h"
#include "run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct probe {
	LIST_ENTRY(probe) link;
	uint64_t ticket;
	char id[ID_SIZE];
};

static LIST_HEAD(, probe) probes = LIST_HEAD_INITIALIZER(probes);

static void answer(struct probe *probe, int status)
{
	job_answer(probe->ticket, status);
	LIST_REMOVE(probe, link);
	free(probe);
}

static int errno_of(enum http_error error)
{
	switch (error) {
	case HTTP_TIMEOUT:
		return -ETIMEDOUT;
	case HTTP_RESOLVE:
	case HTTP_CONNECT:
	case HTTP_REFUSED_ADDRESS:
	case HTTP_REFUSED_NAME:
		return -EHOSTUNREACH;
	default:
		return -EIO;
	}
}

/* 0: the provider knows the job. */
static int status_of(const struct http_result *result, const struct report *report)
{
	if (result->error != HTTP_OK)
		return errno_of(result->error);
	switch (report->kind) {
	case REPORT_JOB:
	case REPORT_NO_URL:
		return 0;
	case REPORT_NOT_FOUND:
		return -ENOENT;
	case REPORT_AUTH:
	case REPORT_QUOTA:
		return -EACCES;
	default:
		return -EIO;
	}
}

/* What it says of the key, the base URL or the rate concerns all polls. */
static struct verdict judge(const struct http_result *result, const struct report *report)
{
	const struct verdict_past past = { .doubts = manners_doubts() };
	struct verdict verdict = verdict_of(result->head->status, report, &past);
	manners_judge(NULL, verdict.action, report, result->head, poll_answer_why(result, report));
	return verdict;
}

static void on_probe_done(void *arg, const struct http_result *result)
{
	struct probe *probe = arg;
	struct report report;
	struct job job;

	if (result->error == HTTP_OK) {
		provider_read(engine.options.provider, result->head->status, result->body,
			result->body_length, &report);
		poll_answer_hide_key(&report);
	}
	poll_answer_tally(FIGURE_LOOKUPS, result, result->error == HTTP_OK ? &report : NULL);
	struct verdict verdict = judge(result, result->error == HTTP_OK ? &report : NULL);
	int status = status_of(result, &report);
	if (status != 0) {
		answer(probe, status);
		return;
	}
	job_init(&job, probe->id, clock_wall_ms());
	poll_answer_count(
		&job, result, verdict.action == VERDICT_ACCEPT, poll_answer_why(result, &report));
	(void)poll_answer_apply(&job, &verdict, &report);
	change_create(&job, result->body, result->body_length, probe->ticket);
	LIST_REMOVE(probe, link);
	free(probe);
}

void probe_begin(const char *id, uint64_t ticket)
{
	int refusal = manners_refusal();
	if (refusal != 0) {
		job_answer(ticket, refusal);
		return;
	}
	struct probe *probe = calloc(1, sizeof(*probe));
	if (probe == NULL) {
		job_answer(ticket, -ENOMEM);
		return;
	}
	(void)snprintf(probe->id, sizeof(probe->id), "%s", id);
	probe->ticket = ticket;
	LIST_INSERT_HEAD(&probes, probe, link);
	manners_charge(clock_ms());
	if (poll_ask(id, engine.options.lookup_timeout_ms, false, on_probe_done, probe) == NULL)
		answer(probe, -ENOMEM);
}

void probe_stop(void)
{
	struct probe *probe;
	while ((probe = LIST_FIRST(&probes)) != NULL)
		answer(probe, -EIO);
}
