/* SPDX-License-Identifier: MIT */
#include "cadence.h"

#include "base.h"

#define BACK_OFF_MS 2000
#define BACK_OFF_MAX_MS 60000

int64_t cadence_interval(int64_t age_ms, int64_t interval_ms)
{
	static const struct {
		int64_t age_ms, interval_ms;
	} steps[] = {
		{ 120000, 0 },
		{ 600000, 10000 },
		{ 3600000, 30000 },
		{ 86400000, 300000 },
		{ INT64_MAX, 1800000 },
	};
	size_t i = 0;
	while (age_ms >= steps[i].age_ms)
		i++;
	if (interval_ms < steps[i].interval_ms)
		interval_ms = steps[i].interval_ms;
	return interval_ms - interval_ms / 10 + clock_jitter((uint32_t)(interval_ms / 5 + 1));
}

int64_t cadence_back_off(unsigned failures)
{
	int64_t most = BACK_OFF_MS;
	for (unsigned i = 1; i < failures && most < BACK_OFF_MAX_MS; i++)
		most *= 2;
	if (most > BACK_OFF_MAX_MS)
		most = BACK_OFF_MAX_MS;
	return 1 + clock_jitter((uint32_t)most);
}
