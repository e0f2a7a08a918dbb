/* SPDX-License-Identifier: MIT */
/*
 * A part under way: what is written, what of it is hashed, and how it becomes a whole video.
 */
#include "extents.h"
#include "store_files.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK ((size_t)16384) /* on the stack */

/* The disk thread only. */
struct store_part {
	int fd;
	int videos_fd; /* the store's */
	uint64_t serial;
	int64_t bytes; /* its front */
	int64_t end; /* of the file: of the front or of a piece beyond it */
	int64_t hashed; /* of the front; all, when it may grow */
	int64_t reserved;
	uint32_t crc; /* of what was read since the last join */
	bool named; /* its name is on disk */
	bool dirty; /* not all of it is */
	EVP_MD_CTX *hash;
};

/* ---- opening ----------------------------------------------------------------------------------- */

void store_part_close(struct store_part *part)
{
	if (part == NULL)
		return;
	if (part->fd >= 0)
		(void)close(part->fd);
	EVP_MD_CTX_free(part->hash);
	free(part);
}

static struct store_part *part_new(const struct store *store, uint64_t serial)
{
	struct store_part *part = calloc(1, sizeof(*part));
	if (part == NULL)
		return NULL;
	part->fd = -1;
	part->videos_fd = store->videos_fd;
	part->serial = serial;
	part->dirty = true;
	part->hash = EVP_MD_CTX_new();
	if (part->hash == NULL || EVP_DigestInit_ex(part->hash, EVP_sha256(), NULL) != 1) {
		store_part_close(part);
		return NULL;
	}
	return part;
}

static int open_file(struct store_part *part, enum store_kind kind, int flags)
{
	char name[VIDEO_NAME_SIZE];
	struct stat st;
	store_video_name(name, part->serial, kind);
	part->fd = store_open_file(part->videos_fd, name, flags);
	if (part->fd < 0)
		return part->fd;
	if (fstat(part->fd, &st) < 0)
		return -errno;
	part->bytes = part->end = st.st_size;
	return 0;
}

static int cut(struct store_part *part, int64_t bytes)
{
	int r;
	do {
		r = ftruncate(part->fd, bytes) < 0 ? -errno : 0;
	} while (r == -EINTR);
	return r;
}

/* A new one. Somebody's directory in its place may have things in it. */
static int make_file(const struct store *store, struct store_part *part)
{
	int r = store_delete_part(store, part->serial);
	if (r == 0)
		r = open_file(part, STORE_PART, O_RDWR | O_CREAT);
	if (r == -EISDIR && store_move_aside(part->videos_fd, part->serial, STORE_PART) == 0)
		r = open_file(part, STORE_PART, O_RDWR | O_CREAT);
	return r;
}

int store_part_open(const struct store *store, uint64_t serial, int64_t keep, int64_t end,
	struct store_part **part)
{
	assert(0 <= keep && keep <= end);
	struct store_part *new = part_new(store, serial);
	if (new == NULL)
		return -ENOMEM;
	int r = end > 0 ? open_file(new, STORE_PART, O_RDWR | O_CREAT) : make_file(store, new);
	if (r == 0 && new->bytes > keep)
		new->bytes = keep;
	if (r == 0 && new->end > end) {
		new->end = end;
		r = cut(new, end);
	}
	if (r == 0)
		*part = new;
	else
		store_part_close(new);
	return r;
}

int store_hash_open(const struct store *store, uint64_t serial, struct store_part **part)
{
	struct store_part *new = part_new(store, serial);
	if (new == NULL)
		return -ENOMEM;
	int r = open_file(new, STORE_WHOLE, O_RDONLY);
	if (r == 0)
		*part = new;
	else
		store_part_close(new);
	return r == -ELOOP || r == -EUCLEAN ? -ENOENT : r;
}

/* ---- the hash ---------------------------------------------------------------------------------- */

static int hash_bytes(struct store_part *part, const char *data, size_t length)
{
	if (EVP_DigestUpdate(part->hash, data, length) != 1)
		return -EIO;
	part->hashed += (int64_t)length;
	return 0;
}

/* Hashes some of what is not hashed yet, at most length bytes: how many, or -errno. */
static ssize_t hash_chunk(struct store_part *part, size_t length)
{
	char chunk[CHUNK];
	ssize_t got;
	if (length > sizeof(chunk))
		length = sizeof(chunk);
	do {
		got = pread(part->fd, chunk, length, part->hashed);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	/* Somebody else has cut the file. */
	if (got == 0)
		return -EIO;
	part->crc = extents_crc(part->crc, chunk, (size_t)got);
	int r = hash_bytes(part, chunk, (size_t)got);
	return r != 0 ? r : got;
}

int store_part_rehash(struct store_part *part, size_t step_bytes)
{
	assert(step_bytes > 0);
	while (step_bytes > 0 && part->hashed < part->bytes) {
		int64_t rest = part->bytes - part->hashed;
		ssize_t got =
			hash_chunk(part, (uint64_t)rest < step_bytes ? (size_t)rest : step_bytes);
		if (got < 0)
			return (int)got;
		step_bytes -= (size_t)got;
	}
	return part->hashed < part->bytes ? 1 : 0;
}

static int hash_text(EVP_MD_CTX *hash, char sha256[SHA256_SIZE])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned length;
	if (EVP_DigestFinal_ex(hash, digest, &length) != 1)
		return -EIO;
	assert(length * 2 + 1 == SHA256_SIZE);
	for (size_t i = 0; i < length; i++)
		(void)snprintf(sha256 + i * 2, 3, "%02x", digest[i]);
	return 0;
}

