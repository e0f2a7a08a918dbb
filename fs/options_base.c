/* SPDX-License-Identifier: MIT */
/* What follows from the options and the environment: the base URL, the dialect, the paths. */
#include "options.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

int options_say(char *why, size_t size, const char *what, const char *reason)
{
	/* However long the word is, there is room for what is wrong with it. */
	(void)snprintf(why, size, "%.256s: %s", what, reason);
	return -EINVAL;
}

static void drop_slashes(char *text)
{
	size_t length = strlen(text);
	while (length > 0 && text[length - 1] == '/')
		text[--length] = '\0';
}

/* https://host/v1/ is what other clients want; the Grok route is not below /v1. */
static int clean_base(struct options *options, const char *source, char *why, size_t size)
{
	int length = snprintf(options->base, sizeof(options->base), "%s", source);
	if (length < 0 || (size_t)length >= sizeof(options->base))
		return options_say(why, size, "SOURCE", "the address is too long");
	drop_slashes(options->base);
	size_t end = strlen(options->base);
	bool is_host = end > 5 && strcmp(options->base + end - 5, "://v1") == 0;
	if (end > 3 && strcmp(options->base + end - 3, "/v1") == 0 && !is_host)
		options->base[end - 3] = '\0';
	drop_slashes(options->base);

	/* A password in it is not shown again. */
	const char *what = strchr(source, '@') == NULL ? source : "SOURCE";
	bool local = http_is_loopback(options->base);
	options->allow_http = options->allow_http || local;
	options->allow_private = options->allow_private || local;
	const struct http_limits limits = { .allow_http = true, .allow_private = true };
	if (http_url_check(options->base, &limits) != HTTP_OK ||
		strpbrk(options->base, "?#") != NULL)
		return options_say(why, size, what,
			"no address of a provider, which is like https://api.cometapi.com, without "
			"a user name, ? or #");
	const struct http_limits given = { .allow_http = true,
		.allow_private = options->allow_private };
	if (http_url_check(options->base, &given) != HTTP_OK)
		return options_say(
			why, size, what, "it is a private address, which needs -o allow_private");
	if (strncasecmp(options->base, "http:", 5) == 0 && !options->allow_http)
		return options_say(why, size, what,
			"http: would show the key to others, use https: or -o allow_http");
	return 0;
}

static const char *variable(const char *name)
{
	const char *value = getenv(name);
	return value != NULL && value[strspn(value, " \t\r\n")] != '\0' ? value : NULL;
}

static int find_base(struct options *options, char *why, size_t size)
{
	const char *source = options->source;
	/* What /etc/fstab has where there is nothing to say. */
	if (source != NULL && (strcmp(source, "none") == 0 || strcmp(source, "cometfs") == 0))
		source = NULL;
	if (source == NULL)
		source = variable("COMETAPI_BASE_URL");
	if (source == NULL)
		source =
			options->provider_name != NULL && strcmp(options->provider_name, "xai") == 0
				? "https://api.x.ai"
				: "https://api.cometapi.com";
	return clean_base(options, source, why, size);
}

/* The host is asked of who will connect to it: https:/api.x.ai is good enough for curl. */
static bool is_xai(const char *base)
{
	char origin[URL_SIZE];
	if (http_origin(base, origin, sizeof(origin)) != 0)
		return false;
	*strrchr(origin, ':') = '\0';
	size_t length = strlen(origin);
	return length >= 5 && strcmp(origin + length - 5, ".x.ai") == 0;
}

static int find_provider(struct options *options, char *why, size_t size)
{
	const char *name = options->provider_name;
	if (name == NULL)
		name = is_xai(options->base) ? "xai" : "comet";
	options->provider = provider_find(name);
	return options->provider != NULL
		       ? 0
		       : options_say(why, size, "-o provider", "comet or xai is expected");
}

/* The daemon works in the root directory: a relative path would mean something else there. */
static bool make_absolute(const char *path, char absolute[PATH_MAX])
{
	char here[PATH_MAX] = "";
	if (path[0] != '/' && getcwd(here, sizeof(here)) == NULL)
		return false;
	int length = snprintf(absolute, PATH_MAX, "%s%s%s", here, here[0] != '\0' ? "/" : "", path);
	return length > 0 && length < PATH_MAX;
}

