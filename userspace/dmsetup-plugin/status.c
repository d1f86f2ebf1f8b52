// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * status.
 */
#include <stdio.h>
#include <json-c/json.h>
#include "common/parse.h"
#include "common/printable.h"
#include "common/status-line.h"
#include "dmsetup-plugin/counters.h"
#include "dmsetup-plugin/userspace.h"

static const struct {
	const char *key;	/* of JSON */
	const char *label;	/* NULL: not printed by itself */
} fields[STATUS_FIELDS] = {
	[STATUS_PRESENT]	= { "present_chunks", NULL },
	[STATUS_TOTAL]		= { "total_chunks", NULL },
	[STATUS_WAITING]	= { "waiting_reads", "waiting reads" },
	[STATUS_PENDING]	= { "pending_requests", "requests" },
	[STATUS_FILLS]		= { "filled_chunks", "filled chunks" },
	[STATUS_HASH_FAILURES]	= { "hash_failures", "hash failures" },
	[STATUS_HEALED]		= { "healed", "healed" },
	[STATUS_TIMED_OUT]	= { "timed_out", "timed out" },
	[STATUS_UNAVAILABLE]	= { "unavailable", "unavailable" },
	[STATUS_LOADERS]	= { "loaders", "loaders" },
};

static void add(struct json_object *object, const char *key,
		struct json_object *value)
{
	json_object_object_add(object, key, value);
}

static void add_text(struct json_object *object, const char *key,
		     const char *text)
{
	add(object, key, json_object_new_string(printable_json(text)));
}

static void add_number(struct json_object *object, const char *key, u64 value)
{
	add(object, key, json_object_new_uint64(value));
}

static void add_startup(struct json_object *object,
			const struct startup_counts *counts)
{
	struct json_object *startup = json_object_new_object();

	add_number(startup, "ranges", counts->ranges);
	add_number(startup, "ranges_done", counts->ranges_done);
	add_number(startup, "bytes", counts->bytes);
	add_number(startup, "bytes_done", counts->bytes_done);
	add(object, "startup", startup);
}

static void print_startup(const struct startup_counts *counts)
{
	char done[FORMAT_SIZE_MAX], all[FORMAT_SIZE_MAX];

	printf("  %-15s %llu of %llu ranges, %s of %s\n", "start-up list:",
	       (unsigned long long)counts->ranges_done,
	       (unsigned long long)counts->ranges,
	       format_size(counts->bytes_done, done),
	       format_size(counts->bytes, all));
}

static void print_json(const char *name, const struct dm_state *state,
		       const struct table *table, const struct status *status,
		       const char *device, const char *file,
		       const struct startup_counts *startup)
{
	struct json_object *object = json_object_new_object();
	enum status_field field;

	add_text(object, "name", name);
	add_text(object, "uuid", state->uuid);
	add(object, "in_use", json_object_new_boolean(state->info.open_count > 0));
	add(object, "suspended", json_object_new_boolean(state->info.suspended));
	add(object, "complete", json_object_new_boolean(status_is_complete(status)));
	add_text(object, "state", status->state);
	add_number(object, "generation", table->generation);
	add_text(object, "hash", table->hash);
	add_text(object, "root_hash", table->root);
	add_text(object, "salt", strcmp(table->salt, "-") ? table->salt : "");
	add_text(object, "trust", status->trust);
	add_text(object, "data_device", device);
	add_text(object, "backing_file", file);
	add_number(object, "size", state->sectors * 512);
	for (field = 0; field < STATUS_FIELDS; field++)
		add_number(object, fields[field].key, status->value[field]);
	add_text(object, "options", table->options);
	if (startup)
		add_startup(object, startup);
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
					    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
}

static void print_text(const char *name, const struct dm_state *state,
		       const struct table *table, const struct status *status,
		       const char *device, const char *file,
		       const struct startup_counts *startup)
{
	u64 present = status->value[STATUS_PRESENT], total = status->value[STATUS_TOTAL];
	enum status_field field;

	printf("/dev/mapper/%s is %s%s.\n", printable_name(name),
	       state->info.suspended ? "suspended" : "active",
	       state->info.open_count > 0 ? " and is in use" : "");
	printf("  %-15s INCREMENTAL\n", "type:");
	printf("  %-15s %s\n", "state:", status->state);
	printf("  %-15s %llu of %llu chunks, %.1f %%\n", "present:",
	       (unsigned long long)present, (unsigned long long)total,
	       100.0 * (double)present / (double)total);
	printf("  %-15s %llu\n", "generation:",
	       (unsigned long long)table->generation);
	printf("  %-15s %s\n", "hash name:", table->hash);
	printf("  %-15s %s\n", "root hash:", table->root);
	printf("  %-15s %s\n", "salt:", table->salt);
	printf("  %-15s %s\n", "trust:", strcmp(status->trust, "table") ?
	       status->trust : "root hash in the table");
	printf("  %-15s %s\n", "data device:", printable_name(device));
	if (*file)
		printf("  %-15s %s\n", "backing file:",
		       printable_name(file));
	printf("  %-15s %llu sectors\n", "size:",
	       (unsigned long long)state->sectors);
	printf("  %-15s readonly\n", "mode:");
	for (field = 0; field < STATUS_FIELDS; field++)
		if (fields[field].label)
			printf("  %s:%*s %llu\n", fields[field].label,
			       (int)(14 - strlen(fields[field].label)), "",
			       (unsigned long long)status->value[field]);
	if (startup)
		print_startup(startup);
	if (*table->options)
		printf("  %-15s %s\n", "options:", table->options);
}

int command_status(const struct options *options, char **args,
		   struct incr_error *error)
{
	char device[160], file[512], key[IMAGE_KEY_MAX];
	const struct startup_counts *startup;
	struct startup_counts counts;
	struct status status;
	struct dm_state state;
	struct table table;
	const char *name;
	int err;

	err = device_name(args[0], &name, error);
	if (!err && userspace_has(name))
		return userspace_status(name, options->json, error);
	if (!err)
		err = read_lines(name, &state, &table, &status, error);
	if (err == -ENODEV)
		return incr_fail(error, err, "/dev/mapper/%s is inactive", name);
	if (err)
		return err;
	device_path(table.device, device, sizeof(device));
	read_sys(table.device, "loop/backing_file", file, sizeof(file));
	counters_key(&table, key);
	startup = *key && counters_startup(key, &counts) ? &counts : NULL;
	if (options->json)
		print_json(name, &state, &table, &status, device, file,
			   startup);
	else
		print_text(name, &state, &table, &status, device, file,
			   startup);
	dm_free_state(&state);
	return 0;
}
