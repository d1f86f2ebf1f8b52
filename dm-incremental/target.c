// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm's language: the table line, status, messages, suspend and resume.
 * docs/dm-incremental.rst describes them for users.
 */
#include <linux/module.h>
#include <linux/slab.h>

#include "control.h"
#include "grow.h"
#include "integrity.h"
#include "internal.h"
#include "presence.h"
#include "proof.h"
#include "read.h"
#include "segments.h"
#include "signature.h"
#include "sleep.h"
#include "store.h"
#include "verity.h"
#include "view.h"
#include "wait.h"

#define READ_TIMEOUT_DEFAULT	30000	/* ms */
#define READ_TIMEOUT_MAX	3600000
#define COMMIT_INTERVAL_DEFAULT	5000	/* ms */
#define COMMIT_INTERVAL_MAX	3600000
#define OPTS_MAX		12
#define IO_BYTES		(128u << 10)

/* dm_get_device() took an fmode_t before 6.5. */
#ifdef INC_HAVE_BLK_MODE
#define INC_READ		BLK_OPEN_READ
#define INC_READ_WRITE		(BLK_OPEN_READ | BLK_OPEN_WRITE)
#else
#define INC_READ		FMODE_READ
#define INC_READ_WRITE		(FMODE_READ | FMODE_WRITE)
#endif

/**
 * struct inc_target - a target: its view, and the rest of its table line
 * @view: the view; its store is NULL until the constructor got one
 * @dev: the backing device
 * @commit_interval: ms, as in the table
 */
struct inc_target {
	struct inc_view		view;
	struct dm_dev		*dev;
	unsigned int		commit_interval;
};

static int parse_version(struct dm_target *ti, struct dm_arg_set *as)
{
	unsigned int version;

	if (kstrtouint(dm_shift_arg(as), 10, &version) || version != 1) {
		ti->error = "Invalid version: must be 1";
		return -EINVAL;
	}
	return 0;
}

/* A backing device that cannot be written serves its present chunks. */
static int parse_device(struct dm_target *ti, struct dm_arg_set *as,
			struct inc_target *target)
{
	const char *path = dm_shift_arg(as);
	int r;

	r = dm_get_device(ti, path, INC_READ_WRITE, &target->dev);
	if (r == -EACCES || r == -EROFS)
		r = dm_get_device(ti, path, INC_READ, &target->dev);
	if (r)
		ti->error = "Cannot open backing device";
	return r;
}

static int parse_generation(struct dm_target *ti, struct dm_arg_set *as,
			    struct inc_target *target)
{
	if (kstrtouint(dm_shift_arg(as), 10, &target->view.generation)) {
		ti->error = "Invalid generation: not a number";
		return -EINVAL;
	}
	return 0;
}

static int parse_verity(struct dm_target *ti, struct dm_arg_set *as,
			struct inc_target *target)
{
	const char *hash_name = dm_shift_arg(as);
	const char *root = dm_shift_arg(as);
	const char *salt = dm_shift_arg(as);

	return dm_inc_verity_init(&target->view.verity, hash_name, root, salt,
				  &ti->error);
}

/* By enum inc_on_corruption. */
static const char * const on_corruption[] = { "refetch", "fail", "panic" };

static int parse_ms(const char *value, unsigned int max, unsigned int *ms)
{
	return kstrtouint(value, 10, ms) || *ms > max ? -EINVAL : 0;
}

static int parse_option(struct dm_target *ti, struct inc_target *target,
			const char *name, const char *value)
{
	unsigned int i;

	if (!strcasecmp(name, "read_timeout")) {
		ti->error = "Invalid read_timeout: must be 0 to 3600000 ms";
		return parse_ms(value, READ_TIMEOUT_MAX,
				&target->view.read_timeout);
	}
	if (!strcasecmp(name, "commit_interval")) {
		ti->error = "Invalid commit_interval: must be 0 to 3600000 ms";
		return parse_ms(value, COMMIT_INTERVAL_MAX,
				&target->commit_interval);
	}
	if (!strcasecmp(name, "absent_readahead")) {
		ti->error = "Invalid absent_readahead: must be fetch or hint";
		target->view.hint_readahead = !strcasecmp(value, "hint");
		return target->view.hint_readahead ||
		       !strcasecmp(value, "fetch") ? 0 : -EINVAL;
	}
	if (!strcasecmp(name, "on_corruption")) {
		ti->error = "Invalid on_corruption: must be refetch, fail or panic";
		for (i = 0; i < ARRAY_SIZE(on_corruption); i++) {
			if (strcasecmp(value, on_corruption[i]))
				continue;
			target->view.on_corruption = i;
			return 0;
		}
		return -EINVAL;
	}
	if (!strcasecmp(name, "min_epoch")) {
		ti->error = "Invalid min_epoch: must be 0 to 4294967295";
		return kstrtou32(value, 10, &target->view.min_epoch);
	}
	ti->error = "Unknown option";
	return -EINVAL;
}

