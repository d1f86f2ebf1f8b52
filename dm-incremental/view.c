// SPDX-License-Identifier: GPL-2.0-only
/*
 * A view: one generation of an image, as blocks.
 *
 * A read goes through these steps, each of which may find chunks absent, make
 * the read wait for them and start it again from the first step:
 *
 *	1. the map pages and tree pages of its blocks are present
 *	2. the map entries name extents, and those are present
 *	3. the digests of its blocks are copied from verified tree pages
 *	4. the extents are read: neighbours in the file in one bio, several
 *	   bios at a time
 *	5. each cluster is expanded into a private buffer, each block hashed
 *	   there, then copied to the reader's pages: these may change under
 *	   us (O_DIRECT), and never get a byte that was not verified
 *
 * Reads run on the view's workqueue and sleep only for I/O and memory, never
 * for a loader. Everything they need is allocated beforehand (struct
 * inc_buffer); there are as many buffers as reads run at a time.
 */
#include <linux/blkdev.h>
#include <linux/lz4.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "dm-incremental.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/* Room for one stored cluster of 256 KiB at any alignment, and some. */
#define INPUT_BYTES	(272u << 10)
#define INPUT_PAGES	DIV_ROUND_UP(INPUT_BYTES, PAGE_SIZE)
#define RUNS_MAX	16	/* bios of one batch */

/* Of the reader's bio, what its own bios carry on. */
#define KEEP_FLAGS	(REQ_META | REQ_PRIO | REQ_SYNC | REQ_IDLE)

/* Readahead windows that wait for their map; see leave_hint(). */
#define WINDOWS_MAX	64

/**
 * struct inc_buffer - all that a read needs while it runs
 * @list: on view->free_buffers
 * @pages: where extents are read to
 * @vecs: for @bios; each is 4096 bytes or more
 * @bios: one for each run
 * @nr_runs: of @bios in use
 * @used: bytes of @input in use
 * @pending: bios in flight, plus one while they are being submitted
 * @status: of the first bio that failed
 * @done: completed when @pending falls to 0
 * @input: @pages, mapped one after the other
 * @output: room for the largest cluster
 * @entries: of each block of the read, from the map
 * @extents: of each block, decoded from @entries
 * @source: of each block, where in @input its extent starts
 * @digests: of each block
 */
struct inc_buffer {
	struct list_head	list;
	struct page		*pages[INPUT_PAGES];
	struct bio_vec		vecs[INPUT_BYTES / INC_PAGE_SIZE];
	struct bio		*bios[RUNS_MAX];
	unsigned int		nr_runs;
	u32			used;
	atomic_t		pending;
	blk_status_t		status;
	struct completion	done;
	u8			*input;
	u8			*output;
	__le64			entries[INC_IO_BLOCKS];
	struct inc_extent	extents[INC_IO_BLOCKS];
	u32			source[INC_IO_BLOCKS];
	u8			digests[INC_IO_BLOCKS * INC_DIGEST_MAX];
};

/**
 * inc_view_bad - report bytes that are not what they must be
 * @view: the view
 * @what: what they are
 * @block: of the virtual device, that they belong to
 * @offset: bytes in the image file, where they are stored
 *
 * Counts, logs (rate-limited), traces and sends a dm event.
 */
void inc_view_bad(struct inc_view *view, const char *what, u64 block,
		  u64 offset)
{
	struct inc_store *store = view->store;

	atomic64_inc(&view->nr_hash_failures);
	DMERR_LIMIT("%s: %s of block %llu is damaged, at image offset %llu",
		    dm_table_device_name(view->ti->table), what, block, offset);
	trace_incremental_hash_failure(store->bdev_dev, what, block, offset);
	schedule_work(&store->event_work);
}

/*
 * Copy @length bytes to what is left of the reader's bio; NULL copies zeros.
 */
