/* SPDX-License-Identifier: MIT */
/* The names of all jobs. */
#include "ctl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct list {
	char **ids;
	size_t count, room;
};

static int append(struct list *list, const char *id)
{
	if (list->count == list->room) {
		size_t room = list->room > 0 ? list->room * 2 : 256;
		char **ids = reallocarray(list->ids, room, sizeof(*ids));
		if (ids == NULL)
			return -ENOMEM;
		list->ids = ids;
		list->room = room;
	}
	list->ids[list->count] = strdup(id);
	return list->ids[list->count] != NULL ? (list->count++, 0) : -ENOMEM;
}

/* What is no id is nothing that a shell's completion, or a terminal, should see: anybody can mount a cometfs. */
static int read_names(DIR *dir, struct list *list)
{
	const struct dirent *entry;
	int r = 0;
	for (errno = 0; r == 0 && (entry = readdir(dir)) != NULL; errno = 0)
		if (ctl_id_is_good(entry->d_name))
			r = append(list, entry->d_name);
	return r != 0 ? r : -errno;
}

ssize_t ctl_job_list(const struct ctl *ctl, char ***ids)
{
	struct list list = { 0 };
	int fd = openat(ctl->jobs, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (dir == NULL)
		return -errno;
	int r = read_names(dir, &list);
	(void)closedir(dir);
	if (r != 0) {
		ctl_job_list_free(list.ids, (ssize_t)list.count);
		return r;
	}
	*ids = list.ids;
	return (ssize_t)list.count;
}

void ctl_job_list_free(char **ids, ssize_t count)
{
	for (ssize_t i = 0; i < count; i++)
		free(ids[i]);
	free(ids);
}
