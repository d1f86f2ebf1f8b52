// SPDX-License-Identifier: GPL-2.0-only
/*
 * /dev/incremental/<backing device>: the loader's interface to a store, as
 * <linux/dm-incremental.h> defines it.
 *
 * A call takes its arguments first, then enters the store, works, leaves it, and
 * only then writes to the caller's memory: that may lie on a page that comes
 * late, or never, while devices are suspended, reloaded or removed, and the store
 * ends. It uses the parts of the store (@bdev, @bufio, @readers, the work items,
 * the views) between dm_inc_backing_enter() and dm_inc_backing_leave() only. Outside it
 * may use the store's own memory, which an open file keeps: the presence bits,
 * the segments, the queues of wants, its wait queues. The end of the store leaves
 * these in order, and empties the queues.
 *
 * A call's allocations are charged to the caller's memory cgroup, also those that
 * the store keeps. Excepted are allocations under store->lock, where no task may
 * wait for a loader's cgroup: hints, which are few (wait.c), and a bit for each
 * suspect chunk (suspect.c).
 */
#include <linux/compat.h>
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include <linux/dm-incremental.h>
#include "backing.h"
#include "clear.h"
#include "control.h"
#include "fill.h"
#include "missing.h"
#include "presence.h"
#include "segments.h"
#include "wait.h"

#define INC_MINORS	(1 << MINORBITS)
#define DM_INCREMENTAL_DISCARD_FLAGS	(DM_INCREMENTAL_DISCARD_REFETCH | DM_INCREMENTAL_DISCARD_PUNCH | \
				 DM_INCREMENTAL_DISCARD_COLD)

static dev_t first_devt;
static DEFINE_IDA(minors);
static struct class inc_class = {
	.name = "incremental",
};

static int control_open(struct inode *inode, struct file *file)
{
	struct inc_store *store = container_of(inode->i_cdev, struct inc_store,
					       cdev);
	struct inc_loader *loader;

	if (!dm_inc_backing_enter(store))
		return -ENODEV;
	loader = kzalloc(sizeof(*loader), GFP_KERNEL_ACCOUNT);
	if (loader) {
		loader->store = store;
		loader->nr_opened = READ_ONCE(store->nr_opened);
		file->private_data = loader;
		loader->both_ways = file->f_mode & FMODE_READ &&
				    file->f_mode & FMODE_WRITE;
		loader->silent = !loader->both_ways;
		if (loader->both_ways)
			atomic_inc(&store->nr_loaders);
		if (file->f_mode & FMODE_WRITE) {
			atomic_inc(&store->nr_fillers);
			dm_inc_wait_loader_came(store);
		}
	}
	dm_inc_backing_leave(store);
	return loader ? 0 : -ENOMEM;
}

static int control_release(struct inode *inode, struct file *file)
{
	struct inc_loader *loader = file->private_data;

	if (loader->both_ways)
		atomic_dec(&loader->store->nr_loaders);
	if (file->f_mode & FMODE_WRITE)
		atomic_dec(&loader->store->nr_fillers);
	if (loader->no_readahead)
		atomic_dec(&loader->store->nr_no_readahead);
	dm_inc_wait_loader_gone(loader->store, loader);
	kfree(loader);
	return 0;
}

static ssize_t control_read(struct kiocb *iocb, struct iov_iter *to)
{
	struct file *file = iocb->ki_filp;
	struct inc_loader *loader = file->private_data;
	struct inc_store *store = loader->store;
	struct dm_incremental_request request;
	ssize_t done = 0;
	int r;

	if (iov_iter_count(to) < sizeof(request))
		return -EINVAL;
	for (;;) {
		while (iov_iter_count(to) >= sizeof(request) &&
		       dm_inc_want_hand_out(store, loader, &request)) {
			if (copy_to_iter(&request, sizeof(request), to) !=
			    sizeof(request)) {
				/* Any loader may get the want that this one could not be told. */
				dm_inc_wait_loader_gone(store, loader);
				return done ?: -EFAULT;
			}
			done += sizeof(request);
		}
		if (done)
			return done;
		if (READ_ONCE(store->dead))
			return -ENODEV;
		if (file->f_flags & O_NONBLOCK || iocb->ki_flags & IOCB_NOWAIT)
			return -EAGAIN;
		r = wait_event_interruptible(store->loaders_wait,
					     dm_inc_want_pending(store, loader) ||
					     READ_ONCE(store->dead));
		if (r)
			return r;
	}
}

