/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much a server may have on the way to us over one connection: TCP's receive window,
 * which is the receiver's to bound. Of a long reply just so much queues before the link,
 * and nothing more comes when it is not read.
 *
 * A bound never stops a reply. A sender waits for a window that takes a whole segment (RFC
 * 1122, 4.2.3.4), and for a window that is smaller it waits 200 ms each time. So no bound is below two
 * of the largest segments that the server may send: 3 KiB where packets have 1500 bytes, but
 * 128 KiB over loopback. And if nothing comes for some seconds, whatever the reason, the bound
 * is lifted until the next is set.
 */
#ifndef ORIGIN_WINDOW_H
#define ORIGIN_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <curl/curl.h>
#include "format.h"

/* A handle has one connection to each server that it was redirected to. */
#define WINDOW_SOCKETS	4

/**
 * struct window - of one handle of libcurl
 * @fd: its sockets, @count of them; of more, the rest are not bounded
 * @bytes: that may be on the way; 0: as many as the kernel likes
 * @bounded: some socket may have another bound
 * @waits_since: nothing has come since then, in milliseconds; 0: something has come since the
 *	last window_wait()
 */
struct window {
	int fd[WINDOW_SOCKETS];
	unsigned int count;
	size_t bytes;
	bool bounded;
	u64 waits_since;
};

/* Be told of the handle's sockets; @window must outlive it. */
CURLcode window_watch(struct window *window, CURL *curl);

/*
 * From now on so many bytes, or two segments where those are more; 0: as many as the kernel
 * likes.
 */
void window_set(struct window *window, size_t bytes);

/*
 * Bytes of a reply have come: the connection may be a new one, and the kernel widens windows
 * of connections that use all of theirs.
 */
void window_keep(struct window *window);

/* More is waited for, at @now, in milliseconds of any clock. To be called at least each second. */
void window_wait(struct window *window, u64 now);

#endif /* ORIGIN_WINDOW_H */
