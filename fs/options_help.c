/* SPDX-License-Identifier: MIT */
/* --help: for a terminal of 80 columns. */
#include "options.h"

#include <stdio.h>
#include <string.h>

#define COLUMN 28 /* where the words on an option begin */
#define WIDTH 79

/* Word by word, from column at on; further lines begin at COLUMN. Returns where it ends. */
static int put_words(const char *text, int at)
{
	while (*text != '\0') {
		int length = (int)strcspn(text, " ");
		if (at + 1 + length > WIDTH) {
			(void)printf("\n%*s", COLUMN - 1, "");
			at = COLUMN - 1;
		}
		(void)printf(" %.*s", length, text);
		at += 1 + length;
		text += length;
		text += strspn(text, " ");
	}
	return at;
}

static void put_option(const struct option_words *words)
{
	char fallback[64] = "";
	int at = printf("  -o %s%s%s", words->name, words->value != NULL ? "=" : "",
		words->value != NULL ? words->value : "");
	(void)printf("%*s", at < COLUMN ? COLUMN - 1 - at : 0, "");
	at = put_words(words->help, at < COLUMN ? COLUMN - 1 : at);
	if (words->fallback != NULL)
		(void)snprintf(fallback, sizeof(fallback), "(%s)", words->fallback);
	(void)put_words(fallback, at);
	(void)printf("\n");
}

static void put_known(const char *what, bool for_mount)
{
	struct option_words words;
	int at = printf("  -o %s:", what);
	for (size_t i = 0; options_words(i, &words); i++) {
		char name[64];
		if (words.help != NULL || words.for_mount != for_mount)
			continue;
		(void)snprintf(name, sizeof(name), "%s%s%s", words.name,
			words.value != NULL ? "=" : "", words.value != NULL ? words.value : "");
		at = put_words(name, at);
	}
	(void)printf("\n");
}

void options_help(void)
{
	struct option_words words;
	(void)printf(
		"usage: cometfs [SOURCE] MOUNTPOINT [-o OPTION[,OPTION...]] [-f] [-d] [-h] [-V]\n"
		"       cometfs --check [-o store=DIR]\n"
		"\n"
		"Mounts the video jobs of SOURCE (by default $COMETAPI_BASE_URL, else\n"
		"https://api.cometapi.com) at MOUNTPOINT.\n"
		"\n"
		"  -f       stay in the foreground, log to standard error\n"
		"  -d       likewise, and log all that libfuse does\n"
		"  -h       this help\n"
		"  -V       the version\n"
		"  --check  mounts nothing; reads every video of the store, exit status 1 if one\n"
		"           is damaged\n"
		"\n");
	for (size_t i = 0; options_words(i, &words); i++) {
		if (words.help != NULL)
			put_option(&words);
	}
	(void)printf("\nAlso, as in mount(8):\n\n");
	put_known("for the kernel", false);
	put_known("not for cometfs", true);
	(void)printf("\nSee cometfs(1).\n");
}
