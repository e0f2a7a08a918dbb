/* SPDX-License-Identifier: MIT */
/*
 * Reads a file at random, in every way that programs do and in several processes at once, and
 * compares each byte with another file that has what should be there. All bytes that were asked for,
 * or an error: never fewer, never others.
 */
#include "reader.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PROCESSES_MOST = 64 };

static const char usage[] =
	"usage: reader FILE SOURCE [--seed N] [--processes N] [--count N] [--way NAME]\n"
	"              [--errors] [--finished]\n"
	"  --errors    a read may fail as one does whose bytes do not come in time\n"
	"  --finished  nothing is still to come, so the kernel has every way\n";

static int run_all(const struct settings *settings)
{
	int worst = EXIT_SUCCESS;
	int status;
	for (int64_t i = 0; i < settings->processes; i++) {
		pid_t pid = fork();
		if (pid == 0)
			exit(reader_run(settings, i) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
		if (pid < 0)
			worst = EXIT_FAILURE;
	}
	while (wait(&status) > 0)
		if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS)
			worst = EXIT_FAILURE;
	return worst;
}

/* ---- the command line ------------------------------------------------------------------------- */

static bool number(const char *text, int64_t most, int64_t *result)
{
	char *end;
	errno = 0;
	long long value = strtoll(text, &end, 10);
	*result = value;
	return errno == 0 && end != text && *end == '\0' && value > 0 && value <= most;
}

static bool settings_read(int count, char **words, struct settings *settings)
{
	static const struct option longs[] = { { "seed", required_argument, NULL, 's' },
		{ "processes", required_argument, NULL, 'p' },
		{ "count", required_argument, NULL, 'c' }, { "way", required_argument, NULL, 'w' },
		{ "errors", no_argument, NULL, 'e' }, { "finished", no_argument, NULL, 'f' },
		{ 0 } };
	int64_t seed = 0;
	int option;
	bool good = true;
	while ((option = getopt_long(count, words, "", longs, NULL)) != -1) {
		if (option == 's')
			good = good && number(optarg, INT64_MAX, &seed);
		else if (option == 'p')
			good = good && number(optarg, PROCESSES_MOST, &settings->processes);
		else if (option == 'c')
			good = good && number(optarg, INT32_MAX, &settings->count);
		else if (option == 'w')
			settings->way = optarg;
		else if (option == 'e')
			settings->errors = true;
		else if (option == 'f')
			settings->finished = true;
		else
			good = false;
	}
	settings->seed = (uint64_t)seed;
	if (!good || optind + 2 != count)
		return false;
	settings->path = words[optind];
	settings->source = words[optind + 1];
	return true;
}

int main(int count, char **words)
{
	uint32_t any = 1;
	struct settings settings = { .processes = 1, .count = 100 };
	if (!settings_read(count, words, &settings)) {
		(void)fputs(usage, stderr);
		return 2;
	}
	if (settings.seed == 0 && getrandom(&any, sizeof(any), 0) == sizeof(any))
		settings.seed = any;
	(void)printf("reader --seed %" PRIu64 " --processes %" PRId64 " --count %" PRId64 "\n",
		settings.seed, settings.processes, settings.count);
	(void)fflush(stdout);
	return run_all(&settings);
}
