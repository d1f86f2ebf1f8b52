// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Describing what each generation of an image adds; see generations.h.
 */
#include <json-c/json.h>
#include <stdlib.h>
#include "common/message.h"
#include "common/printable.h"
#include "fs/filesystem.h"
#include "fs/generations.h"
#include "json.h"
#include "libincremental/hash.h"

/* The paths of a generation, sorted. */
struct path {
	char *name;
	u8 id[INC_SHA256_SIZE];
};

struct paths {
	struct path *list;
	size_t count;
	size_t room;
	u64 bytes;		/* that they may still have */
};

/* Directories inside each other make long paths of short names. */
#define PATHS_MAX	(256ull << 20)
#define PATHS_FACTOR	16u

static int add_path(void *context, const char *name, const u8 *id)
{
	struct paths *paths = context;
	size_t length = strlen(name) + 1;
	struct path *path;

	if (length > paths->bytes) {
		message_error("the paths of a generation are too long to be listed: they have over %llu bytes",
			      PATHS_MAX);
		return -EFBIG;
	}
	paths->bytes -= length;
	if (paths->count == paths->room) {
		size_t room = paths->room ? 2 * paths->room : 1024;
		void *more = realloc(paths->list, room * sizeof(*paths->list));

		if (more) {
			paths->list = more;
			paths->room = room;
		}
	}
	path = paths->count < paths->room ? &paths->list[paths->count] : NULL;
	if (path)
		path->name = strdup(*name ? name : "/");
	if (!path || !path->name) {
		message_error("out of memory for paths");
		return -ENOMEM;
	}
	memcpy(path->id, id, sizeof(path->id));
	paths->count++;
	return 0;
}

static void paths_free(struct paths *paths)
{
	size_t i;

	for (i = 0; i < paths->count; i++)
		free(paths->list[i].name);
	free(paths->list);
	memset(paths, 0, sizeof(*paths));
}

static int compare_paths(const void *left, const void *right)
{
	const struct path *a = left, *b = right;

	return strcmp(a->name, b->name);
}

static int paths_read(struct paths *paths, struct incr_image *image,
		      const char *name, const struct filesystem *known)
{
	const struct filesystem *fs;
	struct overlay *overlay;
	int ret = overlay_open(&overlay, image, name, "/tmp");

	paths->bytes = PATHS_MAX + PATHS_FACTOR * incr_image_size(image);
	if (ret)
		return ret;
	ret = filesystem_find(known, overlay,
			      "; --files does not know its files", &fs);
	if (!ret)
		ret = fs->files(overlay, add_path, paths);
	overlay_close(overlay);
	if (!ret && paths->count)
		qsort(paths->list, paths->count, sizeof(*paths->list),
		      compare_paths);
	return ret;
}

static void add_name(struct json_object *array, const char *name)
{
	json_object_array_add(array, json_object_new_string(printable_json(name)));
}

/* Add the paths that are in one only, and those that differ. Both are sorted. */
static void compare(struct json_object *object, const struct paths *old,
		    const struct paths *new)
{
	struct json_object *added = json_object_new_array();
	struct json_object *changed = json_object_new_array();
	struct json_object *removed = json_object_new_array();
	size_t i = 0, j = 0;

	while (i < old->count || j < new->count) {
		int order = i == old->count ? 1 : j == new->count ? -1 :
			    strcmp(old->list[i].name, new->list[j].name);

		if (order < 0)
			add_name(removed, old->list[i].name);
		else if (order > 0)
			add_name(added, new->list[j].name);
		else if (memcmp(old->list[i].id, new->list[j].id,
				INC_SHA256_SIZE))
			add_name(changed, new->list[j].name);
		i += order <= 0;
		j += order >= 0;
	}
	json_object_object_add(object, "added", added);
	json_object_object_add(object, "changed", changed);
	json_object_object_add(object, "removed", removed);
}

static void describe(struct json_object *object, const struct inc_segment *seg)
{
	char root[2 * INC_DIGEST_MAX + 1];

	incr_hex_format(seg->root_digest, seg->digest_size, root);
	json_number(object, "generation", seg->generation);
	json_number(object, "device_bytes",
		    seg->device_blocks << INC_BLOCK_SHIFT);
	json_number(object, "segment_bytes", seg->size);
	json_number(object, "head_bytes", seg->head_size);
	json_number(object, "metadata_bytes", seg->meta_size);
	json_number(object, "data_bytes", seg->data_size);
	json_text(object, "root_hash", root);
}

static int describe_files(struct json_object *object, struct incr_image *image,
			  const char *name, u32 generation,
			  const struct filesystem *known, struct paths *old)
{
	struct paths new = { 0 };
	struct incr_image *other;
	struct incr_error error;
	int ret = incr_image_open_other(&other, image, generation, &error);

	if (ret) {
		message_error("%s: %s", name, error.text);
		return ret;
	}
	ret = paths_read(&new, other, name, known);
	if (!ret && generation)
		compare(object, old, &new);
	paths_free(old);
	*old = new;
	incr_image_close(other);
	return ret;
}

int generations_describe(struct json_object *root, struct incr_image *image,
			 const char *name, const struct filesystem *known)
{
	u32 newest = incr_image_segment(image)->generation, i;
	struct json_object *array = json_object_new_array();
	struct paths paths = { 0 };
	int ret = 0;

	json_object_object_add(root, "generations", array);
	for (i = 0; !ret && i <= newest; i++) {
		struct json_object *object = json_object_new_object();

		json_object_array_add(array, object);
		describe(object, incr_image_segment_at(image, i));
		if (known)
			ret = describe_files(object, image, name, i, known,
					     &paths);
	}
	paths_free(&paths);
	return ret;
}
