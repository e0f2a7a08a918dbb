/* SPDX-License-Identifier: MIT */
/* The command line and the environment: every option, its limits, and what follows from them. */
#include <limits.h>
#include <pwd.h>

#include "../../fs/options.h"
#include "scratch.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ARGS 16

static struct options options;
static char why[512];

static int clear_environment(void **state)
{
	static const char *const names[] = { "COMETAPI_BASE_URL", "COMETAPI_KEY", "XAI_API_KEY",
		"CREDENTIALS_DIRECTORY", "XDG_DATA_HOME" };
	for (size_t i = 0; i < COUNT(names); i++)
		assert_int_equal(unsetenv(names[i]), 0);
	assert_int_equal(setenv("HOME", "/home/me", 1), 0);
	return setup(state);
}

static void set(const char *name, const char *value)
{
	assert_int_equal(setenv(name, value, 1), 0);
}

/* Parses words, divided by blanks, into options; they stay until the next call. */
static int parse(const char *words)
{
	static char text[8192];
	char program[] = "cometfs", *argv[ARGS] = { program }, *rest = text;
	int argc = 1;

	why[0] = '\0';
	assert_true(snprintf(text, sizeof(text), "%s", words) < (int)sizeof(text));
	while (rest != NULL && *rest != '\0') {
		assert_true(argc < ARGS);
		argv[argc++] = strsep(&rest, " ");
	}
	return options_parse(&options, argc, argv, why, sizeof(why));
}

static void good(const char *words)
{
	if (parse(words) != 0)
		fail_msg("%s: %s", words, why);
	assert_string_equal(why, "");
}

/* Wrong, and the line for people begins with what is wrong, and then says why. */
static void bad(const char *words, const char *what)
{
	if (parse(words) != -EINVAL)
		fail_msg("%s: taken", words);
	if (strncmp(why, what, strlen(what)) != 0 || strstr(why, ": ") == NULL)
		fail_msg("%s: it says: %s", words, why);
	assert_null(strpbrk(why, "\r\n"));
}

static void good_option(const char *option)
{
	char words[6000];
	(void)snprintf(words, sizeof(words), "/mnt -o %s", option);
	good(words);
}

static void bad_option(const char *option)
{
	char words[6000], what[256];
	(void)snprintf(words, sizeof(words), "/mnt -o %s", option);
	(void)snprintf(what, sizeof(what), "-o %s: ", option);
	bad(words, what);
}

static void assert_number(double number, double expected)
{
	assert_true(number >= expected && number <= expected);
}

/* ---- the table --------------------------------------------------------------------------------- */

static void by_default(void **state)
{
	(void)state;
	good("/mnt");
	assert_string_equal(options.mountpoint, "/mnt");
	assert_null(options.source);
	assert_string_equal(options.base, "https://api.cometapi.com");
	assert_string_equal(options.provider->name, "comet");
	assert_null(options.key_file);
	assert_null(options.cafile);
	assert_string_equal(options.track, "mkdir");
	assert_number(options.interval, 5);
	assert_number(options.interval_watched, 2);
	assert_number(options.poll_rate, 10);
	assert_number(options.timeout, 30);
	assert_number(options.lookup_timeout, 10);
	assert_int_equal(options.downloads, 4);
	assert_true(options.max_video == INT64_C(4) << 30);
	assert_int_equal(options.store_max, 0);
	assert_int_equal(options.form, LOG_FORM_TEXT);
	assert_int_equal(options.level, LOG_LEVEL_INFO);
	assert_false(options.allow_http || options.allow_private);
	assert_false(options.foreground || options.debug || options.help || options.version);
	assert_int_equal(options.uid, geteuid());
	assert_int_equal(options.gid, getegid());
	assert_int_equal(options.umask, 022);
	assert_string_equal(options.fuse_options, "");
}

static void each_is_taken(void **state)
{
	(void)state;
	good("https://h.example /mnt -o key_file=/k,provider=xai,store=/s,track=lookup,interval=1.5 "
	     "-o interval_watched=0.25,poll_rate=0.5,timeout=7,lookup_timeout=3,downloads=64 "
	     "-omax_video=10M,store_max=3T,cafile=/dev/null,allow_http,allow_private,uid=12,gid=0,umask=077");
	assert_string_equal(options.source, "https://h.example");
	assert_string_equal(options.mountpoint, "/mnt");
	assert_string_equal(options.key_path, "/k");
	assert_string_equal(options.provider->name, "xai");
	assert_string_equal(options.store_path, "/s");
	assert_string_equal(options.track, "lookup");
	assert_number(options.interval, 1.5);
	assert_number(options.interval_watched, 0.25);
	assert_number(options.poll_rate, 0.5);
	assert_number(options.timeout, 7);
	assert_number(options.lookup_timeout, 3);
	assert_int_equal(options.downloads, 64);
	assert_int_equal(options.max_video, 10 << 20);
	assert_true(options.store_max == INT64_C(3) << 40);
	assert_string_equal(options.ca_path, "/dev/null");
	assert_true(options.allow_http && options.allow_private);
	assert_int_equal(options.uid, 12);
	assert_int_equal(options.gid, 0);
	assert_int_equal(options.umask, 077);
}

