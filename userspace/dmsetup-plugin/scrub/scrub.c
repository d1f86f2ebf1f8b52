// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * scrub: check all present bytes of an image, and have loaders heal the damage.
 *
 * Metadata goes first. Damaged metadata is healed, or else not used to check
 * anything with: so data are not blamed for it.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <json-c/json.h>
#include "common/message.h"
#include "common/parse.h"
#include "common/printable.h"
#include "common/status-line.h"
#include "dmsetup-plugin/dm.h"
#include "dmsetup-plugin/image-file.h"
#include "dmsetup-plugin/scrub/blocks.h"
#include "dmsetup-plugin/scrub/scan.h"
#include "dmsetup-plugin/scrub/scrub.h"

#define TIMEOUT_DEFAULT	60u	/* seconds that healing may take */
#define BATCH		256u	/* damaged ranges healed at a time */
#define PAUSE		50000000	/* ns between looks whether they are there */
#define ROUNDS		16	/* over the metadata: more than it has levels */

static void on_signal(int number)
{
	scrub_signal = number;
}

static void catch_signals(void)
{
	static const int numbers[] = { SIGHUP, SIGINT, SIGTERM };
	struct sigaction action = { .sa_handler = on_signal }, old;
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (!sigaction(numbers[i], NULL, &old) &&
		    old.sa_handler != SIG_IGN)
			sigaction(numbers[i], &action, NULL);
}

/* Past the page cache where that is possible. */
static int reopen(struct scrub *scrub, int fd)
{
	scrub->fd = file_reopen(fd, O_RDONLY | O_DIRECT);
	scrub->direct = scrub->fd >= 0;
	if (scrub->fd < 0)
		scrub->fd = file_reopen(fd, O_RDONLY);
	return scrub->fd < 0 ? scrub->fd : 0;
}

/* The file below a loop device if it can be had, else the device. */
static int open_disk(struct scrub *scrub, const struct table *table,
		     struct incr_error *error)
{
	struct image_file file = { .fd = -1 };
	char device[160], path[4096];
	struct incr_error why;
	int loop, err = -ENOENT;
	bool ignored;

	device_path(table->device, device, sizeof(device));
	read_sys(table->device, "loop/backing_file", path, sizeof(path));
	loop = open(device, O_RDONLY | O_CLOEXEC);
	if (loop < 0)
		return incr_fail(error, -errno, "cannot open %s: %s", device,
				 strerror(errno));
	if (*path && !loop_file_open(&file, loop, device, path, &why) &&
	    loop_shows(loop, &file.st, &ignored))
		err = reopen(scrub, file.fd);
	message_debug("reading %s", err ? device : path);
	if (err)
		err = reopen(scrub, loop);
	if (err)
		incr_fail(error, err, "cannot open %s: %s", device,
			  strerror(-err));
	image_file_close(&file);
	close(loop);
	return err;
}

static int open_image(struct scrub *scrub, const struct table *table,
		      struct incr_error *error)
{
	const struct incr_io io = { .read = scrub_read, .context = scrub };
	int root_size, salt_size = 0, err;
	u8 root[INC_DIGEST_MAX], salt[INC_SALT_MAX];

	root_size = incr_hex_parse(table->root, root, sizeof(root));
	if (strcmp(table->salt, "-"))
		salt_size = incr_hex_parse(table->salt, salt, sizeof(salt));
	if (root_size <= 0 || salt_size < 0)
		return incr_fail(error, -EPROTO,
				 "the kernel's table line is not understood");
	err = incr_image_open(&scrub->image, &io, scrub->device.size,
			      (u32)table->generation, error);
	if (!err)
		err = incr_image_trust(scrub->image, root, (size_t)root_size,
				       salt, (size_t)salt_size, error);
	return err;
}

