/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Running the programs that make filesystems.
 */
#ifndef MKIMAGE_PROGRAM_H
#define MKIMAGE_PROGRAM_H

/**
 * program_run - run a program to its end
 * @argv: its command line, ended by NULL; looked up in PATH and the system's
 *	own directories
 * @environment: "NAME=VALUE" to be set for it, ended by NULL
 * @package: which package has it, for the message
 * @fd: left open in it
 * @no_space: texts by which the program says that its output is too small,
 *	ended by NULL; NULL if that is no use
 *
 * The program's messages are shown only if it fails.
 *
 * Return: 0, or a negative errno after an error message; -ENOSPC without a
 * message if the program failed with one of @no_space.
 */
int program_run(const char *const *argv, const char *const *environment,
		const char *package, int fd, const char *const *no_space);

#endif /* MKIMAGE_PROGRAM_H */