static void copy_out(struct inc_io *io, const u8 *data, u32 length)
{
	while (length) {
		struct bio_vec vec = bio_iter_iovec(io->bio, io->iter);
		u32 bytes = min(vec.bv_len, length);

		if (data) {
			memcpy_to_page(vec.bv_page, vec.bv_offset, data, bytes);
			data += bytes;
		} else {
			memzero_page(vec.bv_page, vec.bv_offset, bytes);
		}
		bio_advance_iter_single(io->bio, &io->iter, bytes);
		length -= bytes;
	}
}

/* Step 1. */
static void find_absent_metadata(struct inc_view *view, const struct inc_io *io,
				 struct inc_ranges *ranges)
{
	const struct inc_tree *tree = &view->segment->tree;
	u64 last_block = io->block + io->blocks - 1;
	u64 page, last;
	u32 level, ignored;

	for (page = inc_map_page(io->block); page <= inc_map_page(last_block);
	     page++)
		inc_ranges_add(view->store, ranges,
			       inc_view_map_page(view, page) << INC_PAGE_SHIFT,
			       INC_PAGE_SIZE);
	for (level = 0; level < tree->levels; level++) {
		page = inc_tree_page(tree, level, io->block, &ignored);
		last = inc_tree_page(tree, level, last_block, &ignored);
		for (; page <= last; page++)
			inc_ranges_add(view->store, ranges,
				       inc_view_tree_page(view, page) <<
				       INC_PAGE_SHIFT, INC_PAGE_SIZE);
	}
}

static int bad_entry(struct inc_view *view, u64 block)
{
	u64 page = inc_view_map_page(view, inc_map_page(block));

	inc_view_bad(view, "map entry", block, page << INC_PAGE_SHIFT);
	return -EBADMSG;
}

/* Step 2: decode the map entries of all blocks. */
static int load_extents(struct inc_view *view, const struct inc_io *io,
			struct inc_buffer *buffer)
{
	__le64 *entries = buffer->entries;
	u32 done = 0, i;
	int r;

	while (done < io->blocks) {
		u32 index = inc_map_index(io->block + done);
		u32 count = min_t(u32, io->blocks - done,
				  INC_ENTRIES_PER_PAGE - index);
		u64 page = inc_map_page(io->block + done);

		r = inc_store_copy_page(view->store,
					inc_view_map_page(view, page),
					index * sizeof(*entries),
					entries + done,
					count * sizeof(*entries));
		if (r)
			return r;
		done += count;
	}
	for (i = 0; i < io->blocks; i++) {
		struct inc_extent *extent = &buffer->extents[i];

		r = inc_entry_decode(le64_to_cpu(entries[i]),
				     view->segment->cluster_shift,
				     view->segment->end, extent);
		if (r || extent->codec == INC_CODEC_LZ4_DICT)
			return bad_entry(view, io->block + i);
	}
	return 0;
}

/* Do blocks @i - 1 and @i of the read belong to the same cluster? */
static bool same_cluster(const struct inc_io *io,
			 const struct inc_buffer *buffer, u32 i)
{
	/* All blocks of a cluster carry the same entry; a zero one is alone. */
	return i && buffer->entries[i] == buffer->entries[i - 1] &&
	       inc_cluster_start(&buffer->extents[i], io->block + i) !=
	       io->block + i;
}

static void find_absent_data(struct inc_view *view, const struct inc_io *io,
			     const struct inc_buffer *buffer,
			     struct inc_ranges *ranges)
{
	u32 i;

	for (i = 0; i < io->blocks; i++) {
		const struct inc_extent *extent = &buffer->extents[i];

		if (extent->codec != INC_CODEC_ZERO &&
		    !same_cluster(io, buffer, i))
			inc_ranges_add(view->store, ranges, extent->offset,
				       extent->length);
	}
}

static void end_run(struct bio *bio)
{
	struct inc_buffer *buffer = bio->bi_private;

	if (bio->bi_status)
		buffer->status = bio->bi_status;
	if (atomic_dec_and_test(&buffer->pending))
		complete(&buffer->done);
}

