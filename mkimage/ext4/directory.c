// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Directories of ext4; see tree.h.
 *
 * Reading a directory once records the block of each name and the room in each
 * block. So adding or removing a name takes a time that does not depend on
 * their number; libext2fs goes through all of them each time. Only in a
 * directory with an index does libext2fs add the names: it splits the blocks.
 */
#include <stdlib.h>
#include "common/message.h"
#include "ext4/tree.h"

static int failed(const struct ext4_directory *dir, const char *doing,
		  errcode_t code)
{
	return ext4_failed(dir->path, doing, code);
}

/* Where the entries of a block end: a checksum may follow. */
static u32 block_end(const ext2_filsys fs)
{
	return fs->blocksize - (ext2fs_has_feature_metadata_csum(fs->super) ?
				sizeof(struct ext2_dir_entry_tail) : 0);
}

static struct ext2_dir_entry *entry_at(void *data, u32 at)
{
	return (struct ext2_dir_entry *)((u8 *)data + at);
}

static u32 entry_length(ext2_filsys fs, struct ext2_dir_entry *entry)
{
	unsigned int length = 0;

	return ext2fs_get_rec_len(fs, entry, &length) ? 0 : length;
}

/*
 * Bytes of an entry that another one can have: its end, or all of an unused
 * one.
 */
static u32 entry_gap(ext2_filsys fs, struct ext2_dir_entry *entry)
{
	u32 length = entry_length(fs, entry);
	u32 used = ext2fs_dir_rec_len(
			(__u8)ext2fs_dirent_name_len(entry), 0);

	return !entry->inode ? length : length > used ? length - used : 0;
}

static u32 largest_gap(ext2_filsys fs, void *data)
{
	u32 largest = 0, at = 0, end = block_end(fs), gap;

	for (; at < end; at += entry_length(fs, entry_at(data, at))) {
		gap = entry_gap(fs, entry_at(data, at));
		if (gap > largest)
			largest = gap;
	}
	return largest;
}

/* A directory that is being read. */
struct reading {
	struct ext4_directory *dir;
	size_t names_room;
	u64 blocks_room;
	errcode_t code;
};

static errcode_t add_name(struct reading *reading,
			  struct ext2_dir_entry *entry, u32 block)
{
	struct ext4_directory *dir = reading->dir;
	size_t length = (size_t)ext2fs_dirent_name_len(entry);
	struct ext4_entry *new;

	if (!length || memchr(entry->name, 0, length) ||
	    memchr(entry->name, '/', length))
		return EXT2_ET_DIR_CORRUPTED;
	if (dir->count == reading->names_room) {
		size_t room = reading->names_room ? 2 * reading->names_room :
						    16;
		void *more = realloc(dir->entries,
				     room * sizeof(*dir->entries));

		if (!more)
			return EXT2_ET_NO_MEMORY;
		dir->entries = more;
		reading->names_room = room;
	}
	new = &dir->entries[dir->count];
	new->name = strndup(entry->name, length);
	if (!new->name)
		return EXT2_ET_NO_MEMORY;
	new->number = entry->inode;
	new->block = block;
	dir->count++;
	return 0;
}

static bool is_dots(const struct ext2_dir_entry *entry)
{
	int length = ext2fs_dirent_name_len(entry);

	return (length == 1 && entry->name[0] == '.') ||
	       (length == 2 && entry->name[0] == '.' && entry->name[1] == '.');
}

static errcode_t add_names(struct reading *reading, u32 block)
{
	struct ext4_directory *dir = reading->dir;
	ext2_filsys fs = dir->ext4->fs;
	u32 at, end = block_end(fs), length, index;
	errcode_t code = 0;

	for (at = index = 0; !code && at < end; at += length, index++) {
		struct ext2_dir_entry *entry = entry_at(dir->data, at);

		length = entry_length(fs, entry);
		if (length < 8 || length % 4 || length > fs->blocksize - at ||
		    (u32)ext2fs_dirent_name_len(entry) + 8 > length)
			return EXT2_ET_DIR_CORRUPTED;
		if (!entry->inode)
			continue;
		if (is_dots(entry))
			code = block || index > 1 ? EXT2_ET_DIR_CORRUPTED : 0;
		else
			code = add_name(reading, entry, block);
	}
	return code;
}

