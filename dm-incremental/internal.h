/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The structures and locks that all files of the device-mapper target
 * "incremental" share. Each file has a header with its functions;
 * docs/architecture.md has the order in which they may use each other.
 *
 * Locks, in the order they nest:
 *
 *	store->fill_turns	a semaphore: fills that may have memory, never
 *				over an access to the loader's that may fault
 *	store->live		read: backing device in use by a loader's call,
 *				never over an access to the loader's memory,
 *				which may not come back; write: store->dead is
 *				being set
 *	store->grow_mutex	one table of the store being loaded at a time,
 *				segments that are found and not published
 *	store->views_mutex	store->views
 *	store->commit_mutex	one commit at a time
 *	store->clear_mutex	one discard at a time, store->used
 *	store->lock		wants, their links, waiting reads, loaders'
 *				queues; changes of which chunks are present or
 *				suspect, store->changes. Never held over I/O;
 *				allocations under it are with GFP_NOIO.
 *	store->claims_lock	claims; a spinlock
 *	view->buffers_lock	which buffers its reads have, and wait for; a spinlock
 *	spares_lock (batch.c)	buffers that no view has; a spinlock
 *	proof->lock		reads held; a spinlock
 *	store->dictionaries_lock  loaded dictionaries; a spinlock
 *	open_mutex (expand.c)	which sizes of cluster the views have; nests
 *				nothing but areas_lock: free areas, a spinlock
 *	stores_lock (store.c)	the list of stores, their @users and @passing; a
 *				spinlock, as no I/O is done under it: a store
 *				that comes or goes is marked so instead
 *
 * Between clear_mutex and lock come the claims of chunks (claim.c).
 * Lookups are in an SRCU section of store->readers, where clear_mutex must not
 * be taken: its holder waits for them.
 *
 * The presence bitmap is read without a lock; see presence.c and clear.c.
 */
#ifndef DM_INCREMENTAL_INTERNAL_H
#define DM_INCREMENTAL_INTERNAL_H

#include <linux/bio.h>
#include <linux/cdev.h>
#include <linux/completion.h>
#include <linux/device-mapper.h>
#include <linux/dm-bufio.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/ratelimit.h>
#include <linux/rbtree.h>
#include <linux/refcount.h>
#include <linux/rwsem.h>
#include <linux/semaphore.h>
#include <linux/spinlock.h>
#include <linux/srcu.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <crypto/hash.h>

#include "format.h"
#include "sha256x2.h"
#ifdef INC_DELAYS
#include "delays.h"
#endif

#define DM_MSG_PREFIX		"incremental"

#define INC_PAGE_SECTORS	(INC_PAGE_SIZE >> SECTOR_SHIFT)

struct inc_buffer;
struct inc_proof;
struct inc_want;

#define INC_CHANGES		256	/* entries, a power of two */

/**
 * struct inc_change - the log's entry of the chunks that share it
 * @cleared: number of the last clear of any of them
 * @chunk: the suspect one that has come anew last
 * @filled: the number of that change
 */
struct inc_change {
	u64	cleared;
	u64	chunk;
	u64	filled;
};

#define INC_READERS		256

/**
 * struct inc_turn - a want that waits for its turn
 * @node: in the queue of struct inc_turns
 * @number: of the turn
 * @id: told to the loader; lower for older wants
 * @reader: the reader that waits for it, less than INC_READERS
 */
struct inc_turn {
	struct rb_node	node;
	u64		number;
	u64		id;
	u8		reader;
};

/**
 * struct inc_turns - the queue of wants that no loader has
 * @queue: struct inc_turn by number and id
 * @present: number of the turn of the want that was taken last
 * @queued: number of queued wants of each reader
 */
struct inc_turns {
	struct rb_root_cached	queue;
	u64			present;
	u32			queued[INC_READERS];
};

/*
 * Tables with room for the largest image are of two levels: only those pages are
 * allocated that the image needs.
 */
