/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel asks for becomes jobs: demands and hints.
 *
 * The kernel's readers take turns, but only with wants that no loader has read. So
 * the queue has room for as many demands as are fetched at a time, so that each worker of these
 * has another one to go on with, and the rest stays in the kernel until there is
 * room again (queue_room()).
 */
#ifndef LOADER_REQUESTS_H
#define LOADER_REQUESTS_H

#include "loader/queue.h"

/**
 * queue_room - how many requests to read from the kernel
 *
 * Only demands that wait for a worker take room: not those put aside, nor those
 * held back by a range that is being fetched. If the answer is 0, @event is
 * written to as soon as there is room again.
 */
size_t queue_room(struct queue *queue);

/**
 * queue_hinted - are there hints around a demand?
 * @start, @end: the demand's bytes
 *
 * Return: the end of those behind it; @end if there are just some right before it; 0 if there
 * are none.
 */
u64 queue_hinted(struct queue *queue, u64 start, u64 end);

/*
 * Bytes around a read that are worth fetching with it; see pace_around(). Where the rest is not
 * fetched, each of them may be in vain: then they are no more than PACE_AROUND_FIRST.
 */
u64 queue_around(struct queue *queue);

/* Take a request of the kernel, whether there is room or not. */
void queue_add(struct queue *queue, const struct dm_incremental_request *request);

#endif /* LOADER_REQUESTS_H */
