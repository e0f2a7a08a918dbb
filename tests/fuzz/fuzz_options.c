/* SPDX-License-Identifier: MIT */
/* The command line: a word a line. What is accepted has to be fit for use. */
#include "fuzz.h"

#include "../../fs/options.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define WORDS 16
#define ROOM ((size_t)2 * URL_SIZE)
#define ID "4b2cd27e-0b0d-3dec-c31c-7572daf74bb3"

/* The key is sent to the origin of the base: the URL of a poll must have the same. */
static void check_base(const struct options *options)
{
	const struct http_limits limits = { .allow_http = options->allow_http,
		.allow_private = options->allow_private };
	char url[ROOM], origin[ROOM], origin_of_poll[ROOM];
	int made = provider_url(options->provider, options->base, ID, url, sizeof(url));
	int of_base = http_origin(options->base, origin, sizeof(origin));
	int of_poll = http_origin(url, origin_of_poll, sizeof(origin_of_poll));

	assert(made == 0 && of_base == 0 && of_poll == 0);
	assert(strcmp(origin, origin_of_poll) == 0);
	assert(http_url_check(options->base, &limits) == HTTP_OK);
	assert(http_url_check(url, &limits) == HTTP_OK);
	assert(options->base[strlen(options->base) - 1] != '/');
}

/* By itself, the dialect is that of the host which the key goes to. */
static void check_provider(const struct options *options)
{
	static const char end[] = ".x.ai";
	char origin[ROOM];
	int r = http_origin(options->base, origin, sizeof(origin));

	assert(r == 0 && options->provider != NULL);
	if (options->provider_name != NULL) {
		assert(strcmp(options->provider->name, options->provider_name) == 0);
		return;
	}
	*strrchr(origin, ':') = '\0';
	size_t length = strlen(origin);
	bool is_xai = length >= strlen(end) && strcmp(origin + length - strlen(end), end) == 0;
	assert(strcmp(options->provider->name, is_xai ? "xai" : "comet") == 0);
}

static void check_paths(const struct options *options)
{
	assert((options->mountpoint == NULL) == options->check && options->store_path[0] == '/');
	assert((options->key_file != NULL) == (options->key_path[0] == '/'));
	assert((options->cafile != NULL) == (options->ca_path[0] == '/'));
}

static void check_numbers(const struct options *options)
{
	struct engine_options engine;

	options_engine(options, &engine);
	assert(engine.interval_ms > 0 && engine.interval_watched_ms > 0);
	assert(engine.timeout_ms > 0 && engine.lookup_timeout_ms > 0);
	assert(engine.poll_rate >= 0 && engine.poll_rate <= 1e6);
	assert(engine.downloads >= 1 && engine.downloads <= 64);
	assert(engine.max_video > 0);
	assert(options->umask <= 0777);
}

/* What is handed on is read by libfuse as it was by us: read again, it stays the same. */
static void check_fuse_options(const struct options *options)
{
	char list[sizeof(options->fuse_options)], why[512];
	char program[] = "cometfs", o[] = "-o", place[] = "/mnt";
	char *const argv[] = { program, place, o, list };
	struct options *again = malloc(sizeof(*again));

	assert(again != NULL);
	assert(options->fuse_options[0] == '\0' || options->fuse_options[0] == ',');
	(void)snprintf(list, sizeof(list), "%s", options->fuse_options);
	int r = options_parse(again, 4, argv, why, sizeof(why));
	assert(r == 0 && strcmp(again->fuse_options, options->fuse_options) == 0);
	free(again);
}

static void check(const struct options *options, int r, const char *why)
{
	if (r != 0) {
		assert(r == -EINVAL && strstr(why, ": ") != NULL);
		return;
	}
	assert(why[0] == '\0');
	if (options->help || options->version)
		return;
	check_base(options);
	check_provider(options);
	check_paths(options);
	check_numbers(options);
	check_fuse_options(options);
}

/* What follows from the environment has to be the same everywhere. */
static void clear_environment(void)
{
	static const char *const names[] = { "COMETAPI_BASE_URL", "XDG_DATA_HOME", "HOME" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unsetenv(names[i]);
	(void)setenv("HOME", "/home/me", 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char program[] = "cometfs", *argv[WORDS + 1] = { program }, why[512] = "";
	struct options *options = malloc(sizeof(*options));
	int argc = 1;

	assert(options != NULL);
	clear_environment();
	while (argc <= WORDS && (argv[argc] = fuzz_next(&data, &size, '\n')) != NULL)
		argc++;
	int r = options_parse(options, argc, argv, why, sizeof(why));
	check(options, r, why);
	for (int i = 1; i < argc; i++)
		free(argv[i]);
	free(options);
	return 0;
}