static int parse_options(struct dm_target *ti, struct dm_arg_set *as,
			 struct inc_target *target)
{
	static const struct dm_arg args[] = {
		{ 0, OPTS_MAX, "Invalid number of options" },
	};
	unsigned int count;
	int r;

	target->view.read_timeout = READ_TIMEOUT_DEFAULT;
	target->commit_interval = COMMIT_INTERVAL_DEFAULT;
	if (!as->argc)
		return 0;
	r = dm_read_arg_group(args, as, &count, &ti->error);
	if (r)
		return r;
	if (count != as->argc) {
		ti->error = "Options must be as many words as their number says";
		return -EINVAL;
	}
	while (as->argc) {
		const char *name = dm_shift_arg(as);

		if (!strcasecmp(name, "require_signature")) {
			target->view.require_signature = true;
			continue;
		}
		if (!strcasecmp(name, "prove_size")) {
			target->view.prove_size = true;
			continue;
		}
		if (!as->argc) {
			ti->error = "Option without its value, or unknown";
			return -EINVAL;
		}
		r = parse_option(ti, target, name, dm_shift_arg(as));
		if (r)
			return r;
	}
	if (target->view.min_epoch && !target->view.require_signature) {
		ti->error = "min_epoch needs require_signature: only a signature vouches for an epoch";
		return -EINVAL;
	}
	return 0;
}

/*
 * Large reads are split, so that several CPUs work on one; but not below a
 * cluster, which would be expanded twice.
 */
static sector_t io_sectors(const struct inc_view *view)
{
	u32 cluster = INC_BLOCK_SIZE << view->segment->cluster_shift;

	return max(cluster, IO_BYTES) >> SECTOR_SHIFT;
}

/* The last thing that may fail, as it may make the image longer. */
static int add_view(struct dm_target *ti, struct inc_view *view)
{
	int r;

	r = dm_inc_view_open(view, &ti->error);
	if (r)
		return r;
	ti->error = "Cannot allocate proof";
	r = dm_inc_proof_alloc(view);
	if (r)
		return r;
	if (ti->begin ||
	    ti->len != view->segment->device_blocks <<
		       (INC_BLOCK_SHIFT - SECTOR_SHIFT)) {
		ti->error = "Target must start at 0 and have the size of the image's device";
		return -EINVAL;
	}
	r = dm_set_target_max_io_len(ti, io_sectors(view));
	if (r)
		return r;
	dm_inc_store_add_view(view->store, view);
	return 0;
}

static int open_view(struct dm_target *ti, struct inc_target *target)
{
	struct inc_store *store;
	int r;

	store = dm_inc_store_get(target->dev->bdev, target->commit_interval,
				 &ti->error);
	if (IS_ERR(store))
		return PTR_ERR(store);
	target->view.store = store;
	r = dm_inc_grow_begin(store);
	if (r) {
		ti->error = "Killed while another table of the backing device was being loaded";
		return r;
	}
	r = add_view(ti, &target->view);
	dm_inc_grow_end(store);
	return r;
}

/*
 * No bio is in flight, and if the view was ever used it has been suspended. These
 * may still use the view, so they end in this order:
 *
 *	windows		reads that dm does not know of. When none is left, each
 *			work item of a read has been queued: wait.c may do that
 *			for any caller, and after it has dropped store->lock
 *	its workqueue	workers, of reads and of the proof
 *	the rest	store->views has the view to dm_inc_store_put(), for its
 *			table and verity
 */
