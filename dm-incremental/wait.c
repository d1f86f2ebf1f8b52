// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads that wait for absent chunks, or for suspect ones to come anew.
 *
 * A read that meets absent chunks gets a link to each want (want.c) it depends on;
 * when the chunks of all its links have arrived it runs again from its start, and
 * may find more to wait for (the map first, then the data that it names).
 *
 *	store->wants:	[demand 3..3]   [demand 8..11]      [hint 40..71]
 *	                    |              |        |
 *	links:           read A         read A   read B (9..9)
 *
 * A want that no read waits for any more is forgotten; of hints, the oldest go when
 * there are too many.
 *
 * All of it is under store->lock. Reads are completed, or queued to run again,
 * after the lock has been dropped.
 */
#include <linux/jiffies.h>

#include "missing.h"
#include "presence.h"
#include "sleep.h"
#include "suspect.h"
#include "turns.h"
#include "wait.h"

#define MEMORY_AGAIN	(HZ / 10)
#define HINTS_MAX	256

/*
 * End @link's wait. A want that is left without links is forgotten, so the
 * caller must not use link->want afterwards.
 */
static void unlink_want(struct inc_store *store, struct inc_link *link)
{
	struct inc_want *want = link->want;

	list_del(&link->list);
	link->want = NULL;
	link->io->nr_links--;
	if (list_empty(&want->links))
		dm_inc_want_forget(store, want);
}

/* Take a read off the waiting list; it goes on to @done with @status. */
static void end_wait(struct inc_store *store, struct inc_io *io,
		     blk_status_t status, struct list_head *done)
{
	unsigned int i;

	for (i = 0; i < INC_LINKS; i++)
		if (io->links[i].want)
			unlink_want(store, &io->links[i]);
	io->status = status;
	list_move_tail(&io->waiting, done);
	if (io->bio) {
		store->nr_waiting--;
		dm_inc_sleep_wait_end();
	}
}

/*
 * Let the reads on @done run again, or end; without the lock. Each of them keeps
 * its view until its work has run: by its bio, for which dm waits, or as a
 * window, for which dm_inc_view_close() does. So a view, and its workqueue, is
 * there as long as one of its reads is on @done, but not after queue_work().
 * Another view of the store than the caller's may go at any time.
 */
static void run_done(struct list_head *done)
{
	struct inc_io *io, *next;

	list_for_each_entry_safe(io, next, done, waiting) {
		list_del(&io->waiting);
		queue_work(io->view->wq, &io->work);
	}
}

/**
 * dm_inc_ranges_add - collect the absent chunks of a range of the image file
 * @store: the store
 * @ranges: absent ranges are added, as many as there is room for
 * @offset: bytes in the image
 * @length: bytes, not 0
 */
void dm_inc_ranges_add(struct inc_store *store, struct inc_ranges *ranges,
		       u64 offset, u64 length)
{
	u64 from = offset >> store->chunk_shift;
	u64 last = (offset + length - 1) >> store->chunk_shift;
	u64 absent_first, absent_last;

	while (from <= last &&
	       dm_inc_presence_next_absent(store, from, last, &absent_first,
					   &absent_last)) {
		unsigned int n = ranges->count;

		from = absent_last + 1;
		/* Extents follow each other: mostly this extends the last. */
		if (n && absent_first >= ranges->range[n - 1].first &&
		    absent_first <= ranges->range[n - 1].last + 1) {
			ranges->range[n - 1].last =
				max(ranges->range[n - 1].last, absent_last);
			continue;
		}
		if (n == INC_LINKS)
			return;
		ranges->range[n].first = absent_first;
		ranges->range[n].last = absent_last;
		ranges->count++;
	}
}

/* The next run of chunks that have not come: absent, or with @anew suspect. */
static bool next_missing(struct inc_store *store, bool anew, u64 from, u64 last,
			 u64 *first, u64 *end)
{
	return anew ? dm_inc_missing_next(store, from, last, first, end) :
	       dm_inc_presence_next_absent(store, from, last, first, end);
}

/* Link @io to @want for the part of [first, last] that the want covers. */
static void link_want(struct inc_io *io, struct inc_link *link,
		      struct inc_want *want, u64 first, u64 last)
{
	link->want = want;
	link->io = io;
	link->first = max(first, want->first);
	link->last = min(last, want->last);
	list_add_tail(&link->list, &want->links);
	io->nr_links++;
}

