// SPDX-License-Identifier: GPL-2.0-only
/*
 * The log of clears, and of suspect chunks that have come anew, by which a read
 * learns of those since its lookup. clear.c has the argument.
 */
#include "history.h"

static struct inc_change *change_of(struct inc_store *store, u64 chunk)
{
	return &store->changes[chunk % INC_CHANGES];
}

/**
 * dm_inc_history_cleared - have chunks been cleared since?
 * @store: the store; its @lock is held
 * @seq: from dm_inc_history_seq()
 * @first: first chunk
 * @last: last chunk
 *
 * Return: false if none of them has been; true if one has, or another one that
 * shares its entry.
 */
bool dm_inc_history_cleared(struct inc_store *store, u64 seq, u64 first, u64 last)
{
	for (; first <= last; first++)
		if (change_of(store, first)->cleared > seq)
			return true;
	return false;
}

/**
 * dm_inc_history_anew - has a chunk come anew since, having been suspect?
 * @store: the store; its @lock is held
 * @seq: from dm_inc_history_seq()
 * @chunk: the chunk
 *
 * Return: true if it has; false also if that is not known any more.
 */
bool dm_inc_history_anew(struct inc_store *store, u64 seq, u64 chunk)
{
	const struct inc_change *change = change_of(store, chunk);

	return change->chunk == chunk && change->filled > seq;
}

/* The number of the change being noted; dm_inc_history_publish() makes it known. */
static u64 next_number(struct inc_store *store)
{
	return atomic64_read(&store->nr_changes) + 1;
}

/**
 * dm_inc_history_note_cleared - note that chunks have been cleared, and publish
 * @store: the store; its @lock is held
 * @first: first chunk
 * @last: last chunk
 */
void dm_inc_history_note_cleared(struct inc_store *store, u64 first, u64 last)
{
	u64 number = next_number(store);

	/* No entry more than once. */
	if (last - first >= INC_CHANGES)
		last = first + INC_CHANGES - 1;
	for (; first <= last; first++)
		change_of(store, first)->cleared = number;
	dm_inc_history_publish(store);
}

/**
 * dm_inc_history_note_anew - note that a suspect chunk has come anew
 * @store: the store; its @lock is held until dm_inc_history_publish() was called
 * @chunk: the chunk
 */
void dm_inc_history_note_anew(struct inc_store *store, u64 chunk)
{
	struct inc_change *change = change_of(store, chunk);

	change->chunk = chunk;
	change->filled = next_number(store);
}

/**
 * dm_inc_history_publish - end the noting of a change, which has its number now
 * @store: the store; its @lock is held
 */
void dm_inc_history_publish(struct inc_store *store)
{
	/* Pairs with dm_inc_history_seq(): a reader of it sees the bits cleared. */
	atomic64_set_release(&store->nr_changes, next_number(store));
}
