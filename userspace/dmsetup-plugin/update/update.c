// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * update and rollback: a device in use comes to another generation of its image.
 * family.h has the steps from device to device; before them the heads of new
 * generations are appended to the local image, and its loop device grows.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include "common/message.h"
#include "dmsetup-plugin/child.h"
#include "dmsetup-plugin/update/report.h"
#include "dmsetup-plugin/userspace.h"
#include "dmsetup-plugin/update/update.h"

/* The file below the loop device. */
static int open_file(struct change *change, struct incr_error *error)
{
	bool ignored;
	int err;

	change->loop_fd = open(change->loop, O_RDONLY | O_CLOEXEC);
	if (change->loop_fd < 0)
		return incr_fail(error, -errno, "cannot open %s: %s",
				 change->loop, strerror(errno));
	err = loop_file_open(&change->file, change->loop_fd, change->loop,
			     change->path, error);
	if (!err && !loop_shows(change->loop_fd, &change->file.st, &ignored))
		err = incr_fail(error, -EINVAL,
				"%s shows only a part of %s, which cannot grow",
				change->loop, change->path);
	return err;
}

/* Where the image is; open from here on to the end. */
static int find_image(struct change *change, struct incr_error *error)
{
	const char *device = present_member(&change->family)->table.device;
	char path[160];

	device_path(device, path, sizeof(path));
	node_path(device, change->node, sizeof(change->node));
	read_sys(device, "loop/backing_file", change->path,
		 sizeof(change->path));
	if (!*change->path) {
		snprintf(change->path, sizeof(change->path), "%s", path);
		return image_file_open(&change->file, change->path, error);
	}
	snprintf(change->loop, sizeof(change->loop), "%s", path);
	return open_file(change, error);
}

/* Is the given mount point of the old device, or of the new one already? */
static int check_mountpoint(const struct change *change,
			    const struct member *old, const struct member *new,
			    struct incr_error *error)
{
	int err = -EINVAL;

	if (!change->mountpoint)
		return 0;
	if (old)
		err = family_check_mounts(old, change->mountpoint, error);
	return err != -EINVAL ? err :
	       family_check_mounts(new, change->mountpoint, error);
}

/* Finish an interrupted change. */
static int finish(struct change *change, struct incr_error *error)
{
	struct family *family = &change->family;
	const struct member *old = family_old(family);
	const struct member *new = family->next && family->next->line ?
				   family->next : family->current;
	sigset_t held, before;
	int err = check_mountpoint(change, old, new, error);

	if (err)
		return err;
	change->finished = true;
	change->finished_down = old && new->table.generation <
				       old->table.generation;
	message_info("an interrupted change to generation %llu is %s",
		     (unsigned long long)new->table.generation,
		     change->options->dry_run ? "to be finished first" :
						"finished");
	if (change->options->dry_run)
		return 0;
	hold_signals(&held, &before);
	err = family_change(family, change->mountpoint, &held, error);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return err;
}

static int find_mountpoint(struct change *change, struct incr_error *error)
{
	const char *given = change->options->mountpoint;

	if (!given)
		return 0;
	change->mountpoint = realpath(given, NULL);
	return change->mountpoint ? 0 :
	       incr_fail(error, -errno, "%s: %s", given, strerror(errno));
}

static int begin(struct change *change, const struct options *options,
		 const char *given, struct incr_error *error)
{
	char device[sizeof(((struct table *)NULL)->device)];
	const char *name;
	int err;

	*change = (struct change){
		.options = options,
		.loop_fd = -1,
		.file.fd = -1,
		.lock = IMAGE_UNLOCKED,
	};
	err = device_name(given, &name, error);
	if (!err)
		err = find_mountpoint(change, error);
	if (!err)
		err = family_read(&change->family, name, error);
	if (!err)
		err = find_image(change, error);
	if (!err)
		err = image_lock(&change->lock, change->file.fd, change->path,
				 error);
	if (err)
		return err;
	/* It may have been changed until it could be locked. */
	strcpy(device, present_member(&change->family)->table.device);
	family_free(&change->family);
	err = family_read(&change->family, name, error);
	if (!err && strcmp(present_member(&change->family)->table.device,
			   device))
		err = incr_fail(error, -EBUSY,
				"device %s has come to another image meanwhile: try again",
				name);
	if (err)
		return err;
	family_make_nodes(&change->family);
	change->from = present_member(&change->family)->table.generation;
	if (family_is_changing(&change->family))
		err = finish(change, error);
	return err ? err : newer_open(&change->newer, change->path,
				      change->file.fd, error);
}

