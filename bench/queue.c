// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * usage: queue WANTS. Put that many wants, all over the image, through the
 * loader's queue: each is asked for, asked for again, taken and done. bench/queue
 * counts the instructions.
 */
#include <stdlib.h>
#include "loader/choice.h"
#include "loader/requests.h"
#include "loader/results.h"

#define CHUNK	4096ull

int main(int argc, char **argv)
{
	unsigned long wants = argc > 1 ? strtoul(argv[1], NULL, 10) : 0, i;
	struct device device = { .fd = -1, .chunk = CHUNK };
	struct dm_incremental_request request = { .length = CHUNK };
	struct queue queue;
	unsigned long at = 0;

	queue_init(&queue, &device, (2 * wants + 1) * CHUNK, 8, -1, false);
	for (i = 0; i < wants; i++) {
		at = (at + 40503) % wants;
		request.offset = 2 * at * CHUNK;
		queue_add(&queue, &request);
	}
	request.flags = DM_INCREMENTAL_REQUEST_AGAIN;
	for (i = 0; i < wants; i++) {
		request.offset = 2 * i * CHUNK;
		queue_add(&queue, &request);
	}
	for (i = 0; i < wants; i++)
		queue_done(&queue, queue_take(&queue), false);
	queue_destroy(&queue);
	return 0;
}