static void what_the_engine_is_told(void **state)
{
	struct engine_options engine;
	(void)state;
	good("https://h.example/v1 /mnt -o interval=1.5,interval_watched=0.001,poll_rate=0,timeout=7,"
	     "lookup_timeout=3,downloads=2,max_video=5,store_max=6,allow_private,cafile=/dev/null");
	memset(&engine, 0x55, sizeof(engine));
	options_engine(&options, &engine);
	assert_ptr_equal(engine.provider, options.provider);
	assert_string_equal(engine.base, "https://h.example");
	assert_string_equal(engine.key, "");
	assert_int_equal(engine.interval_ms, 1500);
	assert_int_equal(engine.interval_watched_ms, 1);
	assert_number(engine.poll_rate, 0);
	assert_int_equal(engine.timeout_ms, 7000);
	assert_int_equal(engine.lookup_timeout_ms, 3000);
	assert_true(engine.park_ms == INT64_MAX);
	assert_int_equal(engine.downloads, 2);
	assert_int_equal(engine.max_video, 5);
	assert_int_equal(engine.store_max, 6);
	assert_false(engine.limits.allow_http);
	assert_true(engine.limits.allow_private);
	assert_string_equal(engine.limits.cafile, "/dev/null");
	good("/mnt");
	options_engine(&options, &engine);
	assert_null(engine.limits.cafile);
}

static void the_last_one_counts(void **state)
{
	(void)state;
	good("/mnt -o timeout=7,timeout=8 -o timeout=9");
	assert_number(options.timeout, 9);
}

static void seconds(void **state)
{
	static const char *const names[] = { "interval", "interval_watched", "timeout",
		"lookup_timeout" };
	static const char *const goods[] = { "0.001", "1", "1000000" };
	static const char *const bads[] = { "0", "-1", "0.0009", "1000001", "5s", "x", "nan", "inf",
		"1e999" };
	char option[64];
	(void)state;
	for (size_t n = 0; n < COUNT(names); n++) {
		for (size_t i = 0; i < COUNT(goods); i++) {
			(void)snprintf(option, sizeof(option), "%s=%s", names[n], goods[i]);
			good_option(option);
		}
		for (size_t i = 0; i < COUNT(bads); i++) {
			(void)snprintf(option, sizeof(option), "%s=%s", names[n], bads[i]);
			bad_option(option);
		}
	}
}

static void rates_counts_and_owners(void **state)
{
	static const char *const goods[] = { "poll_rate=0", "poll_rate=5000", "downloads=1",
		"downloads=64", "uid=0", "gid=4294967294", "umask=0", "umask=22", "umask=0777" };
	static const char *const bads[] = { "poll_rate=-0.1", "poll_rate=many", "downloads=0",
		"downloads=65", "downloads=-1", "downloads=1.5", "downloads=+2", "uid=-1",
		"uid=root", "uid=4294967295", "gid=99999999999999999999", "gid=1x", "umask=8",
		"umask=1000", "umask=-1" };
	(void)state;
	for (size_t i = 0; i < COUNT(goods); i++)
		good_option(goods[i]);
	for (size_t i = 0; i < COUNT(bads); i++)
		bad_option(bads[i]);
}

static void sizes(void **state)
{
	static const struct {
		const char *option;
		int64_t bytes;
	} goods[] = {
		{ "max_video=1", 1 },
		{ "max_video=1K", 1024 },
		{ "max_video=2k", 2048 },
		{ "max_video=3M", INT64_C(3) << 20 },
		{ "max_video=4g", INT64_C(4) << 30 },
		{ "max_video=5T", INT64_C(5) << 40 },
		{ "max_video=9223372036854775807", INT64_MAX },
		{ "max_video=8388607T", INT64_C(8388607) << 40 },
	};
	static const char *const bads[] = { "max_video=0", "max_video=-1", "max_video=K",
		"max_video=4GB", "max_video=4P", "max_video=1.5G", "max_video=8388608T",
		"max_video=9223372036854775808" };
	(void)state;
	for (size_t i = 0; i < COUNT(goods); i++) {
		good_option(goods[i].option);
		assert_int_equal(options.max_video, goods[i].bytes);
	}
	for (size_t i = 0; i < COUNT(bads); i++)
		bad_option(bads[i]);
}

