/* SPDX-License-Identifier: MIT */
/*
 * The built-in bodies. They are the vendor's samples with words in the places of what differs from
 * one job to the next: the wrapped shape, then the unwrapped one (b-).
 */
#include "builtin.h"

#include <string.h>

#define WRAPPED(status, reason, data)                                                              \
	"{\n  \"code\": \"success\",\n  \"message\": \"\",\n  \"data\": {\n"                       \
	"    \"task_id\": \"@ID@\",\n    \"action\": \"VIDEO_GENERATION\",\n"                      \
	"    \"status\": \"" status "\",\n    \"fail_reason\": \"" reason "\",\n"                  \
	"    \"submit_time\": @SUBMITTED@,\n    \"start_time\": @STARTED@,\n"                      \
	"    \"finish_time\": @FINISHED@,\n    \"progress\": \"@PROGRESS@%\",\n"                   \
	"    \"data\": " data "\n  }\n}\n"

#define VIDEO                                                                                      \
	"\"model\": \"grok-imagine-video\", \"usage\": {\"cost_in_usd_ticks\": 500000000}, "       \
	"\"video\": {\"url\": \"@VIDEO@\", \"duration\": 4, \"respect_moderation\": true}, "       \
	"\"status\": \"done\""

#define REASON "Prompt cannot be empty. Please provide a prompt."
#define FAILED                                                                                     \
	"\"status\": \"failed\", "                                                                 \
	"\"error\": {\"code\": \"invalid_argument\", \"message\": \"" REASON "\"}"

static const struct builtin builtins[] = {
	{ "queued", WRAPPED("QUEUED", "", "{\"request_id\": \"@ID@\"}"), 0, BODY_SHOWS_NEITHER },
	{ "running",
		WRAPPED("IN_PROGRESS", "",
			"{\"status\": \"pending\", \"progress\": @PROGRESS@, "
			"\"model\": \"grok-imagine-video\"}"),
		42, BODY_SHOWS_START },
	{ "done", WRAPPED("SUCCESS", "@VIDEO@", "{" VIDEO "}"), 100, BODY_SHOWS_FINISH },
	{ "failed", WRAPPED("FAILURE", REASON, "{" FAILED "}"), 100, BODY_SHOWS_FINISH },
	{ "expired", WRAPPED("SUCCESS", "", "{\"status\": \"expired\"}"), 100, BODY_SHOWS_FINISH },
	{ "bare", "{\"request_id\": \"@ID@\"}\n", 0, BODY_SHOWS_NEITHER },
	{ "b-queued",
		"{\"request_id\": \"@ID@\", \"status\": \"queued\", \"progress\": @PROGRESS@, "
		"\"model\": \"grok-imagine-video\"}\n",
		0, BODY_SHOWS_NEITHER },
	{ "b-running",
		"{\"request_id\": \"@ID@\", \"status\": \"processing\", \"progress\": @PROGRESS@, "
		"\"model\": \"grok-imagine-video\"}\n",
		42, BODY_SHOWS_START },
	{ "b-done", "{" VIDEO ", \"progress\": @PROGRESS@}\n", 100, BODY_SHOWS_FINISH },
	{ "b-failed", "{" FAILED "}\n", 100, BODY_SHOWS_FINISH },
	{ "b-expired",
		"{\"request_id\": \"@ID@\", \"status\": \"expired\", "
		"\"model\": \"grok-imagine-video\"}\n",
		100, BODY_SHOWS_FINISH },
};

const char builtin_wrong_key[] =
	"{\n  \"error\": {\n    \"code\": \"\",\n"
	"    \"message\": \"invalid token (request id: 20260312063002123456789AbCdEfGh)\",\n"
	"    \"type\": \"comet_api_error\"\n  }\n}\n";

const char builtin_not_exist[] = "{\n  \"code\": \"task_not_exist\",\n"
				 "  \"message\": \"task_not_exist\",\n  \"data\": null\n}\n";

const struct builtin *builtin_find(const char *name)
{
	for (size_t i = 0; name && i < sizeof(builtins) / sizeof(*builtins); i++)
		if (strcmp(builtins[i].name, name) == 0)
			return &builtins[i];
	return NULL;
}
