// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Read from origins as incrementald does (userspace/loader/mirrors.c), without a
 * kernel, and compare with the image.
 *
 * usage: origintool [--jobs N] [--timeout SECONDS] [--window BYTES] [--origins FILE]
 *	  [--netrc-file FILE] and so on, as incrementald, IMAGE ORIGIN...
 *
 * With --window each connection bounds the bytes that are on the way (origin_window()).
 *
 * Commands on stdin, each answered by a line, "ok" or what is wrong:
 *
 *   read OFFSET LENGTH   one attempt, of the first origin
 *   all [OFFSET]         all of the image, in pieces, from there on; again and again, from one
 *                        origin after the other, what fails in a way that may pass
 *   after                what the last reply of "read" had for Retry-After
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>
#include "common/message.h"
#include "loader/mirrors.h"

#define PIECE	(512u << 10)

static const u8 *image;
static u64 size;
static struct stats stats;
static struct mirrors mirrors = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.log = RATELIMIT_INIT,
	.stats = &stats,
};
static struct connections connections;
static _Atomic u64 next;
static u64 first;
static atomic_int failed;

static int read_right(struct connections *from, unsigned int index, u64 offset,
		      size_t length, struct incr_error *error)
{
	u8 *buffer = malloc(length);
	int err;

	if (!buffer)
		return incr_fail(error, -ENOMEM, "out of memory");
	err = mirrors_read(&mirrors, index, from, offset, length, buffer, error);
	if (!err && memcmp(buffer, image + offset, length))
		err = incr_fail(error, -EBADMSG, "wrong bytes");
	free(buffer);
	return err;
}

/* One piece, from whichever has it. */
static int read_piece(struct connections *from, u64 offset, size_t length,
		      struct incr_error *error)
{
	unsigned int order[MIRRORS_MAX], i;
	bool passes = true;
	int err = 0;

	while (passes) {
		passes = false;
		mirrors_order(&mirrors, NO_MIRROR, order);
		for (i = 0; i < mirrors.count; i++) {
			err = read_right(from, order[i], offset, length, error);
			if (!err)
				return 0;
			passes |= origin_error_passes(err) || err == -ESTALE;
			mirrors_prefer_next(&mirrors, order[i]);
		}
		if (passes)
			usleep(100000);
	}
	return err;
}

static void *read_pieces(void *context)
{
	struct connections own = { .window = connections.window };
	struct incr_error error;
	u64 at;

	(void)context;
	while (!atomic_load(&failed) &&
	       (at = atomic_fetch_add(&next, PIECE)) < size) {
		size_t length;

		at = (at + first) % ((size + PIECE - 1) / PIECE * PIECE);
		length = size - at < PIECE ? size - at : PIECE;
		if (read_piece(&own, at, length, &error) &&
		    !atomic_exchange(&failed, 1))
			printf("%s\n", error.text);
	}
	connections_close(&own);
	return NULL;
}

static void read_all(unsigned int jobs, u64 from)
{
	pthread_t threads[64];
	unsigned int i;

	first = from / PIECE * PIECE;
	atomic_store(&next, 0);
	atomic_store(&failed, 0);
	for (i = 0; i < jobs; i++)
		if (pthread_create(&threads[i], NULL, read_pieces, NULL))
			exit(1);
	for (i = 0; i < jobs; i++)
		pthread_join(threads[i], NULL);
	if (!atomic_load(&failed))
		puts("ok");
}

static void run(const char *line, unsigned int jobs)
{
	struct incr_error error;
	u64 offset = 0, length;

	if (sscanf(line, "read %" SCNu64 " %" SCNu64, &offset, &length) == 2 &&
	    offset + length <= size)
		puts(read_right(&connections, 0, offset, length, &error) ?
		     error.text : "ok");
	else if (sscanf(line, "all %" SCNu64, &offset) == 1 ||
		 !strcmp(line, "all\n"))
		read_all(jobs, offset);
	else if (!strcmp(line, "after\n"))
		printf("%u\n", origin_retry_after(connections.to[0]));
	else
		puts("what?");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	struct option options[ACCESS_OPTIONS + 4] = {
		{ "jobs", required_argument, NULL, 'j' },
		{ "timeout", required_argument, NULL, 't' },
		{ "window", required_argument, NULL, 'w' },
	};
	struct origin_access access = { .first = 0 };
	char *origins[MIRRORS_MAX];
	struct origin_options how = { .timeout = 20 };
	struct mirror_image expected = { .offset = 0 };
	struct incr_error error;
	unsigned int jobs = 8, count = 0, i;
	char line[128];
	struct stat st;
	int option, fd, err = 0;

	message_init("origintool", MESSAGE_INFO);
	for (i = 0; i < ACCESS_OPTIONS; i++)
		options[i + 3] = (struct option){
			access_names[i], required_argument, NULL, 256 + (int)i,
		};
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'j')
			jobs = (unsigned int)atoi(optarg) & 63;
		else if (option == 't')
			how.timeout = (unsigned int)atoi(optarg);
		else if (option == 'w')
			connections.window = (size_t)atol(optarg);
		else if (option == 256 + ACCESS_ORIGINS)
			err = origin_read_list(optarg, origins, &count,
					       MIRRORS_MAX, &access, &error);
		else if (option >= 256)
			access.value[option - 256] = strdup(optarg);
		else
			return 1;
	}
	fd = optind < argc ? open(argv[optind], O_RDONLY) : -1;
	if (fd < 0 || fstat(fd, &st))
		return 1;
	size = (u64)st.st_size;
	image = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (image == MAP_FAILED)
		return 1;
	memcpy(&expected.super, image, sizeof(expected.super));
	expected.size = size;
	while (++optind < argc && count < MIRRORS_MAX)
		origins[count++] = strdup(argv[optind]);
	if (!err)
		err = origin_load(&how, &access, &error);
	if (!err)
		err = mirrors_open(&mirrors, origins, count, &how, &access,
				   &error);
	if (err) {
		puts(error.text);
		return 1;
	}
	if (mirrors_expect(&mirrors, &expected))
		return 1;
	while (fgets(line, sizeof(line), stdin))
		run(line, jobs);
	connections_close(&connections);
	mirrors_close(&mirrors);
	while (count)
		free(origins[--count]);
	origin_forget(&how);
	access_free(&access);
	return 0;
}
