/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Claims of chunks (claim.c).
 */
#ifndef DM_INCREMENTAL_CLAIM_H
#define DM_INCREMENTAL_CLAIM_H

#include "internal.h"

/**
 * struct inc_claim - the exclusive right to write or clear some chunks
 * @list: on store->claims (store->claims_lock)
 * @first: first chunk
 * @last: last chunk; no other claim has any of them
 */
struct inc_claim {
	struct list_head	list;
	u64			first;
	u64			last;
};

void dm_inc_claim_init(struct inc_store *store);
void dm_inc_claim_wait(struct inc_store *store, struct inc_claim *claim);
int dm_inc_claim_wait_killable(struct inc_store *store, struct inc_claim *claim);
void dm_inc_claim_release(struct inc_store *store, struct inc_claim *claim);

#endif /* DM_INCREMENTAL_CLAIM_H */
