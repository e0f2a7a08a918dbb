/* SPDX-License-Identifier: MIT */
/* The provider's command line, its start and its end. */
#include "body.h"
#include "made.h"
#include "options.h"
#include "server.h"

#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
	"usage: provider SCRIPT [--port N] [--port-file FILE] [--log FILE] [--key KEY]\n"
	"                [--address ADDRESS] [--base URL]\n"
	"       provider --make NAME SIZE\n";

struct settings {
	const char *script;
	const char *port_file;
	const char *log;
	const char *key;
	const char *address;
	const char *base;
	uint16_t port;
};

static int complain(const char *what, const char *why)
{
	(void)fprintf(stderr, "provider: %s: %s\n", what, why);
	return -EINVAL;
}

/* The port appears in its file at once or not at all. */
static int port_write(const char *path, unsigned port)
{
	char temporary[PATH_MAX];
	int length = snprintf(temporary, sizeof(temporary), "%s.%ld", path, (long)getpid());
	if (length < 0 || (size_t)length >= sizeof(temporary))
		return -ENAMETOOLONG;
	FILE *file = fopen(temporary, "we");
	if (!file)
		return -errno;
	bool bad = fprintf(file, "%u\n", port) < 0;
	if (fclose(file) != 0 || bad || rename(temporary, path) < 0) {
		(void)unlink(temporary);
		return -EIO;
	}
	return 0;
}

static char *script_read(const char *path, size_t *length)
{
	struct text text = { 0 };
	char bytes[4096];
	size_t got;
	FILE *file = fopen(path, "re");
	FILE *out = file ? open_memstream(&text.data, &text.length) : NULL;
	while (out && (got = fread(bytes, 1, sizeof(bytes), file)) > 0)
		(void)fwrite(bytes, 1, got, out);
	bool bad = !out || ferror(file) || ferror(out);
	if (file)
		(void)fclose(file);
	if (out && (fclose(out) != 0 || bad)) {
		free(text.data);
		return NULL;
	}
	*length = text.length;
	return text.data;
}

static int script_load(const char *path, struct script *script)
{
	char error[512] = "out of memory";
	char directory[PATH_MAX];
	size_t length = 0;
	char *text = script_read(path, &length);
	if (!text || strlen(path) >= sizeof(directory)) {
		free(text);
		return complain(path, "cannot be read");
	}
	int r = script_parse(text, length, script, error, sizeof(error));
	free(text);
	memcpy(directory, path, strlen(path) + 1);
	if (r == 0)
		r = body_rehearse(script, dirname(directory), error, sizeof(error));
	return r ? complain(path, error) : 0;
}

static int announce(const struct settings *settings)
{
	if (settings->port_file && port_write(settings->port_file, settings->port))
		return complain(settings->port_file, "cannot be written");
	if (printf("http://%s:%d\n", settings->address, settings->port) < 0 || fflush(stdout) != 0)
		return complain("standard output", "cannot be written");
	return 0;
}

/* Plays until one of the signals comes, which main has blocked in every thread. */
static int play(struct stage *stage, const struct settings *settings, int fd, const sigset_t *ends)
{
	int signal_number = 0;
	struct MHD_Daemon *daemon = server_start(stage, fd);
	if (!daemon) {
		close(fd);
		return complain(settings->address, "cannot serve");
	}
	int r = announce(settings);
	if (r == 0)
		r = -sigwait(ends, &signal_number);
	stage_stop(stage);
	MHD_stop_daemon(daemon);
	return r;
}

static int base_set(struct stage *stage, const struct settings *settings)
{
	int length = settings->base
			     ? snprintf(stage->base, sizeof(stage->base), "%s", settings->base)
			     : snprintf(stage->base, sizeof(stage->base), "http://%s:%d",
				       settings->address, settings->port);
	return length < 0 || (size_t)length >= sizeof(stage->base) ? -ENAMETOOLONG : 0;
}

static int run(struct stage *stage, struct settings *settings)
{
	sigset_t ends;
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	if (pthread_sigmask(SIG_BLOCK, &ends, NULL) != 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return complain("signals", "cannot be set");
	int fd = server_listen(settings->address, &settings->port);
	if (fd < 0)
		return complain(settings->address, strerror(-fd));
	if (base_set(stage, settings)) {
		close(fd);
		return complain("--base", "too long");
	}
	return play(stage, settings, fd, &ends);
}

static int perform(struct stage *stage, struct settings *settings)
{
	int r = stage_open(stage, settings->log);
	if (r)
		return complain(settings->log, strerror(-r));
	r = run(stage, settings);
	stage_close(stage);
	return r;
}

static int make(int count, char **words)
{
	int64_t size = 0;
	if (count != 4 || options_number(words[3], false, &size)) {
		(void)fputs(usage, stderr);
		return EXIT_FAILURE;
	}
	return made_write(words[2], size, STDOUT_FILENO) ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int settings_read(int count, char **words, struct settings *settings)
{
	static const struct option longs[] = { { "port", required_argument, NULL, 'p' },
		{ "port-file", required_argument, NULL, 'f' },
		{ "log", required_argument, NULL, 'l' }, { "key", required_argument, NULL, 'k' },
		{ "address", required_argument, NULL, 'a' },
		{ "base", required_argument, NULL, 'b' }, { 0 } };
	int64_t port = 0;
	int option;
	while ((option = getopt_long(count, words, "", longs, NULL)) != -1) {
		if (option == 'p' && (options_number(optarg, false, &port) || port > UINT16_MAX))
			return complain("--port", "0 to 65535");
		else if (option == 'f')
			settings->port_file = optarg;
		else if (option == 'l')
			settings->log = optarg;
		else if (option == 'k')
			settings->key = optarg;
		else if (option == 'a')
			settings->address = optarg;
		else if (option == 'b')
			settings->base = optarg;
		else if (option == '?')
			return -EINVAL;
	}
	settings->port = (uint16_t)port;
	settings->script = words[optind];
	return optind + 1 == count ? 0 : complain("arguments", "one SCRIPT, please");
}

int main(int count, char **words)
{
	struct settings settings = { .address = "127.0.0.1" };
	struct stage stage = { .log_fd = -1,
		.script.sections = STAILQ_HEAD_INITIALIZER(stage.script.sections) };
	if (count > 1 && strcmp(words[1], "--make") == 0)
		return make(count, words);
	if (settings_read(count, words, &settings)) {
		(void)fputs(usage, stderr);
		return EXIT_FAILURE;
	}
	stage.key = settings.key;
	int r = script_load(settings.script, &stage.script);
	if (r == 0)
		r = perform(&stage, &settings);
	script_free(&stage.script);
	return r ? EXIT_FAILURE : EXIT_SUCCESS;
}
