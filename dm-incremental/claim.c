// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claims of chunks: a chunk is written or cleared under a claim of it, and no
 * two claims overlap.
 */
#include "claim.h"

/**
 * dm_inc_claim_init - prepare a store for claims
 * @store: being created
 */
void dm_inc_claim_init(struct inc_store *store)
{
	spin_lock_init(&store->claims_lock);
	INIT_LIST_HEAD(&store->claims);
	init_waitqueue_head(&store->claims_wait);
}

static bool try_claim(struct inc_store *store, struct inc_claim *claim)
{
	struct inc_claim *other;
	bool ok = true;

	spin_lock(&store->claims_lock);
	list_for_each_entry(other, &store->claims, list)
		if (other->first <= claim->last && claim->first <= other->last)
			ok = false;
	if (ok)
		list_add(&claim->list, &store->claims);
	spin_unlock(&store->claims_lock);
	return ok;
}

/**
 * dm_inc_claim_wait - wait for and take the exclusive claim on a chunk range
 * @store: alive
 * @claim: @first and @last are set
 *
 * Context: process; sleeps as long as another claim overlaps.
 */
void dm_inc_claim_wait(struct inc_store *store, struct inc_claim *claim)
{
	wait_event(store->claims_wait, try_claim(store, claim));
}

/**
 * dm_inc_claim_wait_killable - the same, for a caller that may be killed
 * @store: alive
 * @claim: @first and @last are set
 *
 * Return: 0, or -ERESTARTSYS if it was killed: then there is no claim.
 */
int dm_inc_claim_wait_killable(struct inc_store *store, struct inc_claim *claim)
{
	return wait_event_killable(store->claims_wait, try_claim(store, claim));
}

/**
 * dm_inc_claim_release - give up a claim
 * @store: alive
 * @claim: from dm_inc_claim_wait()
 */
void dm_inc_claim_release(struct inc_store *store, struct inc_claim *claim)
{
	spin_lock(&store->claims_lock);
	list_del(&claim->list);
	spin_unlock(&store->claims_lock);
	wake_up_all(&store->claims_wait);
}
