// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Finding contents that an erofs has already.
 *
 * A file whose contents the image has, under the same name or another, needs no
 * blocks: its inode refers to the present ones, even those of a removed file.
 * Candidates have the same size and the same checksums of two blocks; the
 * remaining ones are compared byte by byte.
 *
 * A large file of which a part has changed becomes a list of chunks: those that did not
 * change stay where they are.
 */
#include <ext2fs/ext2fs.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/message.h"
#include "erofs/change.h"
#include "erofs/content.h"
#include "io.h"
#include "mkimage.h"
#include "progress.h"

#define BUFFER_SIZE	(1u << 20)

#define CHUNK_BYTES	((u64)EROFS_CHUNK_BLOCKS << EROFS_BLOCK_SHIFT)

/* A list is worth its inode's new place if so many chunks stay, and one of so many. */
#define CHUNKS_LEAST	4u
#define CHUNKS_SHARE	8u

/* Files of a size that are compared in full before one is given up. */
#define ATTEMPTS	8u

/* A file of the image. */
struct candidate {
	const struct erofs_node *node;
	u64 print;
	bool printed;
};

struct matcher {
	struct erofs_change *change;
	struct candidate *candidates;	/* by size */
	size_t count;
	u8 *ours;
	u8 *theirs;
};

static int compare_sizes(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;
	u64 x = a->node->disk.size, y = b->node->disk.size;

	if (x != y)
		return x < y ? -1 : 1;
	/* The same order every time. */
	return a->node->disk.nid < b->node->disk.nid ? -1 :
	       a->node->disk.nid > b->node->disk.nid;
}

static bool is_candidate(const struct erofs_node *node)
{
	return node->placed && !node->given && S_ISREG(node->disk.mode) &&
	       node->disk.layout != EROFS_CHUNKS &&
	       erofs_full_blocks(&node->disk);
}

static int collect(struct matcher *matcher)
{
	const struct erofs_node *node;
	size_t count = 0;

	for (node = matcher->change->tree.first; node; node = node->next)
		count += is_candidate(node);
	if (!count)
		return 0;
	matcher->candidates = calloc(count, sizeof(*matcher->candidates));
	if (!matcher->candidates)
		return no_memory();
	for (node = matcher->change->tree.first; node; node = node->next)
		if (is_candidate(node))
			matcher->candidates[matcher->count++].node = node;
	qsort(matcher->candidates, matcher->count,
	      sizeof(*matcher->candidates), compare_sizes);
	return 0;
}

/* A file's first and last 4096 bytes, which may overlap. */
static u64 make_print(const u8 *first, const u8 *last)
{
	return (u64)ext2fs_crc32c_le(~0u, first, EROFS_BLOCK_SIZE) << 32 |
	       ext2fs_crc32c_le(~0u, last, EROFS_BLOCK_SIZE);
}

/* @print: only of files with 4096 bytes or more. */
static int print_candidate(struct matcher *matcher, struct candidate *candidate)
{
	const struct erofs_inode *inode = &candidate->node->disk;
	u8 first[EROFS_BLOCK_SIZE], last[EROFS_BLOCK_SIZE];
	int ret;

	ret = erofs_content_read(&matcher->change->image, inode, 0, first,
				 sizeof(first));
	if (!ret)
		ret = erofs_content_read(&matcher->change->image, inode,
					 inode->size - sizeof(last), last,
					 sizeof(last));
	candidate->print = make_print(first, last);
	candidate->printed = !ret;
	return ret;
}

static int print_source(const struct tree_file *file,
			const struct erofs_node *node, u64 *print)
{
	u8 first[EROFS_BLOCK_SIZE], last[EROFS_BLOCK_SIZE];
	int ret;

	ret = tree_read(file, 0, first, sizeof(first), node->path);
	if (!ret)
		ret = tree_read(file, node->inode.size - sizeof(last), last,
				sizeof(last), node->path);
	*print = make_print(first, last);
	return ret;
}

