/* SPDX-License-Identifier: MIT */
/* The ways in which programs read a file. */
#include "ways.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define PAGE ((size_t)4096)

static ssize_t result(ssize_t r)
{
	return r < 0 ? -errno : r;
}

/* Who reads beyond the end gets what is before it. */
static ssize_t by_pread(const struct place *place, off_t offset, size_t length, unsigned char *to)
{
	size_t beyond = offset + (off_t)length == place->size ? WAY_BEYOND : 0;
	ssize_t got = pread(place->fd, to, length + beyond, offset);
	return got > (ssize_t)length ? -EDOM : result(got);
}

static ssize_t by_preadv(const struct place *place, off_t offset, size_t length, unsigned char *to)
{
	size_t third = length / 3;
	const struct iovec parts[] = { { to, third }, { to + third, third },
		{ to + third + third, length - third - third } };
	return result(preadv(place->fd, parts, 3, offset));
}

/* As cp does: it looks for data, and for the end of it, and reads on from there. */
static ssize_t by_seek(const struct place *place, off_t offset, size_t length, unsigned char *to)
{
	off_t hole = lseek(place->fd, offset, SEEK_HOLE);
	off_t data = lseek(place->fd, offset, SEEK_DATA);
	if (hole < 0 || data < 0)
		return -errno;
	/* There are no holes, and there is nothing behind the end. */
	if (data != offset || hole != place->size)
		return -EDOM;
	if (lseek(place->fd, place->size, SEEK_DATA) >= 0 || errno != ENXIO)
		return -EDOM;
	if (lseek(place->fd, offset, SEEK_SET) < 0)
		return -errno;
	return result(read(place->fd, to, length));
}

/* ---- past the page cache ---------------------------------------------------------------------- */

static ssize_t read_pages(const struct place *place, int fd, off_t offset, size_t length)
{
	size_t done = 0;
	while (done < length) {
		ssize_t got = pread(fd, place->aligned + done, length - done, offset + (off_t)done);
		if (got < 0)
			return -errno;
		done += (size_t)got;
		/* What is no whole page is the end, as dd takes it. */
		if (got == 0 || done % PAGE != 0)
			break;
	}
	return (ssize_t)done;
}

static ssize_t by_direct(const struct place *place, off_t offset, size_t length, unsigned char *to)
{
	size_t before = (size_t)offset % PAGE;
	size_t whole = (before + length + PAGE - 1) / PAGE * PAGE;
	int fd = open(place->path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t got = read_pages(place, fd, offset - (off_t)before, whole);
	(void)close(fd);
	if (got < 0)
		return got;
	size_t came = (size_t)got > before ? (size_t)got - before : 0;
	came = came < length ? came : length;
	memcpy(to, place->aligned + before, came);
	return (ssize_t)came;
}

/* ---- through the page cache ------------------------------------------------------------------- */

static sigjmp_buf unreadable;

static void on_bus(int signal_number)
{
	(void)signal_number;
	siglongjmp(unreadable, 1);
}

int ways_open(void)
{
	struct sigaction action = { .sa_handler = on_bus };
	return sigaction(SIGBUS, &action, NULL) < 0 ? -errno : 0;
}

static ssize_t copy_pages(const unsigned char *pages, size_t length, unsigned char *to)
{
	if (sigsetjmp(unreadable, 1) != 0)
		return -EIO;
	memcpy(to, pages, length);
	return (ssize_t)length;
}

static ssize_t by_mapping(
	const struct place *place, off_t offset, size_t length, unsigned char *to, int flags)
{
	size_t before = (size_t)offset % PAGE;
	unsigned char *pages =
		mmap(NULL, before + length, PROT_READ, flags, place->fd, offset - (off_t)before);
	if (pages == MAP_FAILED)
		return -errno;
	ssize_t got = copy_pages(pages + before, length, to);
	(void)munmap(pages, before + length);
	return got;
}

static ssize_t by_private_mapping(
	const struct place *place, off_t offset, size_t length, unsigned char *to)
{
	return by_mapping(place, offset, length, to, MAP_PRIVATE);
}

static ssize_t by_shared_mapping(
	const struct place *place, off_t offset, size_t length, unsigned char *to)
{
	return by_mapping(place, offset, length, to, MAP_SHARED);
}

/* What a call has put into the scratch file. */
static ssize_t take_back(const struct place *place, ssize_t sent, unsigned char *to)
{
	if (sent < 0)
		return -errno;
	ssize_t got = pread(place->scratch, to, (size_t)sent, 0);
	if (got < 0 || ftruncate(place->scratch, 0) < 0)
		return -errno;
	return got == sent ? got : -EDOM;
}

static ssize_t by_sendfile(
	const struct place *place, off_t offset, size_t length, unsigned char *to)
{
	if (lseek(place->scratch, 0, SEEK_SET) < 0)
		return -errno;
	return take_back(place, sendfile(place->scratch, place->fd, &offset, length), to);
}

static ssize_t by_copy_range(
	const struct place *place, off_t offset, size_t length, unsigned char *to)
{
	off_t start = 0;
	return take_back(
		place, copy_file_range(place->fd, &offset, place->scratch, &start, length, 0), to);
}

/*
 * A file that is read past the cache cannot be mapped shared, and files of two file systems cannot
 * be copied by a range: then the kernel says so, and a program takes another way.
 */
const struct way ways[] = {
	{ "pread", by_pread, false, 0 },
	{ "preadv", by_preadv, false, 0 },
	{ "seek", by_seek, false, 0 },
	{ "direct", by_direct, false, 0 },
	{ "mmap-private", by_private_mapping, false, 0 },
	{ "mmap-shared", by_shared_mapping, false, ENODEV },
	{ "sendfile", by_sendfile, true, 0 },
	{ "copy_file_range", by_copy_range, true, EXDEV },
};

const size_t way_count = sizeof(ways) / sizeof(*ways);