#define INC_TABLE_POINTERS	(INC_PAGE_SIZE / sizeof(void *))
#define INC_TABLE_NUMBERS	(INC_PAGE_SIZE / sizeof(u32))

/* Pages of bits of the largest image with the smallest chunks (presence.c). */
#define INC_BITS_PAGES_MAX	(INC_IMAGE_SIZE_MAX >> \
				 (INC_CHUNK_SHIFT_MIN + INC_PAGE_SHIFT + 3))

/**
 * struct inc_store - one backing device, and its image as far as it is present
 *
 * Shared by all views of generations of the image on that device, also by the
 * old and the new table during a reload. @dev owns the memory; the first view
 * creates the store, the last one's end shuts it down (@dead), and open files
 * of its node keep the memory until they are closed.
 */
struct inc_store {
	struct device		dev;
	struct cdev		cdev;
	struct list_head	list;		/* stores_lock */
	unsigned int		users;		/* stores_lock */
	bool			passing;	/* stores_lock: comes or goes */
	struct mutex		views_mutex;
	struct list_head	views;		/* views_mutex */

	struct block_device	*bdev;		/* valid until @dead */
	dev_t			bdev_dev;
	bool			read_only;
	struct dm_bufio_client	*bufio;		/* metadata pages */

	/* segments.c */
	struct mutex		grow_mutex;
	struct inc_segment	**segments[INC_SEGMENTS_MAX / INC_TABLE_POINTERS];
						/* in order: dm_inc_segment() */
	u32			nr_segments;	/* grow_mutex and lock to write */
	u32			nr_found;	/* grow_mutex */
	u32			chunk_shift;

	struct rw_semaphore	live;
	bool			dead;		/* set with @live and @lock held */

	/* dictionary.c */
	spinlock_t		dictionaries_lock;
	struct list_head	dictionaries;	/* last used first */
	unsigned int		nr_dictionaries;

	/* presence.c */
	unsigned long		**present[DIV_ROUND_UP(INC_BITS_PAGES_MAX,
						       INC_TABLE_POINTERS)];
						/* pages of a bit per chunk */
	unsigned long		**used;		/* the same, in one table;
						 * clear_mutex to write
						 */
	u32			*first_page[INC_SEGMENTS_MAX / INC_TABLE_NUMBERS];
						/* of each segment's bitmap */
	unsigned long		*dirty;		/* a bit per bitmap page */
	atomic64_t		nr_absent;	/* chunks, with those hidden */
	u64			nr_hidden;	/* lock: suspect, and overwritten now */
	u64			found_absent;	/* grow_mutex: not in nr_absent yet */
	struct mutex		commit_mutex;
	struct page		*commit_page;	/* commit_mutex */
	struct workqueue_struct	*commit_wq;	/* waits for this store's I/O */
	struct delayed_work	commit_work;
	unsigned int		commit_interval; /* ms */
	unsigned int		commit_backoff;	/* ms, 0 after a success */
	struct work_struct	event_work;

	/* clear.c */
	struct srcu_struct	readers;	/* lookups */
	struct mutex		clear_mutex;

	/* history.c */
	atomic64_t		nr_changes;	/* lock to write */
	struct inc_change	changes[INC_CHANGES]; /* lock */

	/* suspect.c */
	struct xarray		suspects;	/* pages of a bit per chunk; lock
						 * to write
						 */

	/* wait.c */
	struct mutex		lock;
	struct rb_root		wants;		/* disjoint, by first chunk */
	struct inc_turns	turns;		/* wants no loader has */
	struct list_head	handed;		/* wants a loader has, oldest first */
	unsigned long		active_at;	/* jiffies: a loader has taken or
						 * filled a want
						 */
	struct list_head	hints;		/* no read waits for these */
	unsigned int		nr_demand;	/* in @turns and on @handed */
	unsigned int		nr_hints;
	struct list_head	waiting;	/* struct inc_io.waiting */
	unsigned int		nr_waiting;
	u64			next_id;
	u32			nr_opened;	/* segments up to the latest
						 * generation that was opened
						 */
	wait_queue_head_t	loaders_wait;
	struct delayed_work	timer_work;
	bool			timer_set;
	unsigned long		timer_at;	/* jiffies, if @timer_set */
	bool			absence_told;	/* by a dm event: no loader */

