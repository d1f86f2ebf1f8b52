/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A picture of a trace.
 */
#ifndef MKIMAGE_LISTS_SVG_H
#define MKIMAGE_LISTS_SVG_H

#include "libincremental/trace.h"

/*
 * Print a trace as SVG: time from left to right, the device from top to bottom, a
 * colour for each command. @name is its title.
 */
void trace_print_svg(const struct incr_trace *trace, const char *name);

#endif /* MKIMAGE_LISTS_SVG_H */