static int open_scrub(struct scrub *scrub, struct incr_error *error)
{
	char path[160];
	struct dm_state state;
	struct dm_incremental_info info;
	struct status status;
	struct table table;
	int err;

	err = read_lines(scrub->name, &state, &table, &status, error);
	if (err)
		return err;
	scrub->loaders = status.value[STATUS_LOADERS];
	snprintf(path, sizeof(path), "/dev/mapper/%s", scrub->name);
	err = device_open(&scrub->device, path, error);
	/* The disk is checked, so all fills must have reached it. */
	if (!err) {
		err = device_commit(&scrub->device);
		/* A read-only one has nothing to commit. */
		if (err == -EROFS)
			err = 0;
		if (!err)
			err = device_info(&scrub->device, &info);
		if (err)
			incr_fail(error, err, "%s: %s", scrub->device.path,
				  strerror(-err));
		scrub->present = info.present;
	}
	if (!err)
		err = open_disk(scrub, &table, error);
	if (!err)
		err = open_image(scrub, &table, error);
	dm_free_state(&state);
	return err;
}

static void close_scrub(struct scrub *scrub)
{
	size_t i;

	for (i = 0; i < scrub->damages.count; i++)
		free(scrub->damages.list[i].blocks);
	free(scrub->damages.list);
	incr_image_close(scrub->image);
	if (scrub->fd >= 0)
		close(scrub->fd);
	device_close(&scrub->device);
	pthread_mutex_destroy(&scrub->lock);
}

/* How all chunks of a damage are now: the first that is not good counts. */
static enum verdict look_again(struct scrub *scrub, const struct damage *damage,
			       u8 *buffer)
{
	enum verdict verdict = VERDICT_GOOD;
	u64 at;

	for (at = damage->offset; verdict == VERDICT_GOOD &&
	     at < damage->offset + damage->length; at += scrub->device.chunk)
		verdict = scrub_chunk(scrub, at, buffer);
	return verdict;
}

/*
 * A page may have been found wrong just because the page above it is. Now that
 * all damage is known, leave such pages out.
 */
