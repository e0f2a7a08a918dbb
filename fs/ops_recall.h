/* SPDX-License-Identifier: MIT */
/* ops_recall: what the kernel keeps, and until when. Private to ops*.c. */
#ifndef OPS_RECALL_H
#define OPS_RECALL_H

#include <stdint.h>

/* From when there is a session, before there are jobs; until they have gone. */
void ops_recall_begin(void);
void ops_recall_end(void);

/* Takes the attributes of an inode back; it waits for nothing. */
void ops_recall(uint64_t inode);

#endif
