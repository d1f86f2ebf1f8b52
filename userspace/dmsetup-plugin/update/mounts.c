// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Mounts of devices; see mounts.h.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/openat2.h>
#include "common/message.h"
#include "dmsetup-plugin/update/beneath.h"
#include "dmsetup-plugin/update/mounts.h"

/* The next word of a line, up to a space; "" at its end. */
static char *take_word(char **line)
{
	char *word = *line + strspn(*line, " ");

	*line = word + strcspn(word, " ");
	if (**line)
		*(*line)++ = '\0';
	return word;
}

/* Undo \040 and the like, in place. */
static char *unescape(char *text)
{
	char *from = text, *to = text;

	while (*from) {
		if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' &&
		    from[2] >= '0' && from[2] <= '7' &&
		    from[3] >= '0' && from[3] <= '7') {
			*to++ = (char)((from[1] - '0') << 6 |
				       (from[2] - '0') << 3 | (from[3] - '0'));
			from += 4;
		} else {
			*to++ = *from++;
		}
	}
	*to = '\0';
	return text;
}

static void mount_free(struct mount *mount)
{
	free(mount->root);
	free(mount->point);
	free(mount->options);
	free(mount->peers);
	free(mount->type);
	free(mount->super);
}

/*
 * "36 35 98:0 /root /point ro,noatime shared:1 master:2 - erofs source ro,acl";
 * -EPROTO: it is another line.
 */
static int parse_mount(char *line, struct mount *mount)
{
	char *word, *rest;

	memset(mount, 0, sizeof(*mount));
	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "%u %u %u:%u", &mount->id, &mount->parent,
		   &mount->major, &mount->minor) != 4)
		return -EPROTO;
	rest = strstr(line, " - ");
	if (!rest)
		return -EPROTO;
	*rest = '\0';
	rest += 3;
	take_word(&line);
	take_word(&line);
	take_word(&line);
	mount->root = strdup(unescape(take_word(&line)));
	mount->point = strdup(unescape(take_word(&line)));
	mount->options = strdup(take_word(&line));
	mount->peers = strdup(line);
	word = take_word(&rest);
	mount->type = strdup(unescape(word));
	take_word(&rest);	/* the source: the device's name once was that */
	mount->super = strdup(take_word(&rest));
	if (mount->root && mount->point && mount->options && mount->peers &&
	    mount->type && mount->super)
		return 0;
	mount_free(mount);
	return -ENOMEM;
}

static int add_mount(struct mounts *mounts, char *line)
{
	struct mount mount, *more;
	int err = parse_mount(line, &mount);

	if (err)
		return err == -EPROTO ? 0 : err;
	more = realloc(mounts->list, (mounts->count + 1) * sizeof(*more));
	if (!more) {
		mount_free(&mount);
		return -ENOMEM;
	}
	mounts->list = more;
	mounts->list[mounts->count++] = mount;
	return 0;
}

int mounts_read(struct mounts *mounts, struct inc_error *error)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t room = 0;
	int err = 0;

	mounts->list = NULL;
	mounts->count = 0;
	if (!file)
		return inc_fail(error, -errno,
				"cannot read /proc/self/mountinfo: %s",
				strerror(errno));
	while (!err && getline(&line, &room, file) > 0)
		err = add_mount(mounts, line);
	if (!err && ferror(file))
		err = -EIO;
	free(line);
	fclose(file);
	if (err)
		inc_fail(error, err, "cannot read /proc/self/mountinfo: %s",
			 strerror(-err));
	return err;
}

void mounts_free(struct mounts *mounts)
{
	size_t i;

	for (i = 0; i < mounts->count; i++)
		mount_free(&mounts->list[i]);
	free(mounts->list);
	mounts->list = NULL;
	mounts->count = 0;
}

const struct mount *mount_with_id(const struct mounts *mounts, unsigned int id)
{
	size_t i;

	for (i = 0; i < mounts->count; i++)
		if (mounts->list[i].id == id)
			return &mounts->list[i];
	return NULL;
}

const char *fd_path(int fd, char path[FD_PATH_MAX])
{
	snprintf(path, FD_PATH_MAX, "/proc/self/fd/%d", fd);
	return path;
}

