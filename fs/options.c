/* SPDX-License-Identifier: MIT */
/* The one table of options, and what is read from it. */
#include "options.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum kind {
	KIND_TEXT, /* const char * */
	KIND_SECONDS, /* double, above 0 */
	KIND_RATE, /* double, 0 or more */
	KIND_COUNT, /* unsigned, 1 to 64 */
	KIND_SIZE, /* int64_t, with K, M, G, T */
	KIND_FLAG, /* bool */
	KIND_ID, /* unsigned */
	KIND_OCTAL, /* unsigned */
	KIND_FUSE, /* libfuse's, handed on */
	KIND_FUSE_FLAG, /* bool, likewise */
	KIND_MOUNT, /* of /etc/fstab: for mount(8) and systemd, not for us */
};

struct row {
	const char *name;
	enum kind kind;
	size_t at;
	const char *value; /* what follows "=", NULL: nothing does */
	const char *fallback; /* the default, parsed like a given one; NULL: none */
	const char *help; /* NULL: not listed */
};

#define AT(field) offsetof(struct options, field)

static const struct row rows[] = {
	{ "key_file", KIND_TEXT, AT(key_file), "PATH", NULL,
		"the API key; else $COMETAPI_KEY, else $CREDENTIALS_DIRECTORY/cometapi-key" },
	{ "provider", KIND_TEXT, AT(provider_name), "comet|xai", NULL,
		"dialect; by default xai for a SOURCE at x.ai, else comet" },
	{ "store", KIND_TEXT, AT(store), "DIR", NULL,
		"where everything is kept; by default /var/lib/cometfs for root, else "
		"~/.local/share/cometfs" },
	{ "track", KIND_TEXT, AT(track), "mkdir|lookup", "mkdir",
		"whether looking up a job that is not there may begin to track it" },
	{ "interval", KIND_SECONDS, AT(interval), "S", "5",
		"seconds between polls of a young job" },
	{ "interval_watched", KIND_SECONDS, AT(interval_watched), "S", "2",
		"seconds between polls of a job that is being looked at" },
	{ "poll_rate", KIND_RATE, AT(poll_rate), "N", "10",
		"polls a second at most, over all jobs; 0 for no limit" },
	{ "timeout", KIND_SECONDS, AT(timeout), "S", "30",
		"seconds for a request, and for a reader without a new byte" },
	{ "lookup_timeout", KIND_SECONDS, AT(lookup_timeout), "S", "10",
		"seconds for a look-up that asks the provider" },
	{ "downloads", KIND_COUNT, AT(downloads), "N", "4", "downloads at a time" },
	{ "max_video", KIND_SIZE, AT(max_video), "SIZE", "4G", "a larger video is refused" },
	{ "store_max", KIND_SIZE, AT(store_max), "SIZE", NULL,
		"downloads wait while the store has so much; nothing is ever deleted for it" },
	{ "log", KIND_TEXT, AT(log_form), "text|json", "text",
		"the form of the log; json is an object a line" },
	{ "log_level", KIND_TEXT, AT(log_level), "LEVEL", "info",
		"the least that is logged: error, warning, info or debug" },
	{ "cafile", KIND_TEXT, AT(cafile), "PATH", NULL, "certificates to trust, in PEM form" },
	{ "allow_http", KIND_FLAG, AT(allow_http), NULL, NULL,
		"allow http: addresses; implied by a SOURCE on this machine" },
	{ "allow_private", KIND_FLAG, AT(allow_private), NULL, NULL,
		"allow private and special addresses; implied likewise" },
	{ "uid", KIND_ID, AT(uid), "N", NULL, "owner of all files" },
	{ "gid", KIND_ID, AT(gid), "N", NULL, "group of all files" },
	{ "umask", KIND_OCTAL, AT(umask), "M", "022", "bits to clear in all modes, in octal" },
	{ "allow_other", KIND_FUSE, 0, NULL, NULL, "let other users in" },
	{ "allow_root", KIND_FUSE, 0, NULL, NULL, "let root in" },
	{ "default_permissions", KIND_FUSE, 0, NULL, NULL, "let the kernel check modes" },
	{ "auto_unmount", KIND_FUSE_FLAG, AT(auto_unmount), NULL, NULL,
		"unmount when the daemon dies" },
	{ "ro", KIND_FUSE, 0, NULL, NULL, "read-only: nothing can be tracked or forgotten" },
	{ "rw", KIND_FUSE, 0, NULL, NULL, NULL },
	{ "fsname", KIND_FUSE, 0, "NAME", NULL, NULL },
	{ "subtype", KIND_FUSE, 0, "NAME", NULL, NULL },
	{ "max_read", KIND_FUSE, 0, "N", NULL, NULL },
	{ "suid", KIND_FUSE, 0, NULL, NULL, NULL },
	{ "nosuid", KIND_FUSE, 0, NULL, NULL, NULL },
	{ "dev", KIND_FUSE, 0, NULL, NULL, NULL },
	{ "nodev", KIND_FUSE, 0, NULL, NULL, NULL },
	{ "exec", KIND_FUSE, 0, NULL, NULL, NULL },
	{ "noexec", KIND_FUSE, 0, NULL, NULL, NULL },
	{ "atime", KIND_FUSE, 0, NULL, NULL, NULL },
	{ "noatime", KIND_FUSE, 0, NULL, NULL, NULL },
	{ "sync", KIND_FUSE, 0, NULL, NULL, NULL },
	{ "async", KIND_FUSE, 0, NULL, NULL, NULL },
	{ "dirsync", KIND_FUSE, 0, NULL, NULL, NULL },
	/* Of times of reading, which nothing here has; libfuse 3.14 does not know them. */
	{ "relatime", KIND_MOUNT, 0, NULL, NULL, NULL },
	{ "norelatime", KIND_MOUNT, 0, NULL, NULL, NULL },
	{ "strictatime", KIND_MOUNT, 0, NULL, NULL, NULL },
	{ "nostrictatime", KIND_MOUNT, 0, NULL, NULL, NULL },
	{ "diratime", KIND_MOUNT, 0, NULL, NULL, NULL },
	{ "nodiratime", KIND_MOUNT, 0, NULL, NULL, NULL },
	{ "lazytime", KIND_MOUNT, 0, NULL, NULL, NULL },
	{ "nolazytime", KIND_MOUNT, 0, NULL, NULL, NULL },
	{ "_netdev", KIND_MOUNT, 0, NULL, NULL, NULL },
	{ "nofail", KIND_MOUNT, 0, NULL, NULL, NULL },
	{ "auto", KIND_MOUNT, 0, NULL, NULL, NULL },
	{ "noauto", KIND_MOUNT, 0, NULL, NULL, NULL },
	{ "user", KIND_MOUNT, 0, NULL, NULL, NULL },
	{ "nouser", KIND_MOUNT, 0, NULL, NULL, NULL },
	{ "users", KIND_MOUNT, 0, NULL, NULL, NULL },
	{ "owner", KIND_MOUNT, 0, NULL, NULL, NULL },
	{ "group", KIND_MOUNT, 0, NULL, NULL, NULL },
	{ "defaults", KIND_MOUNT, 0, NULL, NULL, NULL },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* ---- values ------------------------------------------------------------------------------------ */

static bool read_decimal(const char *value, double least, double *out)
{
	char *end;
	double number = strtod(value, &end);
	if (end == value || *end != '\0' || !isfinite(number) || number < least || number > 1e6)
		return false;
	*out = number;
	return true;
}

static bool read_whole(const char *value, int base, unsigned least, unsigned most, unsigned *out)
{
	char *end;
	errno = 0;
	unsigned long number = strtoul(value, &end, base);
	if (*value < '0' || *value > '9' || *end != '\0' || errno != 0 || number < least ||
		number > most)
		return false;
	*out = (unsigned)number;
	return true;
}

static bool read_size(const char *value, int64_t *out)
{
	static const char units[] = "KMGT";
	char *end;
	errno = 0;
	long long number = strtoll(value, &end, 10);
	if (end == value || errno != 0 || number <= 0)
		return false;
	unsigned shift = 0;
	if (*end != '\0') {
		const char *unit = strchr(units, *end >= 'a' ? *end - 'a' + 'A' : *end);
		if (unit == NULL || *++end != '\0')
			return false;
		shift = 10 * (unsigned)(unit - units + 1);
	}
	if (number > INT64_MAX >> shift)
		return false;
	*out = (int64_t)number << shift;
	return true;
}

/* What is said when it is something else. */
static const char *const wanted[] = {
	[KIND_TEXT] = "the value is empty",
	[KIND_SECONDS] = "seconds are expected, a number from 0.001 to 1000000",
	[KIND_RATE] = "a number from 0 to 1000000 is expected",
	[KIND_COUNT] = "a whole number from 1 to 64 is expected",
	[KIND_SIZE] = "a size is expected, as 500M or 4G",
	[KIND_ID] = "a number is expected, as id prints it",
	[KIND_OCTAL] = "an octal number up to 777 is expected",
};

static bool set_value(const struct row *row, struct options *options, const char *value)
{
	void *field = (char *)options + row->at;
	switch (row->kind) {
	case KIND_TEXT:
		*(const char **)field = value;
		return *value != '\0';
	case KIND_SECONDS:
		return read_decimal(value, 0.001, field);
	case KIND_RATE:
		return read_decimal(value, 0, field);
	case KIND_COUNT:
		return read_whole(value, 10, 1, 64, field);
	case KIND_SIZE:
		return read_size(value, field);
	case KIND_ID:
		return read_whole(value, 10, 0, UINT_MAX - 1, field);
	case KIND_OCTAL:
		return read_whole(value, 8, 0, 0777, field);
	case KIND_FLAG:
	case KIND_FUSE_FLAG:
		*(bool *)field = true;
		return true;
	case KIND_FUSE:
	case KIND_MOUNT:
		break;
	}
	return true;
}

/* For libfuse, which reads a list as we do: what was escaped is escaped again. */
static bool hand_on(struct options *options, const char *option)
{
	size_t used = strlen(options->fuse_options);
	options->fuse_options[used++] = ',';
	for (; *option != '\0' && used + 2 < sizeof(options->fuse_options); option++) {
		if (*option == ',' || *option == '\\')
			options->fuse_options[used++] = '\\';
		options->fuse_options[used++] = *option;
	}
	options->fuse_options[used] = '\0';
	return *option == '\0' && used + 2 < sizeof(options->fuse_options);
}

static const struct row *find_row(const char *option, size_t length)
{
	for (size_t i = 0; i < ROWS; i++) {
		if (strlen(rows[i].name) == length && strncmp(rows[i].name, option, length) == 0)
			return &rows[i];
	}
	return NULL;
}

/* One option, "name" or "name=value". */
static int take_option(struct options *options, const char *option, char *why, size_t size)
{
	char what[256];
	size_t length = strcspn(option, "=");
	const char *value = option[length] == '=' ? option + length + 1 : NULL;
	const struct row *row = find_row(option, length);

	(void)snprintf(what, sizeof(what), "-o %.*s", row == NULL && length > 0 ? (int)length : -1,
		option);
	/* systemd and mount(8) keep notes of their own in /etc/fstab. */
	if (strncmp(option, "x-", 2) == 0 || strncmp(option, "comment", 7) == 0)
		return 0;
	if (row == NULL)
		return options_say(why, size, what, "no such option, see cometfs --help");
	if (row->value != NULL && value == NULL)
		return options_say(why, size, what, "it needs a value, as in name=value");
	if (row->value == NULL && value != NULL)
		return options_say(why, size, what, "it takes no value");
	if (!set_value(row, options, value != NULL ? value : ""))
		return options_say(why, size, what, wanted[row->kind]);
	if ((row->kind == KIND_FUSE || row->kind == KIND_FUSE_FLAG) && !hand_on(options, option))
		return options_say(why, size, what, "too many options for libfuse");
	return 0;
}

/* A list as of -o: commas divide, a backslash keeps one. Cut in place. */
static int take_list(struct options *options, char *list, char *why, size_t size)
{
	int r = 0;
	while (r == 0 && list != NULL) {
		char *to = list, *from = list;
		while (*from != '\0' && *from != ',') {
			if (from[0] == '\\' && (from[1] == ',' || from[1] == '\\'))
				from++;
			*to++ = *from++;
		}
		char *next = *from == ',' ? from + 1 : NULL;
		*to = '\0';
		if (*list != '\0')
			r = take_option(options, list, why, size);
		list = next;
	}
	return r;
}

static void set_defaults(struct options *options)
{
	memset(options, 0, sizeof(*options));
	for (size_t i = 0; i < ROWS; i++) {
		bool good =
			rows[i].fallback == NULL || set_value(&rows[i], options, rows[i].fallback);
		assert(good);
	}
	options->uid = geteuid();
	options->gid = getegid();
}

/* ---- the command line ---------------------------------------------------------------------------- */

static int take_flag(struct options *options, const char *arg, char *why, size_t size)
{
	if (strcmp(arg, "-h") == 0 || strcmp(arg, "--help") == 0)
		options->help = true;
	else if (strcmp(arg, "-V") == 0 || strcmp(arg, "--version") == 0)
		options->version = true;
	else if (strcmp(arg, "--check") == 0)
		options->check = true;
	else if (strcmp(arg, "-f") == 0)
		options->foreground = true;
	else if (strcmp(arg, "-d") == 0)
		options->debug = options->foreground = true;
	else
		return options_say(why, size, arg, "no such option, see cometfs --help");
	return 0;
}

static int take_place(struct options *options, const char *arg, char *why, size_t size)
{
	if (options->source != NULL)
		return options_say(why, size, arg,
			"too many arguments, only SOURCE and MOUNTPOINT are expected");
	options->source = options->mountpoint;
	options->mountpoint = arg;
	return 0;
}

int options_parse(struct options *options, int argc, char *const *argv, char *why, size_t size)
{
	int r = 0;
	bool flags = true;

	set_defaults(options);
	for (int i = 1; r == 0 && i < argc; i++) {
		char *arg = argv[i];
		if (flags && strcmp(arg, "--") == 0)
			flags = false;
		else if (flags && strcmp(arg, "-o") == 0)
			r = ++i < argc ? take_list(options, argv[i], why, size)
				       : options_say(why, size, "-o",
						 "it needs a value, as in -o name=value");
		else if (flags && strncmp(arg, "-o", 2) == 0)
			r = take_list(options, arg + 2, why, size);
		else if (flags && arg[0] == '-' && arg[1] != '\0')
			r = take_flag(options, arg, why, size);
		else
			r = take_place(options, arg, why, size);
	}
	if (r != 0 || options->help || options->version)
		return r;
	return options_complete(options, why, size);
}

bool options_words(size_t row, struct option_words *words)
{
	if (row >= ROWS)
		return false;
	words->name = rows[row].name;
	words->value = rows[row].value;
	words->fallback = rows[row].fallback;
	words->help = rows[row].help;
	words->for_mount = rows[row].kind == KIND_MOUNT;
	return true;
}
