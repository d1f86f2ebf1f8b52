// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names in directories; see names.h.
 */
#include "erofs/content.h"
#include "erofs/names.h"

/* A directory that is being read. */
struct reading {
	struct erofs_image *image;
	const struct erofs_inode *dir;
	int (*visit)(void *context, const struct erofs_disk_entry *disk,
		     u32 block, const char *name, size_t length);
	void *context;
};

static int bad_directory(const struct reading *reading, u32 block)
{
	return erofs_damaged(reading->image,
			     "block %u of directory %llu is no directory block",
			     block, (unsigned long long)reading->dir->nid);
}

static int visit_name(const struct reading *reading,
		      const struct erofs_disk_entry *disk, u32 block,
		      const char *name, size_t length)
{
	if (!length || length > EROFS_NAME_MAX || memchr(name, '/', length) ||
	    memchr(name, '\0', length))
		return bad_directory(reading, block);
	return reading->visit(reading->context, disk, block, name, length);
}

/* @bytes are @length long and the directory's block number @block. */
static int visit_block(const struct reading *reading, u32 block,
		       const u8 *bytes, u32 length)
{
	struct erofs_disk_entry disk;
	u32 i, count, start, end;
	int ret = 0;

	if (length < sizeof(disk))
		return bad_directory(reading, block);
	memcpy(&disk, bytes, sizeof(disk));
	start = le16_to_cpu(disk.name);
	count = start / sizeof(disk);
	if (!count || start % sizeof(disk) || start > length)
		return bad_directory(reading, block);
	for (i = 0; !ret && i < count; i++) {
		memcpy(&disk, bytes + i * sizeof(disk), sizeof(disk));
		if (le16_to_cpu(disk.name) != start)
			return bad_directory(reading, block);
		if (i + 1 < count) {
			struct erofs_disk_entry next;

			memcpy(&next, bytes + (i + 1) * sizeof(next),
			       sizeof(next));
			end = le16_to_cpu(next.name);
		} else {
			end = start + (u32)strnlen((const char *)bytes + start,
						   length - start);
		}
		if (end < start || end > length)
			return bad_directory(reading, block);
		ret = visit_name(reading, &disk, block,
				 (const char *)bytes + start, end - start);
		start = end;
	}
	return ret;
}

int erofs_names_visit(struct erofs_image *image, const struct erofs_inode *dir,
		      int (*visit)(void *context,
				   const struct erofs_disk_entry *disk,
				   u32 block, const char *name, size_t length),
		      void *context)
{
	const struct reading reading = {
		.image = image, .dir = dir, .visit = visit, .context = context,
	};
	u8 bytes[EROFS_BLOCK_SIZE];
	u64 done;
	int ret = 0;

	for (done = 0; !ret && done < dir->size; done += EROFS_BLOCK_SIZE) {
		u32 length = EROFS_BLOCK_SIZE;

		if (length > dir->size - done)
			length = (u32)(dir->size - done);
		ret = erofs_content_read(image, dir, done, bytes, length);
		if (!ret)
			ret = visit_block(&reading,
					  (u32)(done >> EROFS_BLOCK_SHIFT),
					  bytes, length);
	}
	return ret;
}
