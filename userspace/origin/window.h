/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How much a server may have on the way to us over one connection: TCP's receive window,
 * which is the receiver's to bound. Of a long reply just so much queues before the link,
 * and nothing more comes when it is not read.
 */
#ifndef ORIGIN_WINDOW_H
#define ORIGIN_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <curl/curl.h>

/* A handle has one connection to each server that it was redirected to. */
#define WINDOW_SOCKETS	4

/**
 * struct window - of one handle of libcurl
 * @fd: its sockets, @count of them; of more, the rest are not bounded
 * @bytes: that may be on the way; 0: as many as the kernel likes
 * @bounded: some socket may have another bound
 */
struct window {
	int fd[WINDOW_SOCKETS];
	unsigned int count;
	size_t bytes;
	bool bounded;
};

/* Be told of the handle's sockets; @window must outlive it. */
CURLcode window_watch(struct window *window, CURL *curl);

/* From now on so many bytes, 0: as many as the kernel likes. */
void window_set(struct window *window, size_t bytes);

/*
 * Bytes of a reply have come: the connection may be a new one, and the kernel widens windows
 * of connections that use all of theirs.
 */
void window_keep(struct window *window);

#endif /* ORIGIN_WINDOW_H */