/*
 * Link @io to wants that together cover [first, last], making those that are
 * missing, until its links are used up. False: out of memory.
 */
static bool want_range(struct inc_store *store, struct inc_io *io, u64 first,
		       u64 last, unsigned int *used, gfp_t gfp)
{
	while (first <= last && *used < INC_LINKS) {
		struct inc_want *want = dm_inc_want_first(store, first);
		u64 end = last;

		if (want && want->hint && want->first <= last) {
			dm_inc_want_cut_hint(store, want, first, last, gfp);
			continue;
		}
		if (!want || want->first > first) {
			if (want && want->first <= last)
				end = want->first - 1;
			want = dm_inc_want_add(store, first, end, io, gfp);
			if (!want)
				return false;
		}
		if (!want->loader)
			dm_inc_turns_share(&store->turns, &want->turn, dm_inc_want_reader(io));
		link_want(io, &io->links[(*used)++], want, first, last);
		first = want->last + 1;
	}
	return true;
}

/*
 * If a read waits and no loader can fill, send a dm event, once until a loader
 * comes, so that a program that waits for events may start one. Not after the
 * store's end, which has waited for the event's work to be over.
 */
static void tell_absence(struct inc_store *store)
{
	if (store->absence_told || store->dead || !store->nr_waiting ||
	    atomic_read(&store->nr_fillers))
		return;
	store->absence_told = true;
	schedule_work(&store->event_work);
}

/* When a read that waits for memory runs again, in jiffies. */
static unsigned long memory_again(const struct inc_io *io)
{
	return io->waits_since + MEMORY_AGAIN;
}

/*
 * The read waits from now on. False if it may not: @io->status says why. Under
 * store->lock, as what follows.
 */
static bool begin_wait(struct inc_store *store, struct inc_io *io)
{
	if (io->view->suspended) {
		io->status = dm_noflush_suspending(io->view->ti) ?
			     BLK_STS_DM_REQUEUE : BLK_STS_IOERR;
		return false;
	}
	if (!io->started) {
		io->started = true;
		io->deadline = jiffies +
			       msecs_to_jiffies(READ_ONCE(io->view->read_timeout));
	}
	io->waits_since = jiffies;
	io->nr_links = 0;
	list_add_tail(&io->waiting, &store->waiting);
	if (io->bio) {
		store->nr_waiting++;
		dm_inc_sleep_wait_begin();
	}
	return true;
}

/*
 * Link a read that waits to wants for the missing chunks of @ranges. False: there
 * is no memory even for the first of them. Without memory for a later one the
 * read runs again when the wants that it is linked to have come.
 */
static bool want_ranges(struct inc_store *store, struct inc_io *io,
			const struct inc_ranges *ranges, gfp_t gfp)
{
	unsigned int used = 0, i;

	for (i = 0; i < ranges->count; i++) {
		u64 from = ranges->range[i].first, last = ranges->range[i].last;
		u64 first, end;

		/* Again under the lock: a fill may have come in between. */
		while (next_missing(store, io->anew, from, last, &first, &end)) {
			if (!want_range(store, io, first, end, &used, gfp))
				return used;
			from = end + 1;
			if (from > last || used == INC_LINKS)
				break;
		}
	}
	return true;
}

static void limit_wait(struct inc_store *store, const struct inc_io *io)
{
	unsigned long soon = jiffies + INC_SILENT_LAST;
	unsigned long until = dm_inc_sleep_deadline(io);

	dm_inc_want_timer(store, time_before(until, soon) ? until : soon);
}

/**
 * dm_inc_wait_for - put a read aside until chunks have come
 * @store: the store
 * @io: the read; its @work runs again when they have arrived, or when waiting
 *	has ended with another @status
 * @ranges: at least one; the caller found them absent
 * @anew: the caller found them damaged, and has marked them as suspect: the read
 *	waits until a fill has overwritten them
 *
 * Allocates a want for each range that no other read waits for. Without memory for
 * any the read waits for that first, see dm_inc_wait_for_memory().
 *
 * Context: a worker of the read's view, which keeps view and store when the
 * read does not any more.
 *
 * Return: true if the read waits, or will run again at once: the caller must
 * not touch it any more. False if it may not wait: @io->status says why.
 */
