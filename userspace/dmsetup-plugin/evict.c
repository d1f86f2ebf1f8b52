// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * evict: give back the space of present chunks that are not needed.
 *
 * The needs of a generation are read off its map, which must be present. The
 * kernel takes each range away in one step (DM_INCREMENTAL_DISCARD_PUNCH), so
 * however evict ends, a chunk is either present or absent.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <json-c/json.h>
#include "common/message.h"
#include "common/parse.h"
#include "common/printable.h"
#include "common/status-line.h"
#include "dmsetup-plugin/dm.h"
#include "dmsetup-plugin/image-file.h"
#include "dmsetup-plugin/ranges.h"
#include "node/device.h"

/**
 * struct evict - one run
 * @name: of the device
 * @device: its image's node
 * @below: the backing device, "7:0"
 * @image: some generation of it, to open others by
 * @lock: no update or open of the image meanwhile
 * @open: by generation, whether a device has it open
 * @evicted: bytes
 */
struct evict {
	const char *name;
	struct device device;
	char below[128];
	struct image_lock lock;
	struct incr_image *image;
	bool open[INC_SEGMENTS_MAX];
	u64 evicted;
};

static int out_of_memory(int err, struct incr_error *error)
{
	return err ? incr_fail(error, err, "out of memory") : 0;
}

/* Add to @data where all segments have data, or metadata, too. */
static int add_segments(const struct evict *evict, bool metadata,
			struct ranges *data)
{
	u32 i;
	int err = 0;

	for (i = 0; !err && i < incr_image_segments(evict->image); i++) {
		const struct inc_segment *seg =
			incr_image_segment_at(evict->image, i);

		err = ranges_add(data, metadata ? seg->meta_offset :
				 seg->data_offset, seg->end);
	}
	return err;
}

/* ---- the image ---- */

/* An incr_io: reads present bytes from the node. */
static int read_present(void *context, u64 offset, size_t length, void *buffer,
			struct incr_error *error)
{
	struct evict *evict = context;
	int err = device_read(&evict->device, offset, length, buffer);

	return err ? incr_fail(error, err, "%s: cannot read at %llu: %s",
			       evict->device.path, (unsigned long long)offset,
			       strerror(-err)) : 0;
}

/* Add the ranges that generation @generation needs to @needed. */
static int add_needed(struct evict *evict, u32 generation,
		      struct ranges *needed, struct incr_error *error)
{
	struct incr_image *image = NULL;
	struct incr_range *list = NULL;
	size_t count = 0, i;
	int err;

	err = incr_image_open_other(&image, evict->image, generation, error);
	if (!err)
		err = incr_image_plan(image, 0,
				      incr_image_segment(image)->device_blocks,
				      &list, &count, error);
	if (err == -ENODATA)
		incr_fail(error, err,
			  "%s: what generation %u needs cannot be told: its map is not all present (--range and --all-cold do without)",
			  evict->name, generation);
	for (i = 0; !err && i < count; i++)
		err = out_of_memory(ranges_add(needed, list[i].offset,
					       list[i].offset + list[i].length),
				    error);
	free(list);
	incr_image_close(image);
	return err;
}

/* Note which generation device @dm, "dm-3", has open, if it is one of ours. */
static int note_open(struct evict *evict, const char *dm,
		     struct incr_error *error)
{
	char file[300], name[DM_UUID_MAX];
	struct dm_state state;
	struct table table;
	int err;

	snprintf(file, sizeof(file), "holders/%s/dm/name", dm);
	read_sys(evict->below, file, name, sizeof(name));
	if (!*name)	/* it has gone meanwhile */
		return 0;
	err = dm_read_state(name, &state, error);
	if (err)
		return err == -ENODEV || err == -ENOTBLK ? 0 : err;
	err = parse_table(state.table, &table, error);
	if (!err && table.generation < INC_SEGMENTS_MAX)
		evict->open[table.generation] = true;
	dm_free_state(&state);
	return err;
}

