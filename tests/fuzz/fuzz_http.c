// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzz target: replies of an HTTP origin, as the loader reads them. They go through
 * the real libcurl: instead of a connection it gets one end of a socket pair, and
 * the reply lies in the other end already, a packet for each part of it.
 *
 * An input is four bytes for the requested range, then the reply. In it, byte 1e
 * ends a packet; 1d ends the connection's bytes, and starts those of the next one
 * (after a redirect, or for the second read).
 */
#include <curl/curl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "fuzz/fuzz.h"
#include "origin/backend.h"

#define PACKET_END	0x1e
#define CONNECTION_END	0x1d
#define GUARD		0xa5

static const u8 *reply, *reply_end;	/* the rest of it */

/* Put the next connection's packets into a socket. */
static void put_packets(int fd)
{
	const u8 *start = reply;
	bool more = true;

	while (more && reply < reply_end) {
		u8 c = *reply++;

		more = c != CONNECTION_END;
		if (more && c != PACKET_END && reply < reply_end)
			continue;
		start = start > reply_end ? reply_end : start;
		if (c == PACKET_END || c == CONNECTION_END) {
			if (reply - 1 > start)
				send(fd, start, (size_t)(reply - 1 - start),
				     MSG_DONTWAIT);
		} else {
			send(fd, start, (size_t)(reply - start), MSG_DONTWAIT);
		}
		start = reply;
	}
	shutdown(fd, SHUT_WR);
}

static int peers[16], peer_count;

static curl_socket_t open_socket(void *context, curlsocktype purpose,
				 struct curl_sockaddr *address)
{
	int ends[2];

	(void)context, (void)purpose, (void)address;
	if (peer_count == 16 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return CURL_SOCKET_BAD;
	put_packets(ends[1]);
	peers[peer_count++] = ends[1];	/* requests are sent to it */
	return ends[0];
}

/*
 * libcurl 7.88 connects sockets even if they are said to be connected. All of
 * this program's sockets are.
 */
int connect(int fd, const struct sockaddr *address, socklen_t length)
{
	(void)fd, (void)address, (void)length;
	return 0;
}

static bool contains(const u8 *data, size_t size, const char *word)
{
	size_t length = strlen(word), i;

	for (i = 0; i + length <= size; i++)
		if (!strncasecmp((const char *)data + i, word, length))
			return true;
	return false;
}

/* The bytes that were read must be in the reply, in this order. */
static void check_read(const u8 *data, size_t size, const u8 *got,
		       size_t length)
{
	u8 *plain;
	size_t i, n = 0;

	plain = malloc(size + 1);
	MUST(plain);
	for (i = 0; i < size; i++)
		if (data[i] != PACKET_END)
			plain[n++] = data[i];
	MUST(contains(plain, n, "transfer-encoding") ||
	     memmem(plain, n, got, length));
	free(plain);
}

static void test_read(struct origin_connection *connection, u64 offset,
		      size_t length, const u8 *data, size_t size)
{
	struct incr_error error = { "" };
	u8 *buffer = malloc(length);
	int ret;

	MUST(buffer);
	memset(buffer, GUARD, length);
	ret = origin_read(connection, offset, length, buffer, &error);
	if (ret) {
		MUST(ret == -ENOENT || ret == -EACCES || ret == -EPROTO ||
		     ret == -EAGAIN || ret == -EHOSTUNREACH ||
		     ret == -ENOMEM || ret == -ESTALE);
		MUST(error.text[0]);
	} else {
		check_read(data, size, buffer, length);
	}
	free(buffer);
}

/* A file of @most bytes at most. */
static void test_get(struct origin_connection *connection, size_t most,
		     const u8 *data, size_t size)
{
	struct incr_error error = { "" };
	size_t length;
	char *got;
	int ret = origin_get(connection, most, &got, &length, &error);

	if (ret) {
		MUST(error.text[0]);
		return;
	}
	MUST(length <= most);
	check_read(data, size, (u8 *)got, length);
	free(got);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	/* The machine's proxy must not be asked. */
	unsetenv("http_proxy");
	unsetenv("all_proxy");
	unsetenv("ALL_PROXY");
	return 0;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static const u64 offsets[] = { 0, 1, 4096, 1ull << 20, 1ull << 40 };
	const struct origin_options options = { .timeout = 1 };
	struct origin_connection *connection;
	struct origin *origin;
	struct incr_error error;
	u64 offset;
	size_t length;
	int i;

	if (size < 4 || size > 65536)
		return 0;
	offset = offsets[data[0] % 5] + data[1];
	length = 1 + ((size_t)data[2] << 8 | data[3]) % 8192;
	reply = data + 4;
	reply_end = data + size;
	peer_count = 0;

	MUST(!origin_open(&origin, "http://127.0.0.1:1/app.inc", &options,
			  &error));
	MUST(!origin_connect(&connection, origin, &error));
	curl_easy_setopt(connection->handle, CURLOPT_OPENSOCKETFUNCTION,
			 open_socket);
	/* A connection that is kept may have bytes left over. */
	for (i = 0; i < 2; i++) {
		if (data[0] < 128)
			test_read(connection, offset, length, data + 4,
				  size - 4);
		else
			test_get(connection, length, data + 4, size - 4);
		/* Whatever version that was, the second one is asked for. */
		origin_vouch(connection);
	}
	origin_size(origin);
	origin_disconnect(connection);
	origin_close(origin);
	for (i = 0; i < peer_count; i++)
		close(peers[i]);
	return 0;
}