static void one_of_few_words(void **state)
{
	(void)state;
	bad("/mnt -o track=always", "-o track: ");
	bad("/mnt -o provider=openai", "-o provider: ");
	bad("/mnt -o log=xml", "-o log: ");
	bad("/mnt -o log_level=7", "-o log_level: ");
	bad_option("track=");
	bad_option("store=");
	bad_option("key_file=");
	bad_option("cafile=");
	bad("/mnt -o cafile=/nowhere/ca.pem", "/nowhere/ca.pem: ");
}

static void with_and_without_a_value(void **state)
{
	(void)state;
	bad_option("key_file");
	bad_option("timeout");
	bad_option("allow_http=yes");
	bad_option("allow_private=");
	bad_option("ro=1");
	bad_option("no_such_thing");
	/* Not with its value: it may be a secret. */
	bad("/mnt -o key=sk-123", "-o key: no such option");
	assert_null(strstr(why, "sk-123"));
	bad("/mnt -o Timeout=1", "-o Timeout: ");
	bad("/mnt -o time=1", "-o time: ");
	bad("/mnt -o timeouts=1", "-o timeouts: ");
	bad_option("=1");
}

/* ---- lists and other arguments ------------------------------------------------------------------ */

static void a_backslash_keeps_a_comma(void **state)
{
	(void)state;
	good("/mnt -o store=/a\\,b\\\\c\\d,timeout=7");
	assert_string_equal(options.store_path, "/a,b\\c\\d");
	assert_number(options.timeout, 7);
	good("/mnt -o store=/a\\");
	assert_string_equal(options.store_path, "/a\\");
}

static void empty_ones_are_nothing(void **state)
{
	(void)state;
	good("/mnt -o ,,timeout=7,,");
	assert_number(options.timeout, 7);
	good("/mnt -o ,");
}

static void for_libfuse(void **state)
{
	(void)state;
	good("/mnt -o allow_other,timeout=7,default_permissions,ro,auto_unmount,max_read=65536,nosuid");
	assert_string_equal(options.fuse_options,
		",allow_other,default_permissions,ro,auto_unmount,max_read=65536,nosuid");
}

static void too_many_for_libfuse(void **state)
{
	static const char option[] = ",allow_other";
	char given[6000] = "/mnt -o ro";
	size_t length = strlen(given);
	(void)state;
	for (; length + sizeof(option) < sizeof(given); length += sizeof(option) - 1)
		memcpy(given + length, option, sizeof(option));
	bad(given, "-o allow_other: ");
}

/* What mount(8), systemd and /etc/fstab say to each other. */
static void for_mount(void **state)
{
	(void)state;
	good("/mnt -o _netdev,nofail,noauto,user,users,defaults,x-systemd.automount,x-gvfs-show,"
	     "x-systemd.idle-timeout=60,comment=mine,rw,dev,suid,exec");
	assert_string_equal(options.fuse_options, ",rw,dev,suid,exec");
}

static void flags(void **state)
{
	(void)state;
	good("/mnt -f");
	assert_true(options.foreground && !options.debug);
	good("-d /mnt");
	assert_true(options.foreground && options.debug);
	assert_int_equal(options.level, LOG_LEVEL_DEBUG);
	good("/mnt -o log=json,log_level=error");
	assert_int_equal(options.form, LOG_FORM_JSON);
	assert_int_equal(options.level, LOG_LEVEL_ERROR);
	bad("/mnt -x", "-x: ");
	bad("/mnt --debug", "--debug: ");
	bad("/mnt -o", "-o: ");
	bad("-f", "no mount point given: ");
	bad("", "no mount point given: ");
	bad("https://h.example /mnt /other", "/other: ");
}

static void help_and_version_look_no_further(void **state)
{
	(void)state;
	good("-h");
	assert_true(options.help);
	good("--help");
	assert_true(options.help);
	good("-V");
	assert_true(options.version);
	good("--version ftp://h.example /mnt");
	assert_true(options.version);
}

static void names_that_look_like_flags(void **state)
{
	(void)state;
	good("-f -- -o");
	assert_string_equal(options.mountpoint, "-o");
	good("-- https://h.example -f");
	assert_string_equal(options.mountpoint, "-f");
	assert_false(options.foreground);
}

