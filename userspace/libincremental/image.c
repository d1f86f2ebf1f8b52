// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Opening and closing an image: its segments in order, and one generation of them.
 */
#include <fcntl.h>
#include <stdlib.h>
#include "libincremental/internal.h"

/* A segment must continue the image that the first one began. */
static const char *segment_mismatch(const struct inc_segment *first,
				    const struct inc_segment *seg)
{
	if (seg->chunk_shift != first->chunk_shift)
		return "its chunk size is not that of the first segment";
	if (strcmp(seg->hash_name, first->hash_name) ||
	    seg->digest_size != first->digest_size ||
	    seg->salt_size != first->salt_size ||
	    memcmp(seg->salt, first->salt, seg->salt_size))
		return "its hash or salt is not that of the first segment";
	return NULL;
}

/*
 * @super is not of the segment that has to come next. Say whether a layer is
 * out of place, and how to get rid of it: the segments before it are good.
 */
static int layer_misplaced(const struct incr_image *image,
			   const struct inc_super *super, u64 offset,
			   struct incr_error *error)
{
	const struct inc_segment *first = image->segments;
	u32 generation = le32_to_cpu(super->generation);
	const char *what;

	if (memcmp(super->magic, INC_MAGIC, sizeof(super->magic)) ||
	    generation >= INC_SEGMENTS_MAX)
		return 0;
	if (memcmp(super->uuid, first->uuid, sizeof(super->uuid)))
		what = "it belongs to another image (UUIDs differ)";
	else if (generation < image->segment_count)
		what = "the image has that generation already, as if a layer had been appended twice";
	else if (generation > image->segment_count)
		what = "the layer that comes before it is missing";
	else
		return 0;
	return incr_fail(error, -EINVAL,
			 "segment at offset %llu, generation %u: %s; \"truncate -s %llu\" cuts off it and the rest of the file",
			 (unsigned long long)offset, generation, what,
			 (unsigned long long)offset);
}

static int segment_read(struct incr_image *image, u64 offset, u64 size,
			struct inc_segment *seg, bool *end,
			struct incr_error *error)
{
	struct inc_super super;
	const char *why;
	int ret;

	/*
	 * A device may be larger than the image in it: zeros end it. So they do
	 * in a file to which a segment was being appended: the first sector of
	 * its superblock is written last.
	 */
	*end = offset && size - offset < sizeof(super);
	if (*end)
		return 0;
	if (size < sizeof(super))
		return incr_fail(error, -EINVAL,
				 "%llu bytes are too few for an incremental image",
				 (unsigned long long)size);
	ret = incr_raw_read(image, offset, sizeof(super), &super, error);
	if (ret)
		return ret;
	*end = offset && inc_all_zero(&super, INC_FIRST_SECTOR);
	if (*end)
		return 0;
	ret = offset ? layer_misplaced(image, &super, offset, error) : 0;
	if (ret)
		return ret;
	if (dm_inc_segment_parse(&super, offset, size, seg, &why))
		return incr_fail(error, -EINVAL, "segment at offset %llu: %s",
				 (unsigned long long)offset, why);
	return 0;
}

static int segments_read(struct incr_image *image, u64 size,
			 struct incr_error *error)
{
	struct inc_segment seg;
	const char *why;
	u64 offset = 0;
	bool end;
	int ret;

	for (;;) {
		ret = segment_read(image, offset, size, &seg, &end, error);
		if (ret || end)
			return ret;
		if (!(image->segment_count & (image->segment_count - 1))) {
			u32 room = image->segment_count ?
				   2 * image->segment_count : 1;
			void *more = realloc(image->segments,
					     room * sizeof(seg));

			if (!more)
				return incr_fail(error, -ENOMEM,
						 "out of memory for segments");
			image->segments = more;
		}
		image->segments[image->segment_count] = seg;
		why = segment_mismatch(image->segments, &seg);
		if (why)
			return incr_fail(error, -EINVAL,
					 "segment at offset %llu: %s",
					 (unsigned long long)offset, why);
		image->segment_count++;
		image->size = offset = seg.end;
		if (offset >= size)
			return 0;
		image->size = size;	/* for the next superblock's read */
	}
}

/* Every head's digest is checked; only one generation's head is kept. */
static int heads_check(struct incr_image *image, u32 generation,
		       struct incr_error *error)
{
	u32 i;

	for (i = 0; i < image->segment_count; i++) {
		u8 *head;
		int ret;

		if (i == generation)
			continue;
		ret = incr_head_read(image, &image->segments[i], &head, error);
		if (ret)
			return ret;
		free(head);
	}
	return 0;
}

static int hash_prepare(struct incr_image *image, struct incr_error *error)
{
	static const u8 zero_block[INC_BLOCK_SIZE];
	const struct inc_segment *seg = image->segments;

	if (!strcmp(seg->hash_name, "sha256") &&
	    seg->digest_size != INC_SHA256_SIZE)
		return incr_fail(error, -EINVAL,
				 "superblock: digest size %u is not that of sha256 (32)",
				 seg->digest_size);
	image->hash = incr_hash_new(seg->hash_name, seg->salt, seg->salt_size);
	if (!image->hash && errno == ENOTSUP)
		return incr_fail(error, -ENOTSUP,
				 "superblock: hash '%s' is not supported, only sha256 is",
				 seg->hash_name);
	if (!image->hash)
		return incr_fail(error, -ENOMEM, "out of memory");
	incr_hash_digest(image->hash, zero_block, sizeof(zero_block),
			 image->zero_digest);
	return 0;
}

