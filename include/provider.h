/* SPDX-License-Identifier: MIT */
/*
 * provider: the dialects of providers; what they say in, one normal form out.
 *
 * Owns    every quirk of a provider, beside the name of the sample body that shows it.
 * Thread  any: pure functions.
 * Gives   a path to ask at, a struct report for an answer.
 * Never   knows sockets, time, disk, locks or FUSE.
 */
#ifndef PROVIDER_H
#define PROVIDER_H

#include "cometfs.h"

#include <stddef.h>

/* One dialect: a constant. */
struct provider {
	const char *name; /* as in -o provider= and in status.json */
	const char *key_variable; /* the environment's name for the key */
	const char *path; /* of a poll, before the request id */
	/* See provider_read(). */
	void (*read)(int http_status, const char *body, size_t length, struct report *report);
};

/* The dialect of that name; NULL when there is none. */
const struct provider *provider_find(const char *name);

/* Whether text is a request id: 1 to 191 of A-Z a-z 0-9 . _ : -, no dot in front. */
bool provider_id_valid(const char *text);

/*
 * Whether an id that nobody tracks may be looked up at the provider: a UUID by shape (8-4-4-4-12
 * hexadecimal digits) or task_ and alphanumerics. Everything else that programs look for in a
 * directory (.Trash, desktop.ini) never leaves the machine.
 */
bool provider_id_askable(const char *text);

/*
 * Writes the URL of a poll for id (valid) into url: base, path, the id percent-encoded. base has
 * no trailing slash. -ENAMETOOLONG when it does not fit into size bytes.
 */
int provider_url(
	const struct provider *provider, const char *base, const char *id, char *url, size_t size);

/*
 * Reads the answer to a poll: any HTTP status from 200 on, any body of length bytes (NULL when
 * there is none). Always fills the report whole.
 */
void provider_read(const struct provider *provider, int http_status, const char *body,
	size_t length, struct report *report);

#endif