static void settle(struct scrub *scrub, u8 *buffer)
{
	struct damages *damages = &scrub->damages;
	size_t i, kept = 0;

	scrub->refuse = true;
	for (i = 0; i < damages->count; i++) {
		struct damage *damage = &damages->list[i];

		/* Of the part kept for now: it is still not used to check others. */
		if (damage->state == DAMAGE_LEFT &&
		    damage->area != INCR_AREA_DATA &&
		    look_again(scrub, damage, buffer) == VERDICT_UNKNOWN) {
			atomic_fetch_sub(&scrub->checked[0], damage->length);
			atomic_fetch_add(&scrub->unchecked[0], damage->length);
			damage->length = 0;
		}
	}
	for (i = 0; i < damages->count; i++)
		if (damages->list[i].length)
			damages->list[kept++] = damages->list[i];
	damages->count = damages->sorted = kept;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Wait until a range has come anew. Return: false if it is too late. */
static bool wait_anew(const struct scrub *scrub, const struct damage *damage,
			 double until)
{
	static const struct timespec pause = { .tv_nsec = PAUSE };
	u64 start, end;

	while (device_next_missing(&scrub->device, damage->offset,
				   damage->offset + damage->length, &start,
				   &end)) {
		if (scrub_signal || now() >= until)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

static int doubt(struct scrub *scrub, const struct damage *damage)
{
	int err = device_doubt(&scrub->device, damage->offset, damage->length);

	if (err == -ENOTTY)
		incr_fail(&scrub->error, err,
			  "the kernel's module cannot be told of damage: it is too old");
	else if (err)
		incr_fail(&scrub->error, err,
			  "%s: cannot tell the kernel of damage: %s",
			  scrub->device.path, strerror(-err));
	return err;
}

/*
 * Heal damage that was not tried yet. Not too much at a time: loaders are asked
 * by hints, of which there is a limit. Return: 0 or -errno.
 */
static int heal(struct scrub *scrub, unsigned int seconds, u8 *buffer,
		bool *healed)
{
	struct damages *damages = &scrub->damages;
	size_t i, first, next = 0;
	double until;
	int err = 0;

	*healed = false;
	for (first = 0; first < damages->count && !scrub_signal; first = next) {
		next = first + BATCH < damages->count ? first + BATCH :
		       damages->count;
		for (i = first; !err && i < next; i++)
			if (damages->list[i].state == DAMAGE_LEFT)
				err = doubt(scrub, &damages->list[i]);
		if (err)
			return err;
		until = now() + seconds;
		for (i = first; i < next; i++) {
			struct damage *damage = &damages->list[i];

			if (damage->state != DAMAGE_LEFT)
				continue;
			message_progress("healing %zu of %zu", i + 1,
					 damages->count);
			damage->state = DAMAGE_SUSPECT;
			if (!wait_anew(scrub, damage, until))
				continue;
			damage->state = DAMAGE_HEALED;
			if (look_again(scrub, damage, buffer) != VERDICT_GOOD)
				damage->state = DAMAGE_LEFT;
			*healed |= damage->state == DAMAGE_HEALED;
		}
	}
	return 0;
}

/* Check metadata, then data. Return: 0 or -errno, with scrub->error. */
static int run(struct scrub *scrub, const struct options *options, u8 *buffer)
{
	unsigned int seconds = options->timeout == UNSET ? TIMEOUT_DEFAULT :
			       (unsigned int)options->timeout;
	bool heals = !options->no_heal, healed = true;
	unsigned int round;
	int err = 0;

	if (heals && !scrub->loaders) {
		message_warning("no loader is attached: nothing can be healed");
		heals = false;
	}
	/* There may be more below a healed page. */
	for (round = 0; healed && round < ROUNDS && !scrub_signal; round++) {
		err = scrub_scan(scrub, false);
		if (err)
			return err;
		settle(scrub, buffer);
		healed = false;
		if (heals)
			err = heal(scrub, seconds, buffer, &healed);
		if (err)
			return err;
	}
	if (!scrub_signal)
		err = scrub_scan(scrub, true);
	/* While they cannot be read. */
	if (!err && !scrub_signal)
		err = scrub_blocks(scrub, &scrub->error);
	if (!err && heals && !scrub_signal)
		err = heal(scrub, seconds, buffer, &healed);
	return err;
}

static const char *area_name(enum incr_area area)
{
	static const char *const names[] = {
		[INCR_AREA_HEAD] = "head", [INCR_AREA_BITMAP] = "bitmap",
		[INCR_AREA_GUARD] = "guard",
		[INCR_AREA_DICTIONARY] = "dictionary",
		[INCR_AREA_OWNERS] = "owners", [INCR_AREA_MAP] = "map",
		[INCR_AREA_TREE] = "tree",
		[INCR_AREA_META_PADDING] = "padding", [INCR_AREA_DATA] = "data",
	};

	return area < sizeof(names) / sizeof(names[0]) ? names[area] : "other";
}

static const char *const state_names[] = {
	[DAMAGE_LEFT] = "damaged", [DAMAGE_SUSPECT] = "suspect",
	[DAMAGE_HEALED] = "healed",
};

static u64 bytes_in(const struct scrub *scrub, enum damage_state state)
{
	u64 bytes = 0;
	size_t i;

	for (i = 0; i < scrub->damages.count; i++)
		if (scrub->damages.list[i].state == state)
			bytes += scrub->damages.list[i].length;
	return bytes;
}

static u64 sum(_Atomic u64 counters[2])
{
	return atomic_load(&counters[0]) + atomic_load(&counters[1]);
}

static void print_json(struct scrub *scrub)
{
	struct json_object *object = json_object_new_object();
	struct json_object *list = json_object_new_array();
	enum damage_state state;
	unsigned int j;
	char key[32];
	size_t i;

	json_object_object_add(object, "name",
			       json_object_new_string(printable_json(scrub->name)));
	json_object_object_add(object, "checked_bytes",
			       json_object_new_uint64(sum(scrub->checked)));
	json_object_object_add(object, "unchecked_bytes",
			       json_object_new_uint64(sum(scrub->unchecked)));
	for (state = DAMAGE_LEFT; state <= DAMAGE_HEALED; state++) {
		snprintf(key, sizeof(key), "%s_bytes", state_names[state]);
		json_object_object_add(object, key,
				       json_object_new_uint64(bytes_in(scrub,
								       state)));
	}
	for (i = 0; i < scrub->damages.count; i++) {
		const struct damage *damage = &scrub->damages.list[i];
		struct json_object *item = json_object_new_object();
		struct json_object *blocks = json_object_new_array();

		json_object_object_add(item, "offset",
				       json_object_new_uint64(damage->offset));
		json_object_object_add(item, "length",
				       json_object_new_uint64(damage->length));
		json_object_object_add(item, "kind",
				       json_object_new_string(area_name(damage->area)));
		json_object_object_add(item, "state",
				       json_object_new_string(state_names[damage->state]));
		for (j = 0; j < damage->count; j++) {
			struct json_object *pair = json_object_new_array();

			json_object_array_add(pair,
				json_object_new_uint64(damage->blocks[j].first));
			json_object_array_add(pair,
				json_object_new_uint64(damage->blocks[j].last));
			json_object_array_add(blocks, pair);
		}
		json_object_object_add(item, "blocks", blocks);
		json_object_object_add(item, "more_blocks",
				       json_object_new_boolean(damage->more));
		json_object_array_add(list, item);
	}
	json_object_object_add(object, "damage", list);
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
					    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
}

static void print_damage(const struct damage *damage)
{
	unsigned int i;

	printf("  offset %llu, %llu bytes of %s",
	       (unsigned long long)damage->offset,
	       (unsigned long long)damage->length, area_name(damage->area));
	for (i = 0; i < damage->count; i++) {
		const struct blocks *blocks = &damage->blocks[i];

		printf("%s%llu", i ? ", " : ", blocks ",
		       (unsigned long long)blocks->first);
		if (blocks->last > blocks->first)
			printf("-%llu", (unsigned long long)blocks->last);
	}
	printf("%s: %s\n", damage->more ? ", ..." : "",
	       state_names[damage->state]);
}

static void print_text(struct scrub *scrub)
{
	char text[FORMAT_SIZE_MAX];
	u64 unchecked = sum(scrub->unchecked);
	size_t i;

	printf("%s: %s checked, %zu damaged range%s\n",
	       printable_name(scrub->name),
	       format_size(sum(scrub->checked), text), scrub->damages.count,
	       scrub->damages.count == 1 ? "" : "s");
	for (i = 0; i < scrub->damages.count; i++)
		print_damage(&scrub->damages.list[i]);
	if (unchecked)
		printf("  %s cannot be checked, since metadata for it is absent or damaged\n",
		       format_size(unchecked, text));
}

static int conclude(struct scrub *scrub, const struct options *options,
		    struct incr_error *error)
{
	u64 left = bytes_in(scrub, DAMAGE_LEFT);
	u64 suspect = bytes_in(scrub, DAMAGE_SUSPECT);

	if (options->json)
		print_json(scrub);
	else
		print_text(scrub);
	if (left)
		return incr_fail(error, -EBADMSG, "%s: %llu bytes are damaged",
				 scrub->name, (unsigned long long)left);
	if (suspect)
		return incr_fail(error, -ETIMEDOUT,
				 "%s: %llu bytes that were damaged have not come anew",
				 scrub->name, (unsigned long long)suspect);
	return 0;
}

int command_scrub(const struct options *options, char **args,
		  struct incr_error *error)
{
	struct scrub scrub = {
		.fd = -1,
		.device.fd = -1,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	u8 *buffer;
	int err;

	err = device_name(args[0], &scrub.name, error);
	if (!err)
		err = open_scrub(&scrub, error);
	buffer = err ? NULL : aligned_alloc(SCRUB_ALIGN, scrub.device.chunk);
	if (!err && !buffer)
		err = incr_fail(error, -ENOMEM, "out of memory");
	if (!err) {
		catch_signals();
		err = run(&scrub, options, buffer);
		if (err)
			*error = scrub.error;
	}
	message_progress(NULL);
	if (!err && !scrub_signal)
		err = conclude(&scrub, options, error);
	free(buffer);
	close_scrub(&scrub);
	if (scrub_signal) {
		signal(scrub_signal, SIG_DFL);
		raise(scrub_signal);
	}
	return err;
}
