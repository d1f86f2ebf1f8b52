// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tell the service manager how it goes; see notify.h.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include "loader/notify.h"

static int manager = -1;

void notify_init(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t length = path ? strlen(path) : 0;

	/* A leading "@" means the abstract namespace: a zero byte. */
	if (length > 1 && (*path == '/' || *path == '@') &&
	    length < sizeof(address.sun_path)) {
		memcpy(address.sun_path, path, length);
		if (*path == '@')
			address.sun_path[0] = '\0';
		manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		/* Connected now: privileges may be gone when it is used. */
		if (manager >= 0)
			(void)!connect(manager, (struct sockaddr *)&address,
				       (socklen_t)(offsetof(struct sockaddr_un,
							    sun_path) + length));
	}
	unsetenv("NOTIFY_SOCKET");
}

void notify(const char *format, ...)
{
	char text[512];
	va_list args;

	if (manager < 0)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	(void)!send(manager, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
}
