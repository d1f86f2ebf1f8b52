// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Load the images that fuzz targets edit; see fuzz.h.
 */
#include <dirent.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>
#include "fuzz/fuzz.h"

#define SEEDS_MAX	32

static struct fuzz_seed all[SEEDS_MAX];
static u32 count;

static _Noreturn void give_up(const char *path, const char *why)
{
	fprintf(stderr, "%s: %s\n", path, why);
	exit(1);
}

static u8 *read_file(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	struct stat status;
	u8 *bytes;

	if (!file || fstat(fileno(file), &status))
		give_up(path, "cannot be read: run make fuzz-targets");
	*size = (size_t)status.st_size;
	bytes = malloc(*size ? *size : 1);
	if (!bytes || fread(bytes, 1, *size, file) != *size)
		give_up(path, "cannot be read");
	fclose(file);
	return bytes;
}

static int is_image(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length > 4 && length < sizeof(all->name) &&
	       !strcmp(entry->d_name + length - 4, ".inc");
}

static void load(const char *dir, const char *name)
{
	struct fuzz_seed *seed = &all[count];
	char path[PATH_MAX + NAME_MAX + 2];
	struct inc_segment seg[EDIT_SEGMENTS];
	const char *why;
	size_t size;
	int segments;

	snprintf(seed->name, sizeof(seed->name), "%.*s",
		 (int)strlen(name) - 4, name);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	seed->bytes = read_file(path, &seed->size);
	segments = edit_segments(seed->bytes, seed->size, seg, &why);
	if (segments < 0)
		give_up(path, why);
	seed->seg = seg[segments - 1];
	snprintf(path, sizeof(path), "%s/%s.raw", dir, seed->name);
	seed->raw = read_file(path, &size);
	seed->raw_size = size;
	if (size != seed->seg.device_blocks << INC_BLOCK_SHIFT)
		give_up(path, "not of its image's size");
	count++;
}

u32 fuzz_seeds(const struct fuzz_seed **seeds)
{
	char dir[PATH_MAX] = "";
	struct dirent **names;
	ssize_t length;
	int i, n;

	*seeds = all;
	if (count)
		return count;
	length = readlink("/proc/self/exe", dir, sizeof(dir) - 1);
	while (length > 0 && dir[length - 1] != '/')
		length--;
	snprintf(dir + length, sizeof(dir) - (size_t)length, "images");
	n = scandir(dir, &names, is_image, alphasort);
	for (i = 0; i < n; i++) {
		if (count < SEEDS_MAX)
			load(dir, names[i]->d_name);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	if (!count)
		give_up(dir, "there are no images: run make fuzz-targets");
	return count;
}

const struct fuzz_seed *fuzz_image(const u8 *data, size_t size,
				   struct edit_image *image)
{
	static u8 *rooms[SEEDS_MAX];
	const struct fuzz_seed *seeds, *seed;
	u32 number = size ? data[0] % fuzz_seeds(&seeds) : 0;

	fuzz_seeds(&seeds);
	seed = &seeds[number];
	image->room = 4 * seed->size;
	if (!rooms[number])
		rooms[number] = malloc(image->room);
	image->bytes = rooms[number];
	MUST(image->bytes);
	MUST(!edit_load(image, seed->bytes, seed->size));
	if (size)
		edit_apply(image, data + 1, size - 1);
	return seed;
}