/*
 * Make room for the file pages [from, to) in the batch, in its last run if
 * they touch it. Sets @at to where @from's bytes will be in the input.
 */
static bool add_to_batch(struct inc_view *view, const struct inc_io *io,
			 struct inc_buffer *buffer, u64 from, u64 to,
			 u64 *run_start, u64 *run_end, unsigned int *nr_vecs,
			 u32 *at)
{
	struct bio *bio;
	u32 bytes;

	if (!buffer->nr_runs || from < *run_start || from > *run_end) {
		if (buffer->nr_runs == RUNS_MAX ||
		    to - from > INPUT_BYTES - buffer->used)
			return false;
		bio = buffer->bios[buffer->nr_runs];
		inc_store_bio_init(view->store, bio, buffer->vecs + *nr_vecs,
				   ARRAY_SIZE(buffer->vecs) - *nr_vecs,
				   REQ_OP_READ | (io->bio->bi_opf & KEEP_FLAGS),
				   from);
		/* On behalf of the reader, not of this worker. */
		bio->bi_ioprio = io->bio->bi_ioprio;
		bio_clone_blkg_association(bio, io->bio);
		bio->bi_end_io = end_run;
		bio->bi_private = buffer;
		buffer->nr_runs++;
		*run_start = from;
		*run_end = from;
	}
	if (to > *run_end && to - *run_end > INPUT_BYTES - buffer->used)
		return false;

	*at = buffer->used - (u32)(*run_end - from);
	bio = buffer->bios[buffer->nr_runs - 1];
	while (*run_end < to) {
		u32 offset = buffer->used & (PAGE_SIZE - 1);

		bytes = min_t(u64, to - *run_end, PAGE_SIZE - offset);
		__bio_add_page(bio, buffer->pages[buffer->used / PAGE_SIZE],
			       bytes, offset);
		buffer->used += bytes;
		*run_end += bytes;
		(*nr_vecs)++;
	}
	return true;
}

/*
 * Step 4: read the extents of as many blocks, from @start on, as fit in the
 * input. Returns the block to go on with, or a negative errno.
 */
static int read_batch(struct inc_view *view, const struct inc_io *io,
		      struct inc_buffer *buffer, u32 start)
{
	u64 run_start = 0, run_end = 0;
	unsigned int nr_vecs = 0, n;
	struct blk_plug plug;
	u32 i, at = 0;

	buffer->nr_runs = 0;
	buffer->used = 0;
	for (i = start; i < io->blocks; i++) {
		const struct inc_extent *extent = &buffer->extents[i];
		u64 from = round_down(extent->offset, INC_PAGE_SIZE);
		u64 to = round_up(extent->offset + extent->length,
				  INC_PAGE_SIZE);

		if (extent->codec == INC_CODEC_ZERO)
			continue;
		if (i > start && same_cluster(io, buffer, i)) {
			buffer->source[i] = buffer->source[i - 1];
			continue;
		}
		if (!add_to_batch(view, io, buffer, from, to, &run_start,
				  &run_end, &nr_vecs, &at))
			break;
		buffer->source[i] = at + (u32)(extent->offset - from);
	}
	if (!buffer->nr_runs)
		return i;

	buffer->status = BLK_STS_OK;
	reinit_completion(&buffer->done);
	atomic_set(&buffer->pending, buffer->nr_runs);
	blk_start_plug(&plug);
	for (n = 0; n < buffer->nr_runs; n++)
		submit_bio_noacct(buffer->bios[n]);
	blk_finish_plug(&plug);
	wait_for_completion_io(&buffer->done);
	for (n = 0; n < buffer->nr_runs; n++)
		bio_uninit(buffer->bios[n]);
	invalidate_kernel_vmap_range(buffer->input, buffer->used);
	return buffer->status ? blk_status_to_errno(buffer->status) : i;
}

/*
 * Expand the cluster of block @i up to its byte @end. Returns the cluster's
 * bytes, or NULL if they are malformed.
 */
