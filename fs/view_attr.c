/* SPDX-License-Identifier: MIT */
/* Extended attributes: what a job's directory and its video say beside their bytes. */
#include "view.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Puts the value there, "" where the job has none. */
typedef void put_value(const struct job *job, char value[VIEW_ATTR_SIZE]);

static void put_text(char value[VIEW_ATTR_SIZE], const char *text)
{
	int length = snprintf(value, VIEW_ATTR_SIZE, "%s", text);
	assert(length >= 0 && length < VIEW_ATTR_SIZE);
}

static void put_state(const struct job *job, char value[VIEW_ATTR_SIZE])
{
	put_text(value, view_job_state(job->state));
}

static void put_type(const struct job *job, char value[VIEW_ATTR_SIZE])
{
	(void)job;
	put_text(value, "video/mp4");
}

/* Before the video is whole it is that of its first bytes. */
static void put_sha256(const struct job *job, char value[VIEW_ATTR_SIZE])
{
	put_text(value, job->video == VIDEO_READY ? job->sha256 : "");
}

/* A host and its port: a password that is not written as one may stand there too. */
static bool is_host(const char *host, size_t length)
{
	const char *port = memrchr(host, ':', length);
	bool good = length > 0 && host[0] != ':';

	for (const char *c = host; c < host + length; c++)
		good = good && (isalnum((unsigned char)*c) || strchr("-._:[]", *c) != NULL);
	if (port == NULL || memchr(port, ']', length - (size_t)(port - host)) != NULL)
		return good;
	return good && strspn(port + 1, "0123456789") >= (size_t)(host + length - port - 1);
}

/*
 * The address without what may be a secret: the query, which is the signature as a rule, the
 * fragment, the user's name and password. What cannot be told apart, or is so long that other file
 * systems would not take it, is left out.
 */
static void put_origin(const struct job *job, char value[VIEW_ATTR_SIZE])
{
	size_t scheme = strcspn(job->url, ":");
	const char *rest = job->url + scheme;

	value[0] = '\0';
	if (strncmp(rest, "://", 3) != 0)
		return;
	rest += 3 + strspn(rest + 3, "/\\"); /* curl and browsers take any number of them for two */
	size_t length = strcspn(rest, "?#");
	size_t authority = strcspn(rest, "/?#");
	const char *at = memrchr(rest, '@', authority);
	size_t user = at != NULL ? (size_t)(at + 1 - rest) : 0;
	if (!is_host(rest + user, authority - user) || scheme + 3 + length - user >= VIEW_ATTR_SIZE)
		return;
	(void)snprintf(value, VIEW_ATTR_SIZE, "%.*s://%.*s", (int)scheme, job->url,
		(int)(length - user), rest + user);
}

/* In the order in which they are listed. */
static const struct attr {
	const char *name;
	enum view_attr_of of;
	put_value *put;
} attrs[] = {
	{ "user.cometfs.state", VIEW_ATTR_OF_JOB, put_state },
	{ "user.mime_type", VIEW_ATTR_OF_VIDEO, put_type },
	{ "user.xdg.origin.url", VIEW_ATTR_OF_VIDEO, put_origin },
	{ "user.cometfs.sha256", VIEW_ATTR_OF_VIDEO, put_sha256 },
};

#define ATTRS (sizeof(attrs) / sizeof(attrs[0]))

static bool has_attr(
	const struct attr *attr, enum view_attr_of of, const struct job *job, char *value)
{
	value[0] = '\0';
	if (attr->of == of)
		attr->put(job, value);
	return value[0] != '\0';
}

int view_attr(
	enum view_attr_of of, const struct job *job, const char *name, char value[VIEW_ATTR_SIZE])
{
	for (const struct attr *attr = attrs; attr < attrs + ATTRS; attr++)
		if (strcmp(attr->name, name) == 0 && has_attr(attr, of, job, value))
			return (int)strlen(value);
	return -ENODATA;
}

size_t view_attr_names(enum view_attr_of of, const struct job *job, char names[VIEW_ATTR_SIZE])
{
	char value[VIEW_ATTR_SIZE];
	size_t length = 0;

	for (const struct attr *attr = attrs; attr < attrs + ATTRS; attr++) {
		if (!has_attr(attr, of, job, value))
			continue;
		memcpy(names + length, attr->name, strlen(attr->name) + 1);
		length += strlen(attr->name) + 1;
	}
	return length;
}
