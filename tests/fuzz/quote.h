/* SPDX-License-Identifier: MIT */
/* quote: JSON strings, read by another hand than the program's. */
#ifndef QUOTE_H
#define QUOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether a string in the JSON says this text, no more and no less. */
bool quote_is_in(const uint8_t *json, size_t length, const char *text);

#endif
