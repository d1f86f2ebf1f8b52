// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Devices without the module; see userspace.h.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include <json-c/json.h>
#include "common/message.h"
#include "common/printable.h"
#include "dmsetup-plugin/child.h"
#include "dmsetup-plugin/dm.h"
#include "dmsetup-plugin/userspace.h"

#define SERVER		"incrementalblk"
/* Of a file of origins: an image's loader has one, too. */
#define KEY_PREFIX	"blk-"

/* What only the module can do. */
static int check_options(const struct options *options, struct incr_error *error)
{
	const char *wrong =
		options->require_signature ? "require-signature" :
		options->on_corruption != CORRUPTION_DEFAULT ? "on-corruption" :
		options->commit_interval != UNSET ? "commit-interval" :
		options->absent_readahead != READAHEAD_DEFAULT ? "absent-readahead" :
		options->wait_startup ? "wait-startup" : NULL;

	if (options->loader_apart)
		return incr_fail(error, -ERR_USAGE,
				 "incrementaltab(5) takes no userspace: a device that comes up at boot takes the module");
	if (wrong)
		return incr_fail(error, -ERR_USAGE,
				 "--%s takes the module: --userspace does without", wrong);
	if (options->origin_count > 1)
		return incr_fail(error, -ERR_USAGE,
				 "--userspace takes one origin, without mirrors");
	return 0;
}

