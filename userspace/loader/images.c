// SPDX-License-Identifier: GPL-2.0-only
/*
 * The image as libincremental has it open; see images.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include "images.h"

int images_open(const struct images *images, struct shared_image **result,
		struct inc_error *error)
{
	struct shared_image *image = calloc(1, sizeof(*image));
	int err;

	if (!image) {
		snprintf(error->text, sizeof(error->text), "out of memory");
		return -ENOMEM;
	}
	err = inc_image_open(&image->image, &images->io, images->size,
			     images->generation, error);
	if (err) {
		free(image);
		return err;
	}
	if (images->root_size)
		err = inc_image_trust(image->image, images->root,
				      images->root_size, images->salt,
				      images->salt_size, error);
	if (err) {
		inc_image_close(image->image);
		free(image);
		return err;
	}
	image->users = 1;
	*result = image;
	return 0;
}

struct shared_image *images_get(struct images *images)
{
	struct shared_image *image;

	pthread_mutex_lock(&images->lock);
	image = images->current;
	image->users++;
	pthread_mutex_unlock(&images->lock);
	return image;
}

void images_put(struct images *images, struct shared_image *image)
{
	bool last;

	if (!image)
		return;
	pthread_mutex_lock(&images->lock);
	last = !--image->users;
	pthread_mutex_unlock(&images->lock);
	if (last) {
		inc_image_close(image->image);
		free(image);
	}
}

void images_install(struct images *images, struct shared_image *image)
{
	struct shared_image *old;

	pthread_mutex_lock(&images->lock);
	old = images->current;
	images->current = image;
	image->users++;
	pthread_mutex_unlock(&images->lock);
	images_put(images, old);
}

void images_close(struct images *images)
{
	images_put(images, images->current);
	images->current = NULL;
}