bool dm_inc_wait_for(struct inc_store *store, struct inc_io *io,
		     const struct inc_ranges *ranges, bool anew)
{
	LIST_HEAD(done);

	mutex_lock(&store->lock);
	if (!begin_wait(store, io)) {
		mutex_unlock(&store->lock);
		return false;
	}
	io->anew = anew;
	if (!want_ranges(store, io, ranges, GFP_NOIO))
		dm_inc_want_timer(store, memory_again(io));
	else if (!io->nr_links)
		end_wait(store, io, BLK_STS_OK, &done);
	else
		limit_wait(store, io);
	tell_absence(store);
	mutex_unlock(&store->lock);

	wake_up_interruptible(&store->loaders_wait);
	run_done(&done);
	return true;
}

/**
 * dm_inc_wait_try - the same, if that takes no wait for a lock or for memory
 * @store: the store
 * @io: the read; as for dm_inc_wait_for()
 * @ranges: at least one; the caller found them absent
 *
 * Context: the reader's, in which its bio is mapped: dm keeps its table, and so view
 * and store, until that is over. Return: true if the read waits, or will run again
 * at once: the caller must not touch it any more. False: a worker must do it.
 */
bool dm_inc_wait_try(struct inc_store *store, struct inc_io *io,
		     const struct inc_ranges *ranges)
{
	LIST_HEAD(done);

	if (!mutex_trylock(&store->lock))
		return false;
	if (io->view->suspended || !begin_wait(store, io)) {
		mutex_unlock(&store->lock);
		return false;
	}
	io->anew = false;
	if (want_ranges(store, io, ranges, GFP_NOWAIT | __GFP_NOWARN) &&
	    io->nr_links)
		limit_wait(store, io);
	else
		end_wait(store, io, BLK_STS_OK, &done);
	tell_absence(store);
	mutex_unlock(&store->lock);

	wake_up_interruptible(&store->loaders_wait);
	run_done(&done);
	return true;
}

/**
 * dm_inc_wait_for_memory - a read waits until there may be memory
 * @store: the store
 * @io: the read; its @work runs again in MEMORY_AGAIN, or when waiting has ended
 *	with another @status
 *
 * A view has a reserve of most of a read's memory (batch.c). For the rest (a want,
 * a page of suspect bits, a dictionary) nothing is kept in reserve: a read that gets
 * no memory holds none of it, waits, and starts over, until its read_timeout.
 *
 * Context: as dm_inc_wait_for(). Return: likewise.
 */
bool dm_inc_wait_for_memory(struct inc_store *store, struct inc_io *io)
{
	bool waits;

	mutex_lock(&store->lock);
	waits = begin_wait(store, io);
	if (waits)
		dm_inc_want_timer(store, memory_again(io));
	mutex_unlock(&store->lock);
	return waits;
}

/**
 * dm_inc_wait_hint - leave a hint for chunks that will probably be read soon
 * @store: the store
 * @ranges: the absent chunks of these are meant
 * @anew: and the suspect ones, which should come anew
 */
void dm_inc_wait_hint(struct inc_store *store, const struct inc_ranges *ranges,
		      bool anew)
{
	unsigned int i;

	mutex_lock(&store->lock);
	for (i = 0; i < ranges->count; i++) {
		u64 first = ranges->range[i].first, last = ranges->range[i].last;

		while (first <= last) {
			struct inc_want *want = dm_inc_want_first(store, first);
			u64 end;

			if (want && want->first <= first) {
				first = want->last + 1;
				continue;
			}
			/* Again under the lock: a fill may have come. */
			if (!next_missing(store, anew, first, last, &first,
					  &end))
				break;
			if (want && want->first <= first)
				continue;
			if (want && want->first <= end)
				end = want->first - 1;
			if (!dm_inc_want_add(store, first, end, NULL, GFP_NOIO))
				break;
			first = end + 1;
		}
	}
	while (store->nr_hints > HINTS_MAX)
		dm_inc_want_forget(store, list_first_entry(&store->hints,
						    struct inc_want, queue));
	mutex_unlock(&store->lock);
	wake_up_interruptible(&store->loaders_wait);
}

