/* SPDX-License-Identifier: MIT */
/* The document is read with another library than the one that wrote it, which is our own. */
#include "document.h"
#include "fuzz.h"

#include "view.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#define PADDING 33

static void check_bytes(const char *text, size_t length)
{
	assert(strlen(text) == length && length > 0);
	fuzz_check_text(text, length + 1);
	for (const unsigned char *s = (const unsigned char *)text; *s != '\0'; s++) {
		/* Tabs at the end of a line make the size a round one. */
		assert(*s >= ' ' || *s == '\n' || s[strspn((const char *)s, "\t")] == '\n');
		assert(*s != 0x7f && !(s[0] == 0xc2 && s[1] < 0xa0));
	}
	assert(text[length - 1] == '\n');
}

/* A text as it was said; null where nothing was. */
static void check_text(const cJSON *object, const char *key, const char *said)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	assert(item != NULL);
	if (said == NULL || said[0] == '\0')
		assert(cJSON_IsNull(item) ||
			(cJSON_IsString(item) && item->valuestring[0] == '\0'));
	else
		assert(cJSON_IsString(item) && strcmp(item->valuestring, said) == 0);
}

/* A number; null for a negative one. */
static void check_number(const cJSON *object, const char *key, double number)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);

	assert(item != NULL);
	if (number < 0)
		assert(cJSON_IsNull(item));
	else
		assert(cJSON_IsNumber(item) && item->valuedouble == number);
}

static const cJSON *get_object(const cJSON *document, const char *key)
{
	const cJSON *object = cJSON_GetObjectItemCaseSensitive(document, key);

	assert(cJSON_IsObject(object));
	return object;
}

static void check_error(const cJSON *document, const struct job *job)
{
	const cJSON *error = cJSON_GetObjectItemCaseSensitive(document, "error");

	assert(error != NULL && cJSON_IsNull(error) == (job->error == ERROR_NONE));
	if (job->error == ERROR_NONE)
		return;
	check_text(error, "code", view_error(job->error));
	check_text(error, "message", job->error_message);
}

static void check_members(const cJSON *document, const struct job *job, const char *name)
{
	const cJSON *video = get_object(document, "video");
	const cJSON *provider = get_object(document, "provider");
	const cJSON *poll = get_object(document, "poll");

	check_text(document, "request_id", job->id);
	check_text(document, "state", view_job_state(job->state));
	check_text(document, "model", job->model);
	check_number(document, "progress", job->progress);
	check_error(document, job);
	check_text(video, "state", view_video_state(job->video));
	check_text(video, "url", job->url);
	check_number(video, "duration_s", job->duration_s);
	check_text(provider, "name", name);
	check_text(provider, "code", job->code);
	check_text(provider, "message", job->message);
	check_text(provider, "task_status", job->task_status);
	check_text(provider, "status", job->status);
	check_number(poll, "http_status", job->poll_http_status > 0 ? job->poll_http_status : -1);
	check_text(poll, "last_error", job->poll_error);
}

/* Nothing stands behind the document but its line end. */
static void check_json(const char *text, const struct job *job, const char *provider)
{
	const char *end = NULL;
	cJSON *document = cJSON_ParseWithOpts(text, &end, 1);

	assert(cJSON_IsObject(document));
	assert(end[strspn(end, " \n")] == '\0');
	check_members(document, job, provider);
	cJSON_Delete(document);
}

/* Blanks before its last newline change nothing. */
static void check_padded(char *text, size_t length, const struct job *job, const char *provider)
{
	char *longer = realloc(text, length + PADDING + 1);

	assert(longer != NULL);
	view_pad(longer, &length, length + PADDING);
	check_bytes(longer, length);
	check_json(longer, job, provider);
	free(longer);
}

void document_check(const struct job *job, const struct job *copy, const char *provider)
{
	size_t length = 0, length_of_copy = 0;
	char *text = view_status(job, provider, &length);
	char *text_of_copy = view_status(copy, provider, &length_of_copy);

	assert(text != NULL && text_of_copy != NULL && length == length_of_copy);
	assert(memcmp(text, text_of_copy, length + 1) == 0);
	check_padded(text, length, job, provider);
	free(text_of_copy);
}
