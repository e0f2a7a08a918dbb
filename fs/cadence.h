/* SPDX-License-Identifier: MIT */
/* cadence: how long to wait before the next try. Private to the engine. Pure but for the jitter. */
#ifndef CADENCE_H
#define CADENCE_H

#include <stdint.h>

/*
 * Between two polls of a job that was tracked age_ms ago: interval_ms while it is young, longer
 * later (contract section 8), never shorter; a tenth more or less, so that jobs that began
 * together do not stay together.
 */
int64_t cadence_interval(int64_t age_ms, int64_t interval_ms);

/* After so many failures in a row: up to 2 s doubled failures - 1 times, at most 60 s, full jitter. */
int64_t cadence_back_off(unsigned failures);

#endif