static ssize_t control_write(struct kiocb *iocb, struct iov_iter *from)
{
	struct inc_loader *loader = iocb->ki_filp->private_data;
	ssize_t r;

	if (READ_ONCE(loader->store->dead))
		return -ENODEV;
	r = dm_inc_fill(loader->store, iocb->ki_pos, from);
	if (r > 0) {
		iocb->ki_pos += r;
		WRITE_ONCE(loader->silent, false);
	}
	return r;
}

static __poll_t control_poll(struct file *file, poll_table *wait)
{
	struct inc_loader *loader = file->private_data;
	struct inc_store *store = loader->store;
	__poll_t mask = EPOLLOUT | EPOLLWRNORM;

	poll_wait(file, &store->loaders_wait, wait);
	if (READ_ONCE(store->dead))
		return EPOLLHUP | EPOLLIN | EPOLLRDNORM;
	if (dm_inc_want_pending(store, loader))
		mask |= EPOLLIN | EPOLLRDNORM;
	return mask;
}

static loff_t seek_presence(struct inc_store *store, u64 offset, bool present)
{
	u64 chunk = offset >> store->chunk_shift;
	u64 end = dm_inc_store_chunks(store);
	u64 found;

	if (chunk >= end)
		return -ENXIO;
	found = dm_inc_presence_seek(store, chunk, end, present);
	if (found == end)
		return present ? -ENXIO : end << store->chunk_shift;
	return max(offset, found << store->chunk_shift);
}

static loff_t control_llseek(struct file *file, loff_t offset, int whence)
{
	struct inc_loader *loader = file->private_data;
	struct inc_store *store = loader->store;
	loff_t r;

	if (READ_ONCE(store->dead))
		return -ENODEV;
	if (whence != SEEK_HOLE && whence != SEEK_DATA)
		return generic_file_llseek_size(file, offset, whence,
						MAX_LFS_FILESIZE,
						dm_inc_store_size(store));
	if (offset < 0)
		return -ENXIO;
	r = seek_presence(store, offset, whence == SEEK_DATA);
	return r < 0 ? r : vfs_setpos(file, r, MAX_LFS_FILESIZE);
}

static int control_fsync(struct file *file, loff_t start, loff_t end,
			 int datasync)
{
	struct inc_loader *loader = file->private_data;
	int r;

	if (!dm_inc_backing_enter(loader->store))
		return -ENODEV;
	r = dm_inc_presence_commit(loader->store);
	dm_inc_backing_leave(loader->store);
	return r;
}

static bool bad_range(const struct inc_store *store, u64 offset, u64 length,
		      u32 unit)
{
	u64 size = dm_inc_store_size(store);

	return !length || (offset | length) & (unit - 1) || offset >= size ||
	       length > size - offset;
}

static int ioctl_unavailable(struct inc_store *store, void __user *arg)
{
	struct dm_incremental_unavailable range;

	if (copy_from_user(&range, arg, sizeof(range)))
		return -EFAULT;
	if (bad_range(store, range.offset, range.length,
		      1u << store->chunk_shift) ||
	    range.flags || range.reserved)
		return -EINVAL;
	if (!dm_inc_backing_enter(store))
		return -ENODEV;
	dm_inc_wait_unavailable(store, range.offset >> store->chunk_shift,
				(range.offset + range.length - 1) >>
				store->chunk_shift);
	dm_inc_backing_leave(store);
	return 0;
}

static int read_present(struct inc_store *store, struct page *page, u64 offset,
			u32 length)
{
	struct bio_vec vec;
	struct bio bio;
	int r, section;

	if (!dm_inc_backing_enter(store))
		return -ENODEV;
	/* Chunks that are present now keep their bytes to the section's end. */
	section = srcu_read_lock(&store->readers);
	if (!dm_inc_missing_none(store, offset >> store->chunk_shift,
				 (offset + length - 1) >> store->chunk_shift)) {
		r = -ENODATA;
		goto out;
	}
	dm_inc_backing_bio_init(store, &bio, &vec, 1, REQ_OP_READ, offset);
	__bio_add_page(&bio, page, length, 0);
	r = submit_bio_wait(&bio);
	bio_uninit(&bio);
out:
	srcu_read_unlock(&store->readers, section);
	dm_inc_backing_leave(store);
	return r;
}

