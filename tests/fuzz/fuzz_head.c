/* SPDX-License-Identifier: MIT */
/* Header lines of an answer, and Retry-After. The input is a line a line. */
#include "fuzz.h"

#include "../../fs/http_head.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_MS INT64_C(3600000)
#define NOVEMBER_1994_S INT64_C(784111777)

static bool is_visible(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			return false;
	return true;
}

static void check_retry(int64_t ms)
{
	assert(ms >= -1 && ms <= HOUR_MS);
}

/* What is known at one time is known at any; later there is less to wait. */
static void check_retry_after(const char *value)
{
	int64_t early = http_retry_after(value, NOVEMBER_1994_S);
	int64_t late = http_retry_after(value, NOVEMBER_1994_S + 60);

	check_retry(early);
	check_retry(late);
	check_retry(http_retry_after(value, 0));
	assert((early < 0) == (late < 0) && late <= early);
}

/* A tag goes back to a server, in a header of ours. */
static void check_etag(const char *etag)
{
	struct curl_slist *headers = NULL;
	bool added = etag[0] == '\0' || http_header_add(&headers, "If-Range:", etag);

	assert(added && is_visible(etag));
	if (etag[0] != '\0')
		assert(etag[0] == '"');
	http_headers_free(&headers);
}

static void check_head(const struct http_head *head)
{
	assert(head->status == 0);
	assert(head->length >= -1 && head->range_from >= -1 && head->range_total >= -1);
	check_retry(head->retry_after_ms);
	assert(memchr(head->type, '\0', sizeof(head->type)) != NULL);
	assert(strpbrk(head->type, "; \tABCDEFGHIJKLMNOPQRSTUVWXYZ") == NULL);
	assert(memchr(head->etag, '\0', sizeof(head->etag)) != NULL);
	check_etag(head->etag);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_head head;
	char *line = NULL;

	http_head_begin(&head);
	while ((line = fuzz_next(&data, &size, '\n')) != NULL) {
		const char *colon = strchr(line, ':');
		check_retry_after(colon != NULL ? colon + 1 : line);
		http_head_line(&head, line);
		check_head(&head);
		free(line);
	}
	return 0;
}