/* ---- SOURCE -------------------------------------------------------------------------------------- */

static void source(const char *given, const char *base)
{
	char words[5000];
	(void)snprintf(words, sizeof(words), "%s /mnt", given);
	good(words);
	assert_string_equal(options.base, base);
}

static void bad_source(const char *given)
{
	char words[5000];
	(void)snprintf(words, sizeof(words), "%s /mnt", given);
	bad(words, given);
}

static void sources(void **state)
{
	(void)state;
	source("https://h.example", "https://h.example");
	source("https://h.example/", "https://h.example");
	source("https://h.example/v1", "https://h.example");
	source("https://h.example/v1/", "https://h.example");
	source("https://h.example//v1//", "https://h.example");
	source("https://h.example/api/v1", "https://h.example/api");
	source("https://h.example/av1", "https://h.example/av1");
	source("https://h.example/v1/grok", "https://h.example/v1/grok");
	source("https://v1", "https://v1");
	source("https://h.example:8443/v1", "https://h.example:8443");
	source("none", "https://api.cometapi.com");
	source("cometfs", "https://api.cometapi.com");
	bad_source("h.example");
	bad_source("ftp://h.example");
	bad_source("file:///etc/passwd");
	/* Nor is this shown again. */
	bad("https://me:secret@h.example /mnt", "SOURCE: ");
	assert_null(strstr(why, "secret"));
	bad_source("https://h.example/?a=b");
	bad_source("https://h.example/#a");
	bad_source("https://");
	bad_source("/");
	bad_source("https:///v1");
}

static void too_long_a_source(void **state)
{
	char given[URL_SIZE + 32] = "https://h.example/";
	size_t length = strlen(given);
	(void)state;
	memset(given + length, 'a', URL_SIZE - 1 - length);
	source(given, given);
	given[URL_SIZE - 1] = 'a';
	char all[URL_SIZE + 64];
	(void)snprintf(all, sizeof(all), "%s /mnt", given);
	bad(all, "SOURCE: ");
}

static void http_shows_the_key(void **state)
{
	(void)state;
	bad_source("http://h.example");
	bad_source("HTTP://h.example");
	bad_source("http://127.0.0.1.example");
	bad_source("http://10.0.0.1");
	good("http://h.example /mnt -o allow_http");
	assert_false(options.allow_private);
}

static void this_machine_is_trusted(void **state)
{
	static const char *const here[] = { "http://localhost:8080", "http://127.0.0.1:1/v1",
		"http://127.9.9.9", "http://[::1]:8080", "https://localhost" };
	(void)state;
	for (size_t i = 0; i < COUNT(here); i++) {
		char all[64];
		(void)snprintf(all, sizeof(all), "%s /mnt", here[i]);
		good(all);
		assert_true(options.allow_http && options.allow_private);
	}
	good("https://h.example /mnt");
	assert_false(options.allow_http || options.allow_private);
}

static void source_from_the_environment(void **state)
{
	(void)state;
	set("COMETAPI_BASE_URL", "https://env.example/v1/");
	good("/mnt");
	assert_string_equal(options.base, "https://env.example");
	source("none", "https://env.example");
	source("https://arg.example", "https://arg.example");
	set("COMETAPI_BASE_URL", " \n");
	good("/mnt");
	assert_string_equal(options.base, "https://api.cometapi.com");
	set("COMETAPI_BASE_URL", "ftp://env.example");
	bad("/mnt", "ftp://env.example: ");
}

static void dialect(const char *given, const char *name)
{
	good(given);
	assert_string_equal(options.provider->name, name);
}

static void dialects(void **state)
{
	(void)state;
	dialect("https://api.x.ai /mnt", "xai");
	dialect("https://us-east-1.api.x.ai:443/v1 /mnt", "xai");
	dialect("https://API.X.AI /mnt", "xai");
	dialect("https://api.cometapi.com /mnt", "comet");
	dialect("https://box.ai /mnt", "comet");
	dialect("https://api.x.ai.example /mnt", "comet");
	dialect("https://h.example/api.x.ai /mnt", "comet");
	dialect("https://api.x.ai /mnt -o provider=comet", "comet");
	dialect("https://h.example /mnt -o provider=xai", "xai");
	dialect("/mnt -o provider=xai", "xai");
	assert_string_equal(options.base, "https://api.x.ai");
	set("COMETAPI_BASE_URL", "https://api.x.ai");
	dialect("/mnt", "xai");
}

/* ---- paths --------------------------------------------------------------------------------------- */