/* Links of @want whose chunks have all come end; the want may go, too. */
static void want_filled(struct inc_store *store, struct inc_want *want,
			struct list_head *done)
{
	struct inc_link *link, *next;
	u64 missing, missing_end;

	/* Its loader is at it: do not hand it out again yet. */
	if (want->loader) {
		want->handed_at = jiffies;
		store->active_at = want->handed_at;
		list_move_tail(&want->queue, &store->handed);
	}
	/* Do not ask again for chunks at either end that have arrived. */
	while (want->first < want->last &&
	       dm_inc_missing_none(store, want->first, want->first))
		want->first++;
	while (want->first < want->last &&
	       dm_inc_missing_none(store, want->last, want->last))
		want->last--;

	if (want->hint) {
		if (dm_inc_missing_none(store, want->first, want->last))
			dm_inc_want_forget(store, want);
		return;
	}
	list_for_each_entry_safe(link, next, &want->links, list) {
		struct inc_io *io = link->io;
		bool last_link = list_is_singular(&want->links);

		/* Nor wait for it again, should it be cleared meanwhile. */
		link->first = max(link->first, want->first);
		link->last = min(link->last, want->last);
		if (next_missing(store, io->anew, link->first, link->last,
				 &missing, &missing_end))
			continue;
		unlink_want(store, link);
		if (!io->nr_links)
			end_wait(store, io, BLK_STS_OK, done);
		if (last_link)
			return;		/* the want is gone */
	}
}

/**
 * dm_inc_wait_present - make chunks present, and let reads that wait for them go on
 * @store: the store
 * @first: first chunk
 * @last: last chunk; all of them have been written
 * @filled: none of them is suspect any more. Else the write has failed, and
 *	suspect ones are so still
 *
 * All at a time: a read that finds them damaged from now on waits for the next
 * fill.
 *
 * Context: process; takes store->lock.
 */
void dm_inc_wait_present(struct inc_store *store, u64 first, u64 last, bool filled)
{
	struct inc_want *want, *next;
	LIST_HEAD(done);

	mutex_lock(&store->lock);
	dm_inc_presence_set(store, first, last);
	if (filled)
		dm_inc_suspect_over(store, first, last);
	for (want = dm_inc_want_first(store, first); want && want->first <= last;
	     want = next) {
		next = dm_inc_want_next(want);
		want_filled(store, want, &done);
	}
	mutex_unlock(&store->lock);
	run_done(&done);
}

/* End the wait of every read that satisfies @ends. */
static void end_waits(struct inc_store *store, blk_status_t status,
		      bool (*ends)(struct inc_io *io, const void *data),
		      const void *data, atomic64_t *counter)
{
	struct inc_io *io, *next;
	LIST_HEAD(done);

	mutex_lock(&store->lock);
	list_for_each_entry_safe(io, next, &store->waiting, waiting) {
		if (!ends(io, data))
			continue;
		end_wait(store, io, status, &done);
		if (counter && io->bio)
			atomic64_inc(counter);
	}
	mutex_unlock(&store->lock);
	run_done(&done);
}

struct chunk_range {
	u64 first;
	u64 last;
};

static bool io_in_range(struct inc_io *io, const void *data)
{
	const struct chunk_range *range = data;
	unsigned int i;

	for (i = 0; i < INC_LINKS; i++)
		if (io->links[i].want && io->links[i].first <= range->last &&
		    io->links[i].last >= range->first)
			return true;
	return false;
}

/**
 * dm_inc_wait_unavailable - fail the reads that wait for chunks no loader can get
 * @store: the store
 * @first: first chunk
 * @last: last chunk
 */
void dm_inc_wait_unavailable(struct inc_store *store, u64 first, u64 last)
{
	struct chunk_range range = { first, last };

	end_waits(store, BLK_STS_IOERR, io_in_range, &range,
		  &store->nr_unavailable);
}

static bool io_of_view(struct inc_io *io, const void *data)
{
	return io->view == data;
}

/**
 * dm_inc_wait_drop_view - end the waits of a view that is being suspended
 * @store: the store
 * @view: none of its reads will wait until ->suspended is false
 * @status: they end with it: BLK_STS_DM_REQUEUE pushes them back
 */
