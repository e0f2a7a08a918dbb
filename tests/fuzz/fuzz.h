/* SPDX-License-Identifier: MIT */
/*
 * fuzz: what libFuzzer calls, and what the fuzzers share. Each of them is a file fuzz_X.c; `make fuzz`
 * links it with libFuzzer, which makes inputs up, `make check` with replay.c, which runs those that
 * are kept. What has to hold is asserted.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * The bytes up to the next end, which is stepped over, as a text in a block of exactly its size, where
 * a sanitizer sees a step too far. NULL when nothing is left. A NUL cuts it. The caller frees it.
 */
char *fuzz_next(const uint8_t **data, size_t *size, char end);

/* Aborts when text is not NUL-terminated within size bytes, or no UTF-8. */
void fuzz_check_text(const char *text, size_t size);

/* Opens the table of jobs at the first call. */
void fuzz_job_table(void);

#endif