/* With its segments known: prepare to read one generation. */
int incr_image_start(struct incr_image *image, u32 generation,
		     struct incr_error *error)
{
	int ret;

	image->cache = incr_cache_new();
	if (!image->cache || !incr_views_new(image) ||
	    incr_dictionaries_new(image))
		return incr_fail(error, -ENOMEM, "out of memory");
	ret = hash_prepare(image, error);
	return ret ? ret : incr_view_load(image, &image->segments[generation],
					  &image->view, error);
}

static int image_load(struct incr_image *image, u64 size, u32 generation,
		      struct incr_error *error)
{
	int ret;

	image->size = size;
	ret = segments_read(image, size, error);
	if (ret)
		return ret;
	image->size = image->segments[image->segment_count - 1].end;
	if (generation == INCR_NEWEST)
		generation = image->segment_count - 1;
	if (generation >= image->segment_count)
		return incr_fail(error, -EINVAL,
				 "image has no generation %u, its newest is %u",
				 generation, image->segment_count - 1);
	ret = heads_check(image, generation, error);
	return ret ? ret : incr_image_start(image, generation, error);
}

struct incr_image *incr_image_new(const struct incr_io *io,
				  struct incr_error *error)
{
	struct incr_image *image = calloc(1, sizeof(*image));

	if (image)
		image->io = *io;
	else
		incr_fail(error, -ENOMEM, "out of memory");
	return image;
}

int incr_image_open(struct incr_image **image, const struct incr_io *io, u64 size,
		    u32 generation, struct incr_error *error)
{
	struct incr_image *new = incr_image_new(io, error);
	int ret;

	if (!new)
		return -ENOMEM;
	ret = image_load(new, size, generation, error);
	if (ret) {
		incr_image_close(new);
		return ret;
	}
	*image = new;
	return 0;
}

/* @fd is closed with the image, or on failure. */
static int open_file(struct incr_image **image, int fd, u32 generation,
		     struct incr_error *error)
{
	struct incr_image *new;
	struct inc_file *file;
	struct incr_io io;
	u64 size;
	int ret;

	ret = incr_file_open(&file, fd, &io, &size, error);
	if (ret)
		return ret;
	new = incr_image_new(&io, error);
	if (!new) {
		incr_file_close(file);
		return -ENOMEM;
	}
	new->file = file;
	ret = image_load(new, size, generation, error);
	if (!ret)
		ret = incr_file_attach(file, new, error);
	if (ret) {
		incr_image_close(new);
		return ret;
	}
	*image = new;
	return 0;
}

/* @fd as for open_file(), or a negative errno, the reason why there is none. */
static int open_named(struct incr_image **image, int fd, const char *path,
		      u32 generation, struct incr_error *error)
{
	struct incr_error why;
	int ret;

	if (fd < 0)
		ret = incr_fail(&why, fd, "%s", strerror(-fd));
	else
		ret = open_file(image, fd, generation, &why);
	return ret ? incr_fail(error, ret, "%s: %s", path, why.text) : 0;
}

int incr_image_open_file(struct incr_image **image, const char *path,
			 u32 generation, struct incr_error *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	return open_named(image, fd < 0 ? -errno : fd, path, generation, error);
}

int incr_image_open_fd(struct incr_image **image, int fd, const char *path,
		       u32 generation, struct incr_error *error)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	return open_named(image, copy < 0 ? -errno : copy, path, generation,
			  error);
}

void incr_image_close(struct incr_image *image)
{
	if (!image)
		return;
	incr_views_free(image);
	incr_dictionaries_free(image);
	incr_cache_free(image->cache);
	incr_hash_free(image->hash);
	incr_file_close(image->file);
	free(image->segments);
	free(image);
}

const struct inc_segment *incr_image_segment(const struct incr_image *image)
{
	return image->view->seg;
}

const struct inc_segment *incr_image_segment_at(const struct incr_image *image,
						u32 number)
{
	return &image->segments[number];
}

u32 incr_image_segments(const struct incr_image *image)
{
	return image->segment_count;
}

u64 incr_image_size(const struct incr_image *image)
{
	return image->size;
}

int incr_image_trust(struct incr_image *image, const u8 *root, size_t root_size,
		     const u8 *salt, size_t salt_size, struct incr_error *error)
{
	const struct inc_segment *seg = image->view->seg;

	if (root_size != seg->digest_size)
		return incr_fail(error, -EINVAL,
				 "root digest has %zu bytes, %s has %u",
				 root_size, seg->hash_name, seg->digest_size);
	if (memcmp(root, seg->root_digest, root_size))
		return incr_fail(error, -EBADMSG,
				 "root digest of generation %u is not the trusted one",
				 seg->generation);
	if (salt && (salt_size != seg->salt_size ||
		     memcmp(salt, seg->salt, salt_size)))
		return incr_fail(error, -EBADMSG,
				 "salt of generation %u is not the trusted one",
				 seg->generation);
	return 0;
}
