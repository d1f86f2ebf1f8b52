// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mounts of devices; see mounts.h.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include "beneath.h"
#include "message.h"
#include "mounts.h"

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
		return setup_fail(error, -errno,
				  "cannot read /proc/self/mountinfo: %s",
				  strerror(errno));
	while (!err && getline(&line, &room, file) > 0)
		err = add_mount(mounts, line);
	if (!err && ferror(file))
		err = -EIO;
	free(line);
	fclose(file);
	if (err)
		setup_fail(error, err, "cannot read /proc/self/mountinfo: %s",
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

bool mount_is_at(const struct mount *mount)
{
	struct statx st;

	return !statx(AT_FDCWD, mount->point, AT_NO_AUTOMOUNT, STATX_MNT_ID,
		      &st) &&
	       st.stx_mask & STATX_MNT_ID && st.stx_mnt_id == mount->id;
}

int mount_replaceable(const struct mounts *mounts, const struct mount *mount,
		      struct inc_error *error)
{
	size_t i;

	if (strcmp(mount->root, "/"))
		return setup_fail(error, -EBUSY,
				  "%s shows only the folder %s of the device: unmount it first",
				  mount->point, mount->root);
	for (i = 0; i < mounts->count; i++)
		if (mounts->list[i].parent == mount->id)
			return setup_fail(error, -EBUSY,
					  "something is mounted on %s, in %s: unmount it first",
					  mounts->list[i].point, mount->point);
	if (!mount_is_at(mount))
		return setup_fail(error, -EBUSY,
				  "something is mounted over %s: unmount it first",
				  mount->point);
	return 0;
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
	return setup_fail(error, err, "cannot mount %s as %s is mounted: %s",
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
		return setup_fail(error, -errno, "cannot mount a %s: %s",
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

int mount_replace(const struct mounts *mounts, const struct mount *old,
		  const char *device, u32 major, u32 minor,
		  struct inc_error *error)
{
	int fd, err;

	err = mount_replaceable(mounts, old, error);
	if (err)
		return err;
	if (!is_beneath(mounts, old, major, minor)) {
		fd = mount_try(old, device, error);
		if (fd < 0)
			return fd;
		err = mount_beneath(mounts, old, fd, error);
		close(fd);
		if (err)
			return err;
	}
	if (!mount_is_at(old))
		return setup_fail(error, -EBUSY,
				  "something was mounted over %s meanwhile",
				  old->point);
	if (umount2(old->point, MNT_DETACH | UMOUNT_NOFOLLOW))
		return setup_fail(error, -errno, "cannot unmount %s: %s",
				  old->point, strerror(errno));
	/* Let it be as shared as the old one, however it came there. */
	if (mount(NULL, old->point, NULL, strstr(old->peers, "shared:") ?
		  MS_SHARED : MS_PRIVATE, NULL))
		message_debug("cannot set the propagation of %s", old->point);
	return 0;
}
