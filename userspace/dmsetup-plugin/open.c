// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * open, close and table.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/message.h"
#include "common/status-line.h"
#include "dmsetup-plugin/child.h"
#include "dmsetup-plugin/counters.h"
#include "dmsetup-plugin/userspace.h"
#include "libincremental/startup.h"

static void format_uuid(const struct image_facts *facts,
			const struct options *options, const char *name,
			char *text)
{
	char hex[33];

	incr_hex_format(facts->uuid, sizeof(facts->uuid), hex);
	snprintf(text, DM_UUID_MAX, UUID_PREFIX "%s%s-%s",
		 is_vouched_for(options) ? "" : UUID_UNVOUCHED, hex, name);
}

void loader_forget(const char *device, const char *key)
{
	char node[160];

	node_path(device, node, sizeof(node));
	if (!access(node, F_OK))
		return;
	origins_forget(key);
	counters_forget(key);
}

/*
 * With the block device at hand: make the device, start its loader. The image
 * stays locked until the device is there, so that evict finds it or waits.
 */
static int open_device(const struct options *options,
		       const struct backing *backing, struct image_lock *lock,
		       const struct image_facts *facts, const char *name,
		       struct incr_error *error)
{
	char uuid[DM_UUID_MAX], key[IMAGE_KEY_MAX], *parameters;
	sigset_t held, old;
	struct incr_error why;
	int err;

	if (options->origin_count && backing->read_only)
		return incr_fail(error, -EROFS,
				 "the image cannot be written, so nothing can be loaded into it");
	if (asprintf(&parameters, "1 %s %s", backing->path,
		     facts->parameters) < 0)
		return incr_fail(error, -ENOMEM, "out of memory");
	format_uuid(facts, options, name, uuid);
	hold_signals(&held, &old);
	err = dm_create(name, uuid, facts->sectors, parameters, error);
	if (!err)
		message_debug("/dev/mapper/%s: 0 %llu " TARGET " %s", name,
			      (unsigned long long)facts->sectors, parameters);
	free(parameters);
	strcpy(key, lock->name);
	image_unlock(lock);
	if (!err && options->origin_count) {
		err = options->loader_apart ?
		      loader_leave(options, backing, key, name, error) :
		      loader_start(options, backing, key, &held, &old, error);
		if (err && dm_remove(name, false, &why))
			message_warning("%s", why.text);
		if (err)
			loader_forget(backing->path, key);
	}
	/* A signal that came meanwhile ends us here. */
	sigprocmask(SIG_SETMASK, &old, NULL);
	return err;
}

/*
 * The start-up list for the loader, allocated: that which was named, or is beside
 * the image. NULL: none.
 */
static char *find_startup(const struct options *options, const char *image)
{
	char *path = NULL;

	if (options->startup || options->no_startup)
		return options->startup ? strdup(options->startup) : NULL;
	if (asprintf(&path, "%s" INCR_STARTUP_SUFFIX, image) < 0)
		return NULL;
	if (!access(path, R_OK))
		return path;
	free(path);
	return NULL;
}

/* Without a loader every read of absent data hangs, mount's for one. */
static void warn_incomplete(const char *name)
{
	struct status status;
	struct dm_state state;
	struct incr_error why;

	if (dm_read_state(name, &state, &why))
		return;
	if (!read_status_line(state.status, &status, &why) &&
	    !status_is_complete(&status) && !status.value[STATUS_LOADERS])
		message_warning("%s has %llu of the image's %llu chunks and no loader: reads of the rest will wait for one (open with --origin, or start incrementald)",
				name,
				(unsigned long long)status.value[STATUS_PRESENT],
				(unsigned long long)status.value[STATUS_TOTAL]);
	dm_free_state(&state);
}

int command_open(const struct options *given, char **args,
		 struct incr_error *error)
{
	struct options with = *given;
	const struct options *options = &with;
	struct image_facts facts = { .parameters = NULL };
	struct image_lock lock = IMAGE_UNLOCKED;
	struct image_file file = { .fd = -1 };
	struct backing backing;
	const char *name;
	int err;

	with.startup = find_startup(given, args[0]);
	err = device_name(args[1], &name, error);
	if (!err)
		err = image_file_open(&file, args[0], error);
	if (!err)
		err = image_facts(&file, options, &facts, error);
	if (!err && !options->userspace)
		err = dm_need_target(error);
	if (!err && dm_exists(name))
		err = incr_fail(error, -EEXIST, "device %s exists already",
				name);
	if (options->userspace) {
		if (!err)
			err = userspace_open(options, &file, &facts, name, error);
		image_file_close(&file);
		free(facts.parameters);
		free(with.startup);
		return err;
	}
	/* A process that sets up the same image meanwhile must find our loop device. */
	if (!err)
		err = image_lock(&lock, file.fd, args[0], error);
	if (!err)
		err = backing_open(&backing, &file, error);
	if (!err) {
		err = open_device(options, &backing, &lock, &facts, name,
				  error);
		/* From here on the loop device lives as long as the device. */
		backing_close(&backing);
	}
	image_unlock(&lock);
	image_file_close(&file);
	if (!err && !options->origin_count && !options->quiet)
		warn_incomplete(name);
	free(facts.parameters);
	free(with.startup);
	return err;
}

int command_close(const struct options *options, char **args,
		  struct incr_error *error)
{
	char key[IMAGE_KEY_MAX] = "";
	struct incr_error ignored;
	struct dm_state state;
	struct table table;
	const char *name;
	int err;

	err = device_name(args[0], &name, error);
	if (!err && !options->deferred && !options->cancel_deferred &&
	    userspace_has(name))
		return userspace_close(name, error);
	if (!err)
		err = dm_read_state(name, &state, error);
	if (err)
		return err;
	if (!parse_table(state.table, &table, &ignored))
		counters_key(&table, key);
	dm_free_state(&state);
	if (options->cancel_deferred)
		return dm_cancel_deferred(name, error);
	err = dm_remove(name, options->deferred, error);
	if (!err)
		loader_apart_forget(name);
	if (!err && *key)
		loader_forget(table.device, key);
	return err;
}

int command_table(const struct options *options, char **args,
		  struct incr_error *error)
{
	struct image_facts facts = { .parameters = NULL };
	struct image_file file = { .fd = -1 };
	struct stat st;
	int err;

	if (!*args[1] || strpbrk(args[1], " \t\n\\"))
		return incr_fail(error, -ERR_USAGE,
				 "\"%s\" cannot stand in a table", args[1]);
	/* A device that comes only later is not looked at. */
	if (!stat(args[1], &st) && !S_ISBLK(st.st_mode))
		return incr_fail(error, -ENOTBLK,
				 "%s is not a block device (see losetup(8) for a file)",
				 args[1]);
	err = image_file_open(&file, args[0], error);
	if (!err)
		err = image_facts(&file, options, &facts, error);
	image_file_close(&file);
	if (err)
		return err;
	printf("0 %llu " TARGET " 1 %s %s\n",
	       (unsigned long long)facts.sectors, args[1], facts.parameters);
	free(facts.parameters);
	return 0;
}
