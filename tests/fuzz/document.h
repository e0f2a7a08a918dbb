/* SPDX-License-Identifier: MIT */
/* document: status.json as its readers take it. */
#ifndef DOCUMENT_H
#define DOCUMENT_H

#include "job.h"

/*
 * Aborts when the document of the job is no JSON, has a bare control character, or does not say what
 * the job does: no text from outside breaks it. That of the job's copy has to be the same.
 */
void document_check(const struct job *job, const struct job *copy, const char *provider);

#endif
