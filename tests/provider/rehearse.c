/* SPDX-License-Identifier: MIT */
/* Finds and loads the files of a script before it is played. */
#include "builtin.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Where a script's files are looked for, in this order. */
static const struct place {
	bool by_script; /* from the script's directory, else from the working directory */
	const char *path;
} places[] = { { true, "/" }, { true, "/../" }, { true, "/../../data/" },
	{ false, "tests/provider/" }, { false, "tests/data/" } };

static int find_file(const char *directory, const char *name)
{
	char path[PATH_MAX];
	if (*name == '/')
		return open(name, O_RDONLY | O_CLOEXEC);
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		int length = snprintf(path, sizeof(path), "%s%s%s",
			places[i].by_script ? directory : "", places[i].path, name);
		if (length < 0 || (size_t)length >= sizeof(path))
			continue;
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0)
			return fd;
	}
	return -1;
}

static int fault(char *error, size_t room, const char *what, const char *name)
{
	(void)snprintf(error, room, "%s: %s", what, name);
	return -EINVAL;
}

static int file_size(int fd, int64_t *size)
{
	struct stat status;
	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	*size = status.st_size;
	return 0;
}

static int step_load(struct step *step, int fd)
{
	int64_t size = 0;
	int r = file_size(fd, &size);
	if (r)
		return r;
	step->loaded = malloc((size_t)size + 1);
	if (!step->loaded)
		return -ENOMEM;
	ssize_t got = pread(fd, step->loaded, (size_t)size, 0);
	step->loaded_length = got > 0 ? (size_t)got : 0;
	return got == size ? 0 : -EIO;
}

static int step_rehearse(struct step *step, const char *directory, char *error, size_t room)
{
	if (step->builtin && !builtin_find(step->builtin))
		return fault(error, room, "no such body", step->builtin);
	if (!step->file)
		return 0;
	int fd = find_file(directory, step->file);
	int r = step_load(step, fd);
	if (fd >= 0)
		close(fd);
	return r ? fault(error, room, "cannot be read", step->file) : 0;
}

int body_rehearse(struct script *script, const char *directory, char *error, size_t room)
{
	struct section *section;
	struct step *step;
	STAILQ_FOREACH (section, &script->sections, next) {
		if (section->file) {
			section->fd = find_file(directory, section->file);
			if (file_size(section->fd, &section->size))
				return fault(error, room, "cannot be read", section->file);
		}
		STAILQ_FOREACH (step, &section->steps, next) {
			int r = step_rehearse(step, directory, error, room);
			if (r)
				return r;
		}
	}
	return 0;
}
