/* SPDX-License-Identifier: MIT */
/*
 * The dialect of xAI: what it says of a video, and the words of its errors. A gateway hands
 * both through, so they are read for every dialect.
 */
#include "provider_read.h"

const struct provider provider_xai = {
	.name = "xai",
	.key_variable = "XAI_API_KEY",
	.path = "/v1/videos/",
	.read = answer_read,
};

/* Whether the answer's error has part in its code or its message. */
static bool error_mentions(const struct answer *answer, const char *part)
{
	const cJSON *const texts[] = {
		value_get(answer->top, "code"), value_get(answer->top, "message"),
		answer->error, /* a text: 57_xai_400_moderation_on_poll */
		value_get(answer->error, "code"), /* an object: 53_xai_failed_full */
		value_get(answer->error, "message"),
		value_get(answer->task, "fail_reason"), /* 09_wrapped_failure */
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (value_mentions(texts[i], part))
			return true;
	return false;
}

/*
 * The verdict may be an HTTP 400 on the poll (57_xai_400_moderation_on_poll), or stand in the
 * message of another code (own_unwrapped_failed_moderation_in_message).
 */
bool xai_is_moderated(const struct answer *answer)
{
	return error_mentions(answer, "content moderation") ||
	       error_mentions(answer, "content-moderat") ||
	       error_mentions(answer, "content_moderat");
}

/* A wrong key is an HTTP 400 with the code of any other (own_xai_400_wrong_key). */
bool xai_is_wrong_key(const struct answer *answer)
{
	return error_mentions(answer, "incorrect api key") ||
	       error_mentions(answer, "invalid api key") ||
	       error_mentions(answer, "invalid_api_key");
}

/* Seconds do not heal this one (own_xai_429_out_of_credits), unlike 62_xai_429_rate. */
bool xai_is_out_of_credit(const struct answer *answer)
{
	return error_mentions(answer, "credits") || error_mentions(answer, "spending limit");
}

/* The first of the places where clients have met the address. */
bool xai_copy_url(const struct answer *answer, char url[URL_SIZE])
{
	const cJSON *inner = answer->inner;
	const cJSON *const places[] = {
		value_get(value_get(inner, "video"), "url"), /* 52_xai_done */
		value_get(inner, "url"), value_get(inner, "video_url"), /* 95_videos_v1_completed */
		value_get(value_get(inner, "content"), "video_url"), /* 96_volc_succeeded */
		value_get(value_get(inner, "metadata"), "url"), /* 44_unwrapped_completed_... */
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (value_copy_url(places[i], url))
			return true;
	return false;
}

static const cJSON *get_either(const struct answer *answer, const char *key)
{
	const cJSON *item = value_get(answer->inner, key);

	return item != NULL ? item : value_get(answer->task, key);
}

/* All but the URL, which is one only when the job is done. */
void xai_read_video(const struct answer *answer, struct report *report)
{
	const cJSON *video = get_either(answer, "video");
	const cJSON *respect = value_get(video, "respect_moderation");

	/* The model may be "" (53_xai_failed_full). */
	if (!value_copy(value_get(answer->inner, "model"), report->model, sizeof(report->model)))
		value_copy(value_get(answer->task, "model"), report->model, sizeof(report->model));
	report->cost_ticks =
		value_count(value_get(get_either(answer, "usage"), "cost_in_usd_ticks"), -1);
	report->duration_s = value_seconds(value_get(video, "duration"));
	if (cJSON_IsBool(respect))
		report->respect_moderation = cJSON_IsTrue(respect) ? 1 : 0;
	if (!answer->gateway || answer->inner != answer->task)
		value_copy(
			value_get(answer->inner, "status"), report->status, sizeof(report->status));
}
