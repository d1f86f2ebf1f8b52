/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of the device-mapper target "incremental", and what they ask of
 * each other. Dependencies point down; nothing points up:
 *
 *	target   table line, status, messages, suspend: dm's language
 *	  proof    holds reads until a tree has the shape that is claimed
 *	  read     reads: wait, expand, verify, deliver
 *	  batch    their buffers, and how they read extents
 *	  heal     damage that a read has found
 *	  view     one generation: directories, map
 *	    verity   hash tree, verified tree pages
 *	    signature   who vouches for its root
 *	      store    one per backing device: metadata pages, life
 *	      segments  of its image, which may grow
 *	      dictionary   what LZ4 starts from
 *	      clear, fill, suspect, presence, wait   its chunks: cleared, written,
 *					doubted, counted, waited for
 *	          turns   which of them is next
 *	          sleep   of the system: no read waits long
 *	        format   structures on disk and their arithmetic
 *	control  /dev/incremental/ nodes; uses the store only
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
 *				suspect, store->changes. Never held over I/O, and
 *				what is allocated under it is so with GFP_NOIO.
 *	store->fills_lock	running fills; a spinlock
 *	view->buffers_lock	free buffers; a spinlock
 *	proof->lock		reads held; a spinlock
 *	store->dictionaries_lock  loaded dictionaries; a spinlock
 *	stores_lock (store.c)	the list of stores, their @users and @passing; a
 *				spinlock, as no I/O is done under it: a store
 *				that comes or goes is marked so instead
 *
 * Between clear_mutex and lock come the claims of chunks (struct inc_claim).
 * Lookups are in an SRCU section of store->readers, where clear_mutex must not
 * be taken: who holds it waits for them.
 *
 * The presence bitmap is read without a lock; see presence.c and clear.c.
 */
#ifndef DM_INCREMENTAL_H
#define DM_INCREMENTAL_H

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
#ifdef INC_DELAYS
#include "delays.h"
#endif

#define DM_MSG_PREFIX		"incremental"

#define INC_PAGE_SECTORS	(INC_PAGE_SIZE >> SECTOR_SHIFT)

struct inc_info;
struct inc_loader;
struct inc_proof;
struct inc_request;
struct inc_view;
struct iov_iter;

#define INC_CHANGES		256	/* entries, a power of two */

/**
 * struct inc_change - what has become of the chunks that share this entry
 * @cleared: number of the last clear of any of them
 * @chunk: the one that was suspect and has come anew last
 * @filled: the number of that
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
 * @reader: whose it is, less than INC_READERS
 */
struct inc_turn {
	struct rb_node	node;
	u64		number;
	u64		id;
	u8		reader;
};

/**
 * struct inc_turns - wants that no loader has, and which one is next
 * @queue: struct inc_turn by number and id
 * @present: number of the turn of the want that was taken last
 * @queued: how many there are of each reader
 */
struct inc_turns {
	struct rb_root_cached	queue;
	u64			present;
	u32			queued[INC_READERS];
};

/**
 * struct inc_store - one backing device and what of its image is present
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
	struct inc_segment	**segments;	/* in order, INC_SEGMENTS_MAX */
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
	unsigned long		**present;	/* pages of a bit per chunk */
	unsigned long		**used;		/* the same; clear_mutex to write */
	u32			*first_page;	/* of each segment's bitmap */
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
	struct list_head	hints;		/* nobody waits for these */
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

	/* fill.c */
	spinlock_t		fills_lock;	/* fills */
	struct list_head	fills;		/* running */
	wait_queue_head_t	fills_wait;
	struct semaphore	fill_turns;	/* fills that may have memory */

	atomic_t		nr_fillers;	/* files of the node open for
						 * writing
						 */
	atomic_t		nr_loaders;	/* and for reading, too */
	atomic64_t		nr_filled;	/* chunks since creation */
	atomic64_t		nr_timeouts;	/* reads */
	atomic64_t		nr_unavailable;	/* reads */
	atomic64_t		nr_healed;	/* damage that is no more */
};

/*
 * store.c
 */
