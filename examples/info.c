// SPDX-License-Identifier: GPL-2.0-or-later
/* What an image is: "info IMAGE". */
#include <incremental.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	struct incremental_image *image;
	struct incremental_error error;
	struct incremental_info info;
	uint32_t i;

	if (argc != 2) {
		fprintf(stderr, "usage: %s IMAGE\n", argv[0]);
		return 2;
	}
	if (incremental_open(&image, argv[1], INCREMENTAL_NEWEST, &error)) {
		fprintf(stderr, "%s: %s\n", argv[0], error.text);
		return 1;
	}
	incremental_get_info(image, &info, sizeof(info));
	printf("generation %u of %u, a device of %llu bytes in %llu\n%s ",
	       info.generation, info.generations,
	       (unsigned long long)info.device_size,
	       (unsigned long long)info.file_size, info.hash_name);
	for (i = 0; i < info.root_size; i++)
		printf("%02x", info.root[i]);
	printf("\n");
	incremental_close(image);
	return 0;
}
