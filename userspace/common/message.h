/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A tool's messages: one line each on stderr, or in the system's log once a
 * daemon has no stderr. May be called from any thread.
 */
#ifndef COMMON_MESSAGE_H
#define COMMON_MESSAGE_H

#include <stdbool.h>

enum message_level {
	MESSAGE_ERROR	= 3,	/* the numbers are syslog's */
	MESSAGE_WARNING	= 4,
	MESSAGE_INFO	= 6,
	MESSAGE_DEBUG	= 7,
};

/**
 * message_init - name the program and set how much it prints
 * @program: starts every line; not copied
 * @most: messages of a higher level are dropped
 */
void message_init(const char *program, enum message_level most);

/* From now on write to the system's log: stderr is about to go away. */
void message_use_syslog(void);

void message(enum message_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define message_error(...)	message(MESSAGE_ERROR, __VA_ARGS__)
#define message_warning(...)	message(MESSAGE_WARNING, __VA_ARGS__)
#define message_info(...)	message(MESSAGE_INFO, __VA_ARGS__)
#define message_debug(...)	message(MESSAGE_DEBUG, __VA_ARGS__)

/* Does anyone see a progress line: is stderr a terminal? */
bool message_has_progress(void);

/*
 * Draw a progress line over the last one; the next message erases it. Does
 * nothing unless stderr is a terminal. NULL: erase it.
 */
void message_progress(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

#endif /* COMMON_MESSAGE_H */