struct inc_store *inc_store_get(struct block_device *bdev,
				unsigned int commit_interval, char **error);
void inc_store_add_view(struct inc_store *store, struct inc_view *view);
void inc_store_put(struct inc_store *store, struct inc_view *view);
bool inc_store_enter(struct inc_store *store);
void inc_store_leave(struct inc_store *store);
void *inc_store_get_page(struct inc_store *store, u64 page,
			 struct dm_buffer **buf, bool cached);
int inc_store_copy_page(struct inc_store *store, u64 page, u32 offset,
			void *buffer, u32 length, bool cached);
void inc_store_bio_init(struct inc_store *store, struct bio *bio,
			struct bio_vec *table, unsigned short nr_vecs,
			blk_opf_t opf, u64 offset);
void inc_store_info(struct inc_store *store, struct inc_info *info);

/*
 * segments.c
 */
int inc_segments_load(struct inc_store *store, char **error);
void inc_segments_free(struct inc_store *store);
int inc_grow_begin(struct inc_store *store);
const struct inc_segment *inc_grow_find(struct inc_store *store, u32 generation,
					char **error);
void inc_grow_publish(struct inc_store *store, u32 nr_opened);
void inc_grow_end(struct inc_store *store);
u8 *inc_segment_head(struct inc_store *store, const struct inc_segment *seg,
		     char **error);
const struct inc_segment *inc_store_segment(struct inc_store *store, u64 offset);

/* What is below may be used without a lock; see segments.c. */
static inline u32 inc_store_nr_segments(const struct inc_store *store)
{
	/* Pairs with inc_grow_publish(). */
	return smp_load_acquire(&store->nr_segments);
}

/* Bytes of the image, all segments together; never less than before. */
static inline u64 inc_store_size(const struct inc_store *store)
{
	return store->segments[inc_store_nr_segments(store) - 1]->end;
}

static inline u64 inc_store_chunks(const struct inc_store *store)
{
	return inc_store_size(store) >> store->chunk_shift;
}

/*
 * dictionary.c
 */

/**
 * struct inc_dictionary - a segment's LZ4 dictionary
 * @list: on store->dictionaries (store->dictionaries_lock)
 * @users: reads, and that list
 * @offset: bytes in the image file
 * @size: bytes of @data
 * @data: never changes
 */
struct inc_dictionary {
	struct list_head	list;
	refcount_t		users;
	u64			offset;
	u32			size;
	u8			data[];
};

struct inc_dictionary *inc_dictionary_get(struct inc_store *store,
					  const struct inc_segment *seg,
					  bool cached);
void inc_dictionary_put(struct inc_dictionary *dictionary);
void inc_dictionary_forget(struct inc_store *store, u64 first, u64 last);

/*
 * presence.c
 */
int inc_presence_init(struct inc_store *store);
int inc_presence_load(struct inc_store *store, u32 number);
void inc_presence_publish(struct inc_store *store);
void inc_presence_drop(struct inc_store *store);
u64 inc_presence_count(struct inc_store *store, u64 *total);
void inc_presence_free(struct inc_store *store);
void inc_presence_set(struct inc_store *store, u64 first, u64 last);
bool inc_presence_test(struct inc_store *store, u64 first, u64 last);
bool inc_presence_next_absent(struct inc_store *store, u64 from, u64 last,
			      u64 *first_absent, u64 *last_absent);
void inc_presence_clear(struct inc_store *store, u64 first, u64 last);
int inc_presence_watch(struct inc_store *store, u64 first, u64 last);
void inc_presence_use(struct inc_store *store, u64 first, u64 last);
bool inc_presence_next_cold(struct inc_store *store, u64 from, u64 last,
			    u64 *first_cold, u64 *last_cold);
bool inc_presence_fixed(struct inc_store *store, u64 first, u64 last);
u64 inc_presence_seek(struct inc_store *store, u64 chunk, u64 end,
		      bool present);
int inc_presence_commit(struct inc_store *store);
void inc_presence_commit_work(struct work_struct *work);

static inline bool inc_presence_complete(struct inc_store *store)
{
	return !atomic64_read(&store->nr_absent);
}