static int ioctl_read(struct inc_store *store, void __user *arg)
{
	struct dm_incremental_read read;
	struct page *page;
	u64 done;
	int r = 0;

	if (copy_from_user(&read, arg, sizeof(read)))
		return -EFAULT;
	if (read.length > DM_INCREMENTAL_READ_MAX ||
	    bad_range(store, read.offset, read.length, INC_PAGE_SIZE) ||
	    read.flags || read.reserved)
		return -EINVAL;
	if (!dm_inc_missing_none(store, read.offset >> store->chunk_shift,
				 (read.offset + read.length - 1) >>
				 store->chunk_shift))
		return -ENODATA;

	page = alloc_page(GFP_KERNEL_ACCOUNT);
	if (!page)
		return -ENOMEM;
	for (done = 0; !r && done < read.length; done += PAGE_SIZE) {
		u32 length = min_t(u64, PAGE_SIZE, read.length - done);

		r = read_present(store, page, read.offset + done, length);
		if (!r && copy_to_user(u64_to_user_ptr(read.buffer) + done,
				       page_address(page), length))
			r = -EFAULT;
	}
	__free_page(page);
	return r;
}

static int ioctl_discard(struct inc_store *store, void __user *arg)
{
	struct dm_incremental_discard range;

	if (copy_from_user(&range, arg, sizeof(range)))
		return -EFAULT;
	if (range.flags & ~DM_INCREMENTAL_DISCARD_FLAGS || range.reserved ||
	    bad_range(store, range.offset, range.length,
		      1u << store->chunk_shift))
		return -EINVAL;
	return dm_inc_clear_discard(store, range.offset >> store->chunk_shift,
				    (range.offset + range.length - 1) >>
				    store->chunk_shift, range.flags);
}

static int ioctl_missing(struct inc_store *store, void __user *arg)
{
	u32 shift = store->chunk_shift;
	struct dm_incremental_missing range;
	u64 first, last;

	if (copy_from_user(&range, arg, sizeof(range)))
		return -EFAULT;
	if (bad_range(store, range.offset, range.length, 1u << shift) ||
	    range.flags || range.reserved)
		return -EINVAL;
	if (!dm_inc_missing_next(store, range.offset >> shift,
				 (range.offset + range.length - 1) >> shift,
				 &first, &last))
		return -ENXIO;
	range.offset = first << shift;
	range.length = (last - first + 1) << shift;
	return copy_to_user(arg, &range, sizeof(range)) ? -EFAULT : 0;
}

static int ioctl_features(void __user *arg)
{
	const struct dm_incremental_features features = {
		.abi_version = DM_INCREMENTAL_ABI_VERSION,
		.request_size = sizeof(struct dm_incremental_request),
	};

	return copy_to_user(arg, &features, sizeof(features)) ? -EFAULT : 0;
}

static void fill_info(struct inc_store *store, struct dm_incremental_info *info)
{
	struct inc_view *view, *newest = NULL;
	u64 total;

	memset(info, 0, sizeof(*info));
	info->chunk_size = 1u << store->chunk_shift;

	mutex_lock(&store->views_mutex);
	info->present = dm_inc_presence_count(store, &total) << store->chunk_shift;
	info->image_size = total << store->chunk_shift;
	list_for_each_entry(view, &store->views, list)
		if (!newest || view->generation > newest->generation)
			newest = view;
	if (newest) {
		const struct inc_verity *verity = &newest->verity;

		info->generation = newest->generation;
		info->digest_size = verity->digest_size;
		info->salt_size = verity->salt_size;
		strscpy(info->hash_name, verity->hash_name,
			sizeof(info->hash_name));
		memcpy(info->root_digest, verity->root, verity->digest_size);
		memcpy(info->salt, verity->salt, verity->salt_size);
	}
	mutex_unlock(&store->views_mutex);
}

static int ioctl_info(struct inc_store *store, void __user *arg)
{
	struct dm_incremental_info *info;
	int r = 0;

	info = kmalloc(sizeof(*info), GFP_KERNEL_ACCOUNT);
	if (!info)
		return -ENOMEM;
	if (dm_inc_backing_enter(store)) {
		fill_info(store, info);
		dm_inc_backing_leave(store);
		if (copy_to_user(arg, info, sizeof(*info)))
			r = -EFAULT;
	} else {
		r = -ENODEV;
	}
	kfree(info);
	return r;
}

