// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Filling the rest of a local file behind its readers.
 */
#include <stdlib.h>
#include "store/internal.h"

/* Connections that bring what nobody has read. */
#define FILLERS		4u

/**
 * struct rest - threads that fill
 * @threads: @count of them
 * @next: where the next one goes on
 */
struct rest {
	struct store *store;
	const atomic_bool *stop;
	void (*tell)(const char *text);
	pthread_t threads[FILLERS];
	unsigned int count;
	pthread_mutex_t lock;
	u64 next;
};

/* Where one of the threads goes on; false: there is nothing left. */
static bool take_next(struct rest *rest, u64 *offset)
{
	pthread_mutex_lock(&rest->lock);
	*offset = rest->next;
	store_next_absent(rest->store, offset, &rest->next);
	pthread_mutex_unlock(&rest->lock);
	return *offset != UINT64_MAX;
}

static void *fill_rest(void *context)
{
	struct rest *rest = context;
	struct incr_error error;
	u64 offset;
	int err = 0;

	while (!err && !atomic_load(rest->stop) && take_next(rest, &offset))
		err = store_fill_at(rest->store, offset, &error);
	if (!err)
		err = store_commit(rest->store, &error);
	if (err && !atomic_load(rest->stop))
		rest->tell(error.text);
	return NULL;
}

void store_rest_start(struct rest **result, struct store *store,
		      const atomic_bool *stop, void (*tell)(const char *text))
{
	struct rest *rest = NULL;
	unsigned int i;

	*result = NULL;
	if (store->filled && store->source_count)
		rest = calloc(1, sizeof(*rest));
	if (!rest)
		return;
	rest->store = store;
	rest->stop = stop;
	rest->tell = tell;
	pthread_mutex_init(&rest->lock, NULL);
	/* Fewer will do. */
	for (i = 0; i < FILLERS; i++)
		if (!pthread_create(&rest->threads[rest->count], NULL,
				    fill_rest, rest))
			rest->count++;
	*result = rest;
}

void store_rest_end(struct rest *rest)
{
	if (!rest)
		return;
	while (rest->count)
		pthread_join(rest->threads[--rest->count], NULL);
	pthread_mutex_destroy(&rest->lock);
	free(rest);
}
