// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stores: one for each backing device in use, shared by all views on it.
 *
 * The first view of a backing device creates its store, the end of the last
 * one shuts it down. During a table reload the old and the new table's views
 * hold the same store, so its node, presence and waiting reads outlive either.
 *
 * The store keeps no reference of its own to the backing device: each view has
 * one (dm_get_device), and the struct block_device is the same for all.
 *
 * A store is on the list from before its creation reads the backing device to
 * after its end has written it, and says that it is passing meanwhile. Another
 * view of the same device waits for that: a second store would find the node's
 * name taken, and load presence that is still being written. So there is one
 * store of a device at a time, though no lock is held over the I/O, which a
 * stuck device never ends: views of other devices go on. The view that has set
 * @passing is the only user, so no other looks into the store.
 */
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "claim.h"
#include "control.h"
#include "dictionary.h"
#include "fill.h"
#include "grow.h"
#include "presence.h"
#include "segments.h"
#include "store.h"
#include "suspect.h"
#include "verity.h"
#include "wait.h"

static LIST_HEAD(stores);
static DEFINE_SPINLOCK(stores_lock);
static DECLARE_WAIT_QUEUE_HEAD(stores_wait);

static void clear_page_aux(struct dm_buffer *buf)
{
	struct inc_page_aux *aux = dm_bufio_get_aux_data(buf);

	aux->verified = 0;
}

/*
 * Send an event of every view's device, so that a program that waits for one looks.
 * A view on the list has its table: its destructor takes it off the list. The
 * table may have been unbound from its device by then; dm_table_event() knows.
 */
static void event_work(struct work_struct *work)
{
	struct inc_store *store = container_of(work, struct inc_store,
					       event_work);
	struct inc_view *view;

	mutex_lock(&store->views_mutex);
	list_for_each_entry(view, &store->views, list)
		dm_table_event(view->ti->table);
	mutex_unlock(&store->views_mutex);
}

static void store_release(struct device *dev)
{
	struct inc_store *store = container_of(dev, struct inc_store, dev);

	dm_inc_presence_free(store);
	dm_inc_segments_free(store);
	dm_inc_suspect_free(store);
	kfree(store);
}

/* The part that needs no I/O; the rest is in store_start(). */
static struct inc_store *store_alloc(struct block_device *bdev,
				     unsigned int commit_interval)
{
	struct inc_store *store = kzalloc(sizeof(*store), GFP_KERNEL);

	if (!store)
		return NULL;
	device_initialize(&store->dev);
	store->dev.release = store_release;
	INIT_LIST_HEAD(&store->views);
	mutex_init(&store->views_mutex);
	mutex_init(&store->grow_mutex);
	spin_lock_init(&store->dictionaries_lock);
	INIT_LIST_HEAD(&store->dictionaries);
	mutex_init(&store->clear_mutex);
	xa_init(&store->suspects);
	init_rwsem(&store->live);
	mutex_init(&store->commit_mutex);
	INIT_DELAYED_WORK(&store->commit_work, dm_inc_presence_commit_work);
	INIT_WORK(&store->event_work, event_work);
	dm_inc_claim_init(store);
	dm_inc_fill_init(store);
	dm_inc_wait_init(store);

	store->bdev = bdev;
	store->bdev_dev = bdev->bd_dev;
	store->read_only = bdev_read_only(bdev);
	store->commit_interval = commit_interval;
	return store;
}

static void store_stop(struct inc_store *store)
{
	if (store->commit_wq)
		destroy_workqueue(store->commit_wq);
	if (store->bufio)
		dm_bufio_client_destroy(store->bufio);
	cleanup_srcu_struct(&store->readers);
	store->bdev = NULL;
}

/*
 * Commits have a workqueue for each store, so that none waits for another
 * store's backing device. It is freezable: after the system's memory was saved
 * for hibernation nothing may be written to a file system that it knows.
 */
static int store_start(struct inc_store *store, char **error)
{
	int r;

	*error = "Cannot allocate store";
	r = init_srcu_struct(&store->readers);
	if (r)
		return r;
	r = -ENOMEM;
	store->commit_wq = alloc_workqueue("dm-incremental-commit",
					   WQ_UNBOUND | WQ_FREEZABLE, 1);
	if (!store->commit_wq)
		goto bad;
	store->bufio = dm_bufio_client_create(store->bdev, INC_PAGE_SIZE, 1,
					      sizeof(struct inc_page_aux),
					      clear_page_aux, NULL, 0);
	if (IS_ERR(store->bufio)) {
		*error = "Cannot create metadata cache";
		r = PTR_ERR(store->bufio);
		store->bufio = NULL;
		goto bad;
	}
	r = dm_inc_grow_load(store, error);
	if (r)
		goto bad;
	r = dm_inc_control_add(store);
	if (r) {
		*error = "Cannot create node in /dev/incremental";
		goto bad;
	}
	return 0;

bad:
	store_stop(store);
	return r;
}