static errcode_t add_block(struct reading *reading, blk64_t physical,
			   u64 logical)
{
	struct ext4_directory *dir = reading->dir;
	ext2_filsys fs = dir->ext4->fs;
	errcode_t code;

	if (logical >= dir->blocks)
		return EXT2_ET_DIR_CORRUPTED;
	if (logical >= reading->blocks_room) {
		u64 room = reading->blocks_room, i;
		void *more;

		while (room <= logical)
			room = room ? 2 * room : 4;
		more = realloc(dir->block, room * sizeof(*dir->block));
		if (!more)
			return EXT2_ET_NO_MEMORY;
		dir->block = more;
		for (i = reading->blocks_room; i < room; i++)
			memset(&dir->block[i], 0, sizeof(*dir->block));
		reading->blocks_room = room;
	}
	code = ext2fs_read_dir_block4(fs, physical, dir->data, 0,
				      dir->number);
	if (!code)
		code = add_names(reading, (u32)logical);
	if (code)
		return code;
	dir->block[logical].physical = physical;
	dir->block[logical].gap = largest_gap(fs, dir->data);
	return 0;
}

/* Claim blocks of the map, too: a hostile image may use one many times. */
static int visit_block(ext2_filsys fs, blk64_t *block, e2_blkcnt_t at,
		       blk64_t above, int offset, void *context)
{
	struct reading *reading = context;

	(void)fs;
	(void)above;
	(void)offset;
	reading->code = ext4_claim(reading->dir->ext4, *block);
	if (!reading->code && at >= 0)
		reading->code = add_block(reading, *block, (u64)at);
	return reading->code ? BLOCK_ABORT : 0;
}

/* A directory in its inode: its names can be read, and that is all. */
static int visit_inline(ext2_ino_t number, int kind,
			struct ext2_dir_entry *entry, int offset,
			int block_size, char *buffer, void *context)
{
	struct reading *reading = context;

	(void)number;
	(void)offset;
	(void)block_size;
	(void)buffer;
	if (kind == DIRENT_OTHER_FILE)
		reading->code = add_name(reading, entry, 0);
	return reading->code ? DIRENT_ABORT : 0;
}

static int compare_entries(const void *left, const void *right)
{
	const struct ext4_entry *a = left, *b = right;

	return strcmp(a->name, b->name);
}

int ext4_directory_open(struct ext4_directory *dir, struct ext4 *ext4,
			ext2_ino_t number, const char *path)
{
	struct reading reading = { .dir = dir };
	struct ext2_inode inode;
	errcode_t code;
	u64 blocks;

	memset(dir, 0, sizeof(*dir));
	dir->ext4 = ext4;
	dir->number = number;
	dir->path = path;
	dir->data = malloc(ext4->fs->blocksize);
	code = dir->data ? ext2fs_read_inode(ext4->fs, number, &inode) :
			      EXT2_ET_NO_MEMORY;
	if (!code && !LINUX_S_ISDIR(inode.i_mode))
		code = EXT2_ET_NO_DIRECTORY;
	if (!code)
		code = ext4_claim_directory(ext4, number);
	if (!code) {
		blocks = EXT2_I_SIZE(&inode) / ext4->fs->blocksize;
		dir->blocks = blocks < UINT32_MAX ? (u32)blocks : 0;
		dir->index = inode.i_flags & EXT2_INDEX_FL;
		code = ext2fs_block_iterate3(ext4->fs, number,
					     BLOCK_FLAG_READ_ONLY, NULL,
					     visit_block, &reading);
	}
	if (code == EXT2_ET_INLINE_DATA_CANT_ITERATE)
		code = ext2fs_dir_iterate2(ext4->fs, number, 0, NULL,
					   visit_inline, &reading);
	if (reading.code)
		code = reading.code;
	/* Blocks after the last present one are made on demand. */
	if (reading.blocks_room < dir->blocks)
		dir->blocks = (u32)reading.blocks_room;
	dir->blocks_room = (u32)reading.blocks_room;
	if (code) {
		ext4_directory_close(dir);
		return failed(dir, "cannot read the directory", code);
	}
	if (dir->count)
		qsort(dir->entries, dir->count, sizeof(*dir->entries),
		      compare_entries);
	return 0;
}

const struct ext4_entry *ext4_directory_find(const struct ext4_directory *dir,
					     const char *name)
{
	struct ext4_entry key = { .name = (char *)name };

	return dir->count ? bsearch(&key, dir->entries, dir->count,
				    sizeof(key), compare_entries) : NULL;
}

static errcode_t put_block(struct ext4_directory *dir)
{
	errcode_t code = 0;

	if (dir->dirty)
		code = ext2fs_write_dir_block4(dir->ext4->fs,
				dir->block[dir->at].physical,
				dir->data, 0, dir->number);
	dir->dirty = false;
	return code;
}

/* Let a block be in dir->data. */
static errcode_t get_block(struct ext4_directory *dir, u32 block)
{
	errcode_t code;

	if (dir->valid && dir->at == block)
		return 0;
	code = put_block(dir);
	dir->valid = false;
	if (!code && !dir->block[block].physical)
		code = EXT2_ET_DIR_CORRUPTED;
	if (!code)
		code = ext2fs_read_dir_block4(dir->ext4->fs,
				dir->block[block].physical, dir->data, 0,
				dir->number);
	dir->at = block;
	dir->valid = !code;
	return code;
}

