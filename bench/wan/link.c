// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * usage: link MEGABITS RTT LOSS QUEUE. A link between two network namespaces, wan-server and
 * wan-client, which have an interface wan0 each: packets to the client wait for the link in a queue of
 * QUEUE bytes, or are dropped, then LOSS percent of them are lost, and the others arrive half of RTT
 * milliseconds later; those to the server are late by as much. Prints "ready", goes on until
 * its input ends, and prints how many packets it has dropped and lost.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define NANO		1000000000ull
#define PACKET_MAX	1600
#define ETHERNET	14u
#define BATCH		64
/* Packets on the way: 1 Gbit/s for 700 ms. */
#define ROOM		65536u
#define PAUSE_MAX	(2 * NANO / 1000)

struct packet {
	uint64_t at;
	ssize_t length;
	unsigned char bytes[PACKET_MAX];
};

/**
 * struct direction - what goes one way
 * @rate: bytes per second; 0: any
 * @free_at: when the link has sent all that has come
 * @packet: those on the way, from @first to before @end, which count up
 */
struct direction {
	int from;
	int to;
	double rate;
	double queue;
	double loss;
	uint64_t delay;
	uint64_t free_at;
	struct packet *packet;
	unsigned int first;
	unsigned int end;
	unsigned long dropped;
	unsigned long lost;
};

static uint64_t state;

static double any(void)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (double)(state >> 11) / (double)(1ull << 53);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NANO + (uint64_t)t.tv_nsec;
}

static void fail(const char *what)
{
	fprintf(stderr, "bench/wan/link: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* The calling thread is in that namespace from now on. */
static int interface_in(const char *namespace)
{
	struct ifreq request = { .ifr_name = "wan0", .ifr_flags = IFF_TUN | IFF_NO_PI };
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", namespace);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		fail(path);
	close(fd);
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request))
		fail("/dev/net/tun");
	return fd;
}

/* When a packet that comes now has passed the link; 0: it is dropped. */
static uint64_t pass(struct direction *direction, ssize_t length)
{
	uint64_t time = now(), starts = time;

	if (!direction->rate)
		return time;
	if (direction->free_at > starts)
		starts = direction->free_at;
	if ((double)(starts - time) / NANO * direction->rate > direction->queue) {
		direction->dropped++;
		return 0;
	}
	direction->free_at = starts + (uint64_t)((double)(length + ETHERNET) / direction->rate * NANO);
	return direction->free_at;
}

/* Return: has one come? */
static int take(struct direction *direction)
{
	struct packet *packet = &direction->packet[direction->end % ROOM];
	uint64_t at;

	if (direction->end - direction->first == ROOM)
		return 0;
	packet->length = read(direction->from, packet->bytes, PACKET_MAX);
	if (packet->length <= 0)
		return 0;
	at = pass(direction, packet->length);
	if (!at)
		return 1;
	if (any() < direction->loss) {
		direction->lost++;
		return 1;
	}
	packet->at = at + direction->delay;
	direction->end++;
	return 1;
}

static void *carry(void *context)
{
	struct direction *direction = context;
	struct pollfd fd = { .fd = direction->from, .events = POLLIN };

	for (;;) {
		uint64_t pause = PAUSE_MAX, time = now();
		struct packet *packet;
		int i = 0;

		while (direction->first != direction->end) {
			packet = &direction->packet[direction->first % ROOM];
			if (packet->at > time) {
				pause = packet->at - time;
				break;
			}
			/* One that the other side has no room for is lost. */
			if (write(direction->to, packet->bytes, (size_t)packet->length) < 0)
				direction->lost++;
			direction->first++;
		}
		while (i < BATCH && take(direction))
			i++;
		if (!i) {
			struct timespec t = { .tv_nsec = (long)(pause < PAUSE_MAX ? pause : PAUSE_MAX) };

			ppoll(&fd, 1, &t, NULL);
		}
	}
	return NULL;
}

static void start(struct direction *direction)
{
	pthread_t thread;

	direction->packet = calloc(ROOM, sizeof(*direction->packet));
	if (!direction->packet || pthread_create(&thread, NULL, carry, direction))
		fail("cannot start");
}

int main(int argc, char **argv)
{
	static struct direction down, up;
	char byte;

	if (argc != 5) {
		fputs("usage: link MEGABITS RTT LOSS QUEUE\n", stderr);
		return 2;
	}
	state = now();
	down.from = up.to = interface_in("wan-server");
	down.to = up.from = interface_in("wan-client");
	down.rate = atof(argv[1]) * 1e6 / 8;
	down.delay = up.delay = (uint64_t)(atof(argv[2]) * NANO / 2000);
	down.loss = atof(argv[3]) / 100;
	down.queue = atof(argv[4]);
	start(&down);
	start(&up);
	puts("ready");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	printf("%lu packets dropped, %lu lost\n", down.dropped, down.lost);
	return 0;
}
