/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Dictionaries of LZ4 extents (dictionary.c).
 */
#ifndef DM_INCREMENTAL_DICTIONARY_H
#define DM_INCREMENTAL_DICTIONARY_H

#include "internal.h"

/**
 * struct inc_dictionary - a segment's LZ4 dictionary
 * @list: on store->dictionaries (store->dictionaries_lock)
 * @users: reads, and that list
 * @id: of these bytes; never reused, never 0
 * @offset: bytes in the image file
 * @size: bytes of @data
 * @data: never changes
 */
struct inc_dictionary {
	struct list_head	list;
	refcount_t		users;
	u64			id;
	u64			offset;
	u32			size;
	u8			data[];
};

struct inc_dictionary *dm_inc_dictionary_get(struct inc_store *store,
					     const struct inc_segment *seg,
					     bool cached);
void dm_inc_dictionary_put(struct inc_dictionary *dictionary);
void dm_inc_dictionary_forget(struct inc_store *store, u64 first, u64 last);

#endif /* DM_INCREMENTAL_DICTIONARY_H */