/* Return: 1 if the contents are the same, 0 if not, or a negative errno. */
static int same_content(struct matcher *matcher,
			const struct tree_file *file,
			const struct erofs_node *node,
			const struct erofs_inode *inode)
{
	u64 done, done_before = matcher->change->read_done;
	int ret = 0;

	if (inode->size != node->inode.size)
		return 0;
	for (done = 0; done < inode->size; done += BUFFER_SIZE) {
		size_t part = BUFFER_SIZE;

		if (part > inode->size - done)
			part = (size_t)(inode->size - done);
		ret = erofs_read_source(matcher->change, file, node, done,
					matcher->ours, part);
		if (!ret)
			ret = erofs_content_read(&matcher->change->image,
						 inode, done, matcher->theirs,
						 part);
		if (ret || memcmp(matcher->ours, matcher->theirs, part))
			break;
	}
	if (ret)
		return ret;
	if (done >= inode->size)
		return 1;
	matcher->change->read_done = done_before;
	return 0;
}

static int compare_prints(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;

	if (a->print != b->print)
		return a->print < b->print ? -1 : 1;
	return compare_sizes(left, right);
}

/* The first candidate of @size, or of more. */
static size_t first_of_size(const struct matcher *matcher, u64 size)
{
	size_t low = 0, high = matcher->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (matcher->candidates[middle].node->disk.size < size)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * The candidates of @size that have @print: @start up to @end. The first
 * request prints and sorts all of a size: there may be many.
 */
static int find_print(struct matcher *matcher, u64 size, u64 print,
		      size_t *start, size_t *end)
{
	struct candidate *all = matcher->candidates;
	size_t first = first_of_size(matcher, size), low = first;
	size_t last = first_of_size(matcher, size + 1), high = last, i;
	int ret = 0;

	*start = *end = first;
	if (first == last)
		return 0;
	if (!all[first].printed) {
		for (i = first; !ret && i < last; i++)
			ret = print_candidate(matcher, &all[i]);
		if (ret)
			return ret;
		qsort(all + first, last - first, sizeof(*all), compare_prints);
	}
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (all[middle].print < print)
			low = middle + 1;
		else
			high = middle;
	}
	*start = *end = low;
	while (*end < last && all[*end].print == print &&
	       *end - *start < ATTEMPTS)
		++*end;
	return 0;
}

static int borrow(struct matcher *matcher, const struct tree_file *file,
		  struct erofs_node *node)
{
	size_t i, end;
	u64 print;
	int ret;

	/* A file whose size no candidate has need not be read. */
	i = first_of_size(matcher, node->inode.size);
	if (i == matcher->count ||
	    matcher->candidates[i].node->disk.size != node->inode.size)
		return 0;
	ret = print_source(file, node, &print);
	if (!ret)
		ret = find_print(matcher, node->inode.size, print, &i, &end);
	for (; !ret && i < end; i++) {
		const struct erofs_inode *inode =
			&matcher->candidates[i].node->disk;

		ret = same_content(matcher, file, node, inode);
		if (ret <= 0)
			continue;
		node->borrowed = true;
		node->lender = matcher->candidates[i].node;
		node->inode.layout = inode->layout;
		node->inode.address = inode->address;
		return 0;
	}
	return ret;
}

/*
 * The block of the device that the old contents of a chunk start at, if they are in one
 * piece; else EROFS_NO_BLOCK.
 */
static int old_chunk(struct matcher *matcher, const struct erofs_inode *disk,
		     u32 chunk, u32 *block)
{
	u64 index = (u64)chunk << EROFS_CHUNK_BLOCKS_SHIFT, count;
	int ret;

	*block = EROFS_NO_BLOCK;
	if (((u64)chunk + 1) * CHUNK_BYTES > disk->size)
		return 0;
	ret = erofs_content_blocks(&matcher->change->image, disk, index, block,
				   &count);
	if (!ret && count < EROFS_CHUNK_BLOCKS)
		*block = EROFS_NO_BLOCK;
	return ret;
}

/* Is a whole chunk of the source as it was? Return: as same_content(). */
static int same_chunk(struct matcher *matcher,
			const struct tree_file *file,
		      const struct erofs_node *node, u32 chunk)
{
	struct erofs_change *change = matcher->change;
	u64 offset = chunk * CHUNK_BYTES;
	int ret = tree_read(file, offset, matcher->ours, CHUNK_BYTES,
			    node->path);

	if (!ret)
		ret = erofs_content_read(&change->image, &node->disk, offset,
					 matcher->theirs, CHUNK_BYTES);
	return ret ? ret : !memcmp(matcher->ours, matcher->theirs, CHUNK_BYTES);
}