/* Free what its loaders' options are more than the command's. */
static void forget_like_loaders(struct change *change)
{
	struct options *options = &change->like_loaders;
	unsigned int i;

	if (!change->asked_loaders)
		return;
	while (options->origin_count)
		free(options->origins[--options->origin_count]);
	for (i = 0; i < ACCESS_OPTIONS; i++)
		if (change->options->access.value[i])
			options->access.value[i] = NULL;
	access_free(&options->access);
}

static void end(struct change *change)
{
	newer_close(&change->newer);
	/* Which has read by these. */
	origin_forget(&change->how);
	forget_like_loaders(change);
	family_free(&change->family);
	free(change->mountpoint);
	image_unlock(&change->lock);
	image_file_close(&change->file);
	if (change->loop_fd >= 0)
		close(change->loop_fd);
}

static u64 generation_in_use(const struct change *change)
{
	return present_member(&change->family)->table.generation;
}

/* Ask the origins, one after the other, until one answers. */
static int ask_origins(struct change *change, const struct options *options,
		       const struct origin_options *how,
		       struct incr_error *error)
{
	int err = -ENOENT;
	unsigned int i;

	for (i = 0; err && i < options->origin_count; i++) {
		if (i)
			message_warning("%s", error->text);
		err = newer_find(&change->newer, options->origins[i], how,
				 false, options->generation, error);
	}
	return err;
}

/*
 * The generations in the local image are enough if there is no source to ask, and
 * so is the result of an interrupted change.
 */
static int make_do(struct change *change, int err, struct incr_error *error)
{
	if (incr_image_segment(change->newer.local)->generation <=
	    generation_in_use(change) &&
	    (!change->finished || change->finished_down))
		return err;
	message_warning("%s", error->text);
	message_info("going on with the generations in %s", change->path);
	return 0;
}

/* Of the layer or the origins that @options name. */
static int read_newer(struct change *change, const struct options *options,
		      struct incr_error *error)
{
	struct origin_options *how = &change->how;
	int err;

	how->timeout = ORIGIN_TIMEOUT_DEFAULT;
	err = origin_load(how, &options->access, error);
	if (!err && options->layer)
		err = newer_find(&change->newer, options->layer, how, true,
				 options->generation, error);
	else if (!err && options->origin_count)
		err = ask_origins(change, options, how, error);
	else if (!err)
		err = incr_fail(error, -ENOENT,
				"no loader of %s says where the origin is: give --origin or --layer",
				change->family.name);
	return err;
}

/* Of the origins that its loaders were given. */
static int read_like_loaders(struct change *change, struct incr_error *error)
{
	change->like_loaders = *change->options;
	change->asked_loaders = true;
	loader_origins(&change->like_loaders, change->node, change->lock.name);
	return read_newer(change, &change->like_loaders, error);
}

/* Find the generation to come to; change->newer.image has it then. */
static int find_newer(struct change *change, struct incr_error *error)
{
	const struct options *options = change->options;
	int err;

	if (options->generation != INCR_NEWEST &&
	    options->generation < incr_image_segments(change->newer.local))
		return newer_read_local(&change->newer, options->generation,
					error);
	if (options->origin_count || options->layer)
		return read_newer(change, options, error);
	err = read_like_loaders(change, error);
	return err ? make_do(change, err, error) : 0;
}