static void incremental_dtr(struct dm_target *ti)
{
	struct inc_target *target = ti->private;
	struct inc_view *view = &target->view;

	dm_inc_read_wait_windows(view);
	dm_inc_view_close(view);
	dm_inc_proof_free(view);
	if (view->store)
		dm_inc_store_put(view->store, view);
	dm_inc_verity_destroy(&view->verity);
	if (target->dev)
		dm_put_device(ti, target->dev);
	kfree(target);
}

/*
 * <version> <backing dev> <generation> <hash alg> <root digest> <salt|->
 * [<#opts> <opts>]
 */
static int incremental_ctr(struct dm_target *ti, unsigned int argc, char **argv)
{
	struct dm_arg_set as = { .argc = argc, .argv = argv };
	struct inc_target *target;
	int r;

	if (argc < 6) {
		ti->error = "Not enough arguments: need at least 6";
		return -EINVAL;
	}
	if (dm_table_get_mode(ti->table) & ~INC_READ) {
		ti->error = "Device must be created read-only";
		return -EINVAL;
	}
	target = kzalloc(sizeof(*target), GFP_KERNEL);
	if (!target) {
		ti->error = "Cannot allocate target";
		return -ENOMEM;
	}
	ti->private = target;
	target->view.ti = ti;
	INIT_LIST_HEAD(&target->view.list);
	spin_lock_init(&target->view.buffers_lock);
	INIT_LIST_HEAD(&target->view.starved);
	init_waitqueue_head(&target->view.windows_wait);

	r = parse_version(ti, &as) ?:
	    parse_device(ti, &as, target) ?:
	    parse_generation(ti, &as, target) ?:
	    parse_verity(ti, &as, target) ?:
	    parse_options(ti, &as, target) ?:
	    open_view(ti, target);
	if (r) {
		incremental_dtr(ti);
		return r;
	}
	ti->per_io_data_size = sizeof(struct inc_io);
	return 0;
}

/* A program records what is read, and not what may be. */
static bool refuses_readahead(const struct inc_view *view,
			      const struct bio *bio)
{
	return bio->bi_opf & REQ_RAHEAD && view->hint_readahead &&
	       atomic_read(&view->store->nr_no_readahead);
}

static int incremental_map(struct dm_target *ti, struct bio *bio)
{
	struct inc_target *target = ti->private;
	struct inc_io *io = dm_per_bio_data(bio, sizeof(*io));
	sector_t sector = dm_target_offset(ti, bio->bi_iter.bi_sector);

	if (bio_op(bio) != REQ_OP_READ)
		return DM_MAPIO_KILL;
	if ((sector | bio_sectors(bio)) &
	    (INC_BLOCK_SIZE / SECTOR_SIZE - 1)) {
		DMERR_LIMIT("%s: unaligned read of %u sectors at %llu",
			    dm_table_device_name(ti->table), bio_sectors(bio),
			    (unsigned long long)sector);
		return DM_MAPIO_KILL;
	}
	if (refuses_readahead(&target->view, bio)) {
		bio->bi_status = BLK_STS_AGAIN;
		bio_endio(bio);
		return DM_MAPIO_SUBMITTED;
	}
	dm_inc_read_init(io, &target->view, bio,
			 sector >> (INC_BLOCK_SHIFT - SECTOR_SHIFT),
			 bio->bi_iter.bi_size >> INC_BLOCK_SHIFT);
	if (!dm_inc_proof_hold(io))
		dm_inc_read_start(io);
	return DM_MAPIO_SUBMITTED;
}

/*
 * dm waits for all reads before it suspends a device, so those that wait for a
 * loader end here: pushed back where dm can hold them, failed where it cannot.
 */
static void incremental_presuspend(struct dm_target *ti)
{
	struct inc_target *target = ti->private;
	struct inc_view *view = &target->view;

	dm_inc_wait_drop_view(view->store, view, dm_noflush_suspending(ti) ?
			      BLK_STS_DM_REQUEUE : BLK_STS_IOERR);
}

static int incremental_preresume(struct dm_target *ti)
{
	struct inc_target *target = ti->private;

	return dm_inc_integrity_set(&target->view);
}

