/* SPDX-License-Identifier: MIT */
/*
 * provider_read: what the files of the provider module share. Nobody else includes it.
 *
 * The names T, P, g and p of the polling contract are task, inner, gateway_word, inner_word here:
 *
 *   { code, message, data: { task_id, status, ..., data: { status, video, ... } } }
 *                          `------- task ---------------- `----- inner -----'
 *
 * Without an envelope, and where a level is missing, task and inner are the same object.
 */
#ifndef PROVIDER_READ_H
#define PROVIDER_READ_H

#include "provider.h"

#include <cjson/cJSON.h>

/* A status: whether there is one at all, and what it means. */
struct word {
	bool said;
	enum job_state state; /* JOB_UNKNOWN: a word that nobody knows */
};

/* One answer on its way through the steps. What is not there is NULL. */
struct answer {
	int http_status;
	const cJSON *top; /* the body, when it is a JSON object */
	const cJSON *task;
	const cJSON *inner;
	const cJSON *error; /* text or object, when there is something in it */
	bool wrapped; /* code and message are the envelope's */
	bool refused; /* there is a code, and it does not say success */
	bool gateway; /* task is a gateway's task, with words of its own */
	struct word gateway_word;
	struct word inner_word;
};

/* provider_comet.c: the gateway. */
extern const struct provider provider_comet;
void comet_open(struct answer *answer); /* fills it from its top */
bool comet_is_not_found(const struct answer *answer);
bool comet_is_wrong_url(const struct answer *answer);
bool comet_is_bad_setup(const struct answer *answer);
bool comet_is_out_of_quota(const struct answer *answer);
bool comet_copy_reason(const struct answer *answer, char *text, size_t size);
bool comet_copy_url(const struct answer *answer, char url[URL_SIZE]);
void comet_read_task(const struct answer *answer, struct report *report);

/* provider_xai.c: xAI itself, or what a gateway hands through of it. */
extern const struct provider provider_xai;
bool xai_is_moderated(const struct answer *answer);
bool xai_is_wrong_key(const struct answer *answer);
bool xai_is_out_of_credit(const struct answer *answer);
bool xai_copy_url(const struct answer *answer, char url[URL_SIZE]);
void xai_read_video(const struct answer *answer, struct report *report);

/* provider_read.c: the steps, the same for every dialect so far. See provider_read(). */
void answer_read(int http_status, const char *body, size_t length, struct report *report);

/* provider_value.c: values out of JSON, whatever their type turns out to be. */

/* The member of an object; NULL when object is none, or the member is missing or null. */
const cJSON *value_get(const cJSON *object, const char *key);

/* Text or number as text: false, and text untouched, when there is none or it is blank. */
bool value_copy(const cJSON *item, char *text, size_t size);

/* Copies text as valid UTF-8, cut at a character. */
void value_copy_text(const char *from, char *text, size_t size);

/* The address of a video; false when it is anything else, or does not fit. */
bool value_copy_url(const cJSON *item, char url[URL_SIZE]);
bool value_is_url(const char *text);

/* A whole number from 0 to 2^53, also as text; else otherwise. */
int64_t value_count(const cJSON *item, int64_t otherwise);

/* The same with its fraction; else -1. */
double value_seconds(const cJSON *item);

int value_progress(const cJSON *item); /* 0 to 100, -1 */
struct word value_word(const cJSON *item); /* a status */

/* Whether item is a text that has part in it, in any case. */
bool value_mentions(const cJSON *item, const char *part);

/* Whether item is this very word, trimmed and in any case. */
bool value_equals(const cJSON *item, const char *word);

#endif