	/* claim.c */
	spinlock_t		claims_lock;	/* claims */
	struct list_head	claims;		/* of running fills and clears */
	wait_queue_head_t	claims_wait;

	/* fill.c */
	struct semaphore	fill_turns;	/* fills that may have memory */

	atomic_t		nr_fillers;	/* files of the node open for
						 * writing
						 */
	atomic_t		nr_loaders;	/* and for reading, too */
	atomic_t		nr_no_readahead; /* that want readahead to fail */
	atomic64_t		nr_filled;	/* chunks since creation */
	atomic64_t		nr_timeouts;	/* reads */
	atomic64_t		nr_unavailable;	/* reads */
	atomic64_t		nr_healed;	/* damage that is no more */
};

/**
 * struct inc_verity - the trust of one view
 * @hash_name: as in the table
 * @root: root digest, from the table
 * @salt: from the table, NULL if none
 * @digest_size: bytes
 * @salt_size: bytes
 * @tfm: the hash
 * @initial_state: exported state of @tfm after hashing @salt
 * @zero_digest: digest of a block of zeros
 * @pairs: @x2 is used
 * @x2: the same state, for two blocks at a time
 * @id: marks tree pages that were verified up to @root; never reused
 */
struct inc_verity {
	char			*hash_name;
	u8			root[INC_DIGEST_MAX];
	u8			*salt;
	unsigned int		digest_size;
	unsigned int		salt_size;
	struct crypto_shash	*tfm;
	u8			*initial_state;
	u8			zero_digest[INC_DIGEST_MAX];
	bool			pairs;
	struct inc_sha256x2	x2;
	u64			id;
};

enum inc_on_corruption { INC_REFETCH, INC_FAIL, INC_PANIC };

/**
 * struct inc_view - one generation of a store's image, as a table opened it
 * @ti: the target
 * @list: on store->views (store->views_mutex)
 * @store: where its bytes are
 * @segment: of this generation, in store->segments
 * @generation: its number
 * @verity: the root digest that its blocks must hash to
 * @map_dir: directory of the map, @segment->map_runs runs
 * @tree_dir: directory of the hash tree, @segment->tree_runs runs
 * @areas: cluster_shift + 1 of dm_inc_areas_get() (expand.h); 0 before it. (A segment
 *	that is not published goes before a view that was refused.)
 * @wq: reads run here
 * @nr_buffers: reads that can run at a time
 * @nr_taken: those that have a buffer, or get one
 * @reserve: the view's own buffer; NULL while a read has it
 * @starved: reads that wait for a buffer
 * @read_timeout: ms that a read may wait for absent data
 * @hint_readahead: readahead of absent data fails and leaves a hint
 * @on_corruption: the action on damage
 * @require_signature: the table wants the root digest signed
 * @min_epoch: and an epoch signed with it that is no lower
 * @signed_root: it is, and that was verified
 * @signature: by a key that root cannot have added: the signature,
 *	@segment->signature_size bytes; else NULL
 * @prove_size: the table wants the device's size proved; a signature does, too
 * @proof: of that; NULL if none is required
 * @suspended: reads must not wait (store->lock)
 * @nr_windows: readahead windows that wait for their map, or run
 * @windows_wait: for @nr_windows to be 0
 * @nr_hash_failures: blocks and tree pages that did not match their digest
 */
