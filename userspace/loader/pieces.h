/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Work that no reader waits for: a start-up list in its order, and the rest of the image in
 * file order. A job of it is a piece that is cut off when a worker is free.
 */
#ifndef LOADER_PIECES_H
#define LOADER_PIECES_H

#include "loader/queue.h"

/*
 * A list may come: nothing of the background starts before queue_startup(), or for
 * so many milliseconds.
 */
void queue_expect_startup(struct queue *queue, unsigned int milliseconds);

/**
 * queue_startup - fetch the ranges of a start-up list
 * @ranges: whole chunks inside the image, in the order in which to fetch them;
 *	the caller's, kept until queue_destroy()
 * @count: of @ranges; 0: there is no list
 * @metadata: ranges after the first so many are verified with those, and so when
 *	these have come, or have failed; their bytes may come before
 *
 * To be called once, or again after a call without a list. Present chunks are
 * passed over. No background work starts as long as any of the list is left that
 * has not failed.
 */
void queue_startup(struct queue *queue, const struct incr_range *ranges,
		   size_t count, size_t metadata);

/*
 * So many bytes were fetched for a job of the list. Those at the edges of a range are
 * fetched in vain. A hostile list can have many edges: if it costs several times what it
 * has, the rest of it is left out.
 */
void queue_startup_fetched(struct queue *queue, u64 bytes);

/* Is nothing of the list left, or only what has failed and is tried again? */
bool queue_startup_over(struct queue *queue);

/*
 * Does the list tell better than @request, and what is around it, what will be read next? Then no
 * bytes are fetched for a hint, nor around a demand: most of them would not be read. That is
 * so as long as few demands are not in the list.
 */
bool queue_startup_tells(struct queue *queue, const struct dm_incremental_request *request);

/* ---- steps of choice.h and requests.h: @queue->lock is held ---- */

/*
 * A reader waits for what begins at @offset. The list of another program is given up: when
 * most of what readers wait for is not in it. Return: it is given up now.
 */
bool queue_startup_judge(struct queue *queue, u64 offset);

/* Is something of the list left that has not failed? */
bool queue_startup_left(const struct queue *queue);

/* The next piece of the list, or of the rest; NULL: there is none now. */
struct job *queue_new_startup(struct queue *queue);
struct job *queue_new_background(struct queue *queue);

#endif /* LOADER_PIECES_H */
