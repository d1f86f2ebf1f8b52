/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Running the programs that make filesystems.
 */
#ifndef MKIMAGE_PROGRAM_H
#define MKIMAGE_PROGRAM_H

/**
 * program_run - run a program to its end
 * @argv: its command line, ended by NULL; looked up in PATH and the system's
 *	own folders
 * @environment: "NAME=VALUE" to be set for it, ended by NULL
 * @package: which package has it, for the message
 * @fd: left open in it
 *
 * The program's messages are shown only if it fails.
 *
 * Return: 0, or an errno below 0 after an error message.
 */
int program_run(const char *const *argv, const char *const *environment,
		const char *package, int fd);

#endif /* MKIMAGE_PROGRAM_H */
