/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ranges of chunks that loaders are asked for (want.c).
 */
#ifndef DM_INCREMENTAL_WANT_H
#define DM_INCREMENTAL_WANT_H

#include "internal.h"

struct dm_incremental_request;

#define INC_HAND_OUT_AGAIN	(2 * HZ)	/* jiffies without a fill */
#define INC_SILENT_LAST		(HZ / 2)	/* jiffies before a silent loader */

/**
 * struct inc_want - a range of absent or suspect chunks to be fetched
 * @node: in store->wants
 * @queue: on store->handed if a loader has it, on ->hints if it is a hint
 * @turn: in store->turns otherwise
 * @links: reads that wait for chunks of it; none for a hint
 * @first: first chunk
 * @last: last chunk
 * @hint: no read waits
 * @again: has been handed out before
 * @since: ns of CLOCK_MONOTONIC when it came to be wanted
 * @loader: the loader that has it, NULL if it is not on store->handed; its wants
 *	are taken back before it is freed (dm_inc_wait_loader_gone())
 * @queued_at: jiffies when it came to store->turns
 * @handed_at: jiffies
 */
struct inc_want {
	struct rb_node		node;
	struct list_head	queue;
	struct inc_turn		turn;
	struct list_head	links;
	u64			first;
	u64			last;
	bool			hint;
	bool			again;
	u64			since;
	struct inc_loader	*loader;
	unsigned long		queued_at;
	unsigned long		handed_at;
};

/**
 * struct inc_loader - an open file of a store's node
 * @store: its memory is kept by the file's reference to the cdev
 * @both_ways: it may be asked and may fill: counted in store->nr_loaders
 * @silent: has let a want go by, and has filled nothing since; or cannot fill
 * @not_before: jiffies, before which there is nothing for it if it is silent
 * @no_readahead: bit 0: counted in store->nr_no_readahead
 * @nr_opened: store->nr_opened, as far as it has been told (store->lock)
 */
struct inc_loader {
	struct inc_store	*store;
	bool			both_ways;
	bool			silent;
	unsigned long		not_before;
	unsigned long		no_readahead;
	u32			nr_opened;
};

struct inc_want *dm_inc_want_first(struct inc_store *store, u64 chunk);
struct inc_want *dm_inc_want_next(struct inc_want *want);
u8 dm_inc_want_reader(const struct inc_io *io);
struct inc_want *dm_inc_want_add(struct inc_store *store, u64 first, u64 last,
				 const struct inc_io *io, gfp_t gfp);
void dm_inc_want_forget(struct inc_store *store, struct inc_want *want);
void dm_inc_want_cut_hint(struct inc_store *store, struct inc_want *hint,
			  u64 first, u64 last, gfp_t gfp);
void dm_inc_want_timer(struct inc_store *store, unsigned long when);
bool dm_inc_want_take_back(struct inc_store *store, struct inc_loader *loader,
			   unsigned long now);
bool dm_inc_want_pending(struct inc_store *store, struct inc_loader *loader);
bool dm_inc_want_hand_out(struct inc_store *store, struct inc_loader *loader,
			  struct dm_incremental_request *request);

#endif /* DM_INCREMENTAL_WANT_H */
