/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Modules of the kernel.
 */
#ifndef COMMON_MODPROBE_H
#define COMMON_MODPROBE_H

/* Run modprobe(8), quietly; whether it helped the caller sees by what it needs. */
void modprobe(const char *module);

#endif /* COMMON_MODPROBE_H */
