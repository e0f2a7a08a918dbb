/* SPDX-License-Identifier: MIT */
/*
 * index.html comes in editions, each another file to the kernel: its size is given when it is first told
 * of, from the number of jobs; the page is made when it is opened, fits into that, and blanks follow it. So
 * to look at attributes costs nothing, all who have it open share one page, and no tool reads half of one
 * and half of another, whichever way it reads. An edition that nobody has open has no page.
 *
 * There are few editions, as their pages take memory. Who holds one open and reads nothing of it for long loses
 * it when there is no other left, and is told so (ESTALE): or some who forgot theirs would keep all others from
 * news. Then the handle is of no edition any more.
 */
#include "ops_file.h"

#include "base.h"
#include "gallery.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define EDITIONS 8 /* which can be opened; of so many at most there is a page in memory */
#define NEW_MS 1000 /* one is told of for so long */
#define IDLE_MS 60000 /* one that is open, but not read for so long, may be taken */
#define STEP 65536 /* of sizes */
#define PAD_LINE 4096 /* the length of a line of blanks */

/* An open that waits for the page that another one makes. */
struct waiting {
	STAILQ_ENTRY(waiting) link;
	fuse_req_t req;
	struct handle *handle;
	struct fuse_file_info fi;
};

STAILQ_HEAD(waitings, waiting);

/* Shared: under the lock. */
static struct edition {
	uint64_t inode; /* 0: not used yet */
	uint32_t size; /* of the file */
	uint32_t limit; /* of the page, what was told just before is no less */
	int64_t changed_ms;
	int64_t begun_ms; /* by clock_ms() */
	int64_t told_ms; /* likewise, when somebody was told of it last */
	int64_t used_ms; /* likewise, opened or read */
	unsigned opens;
	unsigned readers; /* who copy of its text just now */
	bool making; /* one who opens it makes its page */
	struct waitings waitings; /* the others */
	char *text; /* stays the same as long as it is open */
	size_t length;
} editions[EDITIONS];

static struct edition *latest;
static uint32_t epoch;
static uint32_t least; /* of sizes: a page was once cut */

/* ---- editions ------------------------------------------------------------------------------------ */

