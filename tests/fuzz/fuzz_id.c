/* SPDX-License-Identifier: MIT */
/* Request ids: which texts are one, their URLs, and the way through the mount's names. */
#include "fuzz.h"

#include "provider.h"
#include "tree.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BASE "https://h.example/a"
#define SERIAL 7
#define ROOM ((size_t)1024)

static bool is_id(const char *text)
{
	size_t length = 0;

	for (; text[length] != '\0'; length++)
		if (!isalnum((unsigned char)text[length]) && strchr("._:-", text[length]) == NULL)
			return false;
	return length >= 1 && length <= 191 && text[0] != '.';
}

static bool is_uuid(const char *text)
{
	for (size_t i = 0; i < 36; i++) {
		bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
		if (is_dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
			return false;
	}
	return text[36] == '\0';
}

/* A UUID by its shape, or task_ and letters and digits. */
static bool is_askable(const char *text)
{
	size_t length = strlen(text);

	if (is_uuid(text))
		return true;
	if (length < 6 || length > 191 || memcmp(text, "task_", 5) != 0)
		return false;
	for (size_t i = 5; i < length; i++)
		if (!isalnum((unsigned char)text[i]))
			return false;
	return true;
}

/* Steps over one character of a percent-encoded text. */
static char decode(const char **at)
{
	char pair[3] = "";

	if (**at != '%') {
		assert(isalnum((unsigned char)**at) || strchr("._-", **at) != NULL);
		return *(*at)++;
	}
	memcpy(pair, *at + 1, 2);
	assert(isxdigit((unsigned char)pair[0]) && isxdigit((unsigned char)pair[1]));
	*at += 3;
	return (char)strtol(pair, NULL, 16);
}

/* The URL has the id and nothing that means something in a URL; it needs just its own room. */
static void check_url(const char *dialect, const char *id)
{
	const struct provider *provider = provider_find(dialect);
	char url[ROOM], tight[ROOM] = "";

	assert(provider != NULL);
	int r = provider_url(provider, BASE, id, url, sizeof(url));
	assert(r == 0);
	size_t length = strlen(url), before = strlen(BASE) + strlen(provider->path);
	assert(strncmp(url, BASE, strlen(BASE)) == 0);
	assert(strncmp(url + strlen(BASE), provider->path, strlen(provider->path)) == 0);
	const char *at = url + before;
	for (const char *c = id; *c != '\0'; c++) {
		char decoded = decode(&at);
		assert(decoded == *c);
	}
	assert(*at == '\0');
	assert(provider_url(provider, BASE, id, tight, length) == -ENAMETOOLONG);
	assert(tight[0] == '\0');
	assert(provider_url(provider, BASE, id, tight, length + 1) == 0);
	assert(strcmp(url, tight) == 0);
}

/* A job of that id is found by it, and listed under it. */
static void check_names(const char *id)
{
	struct tree_entry entry;
	struct job job;
	uint64_t inode = 0;

	job_init(&job, id, 0);
	job.serial = SERIAL;
	int put = job_put(&job), found = tree_lookup(TREE_JOBS, id, &inode);
	assert(put == 0 && found == 0 && inode == tree_inode(SERIAL, TREE_JOB_DIR));
	int listed = tree_list(TREE_JOBS, 0, &entry);
	while (listed > 0 && entry.inode != inode)
		listed = tree_list(TREE_JOBS, entry.next, &entry);
	assert(listed == 1 && strcmp(entry.name, id) == 0);
	job_remove(SERIAL);
}

/* Of a name that nobody tracks nothing is found. */
static void check_no_job(const char *name)
{
	uint64_t inode = 0;
	int r = tree_lookup(TREE_JOBS, name, &inode);
	bool is_dots = strcmp(name, ".") == 0 || strcmp(name, "..") == 0;

	assert(is_dots ? r == 0 : r == (strlen(name) > 255 ? -ENAMETOOLONG : -ENOENT));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = NULL;

	fuzz_job_table();
	while ((text = fuzz_next(&data, &size, '\n')) != NULL) {
		bool valid = provider_id_valid(text);
		assert(valid == is_id(text));
		assert(provider_id_askable(text) == is_askable(text));
		check_no_job(text);
		if (valid) {
			check_url("comet", text);
			check_url("xai", text);
			check_names(text);
		}
		free(text);
	}
	return 0;
}
