// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Saying what update and rollback have done; see report.h.
 */
#include <stdio.h>
#include <json-c/json.h>
#include "common/parse.h"
#include "common/printable.h"
#include "dmsetup-plugin/update/report.h"

/* Calls @each with every mount of the device that NAME is now. */
static void each_mount(const struct change *change,
		       void (*each)(const char *point, void *context),
		       void *context)
{
	const struct dm_info *info =
		&present_member(&change->family)->device.info;
	struct incr_error ignored;
	struct mounts mounts;
	size_t i;

	if (!mounts_read(&mounts, &ignored))
		for (i = 0; i < mounts.count; i++)
			if (mount_is_of(&mounts.list[i], info->major,
					info->minor))
				each(mounts.list[i].point, context);
	mounts_free(&mounts);
}

static void add_mount(const char *point, void *array)
{
	json_object_array_add(array, json_object_new_string(printable_json(point)));
}

static void print_mount(const char *point, void *what)
{
	printf("  %-12s %s\n", (const char *)what,
	       printable_name(point));
}

static void print_json(const struct change *change, u64 generation,
		       const char *root)
{
	struct json_object *object = json_object_new_object();
	struct json_object *mounts = json_object_new_array();
	struct json_object *old = json_object_new_array();
	size_t i;

	json_object_object_add(object, "name",
			       json_object_new_string(printable_json(change->family.name)));
	json_object_object_add(object, "generation",
			       json_object_new_uint64(generation));
	json_object_object_add(object, "previous_generation",
			       json_object_new_uint64(change->from));
	json_object_object_add(object, "changed",
			       json_object_new_boolean(change->finished ||
						       generation != change->from));
	json_object_object_add(object, "dry_run",
			       json_object_new_boolean(change->options->dry_run));
	json_object_object_add(object, "root_hash",
			       json_object_new_string(root));
	json_object_object_add(object, "appended_bytes",
			       json_object_new_uint64(change->appended));
	json_object_object_add(object, "fetched_bytes",
			       json_object_new_uint64(change->newer.fetched));
	each_mount(change, add_mount, mounts);
	json_object_object_add(object, "mounts", mounts);
	for (i = 0; i < change->family.old_count; i++)
		json_object_array_add(old, json_object_new_string(
			printable_json(change->family.old[i]->device.name)));
	json_object_object_add(object, "in_use_until_closed", old);
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
					    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
}

/* Print the change, done or not: @generation and @root are NAME's after it. */
static void report(const struct change *change, u64 generation,
		   const char *root)
{
	bool dry = change->options->dry_run;
	char what[] = "mounted on:";
	char size[FORMAT_SIZE_MAX];
	size_t i;

	if (change->options->json) {
		print_json(change, generation, root);
		return;
	}
	if (generation == change->from && !change->finished) {
		printf("%s: nothing newer than generation %llu\n",
		       printable_name(change->family.name),
		       (unsigned long long)generation);
		return;
	}
	printf("%s %s generation %llu (was %llu)\n",
	       printable_name(change->family.name),
	       dry ? "would come to" : "is at",
	       (unsigned long long)generation,
	       (unsigned long long)change->from);
	printf("  %-12s %s\n", "root hash:", root);
	if (change->appended)
		printf("  %-12s %s, %s\n", dry ? "would grow:" : "grown:",
		       printable_name(change->path),
		       format_size(change->appended, size));
	each_mount(change, print_mount, what);
	for (i = 0; i < change->family.old_count; i++)
		printf("  %-12s %s, until it is closed\n", "still used:",
		       printable_name(change->family.old[i]->device.name));
}

void update_report(const struct change *change)
{
	const struct table *table = &present_member(&change->family)->table;

	report(change, table->generation, table->root);
}

void update_report_dry(struct change *change)
{
	const struct inc_segment *segment =
		incr_image_segment(change->newer.image);
	char root[2 * INC_DIGEST_MAX + 1];

	change->appended = incr_image_size(change->newer.image) -
			   incr_image_size(change->newer.local);
	incr_hex_format(segment->root_digest, segment->digest_size, root);
	report(change, segment->generation, root);
}