void dm_inc_wait_drop_view(struct inc_store *store, struct inc_view *view,
			   blk_status_t status)
{
	mutex_lock(&store->lock);
	view->suspended = true;
	mutex_unlock(&store->lock);
	end_waits(store, status, io_of_view, view, NULL);
}

static bool io_expired(struct inc_io *io, const void *data)
{
	return !time_before(*(const unsigned long *)data,
			    dm_inc_sleep_deadline(io));
}

static bool io_lacks_memory(struct inc_io *io, const void *data)
{
	return !io->nr_links && !time_before(*(const unsigned long *)data,
					     memory_again(io));
}

/**
 * dm_inc_wait_timer_work - ends waits at their deadline, takes wants back
 * @work: store->timer_work
 */
void dm_inc_wait_timer_work(struct work_struct *work)
{
	struct inc_store *store = container_of(to_delayed_work(work),
					       struct inc_store, timer_work);
	unsigned long now = jiffies, next = now + HZ, until;
	struct inc_want *want;
	struct inc_io *io;
	bool again;

	mutex_lock(&store->lock);
	store->timer_set = false;
	mutex_unlock(&store->lock);
	end_waits(store, BLK_STS_TIMEOUT, io_expired, &now,
		  &store->nr_timeouts);
	end_waits(store, BLK_STS_OK, io_lacks_memory, &now, NULL);

	mutex_lock(&store->lock);
	/* Silent loaders may now get wants that no other one has taken. */
	again = dm_inc_want_take_back(store, NULL, now) || dm_inc_turns_first(&store->turns);
	list_for_each_entry(io, &store->waiting, waiting) {
		until = dm_inc_sleep_deadline(io);
		if (time_before(until, next))
			next = until;
		until = memory_again(io);
		if (!io->nr_links && time_before(until, next))
			next = until;
	}
	want = list_first_entry_or_null(&store->handed, struct inc_want, queue);
	if (want && time_before(want->handed_at + INC_HAND_OUT_AGAIN, next))
		next = want->handed_at + INC_HAND_OUT_AGAIN;
	if (!list_empty(&store->waiting))
		dm_inc_want_timer(store, next);
	mutex_unlock(&store->lock);

	if (again)
		wake_up_interruptible(&store->loaders_wait);
}

/**
 * dm_inc_wait_loader_came - send a dm event if one has told of no loader before
 * @store: alive; a loader that can fill has opened its file, and is counted in
 *	nr_fillers
 */
void dm_inc_wait_loader_came(struct inc_store *store)
{
	mutex_lock(&store->lock);
	if (store->absence_told)
		schedule_work(&store->event_work);
	store->absence_told = false;
	mutex_unlock(&store->lock);
}

/**
 * dm_inc_wait_loader_gone - take back a loader's wants, to hand them out again
 * @store: the store, which may be shut down
 * @loader: the loader; if it has closed the file, it is not counted in nr_fillers
 *	any more
 */
void dm_inc_wait_loader_gone(struct inc_store *store, struct inc_loader *loader)
{
	bool again;

	mutex_lock(&store->lock);
	again = dm_inc_want_take_back(store, loader, jiffies);
	tell_absence(store);
	mutex_unlock(&store->lock);
	if (again)
		wake_up_interruptible(&store->loaders_wait);
}

/**
 * dm_inc_wait_init - prepare a store for waiting reads
 * @store: being created
 */
void dm_inc_wait_init(struct inc_store *store)
{
	mutex_init(&store->lock);
	store->active_at = jiffies;
	store->wants = RB_ROOT;
	store->turns.queue = RB_ROOT_CACHED;
	INIT_LIST_HEAD(&store->handed);
	INIT_LIST_HEAD(&store->hints);
	INIT_LIST_HEAD(&store->waiting);
	init_waitqueue_head(&store->loaders_wait);
	INIT_DELAYED_WORK(&store->timer_work, dm_inc_wait_timer_work);
}

/**
 * dm_inc_wait_destroy - a store ends
 * @store: shut down; no read is left, so only hints are
 */
void dm_inc_wait_destroy(struct inc_store *store)
{
	struct inc_want *want;

	cancel_delayed_work_sync(&store->timer_work);
	mutex_lock(&store->lock);
	while ((want = dm_inc_want_first(store, 0)))
		dm_inc_want_forget(store, want);
	mutex_unlock(&store->lock);
}
