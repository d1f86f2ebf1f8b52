// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An erofs's tree in memory; see tree.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "common/message.h"
#include "erofs/names.h"
#include "erofs/tree.h"
#include "mkimage.h"

/* Names are kept in big pieces: there are many, and all are freed at once. */
#define NAMES_SIZE	65536u

struct erofs_names {
	struct erofs_names *next;
	u32 used;
	char text[NAMES_SIZE];
};

static const char *keep_name(struct erofs_tree *tree, const char *name,
			     size_t length)
{
	struct erofs_names *names = tree->names;
	char *kept;

	if (!names || length + 1 > NAMES_SIZE - names->used) {
		names = malloc(sizeof(*names));
		if (!names)
			return NULL;
		names->next = tree->names;
		names->used = 0;
		tree->names = names;
	}
	kept = names->text + names->used;
	memcpy(kept, name, length);
	kept[length] = '\0';
	names->used += (u32)length + 1;
	return kept;
}

struct erofs_node *erofs_tree_add(struct erofs_tree *tree)
{
	struct erofs_node *node = calloc(1, sizeof(*node));

	if (!node) {
		no_memory();
		return NULL;
	}
	*tree->last = node;
	tree->last = &node->next;
	return node;
}

/* With @entries of them, an entry for a name of @length bytes. */
static struct erofs_entry *new_entry(struct erofs_tree *tree,
				     struct erofs_directory *dir,
				     const char *name, size_t length,
				     struct erofs_node *node)
{
	struct erofs_entry *entry;

	if (dir->count == dir->room) {
		u32 room = dir->room ? 2 * dir->room : 4;

		entry = room > dir->room ?
			realloc(dir->entries, room * sizeof(*entry)) : NULL;
		if (!entry) {
			no_memory();
			return NULL;
		}
		dir->entries = entry;
		dir->room = room;
	}
	entry = &dir->entries[dir->count];
	entry->node = node;
	entry->nid = 0;
	entry->block = EROFS_ENTRY_NEW;
	entry->length = (u8)length;
	entry->type = 0;
	entry->name = keep_name(tree, name, length);
	if (!entry->name) {
		no_memory();
		return NULL;
	}
	dir->count++;
	return entry;
}

int erofs_directory_add(struct erofs_tree *tree, struct erofs_directory *dir,
			const char *name, struct erofs_node *node)
{
	dir->changed = true;
	return new_entry(tree, dir, name, strlen(name), node) ? 0 : -ENOMEM;
}

static int compare_names(const char *left, size_t left_length,
			 const char *right, size_t right_length)
{
	size_t length = left_length < right_length ? left_length : right_length;
	int order = memcmp(left, right, length);

	if (order)
		return order;
	return left_length < right_length ? -1 : left_length > right_length;
}

static int compare_entries(const void *left, const void *right)
{
	const struct erofs_entry *a = left, *b = right;

	return compare_names(a->name, a->length, b->name, b->length);
}

void erofs_directory_sort(struct erofs_directory *dir)
{
	qsort(dir->entries, dir->count, sizeof(*dir->entries),
	      compare_entries);
}

