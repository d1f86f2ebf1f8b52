// SPDX-License-Identifier: GPL-2.0-or-later
/* The receive window of a handle's connections; see window.h. */
#include <unistd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include "origin/window.h"

/* No bound: more than any buffer has. */
#define UNBOUNDED	(1 << 30)
/* Milliseconds without a byte, after which the bound is lifted. */
#define WAIT_MAX	3000u

/*
 * It is not bounded yet: a bound that is there before the connection would also limit how
 * large its window may ever be (RFC 7323's scale).
 */
static int on_socket(void *context, curl_socket_t fd, curlsocktype purpose)
{
	struct window *window = context;

	(void)purpose;
	if (window->count < WINDOW_SOCKETS)
		window->fd[window->count++] = fd;
	return CURL_SOCKOPT_OK;
}

static int on_close(void *context, curl_socket_t fd)
{
	struct window *window = context;
	unsigned int i;

	for (i = 0; i < window->count; i++)
		if (window->fd[i] == fd)
			window->fd[i--] = window->fd[--window->count];
	return close(fd);
}

CURLcode window_watch(struct window *window, CURL *curl)
{
	CURLcode c = curl_easy_setopt(curl, CURLOPT_SOCKOPTFUNCTION, on_socket);

	if (c == CURLE_OK)
		c = curl_easy_setopt(curl, CURLOPT_SOCKOPTDATA, window);
	if (c == CURLE_OK)
		c = curl_easy_setopt(curl, CURLOPT_CLOSESOCKETFUNCTION,
				     on_close);
	if (c == CURLE_OK)
		c = curl_easy_setopt(curl, CURLOPT_CLOSESOCKETDATA, window);
	return c;
}

/* What a window on @fd needs to be, so that the server never waits for it; 0: not known. */
static size_t least_on(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t size = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size))
		return 0;
	return 2 * (size_t)info.tcpi_advmss;
}

/*
 * Each time that it is set some kernels cut the window to what is offered at that moment, which
 * may be less. So it is set only where it is another one: the kernel raises it, too.
 */
static void bound_one(int fd, int bytes)
{
	socklen_t size = sizeof(int);
	int old;

	/* If it cannot be bounded, more queues: that is no failure. */
	if (getsockopt(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, &old, &size) ||
	    old != bytes)
		setsockopt(fd, IPPROTO_TCP, TCP_WINDOW_CLAMP, &bytes,
			   sizeof(bytes));
}

static void bound(const struct window *window)
{
	unsigned int i;

	for (i = 0; i < window->count; i++) {
		int fd = window->fd[i], bytes = UNBOUNDED;
		size_t least = window->bytes ? least_on(fd) : 0;

		if (least && window->bytes < UNBOUNDED)
			bytes = (int)(window->bytes > least ? window->bytes :
							      least);
		bound_one(fd, bytes);
	}
}

void window_set(struct window *window, size_t bytes)
{
	window->bytes = bytes;
	window->waits_since = 0;
	if (bytes || window->bounded)
		bound(window);
	window->bounded = bytes;
}

void window_keep(struct window *window)
{
	window->waits_since = 0;
	if (window->bytes)
		bound(window);
}

void window_wait(struct window *window, u64 now)
{
	if (!window->bytes)
		return;
	if (!window->waits_since)
		window->waits_since = now;
	else if (now - window->waits_since >= WAIT_MAX)
		window_set(window, 0);
}