/*
 * No view is left, so no read is in flight, nor a readahead window; loaders may
 * still have the node open. After @dead is set under @live none of their calls
 * reaches the device. After it is set under @lock none starts @event_work
 * (tell_absence()), adds a want, or is handed one and so starts @timer_work: only
 * reads, and calls that have entered, start a work item of the store or add a
 * want. So each of them is over for good once it is cancelled.
 */
static void store_shut_down(struct inc_store *store)
{
	dm_inc_control_remove(store);

	down_write(&store->live);
	mutex_lock(&store->lock);
	store->dead = true;
	mutex_unlock(&store->lock);
	up_write(&store->live);
	wake_up_all(&store->loaders_wait);

	cancel_work_sync(&store->event_work);
	/* Not even if it fails does it start itself again after this. */
	cancel_delayed_work_sync(&store->commit_work);
	if (dm_inc_presence_commit(store))
		DMWARN("%s: cannot commit presence, chunks of the last seconds may be fetched again",
		       dev_name(&store->dev));
	dm_inc_wait_destroy(store);
	dm_inc_dictionary_forget(store, 0, dm_inc_store_chunks(store) - 1);
	store_stop(store);
}

/*
 * Find the store of @fresh's device and become a user of it; where there is
 * none, @fresh is the one, and is coming. NULL if it is coming or going.
 */
static struct inc_store *join(struct inc_store *fresh)
{
	struct inc_store *store;

	spin_lock(&stores_lock);
	list_for_each_entry(store, &stores, list) {
		if (store->bdev_dev != fresh->bdev_dev)
			continue;
		if (store->passing)
			store = NULL;
		else
			store->users++;
		goto out;
	}
	store = fresh;
	store->users = 1;
	store->passing = true;
	list_add(&store->list, &stores);
out:
	spin_unlock(&stores_lock);
	return store;
}

/* @store has been created, or it has ended. */
static void settle(struct inc_store *store, bool here)
{
	spin_lock(&stores_lock);
	store->passing = false;
	if (!here)
		list_del(&store->list);
	spin_unlock(&stores_lock);
	wake_up_all(&stores_wait);
}

static void shorten_interval(struct inc_store *store, unsigned int interval)
{
	spin_lock(&stores_lock);
	WRITE_ONCE(store->commit_interval,
		   min(store->commit_interval, interval));
	spin_unlock(&stores_lock);
}

/**
 * dm_inc_store_get - find or create the store of a backing device, and use it
 * @bdev: opened by the caller's target, which closes it after dm_inc_store_put()
 * @commit_interval: ms; the shortest that any view asked for holds
 * @error: on failure, a sentence for the target
 *
 * Context: process; sleeps, may do I/O. While a store of the same device comes
 * or goes it waits for that, unless the caller is killed. Return: the store or
 * an ERR_PTR.
 */
struct inc_store *dm_inc_store_get(struct block_device *bdev,
				   unsigned int commit_interval, char **error)
{
	struct inc_store *fresh, *store;
	int r;

	fresh = store_alloc(bdev, commit_interval);
	if (!fresh) {
		*error = "Cannot allocate store";
		return ERR_PTR(-ENOMEM);
	}
	r = wait_event_killable(stores_wait, (store = join(fresh)));
	if (r) {
		*error = "Killed while another table of the backing device came or went";
		goto bad;
	}
	if (store != fresh) {
		put_device(&fresh->dev);
		shorten_interval(store, commit_interval);
		return store;
	}
	r = store_start(store, error);
	settle(store, !r);
	if (!r)
		return store;

bad:
	put_device(&fresh->dev);
	return ERR_PTR(r);
}

/**
 * dm_inc_store_add_view - make an open view known to loaders and events
 * @store: from dm_inc_store_get(); between dm_inc_grow_begin() and dm_inc_grow_end()
 * @view: open
 *
 * If its segment is a new one, the image is longer from now on.
 */
void dm_inc_store_add_view(struct inc_store *store, struct inc_view *view)
{
	/* Both at a time: a loader that sees the one asks for the other. */
	mutex_lock(&store->views_mutex);
	dm_inc_grow_publish(store, view->generation + 1);
	list_add(&view->list, &store->views);
	mutex_unlock(&store->views_mutex);
	wake_up_interruptible(&store->loaders_wait);
}

/**
 * dm_inc_store_put - end a view's use of its store
 * @store: from dm_inc_store_get()
 * @view: has no read in flight; whether it was added or not
 *
 * Context: process; sleeps, does I/O. Waits for no other store.
 */
void dm_inc_store_put(struct inc_store *store, struct inc_view *view)
{
	bool last;

	mutex_lock(&store->views_mutex);
	list_del_init(&view->list);
	mutex_unlock(&store->views_mutex);

	spin_lock(&stores_lock);
	last = !--store->users;
	store->passing = last;
	spin_unlock(&stores_lock);
	if (!last)
		return;
	store_shut_down(store);
	settle(store, false);
	put_device(&store->dev);
}

