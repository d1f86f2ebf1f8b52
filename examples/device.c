// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The device that an image holds, to standard output: "device IMAGE [ROOT_HASH]".
 * With a root hash nothing else is printed than what it vouches for.
 */
#include <incremental.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEP	(1u << 20)

static int trust(struct incremental_image *image, const char *hex,
		 struct incremental_error *error)
{
	uint8_t root[INCREMENTAL_DIGEST_MAX];
	size_t size = strlen(hex) / 2, i;
	unsigned int byte;

	if (strlen(hex) % 2 || size > sizeof(root))
		size = 0;
	for (i = 0; i < size; i++) {
		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			size = 0;
		root[i] = (uint8_t)byte;
	}
	return incremental_trust(image, root, size, error);
}

static int print(struct incremental_image *image, struct incremental_error *error)
{
	struct incremental_info info;
	char *buffer = malloc(STEP);
	uint64_t offset;
	int ret = 0;

	incremental_get_info(image, &info, sizeof(info));
	for (offset = 0; buffer && !ret && offset < info.device_size;) {
		size_t part = info.device_size - offset < STEP ?
			      (size_t)(info.device_size - offset) : STEP;

		ret = incremental_read(image, offset, part, buffer, error);
		if (!ret)
			fwrite(buffer, 1, part, stdout);
		offset += part;
	}
	free(buffer);
	return ret;
}

int main(int argc, char **argv)
{
	struct incremental_image *image;
	struct incremental_error error;
	int ret;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: %s IMAGE [ROOT_HASH]\n", argv[0]);
		return 2;
	}
	ret = incremental_open(&image, argv[1], INCREMENTAL_NEWEST, &error);
	if (!ret) {
		if (argc == 3)
			ret = trust(image, argv[2], &error);
		if (!ret)
			ret = print(image, &error);
		incremental_close(image);
	}
	if (ret)
		fprintf(stderr, "%s: %s\n", argv[0], error.text);
	return ret || fflush(stdout) ? 1 : 0;
}
