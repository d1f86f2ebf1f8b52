// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the shared library offers, in terms of what the tools use. Its header names no
 * type of the format, which may change.
 */
#include <stdlib.h>
#include "libincremental/include/incremental.h"
#include "libincremental/internal.h"

static_assert(sizeof(struct incremental_error) == sizeof(struct incr_error), "error");
static_assert(sizeof(struct incremental_range) == sizeof(struct incr_range), "range");
static_assert(offsetof(struct incremental_range, length) ==
	      offsetof(struct incr_range, length), "range");
static_assert(INCREMENTAL_DIGEST_MAX >= INC_DIGEST_MAX, "digest");
static_assert(INCREMENTAL_SALT_MAX >= INC_SALT_MAX, "salt");
static_assert(sizeof(((struct incremental_info *)0)->hash_name) ==
	      sizeof(((struct inc_segment *)0)->hash_name), "hash");
static_assert(INCREMENTAL_NEWEST == INCR_NEWEST, "generation");

/**
 * struct incremental_image - see the header
 * @image: open
 * @io: of incremental_open_io()
 */
struct incremental_image {
	struct incr_image *image;
	struct incremental_io io;
};

/* Both are the same text. */
static struct incr_error *internal(struct incremental_error *error)
{
	return (struct incr_error *)error;
}

static int no_memory(struct incremental_error *error)
{
	return incr_fail(internal(error), -ENOMEM, "out of memory");
}

const char *incremental_version(void)
{
	return INC_VERSION_STRING;
}

static int finish(struct incremental_image **image,
		  struct incremental_image *new, int ret)
{
	if (ret)
		free(new);
	else
		*image = new;
	return ret;
}

int incremental_open(struct incremental_image **image, const char *path,
		     uint32_t generation, struct incremental_error *error)
{
	struct incremental_image *new = calloc(1, sizeof(*new));

	if (!new)
		return no_memory(error);
	return finish(image, new, incr_image_open_file(&new->image, path,
						       generation,
						       internal(error)));
}

static int read_io(void *context, u64 offset, size_t length, void *buffer,
		   struct incr_error *error)
{
	struct incremental_image *image = context;
	struct incremental_error said = { "" };
	int ret = image->io.read(image->io.context, offset, length, buffer,
				 &said);

	/* A caller's mistake is not to be taken for success. */
	if (ret > 0)
		ret = -EIO;
	said.text[sizeof(said.text) - 1] = '\0';
	return ret ? incr_fail(error, ret, "%s", *said.text ? said.text :
			       strerror(-ret)) : 0;
}

int incremental_open_io(struct incremental_image **image,
			const struct incremental_io *io, uint64_t size,
			uint32_t generation, struct incremental_error *error)
{
	struct incremental_image *new = calloc(1, sizeof(*new));
	const struct incr_io inner = { .read = read_io, .context = new };

	if (!new)
		return no_memory(error);
	new->io = *io;
	return finish(image, new, incr_image_open(&new->image, &inner, size,
						  generation, internal(error)));
}

void incremental_close(struct incremental_image *image)
{
	if (!image)
		return;
	incr_image_close(image->image);
	free(image);
}

void incremental_get_info(const struct incremental_image *image,
			  struct incremental_info *info, size_t size)
{
	const struct inc_segment *seg = incr_image_segment(image->image);
	struct incremental_info all = {
		.file_size = incr_image_size(image->image),
		.device_size = seg->device_blocks << INC_BLOCK_SHIFT,
		.generation = seg->generation,
		.generations = incr_image_segments(image->image),
		.chunk_size = 1u << seg->chunk_shift,
		.block_size = INC_BLOCK_SIZE,
		.epoch = seg->epoch,
		.root_size = seg->digest_size,
		.salt_size = seg->salt_size,
	};

	memcpy(all.uuid, seg->uuid, sizeof(all.uuid));
	memcpy(all.hash_name, seg->hash_name, sizeof(seg->hash_name));
	memcpy(all.root, seg->root_digest, seg->digest_size);
	memcpy(all.salt, seg->salt, seg->salt_size);
	memset(info, 0, size);
	memcpy(info, &all, size < sizeof(all) ? size : sizeof(all));
}

int incremental_trust(struct incremental_image *image, const uint8_t *root,
		      size_t size, struct incremental_error *error)
{
	return incr_image_trust(image->image, root, size, NULL, 0,
				internal(error));
}

int incremental_check_signature(struct incremental_image *image,
				const char *certificates,
				struct incremental_error *error)
{
	return incr_image_check_certificates(image->image, certificates,
					     internal(error));
}

int incremental_read(struct incremental_image *image, uint64_t offset,
		     size_t length, void *buffer,
		     struct incremental_error *error)
{
	return incr_image_read_bytes(image->image, offset, length, buffer,
				     internal(error));
}

int incremental_plan(struct incremental_image *image, uint64_t offset,
		     uint64_t length, struct incremental_range **ranges,
		     size_t *count, struct incremental_error *error)
{
	u64 first = offset >> INC_BLOCK_SHIFT, end;
	int ret = incr_bytes_check(image->image, offset, length, internal(error));

	*ranges = NULL;
	*count = 0;
	if (ret || !length)
		return ret;
	end = (offset + length - 1) / INC_BLOCK_SIZE + 1;
	return incr_image_plan(image->image, first, end - first,
			       (struct incr_range **)ranges, count,
			       internal(error));
}

void incremental_free(void *pointer)
{
	free(pointer);
}

int incremental_widen(struct incremental_image *image, uint64_t *offset,
		      uint64_t *length, struct incremental_error *error)
{
	u64 start = *offset, bytes = *length;
	int ret = incr_image_widen(image->image, &start, &bytes,
				   internal(error));

	if (!ret) {
		*offset = start;
		*length = bytes;
	}
	return ret;
}

int incremental_verify(struct incremental_image *image, uint64_t offset,
		       uint64_t length, const void *data,
		       struct incremental_error *error)
{
	return incr_image_verify(image->image, offset, length, data,
				 internal(error));
}

int incremental_create_local(struct incremental_image *image, int fd,
			     struct incremental_error *error)
{
	return incr_local_create(image->image, fd, internal(error));
}

int incremental_present(struct incremental_image *image, int fd,
			uint64_t *bytes, struct incremental_error *error)
{
	u64 present = 0;
	int ret = incr_local_present(image->image, fd, &present,
				     internal(error));

	*bytes = present;
	return ret;
}