static const u8 *expand(struct inc_buffer *buffer, u32 i, u32 end)
{
	const struct inc_extent *extent = &buffer->extents[i];
	const u8 *source = buffer->input + buffer->source[i];
	u32 bytes = inc_cluster_bytes(extent);
	int r;

	/* The map is hostile: nothing past the cluster, whatever it says. */
	if (end > bytes)
		return NULL;
	if (extent->codec == INC_CODEC_STORED)
		return source;
	if (end < bytes)
		r = LZ4_decompress_safe_partial(source, buffer->output,
						extent->length, end, bytes);
	else
		r = LZ4_decompress_safe(source, buffer->output, extent->length,
					bytes);
	return r >= 0 && (u32)r >= end ? buffer->output : NULL;
}

/* Step 5 for blocks @start to @end - 1, whose extents are in the input. */
static int deliver(struct inc_view *view, struct inc_io *io,
		   struct inc_buffer *buffer, u32 start, u32 end)
{
	struct inc_verity *verity = &view->verity;
	const u8 *cluster = NULL;
	u32 i, j;
	int r;

	for (i = start; i < end; i++) {
		const struct inc_extent *extent = &buffer->extents[i];
		const u8 *digest = buffer->digests +
				   (i << view->segment->tree.digest_shift);
		u64 block = io->block + i;
		u32 at;

		if (extent->codec == INC_CODEC_ZERO) {
			if (memcmp(digest, verity->zero_digest,
				   verity->digest_size))
				return bad_entry(view, block);
			copy_out(io, NULL, INC_BLOCK_SIZE);
			continue;
		}
		at = (u32)(block - inc_cluster_start(extent, block)) <<
		     INC_BLOCK_SHIFT;
		if (i == start || !same_cluster(io, buffer, i)) {
			for (j = i + 1; j < end && same_cluster(io, buffer, j);)
				j++;
			cluster = expand(buffer, i,
					 at + ((j - i) << INC_BLOCK_SHIFT));
		}
		r = cluster ? inc_verity_block(verity, cluster + at, digest) :
			      -EBADMSG;
		if (r == -EBADMSG)
			inc_view_bad(view, "data", block, extent->offset);
		if (r)
			return r;
		copy_out(io, cluster + at, INC_BLOCK_SIZE);
	}
	return 0;
}

/* Bytes that do not match their digest are the reader's I/O error. */
static blk_status_t read_status(int r)
{
	return r == -EBADMSG ? BLK_STS_IOERR : errno_to_blk_status(r);
}

static void trace_miss(struct inc_view *view, const struct inc_io *io,
		       const struct inc_ranges *ranges, bool hint)
{
	u32 shift = view->store->chunk_shift;
	u64 first = ranges->range[0].first;

	trace_incremental_miss(view->store->bdev_dev, io->block, io->blocks,
			       first << shift,
			       (ranges->range[0].last - first + 1) << shift,
			       ranges->count, hint);
}

/* Returns true if the read waits: it is no longer ours. */
static bool wait_for(struct inc_view *view, struct inc_io *io,
		     const struct inc_ranges *ranges)
{
	trace_miss(view, io, ranges, false);
	return inc_wait_for(view->store, io, ranges);
}

/*
 * A readahead that meets absent data fails at once, and leaves a hint for its
 * whole window. Which data that is takes the map: where the map is absent,
 * too, a copy of the read without a bio (a "window") waits for it in the
 * bio's place and leaves the hint when it has come.
 */
static bool start_window(struct inc_view *view, const struct inc_io *io,
			 const struct inc_ranges *ranges)
{
	struct inc_io *window;

	if (atomic_inc_return(&view->nr_windows) > WINDOWS_MAX)
		goto no_window;
	window = kzalloc(sizeof(*window), GFP_NOIO | __GFP_NORETRY |
					  __GFP_NOWARN);
	if (!window)
		goto no_window;
	inc_io_init(window, view, NULL, io->block, io->blocks);
	if (!inc_wait_for(view->store, window, ranges)) {
		kfree(window);
		goto no_window;
	}
	return true;

no_window:
	atomic_dec(&view->nr_windows);
	return false;
}