static void unsuspend(struct dm_target *ti)
{
	struct inc_target *target = ti->private;
	struct inc_view *view = &target->view;

	mutex_lock(&view->store->lock);
	view->suspended = false;
	mutex_unlock(&view->store->lock);
}

/* dm has waited for the bios; a suspended device reads nothing at all. */
static void incremental_postsuspend(struct dm_target *ti)
{
	struct inc_target *target = ti->private;

	dm_inc_read_wait_windows(&target->view);
	if (dm_inc_presence_commit(target->view.store))
		DMWARN("%s: cannot commit presence",
		       dm_table_device_name(ti->table));
}

static void emit_options(struct inc_target *target, char *result,
			 unsigned int maxlen, unsigned int *done)
{
	struct inc_view *view = &target->view;
	bool timeout = view->read_timeout != READ_TIMEOUT_DEFAULT;
	bool commit = target->commit_interval != COMMIT_INTERVAL_DEFAULT;
	bool corruption = view->on_corruption != INC_REFETCH;
	unsigned int count, sz = *done;

	count = 2 * (timeout + commit + view->hint_readahead + corruption +
		     !!view->min_epoch) +
		view->require_signature + view->prove_size;
	if (count)
		DMEMIT(" %u", count);
	if (timeout)
		DMEMIT(" read_timeout %u", view->read_timeout);
	if (commit)
		DMEMIT(" commit_interval %u", target->commit_interval);
	if (view->hint_readahead)
		DMEMIT(" absent_readahead hint");
	if (corruption)
		DMEMIT(" on_corruption %s", on_corruption[view->on_corruption]);
	if (view->require_signature)
		DMEMIT(" require_signature");
	if (view->min_epoch)
		DMEMIT(" min_epoch %u", view->min_epoch);
	if (view->prove_size)
		DMEMIT(" prove_size");
	*done = sz;
}

static unsigned int emit_table(struct inc_target *target, char *result,
			       unsigned int maxlen, unsigned int sz)
{
	const struct inc_verity *verity = &target->view.verity;
	unsigned int i;

	DMEMIT("1 %s %u %s ", target->dev->name, target->view.generation,
	       verity->hash_name);
	for (i = 0; i < verity->digest_size; i++)
		DMEMIT("%02x", verity->root[i]);
	DMEMIT(" ");
	if (!verity->salt_size)
		DMEMIT("-");
	for (i = 0; i < verity->salt_size; i++)
		DMEMIT("%02x", verity->salt[i]);
	emit_options(target, result, maxlen, &sz);
	return sz;
}

/* The voucher for the root digest: the table, or its signature. */
static const char *trust(const struct inc_view *view)
{
	return view->signed_root ? "signature" : "table";
}

/*
 * <present>/<total chunks> <waiting reads> <wanted ranges> <filled chunks>
 * <hash failures> <healed> <timed out> <unavailable> <loaders> <state> <trust>
 */
static unsigned int emit_info(struct inc_target *target, char *result,
			      unsigned int maxlen, unsigned int sz)
{
	struct inc_view *view = &target->view;
	struct inc_store *store = view->store;
	u64 present, total;

	present = dm_inc_presence_count(store, &total);
	DMEMIT("%llu/%llu %u %u %llu %llu %llu %llu %llu %d %s %s",
	       present, total,
	       READ_ONCE(store->nr_waiting), READ_ONCE(store->nr_demand),
	       (u64)atomic64_read(&store->nr_filled),
	       (u64)atomic64_read(&view->nr_hash_failures),
	       (u64)atomic64_read(&store->nr_healed),
	       (u64)atomic64_read(&store->nr_timeouts),
	       (u64)atomic64_read(&store->nr_unavailable),
	       atomic_read(&store->nr_fillers),
	       present == total ? "complete" : "absent",
	       trust(view));
	return sz;
}

static void emit_ima(struct dm_target *ti, struct inc_target *target,
		     char *result, unsigned int maxlen)
{
	const struct inc_verity *verity = &target->view.verity;
	unsigned int sz = 0, i;

	DMEMIT_TARGET_NAME_VERSION(ti->type);
	DMEMIT(",backing_device=%s,generation=%u,hash=%s,root_digest=",
	       target->dev->name, target->view.generation, verity->hash_name);
	for (i = 0; i < verity->digest_size; i++)
		DMEMIT("%02x", verity->root[i]);
	DMEMIT(",trust=%s;", trust(&target->view));
}