struct erofs_entry *erofs_find(const struct erofs_directory *dir, u32 count,
			       const char *name, size_t length)
{
	u32 low = 0, high = count;

	while (low < high) {
		u32 middle = low + (high - low) / 2;
		struct erofs_entry *entry = &dir->entries[middle];
		int order = compare_names(name, length, entry->name,
					  entry->length);

		if (!order)
			return entry;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static struct erofs_directory *new_directory(struct erofs_node *node,
					     struct erofs_node *parent)
{
	struct erofs_directory *dir = calloc(1, sizeof(*dir));

	if (!dir) {
		no_memory();
		return NULL;
	}
	dir->parent = parent;
	dir->depth = parent == node ? 0 : parent->dir->depth + 1;
	node->dir = dir;
	return dir;
}

struct erofs_node *erofs_tree_add_directory(struct erofs_tree *tree,
					    struct erofs_node *parent)
{
	struct erofs_node *node = erofs_tree_add(tree);

	parent = parent ? parent : node;
	if (!node || !new_directory(node, parent) ||
	    erofs_directory_add(tree, node->dir, ".", node) ||
	    erofs_directory_add(tree, node->dir, "..", parent))
		return NULL;
	if (node->dir->depth <= EROFS_DEPTH_MAX)
		return node;
	message_error("directories are nested deeper than %u",
		      EROFS_DEPTH_MAX);
	return NULL;
}

static u64 hash_nid(u64 nid)
{
	return nid * 0x9e3779b97f4a7c15ull >> 16;
}

/* Where @nid is in the hash table, or could be. */
static struct erofs_node **nid_place(const struct erofs_tree *tree, u64 nid)
{
	u64 mask = tree->by_nid_room - 1, i = hash_nid(nid) & mask;

	while (tree->by_nid[i] && tree->by_nid[i]->disk.nid != nid)
		i = (i + 1) & mask;
	return &tree->by_nid[i];
}

static int grow_table(struct erofs_tree *tree)
{
	u64 room = tree->by_nid_room ? 2 * tree->by_nid_room : 1024;
	struct erofs_node *node, **table;

	if (tree->by_nid_count < tree->by_nid_room / 2)
		return 0;
	table = calloc(room, sizeof(*table));
	if (!table)
		return no_memory();
	free(tree->by_nid);
	tree->by_nid = table;
	tree->by_nid_room = room;
	for (node = tree->first; node; node = node->next)
		*nid_place(tree, node->disk.nid) = node;
	return 0;
}

/* The node of inode @nid, which @parent or else the superblock refers to. */
static int get_node(struct erofs_tree *tree, u64 nid,
		    struct erofs_node *parent, struct erofs_node **found)
{
	struct erofs_inode inode;
	struct erofs_node **place, *node;
	int ret = grow_table(tree);

	if (ret)
		return ret;
	place = nid_place(tree, nid);
	node = *place;
	if (node && node->dir)
		return erofs_damaged(tree->image, "directory %llu is in the tree twice",
				     (unsigned long long)nid);
	if (!node) {
		ret = erofs_inode_read(tree->image, nid, &inode);
		if (ret)
			return ret;
		node = erofs_tree_add(tree);
		if (!node)
			return -ENOMEM;
		node->inode = inode;
		node->disk = inode;
		node->placed = true;
		node->same_content = true;
		*place = node;
		tree->by_nid_count++;
		if (inode.ino > tree->last_ino)
			tree->last_ino = inode.ino;
		if (S_ISDIR(inode.mode) &&
		    !new_directory(node, parent ? parent : node))
			return -ENOMEM;
	}
	node->disk_names++;
	*found = node;
	return 0;
}

/* A directory that is being loaded. */
struct loading {
	struct erofs_tree *tree;
	struct erofs_node *node;
};

/* Put one name into its node's directory. */
static int load_entry(void *context, const struct erofs_disk_entry *disk,
		      u32 block, const char *name, size_t length)
{
	const struct loading *loading = context;
	struct erofs_tree *tree = loading->tree;
	struct erofs_node *node = loading->node;
	struct erofs_directory *dir = node->dir;
	struct erofs_entry *entry = dir->count ?
		&dir->entries[dir->count - 1] : NULL;
	u64 nid = le64_to_cpu(disk->nid);
	struct erofs_node *child = NULL;
	int ret;

	if (entry && compare_names(entry->name, entry->length, name,
				   length) >= 0)
		return erofs_damaged(tree->image, "directory %llu is not sorted",
				     (unsigned long long)node->disk.nid);
	entry = new_entry(tree, dir, name, length, NULL);
	if (!entry)
		return -ENOMEM;
	entry->nid = nid;
	entry->block = block;
	entry->type = disk->type;
	if (erofs_is_dot(entry)) {
		entry->node = length == 1 ? node : dir->parent;
		if (entry->node->disk.nid == nid)
			return 0;
		return erofs_damaged(tree->image, "the entry %s of directory %llu is of another inode",
				     entry->name,
				     (unsigned long long)node->disk.nid);
	}
	ret = get_node(tree, nid, node, &child);
	entry->node = child;
	return ret;
}

static int load_directory(struct erofs_tree *tree, struct erofs_node *node)
{
	struct loading loading = { .tree = tree, .node = node };
	struct erofs_image *image = tree->image;
	struct erofs_directory *dir = node->dir;
	int ret;

	if (dir->depth > EROFS_DEPTH_MAX)
		return erofs_damaged(image, "directories are nested deeper than %u",
				     EROFS_DEPTH_MAX);
	/*
	 * In a valid erofs no two directories share a block; if they did,
	 * reading a small image could take for ever.
	 */
	tree->directory_bytes += node->disk.size;
	if (tree->directory_bytes > image->bytes)
		return erofs_damaged(image, "the directories are larger than the device");
	dir->blocks = (u32)erofs_blocks(node->disk.size);
	ret = erofs_names_visit(image, &node->disk, load_entry, &loading);
	if (ret)
		return ret;
	if (!erofs_find(dir, dir->count, ".", 1) ||
	    !erofs_find(dir, dir->count, "..", 2))
		return erofs_damaged(image, "directory %llu has no . and ..",
				     (unsigned long long)node->disk.nid);
	return 0;
}

/* Bytes of the device that an inode, contents or the superblock take. */
struct range {
	u64 start;
	u64 end;
	bool shared;		/* contents of files may have blocks in common */
};

static int compare_ranges(const void *left, const void *right)
{
	const struct range *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	return a->end < b->end ? -1 : a->end > b->end;
}

static void set_range(struct range *range, u64 start, u64 length)
{
	range->start = start;
	range->end = start + length;
	range->shared = false;
}

/* Set the ranges that @node takes; returns how many, at most 2. */
static u32 node_ranges(const struct erofs_tree *tree,
		       const struct erofs_node *node, struct range *ranges)
{
	const struct erofs_inode *inode = &node->disk;
	u64 blocks;

	set_range(&ranges[0], erofs_inode_offset(tree->image, inode->nid),
		  erofs_inode_room(inode));
	if (!erofs_has_content(inode->mode) || erofs_has_list(inode))
		return 1;
	blocks = erofs_full_blocks(inode);
	if (!blocks)
		return 1;
	set_range(&ranges[1], (u64)inode->address << EROFS_BLOCK_SHIFT,
		  blocks << EROFS_BLOCK_SHIFT);
	ranges[1].shared = !node->dir;
	return 2;
}

/*
 * Inodes and directories will be written in place, so nothing may overlap them.
 * Chunks and compressed contents are not checked: nothing is written through
 * them.
 */
static int check_overlaps(struct erofs_tree *tree)
{
	struct range *ranges = malloc((2 * tree->by_nid_count + 1) *
				      sizeof(*ranges));
	struct erofs_node *node;
	u64 any_end = 0, own_end = 0, count = 1, i;
	int ret = 0;

	if (!ranges)
		return no_memory();
	set_range(&ranges[0], EROFS_SUPER_OFFSET,
		  tree->image->super_end - EROFS_SUPER_OFFSET);
	for (node = tree->first; node; node = node->next)
		count += node_ranges(tree, node, &ranges[count]);
	qsort(ranges, count, sizeof(*ranges), compare_ranges);
	for (i = 0; !ret && i < count; i++) {
		if (ranges[i].start < own_end ||
		    (!ranges[i].shared && ranges[i].start < any_end))
			ret = erofs_damaged(tree->image, "bytes at %llu belong to more than one inode",
					    (unsigned long long)ranges[i].start);
		if (ranges[i].end > any_end)
			any_end = ranges[i].end;
		if (!ranges[i].shared && ranges[i].end > own_end)
			own_end = ranges[i].end;
	}
	free(ranges);
	return ret;
}

static void init(struct erofs_tree *tree, struct erofs_image *image)
{
	memset(tree, 0, sizeof(*tree));
	tree->image = image;
	tree->last = &tree->first;
}

int erofs_tree_start(struct erofs_tree *tree, struct erofs_image *image)
{
	init(tree, image);
	tree->root = erofs_tree_add_directory(tree, NULL);
	return tree->root ? 0 : -ENOMEM;
}

int erofs_tree_load(struct erofs_tree *tree, struct erofs_image *image)
{
	struct erofs_node *node;
	int ret;

	init(tree, image);
	ret = get_node(tree, le16_to_cpu(image->super.root_nid), NULL,
		       &tree->root);
	if (ret)
		return ret;
	if (!tree->root->dir)
		return erofs_damaged(image, "the root is no directory");
	/* Nodes are added at the end while this goes on. */
	for (node = tree->first; !ret && node; node = node->next)
		if (node->dir)
			ret = load_directory(tree, node);
	if (!ret)
		ret = check_overlaps(tree);
	free(tree->by_nid);
	tree->by_nid = NULL;
	return ret;
}

void erofs_packed_free(struct erofs_node *node)
{
	if (node->packed)
		free(node->packed->runs);
	free(node->packed);
	node->packed = NULL;
}

void erofs_tree_free(struct erofs_tree *tree)
{
	struct erofs_node *node;
	struct erofs_names *names;

	while ((node = tree->first)) {
		tree->first = node->next;
		if (node->dir)
			free(node->dir->entries);
		free(node->dir);
		free(node->path);
		free(node->target);
		free(node->chunks);
		erofs_xattrs_free(&node->xattrs);
		erofs_packed_free(node);
		free(node);
	}
	while ((names = tree->names)) {
		tree->names = names->next;
		free(names);
	}
	free(tree->by_nid);
	tree->by_nid = NULL;
}

int erofs_tree_remove(struct erofs_tree *tree, const char *path)
{
	struct erofs_node *node = tree->root;
	const char *part = path, *end;
	struct erofs_directory *dir;
	struct erofs_entry *entry;

	for (;;) {
		end = strchrnul(part, '/');
		dir = node->dir;
		entry = dir ? erofs_find(dir, dir->count, part,
					 (size_t)(end - part)) : NULL;
		if (!entry || !entry->node || erofs_is_dot(entry)) {
			message_error("%s: there is no '%s' that could be removed",
				      tree->image->device->name, path);
			return -ENOENT;
		}
		node = entry->node;
		if (!*end)
			break;
		part = end + 1;
	}
	entry->node = NULL;
	dir->changed = true;
	return 0;
}

void erofs_tree_end_removal(struct erofs_tree *tree)
{
	struct erofs_node *node;

	for (node = tree->first; node; node = node->next) {
		struct erofs_directory *dir = node->dir;
		u32 kept = 0, i;

		if (!dir || !dir->changed)
			continue;
		for (i = 0; i < dir->count; i++)
			if (dir->entries[i].node)
				dir->entries[kept++] = dir->entries[i];
		dir->count = kept;
	}
}

int erofs_tree_visit(struct erofs_tree *tree, erofs_visit visit,
		     void *context)
{
	struct {
		const struct erofs_directory *dir;
		u32 next;
		size_t length;	/* of its path */
	} *stack = malloc((EROFS_DEPTH_MAX + 1) * sizeof(*stack));
	char *path = malloc((EROFS_DEPTH_MAX + 1) * (EROFS_NAME_MAX + 1));
	const struct erofs_entry *entry;
	u32 depth = 0;
	size_t length;
	int ret;

	if (!stack || !path) {
		ret = no_memory();
		goto out;
	}
	stack[0].dir = tree->root->dir;
	stack[0].next = 0;
	stack[0].length = 0;
	path[0] = '\0';
	ret = visit(context, tree->root, NULL, path);
	while (!ret) {
		if (stack[depth].next == stack[depth].dir->count) {
			if (!depth--)
				break;
			continue;
		}
		entry = &stack[depth].dir->entries[stack[depth].next++];
		if (erofs_is_dot(entry))
			continue;
		length = stack[depth].length;
		if (length)
			path[length++] = '/';
		memcpy(path + length, entry->name, entry->length + 1u);
		length += entry->length;
		ret = visit(context, entry->node, entry, path);
		if (entry->node->dir) {
			depth++;
			stack[depth].dir = entry->node->dir;
			stack[depth].next = 0;
			stack[depth].length = length;
		}
	}
out:
	free(stack);
	free(path);
	return ret;
}
