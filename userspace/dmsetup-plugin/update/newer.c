// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Newer generations; see newer.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "common/message.h"
#include "common/parse.h"
#include "dmsetup-plugin/update/newer.h"
#include "libincremental/exact.h"

int newer_open(struct newer *newer, const char *path, int fd,
	       struct incr_error *error)
{
	*newer = (struct newer){ .path = path, .fd = fd };
	return newer_read_local(newer, INCR_NEWEST, error);
}

int newer_read_local(struct newer *newer, u32 generation,
		     struct incr_error *error)
{
	struct incr_image *image;
	int err;

	err = incr_image_open_fd(&image, newer->fd, newer->path, generation,
				 error);
	if (err)
		return err;
	incr_image_close(newer->local);
	newer->local = newer->image = image;
	newer->end = incr_image_size(image);
	return 0;
}

static void close_source(struct newer *newer)
{
	if (newer->image != newer->local)
		incr_image_close(newer->image);
	newer->image = newer->local;
	ahead_close(newer->ahead);
	origin_close(newer->origin);
	newer->ahead = NULL;
	newer->origin = NULL;
}

void newer_close(struct newer *newer)
{
	close_source(newer);
	incr_image_close(newer->local);
	newer->local = newer->image = NULL;
}

static int read_local(struct newer *newer, u64 offset, size_t length,
		      void *buffer, struct incr_error *error)
{
	int ret = incr_read_exactly(newer->fd, offset, buffer, length);

	if (ret == -ENODATA)
		return incr_fail(error, -EIO, "%s ends before offset %llu",
				 newer->path,
				 (unsigned long long)offset + length);
	return ret ? incr_fail(error, ret, "cannot read %s at offset %llu: %s",
			       newer->path, (unsigned long long)offset,
			       strerror(-ret)) : 0;
}

/* An incr_io: the local image, and behind it the source. */
static int read_both(void *context, u64 offset, size_t length, void *buffer,
		     struct incr_error *error)
{
	struct newer *newer = context;
	size_t part = 0;
	char size[FORMAT_SIZE_MAX];
	int err = 0;

	if (offset < newer->end) {
		part = newer->end - offset < length ?
		       (size_t)(newer->end - offset) : length;
		err = read_local(newer, offset, part, buffer, error);
	}
	if (err || part == length)
		return err;
	newer->fetched += length - part;
	message_progress("%s: %s read", origin_name(newer->origin),
			 format_size(newer->fetched, size));
	return ahead_read(newer->ahead, offset + part - newer->base,
			  length - part, (u8 *)buffer + part, error);
}

/* Segment @seg of both is the same; a signature may have been added since. */
static bool same_segment(const struct inc_segment *a,
			 const struct inc_segment *b)
{
	return !memcmp(a->uuid, b->uuid, sizeof(a->uuid)) &&
	       a->generation == b->generation && a->size == b->size &&
	       a->digest_size == b->digest_size &&
	       !memcmp(a->root_digest, b->root_digest, a->digest_size) &&
	       !memcmp(a->guard_digest, b->guard_digest, a->digest_size);
}

/* Does the source, a whole image, have the local image's last segment? */
static int check_origin(struct newer *newer, struct incr_error *error)
{
	u32 last = incr_image_segments(newer->local) - 1;
	const struct inc_segment *own = incr_image_segment_at(newer->local, last);
	struct inc_segment seg;
	struct inc_super super;
	const char *why;
	int err;

	err = ahead_read(newer->ahead, own->offset, sizeof(super), &super,
			 error);
	if (err == -ENOENT) {
		/* It ends before, or is not there at all. */
		err = ahead_read(newer->ahead, 0, sizeof(super), &super,
				 error);
		if (!err)
			return incr_fail(error, -EINVAL,
					 "the origin's newest generation is older than the local %u",
					 own->generation);
	}
	if (err)
		return err;
	if (!origin_size(newer->origin))
		return incr_fail(error, -EPROTO,
				 "the server does not say how long the image is");
	if (dm_inc_segment_parse(&super, own->offset,
				 origin_size(newer->origin), &seg, &why))
		return incr_fail(error, -EINVAL,
				 "no segment of an image at offset %llu: %s",
				 (unsigned long long)own->offset, why);
	if (memcmp(seg.uuid, own->uuid, sizeof(seg.uuid)))
		return incr_fail(error, -EINVAL,
				 "it holds another image (UUIDs differ)");
	if (!same_segment(&seg, own))
		return incr_fail(error, -EINVAL,
				 "its generation %u is another than that of %s",
				 own->generation, newer->path);
	return 0;
}