static void leave_hint(struct inc_view *view, struct inc_io *io,
		       const struct inc_ranges *ranges, bool metadata)
{
	trace_miss(view, io, ranges, true);
	if (!metadata || !start_window(view, io, ranges))
		inc_wait_hint(view->store, ranges);
	io->status = BLK_STS_AGAIN;
}

/*
 * Steps 1 and 2, as far as they are about presence. Returns true if the read
 * waits; else @io->status is set if it is over. @buffer's extents are loaded.
 */
static bool find_absent(struct inc_view *view, struct inc_io *io,
			struct inc_buffer *buffer)
{
	bool readahead = !io->bio ||
			 (io->bio->bi_opf & REQ_RAHEAD &&
			  !view->fetch_readahead);
	bool complete = inc_presence_complete(view->store);
	struct inc_ranges ranges = { 0 };
	bool metadata = true;

	if (!complete)
		find_absent_metadata(view, io, &ranges);
	if (!ranges.count) {
		io->status = read_status(load_extents(view, io, buffer));
		if (io->status || complete)
			return false;
		metadata = false;
		find_absent_data(view, io, buffer, &ranges);
	}
	if (!ranges.count)
		return false;
	if (!readahead || (!io->bio && metadata))
		return wait_for(view, io, &ranges);
	leave_hint(view, io, &ranges, metadata);
	return false;
}

/* Returns true if the read waits; else it is over, and @io->status is set. */
static bool read_blocks(struct inc_view *view, struct inc_io *io,
			struct inc_buffer *buffer)
{
	int r, next;
	u32 start;

	if (find_absent(view, io, buffer))
		return true;
	if (io->status || !io->bio)
		return false;

	r = inc_verity_digests(view, io->block, io->blocks, buffer->digests);
	for (start = 0; !r && start < io->blocks; start = next) {
		next = read_batch(view, io, buffer, start);
		r = next < 0 ? next : deliver(view, io, buffer, start, next);
	}
	io->status = read_status(r);
	return false;
}

static struct inc_buffer *take_buffer(struct inc_view *view)
{
	struct inc_buffer *buffer;

	spin_lock(&view->buffers_lock);
	buffer = list_first_entry_or_null(&view->free_buffers,
					  struct inc_buffer, list);
	if (buffer)
		list_del(&buffer->list);
	spin_unlock(&view->buffers_lock);
	return buffer;
}

static void return_buffer(struct inc_view *view, struct inc_buffer *buffer)
{
	spin_lock(&view->buffers_lock);
	list_add(&buffer->list, &view->free_buffers);
	spin_unlock(&view->buffers_lock);
	if (wq_has_sleeper(&view->buffers_wait))
		wake_up(&view->buffers_wait);
}

static void end_io(struct inc_io *io)
{
	struct bio *bio = io->bio;

	if (bio) {
		bio->bi_status = io->status;
		bio_endio(bio);
		return;
	}
	atomic_dec(&io->view->nr_windows);
	kfree(io);
}

/* On the view's workqueue. */
static void run_io(struct work_struct *work)
{
	struct inc_io *io = container_of(work, struct inc_io, work);
	struct inc_view *view = io->view;
	struct inc_buffer *buffer;
	bool waits;

	if (!io->status) {
		/* Rarely waits: the workqueue runs no more reads than that. */
		wait_event(view->buffers_wait, (buffer = take_buffer(view)));
		waits = read_blocks(view, io, buffer);
		return_buffer(view, buffer);
		if (waits)
			return;
	}
	end_io(io);
}