/* The block in dir->data was changed; it may have more room than before. */
static void block_changed(struct ext4_directory *dir)
{
	u32 gap = largest_gap(dir->ext4->fs, dir->data), i;

	dir->dirty = true;
	dir->block[dir->at].gap = gap;
	for (i = 0; i < EXT4_LENGTHS && 4 * i <= gap; i++)
		if (dir->search[i] > dir->at)
			dir->search[i] = dir->at;
}

int ext4_directory_close(struct ext4_directory *dir)
{
	errcode_t code = dir->data ? put_block(dir) : 0;
	size_t i;

	for (i = 0; i < dir->count; i++)
		free(dir->entries[i].name);
	free(dir->entries);
	free(dir->block);
	free(dir->data);
	dir->entries = NULL;
	dir->block = NULL;
	dir->data = NULL;
	dir->count = 0;
	return code ? failed(dir, "cannot write the directory", code) : 0;
}

static int file_type(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return EXT2_FT_DIR;
	case S_IFLNK:
		return EXT2_FT_SYMLINK;
	case S_IFCHR:
		return EXT2_FT_CHRDEV;
	case S_IFBLK:
		return EXT2_FT_BLKDEV;
	case S_IFIFO:
		return EXT2_FT_FIFO;
	case S_IFSOCK:
		return EXT2_FT_SOCK;
	default:
		return EXT2_FT_REG_FILE;
	}
}

static void set_type(ext2_filsys fs, struct ext2_dir_entry *entry, mode_t mode)
{
	if (ext2fs_has_feature_filetype(fs->super))
		ext2fs_dirent_set_file_type(entry, file_type(mode));
}

/* A block more at the directory's end, in dir->data. */
static errcode_t add_empty_block(struct ext4_directory *dir)
{
	ext2_filsys fs = dir->ext4->fs;
	u32 end = block_end(fs), room = 2 * dir->blocks_room + 4;
	struct ext2_inode inode;
	blk64_t physical = 0;
	errcode_t code;
	void *more;

	if (dir->blocks == dir->blocks_room) {
		more = realloc(dir->block, room * sizeof(*dir->block));
		if (!more)
			return EXT2_ET_NO_MEMORY;
		dir->block = more;
		dir->blocks_room = room;
	}
	code = put_block(dir);
	dir->valid = false;
	if (!code)
		code = ext2fs_read_inode(fs, dir->number, &inode);
	if (!code)
		code = ext2fs_bmap2(fs, dir->number, &inode, NULL,
				    BMAP_ALLOC, dir->blocks, NULL,
				    &physical);
	if (!code)
		code = ext2fs_inode_size_set(fs, &inode, fs->blocksize *
					     ((u64)dir->blocks + 1));
	if (!code)
		code = ext2fs_write_inode(fs, dir->number, &inode);
	if (code)
		return code;
	memset(dir->data, 0, fs->blocksize);
	code = ext2fs_set_rec_len(fs, end, entry_at(dir->data, 0));
	if (end < fs->blocksize)
		ext2fs_initialize_dirent_tail(fs, (struct ext2_dir_entry_tail *)
					      entry_at(dir->data, end));
	dir->at = dir->blocks++;
	dir->block[dir->at].physical = physical;
	dir->valid = true;
	block_changed(dir);
	return code;
}

/* Put a name into dir->data, which has the room. */
static errcode_t insert(struct ext4_directory *dir, const char *name,
			ext2_ino_t number, mode_t mode)
{
	ext2_filsys fs = dir->ext4->fs;
	u32 size = (u32)strlen(name), at = 0, used;
	u32 need = ext2fs_dir_rec_len((__u8)size, 0), length;
	struct ext2_dir_entry *entry = entry_at(dir->data, 0);
	errcode_t code = 0;

	while (at < block_end(fs) && entry_gap(fs, entry) < need) {
		at += entry_length(fs, entry);
		entry = entry_at(dir->data, at);
	}
	if (at >= block_end(fs))
		return EXT2_ET_DIR_CORRUPTED;
	if (entry->inode) {
		length = entry_length(fs, entry);
		used = ext2fs_dir_rec_len((__u8)ext2fs_dirent_name_len(entry),
					  0);
		code = ext2fs_set_rec_len(fs, used, entry);
		entry = entry_at(dir->data, at + used);
		if (!code)
			code = ext2fs_set_rec_len(fs, length - used, entry);
	}
	entry->inode = number;
	entry->name_len = 0;
	ext2fs_dirent_set_name_len(entry, (int)size);
	set_type(fs, entry, mode);
	memcpy(entry->name, name, size);
	block_changed(dir);
	return code;
}

