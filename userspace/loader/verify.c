// SPDX-License-Identifier: GPL-2.0-only
/*
 * Check a range before it is filled: what libincremental checks, and that the
 * owner table agrees with the map.
 *
 * The owner table has no digest, and a wrong page of it, once filled, would
 * make every later loader find fault with right data. An owner that the map
 * bears out is right for all that it is used for.
 */
#include <stdio.h>
#include "loader.h"

/* Does the extent of block @owner hold byte @at of the file? */
static int check_owner(struct inc_image *image, u32 owner, u64 at,
		       struct inc_error *error)
{
	struct inc_extent extent;
	int err;

	if (owner == INC_NO_OWNER)
		return 0;
	err = inc_image_extent(image, owner, &extent, error);
	if (err)
		return err;
	if (extent.length && extent.offset <= at &&
	    at - extent.offset < extent.length &&
	    inc_cluster_start(&extent, owner) == owner)
		return 0;
	snprintf(error->text, sizeof(error->text),
		 "the owner table says block %u for the data at offset %llu, the map says otherwise",
		 owner, (unsigned long long)at);
	return -EBADMSG;
}

/* Check the owners of @segment whose entries are in the range. */
static int check_owners(const struct worker *worker,
			const struct inc_segment *segment, u64 offset,
			u64 length, struct inc_error *error)
{
	u64 start = segment->owners_offset, end = start + segment->owners_size;
	int err = 0;

	if (start < offset)
		start = offset;
	if (end > offset + length)
		end = offset + length;
	for (; !err && start < end; start += sizeof(__le32)) {
		u64 chunk = (start - segment->owners_offset) / sizeof(__le32);
		__le32 owner;

		memcpy(&owner, worker->buffer + (start - worker->have),
		       sizeof(owner));
		err = check_owner(worker->image, le32_to_cpu(owner),
				  segment->data_offset +
				  (chunk << segment->chunk_shift), error);
	}
	return err;
}

int worker_verify(struct worker *worker, u64 offset, u64 length,
		  struct inc_error *error)
{
	const struct inc_segment *segment = inc_image_segment(worker->image);
	int err;

	err = inc_image_verify(worker->image, offset, length,
			       worker->buffer + (offset - worker->have), error);
	/* Blocks of older segments are those of older generations. */
	if (!err)
		err = check_owners(worker, segment, offset, length, error);
	return err;
}