static bool is_mount(int fd, const struct mount *mount)
{
	struct statx st;

	return !statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_MNT_ID,
		      &st) &&
	       st.stx_mask & STATX_MNT_ID && st.stx_mnt_id == mount->id;
}

/* glibc has no openat2(). A path of mountinfo has no symbolic links. */
static int open_place(int directory, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, directory, path, &how, sizeof(how));
}

/* The directory that @path is in; NULL: no memory. */
static char *directory_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash == path ? strdup("/") :
			       strndup(path, (size_t)(slash - path));
}

int place_find(struct place *place, const struct mount *mount,
	       struct inc_error *error)
{
	char *directory = directory_of(mount->point);

	*place = (struct place){
		.of = mount,
		.directory = -1,
		.name = strrchr(mount->point, '/') + 1,
		.mount = -1,
	};
	if (!directory)
		return inc_fail(error, -ENOMEM, "out of memory");
	if (*place->name)
		place->directory = open_place(AT_FDCWD, directory);
	else
		place->name = ".";
	free(directory);
	/* In that directory a mount point cannot be renamed. */
	if (place->directory >= 0)
		place->mount = open_place(place->directory, place->name);
	else if (!strcmp(mount->point, "/"))
		place->mount = open_place(AT_FDCWD, "/");
	if (place->mount >= 0 && is_mount(place->mount, mount))
		return 0;
	if (place->mount < 0 && errno != ENOENT && errno != ELOOP &&
	    errno != ENOTDIR)
		return inc_fail(error, -errno, "cannot look at %s: %s",
				mount->point, strerror(errno));
	return inc_fail(error, -EBUSY,
			"%s does not lead to the mount any more: something is mounted over it (unmount it first), or a directory on the way was renamed",
			mount->point);
}

void place_leave(struct place *place)
{
	if (place->directory >= 0)
		close(place->directory);
	if (place->mount >= 0)
		close(place->mount);
	place->directory = place->mount = -1;
}

int mount_replaceable(const struct mounts *mounts, const struct mount *mount,
		      struct inc_error *error)
{
	struct place place;
	size_t i;
	int err;

	if (strcmp(mount->root, "/"))
		return inc_fail(error, -EBUSY,
				"%s shows only the folder %s of the device: unmount it first",
				mount->point, mount->root);
	for (i = 0; i < mounts->count; i++)
		if (mounts->list[i].parent == mount->id)
			return inc_fail(error, -EBUSY,
					"something is mounted on %s, in %s: unmount it first",
					mounts->list[i].point, mount->point);
	err = place_find(&place, mount, error);
	place_leave(&place);
	return err;
}

/* What the filesystem has said about a failure, or the error's name. */
static int context_failed(int context, int err, const char *device,
			  const struct mount *mount, struct inc_error *error)
{
	char text[256];
	ssize_t n = read(context, text, sizeof(text) - 1);

	if (n < 0)
		n = 0;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	/* A level stands in front: "e erofs: ..." */
	return inc_fail(error, err, "cannot mount %s as %s is mounted: %s",
			device, mount->point,
			n > 2 ? text + 2 : strerror(-err));
}

/* One option of the old filesystem, "key" or "key=value". */
static int set_option(int context, char *option)
{
	char *value = strchr(option, '=');

	/* Not an option, but what a security module prints among them. */
	if (!strcmp(option, "seclabel") || !strcmp(option, "rw") || !*option)
		return 0;
	if (value)
		*value++ = '\0';
	if (fsconfig(context, value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG,
		     option, value, 0))
		return -errno;
	return 0;
}

static int set_options(int context, const struct mount *mount,
		       const char *device)
{
	char *options = strdup(mount->super), *next = options, *option;
	int err = 0;

	if (!options)
		return -ENOMEM;
	if (fsconfig(context, FSCONFIG_SET_STRING, "source", device, 0) ||
	    fsconfig(context, FSCONFIG_SET_FLAG, "ro", NULL, 0))
		err = -errno;
	while (!err && (option = strsep(&next, ",")))
		err = set_option(context, unescape(option));
	free(options);
	return err;
}