/**
 * inc_io_init - prepare a read
 * @io: filled in; queue its @work on @view->wq to run it
 * @view: what is read
 * @bio: receives @blocks blocks and is ended; NULL for a read that just leaves
 *	a hint, whose @io was allocated with kmalloc() and is freed
 * @block: first block
 * @blocks: number of blocks, 1 to INC_IO_BLOCKS
 */
void inc_io_init(struct inc_io *io, struct inc_view *view, struct bio *bio,
		 u64 block, u32 blocks)
{
	unsigned int i;

	INIT_WORK(&io->work, run_io);
	io->view = view;
	io->bio = bio;
	io->block = block;
	io->blocks = blocks;
	if (bio)
		io->iter = bio->bi_iter;
	io->status = BLK_STS_OK;
	io->started = false;
	io->nr_links = 0;
	for (i = 0; i < INC_LINKS; i++)
		io->links[i].want = NULL;
}

static void free_buffer(struct inc_buffer *buffer)
{
	unsigned int i;

	vunmap(buffer->input);
	for (i = 0; i < INPUT_PAGES; i++)
		if (buffer->pages[i])
			__free_page(buffer->pages[i]);
	for (i = 0; i < RUNS_MAX; i++)
		kfree(buffer->bios[i]);
	kvfree(buffer->output);
	kvfree(buffer);
}

static struct inc_buffer *alloc_buffer(u32 cluster_shift)
{
	struct inc_buffer *buffer = kvzalloc(sizeof(*buffer), GFP_KERNEL);
	unsigned int i;

	if (!buffer)
		return NULL;
	init_completion(&buffer->done);
	for (i = 0; i < INPUT_PAGES; i++) {
		buffer->pages[i] = alloc_page(GFP_KERNEL);
		if (!buffer->pages[i])
			goto bad;
	}
	for (i = 0; i < RUNS_MAX; i++) {
		buffer->bios[i] = bio_kmalloc(0, GFP_KERNEL);
		if (!buffer->bios[i])
			goto bad;
	}
	buffer->input = vmap(buffer->pages, INPUT_PAGES, VM_MAP, PAGE_KERNEL);
	buffer->output = kvmalloc(INC_BLOCK_SIZE << cluster_shift, GFP_KERNEL);
	if (buffer->input && buffer->output)
		return buffer;
bad:
	free_buffer(buffer);
	return NULL;
}

static int alloc_buffers(struct inc_view *view)
{
	unsigned int i;

	view->nr_buffers = clamp(2 * num_online_cpus(), 4u, 16u);
	for (i = 0; i < view->nr_buffers; i++) {
		struct inc_buffer *buffer;

		buffer = alloc_buffer(view->segment->cluster_shift);
		if (!buffer)
			return -ENOMEM;
		list_add(&buffer->list, &view->free_buffers);
	}
	return 0;
}

/* The head's digest, an unsalted SHA-256, finds damage to what we parse. */
static int check_head_digest(const struct inc_segment *seg, u8 *head)
{
	u8 digest[sizeof(seg->head_digest)];
	struct crypto_shash *tfm;
	int r;

	tfm = crypto_alloc_shash("sha256", 0, 0);
	if (IS_ERR(tfm))
		return PTR_ERR(tfm);
	memset(head + offsetof(struct inc_super, head_digest), 0,
	       sizeof(digest));
	r = crypto_shash_tfm_digest(tfm, head, seg->head_size, digest);
	crypto_free_shash(tfm);
	if (r)
		return r;
	return memcmp(digest, seg->head_digest, sizeof(digest)) ? -EINVAL : 0;
}

static struct inc_run *copy_dir(const u8 *head, u32 offset, u32 count)
{
	size_t bytes = count * sizeof(struct inc_run);
	struct inc_run *runs = kvmalloc(bytes, GFP_KERNEL);

	if (runs)
		memcpy(runs, head + offset, bytes);
	return runs;
}

