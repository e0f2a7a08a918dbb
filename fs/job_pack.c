/* SPDX-License-Identifier: MIT */
/* A job by value has 7 KB, nearly all of it unused room of texts; packed it has some 500 bytes. */
#include "job_pack.h"

#include <stdlib.h>
#include <string.h>

#define NUMBERS offsetof(struct job, video_extents.at)
#define TEXT(field)                                                                                \
	{                                                                                          \
		offsetof(struct job, field), sizeof(((struct job *)NULL)->field)                   \
	}

/* All texts of struct job, in their order, the id first. */
static const struct {
	size_t at, size;
} texts[] = {
	TEXT(id),
	TEXT(error_message),
	TEXT(model),
	TEXT(url),
	TEXT(video_message),
	TEXT(etag),
	TEXT(sha256),
	TEXT(code),
	TEXT(message),
	TEXT(task_status),
	TEXT(status),
	TEXT(poll_error),
};

#define TEXTS (sizeof(texts) / sizeof(texts[0]))

/* The numbers, and the extents that are in use. */
static size_t head_size(const struct job *job)
{
	return NUMBERS + job->video_extents.count * sizeof(struct extent);
}

static size_t packed_head_size(const struct packed *packed)
{
	uint32_t extents;
	memcpy(&extents, (const char *)packed + offsetof(struct job, video_extents.count),
		sizeof(extents));
	return NUMBERS + extents * sizeof(struct extent);
}

struct packed *job_pack(const struct job *job)
{
	size_t lengths[TEXTS], total = head_size(job);
	for (size_t i = 0; i < TEXTS; i++) {
		lengths[i] = strnlen((const char *)job + texts[i].at, texts[i].size - 1);
		total += lengths[i] + 1;
	}
	char *bytes = malloc(total);
	if (bytes == NULL)
		return NULL;
	memcpy(bytes, job, head_size(job));
	char *to = bytes + head_size(job);
	for (size_t i = 0; i < TEXTS; i++) {
		memcpy(to, (const char *)job + texts[i].at, lengths[i]);
		to[lengths[i]] = '\0';
		to += lengths[i] + 1;
	}
	return (struct packed *)(void *)bytes;
}

void job_unpack_numbers(const struct packed *packed, struct job *job)
{
	memcpy(job, packed, packed_head_size(packed));
}

void job_unpack(const struct packed *packed, struct job *job)
{
	job_unpack_numbers(packed, job);
	const char *from = job_packed_id(packed);
	for (size_t i = 0; i < TEXTS; i++) {
		size_t length = strlen(from) + 1;
		memcpy((char *)job + texts[i].at, from, length);
		from += length;
	}
}

enum job_state job_packed_state(const struct packed *packed)
{
	enum job_state state;
	memcpy(&state, (const char *)packed + offsetof(struct job, state), sizeof(state));
	return state;
}

const char *job_packed_id(const struct packed *packed)
{
	return (const char *)packed + packed_head_size(packed);
}