struct inc_view {
	struct dm_target	*ti;
	struct list_head	list;
	struct inc_store	*store;
	const struct inc_segment *segment;
	u32			generation;
	struct inc_verity	verity;
	struct inc_run		*map_dir;
	struct inc_run		*tree_dir;
	u32			areas;
	struct workqueue_struct	*wq;
	unsigned int		nr_buffers;
	spinlock_t		buffers_lock;	/* the next three */
	unsigned int		nr_taken;
	struct inc_buffer	*reserve;
	struct list_head	starved;	/* inc_io.waiting */
	unsigned int		read_timeout;
	bool			hint_readahead;
	enum inc_on_corruption	on_corruption;
	bool			require_signature;
	u32			min_epoch;
	bool			signed_root;
	u8			*signature;
	bool			prove_size;
	struct inc_proof	*proof;
	bool			suspended;
	struct ratelimit_state	log_limit;	/* of what its reads report */
	atomic_t		nr_windows;
	wait_queue_head_t	windows_wait;
	atomic64_t		nr_hash_failures;
};

#define INC_LINKS	8	/* ranges that a read asks for at a time */

/**
 * struct inc_link - a waiting read's stake in one want
 * @list: on want->links
 * @want: NULL if the link is not in use or its range has arrived
 * @io: the read
 * @first: first chunk waited for, within @want
 * @last: last chunk waited for, within @want
 */
struct inc_link {
	struct list_head	list;
	struct inc_want		*want;
	struct inc_io		*io;
	u64			first;
	u64			last;
};

/**
 * struct inc_reader - the thread that reads
 * @pid: of its process, as the initial PID namespace numbers it
 * @tid: its own, likewise
 * @uid: its user
 *
 * Numbers, which hold nothing: the thread may be gone, and others have them.
 */
struct inc_reader {
	pid_t	pid;
	pid_t	tid;
	kuid_t	uid;
};

/**
 * struct inc_io - a read of the virtual device; dm's per-bio data
 * @work: runs it, on the view's workqueue
 * @view: its view
 * @bio: the reader's, NULL if there is none: see read.c, start_window()
 * @block: first block
 * @blocks: number of blocks, 1 to INC_IO_BLOCKS
 * @reader: the thread that reads; its process takes turns with others (turns.c)
 * @iter: the part of the bio that is still to be filled with data
 * @status: BLK_STS_OK, or why waiting ended
 * @buffer: its memory (batch.h), NULL while it has none
 * @prepared: @buffer holds the extents and digests of all blocks
 * @in_place: the reader's pages may hold bytes that were not verified (batch.c)
 * @waiting: on store->waiting while it waits for chunks (store->lock), or on
 *	view->starved while it waits for a buffer (view->buffers_lock), or on
 *	proof->held before it starts (proof->lock)
 * @deadline: jiffies; set when it first waits, for all its waits together
 * @started: @deadline is set
 * @anew: it waits for suspect chunks to come anew, else for absent ones
 *	(store->lock)
 * @waits_since: jiffies when its latest wait began
 * @born: dm_inc_history_seq() when it was started
 * @seen: dm_inc_history_seq() when it was last looked up
 * @healing: damage that it has had fetched again
 * @retries: how often it has started over because of damage
 * @nr_links: links whose range has not arrived; 0 while it waits for memory
 *	(store->lock)
 * @links: to the wants that it waits for (store->lock)
 */
struct inc_io {
	struct work_struct	work;
	struct inc_view		*view;
	struct bio		*bio;
	u64			block;
	u32			blocks;
	struct inc_reader	reader;
	struct bvec_iter	iter;
	blk_status_t		status;
	struct inc_buffer	*buffer;
	bool			prepared;
	bool			in_place;

	struct list_head	waiting;
	unsigned long		deadline;
	bool			started;
	bool			anew;
	unsigned long		waits_since;
	u64			born;
	u64			seen;
	unsigned int		healing;
	unsigned int		retries;
	unsigned int		nr_links;
	struct inc_link		links[INC_LINKS];
};

#define INC_IO_BLOCKS	(1u << INC_CLUSTER_SHIFT_MAX)

#endif /* DM_INCREMENTAL_INTERNAL_H */