/* Find the chunks that stay. The last one, which may end within a block, is new. */
static int match_chunks(struct matcher *matcher,
			const struct tree_file *file,
			struct erofs_node *node)
{
	u64 count = (node->inode.size + CHUNK_BYTES - 1) / CHUNK_BYTES;
	u32 kept = 0, chunk;
	int ret = 0;

	if (count < CHUNKS_LEAST || count > UINT32_MAX)
		return 0;
	node->chunks = malloc(count * sizeof(*node->chunks));
	if (!node->chunks)
		return no_memory();
	node->chunk_count = (u32)count;
	for (chunk = 0; !ret && chunk < count; chunk++) {
		u32 block = EROFS_NO_BLOCK;

		if (((u64)chunk + 1) * CHUNK_BYTES <= node->inode.size)
			ret = old_chunk(matcher, &node->disk, chunk, &block);
		if (!ret && block != EROFS_NO_BLOCK) {
			ret = same_chunk(matcher, file, node, chunk);
			if (!ret)
				block = EROFS_NO_BLOCK;
			kept += ret > 0;
		}
		node->chunks[chunk] = cpu_to_le32(block);
		ret = ret < 0 ? ret : 0;
	}
	if (!ret && kept >= CHUNKS_LEAST && kept >= count / CHUNKS_SHARE)
		return 0;
	free(node->chunks);
	node->chunks = NULL;
	node->chunk_count = 0;
	return ret;
}

static int match_file(struct matcher *matcher, struct erofs_node *node)
{
	bool own = node->placed && S_ISREG(node->disk.mode) &&
		   node->disk.size == node->inode.size;
	bool others = node->inode.size >= EROFS_BLOCK_SIZE && matcher->count;
	bool chunks = node->placed && S_ISREG(node->disk.mode) &&
		      !erofs_is_compressed(&node->disk) &&
		      node->inode.size >= CHUNKS_LEAST * CHUNK_BYTES;
	struct tree_file file;
	int ret = 0;

	if (!node->inode.size) {
		node->same_content = own;
		return 0;
	}
	if (!own && !others && !chunks) {
		matcher->change->read_done += node->inode.size;
		return 0;
	}
	ret = erofs_open_source(matcher->change, node, &file);
	if (ret)
		return ret;
	if (own)
		ret = same_content(matcher, &file, node, &node->disk);
	if (ret > 0) {
		node->same_content = true;
		ret = 0;
	} else if (!ret && others) {
		ret = borrow(matcher, &file, node);
	}
	if (!ret && chunks && !node->same_content && !node->borrowed)
		ret = match_chunks(matcher, &file, node);
	tree_file_close(&file);
	return ret;
}

static int match_link(struct erofs_change *change, struct erofs_node *node)
{
	char target[EROFS_LINK_MAX];
	int ret;

	if (!node->placed || !S_ISLNK(node->disk.mode) ||
	    node->disk.size != node->inode.size)
		return 0;
	ret = erofs_content_read(&change->image, &node->disk, 0, target,
				 (size_t)node->disk.size);
	node->same_content = !ret && !memcmp(target, node->target,
					     (size_t)node->disk.size);
	return ret;
}

int erofs_match(struct erofs_change *change)
{
	struct matcher matcher = { .change = change };
	struct erofs_node *node;
	int ret = collect(&matcher);

	matcher.ours = malloc(BUFFER_SIZE);
	matcher.theirs = malloc(BUFFER_SIZE);
	if (!ret && (!matcher.ours || !matcher.theirs))
		ret = no_memory();
	progress_start(&change->progress, "comparing files",
		       change->read_bytes);
	for (node = change->tree.first; !ret && node; node = node->next) {
		if (!node->given)
			continue;
		if (S_ISREG(node->inode.mode))
			ret = match_file(&matcher, node);
		else if (S_ISLNK(node->inode.mode))
			ret = match_link(change, node);
	}
	progress_end(&change->progress);
	free(matcher.ours);
	free(matcher.theirs);
	free(matcher.candidates);
	return ret;
}