static unsigned int attributes(const struct mount *mount)
{
	static const struct {
		const char *name;
		unsigned int value;
	} known[] = {
		{ "nosuid", MOUNT_ATTR_NOSUID },
		{ "nodev", MOUNT_ATTR_NODEV },
		{ "noexec", MOUNT_ATTR_NOEXEC },
		{ "nodiratime", MOUNT_ATTR_NODIRATIME },
		{ "nosymfollow", MOUNT_ATTR_NOSYMFOLLOW },
	};
	unsigned int value = MOUNT_ATTR_RDONLY, atime = MOUNT_ATTR_STRICTATIME;
	const char *at = mount->options;
	size_t i;

	while (*at) {
		size_t n = strcspn(at, ",");

		for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (n == strlen(known[i].name) &&
			    !strncmp(at, known[i].name, n))
				value |= known[i].value;
		if (n == 7 && !strncmp(at, "noatime", n))
			atime = MOUNT_ATTR_NOATIME;
		else if (n == 8 && !strncmp(at, "relatime", n))
			atime = MOUNT_ATTR_RELATIME;
		at += n;
		at += *at == ',';
	}
	return value | atime;
}

int mount_try(const struct mount *mount, const char *device,
	      struct inc_error *error)
{
	int context = fsopen(mount->type, FSOPEN_CLOEXEC);
	int fd, err;

	if (context < 0)
		return inc_fail(error, -errno, "cannot mount a %s: %s",
				mount->type, strerror(errno));
	err = set_options(context, mount, device);
	if (!err && fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		err = -errno;
	fd = err ? -1 : fsmount(context, FSMOUNT_CLOEXEC, attributes(mount));
	if (!err && fd < 0)
		err = -errno;
	if (err)
		context_failed(context, err, device, mount, error);
	close(context);
	return err ? err : fd;
}

/* Was the new one mounted beneath already, by a call that was interrupted? */
static bool is_beneath(const struct mounts *mounts, const struct mount *mount,
		       u32 major, u32 minor)
{
	const struct mount *parent = mount_with_id(mounts, mount->parent);

	return parent && mount_is_of(parent, major, minor) &&
	       !strcmp(parent->point, mount->point);
}

/* Mount the filesystem on @device beneath the mount at @place. */
static int put_beneath(const struct mounts *mounts, const struct place *place,
		       const char *device, struct inc_error *error)
{
	int fd = mount_try(place->of, device, error), err;

	if (fd < 0)
		return fd;
	err = mount_beneath(mounts, place, fd, error);
	close(fd);
	return err;
}

/* Take the mount at @place away; what is beneath it then is as shared as it was. */
static int take_away(const struct place *place, u32 major, u32 minor,
		     struct inc_error *error)
{
	const struct mount *old = place->of;
	char path[FD_PATH_MAX];
	struct statx st;
	int fd;

	if (umount2(fd_path(place->mount, path), MNT_DETACH))
		return inc_fail(error, -errno, "cannot unmount %s: %s",
				old->point, strerror(errno));
	fd = place->directory < 0 ? -1 :
	     open_place(place->directory, place->name);
	if (fd < 0 || statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &st) ||
	    st.stx_dev_major != major || st.stx_dev_minor != minor ||
	    mount(NULL, fd_path(fd, path), NULL,
		  strstr(old->peers, "shared:") ? MS_SHARED : MS_PRIVATE, NULL))
		message_debug("cannot set the propagation of %s", old->point);
	if (fd >= 0)
		close(fd);
	return 0;
}

int mount_replace(const struct mounts *mounts, const struct mount *old,
		  const char *device, u32 major, u32 minor,
		  struct inc_error *error)
{
	struct place place;
	int err;

	err = mount_replaceable(mounts, old, error);
	if (err)
		return err;
	err = place_find(&place, old, error);
	if (!err && !is_beneath(mounts, old, major, minor))
		err = put_beneath(mounts, &place, device, error);
	if (!err)
		err = take_away(&place, major, minor, error);
	place_leave(&place);
	return err;
}