static void incremental_status(struct dm_target *ti, status_type_t type,
			       unsigned int status_flags, char *result,
			       unsigned int maxlen)
{
	struct inc_target *target = ti->private;

	switch (type) {
	case STATUSTYPE_INFO:
		emit_info(target, result, maxlen, 0);
		break;
	case STATUSTYPE_TABLE:
		emit_table(target, result, maxlen, 0);
		break;
	case STATUSTYPE_IMA:
		emit_ima(ti, target, result, maxlen);
		break;
	}
}

/*
 * commit			as fsync() of the loader's file
 * read_timeout <ms>		for reads that start to wait from now on
 */
static int incremental_message(struct dm_target *ti, unsigned int argc,
			       char **argv, char *result, unsigned int maxlen)
{
	struct inc_target *target = ti->private;
	unsigned int ms;

	if (argc == 1 && !strcasecmp(argv[0], "commit"))
		return dm_inc_presence_commit(target->view.store);
	if (argc == 2 && !strcasecmp(argv[0], "read_timeout")) {
		if (parse_ms(argv[1], READ_TIMEOUT_MAX, &ms)) {
			DMERR("read_timeout must be 0 to 3600000 ms");
			return -EINVAL;
		}
		WRITE_ONCE(target->view.read_timeout, ms);
		return 0;
	}
	DMERR("Unknown message %s", argv[0]);
	return -EINVAL;
}

static int incremental_iterate_devices(struct dm_target *ti,
				       iterate_devices_callout_fn fn,
				       void *data)
{
	struct inc_target *target = ti->private;
	/* Not the whole device: its size need not be a multiple of a block. */
	return fn(ti, target->dev, 0,
		  dm_inc_store_size(target->view.store) >> SECTOR_SHIFT, data);
}

static void incremental_io_hints(struct dm_target *ti,
				 struct queue_limits *limits)
{
	limits->logical_block_size = max_t(unsigned int, INC_BLOCK_SIZE,
					   limits->logical_block_size);
	limits->physical_block_size = max_t(unsigned int, INC_BLOCK_SIZE,
					    limits->physical_block_size);
	limits->io_min = limits->logical_block_size;
}

static struct target_type incremental_target = {
	.name			= "incremental",
	.version		= { 1, 0, 0 },
	/* Security modules depend on both: see integrity.c. */
	.features		= DM_TARGET_SINGLETON | DM_TARGET_IMMUTABLE,
	.module			= THIS_MODULE,
	.ctr			= incremental_ctr,
	.dtr			= incremental_dtr,
	.map			= incremental_map,
	.presuspend		= incremental_presuspend,
	.presuspend_undo	= unsuspend,
	.postsuspend		= incremental_postsuspend,
	.preresume		= incremental_preresume,
	.resume			= unsuspend,
	.status			= incremental_status,
	.message		= incremental_message,
	.iterate_devices	= incremental_iterate_devices,
	.io_hints		= incremental_io_hints,
};

static int __init dm_incremental_init(void)
{
	int r;

	r = dm_inc_signature_init();
	if (r)
		return r;
	r = dm_inc_control_init();
	if (r)
		goto no_control;
	r = dm_inc_sleep_init();
	if (r)
		goto no_sleep;
	r = dm_register_target(&incremental_target);
	if (!r)
		return 0;
	dm_inc_sleep_exit();
no_sleep:
	dm_inc_control_exit();
no_control:
	dm_inc_signature_exit();
	return r;
}

static void __exit dm_incremental_exit(void)
{
	dm_unregister_target(&incremental_target);
	dm_inc_sleep_exit();
	dm_inc_control_exit();
	dm_inc_signature_exit();
}

module_init(dm_incremental_init);
module_exit(dm_incremental_exit);

MODULE_DESCRIPTION("device-mapper target for images that are still arriving");
MODULE_LICENSE("GPL");
/* The generic driver is built in, the fast one for x86 is a module. */
MODULE_SOFTDEP("pre: sha256-ssse3");
