/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The devices that are, were or will be NAME, and the change from one generation
 * of an image to another. Names and UUIDs alone tell how far it has come:
 *
 *	NAME			in use
 *	NAME-new		made for another generation, not in use yet
 *	NAME-gen<n>[.<m>]	was NAME, with generation n; deferred removal says
 *				that the change away from it is complete
 *
 * UUIDs are INCREMENTAL-<uuid of the image>-NAME, or the same with a number,
 * <uuid>.<k>-NAME, for those that were made by a change; INCREMENTAL-UNVOUCHED-...
 * if only the image itself gave the root hash. The change is
 *
 *	1. make NAME-new; without a table, making it was interrupted
 *	2. mount it, at no place yet, to see whether that can be
 *	3. NAME becomes NAME-gen<n>, NAME-new becomes NAME
 *	4. mount NAME in the place of each mount of NAME-gen<n>
 *	5. let dmeventd watch NAME if it watches NAME-gen<n>
 *	6. deferred removal of NAME-gen<n>
 *
 * and a command that finds it interrupted goes on from there. The renaming comes
 * before the mounting because a mount keeps its device's name for ever.
 */
#ifndef SETUP_FAMILY_H
#define SETUP_FAMILY_H

#include "dmsetup-plugin/dm.h"
#include "dmsetup-plugin/update/mounts.h"

/**
 * struct member - one of the devices
 * @table: of @line
 * @line: its table line; allocated; NULL: it has none
 * @vouched: its root hash is not just the image's own word
 */
struct member {
	struct dm_device device;
	bool vouched;
	struct table table;
	char *line;
};

/**
 * struct family - all of them
 * @name: NAME
 * @image: UUID of the image, in hexadecimal
 * @current: NAME; NULL: it is not there
 * @next: NAME-new; likewise
 * @old: those that were NAME; @old_count of them
 */
struct family {
	const char *name;
	char image[33];
	struct member *members;
	size_t count;
	struct member *current;
	struct member *next;
	struct member **old;
	size_t old_count;
};

/* Find them. family_free() in any case. -ENODEV: there is no device NAME. */
int family_read(struct family *family, const char *name,
		struct incr_error *error);
void family_free(struct family *family);

/* Put the nodes of an interrupted change right. */
void family_make_nodes(const struct family *family);

/* Has a change been begun and not ended? */
bool family_is_changing(const struct family *family);

/* The one to be changed from; NULL if there is none. */
const struct member *family_old(const struct family *family);

/**
 * family_add - make NAME-new
 * @family: read; to be read again afterwards
 * @sectors: its size
 * @parameters: its table line's
 * @vouched: the root hash in it is not just the image's own word
 */
int family_add(const struct family *family, u64 sectors,
	       const char *parameters, bool vouched, struct incr_error *error);

/**
 * family_change - change NAME to NAME-new, or finish an interrupted change
 * @family: read; is read again
 * @mountpoint: mount there only; NULL: wherever the old one is mounted
 * @held: signals that are blocked, so that nothing is left half done; one ends
 *	the wait for absent data as long as NAME is unchanged
 *
 * If NAME-new cannot be mounted it is removed, and nothing has changed.
 */
int family_change(struct family *family, const char *mountpoint,
		  const sigset_t *held, struct incr_error *error);

/*
 * Is there a mount of @member at @mountpoint (NULL: anywhere) that cannot be
 * replaced? -EINVAL: there is none at @mountpoint.
 */
int family_check_mounts(const struct member *member, const char *mountpoint,
			struct incr_error *error);

#endif /* SETUP_FAMILY_H */
