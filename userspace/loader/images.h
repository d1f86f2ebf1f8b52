/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The image as libincremental has it open. The library keeps metadata pages,
 * and neither map nor owner table has a digest: once bytes have proved wrong,
 * pages that it keeps may be the culprit, so it is opened anew. Who is using
 * the old one goes on with it.
 */
#ifndef LOADER_IMAGES_H
#define LOADER_IMAGES_H

#include <pthread.h>
#include "incremental.h"

/* An open image; freed with its last user. */
struct shared_image {
	struct inc_image *image;
	unsigned int users;
};

/**
 * struct images - how to open the image, and the one in use
 * @current: counts as one of its users
 */
struct images {
	pthread_mutex_t lock;
	struct shared_image *current;
	struct inc_io io;
	u64 size;
	u32 generation;
	u8 root[INC_DIGEST_MAX];
	size_t root_size;
	u8 salt[INC_SALT_MAX];
	size_t salt_size;
};

/* Open the image afresh. Return: 0 or -errno. */
int images_open(const struct images *images, struct shared_image **image,
		struct inc_error *error);

/* Use @image from now on; the caller goes on to be a user of it. */
void images_install(struct images *images, struct shared_image *image);

struct shared_image *images_get(struct images *images);
void images_put(struct images *images, struct shared_image *image);
void images_close(struct images *images);

#endif /* LOADER_IMAGES_H */