/* The text after @word in the options of a table line; NULL without the word. */
static const char *after_word(const char *options, const char *word)
{
	size_t n = strlen(word);

	while (*options) {
		size_t length = strcspn(options, " ");

		if (length == n && !strncmp(options, word, n))
			return options + n;
		options += length;
		options += strspn(options, " ");
	}
	return NULL;
}

static bool has_word(const char *options, const char *word)
{
	return after_word(options, word);
}

/* A device that is still there, and has the same root hash for that generation. */
static const struct member *find_same(const struct change *change,
				      const char *root, u32 generation)
{
	const struct family *family = &change->family;
	size_t i;

	for (i = 0; i < family->old_count; i++)
		if (family->old[i]->table.generation == generation &&
		    !strcmp(family->old[i]->table.root, root))
			return family->old[i];
	return NULL;
}

/* Does the kernel check the signature of the new generation? */
static bool kernel_checks(const struct change *change)
{
	return change->options->require_signature ||
	       has_word(present_member(&change->family)->table.options,
			"require_signature");
}

/* The epoch that the kernel asks for: the old table's, or a higher --min-epoch. */
static u64 table_epoch(const struct change *change)
{
	const char *at = after_word(present_member(&change->family)->table.options,
				    "min_epoch");
	u64 old = at ? strtoull(at, NULL, 10) : 0;

	return old > change->options->min_epoch ? old :
	       change->options->min_epoch;
}

/*
 * Where signatures are checked, an update never leads to a lower epoch: an origin
 * could append, as a new generation, an old one that was signed once. A rollback
 * may go back, but not below the epoch that was asked for.
 */
static int check_epoch(const struct change *change, struct incr_error *error)
{
	struct incr_image *image = change->newer.image;
	const struct inc_segment *segment = incr_image_segment(image);
	u64 least = table_epoch(change), in_use = generation_in_use(change);

	if (!change->options->certificate && !kernel_checks(change))
		return !change->options->min_epoch ? 0 :
		       incr_fail(error, -ERR_USAGE,
				 "--min-epoch needs --certificate or --require-signature: only a signature vouches for an epoch");
	if (segment->generation > in_use &&
	    incr_image_segment_at(image, (u32)in_use)->epoch > least)
		least = incr_image_segment_at(image, (u32)in_use)->epoch;
	return image_check_epoch(segment, least, error);
}

/*
 * The new root hash must be vouched for if the old one was: an origin must not be
 * able to undo that. Sets @change->vouched.
 */
static int check_trust(struct change *change, struct incr_image *image,
		       struct incr_error *error)
{
	const struct options *options = change->options;
	const struct inc_segment *segment = incr_image_segment(image);
	const struct member *present = present_member(&change->family), *same;
	char root[2 * INC_DIGEST_MAX + 1];

	change->vouched = true;
	if (options->root_size || options->certificate)
		return image_trust(image, options, error);
	if (kernel_checks(change))
		return segment->signature_size ? 0 :
		       incr_fail(error, -EBADMSG,
				 "generation %u is not signed, and a signature is required",
				 segment->generation);
	incr_hex_format(segment->root_digest, segment->digest_size, root);
	same = find_same(change, root, segment->generation);
	if (same && same->vouched)
		return 0;
	if (present->vouched)
		return incr_fail(error, -EPERM,
				 "%s has a root hash that was vouched for: generation %u needs --root-hash, --certificate or --require-signature, too",
				 change->family.name, segment->generation);
	message_warning("the root hash of generation %u is taken from the image, unverified (see --certificate, --root-hash)",
			segment->generation);
	change->vouched = false;
	return 0;
}

/*
 * The option that lets readahead fail must not outlive the filesystem that copes
 * with it. If the old head does not ask for the option, the command line did.
 */
static bool drops_hint(const struct change *change,
		       const struct inc_segment *segment)
{
	const struct incr_image *image = change->newer.image;
	u64 old = generation_in_use(change);

	return old >= incr_image_segments(image) ||
	       incr_image_segment_at(image, (u32)old)->compat &
	       ~segment->compat & INC_COMPAT_REREADS;
}