static void in_scratch(const char *given, const char *path, const char *relative)
{
	char here[PATH_MAX], expected[2 * PATH_MAX];
	good_option(given);
	assert_non_null(getcwd(here, sizeof(here)));
	(void)snprintf(expected, sizeof(expected), "%s/%s", here, relative);
	assert_string_equal(path, expected);
}

static void relative_paths_become_absolute(void **state)
{
	int home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)state;
	assert_true(home >= 0);
	write_file(in("ca.pem"), "x", 1);
	assert_int_equal(chdir(scratch), 0);
	in_scratch("store=a/b", options.store_path, "a/b");
	in_scratch("key_file=k", options.key_path, "k");
	in_scratch("cafile=ca.pem", options.ca_path, "ca.pem");
	bad("/mnt -o cafile=other.pem", "other.pem: ");
	assert_int_equal(fchdir(home), 0);
	assert_int_equal(close(home), 0);
}

static void too_long_a_path(void **state)
{
	char option[PATH_MAX + 32] = "store=/";
	size_t length = strlen(option);
	char all[PATH_MAX + 64];
	(void)state;
	memset(option + length, 'a', PATH_MAX);
	(void)snprintf(all, sizeof(all), "/mnt -o %s", option);
	bad(all, "-o store: ");
	(void)snprintf(all, sizeof(all), "/mnt -o cafile=%s", option + length);
	assert_int_equal(parse(all), -EINVAL);
}

static void the_store_of_root(void **state)
{
	(void)state;
	if (geteuid() != 0) {
		print_message("# not tried: needs root\n");
		return;
	}
	set("XDG_DATA_HOME", "/data");
	good("/mnt");
	assert_string_equal(options.store_path, "/var/lib/cometfs");
}

/* As somebody who is not root, if need be for as long as it takes. */
static int parse_as_user(const char *given)
{
	bool root = geteuid() == 0;
	if (root)
		assert_int_equal(seteuid(65534), 0);
	int r = parse(given);
	if (root)
		assert_int_equal(seteuid(0), 0);
	return r;
}

static void assert_store(const char *given, const char *path)
{
	assert_int_equal(parse_as_user(given), 0);
	assert_string_equal(options.store_path, path);
}

/* The home that the password file has. */
static void assert_store_at_home(void)
{
	char text[4096], path[PATH_MAX];
	struct passwd entry, *user = NULL;
	uid_t uid = geteuid() == 0 ? 65534 : geteuid();
	assert_int_equal(getpwuid_r(uid, &entry, text, sizeof(text), &user), 0);
	assert_non_null(user);
	(void)snprintf(path, sizeof(path), "%s/.local/share/cometfs", user->pw_dir);
	assert_store("/mnt", path);
}

static void the_store_of_others(void **state)
{
	(void)state;
	assert_store("/mnt", "/home/me/.local/share/cometfs");
	set("XDG_DATA_HOME", "/data");
	assert_store("/mnt", "/data/cometfs");
	assert_store("/mnt -o store=/mine", "/mine");
	/* A relative one is to be ignored: XDG Base Directory Specification. */
	set("XDG_DATA_HOME", "data");
	assert_store("/mnt", "/home/me/.local/share/cometfs");
	/* No home, or somebody else's: that of the password file. */
	set("XDG_DATA_HOME", "");
	set("HOME", "");
	assert_store_at_home();
	set("HOME", "/root");
	assert_store_at_home();
}

#define UNIT(f) cmocka_unit_test_setup_teardown(f, clear_environment, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT(by_default),
		UNIT(each_is_taken),
		UNIT(what_the_engine_is_told),
		UNIT(the_last_one_counts),
		UNIT(seconds),
		UNIT(rates_counts_and_owners),
		UNIT(sizes),
		UNIT(one_of_few_words),
		UNIT(with_and_without_a_value),
		UNIT(a_backslash_keeps_a_comma),
		UNIT(empty_ones_are_nothing),
		UNIT(for_libfuse),
		UNIT(too_many_for_libfuse),
		UNIT(for_mount),
		UNIT(flags),
		UNIT(help_and_version_look_no_further),
		UNIT(names_that_look_like_flags),
		UNIT(sources),
		UNIT(too_long_a_source),
		UNIT(http_shows_the_key),
		UNIT(this_machine_is_trusted),
		UNIT(source_from_the_environment),
		UNIT(dialects),
		UNIT(relative_paths_become_absolute),
		UNIT(too_long_a_path),
		UNIT(the_store_of_root),
		UNIT(the_store_of_others),
	};
	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
