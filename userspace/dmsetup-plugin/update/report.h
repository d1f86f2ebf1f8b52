/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The results of update and rollback.
 */
#ifndef SETUP_REPORT_H
#define SETUP_REPORT_H

#include "dmsetup-plugin/update/change.h"

/* Print the state of NAME. */
void update_report(const struct change *change);

/* Print the state that it would have. */
void update_report_dry(struct change *change);

#endif /* SETUP_REPORT_H */