static errcode_t link_by_index(struct ext4_directory *dir, const char *name,
			       ext2_ino_t number, mode_t mode)
{
	ext2_filsys fs = dir->ext4->fs;
	errcode_t code = put_block(dir);

	dir->valid = false;
	dir->moved = true;
	if (!code)
		code = ext2fs_link(fs, dir->number, name, number,
				   file_type(mode));
	if (code != EXT2_ET_DIR_NO_SPACE)
		return code;
	code = ext2fs_expand_dir(fs, dir->number);
	return code ? code : ext2fs_link(fs, dir->number, name, number,
					 file_type(mode));
}

static errcode_t link_name(struct ext4_directory *dir, const char *name,
			   ext2_ino_t number, mode_t mode)
{
	u32 need = ext2fs_dir_rec_len((__u8)strlen(name), 0);
	u32 *search = &dir->search[need / 4];
	errcode_t code;

	if (dir->index)
		return link_by_index(dir, name, number, mode);
	while (*search < dir->blocks && dir->block[*search].gap < need)
		++*search;
	code = *search < dir->blocks ? get_block(dir, *search) :
					  add_empty_block(dir);
	return code ? code : insert(dir, name, number, mode);
}

int ext4_directory_link(struct ext4_directory *dir, const char *name,
			const char *path, ext2_ino_t number, mode_t mode)
{
	errcode_t code = link_name(dir, name, number, mode);

	return code ? ext4_failed(path, "cannot add its name", code) : 0;
}

/* The entry of a name in dir->data; before it *before; NULL: there is none. */
static struct ext2_dir_entry *find_in_block(struct ext4_directory *dir,
					    const char *name,
					    struct ext2_dir_entry **before)
{
	ext2_filsys fs = dir->ext4->fs;
	u32 at, end = block_end(fs), length;
	size_t size = strlen(name);

	*before = NULL;
	for (at = 0; at < end; at += length) {
		struct ext2_dir_entry *entry = entry_at(dir->data, at);

		length = entry_length(fs, entry);
		if (entry->inode &&
		    (size_t)ext2fs_dirent_name_len(entry) == size &&
		    !memcmp(entry->name, name, size))
			return entry;
		*before = entry;
	}
	return NULL;
}

static errcode_t find_entry(struct ext4_directory *dir,
			    const struct ext4_entry *old,
			    struct ext2_dir_entry **entry,
			    struct ext2_dir_entry **before)
{
	errcode_t code = dir->moved ? EXT2_ET_DIR_CORRUPTED :
					 get_block(dir, old->block);

	if (code)
		return code;
	*entry = find_in_block(dir, old->name, before);
	return *entry ? 0 : EXT2_ET_DIR_CORRUPTED;
}

int ext4_directory_make(struct ext4 *ext4, ext2_ino_t parent, ext2_ino_t number,
			const char *path)
{
	ext2_filsys fs = ext4->fs;
	struct ext2_inode inode;
	blk64_t physical = 0;
	char *data = NULL;
	errcode_t code;
	u32 links;
	int ret = ext4_count_links(ext4, parent, path, +1, &links);

	if (ret)
		return ret;
	code = ext2fs_new_dir_block(fs, number, parent, &data);
	if (!code)
		code = ext2fs_read_inode(fs, number, &inode);
	if (!code)
		code = ext2fs_bmap2(fs, number, &inode, NULL, BMAP_ALLOC, 0,
				    NULL, &physical);
	if (!code)
		code = ext2fs_write_dir_block4(fs, physical, data, 0, number);
	if (!code)
		code = ext2fs_inode_size_set(fs, &inode, fs->blocksize);
	inode.i_links_count = 2;
	if (!code)
		code = ext2fs_write_inode(fs, number, &inode);
	ext2fs_free_mem(&data);
	return code ? ext4_failed(path, "cannot make the directory", code) : 0;
}

int ext4_directory_replace(struct ext4_directory *dir,
			   const struct ext4_entry *old, const char *path,
			   ext2_ino_t number, mode_t mode)
{
	struct ext2_dir_entry *entry, *before;
	errcode_t code = find_entry(dir, old, &entry, &before);

	if (code)
		return ext4_failed(path, "cannot replace it", code);
	entry->inode = number;
	set_type(dir->ext4->fs, entry, mode);
	dir->dirty = true;
	return 0;
}

int ext4_directory_unlink(struct ext4_directory *dir,
			  const struct ext4_entry *old, const char *path)
{
	ext2_filsys fs = dir->ext4->fs;
	struct ext2_dir_entry *entry, *before;
	errcode_t code = find_entry(dir, old, &entry, &before);

	if (!code && before)
		code = ext2fs_set_rec_len(fs, entry_length(fs, before) +
					  entry_length(fs, entry), before);
	if (code)
		return ext4_failed(path, "cannot remove its name", code);
	entry->inode = 0;
	block_changed(dir);
	return 0;
}