static int ioctl_no_readahead(struct inc_store *store,
			      struct inc_loader *loader)
{
	struct inc_view *view;
	int r = 0;

	if (!dm_inc_backing_enter(store))
		return -ENODEV;
	mutex_lock(&store->views_mutex);
	list_for_each_entry(view, &store->views, list)
		if (!view->hint_readahead)
			r = -EOPNOTSUPP;
	mutex_unlock(&store->views_mutex);
	dm_inc_backing_leave(store);
	if (!r && !test_and_set_bit(0, &loader->no_readahead))
		atomic_inc(&store->nr_no_readahead);
	return r;
}

/* Each enters the store by itself, once it has its arguments. */
static long control_ioctl(struct file *file, unsigned int cmd,
			  unsigned long arg)
{
	struct inc_loader *loader = file->private_data;
	struct inc_store *store = loader->store;
	void __user *user = (void __user *)arg;

	if (READ_ONCE(store->dead))
		return -ENODEV;
	switch (cmd) {
	case DM_INCREMENTAL_IOC_FEATURES:
		return ioctl_features(user);
	case DM_INCREMENTAL_IOC_UNAVAILABLE:
		if (!(file->f_mode & FMODE_WRITE))
			return -EBADF;
		return ioctl_unavailable(store, user);
	case DM_INCREMENTAL_IOC_DISCARD:
		if (!(file->f_mode & FMODE_WRITE))
			return -EBADF;
		return ioctl_discard(store, user);
	case DM_INCREMENTAL_IOC_READ:
		return ioctl_read(store, user);
	case DM_INCREMENTAL_IOC_MISSING:
		return ioctl_missing(store, user);
	case DM_INCREMENTAL_IOC_INFO:
		return ioctl_info(store, user);
	case DM_INCREMENTAL_IOC_NO_READAHEAD:
		return ioctl_no_readahead(store, loader);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations control_fops = {
	.owner		= THIS_MODULE,
	.open		= control_open,
	.release	= control_release,
	.read_iter	= control_read,
	.write_iter	= control_write,
	.poll		= control_poll,
	.llseek		= control_llseek,
	.fsync		= control_fsync,
	.unlocked_ioctl	= control_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};

/**
 * dm_inc_control_add - make a store's node
 * @store: being created; its @dev is initialised
 *
 * Return: 0 or a negative errno.
 */
int dm_inc_control_add(struct inc_store *store)
{
	int minor, r;

	minor = ida_alloc_max(&minors, INC_MINORS - 1, GFP_KERNEL);
	if (minor < 0)
		return minor;
	store->dev.class = &inc_class;
	store->dev.devt = MKDEV(MAJOR(first_devt), minor);
	/* The driver core turns "!" into a directory of /dev. */
	r = dev_set_name(&store->dev, "incremental!%pg", store->bdev);
	if (r)
		goto free_minor;
	cdev_init(&store->cdev, &control_fops);
	store->cdev.owner = THIS_MODULE;
	r = cdev_device_add(&store->cdev, &store->dev);
	if (r)
		goto free_minor;
	return 0;

free_minor:
	ida_free(&minors, minor);
	return r;
}

/**
 * dm_inc_control_remove - remove a store's node
 * @store: open files of it go on to exist
 */
void dm_inc_control_remove(struct inc_store *store)
{
	cdev_device_del(&store->cdev, &store->dev);
	ida_free(&minors, MINOR(store->dev.devt));
}

/**
 * dm_inc_control_init - the module is loaded
 *
 * Return: 0 or a negative errno.
 */
int dm_inc_control_init(void)
{
	int r;

	r = alloc_chrdev_region(&first_devt, 0, INC_MINORS, "incremental");
	if (r)
		return r;
	r = class_register(&inc_class);
	if (r)
		unregister_chrdev_region(first_devt, INC_MINORS);
	return r;
}

/**
 * dm_inc_control_exit - the module goes; no store and no open file is left
 */
void dm_inc_control_exit(void)
{
	class_unregister(&inc_class);
	unregister_chrdev_region(first_devt, INC_MINORS);
	ida_destroy(&minors);
}
