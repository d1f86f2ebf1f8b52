/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tell the service manager how it goes: sd_notify(3)'s protocol, which is one
 * datagram. Does nothing when there is none ($NOTIFY_SOCKET).
 */
#ifndef LOADER_NOTIFY_H
#define LOADER_NOTIFY_H

/* Look for the service manager; children do not inherit its address. */
void notify_init(void);

/* Assignments as in sd_notify(3), one a line: "READY=1\nSTATUS=..." */
void notify(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif /* LOADER_NOTIFY_H */
