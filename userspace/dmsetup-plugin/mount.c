// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mount and umount: a local image, its device, its loader and a mount in one
 * command, and all of it gone by another.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "common/message.h"
#include "common/mountinfo.h"
#include "common/printable.h"
#include "common/status-line.h"
#include "dmsetup-plugin/child.h"
#include "dmsetup-plugin/counters.h"
#include "dmsetup-plugin/userspace.h"
#include "libincremental/hash.h"
#include "origin/url.h"

#define SUFFIX		".inc"
#define WAIT_STEP	50000		/* us */
#define WAIT_STEPS	200

/* The last signal that came while there is something to take down. */
static volatile sig_atomic_t came;

static void note_signal(int number)
{
	came = number;
}

/*
 * From now on the signals that would end this program are noted; one whose handler
 * is not the default has been dealt with.
 */
static void note_signals(void)
{
	static const int numbers[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
	struct sigaction action = { .sa_handler = note_signal };
	struct sigaction old;
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (!sigaction(numbers[i], NULL, &old) &&
		    old.sa_handler != SIG_IGN)
			sigaction(numbers[i], &action, NULL);
}

/**
 * struct made - what a mount has made so far
 * @local: the local image
 * @new_local: it was made now
 * @opened: the device is there
 * @served: by a process, without the module
 * @name: of the device
 * @device: that it stands on, as "7:0"
 * @key: of the image's files in /run
 */
struct made {
	char *local;
	bool new_local;
	bool opened;
	bool served;
	char name[DM_NAME_MAX];
	char device[128];
	char key[IMAGE_KEY_MAX];
};

/* The last part of a path or URL, of characters that every name may have. */
static void short_name(const char *from, char *to, size_t size)
{
	const char *slash = strrchr(from, '/');
	size_t n = 0, suffix = strlen(SUFFIX);

	for (from = slash ? slash + 1 : from; *from && n + 1 < size; from++)
		if ((*from >= '0' && *from <= '9') || strchr("._-", *from) ||
		    ((*from | 32) >= 'a' && (*from | 32) <= 'z'))
			to[n++] = *from;
	to[n] = '\0';
	if (n > suffix && !strcmp(to + n - suffix, SUFFIX))
		to[n - suffix] = '\0';
	if (!*to || *to == '.')
		snprintf(to, size, "image");
}

/*
 * The local image of @where, allocated: its name is that of the image and a digest of
 * the whole URL, without password and query, which may change.
 */
static int default_local(const char *where, char **local,
			 struct incr_error *error)
{
	u8 digest[INC_DIGEST_MAX];
	char hex[17], name[64];
	struct inc_hash *hash;
	struct url url;
	const char *text = where;
	int err = 0;
	bool web = !url_parse(&url, where);

	if (web)
		text = url.name;
	short_name(text, name, sizeof(name));
	hash = incr_hash_new("sha256", NULL, 0);
	if (hash) {
		incr_hash_digest(hash, text, strlen(text), digest);
		incr_hex_format(digest, 8, hex);
	}
	if (!hash || asprintf(local, LOCAL_DIRECTORY "/%s-%s" SUFFIX, name, hex) < 0) {
		*local = NULL;
		err = incr_fail(error, -ENOMEM, "out of memory");
	}
	incr_hash_free(hash);
	if (web)
		url_free(&url);
	if (!err && mkdir(LOCAL_DIRECTORY, 0700) && errno != EEXIST)
		err = incr_fail(error, -errno, "cannot create " LOCAL_DIRECTORY ": %s",
				strerror(errno));
	return err;
}

/* A name for the device that none has: that of the image, or with a number. */
static int choose_name(const struct options *options, struct made *made,
		       struct incr_error *error)
{
	char base[64];
	int i;

	if (options->name) {
		if (strlen(options->name) >= sizeof(made->name))
			return incr_fail(error, -ERR_USAGE,
					 "\"%.128s...\" is too long for a device's name",
					 options->name);
		if (dm_exists(options->name))
			return incr_fail(error, -EEXIST,
					 "device %s exists already",
					 options->name);
		strcpy(made->name, options->name);
		return 0;
	}
	short_name(made->local, base, sizeof(base));
	for (i = 1; i < 1000; i++) {
		snprintf(made->name, sizeof(made->name), i > 1 ? "%s-%d" : "%s",
			 base, i);
		if (!dm_exists(made->name))
			return 0;
	}
	made->name[0] = '\0';
	return incr_fail(error, -EEXIST,
			 "there are too many devices called %s-...", base);
}

/* Keep what is needed to forget a device that has @table. */
static void note_device(struct made *made, const struct table *table)
{
	strcpy(made->device, table->device);
	counters_key(table, made->key);
}

/* The device is there: note it, and see that it can be read. */
static int look_at_device(struct made *made, bool has_origin,
			  struct incr_error *error)
{
	struct dm_state state;
	struct status status;
	struct table table;
	int err = read_lines(made->name, &state, &table, &status, error);

	if (err)
		return err;
	note_device(made, &table);
	if (!has_origin && !status_is_complete(&status) &&
	    !status.value[STATUS_LOADERS])
		err = incr_fail(error, -ENXIO,
				"%s has %llu of the image's %llu chunks, and no origin was given to fetch the rest from (origin=URL)",
				printable_name(made->local),
				(unsigned long long)status.value[STATUS_PRESENT],
				(unsigned long long)status.value[STATUS_TOTAL]);
	dm_free_state(&state);
	return err;
}

/*
 * Run mount(8) or umount(8), which say what is wrong. A signal that comes meanwhile
 * ends it; @name is a device whose reads fail then, or NULL.
 */
static int run_tool(const char *const *args, const char *name,
		    struct incr_error *error)
{
	struct incr_error ignored;
	sigset_t none;
	pid_t child, ended;
	int status, err;

	sigemptyset(&none);
	err = child_start(&child, args[0], args, &none, -1);
	if (err)
		return incr_fail(error, err, "cannot start %s(8): %s", args[0],
				 strerror(-err));
	while ((ended = waitpid(child, &status, 0)) < 0 && errno == EINTR) {
		kill(child, SIGTERM);
		/* It may be in the middle of a read. */
		if (name)
			dm_fail_reads(name, &ignored);
	}
	if (came)
		return incr_fail(error, -EINTR, "interrupted");
	if (ended < 0 || !WIFEXITED(status) || WEXITSTATUS(status))
		return incr_fail(error, -EIO, "%s(8) failed", args[0]);
	return 0;
}

/* libmount keeps helper=, by which umount(8) finds umount.incremental. */
static int mount_device(const struct options *options, const char *name,
			const char *place, struct incr_error *error)
{
	char device[DM_NAME_MAX + 16], *with;
	const char *args[12];
	unsigned int n = 0;
	int err;

	snprintf(device, sizeof(device), "/dev/mapper/%s", name);
	if (asprintf(&with, "%s,%s,ro,helper=incremental",
		     options->mount_options ? options->mount_options : "ro",
		     options->fs_options ? options->fs_options : "ro") < 0)
		return incr_fail(error, -ENOMEM, "out of memory");
	args[n++] = "mount";
	args[n++] = "-i";
	if (options->fs_type) {
		args[n++] = "-t";
		args[n++] = options->fs_type;
	}
	args[n++] = "-o";
	args[n++] = with;
	args[n++] = "--";
	args[n++] = device;
	args[n++] = place;
	args[n] = NULL;
	err = run_tool(args, name, error);
	free(with);
	return err;
}

static void undo(const struct made *made)
{
	struct incr_error why;

	if (made->opened && made->served) {
		if (userspace_close(made->name, &why))
			message_warning("%s", why.text);
	} else if (made->opened) {
		if (dm_remove(made->name, false, &why))
			message_warning("%s", why.text);
		else if (*made->device)
			loader_forget(made->device, made->key);
	}
	if (made->new_local && unlink(made->local))
		message_warning("cannot remove %s: %s",
				printable_name(made->local), strerror(errno));
}

/* The local image, which may have to be made; origins go to @with. */
static int find_local(struct options *with, const char *source,
		      struct made *made, struct incr_error *error)
{
	struct options create;
	char *copy;
	int err = 0;

	if (!origin_is_url(source) && !with->local) {
		made->local = strdup(source);
		return made->local ? 0 : incr_fail(error, -ENOMEM, "out of memory");
	}
	if (with->origin_count == ORIGINS_MAX)
		return incr_fail(error, -ERR_USAGE, "too many origins");
	copy = strdup(source);
	if (!copy)
		return incr_fail(error, -ENOMEM, "out of memory");
	memmove(with->origins + 1, with->origins,
		with->origin_count * sizeof(*with->origins));
	with->origins[0] = copy;
	with->origin_count++;
	if (with->local) {
		made->local = strdup(with->local);
		if (!made->local)
			err = incr_fail(error, -ENOMEM, "out of memory");
	} else {
		err = default_local(source, &made->local, error);
	}
	if (err || !access(made->local, F_OK))
		return err;
	create = *with;
	create.quiet = true;
	create.force = false;
	err = command_create(&create, &made->local, error);
	made->new_local = !err;
	return err;
}

static int need_target(const struct options *options, struct incr_error *error)
{
	struct incr_error why;
	int err;

	if (options->userspace)
		return 0;
	err = dm_need_target(&why);
	/* Whoever may not load modules can have it by a process. */
	if (err == -ENODEV)
		return incr_fail(error, err, "%s, or mount with the option userspace, which does without",
				 why.text);
	return err ? incr_fail(error, err, "%s", why.text) : 0;
}

int command_mount(const struct options *options, char **args,
		  struct incr_error *error)
{
	struct options with = *options;
	struct made made = { .local = NULL };
	char *source, *open_args[2];
	struct incr_error why;
	struct stat st;
	int err;

	if (geteuid())
		return incr_fail(error, -EPERM,
				 "only root may mount an incremental image");
	if (stat(args[1], &st))
		return incr_fail(error, -errno, "%s: %s",
				 printable_name(args[1]), strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return incr_fail(error, -ENOTDIR, "%s is not a directory",
				 printable_name(args[1]));
	source = origin_take(args[0]);
	if (!source)
		return incr_fail(error, -ENOMEM, "out of memory");
	made.served = options->userspace;
	err = need_target(options, error);
	if (!err)
		err = find_local(&with, source, &made, error);
	note_signals();
	if (!err)
		err = choose_name(options, &made, error);
	if (!err && came)
		err = incr_fail(error, -EINTR, "interrupted");
	if (!err) {
		open_args[0] = made.local;
		open_args[1] = made.name;
		with.quiet = true;
		err = command_open(&with, open_args, error);
		made.opened = !err;
	}
	if (!err && !made.served)
		err = look_at_device(&made, with.origin_count, error);
	if (!err && came)
		err = incr_fail(error, -EINTR, "interrupted");
	if (!err)
		err = mount_device(options, made.name, args[1], error);
	/* It goes with its last mount, however that ends; a served one by umount only. */
	if (!err && !made.served && dm_remove(made.name, true, &why))
		message_warning("%s", why.text);
	if (err)
		undo(&made);
	/* main() frees the origins that it knows of; ours is the first. */
	if (with.origin_count > options->origin_count)
		free_secret(with.origins[0]);
	free_secret(source);
	free(made.local);
	return err;
}

/* The uppermost mount on @place; NULL: none. */
static const struct mount *mount_on(const struct mounts *mounts,
				    const char *place)
{
	const struct mount *found = NULL;
	size_t i;

	for (i = 0; i < mounts->count; i++)
		if (!strcmp(mounts->list[i].point, place))
			found = &mounts->list[i];
	return found;
}

/* The name of the device that @mount is of: "" if device-mapper has none such. */
static void mounted_name(const struct mount *mount, char *name, size_t size)
{
	char device[32];

	snprintf(device, sizeof(device), "%u:%u", mount->major, mount->minor);
	read_sys(device, "dm/name", name, size);
}

/* Is the device mounted anywhere? @mount is where it was. */
static bool still_mounted(const struct mount *mount)
{
	struct incr_error ignored;
	struct mounts mounts;
	bool found = false;
	size_t i;

	if (!mounts_read(&mounts, &ignored))
		for (i = 0; i < mounts.count; i++)
			found |= mount_is_of(&mounts.list[i], mount->major,
					     mount->minor);
	mounts_free(&mounts);
	return found;
}

/*
 * Does the device stand on what it was made of? It has no name any more when the kernel
 * waits for its last work; the node in /dev/incremental goes after that, and then this.
 */
static bool still_stands(const struct made *made, const struct mount *mount)
{
	char holder[sizeof(made->device) + 64];

	snprintf(holder, sizeof(holder), "/sys/dev/block/%s/holders/dm-%u",
		 made->device, mount->minor);
	return !access(holder, F_OK);
}

/*
 * Unmounted: take the device down if that was its last use, and forget its files. It
 * may be in use for a moment more; the kernel does what is deferred later, too.
 */
static int take_down(const struct made *made, const struct mount *mount,
		     struct incr_error *error)
{
	int i, err;

	err = dm_exists(made->name) ? dm_remove(made->name, true, error) : 0;
	if (err && dm_exists(made->name))
		return err;
	if (still_mounted(mount))
		return 0;
	for (i = 0; dm_exists(made->name) || still_stands(made, mount); i++) {
		/* Another program has it open: it goes when that ends. */
		if (i == WAIT_STEPS)
			return 0;
		usleep(WAIT_STEP);
	}
	dm_make_nodes(NULL);
	loader_forget(made->device, made->key);
	return 0;
}

int command_umount(const struct options *options, char **args,
		   struct incr_error *error)
{
	const char *tool[] = { "umount", "-i", "--", NULL, NULL, NULL };
	struct made made = { .local = NULL };
	struct incr_error ignored;
	const struct mount *mount;
	struct mounts mounts;
	struct dm_state state;
	struct status status;
	struct table table;
	bool ours = false;
	char *place;
	int err;

	if (geteuid())
		return incr_fail(error, -EPERM,
				 "only root may unmount an incremental image");
	place = realpath(args[0], NULL);
	if (!place)
		return incr_fail(error, -errno, "%s: %s",
				 printable_name(args[0]), strerror(errno));
	err = mounts_read(&mounts, error);
	mount = err ? NULL : mount_on(&mounts, place);
	if (!err && !mount)
		err = incr_fail(error, -EINVAL, "%s is not a mount point",
				printable_name(place));
	if (!err) {
		mounted_name(mount, made.name, sizeof(made.name));
		if (*made.name &&
		    !read_lines(made.name, &state, &table, &status, &ignored)) {
			note_device(&made, &table);
			dm_free_state(&state);
			ours = true;
		}
		made.served = *made.name && userspace_has(made.name);
		if (options->lazy) {
			tool[2] = "-l";
			tool[3] = "--";
		}
		tool[options->lazy ? 4 : 3] = place;
		err = run_tool(tool, NULL, error);
	}
	if (!err && ours)
		err = take_down(&made, mount, error);
	/* A lazy one may be in use for long. */
	if (!err && made.served && !still_mounted(mount))
		err = userspace_close(made.name, error);
	mounts_free(&mounts);
	free(place);
	return err;
}
