/* SPDX-License-Identifier: MIT */
/* Where the key comes from. It is never on a command line, which every user can read. */
#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int say(char *why, size_t size, const char *what, const char *reason, int r)
{
	(void)snprintf(why, size, "%s: %s", what, reason);
	return r;
}

/* Trims in place. A key that could break out of its header line is none. */
static int clean(char *key)
{
	size_t start = strspn(key, " \t\r\n"), length = strlen(key);
	while (length > start && strchr(" \t\r\n", key[length - 1]) != NULL)
		length--;
	length -= start;
	memmove(key, key + start, length);
	key[length] = '\0';
	if (length == 0)
		return -ENODATA;
	for (size_t i = 0; i < length; i++) {
		if (key[i] <= ' ' || key[i] > '~')
			return -EINVAL;
	}
	return 0;
}

static int say_fault(char *why, size_t size, const char *path, int r)
{
	(void)snprintf(why, size, "%s: the key cannot be read: %s", path, strerror(-r));
	return r;
}

static int read_file(const char *path, char key[KEY_SIZE])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -errno;
	size_t length = 0;
	ssize_t n = 1;
	while (n > 0 && length < KEY_SIZE - 1) {
		n = read(fd, key + length, KEY_SIZE - 1 - length);
		length += n > 0 ? (size_t)n : 0;
	}
	int r = n < 0 ? -errno : 0;
	char more;
	if (r == 0 && length == KEY_SIZE - 1 && read(fd, &more, 1) == 1)
		r = -EFBIG;
	if (r == 0 && memchr(key, '\0', length) != NULL)
		r = -EINVAL;
	(void)close(fd);
	key[length] = '\0';
	return r;
}

static int take_file(const char *path, char key[KEY_SIZE], char *why, size_t size)
{
	int r = read_file(path, key);
	if (r != 0)
		return say_fault(why, size, path, r);
	r = clean(key);
	if (r == -ENODATA)
		return say(why, size, path, "there is no key in the file", r);
	return r == 0 ? 0 : say(why, size, path, "a key has no blanks or special characters", r);
}

static int take_variable(const char *name, char key[KEY_SIZE], char *why, size_t size)
{
	const char *value = getenv(name);
	if (value == NULL)
		return -ENODATA;
	if (strlen(value) >= KEY_SIZE)
		return say(why, size, name, "it is too long for a key", -EINVAL);
	(void)snprintf(key, KEY_SIZE, "%s", value);
	int r = clean(key);
	if (r == -EINVAL)
		return say(why, size, name, "a key has no blanks or special characters", r);
	return r;
}

int options_key(const struct options *options, char key[KEY_SIZE], char *why, size_t size)
{
	const char *variable = options->provider->key_variable;
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");

	if (options->key_file != NULL)
		return take_file(options->key_path, key, why, size);
	int r = take_variable(variable, key, why, size);
	if (r != -ENODATA)
		return r;
	if (credentials != NULL) {
		char path[PATH_MAX];
		(void)snprintf(path, sizeof(path), "%s/cometapi-key", credentials);
		if (access(path, F_OK) == 0)
			return take_file(path, key, why, size);
	}
	(void)snprintf(why, size, "no API key: set $%s, or use -o key_file=PATH", variable);
	return -ENODATA;
}
