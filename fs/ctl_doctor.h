/* SPDX-License-Identifier: MIT */
/* What cometctl doctor finds out, and how it is told. */
#ifndef CTL_DOCTOR_H
#define CTL_DOCTOR_H

#include "ctl.h"

enum finding {
	FINDING_OK,
	FINDING_NOTE, /* worth to know: works as it is, or cannot be told from here */
	FINDING_BAD, /* something has to be done */
};

struct doctor {
	const struct ctl *ctl;
	char source[URL_SIZE];
	bool daemon_is_content; /* it has had answers of the provider lately */
	int bad;
};

/* A line: what, how it is, and what to do where it is not OK. */
void doctor_tell(struct doctor *doctor, enum finding finding, const char *what, const char *how,
	...) __attribute__((format(printf, 4, 5)));

/* ---- ctl_doctor_stats.c: what only the daemon can know, from its stats.json --------------------- */

void doctor_check_daemon(struct doctor *doctor);

/* ---- ctl_doctor_net.c: one HEAD request, without a key ------------------------------------------ */

void doctor_check_network(struct doctor *doctor);

#endif
