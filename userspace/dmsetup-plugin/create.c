// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * create: a local image that holds heads only, fetched from an origin.
 */
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/doomed.h"
#include "common/message.h"
#include "common/parse.h"
#include "common/printable.h"
#include "dmsetup-plugin/ahead.h"
#include "dmsetup-plugin/setup.h"

/* The new file, before it has its name. */
static int open_temporary(const char *path, char **name,
			  struct incr_error *error)
{
	mode_t mask = umask(0);
	int fd, err;

	umask(mask);
	if (asprintf(name, "%s.XXXXXX", path) < 0) {
		*name = NULL;
		return incr_fail(error, -ENOMEM, "out of memory");
	}
	fd = doomed_open(*name, O_CLOEXEC);
	if (fd >= 0 && !fchmod(fd, 0666 & ~mask))
		return fd;
	err = -errno;
	if (fd >= 0) {
		close(fd);
		unlink(*name);
		doomed_spare(*name);
	}
	free(*name);
	*name = NULL;
	return incr_fail(error, err, "cannot create %s: %s", path,
			 strerror(-err));
}

/* The name must survive a crash, too. */
static int sync_directory(const char *path)
{
	char *copy = strdup(path);
	int fd, err = 0;

	if (!copy)
		return -ENOMEM;
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd))
		err = -errno;
	if (fd >= 0)
		close(fd);
	free(copy);
	/* Some file systems have nothing to sync there. */
	return err == -EINVAL ? 0 : err;
}

static int give_name(int fd, const char *temporary, const char *path,
		     bool force, struct incr_error *error)
{
	int err = 0;

	if (fsync(fd) ||
	    renameat2(AT_FDCWD, temporary, AT_FDCWD, path,
		      force ? 0 : RENAME_NOREPLACE))
		err = -errno;
	/* Without support for that flag, link() does not replace either. */
	if (err == -EINVAL && !force) {
		err = link(temporary, path) ? -errno : 0;
		if (!err)
			unlink(temporary);
	}
	if (!err)
		err = sync_directory(path);
	if (err == -EEXIST)
		return incr_fail(error, err, "%s exists already (see --force)",
				 path);
	if (err)
		incr_fail(error, err, "cannot write %s: %s", path,
			  strerror(-err));
	return err;
}

static void say_made(struct incr_image *image, int fd, const char *path)
{
	const struct inc_segment *segment = incr_image_segment(image);
	char root[2 * INC_DIGEST_MAX + 1], uuid[INCR_UUID_TEXT_SIZE];
	char size[FORMAT_SIZE_MAX], device[FORMAT_SIZE_MAX];
	char disk[FORMAT_SIZE_MAX];
	struct stat st = { .st_blocks = 0 };

	if (fstat(fd, &st))
		st.st_blocks = 0;
	incr_hex_format(segment->root_digest, segment->digest_size, root);
	incr_uuid_format(segment->uuid, uuid);
	printf("%s\n"
	       "  image:       %s, %s on disk\n"
	       "  UUID:        %s\n"
	       "  generation:  %u\n"
	       "  device:      %s\n"
	       "  hash:        %s\n"
	       "  root hash:   %s\n",
	       printable_name(path),
	       format_size(incr_image_size(image), size),
	       format_size((u64)st.st_blocks * 512, disk),
	       uuid, segment->generation,
	       format_size(segment->device_blocks * INC_BLOCK_SIZE, device),
	       segment->hash_name, root);
}

/* Refuse to replace the origin, perhaps the only complete image, by holes. */
static int check_origin(const struct origin *origin, const char *path,
			struct incr_error *error)
{
	struct stat st;

	if (stat(path, &st) || !origin_is_file(origin, &st))
		return 0;
	return incr_fail(error, -EINVAL,
			 "%s is not replaced: the origin %s is the same file; give the local image another name",
			 path, origin_name(origin));
}

static int make_file(const struct options *options,
		     const struct origin *origin, struct incr_image *image,
		     const char *path, struct incr_error *error)
{
	char *temporary;
	int fd, err;

	fd = open_temporary(path, &temporary, error);
	if (fd < 0)
		return fd;
	err = incr_local_create(image, fd, error);
	/* Another file may have come to that name by now. */
	if (!err)
		err = check_origin(origin, path, error);
	if (!err)
		err = give_name(fd, temporary, path, options->force, error);
	/* Sparing comes last: a signal in between removes a name that is gone. */
	if (err)
		unlink(temporary);
	doomed_spare(temporary);
	if (!err && !options->quiet && !options->batch)
		say_made(image, fd, path);
	close(fd);
	free(temporary);
	return err;
}

static int create_from(const struct options *options,
		       struct ahead *ahead, const struct origin *origin,
		       const char *path, struct incr_error *error)
{
	struct incr_io io = { .read = ahead_read, .context = ahead };
	struct incr_image *image;
	struct inc_super super;
	int err;

	/* The first read tells how long the origin is. */
	err = ahead_read(ahead, 0, sizeof(super), &super, error);
	if (err)
		return err;
	if (!origin_size(origin))
		return incr_fail(error, -EPROTO,
				 "the server does not say how long the image is");
	err = incr_image_open(&image, &io, origin_size(origin),
			      options->generation, error);
	if (err)
		return err;
	err = image_trust(image, options, error);
	if (!err)
		err = image_check_heads(image, 0, options, error);
	if (!err)
		err = make_file(options, origin, image, path, error);
	incr_image_close(image);
	return err;
}

static int create_with(const struct options *options,
		       const struct origin_options *how, const char *where,
		       const char *path, struct incr_error *error)
{
	struct ahead *ahead = NULL;
	struct origin *origin = NULL;
	struct incr_error why;
	int err;

	err = origin_open(&origin, where, how, error);
	if (err)
		return err;
	err = ahead_open(&ahead, origin, &why);
	if (!err)
		err = create_from(options, ahead, origin, path, &why);
	if (err == -EEXIST)
		*error = why;
	else if (err)
		incr_fail(error, err, "%s: %s", origin_name(origin), why.text);
	ahead_close(ahead);
	origin_close(origin);
	return err;
}

/* Not the first one alone: the others may be needed later. */
static int check_origins(const struct options *options,
			 const struct origin_options *how, const char *path,
			 struct incr_error *error)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < options->origin_count; i++) {
		struct origin *origin;
		struct incr_error ignored;

		/* A fault of one is reported when its turn comes. */
		if (origin_open(&origin, options->origins[i], how, &ignored))
			continue;
		err = check_origin(origin, path, error);
		origin_close(origin);
	}
	return err;
}

int command_create(const struct options *options, char **args,
		   struct incr_error *error)
{
	struct origin_options how = { .timeout = ORIGIN_TIMEOUT_DEFAULT };
	struct stat st;
	unsigned int i;
	int err = 0;

	if (!lstat(args[0], &st)) {
		if (!options->force)
			return incr_fail(error, -EEXIST,
					 "%s exists already (see --force)",
					 args[0]);
		if (!S_ISREG(st.st_mode))
			return incr_fail(error, -EEXIST,
					 "%s is not a regular file, and not replaced",
					 args[0]);
	}
	err = check_origins(options, &how, args[0], error);
	if (!err)
		err = origin_load(&how, &options->access, error);
	if (err) {
		origin_forget(&how);
		return err;
	}
	for (i = 0; i < options->origin_count; i++) {
		if (i)
			message_warning("%s", error->text);
		err = create_with(options, &how, options->origins[i], args[0],
				  error);
		if (!err || err == -EEXIST || err == -ERR_USAGE)
			break;
	}
	origin_forget(&how);
	return err;
}