/*
 * fill.c
 */

/**
 * struct inc_claim - who may write or clear some chunks
 * @list: on store->fills (store->fills_lock)
 * @first: first chunk
 * @last: last chunk; no other claim has any of them
 */
struct inc_claim {
	struct list_head	list;
	u64			first;
	u64			last;
};

void inc_fill_init(struct inc_store *store);
void inc_claim_wait(struct inc_store *store, struct inc_claim *claim);
void inc_claim_release(struct inc_store *store, struct inc_claim *claim);
ssize_t inc_fill(struct inc_store *store, u64 offset, struct iov_iter *from);

/*
 * wait.c
 */

/**
 * struct inc_loader - an open file of a store's node
 * @store: its memory is kept by the file's reference to the cdev
 * @both_ways: it may be asked and may fill: counted in store->nr_loaders
 * @silent: has let a want go by, and has filled nothing since; or cannot fill
 * @not_before: jiffies, before which there is nothing for it if it is silent
 * @nr_opened: store->nr_opened, as far as it has been told (store->lock)
 */
struct inc_loader {
	struct inc_store	*store;
	bool			both_ways;
	bool			silent;
	unsigned long		not_before;
	u32			nr_opened;
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
 * struct inc_io - a read of the virtual device; dm's per-bio data
 * @work: runs it, on the view's workqueue
 * @view: what is read
 * @bio: the reader's, NULL if there is none: see read.c, start_window()
 * @block: first block
 * @blocks: number of blocks, 1 to INC_IO_BLOCKS
 * @reader: who takes turns with others (turns.c)
 * @iter: what of the bio is still to be filled with data
 * @status: BLK_STS_OK, or why waiting ended
 * @buffer: what it works with (batch.h), NULL while it has none
 * @prepared: @buffer holds the extents and digests of all blocks
 * @waiting: on store->waiting while it waits for chunks (store->lock), or on
 *	view->starved while it waits for a buffer (view->buffers_lock), or on
 *	proof->held before it starts (proof->lock)
 * @deadline: jiffies; set when it first waits, for all its waits together
 * @started: @deadline is set
 * @anew: it waits for suspect chunks to come anew, else for absent ones
 *	(store->lock)
 * @waits_since: jiffies when its latest wait began
 * @born: inc_clear_seq() when it was started
 * @seen: inc_clear_seq() when it was last looked up
 * @healing: damage that it has had fetched again
 * @retries: how often it has started over because of damage
 * @nr_links: links whose range has not arrived (store->lock)
 * @links: what it waits for (store->lock)
 */
struct inc_io {
	struct work_struct	work;
	struct inc_view		*view;
	struct bio		*bio;
	u64			block;
	u32			blocks;
	u8			reader;
	struct bvec_iter	iter;
	blk_status_t		status;
	struct inc_buffer	*buffer;
	bool			prepared;

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

/**
 * struct inc_ranges - chunk ranges collected for one request
 * @count: number of ranges
 * @range: first and last chunk of each
 */
struct inc_ranges {
	unsigned int	count;
	struct {
		u64	first;
		u64	last;
	} range[INC_LINKS];
};

void inc_ranges_add(struct inc_store *store, struct inc_ranges *ranges,
		    u64 offset, u64 length);
bool inc_wait_for(struct inc_store *store, struct inc_io *io,
		  const struct inc_ranges *ranges, bool anew);
void inc_wait_hint(struct inc_store *store, const struct inc_ranges *ranges,
		   bool anew);
void inc_wait_present(struct inc_store *store, u64 first, u64 last,
		      bool filled);
void inc_wait_unavailable(struct inc_store *store, u64 first, u64 last);
void inc_wait_drop_view(struct inc_store *store, struct inc_view *view,
			blk_status_t status);
void inc_wait_timer_work(struct work_struct *work);
void inc_wait_init(struct inc_store *store);
void inc_wait_destroy(struct inc_store *store);
bool inc_wait_hand_out(struct inc_store *store, struct inc_loader *loader,
		       struct inc_request *request);
bool inc_wait_pending(struct inc_store *store, struct inc_loader *loader);
void inc_wait_loader_came(struct inc_store *store);
void inc_wait_loader_gone(struct inc_store *store, struct inc_loader *loader);

/*
 * clear.c
 */

/* A lookup that starts with this knows later whether chunks were cleared. */
static inline u64 inc_clear_seq(struct inc_store *store)
{
	/* Pairs with publish(). */
	return atomic64_read_acquire(&store->nr_changes);
}

bool inc_clear_since(struct inc_store *store, u64 seq, u64 first, u64 last);
bool inc_clear_anew(struct inc_store *store, u64 seq, u64 chunk);
void inc_clear_suspect(struct inc_store *store, u64 first, u64 last);
void inc_clear_restore(struct inc_store *store, u64 first, u64 last);
void inc_clear_over(struct inc_store *store, u64 first, u64 last);
int inc_clear_discard(struct inc_store *store, u64 first, u64 last, u32 flags);

/*
 * suspect.c
 */
u64 inc_suspect_seek(struct inc_store *store, u64 chunk, u64 end);
bool inc_suspect_any(struct inc_store *store, u64 first, u64 last);
bool inc_suspect_settled(struct inc_store *store, u64 first, u64 last);
bool inc_suspect_next(struct inc_store *store, u64 from, u64 last,
		      u64 *first_found, u64 *last_found);
int inc_suspect_mark(struct inc_store *store, u64 first, u64 last);
bool inc_suspect_end(struct inc_store *store, u64 chunk);
void inc_suspect_free(struct inc_store *store);

/*
 * turns.c
 */
void inc_turns_add(struct inc_turns *turns, struct inc_turn *turn);
void inc_turns_remove(struct inc_turns *turns, struct inc_turn *turn);
void inc_turns_share(struct inc_turns *turns, struct inc_turn *turn, u8 reader);
struct inc_turn *inc_turns_first(const struct inc_turns *turns);
void inc_turns_take(struct inc_turns *turns, struct inc_turn *turn);

/* Without the lock a hint: it may be outdated at once. */
static inline bool inc_turns_empty(const struct inc_turns *turns)
{
	return RB_EMPTY_ROOT(&turns->queue.rb_root);
}

/*
 * sleep.c
 */
unsigned long inc_sleep_deadline(const struct inc_io *io);
void inc_sleep_wait_begin(void);
void inc_sleep_wait_end(void);
int inc_sleep_init(void);
void inc_sleep_exit(void);

/*
 * control.c
 */
int inc_control_add(struct inc_store *store);
void inc_control_remove(struct inc_store *store);
int inc_control_init(void);
void inc_control_exit(void);

/*
 * heal.c
 */

/**
 * struct inc_bad - something stored that is not what it must be
 * @what: it is, for the log
 * @block: of the virtual device, that it belongs to
 * @offset: bytes in the image file, where it is
 * @length: bytes there
 * @mapped: it was found through the map entry of @block, which may be to blame
 * @dictionary: so may this segment's dictionary; NULL if none was used
 */
struct inc_bad {
	const char	*what;
	u64		block;
	u64		offset;
	u64		length;
	bool		mapped;
	const struct inc_segment *dictionary;
};

#define INC_BAD_MAX	8

/**
 * struct inc_damage - what one try of a read has found bad
 * @count: number of those
 * @bad: what they are
 */
struct inc_damage {
	unsigned int	count;
	struct inc_bad	bad[INC_BAD_MAX];
};

void inc_damage_add(struct inc_damage *damage, const struct inc_bad *bad);
bool inc_heal(struct inc_io *io, const struct inc_damage *damage, bool may_wait);

/*
 * verity.c
 */

/**
 * struct inc_verity - what one view trusts
 * @hash_name: as in the table
 * @root: root digest, from the table
 * @salt: from the table, NULL if none
 * @digest_size: bytes
 * @salt_size: bytes
 * @tfm: the hash
 * @initial_state: exported state of @tfm after hashing @salt
 * @zero_digest: digest of a block of zeros
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
	u64			id;
};

/* Appended to each dm-bufio buffer: who verified it, as what; see verity.c. */
struct inc_page_aux {
	u64			verified;
};

int inc_verity_init(struct inc_verity *verity, const char *hash_name,
		    const char *root_hex, const char *salt_hex, char **error);
void inc_verity_destroy(struct inc_verity *verity);
int inc_verity_block(struct inc_verity *verity, const void *data,
		     const u8 *digest);
int inc_verity_digests(struct inc_view *view, u64 block, u32 count,
		       u8 *digests, bool cached, struct inc_damage *damage);

/*
 * view.c
 */

enum inc_on_corruption { INC_REFETCH, INC_FAIL, INC_PANIC };

/**
 * struct inc_view - one generation of a store's image, as a table opened it
 * @ti: the target
 * @list: on store->views (store->views_mutex)
 * @store: where its bytes are
 * @segment: of this generation, in store->segments
 * @generation: its number
 * @verity: what its blocks must hash to
 * @map_dir: directory of the map, @segment->map_runs runs
 * @tree_dir: directory of the hash tree, @segment->tree_runs runs
 * @wq: reads run here
 * @nr_buffers: reads that can run at a time
 * @free_buffers: struct inc_buffer that no read has
 * @starved: reads that wait for a buffer
 * @read_timeout: ms that a read may wait for absent data
 * @hint_readahead: readahead of absent data fails and leaves a hint
 * @on_corruption: what is done about damage
 * @require_signature: the table wants the root digest signed
 * @signed_root: it is, and that was verified
 * @prove_size: the table wants the device's size proved; a signature does, too
 * @proof: of that; NULL if nobody wants it
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
	struct workqueue_struct	*wq;
	unsigned int		nr_buffers;
	spinlock_t		buffers_lock;	/* free_buffers */
	struct list_head	free_buffers;
	struct list_head	starved;	/* buffers_lock: inc_io.waiting */
	unsigned int		read_timeout;
	bool			hint_readahead;
	enum inc_on_corruption	on_corruption;
	bool			require_signature;
	bool			signed_root;
	bool			prove_size;
	struct inc_proof	*proof;
	bool			suspended;
	struct ratelimit_state	log_limit;	/* of what its reads report */
	atomic_t		nr_windows;
	wait_queue_head_t	windows_wait;
	atomic64_t		nr_hash_failures;
};

int inc_view_open(struct inc_view *view, char **error);
void inc_view_close(struct inc_view *view);
void inc_view_absent(struct inc_view *view, u64 block, u32 blocks,
		     struct inc_ranges *ranges);
int inc_view_extents(struct inc_view *view, u64 block, u32 blocks,
		     __le64 *entries, struct inc_extent *extents, bool cached,
		     struct inc_damage *damage);
int inc_view_bad_entry(struct inc_view *view, u64 block,
		       struct inc_damage *damage);
void inc_view_bad(struct inc_view *view, const struct inc_bad *bad, bool heals);

static inline u64 inc_view_tree_page(const struct inc_view *view, u64 page)
{
	return inc_dir_lookup(view->tree_dir, view->segment->tree_runs, page);
}

static inline u64 inc_view_map_page(const struct inc_view *view, u64 page)
{
	return inc_dir_lookup(view->map_dir, view->segment->map_runs, page);
}

/*
 * signature.c
 */
int inc_signature_check(struct inc_view *view, const u8 *head, char **error);
int inc_signature_init(void);
void inc_signature_exit(void);

/*
 * proof.c
 */
int inc_proof_alloc(struct inc_view *view);
void inc_proof_free(struct inc_view *view);
bool inc_proof_hold(struct inc_io *io);

/*
 * read.c
 */
void inc_read_init(struct inc_io *io, struct inc_view *view, struct bio *bio,
		   u64 block, u32 blocks);
void inc_read_start(struct inc_io *io);
void inc_read_wait_windows(struct inc_view *view);

/*
 * batch.c
 */
int inc_buffers_alloc(struct inc_view *view);
void inc_buffers_free(struct inc_view *view);

#endif /* DM_INCREMENTAL_H */
