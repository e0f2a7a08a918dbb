/* SPDX-License-Identifier: MIT */
/* URLs: which may be asked for, and whose they are. A line each. */
#include "fuzz.h"

#include "http.h"
#include "view.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM 8192

/* scheme://host:port, as it is compared before a key is sent. */
static void check_origin(const char *origin)
{
	const char *host = strstr(origin, "://");

	assert(strncmp(origin, "https://", 8) == 0 || strncmp(origin, "http://", 7) == 0);
	assert(host != NULL && strpbrk(host + 3, "/@?#\\ \t\r\n") == NULL);
	assert(strpbrk(origin, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == NULL);
	const char *port = strrchr(origin, ':');
	char *end = NULL;
	long number = strtol(port + 1, &end, 10);
	assert(port > host + 3 && *end == '\0' && number >= 0 && number <= 65535);
}

/* The stricter limits refuse more, never less. */
static enum http_error check_limits(const char *url)
{
	const struct http_limits all = { .allow_http = true, .allow_private = true };
	const struct http_limits https = { .allow_private = true };
	const struct http_limits public = { .allow_http = true };
	const struct http_limits both = { .allow_http = false };
	enum http_error error = http_url_check(url, &all);
	enum http_error with_https = http_url_check(url, &https);
	enum http_error with_public = http_url_check(url, &public);
	enum http_error with_both = http_url_check(url, &both);

	assert(error == HTTP_OK || error == HTTP_REFUSED_URL);
	assert(with_https == HTTP_OK || with_https == HTTP_REFUSED_URL);
	assert(error == HTTP_OK || with_https == error);
	assert(error == HTTP_OK || with_public == error);
	assert((with_both == HTTP_OK) == (with_https == HTTP_OK && with_public == HTTP_OK));
	return error;
}

/* A user name would be a key to somebody; and what is before an @ looks like the host. */
static bool has_user(const char *url)
{
	const char *host = strchr(url, ':');

	host = host != NULL ? host + strspn(host, ":/") : url;
	return memchr(host, '@', strcspn(host, "/?#")) != NULL;
}

/* What is told of it in an extended attribute is no secret, and still its own server's. */
static void check_told(const char *url, const char *origin)
{
	static struct job job;
	char told[VIEW_ATTR_SIZE], again[ROOM];
	const char *name = "user.xdg.origin.url";

	if (snprintf(job.url, sizeof(job.url), "%s", url) >= (int)sizeof(job.url))
		return;
	int length = view_attr(VIEW_ATTR_OF_VIDEO, &job, name, told);
	assert(length == -ENODATA || length == (int)strlen(told));
	if (length < 0)
		return;
	assert(strpbrk(told, "?#") == NULL && !has_user(told));
	assert(http_origin(told, again, sizeof(again)) != 0 || strcmp(again, origin) == 0);
}

static void check(const char *url)
{
	char origin[ROOM] = "";
	enum http_error error = check_limits(url);
	int r = http_origin(url, origin, sizeof(origin));
	char tight[ROOM];

	assert(error != HTTP_OK || !has_user(url));
	assert(r == 0 || (r == -EINVAL && error != HTTP_OK) || r == -ENAMETOOLONG);
	if (r == -EINVAL)
		assert(!http_is_loopback(url));
	if (r != 0)
		return;
	check_origin(origin);
	assert(http_origin(url, tight, strlen(origin)) == -ENAMETOOLONG);
	r = http_origin(url, tight, strlen(origin) + 1);
	assert(r == 0 && strcmp(tight, origin) == 0);
	check_told(url, origin);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *url = NULL;

	while ((url = fuzz_next(&data, &size, '\n')) != NULL) {
		check(url);
		free(url);
	}
	return 0;
}
