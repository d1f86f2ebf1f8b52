/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What update and rollback have done.
 */
#ifndef SETUP_REPORT_H
#define SETUP_REPORT_H

#include "dmsetup-plugin/update/change.h"

/* Say what NAME is now. */
void update_report(const struct change *change);

/* Say what it would be. */
void update_report_dry(struct change *change);

#endif /* SETUP_REPORT_H */
