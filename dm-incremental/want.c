// SPDX-License-Identifier: GPL-2.0-only
/*
 * Wants: the ranges of chunks that loaders are asked for.
 *
 * Wants are disjoint, in a tree by first chunk, however many reads need one. A
 * want that a read waits for (wait.c) is in store->turns until a loader reads it,
 * then on store->handed, oldest first, from where it returns to store->turns when
 * its loader closes the file or INC_HAND_OUT_AGAIN passes without a fill. A want
 * that no read waits for any more is forgotten. Hints are wants without links;
 * they are forgotten once they are handed out (so a read of the same bytes is
 * handed out as well: a loader has to keep track of the ranges that it fetches).
 *
 * All of it is under store->lock.
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

#include <linux/dm-incremental.h>
#include "segments.h"
#include "suspect.h"
#include "turns.h"
#include "want.h"

/**
 * dm_inc_want_first - find a want
 * @store: the store
 * @chunk: where to look
 *
 * Return: the first want that ends at or after @chunk, or NULL.
 */
struct inc_want *dm_inc_want_first(struct inc_store *store, u64 chunk)
{
	struct rb_node *node = store->wants.rb_node;
	struct inc_want *found = NULL;

	while (node) {
		struct inc_want *want = rb_entry(node, struct inc_want, node);

		if (want->last >= chunk) {
			found = want;
			node = node->rb_left;
		} else {
			node = node->rb_right;
		}
	}
	return found;
}

/**
 * dm_inc_want_next - the want behind another one
 * @want: in the tree
 *
 * Return: NULL for the last.
 */
struct inc_want *dm_inc_want_next(struct inc_want *want)
{
	struct rb_node *node = rb_next(&want->node);

	return node ? rb_entry(node, struct inc_want, node) : NULL;
}

/**
 * dm_inc_want_reader - the number by which turns.c knows the reader
 * @io: its read
 */
u8 dm_inc_want_reader(const struct inc_io *io)
{
	return io->reader.pid % INC_READERS;
}

/**
 * dm_inc_want_add - make a want
 * @store: the store
 * @first: first chunk
 * @last: last chunk; no other want has any of them
 * @io: the read that it is for, which the caller links to it; NULL for a hint
 * @gfp: how to allocate it
 *
 * Return: NULL if there is no memory.
 */
struct inc_want *dm_inc_want_add(struct inc_store *store, u64 first, u64 last,
				 const struct inc_io *io, gfp_t gfp)
{
	struct rb_node **place = &store->wants.rb_node, *parent = NULL;
	struct inc_want *want;

	want = kzalloc(sizeof(*want), gfp);
	if (!want)
		return NULL;
	INIT_LIST_HEAD(&want->links);
	want->first = first;
	want->last = last;
	want->turn.id = ++store->next_id;
	want->hint = !io;
	want->since = ktime_get_ns();

	while (*place) {
		parent = *place;
		if (first < rb_entry(parent, struct inc_want, node)->first)
			place = &parent->rb_left;
		else
			place = &parent->rb_right;
	}
	rb_link_node(&want->node, parent, place);
	rb_insert_color(&want->node, &store->wants);
	if (want->hint) {
		list_add_tail(&want->queue, &store->hints);
		store->nr_hints++;
	} else {
		want->queued_at = jiffies;
		want->turn.reader = dm_inc_want_reader(io);
		dm_inc_turns_add(&store->turns, &want->turn);
		store->nr_demand++;
	}
	return want;
}

/**
 * dm_inc_want_forget - remove and free a want
 * @store: the store
 * @want: has no links
 */
void dm_inc_want_forget(struct inc_store *store, struct inc_want *want)
{
	if (want->hint)
		store->nr_hints--;
	else
		store->nr_demand--;
	rb_erase(&want->node, &store->wants);
	if (want->hint || want->loader)
		list_del(&want->queue);
	else
		dm_inc_turns_remove(&store->turns, &want->turn);
	kfree(want);
}