/*
 * The old table's options, with the one that proves the device's size: as asked
 * for now, else as it was.
 */
static int format_options(const struct change *change,
			  const struct inc_segment *segment, char **text)
{
	const char *old = present_member(&change->family)->table.options;
	const char *proof = proof_option(change->options);
	char *words = strdup(old), *next = words, *word;
	u64 epoch = kernel_checks(change) ? table_epoch(change) : 0;
	char *list = calloc(1, strlen(old) + sizeof(" require_signature") +
			    sizeof(" min_epoch 4294967295"));
	bool no_hint = drops_hint(change, segment);
	unsigned int count = 0;

	if (!proof && !change->options->unproved_size &&
	    has_word(old, "prove_size"))
		proof = "prove_size";
	if (has_word(old, "require_signature"))
		proof = NULL;
	*text = NULL;
	if (words && list) {
		strsep(&next, " ");	/* their number */
		while ((word = strsep(&next, " "))) {
			if (!*word || !strcmp(word, "prove_size"))
				continue;
			if (!strcmp(word, "min_epoch") ||
			    (no_hint && !strcmp(word, "absent_readahead"))) {
				strsep(&next, " ");
				continue;
			}
			strcat(strcat(list, " "), word);
			count++;
		}
		if (proof)
			strcat(strcat(list, " "), proof);
		count += proof != NULL;
		if (epoch)
			sprintf(list + strlen(list), " min_epoch %llu",
				(unsigned long long)epoch);
		count += epoch ? 2 : 0;
		if (!count)
			*text = strdup("");
		else if (asprintf(text, " %u%s", count, list) < 0)
			*text = NULL;
	}
	free(words);
	free(list);
	return *text ? 0 : -ENOMEM;
}

static int format_table(const struct change *change,
			const struct inc_segment *segment, char **parameters)
{
	char root[2 * INC_DIGEST_MAX + 1], salt[2 * INC_SALT_MAX + 1] = "-";
	char *options;

	incr_hex_format(segment->root_digest, segment->digest_size, root);
	if (segment->salt_size)
		incr_hex_format(segment->salt, segment->salt_size, salt);
	if (format_options(change, segment, &options))
		return -ENOMEM;
	if (asprintf(parameters, "1 %s %u %s %s %s%s",
		     present_member(&change->family)->table.device,
		     segment->generation, segment->hash_name, root, salt,
		     options) < 0)
		*parameters = NULL;
	free(options);
	return *parameters ? 0 : -ENOMEM;
}

/* Append the new segments to the file. */
static int append(struct change *change, struct incr_error *error)
{
	int err;

	if (!newer_has_more(&change->newer))
		return 0;
	if (change->loop_fd < 0)
		return incr_fail(error, -EINVAL,
				 "%s is no file on a loop device: a segment cannot be appended",
				 change->path);
	if (change->file.read_only)
		return incr_fail(error, -EROFS,
				 "%s cannot be written: a segment cannot be appended",
				 change->path);
	err = newer_append(&change->newer, change->file.fd, error);
	if (!err)
		change->appended = incr_image_size(change->newer.image) -
				   incr_image_size(change->newer.local);
	return err;
}

/* Let the loop device show all of the file. */
static int grow_loop(const struct change *change, struct incr_error *error)
{
	u64 size = 0;
	int err = 0;

	if (change->loop_fd < 0)
		return 0;
	if (ioctl(change->loop_fd, BLKGETSIZE64, &size) ||
	    (size < incr_image_size(change->newer.image) &&
	     ioctl(change->loop_fd, LOOP_SET_CAPACITY, 0)))
		err = -errno;
	if (err)
		incr_fail(error, err, "cannot let %s grow: %s", change->loop,
			  strerror(-err));
	return err;
}