/* Run the server's program; what it prints goes to @line, its end of line cut off. */
static int run(const char *const *args, char *line, size_t size,
	       const sigset_t *held, const sigset_t *old, struct incr_error *error)
{
	int pipes[2], err, status;
	char path[4096];
	pid_t child;
	ssize_t n;

	if (pipe2(pipes, O_CLOEXEC))
		return incr_fail(error, -errno, "cannot start " SERVER ": %s",
				 strerror(errno));
	child_find(SERVER, path, sizeof(path));
	/* libdevmapper's control file would be inherited. */
	dm_lib_release();
	err = child_start(&child, path, args, old, pipes[1]);
	close(pipes[1]);
	if (err) {
		close(pipes[0]);
		return incr_fail(error, err, "cannot start " SERVER ": %s",
				 strerror(-err));
	}
	err = child_wait(child, held, &status);
	/* The line fits into a pipe. */
	n = err ? 0 : read(pipes[0], line, size - 1);
	close(pipes[0]);
	line[n > 0 ? n : 0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (err)
		return incr_fail(error, err, err == -EINTR ? "interrupted" :
				 "cannot wait for " SERVER);
	err = child_errno(status);
	/* It has said why. */
	return err ? incr_fail(error, err, SERVER " has failed") : 0;
}

static int stop(const char *device, struct incr_error *error)
{
	const char *args[] = { SERVER, "--stop", device, NULL };
	sigset_t held, old;
	char line[64];
	int err;

	hold_signals(&held, &old);
	err = run(args, line, sizeof(line), &held, &old, error);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return err;
}

/* Start the server; @device is its block device then. */
static int start(const struct options *options, const struct image_file *file,
		 const struct image_facts *facts, const char *list,
		 const sigset_t *held, const sigset_t *old, char *device,
		 size_t size, struct incr_error *error)
{
	char generation[16], root[2 * INC_DIGEST_MAX + 1], timeout[32];
	const char *args[24];
	unsigned int n = 0;

	/* What has just been checked, and nothing else. */
	if (sscanf(facts->parameters, "%15s %*s %128s", generation, root) != 2)
		return incr_fail(error, -EINVAL, "the image's root hash is malformed");
	args[n++] = SERVER;
	args[n++] = "--daemon";
	args[n++] = "--generation";
	args[n++] = generation;
	args[n++] = "--root-hash";
	args[n++] = root;
	if (options->read_timeout != UNSET) {
		snprintf(timeout, sizeof(timeout), "%llu",
			 (unsigned long long)(options->read_timeout + 999) / 1000);
		args[n++] = "--read-timeout";
		args[n++] = timeout;
	}
	if (options->no_prefetch)
		args[n++] = "--no-prefetch";
	if (options->verbose)
		args[n++] = "--verbose";
	if (list) {
		args[n++] = "--origins";
		args[n++] = list;
	}
	args[n++] = "--";
	args[n++] = file->path;
	args[n] = NULL;
	return run(args, device, size, held, old, error);
}

/* @key, of the file of origins, is found again in the UUID; without one the name is there. */
static void format_uuid(const struct image_facts *facts, const char *last, char *text)
{
	char hex[33];

	incr_hex_format(facts->uuid, sizeof(facts->uuid), hex);
	snprintf(text, DM_UUID_MAX, UUID_SERVED "%s-%.80s", hex, last);
}

static const char *uuid_key(const char *uuid)
{
	const char *key = strchr(uuid + strlen(UUID_SERVED), '-');

	return key && !strncmp(key + 1, KEY_PREFIX, strlen(KEY_PREFIX)) ? key + 1 : NULL;
}

/* Leave the origin for the server, and for the next one; @key is the file's then. */
static int save_origin(const struct options *options, const struct image_file *file,
		       char *key, size_t size, struct incr_error *error)
{
	struct image_lock lock = IMAGE_UNLOCKED;
	int err;

	/* A server that has the image has it locked, and keeps its file. */
	err = image_lock(&lock, file->fd, file->path, error);
	if (!err) {
		snprintf(key, size, KEY_PREFIX "%s", lock.name);
		err = origins_save(options, key, error);
	}
	image_unlock(&lock);
	return err;
}

int userspace_open(const struct options *options, const struct image_file *file,
		   const struct image_facts *facts, const char *name,
		   struct incr_error *error)
{
	char list[ORIGINS_PATH_MAX], key[IMAGE_KEY_MAX + 4], device[64], uuid[DM_UUID_MAX];
	const bool has_origin = options->origin_count;
	struct incr_error why;
	sigset_t held, old;
	int err;

	err = check_options(options, error);
	if (!err && has_origin)
		err = save_origin(options, file, key, sizeof(key), error);
	if (err)
		return err;
	if (has_origin)
		origins_path(key, list);
	hold_signals(&held, &old);
	err = start(options, file, facts, has_origin ? list : NULL, &held, &old,
		    device, sizeof(device), error);
	if (!err) {
		format_uuid(facts, has_origin ? key : name, uuid);
		err = dm_create_served(name, uuid, facts->sectors, device, error);
		if (err && stop(device, &why))
			message_warning("%s", why.text);
	}
	if (err && has_origin)
		origins_forget(key);
	/* A signal that came meanwhile ends us here. */
	sigprocmask(SIG_SETMASK, &old, NULL);
	return err;
}

bool userspace_has(const char *name)
{
	struct incr_error ignored;
	struct dm_state state;

	if (dm_read_served(name, &state, &ignored))
		return false;
	dm_free_state(&state);
	return true;
}

/* The device of a linear table, "259:0 0". */
static void served_device(const struct dm_state *state, char *path, size_t size)
{
	char device[32];

	snprintf(device, sizeof(device), "%.*s", (int)strcspn(state->table, " "),
		 state->table);
	device_path(device, path, size);
}

int userspace_close(const char *name, struct incr_error *error)
{
	struct dm_state state;
	char device[64];
	const char *key;
	int err;

	err = dm_read_served(name, &state, error);
	if (err)
		return err;
	served_device(&state, device, sizeof(device));
	err = dm_remove(name, false, error);
	if (!err)
		err = stop(device, error);
	key = uuid_key(state.uuid);
	if (!err && key)
		origins_forget(key);
	dm_free_state(&state);
	return err;
}

int userspace_status(const char *name, bool json, struct incr_error *error)
{
	struct json_object *object;
	struct dm_state state;
	char device[64];
	int err;

	err = dm_read_served(name, &state, error);
	if (err)
		return err;
	served_device(&state, device, sizeof(device));
	if (json) {
		object = json_object_new_object();
		json_object_object_add(object, "name",
				       json_object_new_string(printable_json(name)));
		json_object_object_add(object, "uuid", json_object_new_string(state.uuid));
		json_object_object_add(object, "in_use",
				       json_object_new_boolean(state.info.open_count > 0));
		json_object_object_add(object, "userspace", json_object_new_boolean(true));
		json_object_object_add(object, "data_device",
				       json_object_new_string(device));
		json_object_object_add(object, "size",
				       json_object_new_uint64(state.sectors * 512));
		puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
						    JSON_C_TO_STRING_NOSLASHESCAPE));
		json_object_put(object);
	} else {
		printf("/dev/mapper/%s is active%s.\n", printable_name(name),
		       state.info.open_count > 0 ? " and is in use" : "");
		printf("  %-15s INCREMENTAL, in userspace\n", "type:");
		printf("  %-15s %s\n", "data device:", device);
		printf("  %-15s %llu sectors\n", "size:",
		       (unsigned long long)state.sectors);
		printf("  %-15s readonly\n", "mode:");
	}
	dm_free_state(&state);
	return 0;
}
