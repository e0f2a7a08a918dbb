/* SPDX-License-Identifier: MIT */
/*
 * The table of dialects, request ids, and the URL of a poll. How an answer is read is in
 * provider_read.c; what belongs to one dialect is in provider_comet.c and provider_xai.c.
 */
#include "provider_read.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define DIGITS "0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define TASK_PREFIX "task_"

static const struct provider *const providers[] = { &provider_comet, &provider_xai };

const struct provider *provider_find(const char *name)
{
	for (size_t i = 0; i < sizeof(providers) / sizeof(providers[0]); i++)
		if (strcmp(providers[i]->name, name) == 0)
			return providers[i];
	return NULL;
}

bool provider_id_valid(const char *text)
{
	size_t length = strspn(text, DIGITS LETTERS "._:-");

	return length > 0 && length < ID_SIZE && text[length] == '\0' && text[0] != '.';
}

static bool is_uuid(const char *text)
{
	static const char shape[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	if (strlen(text) != strlen(shape))
		return false;
	for (size_t i = 0; text[i] != '\0'; i++)
		if (strchr(shape[i] == '-' ? "-" : DIGITS "abcdefABCDEF", text[i]) == NULL)
			return false;
	return true;
}

bool provider_id_askable(const char *text)
{
	size_t prefix = strlen(TASK_PREFIX);

	if (!provider_id_valid(text))
		return false;
	if (is_uuid(text))
		return true;
	return strncmp(text, TASK_PREFIX, prefix) == 0 && text[prefix] != '\0' &&
	       text[prefix + strspn(text + prefix, DIGITS LETTERS)] == '\0';
}

/* Of what an id may have, only the colon is not a plain character of a path everywhere. */
static void encode_id(const char *id, char encoded[3 * ID_SIZE])
{
	for (; *id != '\0'; id++) {
		if (*id != ':') {
			*encoded++ = *id;
			continue;
		}
		memcpy(encoded, "%3A", 3);
		encoded += 3;
	}
	*encoded = '\0';
}

int provider_url(
	const struct provider *provider, const char *base, const char *id, char *url, size_t size)
{
	char encoded[3 * ID_SIZE];

	assert(provider_id_valid(id));
	encode_id(id, encoded);
	int length = snprintf(NULL, 0, "%s%s%s", base, provider->path, encoded);
	if (length < 0 || (size_t)length >= size)
		return -ENAMETOOLONG;
	(void)snprintf(url, size, "%s%s%s", base, provider->path, encoded);
	return 0;
}

void provider_read(const struct provider *provider, int http_status, const char *body,
	size_t length, struct report *report)
{
	provider->read(http_status, body, length, report);
}