static int load_dirs(struct inc_view *view, u8 *head, char **error)
{
	const struct inc_segment *seg = view->segment;
	const char *why;
	u32 at;
	int r;

	*error = "Cannot read the image's head";
	for (at = 0; at < seg->head_size; at += INC_PAGE_SIZE) {
		r = inc_store_copy_page(view->store,
					(seg->offset + at) >> INC_PAGE_SHIFT,
					0, head + at, INC_PAGE_SIZE);
		if (r)
			return r;
	}
	r = check_head_digest(seg, head);
	if (r) {
		if (r == -EINVAL)
			*error = "Image's head does not match its digest: damaged";
		return r;
	}
	*error = "Cannot allocate directories";
	view->map_dir = copy_dir(head, seg->map_dir_offset, seg->map_runs);
	if (!view->map_dir)
		return -ENOMEM;
	r = inc_dir_check(view->map_dir, seg->map_runs, seg->map_pages,
			  seg->end, &why);
	if (!r && seg->tree_runs) {
		view->tree_dir = copy_dir(head, seg->tree_dir_offset,
					  seg->tree_runs);
		if (!view->tree_dir)
			return -ENOMEM;
		r = inc_dir_check(view->tree_dir, seg->tree_runs,
				  seg->tree.pages, seg->end, &why);
	}
	if (r)
		*error = (char *)why;
	return r;
}

/* What the table trusts must be what the image says it is. */
static int check_trust(struct inc_view *view, char **error)
{
	const struct inc_segment *seg = view->segment;
	const struct inc_verity *verity = &view->verity;

	if (strncmp(verity->hash_name, seg->hash_name, sizeof(seg->hash_name)) ||
	    verity->digest_size != seg->digest_size) {
		*error = "Hash algorithm in the table is not the image's";
		return -EINVAL;
	}
	if (verity->salt_size != seg->salt_size ||
	    (seg->salt_size &&
	     memcmp(verity->salt, seg->salt, seg->salt_size))) {
		*error = "Salt in the table is not the image's";
		return -EINVAL;
	}
	if (memcmp(verity->root, seg->root_digest, seg->digest_size)) {
		*error = "Root digest in the table is not the image's";
		return -EINVAL;
	}
	return 0;
}

/**
 * inc_view_open - get a view ready to be read
 * @view: @ti, @store, @generation and @verity are set; the rest is zero
 * @error: on failure, a sentence for the target
 *
 * Context: process; sleeps, does I/O. Return: 0 or a negative errno; on
 * failure, too, inc_view_close() frees what there is.
 */
int inc_view_open(struct inc_view *view, char **error)
{
	struct inc_store *store = view->store;
	u8 *head;
	int r;

	if (view->generation >= store->nr_segments) {
		*error = "Image has no such generation";
		return -EINVAL;
	}
	view->segment = &store->segments[view->generation];
	if (view->segment->dictionary_size) {
		*error = "Image has a dictionary, which this module does not know";
		return -EINVAL;
	}
	r = check_trust(view, error);
	if (r)
		return r;

	/* At most INC_HEAD_SIZE_MAX, and inside the backing device. */
	head = kvmalloc(view->segment->head_size, GFP_KERNEL);
	if (!head) {
		*error = "Cannot allocate head";
		return -ENOMEM;
	}
	r = load_dirs(view, head, error);
	kvfree(head);
	if (r)
		return r;

	*error = "Cannot allocate read buffers";
	r = alloc_buffers(view);
	if (r)
		return r;
	view->wq = alloc_workqueue("dm-incremental",
				   WQ_MEM_RECLAIM | WQ_UNBOUND,
				   view->nr_buffers);
	return view->wq ? 0 : -ENOMEM;
}

/**
 * inc_view_close - free what inc_view_open() made
 * @view: no read is in flight
 */
void inc_view_close(struct inc_view *view)
{
	struct inc_buffer *buffer;

	if (view->wq)
		destroy_workqueue(view->wq);
	while ((buffer = take_buffer(view)))
		free_buffer(buffer);
	kvfree(view->map_dir);
	kvfree(view->tree_dir);
}
