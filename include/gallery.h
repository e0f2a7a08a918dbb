/* SPDX-License-Identifier: MIT */
/*
 * gallery: index.html, all jobs as a page for a browser.
 *
 * Owns    the page (gallery.html), and the form of the data in it.
 * Thread  any: pure functions.
 * Gives   bytes for jobs.
 * Never   knows where the jobs come from, or libfuse.
 */
#ifndef GALLERY_H
#define GALLERY_H

#include "figures.h"
#include "job.h"

/* What the page says of all jobs together. */
struct gallery_about {
	const char *mountpoint;
	const char *provider; /* its name */
	int64_t taken_ms; /* Unix milliseconds: when all this was so */
	int64_t wrong_ms[WRONGS]; /* for so long it has been wrong; 0: it is not */
};

/*
 * So many bytes are enough for a page of so many jobs: some more than are used, unless most of them have
 * long texts. At most GALLERY_MAX.
 */
#define GALLERY_MAX (UINT32_C(64) << 20)
uint32_t gallery_size(const struct job_counts *counts);

struct gallery;

/* A page in size bytes of the caller's, which are at least what gallery_size() says of no jobs. NULL without memory. */
struct gallery *gallery_new(const struct gallery_about *about, char *bytes, size_t size);

/* One job more, the newest first. Where there is no room for it, it is left out, and so are all after it. */
void gallery_add(struct gallery *gallery, const struct job *job);

/* Ends it: the length of the page. *omitted: how many jobs were left out. */
size_t gallery_end(struct gallery *gallery, size_t *omitted);

#endif
