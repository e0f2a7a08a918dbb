/* SPDX-License-Identifier: MIT */
#include "ctl.h"
int ctl_doctor(struct ctl *ctl)
{
	(void)ctl;
	return 0;
}