/* With everything at hand: from device to device. */
static int change_device(struct change *change, struct incr_error *error)
{
	const struct inc_segment *segment =
		incr_image_segment(change->newer.image);
	char *parameters = NULL;
	sigset_t held, old;
	int err;

	err = format_table(change, segment, &parameters);
	if (err)
		return incr_fail(error, err, "out of memory");
	hold_signals(&held, &old);
	err = family_add(&change->family,
			 segment->device_blocks * (INC_BLOCK_SIZE / 512),
			 parameters, change->vouched, error);
	if (!err)
		err = family_change(&change->family, change->mountpoint, &held,
				    error);
	/* A signal that came meanwhile ends us here. */
	sigprocmask(SIG_SETMASK, &old, NULL);
	free(parameters);
	return err;
}

/* Everything that can be checked before; then the change. */
static int go(struct change *change, struct incr_error *error)
{
	int err;

	err = check_trust(change, change->newer.image, error);
	if (!err)
		err = check_epoch(change, error);
	if (!err)
		err = image_check_heads(change->newer.image,
					incr_image_segments(change->newer.local),
					change->options, error);
	if (!err)
		err = image_check_start(change->newer.image, change->options,
					error);
	if (!err)
		err = family_check_mounts(present_member(&change->family),
					  change->mountpoint, error);
	if (!err && change->options->dry_run) {
		update_report_dry(change);
		return 0;
	}
	if (!err)
		err = append(change, error);
	if (!err)
		err = grow_loop(change, error);
	if (!err)
		err = change_device(change, error);
	if (!err)
		update_report(change);
	return err;
}

static int update(struct change *change, struct incr_error *error)
{
	const struct options *options = change->options;
	u64 in_use = generation_in_use(change);
	int err;

	if (options->generation != INCR_NEWEST && options->generation < in_use)
		return incr_fail(error, -EINVAL,
				 "%s is at generation %llu: to go back see rollback",
				 change->family.name,
				 (unsigned long long)in_use);
	err = find_newer(change, error);
	if (err)
		return err;
	if (incr_image_segment(change->newer.image)->generation > in_use)
		return go(change, error);
	update_report(change);
	return 0;
}

static int rollback(struct change *change, struct incr_error *error)
{
	u32 generation = change->options->generation;
	u64 in_use = generation_in_use(change);
	int err;

	if (generation == INCR_NEWEST && change->finished_down) {
		update_report(change);
		return 0;
	}
	if (generation == in_use) {
		update_report(change);
		return 0;
	}
	if (generation == INCR_NEWEST && !in_use)
		return incr_fail(error, -EINVAL,
				 "%s is at generation 0: there is none before it",
				 change->family.name);
	if (generation != INCR_NEWEST && generation > in_use)
		return incr_fail(error, -EINVAL,
				 "%s is at generation %llu: to go on see update",
				 change->family.name,
				 (unsigned long long)in_use);
	err = newer_read_local(&change->newer, generation == INCR_NEWEST ?
			       (u32)in_use - 1 : generation, error);
	return err ? err : go(change, error);
}

static int run(int (*what)(struct change *change, struct incr_error *error),
	       const struct options *options, const char *name,
	       struct incr_error *error)
{
	const char *short_name;
	struct change change;
	int err;

	if (options->layer && options->origin_count)
		return incr_fail(error, -ERR_USAGE,
				 "--layer and --origin do not go together");
	if (!device_name(name, &short_name, error) && userspace_has(short_name))
		return incr_fail(error, -ENOTBLK,
				 "device %s is served without the module, which alone can change the generation of a device in use",
				 short_name);
	err = begin(&change, options, name, error);
	if (!err)
		err = what(&change, error);
	message_progress(NULL);
	end(&change);
	return err;
}

int command_update(const struct options *options, char **args,
		   struct incr_error *error)
{
	return run(update, options, args[0], error);
}

int command_rollback(const struct options *options, char **args,
		     struct incr_error *error)
{
	return run(rollback, options, args[0], error);
}
