/* SPDX-License-Identifier: MIT */
/*
 * The dialect of CometAPI, a gateway in the manner of new-api: its envelope, its task, the words
 * of its errors. It answers in two shapes, wrapped and not, and may change while a job runs.
 */
#include "provider_read.h"

#include <string.h>
#include <strings.h>

/* 9999-12-31T23:59:59Z. Above it are the milliseconds of others (92_kling_native_processing). */
#define TIME_MAX INT64_C(253402300799)

const struct provider provider_comet = {
	.name = "comet",
	.key_variable = "COMETAPI_KEY",
	.path = "/grok/v1/videos/",
	.read = answer_read,
};

/* success in 05_wrapped_success_sample_a, the number 0 in 92_kling_native_processing, or 200. */
static bool is_success(const cJSON *code)
{
	return value_equals(code, "success") || value_equals(code, "0") ||
	       value_equals(code, "200");
}

/*
 * The envelope has a code and data; data is null in 20_wrapped_data_null. Some gateways send the
 * task without an envelope: its own data is the provider's (own_bare_gateway_task).
 */
static void open_envelope(struct answer *answer)
{
	const cJSON *top = answer->top;
	const cJSON *code = value_get(top, "code");
	const cJSON *data = cJSON_GetObjectItemCaseSensitive(top, "data");
	char text[WORD_SIZE];
	bool coded = value_copy(code, text, sizeof(text));
	bool is_task =
		!coded && value_get(top, "task_id") != NULL && value_get(top, "status") != NULL;
	bool enveloped = !is_task && data != NULL && (coded || !cJSON_IsNull(data));

	answer->refused = coded && !is_success(code);
	answer->wrapped = enveloped || (coded && value_get(top, "message") != NULL);
	answer->task = enveloped ? data : top;
	/* In an envelope, a task without a status is still one: its status is null. */
	answer->gateway = value_get(answer->task, "task_id") != NULL &&
			  (enveloped || value_get(answer->task, "status") != NULL);
}

/* "", {} and { "code": "", "message": "" } are what gateways make of no error. */
static const cJSON *get_error(const cJSON *object)
{
	const cJSON *error = value_get(object, "error");
	const cJSON *item = NULL;
	char text[WORD_SIZE];

	if (value_copy(error, text, sizeof(text)))
		return error;
	if (!cJSON_IsObject(error))
		return NULL;
	cJSON_ArrayForEach (item, error)
		if (!cJSON_IsNull(item) &&
			(!cJSON_IsString(item) || value_copy(item, text, sizeof(text))))
			return error;
	return NULL;
}

void comet_open(struct answer *answer)
{
	open_envelope(answer);
	const cJSON *nested = value_get(answer->task, "data");

	/* There is no nested object in 01_wrapped_not_start and 08_wrapped_success_no_url. */
	answer->inner = answer->gateway && cJSON_IsObject(nested) ? nested : answer->task;
	if (answer->gateway)
		answer->gateway_word = value_word(value_get(answer->task, "status"));
	if (!answer->gateway || answer->inner != answer->task)
		answer->inner_word = value_word(value_get(answer->inner, "status"));
	answer->error = get_error(answer->inner);
	if (answer->error == NULL)
		answer->error = get_error(answer->task);
	if (answer->error == NULL)
		answer->error = get_error(answer->top);
}

static bool has_code(const struct answer *answer, const char *code)
{
	return value_equals(value_get(answer->top, "code"), code) ||
	       value_equals(value_get(answer->error, "code"), code);
}

/* HTTP 400 in 71_error_400_task_not_exist, 200 in 18_wrapped_code_error_http200. */
bool comet_is_not_found(const struct answer *answer)
{
	return has_code(answer, "task_not_exist");
}

/* It is the route that is not there, not the job: 72_error_404_invalid_url. */
bool comet_is_wrong_url(const struct answer *answer)
{
	const cJSON *message = value_get(answer->error, "message");

	return cJSON_IsString(message) && strncasecmp(message->valuestring, "Invalid URL", 11) == 0;
}

/* A malformed request in the disguise of a fault: own_error_500_invalid_request. */
bool comet_is_bad_setup(const struct answer *answer)
{
	return has_code(answer, "invalid_request");
}

/* 73_error_403_quota; older gateways say 401, and tell it by their message only. */
bool comet_is_out_of_quota(const struct answer *answer)
{
	return has_code(answer, "insufficient_user_quota") ||
	       has_code(answer, "insufficient_quota");
}

/*
 * fail_reason is a URL in 05_wrapped_success_sample_a, and may be one on a failure too
 * (own_wrapped_failure_url_in_fail_reason): never a text for people.
 */
bool comet_copy_reason(const struct answer *answer, char *text, size_t size)
{
	const cJSON *reason = value_get(answer->task, "fail_reason");

	if (cJSON_IsString(reason) && value_is_url(reason->valuestring))
		return false;
	return value_copy(reason, text, size);
}

/* result_url is the newer place (06_wrapped_success_result_url_newer_gateway). */
bool comet_copy_url(const struct answer *answer, char url[URL_SIZE])
{
	return value_copy_url(value_get(answer->task, "result_url"), url) ||
	       value_copy_url(value_get(answer->task, "video_url"), url) ||
	       (answer->gateway && answer->gateway_word.state == JOB_DONE &&
		       value_copy_url(value_get(answer->task, "fail_reason"), url));
}

/* Unix seconds; 0 is "not known" (start_time in 05_wrapped_success_sample_a). */
static int64_t read_time(const cJSON *item)
{
	int64_t seconds = value_count(item, 0);

	return seconds <= TIME_MAX ? seconds : 0;
}

/* The envelope's; without one, the error's. */
static void read_code(const struct answer *answer, struct report *report)
{
	const cJSON *top = answer->top;
	const cJSON *error = answer->error;
	char *message = report->message;
	size_t size = sizeof(report->message);

	report->wrapped = answer->wrapped;
	if (!value_copy(value_get(top, "code"), report->code, sizeof(report->code)) &&
		!answer->wrapped)
		value_copy(value_get(error, "code"), report->code, sizeof(report->code));
	bool said = !answer->wrapped && (value_copy(value_get(error, "message"), message, size) ||
						value_copy(error, message, size));
	if (!said)
		value_copy(value_get(top, "message"), message, size);
}

void comet_read_task(const struct answer *answer, struct report *report)
{
	const cJSON *task = answer->task;

	read_code(answer, report);
	if (answer->gateway) {
		value_copy(value_get(task, "task_id"), report->task_id, sizeof(report->task_id));
		value_copy(value_get(task, "status"), report->task_status,
			sizeof(report->task_status));
	} else if (!answer->wrapped) {
		value_copy(value_get(task, "request_id"), report->request_id,
			sizeof(report->request_id));
	}
	report->submitted_at = read_time(value_get(task, "submit_time"));
	report->started_at = read_time(value_get(task, "start_time"));
	report->finished_at = read_time(value_get(task, "finish_time"));
	report->progress = value_progress(value_get(task, "progress"));
	if (report->progress < 0)
		report->progress = value_progress(value_get(answer->inner, "progress"));
}