/*
 * Is the source the layer that comes next? Return: 1 if the local image has it
 * already.
 */
static int check_layer(struct newer *newer, struct incr_error *error)
{
	u32 count = incr_image_segments(newer->local), generation;
	struct inc_segment seg;
	struct inc_super super;
	const char *why;
	u64 offset;
	int err;

	err = ahead_read(newer->ahead, 0, sizeof(super), &super, error);
	if (err == -ENOENT && origin_size(newer->origin))
		return incr_fail(error, -EINVAL, "it is too short for a layer");
	if (err)
		return err;
	generation = le32_to_cpu(super.generation);
	offset = le64_to_cpu(super.segment_offset);
	if (memcmp(super.magic, INC_MAGIC, sizeof(super.magic)))
		return incr_fail(error, -EINVAL,
				 "it is not a layer: its magic number is wrong");
	if (!generation)
		return incr_fail(error, -EINVAL,
				 "it is a whole image, not a layer (see --origin)");
	if (memcmp(super.uuid, incr_image_segment(newer->local)->uuid,
		   sizeof(super.uuid)))
		return incr_fail(error, -EINVAL,
				 "it belongs to another image (UUIDs differ)");
	if (generation > count)
		return incr_fail(error, -EINVAL,
				 "it is generation %u, and generation %u has to come first",
				 generation, count);
	if (generation < count) {
		newer->base = offset;
		if (!dm_inc_segment_parse(&super, offset,
					  offset + origin_size(newer->origin),
					  &seg, &why) &&
		    same_segment(&seg, incr_image_segment_at(newer->local,
							     generation)))
			return 1;
		return incr_fail(error, -EINVAL,
				 "it is another generation %u than the one that %s has",
				 generation, newer->path);
	}
	if (offset != newer->end)
		return incr_fail(error, -EINVAL,
				 "it is for an image of %llu bytes, and %s has %llu",
				 (unsigned long long)offset, newer->path,
				 (unsigned long long)newer->end);
	newer->base = offset;
	return 0;
}

static int find(struct newer *newer, u32 generation, struct incr_error *error)
{
	struct incr_io io = { .read = read_both, .context = newer };
	struct incr_image *image;
	int err;

	err = ahead_open(&newer->ahead, newer->origin, error);
	if (!err)
		err = newer->layer ? check_layer(newer, error) :
				     check_origin(newer, error);
	if (err)
		return err < 0 ? err : 0;
	if (newer->base + origin_size(newer->origin) <= newer->end)
		return 0;
	err = incr_image_open(&image, &io,
			      newer->base + origin_size(newer->origin),
			      generation, error);
	if (!err)
		newer->image = image;
	return err;
}

/* Nothing can come from the local image itself. */
static int check_other(const struct newer *newer, struct incr_error *error)
{
	struct stat st;

	if (fstat(newer->fd, &st) || !origin_is_file(newer->origin, &st))
		return 0;
	return incr_fail(error, -EINVAL,
			 "it is the local image %s itself: name the complete image elsewhere",
			 newer->path);
}

int newer_find(struct newer *newer, const char *where,
	       const struct origin_options *how, bool layer, u32 generation,
	       struct incr_error *error)
{
	struct incr_error why;
	int err;

	newer->base = 0;
	newer->layer = layer;
	err = origin_open(&newer->origin, where, how, error);
	if (err)
		return err;
	err = check_other(newer, &why);
	if (!err)
		err = find(newer, generation, &why);
	message_progress(NULL);
	if (err) {
		incr_fail(error, err, "%s: %s", origin_name(newer->origin),
			  why.text);
		close_source(newer);
	}
	return err;
}

bool newer_has_more(const struct newer *newer)
{
	return incr_image_segments(newer->image) >
	       incr_image_segments(newer->local);
}

int newer_append(struct newer *newer, int fd, struct incr_error *error)
{
	bool whole = newer->layer && !origin_is_remote(newer->origin);
	int err;

	err = incr_local_append(newer->image,
				incr_image_segments(newer->local), fd, whole,
				error);
	message_progress(NULL);
	return err;
}