/* All of it goes back to the system at the end, and what is not written takes no memory. */
static char *page_new(size_t limit)
{
	char *text = mmap(NULL, limit, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return text != MAP_FAILED ? text : NULL;
}

static void page_free(char *text, size_t limit)
{
	if (text != NULL)
		(void)munmap(text, limit);
}

/* The one that has been told of longest ago, which nobody has open; NULL when there is none. */
static struct edition *oldest_free(void)
{
	struct edition *oldest = NULL;
	for (size_t i = 0; i < EDITIONS; i++) {
		struct edition *e = &editions[i];
		if (e->opens == 0 && (oldest == NULL || e->told_ms < oldest->told_ms))
			oldest = e;
	}
	return oldest;
}

static bool is_idle(const struct edition *e, int64_t now_ms)
{
	return e->text != NULL && e->readers == 0 && now_ms - e->used_ms >= IDLE_MS;
}

/* The one that nobody has read for longest, though it is open; NULL when all are read. */
static struct edition *oldest_idle(int64_t now_ms)
{
	struct edition *oldest = NULL;
	for (size_t i = 0; i < EDITIONS; i++) {
		struct edition *e = &editions[i];
		if (is_idle(e, now_ms) && (oldest == NULL || e->used_ms < oldest->used_ms))
			oldest = e;
	}
	return oldest;
}

/* The edition that a handle is of; NULL: it was taken. Under the lock. */
static struct edition *edition_of(const struct handle *handle)
{
	struct edition *e = handle->edition;
	return e->inode == handle->inode ? e : NULL;
}

/*
 * Who has just been told of the one before, and opens this one, may read no more than he was told. After a
 * restart it is no inode of before.
 */
static void begin(struct edition *e, uint32_t size, int64_t changed_ms, int64_t now_ms)
{
	bool just_told = latest != NULL && now_ms - latest->told_ms < NEW_MS;
	uint32_t limit = just_told && latest->size < size ? latest->size : size;
	if (epoch == 0)
		epoch = (uint32_t)(clock_wall_ms() / 1000);
	if (just_told && latest->size > size)
		size = latest->size;
	*e = (struct edition){ .inode = tree_inode_of_gallery(++epoch),
		.size = size,
		.limit = limit,
		.changed_ms = changed_ms,
		.begun_ms = now_ms,
		.told_ms = now_ms };
	STAILQ_INIT(&e->waitings);
	latest = e;
}

static uint32_t size_of_now(void)
{
	struct job_counts counts;
	job_counts(&counts);
	uint32_t size = gallery_size(&counts);
	return (size + STEP - 1) / STEP * STEP;
}

uint64_t ops_gallery_inode(void)
{
	uint32_t size = size_of_now();
	int64_t changed_ms = job_changed_ms(), now_ms = clock_ms();
	ops_file_lock();
	bool old = latest == NULL || now_ms - latest->begun_ms >= NEW_MS;
	struct edition *e = old ? oldest_free() : NULL;
	if (old && e == NULL)
		e = oldest_idle(now_ms);
	struct edition before = e != NULL ? *e : (struct edition){ .text = NULL };
	if (e != NULL)
		begin(e, size > least ? size : least, changed_ms, now_ms);
	uint64_t inode = latest->inode;
	ops_file_unlock();
	page_free(before.text, before.limit);
	return inode;
}

/* Under the lock. */
static struct edition *find(uint64_t inode)
{
	for (size_t i = 0; i < EDITIONS; i++) {
		if (editions[i].inode == inode)
			return &editions[i];
	}
	return NULL;
}

int ops_gallery_stat(uint64_t inode, uint32_t *size, int64_t *changed_ms)
{
	int64_t now_ms = clock_ms();
	ops_file_lock();
	struct edition *e = find(inode);
	if (e != NULL) {
		e->told_ms = now_ms;
		*size = e->size;
		*changed_ms = e->changed_ms;
	}
	ops_file_unlock();
	return e != NULL ? 0 : -ESTALE;
}

/* ---- the page ------------------------------------------------------------------------------------ */

static struct gallery_about about(void)
{
	struct gallery_about about = { .mountpoint = ops_context.mountpoint,
		.provider = ops_context.provider,
		.taken_ms = clock_wall_ms() };
	struct figures figures;
	figures_get(&figures);
	for (size_t i = 0; i < WRONGS; i++) {
		int64_t since_ms = figures.value[FIGURE_WRONG_MS + i];
		about.wrong_ms[i] = since_ms != 0 ? figures.now_ms - since_ms + 1 : 0;
	}
	return about;
}

/* NULL without memory. *omitted: how many jobs had no room. */
static char *make_page(size_t limit, size_t *length, size_t *omitted)
{
	const struct gallery_about a = about();
	char *text = page_new(limit);
	struct gallery *gallery = text != NULL ? gallery_new(&a, text, limit) : NULL;
	struct job job;
	if (gallery == NULL) {
		page_free(text, limit);
		return NULL;
	}
	for (uint64_t at = UINT64_MAX; (at = job_before(at, &job)) != 0;)
		gallery_add(gallery, &job);
	*length = gallery_end(gallery, omitted);
	return text;
}

/* Of one that was cut the next is twice as large. */
static void grow(const struct edition *e, size_t omitted)
{
	if (omitted > 0 && e->limit == e->size && e->size < GALLERY_MAX)
		least = e->size < GALLERY_MAX / 2 ? e->size * 2 : GALLERY_MAX;
}

static int publish(struct edition *e, struct waitings *waitings)
{
	size_t length = 0, omitted = 0;
	char *text = make_page(e->limit, &length, &omitted);
	int64_t now_ms = clock_ms();
	ops_file_lock();
	e->text = text;
	e->length = length;
	e->used_ms = now_ms;
	e->making = false;
	grow(e, omitted);
	STAILQ_CONCAT(waitings, &e->waitings);
	ops_file_unlock();
	return text != NULL ? 0 : -ENOMEM;
}

/* Who opens it first makes it. The answered are those whose open can be answered now, with what is returned. */
static int join(struct waiting *own, struct waitings *answered)
{
	ops_file_lock();
	struct edition *e = edition_of(own->handle);
	if (e == NULL || e->text != NULL) {
		ops_file_unlock();
		STAILQ_INSERT_TAIL(answered, own, link);
		return e != NULL ? 0 : -ESTALE;
	}
	bool making = e->making;
	e->making = true;
	STAILQ_INSERT_TAIL(&e->waitings, own, link);
	ops_file_unlock();
	return making ? 0 : publish(e, answered);
}

/* Nobody waits for a lock: who makes the page answers those who have come meanwhile. */
void ops_gallery_reply_open(fuse_req_t req, struct handle *handle, const struct fuse_file_info *fi)
{
	struct waitings answered = STAILQ_HEAD_INITIALIZER(answered);
	struct waiting *own = calloc(1, sizeof(*own)), *w;
	if (own == NULL) {
		ops_file_reply_open(req, handle, fi, -ENOMEM);
		return;
	}
	*own = (struct waiting){ .req = req, .handle = handle, .fi = *fi };
	int r = join(own, &answered);
	while ((w = STAILQ_FIRST(&answered)) != NULL) {
		STAILQ_REMOVE_HEAD(&answered, link);
		ops_file_reply_open(w->req, w->handle, &w->fi, r);
		free(w);
	}
}

int ops_gallery_open(struct handle *handle, struct fuse_file_info *fi)
{
	int64_t now_ms = clock_ms();
	ops_file_lock();
	struct edition *e = find(handle->inode);
	if (e != NULL) {
		e->opens++;
		e->used_ms = now_ms;
	}
	ops_file_unlock();
	handle->edition = e;
	fi->direct_io = true;
	return e != NULL ? 0 : -ESTALE;
}

void ops_gallery_close(const struct handle *handle)
{
	struct edition left = { .text = NULL };
	ops_file_lock();
	struct edition *e = edition_of(handle);
	assert(e == NULL || e->opens > 0);
	if (e != NULL && --e->opens == 0) {
		left = *e;
		e->text = NULL;
	}
	ops_file_unlock();
	page_free(left.text, left.limit);
}

/* ---- read ---------------------------------------------------------------------------------------- */

/* Blanks, and now and then the end of a line; of the file too. */
static void pad(char *to, size_t from, size_t end)
{
	for (size_t at = from; at < end; at++)
		*to++ = (at + 1) % PAD_LINE == 0 ? '\n' : ' ';
}

static void reply_slice(fuse_req_t req, const struct edition *e, size_t size, off_t offset)
{
	size_t at = (uint64_t)offset < e->size ? (size_t)offset : e->size;
	size_t end = size < e->size - at ? at + size : e->size;
	size_t text_end = end < e->length ? end : e->length;
	char *slice = malloc(end - at + 1);
	if (slice == NULL) {
		(void)fuse_reply_err(req, ENOMEM);
		return;
	}
	if (at < text_end)
		memcpy(slice, e->text + at, text_end - at);
	else
		text_end = at;
	pad(slice + (text_end - at), text_end, end);
	(void)fuse_reply_buf(req, slice, end - at);
	free(slice);
}

/* While it is counted as a reader, the edition stays as it is. */
void ops_gallery_read(fuse_req_t req, const struct handle *handle, size_t size, off_t offset)
{
	int64_t now_ms = clock_ms();
	ops_file_lock();
	struct edition *e = edition_of(handle);
	if (e != NULL) {
		e->readers++;
		e->used_ms = now_ms;
	}
	ops_file_unlock();
	if (e == NULL) {
		(void)fuse_reply_err(req, ESTALE);
		return;
	}
	reply_slice(req, e, size, offset);
	ops_file_lock();
	e->readers--;
	ops_file_unlock();
}
