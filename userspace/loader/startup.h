/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The start-up list: read once, in a thread of its own, and handed to the queue.
 * Until it is there, or it is known that there is none, nothing is fetched in the
 * background.
 *
 * It is not trusted. It may make us fetch parts of the image in vain, as often as
 * the image's size allows, and nothing else.
 */
#ifndef LOADER_STARTUP_H
#define LOADER_STARTUP_H

#include "libincremental/startup.h"
#include "loader/loader.h"
#include "loader/options.h"

/**
 * struct startup - a list, and where it may come from
 * @named: none but @from has it
 * @own: where the image has it itself; @length 0: it has none
 * @from: these may have it after that, in this order
 * @lock: protects all below but @thread
 * @wake: the thread is to end
 * @ranges: of the list, as whole chunks; @count of them, @bytes together; set
 *	once, before @ended
 * @ended: the thread has nothing more to do
 */
struct startup {
	struct loader *loader;
	bool named;
	struct incr_range own;
	struct origin *from[MIRRORS_MAX];
	unsigned int sources;
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct incr_range *ranges;
	size_t count;
	u64 bytes;
	bool ended;
	bool stop;
};

/*
 * Open the places that may have a list, with the caller's rights; a list that was
 * named must be there. Return: 0 or -errno; startup_close() follows in any case.
 */
int startup_open(struct startup *startup, struct loader *loader,
		 const struct options *options, struct incr_error *error);

/* The image is open, the queue is there: read the list. Return: 0 or -errno. */
int startup_begin(struct startup *startup);

/* End the thread. No worker may run after that. */
void startup_end(struct startup *startup);
void startup_close(struct startup *startup);

/* Has all of the list been fetched, or has it failed for now, or is there none? */
bool startup_over(struct startup *startup);

/* Is there one? */
bool startup_has_list(struct startup *startup);

/* Count in the loader's counters what is present of the list. */
void startup_count(struct startup *startup);

#endif /* LOADER_STARTUP_H */