int store_part_hash(const struct store_part *part, char sha256[SHA256_SIZE])
{
	assert(part->hashed == part->bytes);
	EVP_MD_CTX *copy = EVP_MD_CTX_new();
	int r = -ENOMEM;
	if (copy != NULL && EVP_MD_CTX_copy_ex(copy, part->hash) == 1)
		r = hash_text(copy, sha256);
	EVP_MD_CTX_free(copy);
	return r;
}

int store_hash_finish(struct store_part *part, char sha256[SHA256_SIZE])
{
	assert(part->hashed == part->bytes);
	int r = hash_text(part->hash, sha256);
	store_part_close(part);
	return r;
}

/* ---- writing ----------------------------------------------------------------------------------- */

int64_t store_part_bytes(const struct store_part *part)
{
	return part->bytes;
}

int64_t store_part_end(const struct store_part *part)
{
	return part->end;
}

static int64_t size_of(const struct store_part *part)
{
	struct stat st;
	return fstat(part->fd, &st) < 0 || st.st_nlink == 0 ? -1 : st.st_size;
}

/*
 * What a failed try has written or reserved is given back; where even that fails, the next bytes write
 * over it. Never longer: where somebody has cut the file, there would be a hole that is read as zeros.
 */
static void cut_back(struct store_part *part)
{
	part->reserved = 0;
	if (size_of(part) >= part->end)
		(void)cut(part, part->end);
}

/* Not posix_fallocate(), which may write instead. */
int store_part_reserve(struct store_part *part, int64_t size)
{
	int r;
	if (size <= part->reserved)
		return 0;
	do {
		r = fallocate(part->fd, FALLOC_FL_KEEP_SIZE, 0, size) < 0 ? -errno : 0;
	} while (r == -EINTR);
	if (r == -ENOSPC || r == -EDQUOT) {
		cut_back(part);
		return -ENOSPC;
	}
	part->reserved = size;
	return 0;
}

static int write_all(struct store_part *part, int64_t at, const char *data, size_t length)
{
	size_t done = 0;
	while (done < length) {
		ssize_t n = pwrite(part->fd, data + done, length - done, at + (int64_t)done);
		if (n == 0)
			return -EIO;
		if (n > 0)
			done += (size_t)n;
		else if (errno != EINTR)
			return errno == EDQUOT ? -ENOSPC : -errno;
	}
	return 0;
}

static int write_at(struct store_part *part, int64_t at, const char *data, size_t length)
{
	int64_t to = at + (int64_t)length;
	/* A file that somebody has cut would get a hole, and one that has no name is nobody's. */
	int r = size_of(part) >= part->end ? write_all(part, at, data, length) : -EIO;
	part->dirty = true;
	if (r != 0)
		cut_back(part);
	else if (part->end < to)
		part->end = to;
	return r;
}

int store_part_append(struct store_part *part, const char *data, size_t length)
{
	assert(part->hashed == part->bytes);
	int r = write_at(part, part->bytes, data, length);
	if (r == 0)
		r = hash_bytes(part, data, length);
	if (r == 0)
		part->bytes += (int64_t)length;
	return r;
}

int store_part_put(struct store_part *part, int64_t at, const char *data, size_t length)
{
	assert(at >= part->bytes);
	return write_at(part, at, data, length);
}

void store_part_join(struct store_part *part, int64_t to)
{
	assert(part->bytes < to && to <= part->end && part->hashed == part->bytes);
	part->bytes = to;
	part->crc = 0;
}

uint32_t store_part_crc(const struct store_part *part)
{
	assert(part->hashed == part->bytes);
	return part->crc;
}

int store_part_sync(struct store_part *part)
{
	int r;
	do {
		r = fdatasync(part->fd) < 0 ? -errno : 0;
	} while (r == -EINTR);
	if (r == 0 && !part->named) {
		r = store_sync(part->videos_fd);
		part->named = r == 0;
	}
	if (r == 0)
		part->dirty = false;
	return r == -EDQUOT ? -ENOSPC : r;
}

static int rename_part(const struct store_part *part)
{
	char from[VIDEO_NAME_SIZE], to[VIDEO_NAME_SIZE];
	store_video_name(from, part->serial, STORE_PART);
	store_video_name(to, part->serial, STORE_WHOLE);
	int r = renameat(part->videos_fd, from, part->videos_fd, to) < 0 ? -errno : 0;
	/* Somebody's directory: it may have things in it. */
	if (r == -EISDIR && store_move_aside(part->videos_fd, part->serial, STORE_WHOLE) == 0)
		r = renameat(part->videos_fd, from, part->videos_fd, to) < 0 ? -errno : 0;
	return r;
}

/* Somebody may have put another file in its place. */
static bool has_its_name(const struct store_part *part)
{
	char name[VIDEO_NAME_SIZE];
	struct stat by_fd, by_name;
	store_video_name(name, part->serial, STORE_PART);
	return fstat(part->fd, &by_fd) == 0 &&
	       fstatat(part->videos_fd, name, &by_name, AT_SYMLINK_NOFOLLOW) == 0 &&
	       by_fd.st_dev == by_name.st_dev && by_fd.st_ino == by_name.st_ino;
}

int store_part_finish(struct store_part *part, char sha256[SHA256_SIZE])
{
	char text[SHA256_SIZE];
	assert(part->hashed == part->bytes);
	int r = hash_text(part->hash, text);
	/* Just what was hashed: nobody else's bytes behind it, none of ours missing, no other file. */
	if (r == 0 && (size_of(part) != part->bytes || !has_its_name(part)))
		r = -EIO;
	if (r == 0 && part->dirty)
		r = store_sync(part->fd);
	if (r == 0)
		r = rename_part(part);
	if (r == 0)
		r = store_sync(part->videos_fd);
	store_part_close(part);
	if (r == 0)
		memcpy(sha256, text, sizeof(text));
	return r == -EDQUOT ? -ENOSPC : r;
}
