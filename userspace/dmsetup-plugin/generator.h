/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * This program as systemd calls it early at boot: incremental-generator is a link to
 * it.
 */
#ifndef SETUP_GENERATOR_H
#define SETUP_GENERATOR_H

#include <stdbool.h>

/* Was the program called as the generator? */
bool generator_called(const char *name);

/*
 * Make systemd units of the lines of incrementaltab(5), in the first of the
 * directories that systemd.generator(7) tells. A wrong line is logged, and left
 * out. Return: an exit status.
 */
int generator_run(int argc, char **argv);

#endif /* SETUP_GENERATOR_H */
