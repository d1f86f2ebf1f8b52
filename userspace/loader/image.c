// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Open the image that is loaded, at the start and whenever it has grown. A job
 * under way keeps the one that it began with.
 */
#include <stdio.h>
#include <stdlib.h>
#include "common/exitcode.h"
#include "loader/loader.h"

struct loaded *loaded_hold(struct loader *loader)
{
	struct loaded *loaded;

	pthread_mutex_lock(&loader->image_lock);
	loaded = loader->loaded;
	loaded->users++;
	pthread_mutex_unlock(&loader->image_lock);
	return loaded;
}

void loaded_drop(struct loader *loader, struct loaded *loaded)
{
	bool last;

	if (!loaded)
		return;
	pthread_mutex_lock(&loader->image_lock);
	last = !--loaded->users;
	pthread_mutex_unlock(&loader->image_lock);
	if (last) {
		incr_image_close(loaded->image);
		free(loaded);
	}
}

static int trust(struct incr_image *image, u32 generation,
		 const struct dm_incremental_info *info, const u8 *root, size_t root_size,
		 struct incr_error *error)
{
	int err = 0;

	if (generation == info->generation)
		err = incr_image_trust(image, info->root_digest,
				       info->digest_size, info->salt,
				       info->salt_size, error);
	if (err || !root_size)
		return err;
	err = incr_image_trust(image, root, root_size, NULL, 0, error);
	/* A digest of another size is of another hash algorithm. */
	return err == -EINVAL ? -ERR_USAGE : err;
}

/*
 * Older root digests must not change. Trust in the newest one does not extend to
 * them: they were trusted when they were the newest.
 */
static int check_older(const struct incr_image *old, const struct incr_image *new,
		       struct incr_error *error)
{
	u32 i;

	for (i = 0; i < incr_image_segments(old); i++) {
		if (i < incr_image_segments(new) &&
		    !memcmp(incr_image_segment_at(old, i)->head_digest,
			    incr_image_segment_at(new, i)->head_digest,
			    sizeof(incr_image_segment_at(old, i)->head_digest)))
			continue;
		snprintf(error->text, sizeof(error->text),
			 "head of generation %u has changed", i);
		return -EBADMSG;
	}
	return 0;
}

static int out_of_memory(struct incr_error *error)
{
	snprintf(error->text, sizeof(error->text), "out of memory");
	return -ENOMEM;
}

/* Tell the mirrors the image that they must have. */
static int expect(struct loader *loader, const struct inc_segment *segment,
		  struct incr_error *error)
{
	struct mirror_image image = {
		.offset = segment->offset,
		.size = segment->end,
	};
	int err = device_read(&loader->device, segment->offset,
			      sizeof(image.super), &image.super);

	if (err) {
		snprintf(error->text, sizeof(error->text),
			 "cannot read the image's head: %s", strerror(-err));
		return err;
	}
	return mirrors_expect(&loader->mirrors, &image) ?
	       out_of_memory(error) : 0;
}

static int open_size(struct loader *loader, const struct dm_incremental_info *info,
		     u32 generation, const u8 *root, size_t root_size,
		     struct incr_error *error)
{
	const struct incr_io io = { .read = loader_read, .context = loader };
	struct loaded *old = loader->loaded, *new = calloc(1, sizeof(*new));
	int err;

	if (!new)
		return out_of_memory(error);
	new->users = 1;
	err = incr_image_open(&new->image, &io, loader->device.size, generation,
			      error);
	if (!err)
		err = trust(new->image, generation, info, root, root_size,
			    error);
	if (!err && old)
		err = check_older(old->image, new->image, error);
	if (!err)
		err = expect(loader, incr_image_segment(new->image), error);
	if (err) {
		incr_image_close(new->image);
		free(new);
		return err;
	}
	pthread_mutex_lock(&loader->image_lock);
	loader->loaded = new;
	pthread_mutex_unlock(&loader->image_lock);
	loaded_drop(loader, old);
	return 0;
}

int image_open(struct loader *loader, u32 generation, const u8 *root,
	       size_t root_size, struct incr_error *error)
{
	struct device *device = &loader->device;
	u64 size = device->size;
	struct dm_incremental_info info;
	int err;

	err = device_info(device, &info);
	if (!err)
		err = device_grow(device, &info);
	if (err) {
		snprintf(error->text, sizeof(error->text), "%s: %s",
			 device->path, strerror(-err));
		return err;
	}
	if (generation == INCR_NEWEST)
		generation = info.generation;
	err = open_size(loader, &info, generation, root, root_size, error);
	if (err)
		device->size = size;
	return err;
}
