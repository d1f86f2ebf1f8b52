// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * dump: what an image's head says, in the manner of "veritysetup dump".
 */
#include <stdio.h>
#include "common/printable.h"
#include "dmsetup-plugin/image-file.h"

static void print_image(const char *path, const struct incr_image *image)
{
	const struct inc_segment *segment = incr_image_segment(image);
	char root[2 * INC_DIGEST_MAX + 1], salt[2 * INC_SALT_MAX + 1] = "-";
	char uuid[INCR_UUID_TEXT_SIZE];

	incr_hex_format(segment->root_digest, segment->digest_size, root);
	incr_uuid_format(segment->uuid, uuid);
	if (segment->salt_size)
		incr_hex_format(segment->salt, segment->salt_size, salt);
	printf("Incremental image %s\n", printable_name(path));
	printf("UUID:            \t%s\n", uuid);
	printf("Generation:      \t%u\n", segment->generation);
	printf("Data blocks:     \t%llu\n",
	       (unsigned long long)segment->device_blocks);
	printf("Data block size: \t%u\n", INC_BLOCK_SIZE);
	printf("Image size:      \t%llu\n",
	       (unsigned long long)incr_image_size(image));
	printf("Chunk size:      \t%u\n", 1u << segment->chunk_shift);
	printf("Hash algorithm:  \t%s\n", segment->hash_name);
	printf("Salt:            \t%s\n", salt);
	printf("Root hash:       \t%s\n", root);
	printf("Signature:       \t%s\n", segment->signature_size ? "yes" : "no");
	if (segment->epoch)
		printf("Epoch:           \t%u\n", segment->epoch);
}

int command_dump(const struct options *options, char **args,
		 struct incr_error *error)
{
	struct image_file file = { .fd = -1 };
	struct incr_image *image;
	int err;

	err = image_file_open(&file, args[0], error);
	if (!err)
		err = incr_image_open_fd(&image, file.fd, file.path,
					 options->generation, error);
	if (!err) {
		err = image_trust(image, options, error);
		if (!err)
			print_image(args[0], image);
		incr_image_close(image);
	}
	image_file_close(&file);
	return err;
}
