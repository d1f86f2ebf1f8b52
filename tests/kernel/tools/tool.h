/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions that the programs of the kernel tests share. They end the program, with
 * a sentence, at the first error.
 */
#ifndef TEST_TOOL_H
#define TEST_TOOL_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "format.h"

/* Each program's own: print its usage and end with status 2. */
_Noreturn void usage(void);

/* Print @what and the text of errno, and end with status 1. */
_Noreturn void die(const char *what);

/* A number of the command line, decimal, or hexadecimal after 0x. */
u64 number(const char *text);

int open_or_die(const char *path, int flags);

/* Aligned for O_DIRECT; not zeroed. */
void *alloc(size_t size);

/* Read all of it, less only at the end of the file. Return: bytes. */
size_t read_at(int fd, void *buffer, size_t length, u64 offset);
void write_at(int fd, const void *buffer, size_t length, u64 offset);

/* Of a clock that only goes forward. */
u64 milliseconds(void);
void sleep_ms(u64 ms);

/* The next of a series that follows from the first @state. */
u64 random_next(u64 *state);

void print_hex(const u8 *bytes, u32 length);

#endif /* TEST_TOOL_H */
