// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two loaders: one that answers, crudely, and one that never does.
 */
#include "kernel/tools/loadertool/loadertool.h"

bool show_readers;

void print_request(FILE *out, const struct dm_incremental_request *request)
{
	const __u32 *reserved = request->reserved;

	fprintf(out, "%" PRIu64 " %" PRIu64 " id=%" PRIu64 "%s%s%s%s%s",
		(u64)request->offset, (u64)request->length, (u64)request->id,
		request->flags & DM_INCREMENTAL_REQUEST_HINT ? " hint" : "",
		request->flags & DM_INCREMENTAL_REQUEST_REFETCH ? " refetch" : "",
		request->flags & DM_INCREMENTAL_REQUEST_AGAIN ? " again" : "",
		request->flags & DM_INCREMENTAL_REQUEST_GROWN ? " grown" : "",
		reserved[0] | reserved[1] | reserved[2] | reserved[3] ?
		" RESERVED IS NOT 0" : "");
	if (show_readers)
		fprintf(out, " pid=%u tid=%u uid=%u since=%" PRIu64,
			request->pid, request->tid, request->uid,
			(u64)request->since);
	putc('\n', out);
	fflush(out);
}

struct server {
	int node;
	int image;
	u64 delay;
	u64 limit;
	bool no_hints;
	bool one;
	FILE *log;
};

/* Answer one request, in pieces of 256 KiB. */
static void answer(struct server *server, const struct dm_incremental_request *request)
{
	static u8 *buffer;
	u64 done = 0;

	if (!buffer)
		buffer = alloc(256 << 10);
	if (server->log)
		print_request(server->log, request);
	if (request->flags & DM_INCREMENTAL_REQUEST_HINT && server->no_hints)
		return;
	if (server->delay)
		sleep_ms(server->delay);
	while (done < request->length) {
		u64 length = request->length - done;
		ssize_t r;

		if (length > 256 << 10)
			length = 256 << 10;
		if (length > server->limit)
			exit(0);
		read_at(server->image, buffer, length, request->offset + done);
		r = pwrite(server->node, buffer, length,
			   (off_t)(request->offset + done));
		if (r < 0) {
			/* The request comes again: try again then. */
			if (server->log) {
				fprintf(server->log, "%s %" PRIu64 "\n",
					strerrorname_np(errno),
					(u64)request->offset + done);
				fflush(server->log);
			}
			if (errno == ENODEV)
				exit(0);
			return;
		}
		server->limit -= (u64)r;
		done += (u64)r;
	}
}

int cmd_serve(int argc, char **argv)
{
	struct dm_incremental_request requests[64];
	struct server server = { .limit = UINT64_MAX };
	ssize_t r, i;
	int n;

	if (argc < 2)
		usage();
	for (n = 2; n < argc; n++) {
		if (!strncmp(argv[n], "delay=", 6))
			server.delay = number(argv[n] + 6);
		else if (!strncmp(argv[n], "limit=", 6))
			server.limit = number(argv[n] + 6);
		else if (!strcmp(argv[n], "nohints"))
			server.no_hints = true;
		else if (!strcmp(argv[n], "one"))
			server.one = true;
		else if (!strncmp(argv[n], "log=", 4))
			server.log = fopen(argv[n] + 4, "a");
		else
			usage();
	}
	server.image = open_or_die(argv[1], O_RDONLY);
	server.node = open_or_die(argv[0], O_RDWR);
	for (;;) {
		r = read(server.node, requests,
			 server.one ? sizeof(*requests) : sizeof(requests));
		if (r < 0 && errno == ENODEV)
			return 0;
		if (r < 0)
			die(argv[0]);
		for (i = 0; i < r / (ssize_t)sizeof(*requests); i++)
			answer(&server, &requests[i]);
	}
}

int cmd_hoard(int argc, char **argv)
{
	struct dm_incremental_request requests[64];
	ssize_t r, i;
	int node;

	if (argc != 1)
		usage();
	node = open_or_die(argv[0], O_RDWR);
	for (;;) {
		r = read(node, requests, sizeof(requests));
		if (r < 0 && errno == ENODEV)
			return 0;
		if (r < 0)
			die(argv[0]);
		for (i = 0; i < r / (ssize_t)sizeof(*requests); i++)
			print_request(stdout, &requests[i]);
	}
}
