/* SPDX-License-Identifier: MIT */
/* Where the key comes from, in which order, and what is none. */
#include "../../fs/options.h"
#include "scratch.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static char key[KEY_SIZE], why[512];

static int begin(void **state)
{
	static const char *const names[] = { "COMETAPI_KEY", "XAI_API_KEY",
		"CREDENTIALS_DIRECTORY" };
	for (size_t i = 0; i < COUNT(names); i++)
		assert_int_equal(unsetenv(names[i]), 0);
	return setup(state);
}

static void set(const char *name, const char *value)
{
	assert_int_equal(setenv(name, value, 1), 0);
}

/* What the key is with this key_file (NULL: none) and this dialect. */
static int read_key(const char *dialect, const char *key_file)
{
	static struct options options;
	memset(&options, 0, sizeof(options));
	options.provider = provider_find(dialect);
	options.key_file = key_file;
	if (key_file != NULL)
		(void)snprintf(options.key_path, sizeof(options.key_path), "%s", key_file);
	why[0] = '\0';
	return options_key(&options, key, why, sizeof(why));
}

static void assert_key(const char *dialect, const char *key_file, const char *expected)
{
	if (read_key(dialect, key_file) != 0)
		fail_msg("%s", why);
	assert_string_equal(key, expected);
	assert_string_equal(why, "");
}

/* No key, for this reason; and none of it is in the line for people. */
static void assert_none(const char *key_file, int r, const char *what)
{
	assert_int_equal(read_key("comet", key_file), r);
	if (strncmp(why, what, strlen(what)) != 0 || strstr(why, ": ") == NULL)
		fail_msg("it says: %s", why);
	assert_null(strstr(why, "secret"));
	assert_null(strpbrk(why, "\r\n"));
}

static const char *file_of(const char *text)
{
	write_file(in("key"), text, strlen(text));
	return in("key");
}

static void of_a_file(void **state)
{
	(void)state;
	assert_key("comet", file_of("sk-123"), "sk-123");
	assert_key("comet", file_of("sk-123\n"), "sk-123");
	assert_key("xai", file_of(" \t\r\n sk-123 \t\r\n\n"), "sk-123");
	assert_key("comet", file_of("!~"), "!~");
}

static void of_the_environment(void **state)
{
	(void)state;
	set("COMETAPI_KEY", " sk-comet\n");
	set("XAI_API_KEY", "sk-xai");
	assert_key("comet", NULL, "sk-comet");
	assert_key("xai", NULL, "sk-xai");
}

static void of_the_service_manager(void **state)
{
	(void)state;
	set("CREDENTIALS_DIRECTORY", scratch);
	assert_none(NULL, -ENODATA, "no API key: ");
	write_file(in("cometapi-key"), "sk-service\n", 11);
	assert_key("comet", NULL, "sk-service");
	assert_key("xai", NULL, "sk-service");
}

static void the_nearest_wins(void **state)
{
	(void)state;
	set("CREDENTIALS_DIRECTORY", scratch);
	write_file(in("cometapi-key"), "sk-service", 10);
	set("COMETAPI_KEY", "sk-variable");
	assert_key("comet", file_of("sk-file"), "sk-file");
	assert_key("comet", NULL, "sk-variable");
	/* An empty variable is none, a blank one too; another dialect's is none as well. */
	set("COMETAPI_KEY", "");
	assert_key("comet", NULL, "sk-service");
	set("COMETAPI_KEY", " \n");
	assert_key("comet", NULL, "sk-service");
	set("XAI_API_KEY", "sk-xai");
	assert_key("comet", NULL, "sk-service");
}

/* What was asked for by name is not replaced by something else. */
static void a_bad_file_is_no_reason_to_look_elsewhere(void **state)
{
	(void)state;
	set("COMETAPI_KEY", "sk-variable");
	assert_none(in("nowhere"), -ENOENT, in("nowhere"));
	assert_none(scratch, -EISDIR, scratch);
	assert_none(file_of(""), -ENODATA, in("key"));
	assert_none(file_of(" \n"), -ENODATA, in("key"));
}

static void none_at_all(void **state)
{
	(void)state;
	assert_none(NULL, -ENODATA, "no API key: ");
	assert_non_null(strstr(why, "COMETAPI_KEY"));
	assert_int_equal(read_key("xai", NULL), -ENODATA);
	assert_non_null(strstr(why, "XAI_API_KEY"));
	set("CREDENTIALS_DIRECTORY", "/nowhere");
	assert_none(NULL, -ENODATA, "no API key: ");
}

/* Whatever could break out of its header line. */
static void no_key(void **state)
{
	static const char *const bads[] = { "secret\nsecret", "secret\r\nHost: evil",
		"secret secret", "secret\tsecret", "secret\x7f", "secret\x01", "secret\xc3\xa9" };
	(void)state;
	for (size_t i = 0; i < COUNT(bads); i++) {
		assert_none(file_of(bads[i]), -EINVAL, in("key"));
		set("COMETAPI_KEY", bads[i]);
		assert_none(NULL, -EINVAL, "COMETAPI_KEY: ");
	}
}

static void a_zero_byte_ends_no_key(void **state)
{
	(void)state;
	write_file(in("key"), "secret\0secret", 13);
	assert_none(in("key"), -EINVAL, in("key"));
}

static void as_long_as_it_may_be(void **state)
{
	char text[KEY_SIZE + 1];
	(void)state;
	memset(text, 'k', sizeof(text));
	text[KEY_SIZE - 1] = '\0';
	assert_key("comet", file_of(text), text);
	set("COMETAPI_KEY", text);
	assert_key("comet", NULL, text);

	text[KEY_SIZE - 1] = 'k';
	text[KEY_SIZE] = '\0';
	assert_none(file_of(text), -EFBIG, in("key"));
	set("COMETAPI_KEY", text);
	assert_none(NULL, -EINVAL, "COMETAPI_KEY: ");
}

#define UNIT(f) cmocka_unit_test_setup_teardown(f, begin, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		UNIT(of_a_file),
		UNIT(of_the_environment),
		UNIT(of_the_service_manager),
		UNIT(the_nearest_wins),
		UNIT(a_bad_file_is_no_reason_to_look_elsewhere),
		UNIT(none_at_all),
		UNIT(no_key),
		UNIT(a_zero_byte_ends_no_key),
		UNIT(as_long_as_it_may_be),
	};
	return cmocka_run_group_tests_name("options_key", tests, NULL, NULL);
}
