/* SPDX-License-Identifier: MIT */
/* What only the daemon knows: the key, the provider's answers, the store. */
#include "ctl_doctor.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LITTLE (INT64_C(1) << 30) /* room for some videos */

static const cJSON *member(const cJSON *object, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(object, key);
}

static const char *text_of(const cJSON *object, const char *key)
{
	const char *text = cJSON_GetStringValue(member(object, key));
	return text != NULL ? text : "";
}

/* 0 where there is none. */
static int64_t number_of(const cJSON *object, const char *key)
{
	const cJSON *number = member(object, key);
	return cJSON_IsNumber(number) ? (int64_t)number->valuedouble : 0;
}

static void check_key(struct doctor *doctor, const cJSON *stats)
{
	const cJSON *key = member(stats, "key");
	const char *state = text_of(key, "state"), *since = text_of(key, "since");
	if (strcmp(state, "accepted") == 0)
		doctor_tell(doctor, FINDING_OK, "key", "is accepted, since %s", since);
	else if (strcmp(state, "refused") == 0)
		doctor_tell(doctor, FINDING_BAD, "key",
			"is refused, since %s: put a good one, with credit left, into its key_file "
			"and kill -HUP cometfs, or mount anew",
			since);
	else
		doctor_tell(doctor, FINDING_NOTE, "key",
			"has not been tried yet: cometctl add an ID, and look again");
}

static void check_provider(struct doctor *doctor, const cJSON *stats)
{
	const cJSON *provider = member(stats, "provider");
	const char *state = text_of(provider, "state"), *last = text_of(provider, "last_failure");
	const char *since = text_of(provider, "failing_since");
	const char *accepted = text_of(provider, "accepted_at");
	doctor->daemon_is_content = strcmp(state, "ok") == 0;
	if (doctor->daemon_is_content)
		doctor_tell(doctor, FINDING_OK, "provider",
			"answers the daemon, last good answer %s", accepted);
	else if (strcmp(state, "wrong_url") == 0)
		doctor_tell(doctor, FINDING_BAD, "provider",
			"at %s is another server, since %s: mount with the right SOURCE",
			doctor->source, since);
	else if (strcmp(state, "failing") == 0)
		doctor_tell(doctor, FINDING_BAD, "provider",
			"gives the daemon no good answer since %s (%s): what is BAD here comes "
			"first, else wait, cometfs tries on",
			since, last);
	else
		doctor_tell(doctor, FINDING_NOTE, "provider",
			"has not been asked for a job yet: cometctl add an ID, and look again");
}

static void check_space(struct doctor *doctor, const cJSON *stats)
{
	const cJSON *store = member(stats, "store");
	char room[CTL_WORD_SIZE], size[CTL_WORD_SIZE], taken[CTL_WORD_SIZE], most[CTL_WORD_SIZE];
	int64_t free_bytes = number_of(store, "free"), max = number_of(store, "max");
	int64_t waiting = number_of(member(stats, "videos_waiting"), "store_full");
	bool full = max > 0 && number_of(store, "taken") >= max / 10 * 9;
	ctl_text_bytes(room, free_bytes);
	ctl_text_bytes(size, number_of(store, "size"));
	ctl_text_bytes(taken, number_of(store, "taken"));
	ctl_text_bytes(most, max);
	if (waiting > 0)
		doctor_tell(doctor, FINDING_BAD, "store",
			"%lld videos wait for room (%s free, %s taken%s%s): make room on its disk, or "
			"mount with a larger -o store_max",
			(long long)waiting, room, taken, max > 0 ? " of store_max=" : "",
			max > 0 ? most : "");
	else if (free_bytes < LITTLE || full)
		doctor_tell(doctor, FINDING_NOTE, "store",
			"has little room (%s of %s free, %s taken%s%s): make some, before videos "
			"have to wait",
			room, size, taken, max > 0 ? " of store_max=" : "", max > 0 ? most : "");
	else
		doctor_tell(doctor, FINDING_OK, "store", "%s of %s free, %s taken%s%s", room, size,
			taken, max > 0 ? " of store_max=" : "", max > 0 ? most : "");
}

static void check_health(struct doctor *doctor, const cJSON *stats)
{
	const cJSON *catalog = member(stats, "catalog"), *videos = member(stats, "videos");
	long long lost = number_of(videos, "lost"), ready = number_of(videos, "ready");
	if (strcmp(text_of(catalog, "state"), "ok") != 0)
		doctor_tell(doctor, FINDING_BAD, "catalog",
			"cannot be written since %s, %lld changes wait: look at its disk and at "
			"cometfs's log",
			text_of(catalog, "since"),
			(long long)number_of(catalog, "changes_waiting"));
	else
		doctor_tell(doctor, FINDING_OK, "catalog", "can be written");
	if (lost > 0)
		doctor_tell(doctor, FINDING_NOTE, "videos",
			"%lld are here, %lld are lost: cometctl ls --sort video says why; cometfs "
			"--check reads those that are here",
			ready, lost);
	else
		doctor_tell(doctor, FINDING_OK, "videos",
			"%lld are here, none is lost; cometfs --check reads them all", ready);
}

void doctor_check_daemon(struct doctor *doctor)
{
	static char document[CTL_DOCUMENT_SIZE];
	int fd = openat(doctor->ctl->root, NAME_META "/" NAME_STATS, O_RDONLY | O_CLOEXEC);
	int r = fd >= 0 ? ctl_document_read(fd, document) : -errno;
	if (fd >= 0)
		(void)close(fd);
	cJSON *stats = r == 0 ? cJSON_Parse(document) : NULL;
	if (stats == NULL) {
		doctor_tell(doctor, FINDING_BAD, "daemon", "%s: start cometfs again",
			r != 0 ? strerror(-r) : "its stats.json cannot be read");
		return;
	}
	doctor_tell(doctor, FINDING_OK, "daemon", "cometfs %s, since %s", text_of(stats, "version"),
		text_of(stats, "started_at"));
	check_key(doctor, stats);
	check_provider(doctor, stats);
	check_space(doctor, stats);
	check_health(doctor, stats);
	cJSON_Delete(stats);
}
