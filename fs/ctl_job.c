/* SPDX-License-Identifier: MIT */
/* A job as its status.json has it. */
#include "ctl.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *const states[] = {
	[JOB_UNKNOWN] = "unknown",
	[JOB_QUEUED] = "queued",
	[JOB_RUNNING] = "running",
	[JOB_DONE] = "done",
	[JOB_FAILED] = "failed",
	[JOB_EXPIRED] = "expired",
};

static const char *const videos[] = {
	[VIDEO_NONE] = "none",
	[VIDEO_FETCHING] = "fetching",
	[VIDEO_READY] = "ready",
	[VIDEO_LOST] = "lost",
	[VIDEO_REMOVED] = "removed",
};

const char *ctl_job_state(enum job_state state)
{
	return states[state];
}

const char *ctl_video_state(enum video_state state)
{
	return videos[state];
}

/* ---- parsing -------------------------------------------------------------------------------------- */

static const cJSON *member(const cJSON *object, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(object, key);
}

static void read_text(const cJSON *object, const char *key, char *to, size_t size)
{
	const char *text = cJSON_GetStringValue(member(object, key));
	(void)snprintf(to, size, "%s", text != NULL ? text : "");
}

static double read_number(const cJSON *object, const char *key)
{
	const cJSON *number = member(object, key);
	return cJSON_IsNumber(number) ? number->valuedouble : -1;
}

static int64_t read_time(const cJSON *object, const char *key)
{
	const char *text = cJSON_GetStringValue(member(object, key));
	struct tm tm = { 0 };
	if (text == NULL || strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm) == NULL)
		return 0;
	return (int64_t)timegm(&tm);
}

static void read_error(const cJSON *object, struct ctl_error *error)
{
	const cJSON *value = member(object, "error");
	read_text(value, "code", error->code, sizeof(error->code));
	read_text(value, "message", error->message, sizeof(error->message));
}

/* The word's place in the list; -1 for one that is not there. */
static int read_word(const cJSON *object, const char *key, const char *const *words, size_t count)
{
	const char *text = cJSON_GetStringValue(member(object, key));
	for (size_t i = 0; text != NULL && i < count; i++)
		if (strcmp(text, words[i]) == 0)
			return (int)i;
	return -1;
}

static int read_job(const cJSON *json, struct ctl_job *job)
{
	const cJSON *video = member(json, "video");
	int state = read_word(json, "state", states, JOB_STATES);
	int video_state = read_word(video, "state", videos, VIDEO_STATES);
	if (state < 0 || video_state < 0)
		return -EBADMSG;
	memset(job, 0, sizeof(*job));
	job->state = (enum job_state)state;
	job->video = (enum video_state)video_state;
	read_text(json, "request_id", job->id, sizeof(job->id));
	job->progress = (int)read_number(json, "progress");
	job->submitted_at = read_time(json, "submitted_at");
	job->finished_at = read_time(json, "finished_at");
	job->cost_usd = read_number(json, "cost_usd");
	job->size = (int64_t)read_number(video, "size");
	job->bytes = (int64_t)read_number(video, "bytes");
	read_error(json, &job->error);
	read_error(video, &job->video_error);
	read_text(member(json, "poll"), "last_error", job->poll_error, sizeof(job->poll_error));
	return ctl_id_is_good(job->id) ? 0 : -EBADMSG;
}

int ctl_job_parse(const char *document, struct ctl_job *job)
{
	cJSON *json = cJSON_Parse(document);
	int r = read_job(json, job);
	cJSON_Delete(json);
	return r;
}

/* ---- reading -------------------------------------------------------------------------------------- */

int ctl_document_read(int fd, char document[CTL_DOCUMENT_SIZE])
{
	size_t length = 0;
	ssize_t got;
	do {
		got = pread(fd, document + length, CTL_DOCUMENT_SIZE - 1 - length, (off_t)length);
		if (got < 0 && errno != EINTR)
			return -errno;
		length += got > 0 ? (size_t)got : 0;
	} while (got != 0 && length < CTL_DOCUMENT_SIZE - 1);
	document[length] = '\0';
	return 0;
}

int ctl_job_open(const struct ctl *ctl, const char *id)
{
	char path[ID_SIZE + sizeof(NAME_STATUS) + 1];
	(void)snprintf(path, sizeof(path), "%s/%s", id, NAME_STATUS);
	return openat(ctl->jobs, path, O_RDONLY | O_CLOEXEC);
}

/* Nobody said when it was submitted: when it was tracked is the next best. */
static void find_age(const struct ctl *ctl, struct ctl_job *job)
{
	struct stat st;
	if (job->submitted_at == 0 && fstatat(ctl->jobs, job->id, &st, AT_SYMLINK_NOFOLLOW) == 0)
		job->submitted_at = st.st_mtim.tv_sec;
}

int ctl_job_get(const struct ctl *ctl, const char *id, struct ctl_job *job, char *document)
{
	static char own[CTL_DOCUMENT_SIZE];
	char *text = document != NULL ? document : own;
	int fd = ctl_job_open(ctl, id);
	if (fd < 0)
		return -errno;
	int r = ctl_document_read(fd, text);
	(void)close(fd);
	if (r == 0)
		r = ctl_job_parse(text, job);
	if (r == 0)
		find_age(ctl, job);
	return r;
}

int ctl_job_track(const struct ctl *ctl, const char *id)
{
	int r;
	do
		r = mkdirat(ctl->jobs, id, 0755) == 0 ? 0 : -errno;
	while (r == -EINTR && ctl_signal_ending() == 0);
	return r == -EEXIST ? 1 : r;
}
