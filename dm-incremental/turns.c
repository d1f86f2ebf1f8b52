// SPDX-License-Identifier: GPL-2.0-only
/*
 * The order in which loaders are asked for the wants of readers.
 *
 * One reader may wait for thousands of ranges, by asynchronous I/O or in many
 * threads, and another one for a single block. In the order of arrival the block
 * would come last, perhaps after its read_timeout. So readers take turns: the
 * n-th want that is queued for a reader gets its turn n turns after the present
 * one, and among those of one turn the oldest is first. A loader that takes a
 * want moves the present turn on to that want's.
 *
 *	present turn 7		reader A waits for a b c d e f, then B for x, y
 *	turn 8: a x   9: b y   10: c   11: d   12: e   13: f
 *
 * A reader is a process, known by its number modulo INC_READERS. Two of the same
 * share their turns.
 */
#include "turns.h"

static struct inc_turn *turn_of(struct rb_node *node)
{
	return rb_entry(node, struct inc_turn, node);
}

static bool before(struct rb_node *left, const struct rb_node *right)
{
	const struct inc_turn *a = rb_entry(left, struct inc_turn, node);
	const struct inc_turn *b = rb_entry(right, struct inc_turn, node);

	return a->number != b->number ? a->number < b->number : a->id < b->id;
}

static u64 next_number(const struct inc_turns *turns, u8 reader)
{
	return turns->present + 1 + turns->queued[reader];
}

/**
 * dm_inc_turns_add - queue a want for its turn
 * @turns: the queue
 * @turn: not in it; its @id and @reader are set
 *
 * Context: under the lock of @turns, as all of these.
 */
void dm_inc_turns_add(struct inc_turns *turns, struct inc_turn *turn)
{
	turn->number = next_number(turns, turn->reader);
	turns->queued[turn->reader]++;
	rb_add_cached(&turn->node, &turns->queue, before);
}

/**
 * dm_inc_turns_remove - unqueue a want
 * @turns: the queue
 * @turn: in it
 */
void dm_inc_turns_remove(struct inc_turns *turns, struct inc_turn *turn)
{
	turns->queued[turn->reader]--;
	rb_erase_cached(&turn->node, &turns->queue);
}

/**
 * dm_inc_turns_share - move a want forward, as another reader waits for it, too
 * @turns: the queue
 * @turn: in it; comes as early as if that reader had wanted it alone
 * @reader: number of that reader
 */
void dm_inc_turns_share(struct inc_turns *turns, struct inc_turn *turn, u8 reader)
{
	if (reader == turn->reader ||
	    next_number(turns, reader) >= turn->number)
		return;
	dm_inc_turns_remove(turns, turn);
	turn->reader = reader;
	dm_inc_turns_add(turns, turn);
}

/**
 * dm_inc_turns_first - get the want that is next
 * @turns: the queue
 *
 * Return: the next want's turn, or NULL if there is none.
 */
struct inc_turn *dm_inc_turns_first(const struct inc_turns *turns)
{
	struct rb_node *node = rb_first_cached(&turns->queue);

	return node ? turn_of(node) : NULL;
}

/**
 * dm_inc_turns_take - unqueue a want that a loader takes
 * @turns: the queue
 * @turn: in it
 */
void dm_inc_turns_take(struct inc_turns *turns, struct inc_turn *turn)
{
	if (turn->number > turns->present)
		turns->present = turn->number;
	dm_inc_turns_remove(turns, turn);
}
