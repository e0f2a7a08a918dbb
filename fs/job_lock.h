/* SPDX-License-Identifier: MIT */
/*
 * job_lock: the one lock of all that is known of jobs. Private to job*.c.
 *
 * No other lock is taken under it, and nothing is called: there is comparing, copying and linking.
 */
#ifndef JOB_LOCK_H
#define JOB_LOCK_H

void job_lock(void);
void job_unlock(void);

#endif
