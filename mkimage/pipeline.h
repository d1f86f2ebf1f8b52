/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pipeline: items are produced in order, worked on by all threads at once,
 * and consumed in the order they were produced in.
 */
#ifndef MKIMAGE_PIPELINE_H
#define MKIMAGE_PIPELINE_H

#include <stddef.h>

/**
 * struct pipeline - how items are made, worked on and used
 * @threads: number of workers, at least 1
 * @item_new: allocate an item that can be used again and again; NULL on failure
 * @item_free: @item may be NULL
 * @produce: fill in the next item. Return 1; 0 if there is none; or a negative
 * errno, which ends the pipeline.
 * @work: called by one of the workers
 * @consume: called in order. @produce and @consume run in the thread that
 * calls pipeline_run(), so they share @context without locks.
 *
 * @work and @consume return 0, or a negative errno that ends the pipeline.
 */
struct pipeline {
	unsigned int threads;
	void *context;
	void *(*item_new)(void *context);
	void (*item_free)(void *item);
	int (*produce)(void *context, void *item);
	int (*work)(void *context, void *item);
	int (*consume)(void *context, void *item);
};

/*
 * Return: 0, or the first negative errno in the order of the items; -ENOMEM comes
 * with a message.
 */
int pipeline_run(const struct pipeline *pipeline);

/* Enough for any machine; each takes up to 3 MiB. */
#define PIPELINE_THREADS_MAX	128

/*
 * The number of processors that this process may use, up to
 * PIPELINE_THREADS_MAX.
 */
unsigned int pipeline_threads(void);

#endif /* MKIMAGE_PIPELINE_H */