/* All that is on the backing device counts, by whomever it was made. */
static int find_open(struct evict *evict, struct incr_error *error)
{
	struct dirent *entry;
	char path[192];
	DIR *holders;
	int err = 0;

	snprintf(path, sizeof(path), "/sys/dev/block/%s/holders", evict->below);
	holders = opendir(path);
	if (!holders)
		return incr_fail(error, -errno, "cannot open %s: %s", path,
				 strerror(errno));
	while (!err && (entry = readdir(holders)))
		if (!strncmp(entry->d_name, "dm-", 3))
			err = note_open(evict, entry->d_name, error);
	closedir(holders);
	return err;
}

/* Find the device's parts, and the number of loaders that could bring data back. */
static int look(struct evict *evict, u64 *loaders, struct incr_error *error)
{
	struct dm_state state;
	struct status status;
	struct table table;
	int err;

	err = read_lines(evict->name, &state, &table, &status, error);
	if (err)
		return err;
	snprintf(evict->below, sizeof(evict->below), "%s", table.device);
	*loaders = status.value[STATUS_LOADERS];
	dm_free_state(&state);
	return 0;
}

/* From here on no device of another generation comes to the image. */
static int lock(struct evict *evict, struct incr_error *error)
{
	char path[160];
	int fd, err;

	device_path(evict->below, path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return incr_fail(error, -errno, "cannot open %s: %s", path,
				 strerror(errno));
	err = image_lock(&evict->lock, fd, path, error);
	close(fd);
	return err;
}

static int open_evict(struct evict *evict, bool force, struct incr_error *error)
{
	const struct incr_io io = { .read = read_present, .context = evict };
	char path[160], below[sizeof(evict->below)];
	u64 loaders;
	int err;

	err = look(evict, &loaders, error);
	if (err)
		return err;
	strcpy(below, evict->below);
	err = lock(evict, error);
	/* It may have been changed until it could be locked. */
	if (!err)
		err = look(evict, &loaders, error);
	if (!err && strcmp(below, evict->below))
		err = incr_fail(error, -EBUSY,
				"device %s has come to another image meanwhile: try again",
				evict->name);
	if (!err && !loaders && !force)
		err = incr_fail(error, -ENXIO,
				"%s has no loader to bring back evicted data, and the file may be the only copy (--force evicts all the same)",
				evict->name);
	snprintf(path, sizeof(path), "/dev/mapper/%s", evict->name);
	if (!err)
		err = device_open(&evict->device, path, error);
	if (!err)
		err = incr_image_open(&evict->image, &io, evict->device.size,
				      INCR_NEWEST, error);
	return err;
}

/* ---- the choice ---- */

/* The data of generation N, or of all, but for what open generations need. */
static int choose_unneeded(struct evict *evict, const struct options *options,
			   struct ranges *chosen, struct incr_error *error)
{
	struct ranges needed = { 0 }, wanted = { 0 }, data = { 0 };
	struct ranges inside = { 0 };
	u32 count = incr_image_segments(evict->image), i;
	bool one = options->generation != INCR_NEWEST;
	int err = find_open(evict, error);

	if (!err && one && options->generation >= count)
		err = incr_fail(error, -EINVAL,
				"%s: the image has no generation %u: its last one is %u",
				evict->name, options->generation, count - 1);
	if (!err && one && evict->open[options->generation])
		err = incr_fail(error, -EBUSY,
				"%s: a device has generation %u open",
				evict->name, options->generation);
	for (i = 0; !err && i < count; i++)
		if (evict->open[i])
			err = add_needed(evict, i, &needed, error);
	if (!err && one)
		err = add_needed(evict, options->generation, &wanted, error);
	else if (!err)
		err = out_of_memory(ranges_add(&wanted, 0, evict->device.size),
				    error);
	ranges_sort(&needed);
	ranges_sort(&wanted);
	if (!err) {
		err = add_segments(evict, false, &data);
		if (!err)
			err = ranges_intersect(&inside, &wanted, &data);
		if (!err)
			err = ranges_subtract(chosen, &inside, &needed);
		err = out_of_memory(err, error);
	}
	free(needed.list);
	free(wanted.list);
	free(data.list);
	free(inside.list);
	return err;
}

/* All whole chunks in the given range that are data, or metadata, too. */
static int choose_range(struct evict *evict, const struct incr_range *range,
			bool metadata, struct ranges *chosen,
			struct incr_error *error)
{
	struct ranges asked = { 0 }, data = { 0 };
	u64 chunk = evict->device.chunk, size = evict->device.size;
	u64 end = range->length > size || range->offset > size - range->length ?
		  size : range->offset + range->length;
	int err;

	err = ranges_add(&asked, (range->offset + chunk - 1) / chunk * chunk,
			 end / chunk * chunk);
	if (!err)
		err = add_segments(evict, metadata, &data);
	if (!err)
		err = ranges_intersect(chosen, &asked, &data);
	free(asked.list);
	free(data.list);
	return out_of_memory(err, error);
}

static int choose(struct evict *evict, const struct options *options,
		  struct ranges *chosen, struct incr_error *error)
{
	const struct incr_range all = { 0, evict->device.size };

	if (options->range.length)
		return choose_range(evict, &options->range, true, chosen,
				    error);
	if (options->all_cold)
		return choose_range(evict, &all, false, chosen, error);
	return choose_unneeded(evict, options, chosen, error);
}

/* ---- the deed ---- */

static u64 present_in(const struct evict *evict, const struct incr_range *range)
{
	u64 end = range->offset + range->length, at = range->offset, start, stop;
	u64 present = 0;

	while (device_next_present(&evict->device, at, end, &start, &stop) > 0) {
		present += stop - start;
		at = stop;
	}
	return present;
}

static int evict_range(struct evict *evict, const struct incr_range *range,
		       bool cold, struct incr_error *error)
{
	u64 before = present_in(evict, range), after;
	int err = before ? device_evict(&evict->device, range->offset,
					range->length, cold) : 0;

	switch (err) {
	case 0:
		after = present_in(evict, range);
		/* A loader may bring some of it back at once. */
		evict->evicted += before > after ? before - after : 0;
		return 0;
	case -EOPNOTSUPP:
		return incr_fail(error, err,
				 "%s: the device or file system below %s cannot give space back",
				 evict->name, evict->device.path);
	case -EINVAL:
	case -ENOTTY:
		return incr_fail(error, err,
				 "the kernel's module cannot evict: it is too old");
	default:
		return incr_fail(error, err, "%s: cannot evict at %llu: %s",
				 evict->device.path,
				 (unsigned long long)range->offset,
				 strerror(-err));
	}
}

static void report(const struct evict *evict, const struct options *options)
{
	char size[FORMAT_SIZE_MAX];
	struct json_object *object;

	if (!options->json) {
		printf("%s: %s evicted\n", printable_name(evict->name),
		       format_size(evict->evicted, size));
		return;
	}
	object = json_object_new_object();
	json_object_object_add(object, "name",
			       json_object_new_string(printable_json(evict->name)));
	json_object_object_add(object, "evicted_bytes",
			       json_object_new_uint64(evict->evicted));
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
					    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
}

int command_evict(const struct options *options, char **args,
		  struct incr_error *error)
{
	struct ranges chosen = { 0 };
	struct evict evict = {
		.device.fd = -1,
		.lock = IMAGE_UNLOCKED,
	};
	size_t i;
	int err;

	if ((options->generation != INCR_NEWEST) + !!options->range.length +
	    options->all_cold > 1)
		return incr_fail(error, -ERR_USAGE,
				 "--generation, --range and --all-cold exclude each other");
	err = device_name(args[0], &evict.name, error);
	if (!err)
		err = open_evict(&evict, options->force, error);
	if (!err)
		err = choose(&evict, options, &chosen, error);
	for (i = 0; !err && i < chosen.count; i++) {
		message_progress("evicting %zu of %zu", i + 1, chosen.count);
		err = evict_range(&evict, &chosen.list[i], options->all_cold,
				  error);
	}
	message_progress(NULL);
	if (!err)
		report(&evict, options);
	free(chosen.list);
	incr_image_close(evict.image);
	if (evict.device.fd >= 0)
		device_close(&evict.device);
	image_unlock(&evict.lock);
	return err;
}