/**
 * dm_inc_want_cut_hint - cut chunks out of a hint, as they become demand
 * @store: the store
 * @hint: must not be used afterwards
 * @first: first chunk
 * @last: last chunk
 * @gfp: how to allocate what is left of it
 */
void dm_inc_want_cut_hint(struct inc_store *store, struct inc_want *hint,
			  u64 first, u64 last, gfp_t gfp)
{
	u64 hint_first = hint->first, hint_last = hint->last;

	dm_inc_want_forget(store, hint);
	/* Without memory the rest of the hint is lost, which does no harm. */
	if (hint_first < first)
		dm_inc_want_add(store, hint_first, first - 1, NULL, gfp);
	if (hint_last > last)
		dm_inc_want_add(store, last + 1, hint_last, NULL, gfp);
}

/**
 * dm_inc_want_timer - run store->timer_work in time
 * @store: the store
 * @when: jiffies; it may run earlier
 */
void dm_inc_want_timer(struct inc_store *store, unsigned long when)
{
	unsigned long now = jiffies;
	unsigned long delay = time_after(when, now) ? when - now : 0;

	/* Only ever earlier: the work finds the next time by itself. */
	if (store->timer_set && !time_before(when, store->timer_at))
		return;
	store->timer_set = true;
	store->timer_at = when;
	mod_delayed_work(system_unbound_wq, &store->timer_work, delay);
}

/**
 * dm_inc_want_take_back - let any loader have what one has
 * @store: the store
 * @loader: whose wants; NULL for those that some loader has had for too long
 * @now: jiffies
 *
 * Return: whether there were any.
 */
bool dm_inc_want_take_back(struct inc_store *store, struct inc_loader *loader,
			   unsigned long now)
{
	struct inc_want *want, *next;
	bool any = false;

	list_for_each_entry_safe(want, next, &store->handed, queue) {
		bool late = !time_before(now, want->handed_at + INC_HAND_OUT_AGAIN);

		if (loader ? want->loader != loader : !late)
			continue;
		if (late) {
			WRITE_ONCE(want->loader->not_before, now + INC_SILENT_LAST);
			WRITE_ONCE(want->loader->silent, true);
		}
		want->loader = NULL;
		want->queued_at = now;
		list_del(&want->queue);
		dm_inc_turns_add(&store->turns, &want->turn);
		any = true;
	}
	return any;
}

/*
 * A loader that has let a want go by without any fill since gets one that has been
 * there for INC_SILENT_LAST, if meanwhile no loader has taken or filled any: else it
 * would take half of all wants, or more, as it is always there to take one, and
 * each would wait INC_HAND_OUT_AGAIN. The age of a want is not enough, as other loaders
 * may take only as much as they can fetch at a time. A file that cannot fill comes
 * last from the start. Only a file that may be asked and may fill counts as another
 * one: a file of one direction takes no want off its hands.
 */
static bool comes_last(struct inc_store *store, struct inc_loader *loader)
{
	return READ_ONCE(loader->silent) &&
	       atomic_read(&store->nr_loaders) > loader->both_ways;
}

/* The want that @loader gets; NULL if there is none for it now. */
static struct inc_want *choose_want(struct inc_store *store,
				    struct inc_loader *loader)
{
	struct inc_turn *turn = dm_inc_turns_first(&store->turns);
	struct inc_want *want;
	unsigned long since;

	want = turn ? container_of(turn, struct inc_want, turn) : NULL;
	if (!comes_last(store, loader))
		return want ?: list_first_entry_or_null(&store->hints,
							struct inc_want, queue);
	if (!want)
		return NULL;
	since = time_after(want->queued_at, store->active_at) ?
		want->queued_at : store->active_at;
	WRITE_ONCE(loader->not_before, since + INC_SILENT_LAST);
	return time_before(jiffies, loader->not_before) ? NULL : want;
}

/* Is a generation in use that is later than the loader knows? */
static bool grown(struct inc_store *store, struct inc_loader *loader)
{
	return READ_ONCE(loader->nr_opened) != READ_ONCE(store->nr_opened);
}