static int find_files(struct options *options, char *why, size_t size)
{
	if (options->key_file != NULL && !make_absolute(options->key_file, options->key_path))
		return options_say(why, size, options->key_file, "the path is too long");
	if (options->cafile != NULL && !make_absolute(options->cafile, options->ca_path))
		return options_say(why, size, options->cafile, "the path is too long");
	if (options->cafile == NULL || access(options->cafile, R_OK) == 0)
		return 0;
	(void)snprintf(why, size, "%.256s: the certificates cannot be read: %s", options->cafile,
		strerror(errno));
	return -EINVAL;
}

/* mount(8) leaves root's $HOME to what it mounts for a user. */
static const char *find_home(void)
{
	static char text[4096];
	const char *home = variable("HOME");
	struct passwd entry, *user = NULL;
	struct stat st;
	if (home != NULL && (stat(home, &st) == 0 ? st.st_uid == geteuid() : errno == ENOENT))
		return home;
	(void)getpwuid_r(geteuid(), &entry, text, sizeof(text), &user);
	return user != NULL && user->pw_dir[0] == '/' ? user->pw_dir : home;
}

static int find_store(struct options *options, char *why, size_t size)
{
	const char *data = variable("XDG_DATA_HOME"), *home;
	int length = -1;
	if (options->store != NULL)
		length = make_absolute(options->store, options->store_path) ? 0 : -1;
	else if (geteuid() == 0)
		length = snprintf(options->store_path, PATH_MAX, "/var/lib/cometfs");
	else if (data != NULL && data[0] == '/')
		length = snprintf(options->store_path, PATH_MAX, "%s/cometfs", data);
	else if ((home = find_home()) != NULL)
		length = snprintf(options->store_path, PATH_MAX, "%s/.local/share/cometfs", home);
	if (length < 0 || length >= PATH_MAX)
		return options_say(why, size, "-o store",
			"no directory is given, and there is no home either");
	return 0;
}

static int find_log(struct options *options, char *why, size_t size)
{
	bool json = strcmp(options->log_form, "json") == 0;
	if (!json && strcmp(options->log_form, "text") != 0)
		return options_say(why, size, "-o log", "text or json is expected");
	if (!log_level_find(options->log_level, &options->level))
		return options_say(
			why, size, "-o log_level", "error, warning, info or debug is expected");
	options->form = json ? LOG_FORM_JSON : LOG_FORM_TEXT;
	if (options->debug)
		options->level = LOG_LEVEL_DEBUG;
	return 0;
}

static int check_rest(struct options *options, char *why, size_t size)
{
	if (options->check && options->mountpoint != NULL)
		return options_say(why, size, "--check", "it takes no mount point");
	if (options->mountpoint == NULL && !options->check)
		return options_say(why, size, "no mount point given", "see cometfs --help");
	if (strcmp(options->track, "mkdir") != 0 && strcmp(options->track, "lookup") != 0)
		return options_say(why, size, "-o track", "mkdir or lookup is expected");
	return 0;
}

int options_complete(struct options *options, char *why, size_t size)
{
	int r = check_rest(options, why, size);
	if (r == 0)
		r = find_log(options, why, size);
	if (r == 0)
		r = find_base(options, why, size);
	if (r == 0)
		r = find_provider(options, why, size);
	if (r == 0)
		r = find_files(options, why, size);
	if (r == 0)
		r = find_store(options, why, size);
	return r;
}

void options_engine(const struct options *options, struct engine_options *out)
{
	memset(out, 0, sizeof(*out));
	out->provider = options->provider;
	out->base = options->base;
	out->interval_ms = (int64_t)(options->interval * 1000);
	out->interval_watched_ms = (int64_t)(options->interval_watched * 1000);
	out->poll_rate = options->poll_rate;
	out->timeout_ms = (int64_t)(options->timeout * 1000);
	out->lookup_timeout_ms = (int64_t)(options->lookup_timeout * 1000);
	out->park_ms = INT64_MAX;
	out->downloads = options->downloads;
	out->max_video = options->max_video;
	out->store_max = options->store_max;
	out->limits.allow_http = options->allow_http;
	out->limits.allow_private = options->allow_private;
	out->limits.cafile = options->cafile != NULL ? options->ca_path : NULL;
}
