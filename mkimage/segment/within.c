// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * References within a segment; see within.h.
 *
 * Where a cluster is stored is known when all before it are. So this is not for several threads:
 * what is compressed, and from what, must not depend on which of them is faster.
 */
#include <stdlib.h>
#include "common/message.h"
#include "io.h"
#include "mkimage.h"
#include "segment/windows.h"
#include "segment/within.h"

struct within {
	struct windows *windows;
	struct window_hint hint;
	struct spool *data;
	struct spool *extents;		/* those with references, as u64 entries */
	u32 cluster_shift;
	u8 packed[INC_BLOCK_SIZE << INC_REFERENCES_SHIFT];
};

int within_new(struct within **within, struct spool *data, const u8 *dictionary,
	       u32 size, u64 blocks, u32 cluster_shift, int level,
	       const char *dir)
{
	struct within *made = calloc(1, sizeof(*made));

	*within = made;
	if (!made)
		return no_memory();
	made->data = data;
	made->cluster_shift = cluster_shift;
	made->extents = spool_new(dir);
	if (!made->extents)
		return -EIO;
	return windows_new_within(&made->windows, data, dictionary, size,
				  blocks, cluster_shift, level);
}

void within_free(struct within *within)
{
	if (!within)
		return;
	windows_free(within->windows);
	spool_free(within->extents);
	free(within);
}

int within_refer(struct within *within, struct cluster *cluster)
{
	int length;

	if (!cluster->whole || cluster->shift != within->cluster_shift)
		return 0;
	length = windows_compress(within->windows, &within->hint, cluster->data,
				  within->packed, cluster->length / 2);
	if (length <= 0)
		return length;
	cluster->codec = INC_CODEC_LZ4_REFERENCES;
	cluster->length = (u32)length;
	cluster->stored = within->packed;
	return 0;
}

int within_stored(struct within *within, u64 block, const struct cluster *cluster,
		  u64 entry)
{
	if (cluster->codec == INC_CODEC_LZ4_REFERENCES)
		return spool_append(within->extents, &entry, sizeof(entry));
	if (!cluster->whole || cluster->shift != within->cluster_shift)
		return 0;
	return windows_add(within->windows, block, entry, cluster->data);
}

bool within_any(const struct within *within)
{
	return within && spool_size(within->extents);
}

/* One extent's references. */
static int write_one(const struct within *within, u64 entry, int fd, u64 offset,
		     const char *name)
{
	u8 stored[INC_BLOCK_SIZE << INC_REFERENCES_SHIFT];
	struct inc_references references;
	struct inc_extent extent;
	const char *why;
	int ret = dm_inc_entry_decode(entry, INC_REFERENCES_SHIFT,
				      INC_IMAGE_SIZE_MAX, &extent);
	u32 i;

	if (!ret)
		ret = spool_read(within->data, extent.offset, extent.length,
				 stored);
	if (ret)
		return ret;
	ret = dm_inc_references_decode(stored, extent.length, &extent,
				       spool_size(within->data), &references,
				       &why);
	if (ret) {
		message_error("%s is not as it was written: %s", SPOOL_NAME,
			      why);
		return ret;
	}
	for (i = 0; i < references.count; i++)
		references.extents[i].offset += offset;
	/* These are the same runs, so they take the same bytes. */
	dm_inc_references_encode(&references, stored);
	return write_all(fd, offset + extent.offset, stored, references.size,
			 name);
}

int within_write(const struct within *within, int fd, u64 offset,
		 const char *name)
{
	u64 at, entry;
	int ret = 0;

	if (!within)
		return 0;
	for (at = 0; !ret && at < spool_size(within->extents);
	     at += sizeof(entry)) {
		ret = spool_read(within->extents, at, sizeof(entry), &entry);
		if (!ret)
			ret = write_one(within, entry, fd, offset, name);
	}
	return ret;
}