/* Report growth; the range is the new head's first chunk, always present. */
static void tell_growth(struct inc_store *store, struct inc_loader *loader,
			struct dm_incremental_request *request)
{
	request->offset = dm_inc_segment(store, loader->nr_opened)->offset;
	request->length = 1u << store->chunk_shift;
	request->flags = DM_INCREMENTAL_REQUEST_GROWN;
	WRITE_ONCE(loader->nr_opened, store->nr_opened);
}

/* @nr: of the initial PID namespace. Return: the caller's number for it, or 0. */
static u32 number_for_caller(pid_t nr)
{
	struct pid *pid;
	u32 number;

	rcu_read_lock();
	pid = find_pid_ns(nr, &init_pid_ns);
	number = pid ? pid_vnr(pid) : 0;
	rcu_read_unlock();
	return number;
}

/* Tell of the read that waits, the first where there are several. */
static void tell_reader(const struct inc_want *want,
			struct dm_incremental_request *request)
{
	const struct inc_link *link = list_first_entry(&want->links,
						       struct inc_link, list);
	const struct inc_reader *reader = &link->io->reader;

	request->pid = number_for_caller(reader->pid);
	request->tid = number_for_caller(reader->tid);
	request->uid = from_kuid_munged(current_user_ns(), reader->uid);
}

/**
 * dm_inc_want_pending - is there something to hand out?
 * @store: the store
 * @loader: the loader that would get it
 *
 * A hint for the caller's wait: the answer may be outdated at once.
 */
bool dm_inc_want_pending(struct inc_store *store, struct inc_loader *loader)
{
	if (grown(store, loader))
		return true;
	if (comes_last(store, loader))
		return !dm_inc_turns_empty(&store->turns) &&
		       !time_before(jiffies, READ_ONCE(loader->not_before));
	return !dm_inc_turns_empty(&store->turns) ||
	       !list_empty_careful(&store->hints);
}

/**
 * dm_inc_want_hand_out - hand a loader its next want, or the news of growth
 * @store: the store
 * @loader: has the want from now on
 * @request: filled in
 *
 * Return: false if there is none.
 */
bool dm_inc_want_hand_out(struct inc_store *store, struct inc_loader *loader,
			  struct dm_incremental_request *request)
{
	struct inc_want *want;

	memset(request, 0, sizeof(*request));
	mutex_lock(&store->lock);
	/* Nothing after the end; the file may still be open, and read. */
	if (store->dead) {
		mutex_unlock(&store->lock);
		return false;
	}
	/* First, so that it knows the segments that the wants are of. */
	if (grown(store, loader)) {
		tell_growth(store, loader, request);
		mutex_unlock(&store->lock);
		return true;
	}
	want = choose_want(store, loader);
	if (!want) {
		mutex_unlock(&store->lock);
		return false;
	}
	request->offset = want->first << store->chunk_shift;
	request->length = (want->last - want->first + 1) << store->chunk_shift;
	request->id = want->turn.id;
	request->since = want->since;
	if (want->hint)
		request->flags |= DM_INCREMENTAL_REQUEST_HINT;
	if (want->again)
		request->flags |= DM_INCREMENTAL_REQUEST_AGAIN;
	/* A part of the absent chunks may have come since, and be damaged. */
	if (dm_inc_suspect_any(store, want->first, want->last))
		request->flags |= DM_INCREMENTAL_REQUEST_REFETCH;

	if (want->hint) {
		dm_inc_want_forget(store, want);
	} else {
		tell_reader(want, request);
		want->again = true;
		want->loader = loader;
		want->handed_at = jiffies;
		store->active_at = want->handed_at;
		dm_inc_turns_take(&store->turns, &want->turn);
		list_add_tail(&want->queue, &store->handed);
		dm_inc_want_timer(store, want->handed_at + INC_HAND_OUT_AGAIN);
	}
	mutex_unlock(&store->lock);
	return true;
}
