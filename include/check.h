/* SPDX-License-Identifier: MIT */
/*
 * check: reads every video of a store, and compares it with what the catalog knows of it.
 *
 * Owns    the words of `cometfs --check`.
 * Thread  main's, when there is no other: nothing is mounted.
 * Never   asks the provider.
 */
#ifndef CHECK_H
#define CHECK_H

#include "catalog.h"
#include "store.h"

/*
 * Prints a line a video and a summary to standard output. 0 when all is well, 1 when a video is
 * damaged or gone, -errno when the catalog cannot be read. A damaged file is set aside, so that the
 * next mount fetches the video again; what is left of it is kept.
 */
int check_store(const struct store *store, struct catalog *catalog);

#endif
