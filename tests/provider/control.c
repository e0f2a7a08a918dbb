/* SPDX-License-Identifier: MIT */
/* What tests steer the provider with, and what routes share. */
#include "reply.h"
#include "routes.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char plain[] = "text/plain";

enum MHD_Result control_event(const struct request *request)
{
	if (strcmp(request->method, MHD_HTTP_METHOD_POST) != 0)
		return reply_plain(
			request->connection, MHD_HTTP_METHOD_NOT_ALLOWED, plain, "POST it\n");
	if (stage_raise(request->stage, request->rest))
		return reply_plain(request->connection, MHD_HTTP_NOT_FOUND, plain,
			"no step of the script awaits this event\n");
	return reply_plain(request->connection, MHD_HTTP_OK, plain, "raised\n");
}

enum MHD_Result control_count(const struct request *request)
{
	char text[24];
	const char *name = strchr(request->rest, '/');
	const char *wait =
		MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, "wait");
	enum section_kind kind = *request->rest == 'p' ? SECTION_JOB : SECTION_VIDEO;
	if (!name)
		return reply_plain(
			request->connection, MHD_HTTP_NOT_FOUND, plain, "poll/ID or video/NAME\n");
	uint64_t count =
		stage_count(request->stage, kind, name + 1, wait ? strtoull(wait, NULL, 10) : 0);
	(void)snprintf(text, sizeof(text), "%" PRIu64 "\n", count);
	return reply_plain(request->connection, MHD_HTTP_OK, plain, text);
}

const char *routes_header(const struct request *request, const char *name)
{
	return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

const char *routes_key(const struct request *request)
{
	static const char bearer[] = "Bearer ";
	const char *value = routes_header(request, MHD_HTTP_HEADER_AUTHORIZATION);
	if (!value)
		return NULL;
	return strncasecmp(value, bearer, strlen(bearer)) == 0 ? value + strlen(bearer) : value;
}

int routes_hold(const struct request *request, const struct step *step)
{
	if (step->hang && stage_await(request->stage, request->connection, step->until))
		return -ECANCELED;
	return step->drop ? -ECANCELED : 0;
}
