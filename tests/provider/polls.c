/* SPDX-License-Identifier: MIT */
/* Answers polls: the next step of a job's story. */
#include "body.h"
#include "builtin.h"
#include "reply.h"
#include "routes.h"

#include <stdlib.h>
#include <string.h>

static const char json[] = "application/json";

static bool is_key_right(const struct request *request)
{
	const char *wanted = request->stage->key;
	const char *given = routes_key(request);
	return !wanted || (given && strcmp(given, wanted) == 0);
}

static const char *type_of(const struct step *step)
{
	if (!step->type)
		return step->empty ? NULL : json;
	return strcmp(step->type, "none") == 0 ? NULL : step->type;
}

static enum MHD_Result answer(const struct request *request, const struct turn *turn)
{
	const struct step *step = turn->step;
	struct text text = { 0 };
	if (body_make(request->stage, turn, request->rest, &text))
		return MHD_NO;
	struct reply *reply = reply_new(
		request->stage, request->connection, step, text, NULL, 0, (int64_t)text.length);
	if (!reply)
		return MHD_NO;
	char *location = body_url(request->stage, step->location, request->rest);
	reply_header(reply, MHD_HTTP_HEADER_CONTENT_TYPE, type_of(step));
	reply_header(reply, MHD_HTTP_HEADER_RETRY_AFTER, step->retry_after);
	reply_header(reply, MHD_HTTP_HEADER_LOCATION, location);
	free(location);
	return reply_send(reply, step->status ? (unsigned)step->status : MHD_HTTP_OK);
}

enum MHD_Result polls_answer(const struct request *request)
{
	struct turn turn;
	bool known_key = is_key_right(request);
	const struct section *section = script_job(&request->stage->script, request->rest);
	const struct asked asked = { .kind = SECTION_JOB,
		.name = request->rest,
		.path = request->path,
		.auth = routes_key(request) };
	if (section && section->unknown)
		section = NULL;
	stage_enter(request->stage, &asked, known_key ? section : NULL, &turn);
	if (strcmp(request->method, MHD_HTTP_METHOD_GET) != 0)
		return reply_plain(request->connection, MHD_HTTP_METHOD_NOT_ALLOWED, json, "{}\n");
	if (!known_key)
		return reply_plain(
			request->connection, MHD_HTTP_UNAUTHORIZED, json, builtin_wrong_key);
	if (!turn.step)
		return reply_plain(
			request->connection, MHD_HTTP_BAD_REQUEST, json, builtin_not_exist);
	return routes_hold(request, turn.step) ? MHD_NO : answer(request, &turn);
}
