// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From one generation to another; see family.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "common/message.h"
#include "dmsetup-plugin/attempt.h"
#include "dmsetup-plugin/update/family.h"
#include "dmsetup-plugin/update/names.h"

#define NEW_SUFFIX	"-new"
#define ATTEMPTS	1000

static bool is_vouched(const char *uuid)
{
	static const char start[] = UUID_PREFIX UUID_UNVOUCHED;

	return strncmp(uuid, start, strlen(start)) != 0;
}

/*
 * Is @uuid one of NAME's? Then the image's UUID, and the number of the change
 * that made it, 0 if it was not made by one.
 */
static bool parse_uuid(const char *uuid, const char *name, char *image,
		       unsigned int *number)
{
	int n = 0;

	*number = 0;
	if (strncmp(uuid, UUID_PREFIX, strlen(UUID_PREFIX)))
		return false;
	uuid += strlen(UUID_PREFIX);
	if (!strncmp(uuid, UUID_UNVOUCHED, strlen(UUID_UNVOUCHED)))
		uuid += strlen(UUID_UNVOUCHED);
	if (sscanf(uuid, "%32[0-9a-f]%n", image, &n) != 1 ||
	    strlen(image) != 32)
		return false;
	uuid += n;
	if (*uuid == '.') {
		n = 0;
		if (sscanf(uuid, ".%9u%n", number, &n) != 1 || !*number)
			return false;
		uuid += n;
	}
	return *uuid == '-' && !strcmp(uuid + 1, name);
}

static int add_member(struct family *family, const struct dm_device *device,
		      struct incr_error *error)
{
	struct member *member = &family->members[family->count];
	struct incr_error why;
	struct dm_state state;
	int err;

	member->device = *device;
	member->vouched = is_vouched(device->uuid);
	err = dm_read_state(device->name, &state, &why);
	if (!err) {
		member->line = strdup(state.table);
		dm_free_state(&state);
		if (!member->line)
			return incr_fail(error, -ENOMEM, "out of memory");
		err = parse_table(member->line, &member->table, error);
		if (err)
			return err;
	} else if (err == -ENODEV) {
		/* Gone meanwhile: its last user has left. */
		return 0;
	} else if (device->info.live_table) {
		*error = why;
		return err;
	}
	family->count++;
	return 0;
}

/* The image is that of NAME, or else of NAME-new, or else of any. */
static void choose_image(struct family *family, const struct dm_list_of *list)
{
	char image[33], next[DM_NAME_MAX + 8];
	unsigned int number;
	int best = -1;
	size_t i;

	snprintf(next, sizeof(next), "%s" NEW_SUFFIX, family->name);
	for (i = 0; i < list->count; i++) {
		const struct dm_device *device = &list->devices[i];
		int rank = !strcmp(device->name, family->name) ? 2 :
			   !strcmp(device->name, next);

		if (rank > best &&
		    parse_uuid(device->uuid, family->name, image, &number)) {
			strcpy(family->image, image);
			best = rank;
		}
	}
}

static int take_members(struct family *family, const struct dm_list_of *list,
			struct incr_error *error)
{
	char image[33];
	unsigned int number;
	int err = 0;
	size_t i;

	choose_image(family, list);
	family->members = calloc(list->count + 1, sizeof(*family->members));
	family->old = calloc(list->count + 1, sizeof(*family->old));
	if (!family->members || !family->old)
		return incr_fail(error, -ENOMEM, "out of memory");
	for (i = 0; !err && i < list->count; i++)
		if (parse_uuid(list->devices[i].uuid, family->name, image,
			       &number) && !strcmp(image, family->image))
			err = add_member(family, &list->devices[i], error);
	return err;
}

static void sort_members(struct family *family)
{
	size_t n = strlen(family->name), i;

	for (i = 0; i < family->count; i++) {
		struct member *member = &family->members[i];
		const char *name = member->device.name;

		if (!strcmp(name, family->name))
			family->current = member;
		else if (!strncmp(name, family->name, n) &&
			 !strcmp(name + n, NEW_SUFFIX))
			family->next = member;
		else if (member->line)
			family->old[family->old_count++] = member;
	}
}

int family_read(struct family *family, const char *name,
		struct incr_error *error)
{
	struct dm_list_of list;
	int err;

	*family = (struct family){ .name = name };
	err = dm_list_ours(&list, error);
	if (!err)
		err = take_members(family, &list, error);
	free(list.devices);
	if (err)
		return err;
	sort_members(family);
	if (family->current ? family->current->line != NULL :
	    family->next && family->next->line)
		return 0;
	if (family->current)
		return incr_fail(error, -ENODEV,
				 "device %s has no table: making it was interrupted (dmsetup remove takes it away)",
				 name);
	if (dm_exists(name))
		return incr_fail(error, -ENOTBLK,
				 "device %s was not made by incrementalsetup open",
				 name);
	return incr_fail(error, -ENODEV, "there is no device %s", name);
}

void family_free(struct family *family)
{
	size_t i;

	for (i = 0; family->members && i < family->count; i++)
		free(family->members[i].line);
	free(family->members);
	free(family->old);
	family->members = NULL;
	family->old = NULL;
	family->count = family->old_count = 0;
	family->current = family->next = NULL;
}

void family_make_nodes(const struct family *family)
{
	const struct dm_device *device;
	size_t i;

	if (dm_udev_get_sync_support())
		return;
	for (i = 0; i < family->count; i++) {
		device = &family->members[i].device;
		if (family->members[i].line)
			names_put_right(device->name, device->info.major,
					device->info.minor);
	}
	/* Without a device NAME its node leads to NAME-new already, and stays. */
	if (family->current)
		dm_make_nodes(NULL);
}

static int read_again(struct family *family, struct incr_error *error)
{
	const char *name = family->name;

	family_free(family);
	return family_read(family, name, error);
}

static bool is_left(const struct member *member)
{
	return member->device.info.deferred_remove;
}

const struct member *family_old(const struct family *family)
{
	size_t i;

	if (family->next && family->next->line && family->current)
		return family->current;
	for (i = 0; i < family->old_count; i++)
		if (!is_left(family->old[i]))
			return family->old[i];
	return NULL;
}

bool family_is_changing(const struct family *family)
{
	return (family->next && family->next->line) || family_old(family);
}

/* A UUID that no device has. */
static int free_uuid(const struct family *family, bool vouched, char *uuid,
		     struct incr_error *error)
{
	unsigned int most = 0, number;
	char image[33];
	size_t i;

	for (i = 0; i < family->count; i++)
		if (parse_uuid(family->members[i].device.uuid, family->name,
			       image, &number) && number > most)
			most = number;
	if (snprintf(uuid, DM_UUID_MAX, UUID_PREFIX "%s%s.%u-%s",
		     vouched ? "" : UUID_UNVOUCHED, family->image, most + 1,
		     family->name) >= DM_UUID_MAX)
		return incr_fail(error, -EINVAL,
				 "the name %s is too long to be updated",
				 family->name);
	return 0;
}

static int new_name(const struct family *family, char *name,
		    struct incr_error *error)
{
	/* Room for the longest that there will be, NAME-gen4095.999. */
	if (strlen(family->name) + strlen("-gen4095.999") >= DM_NAME_MAX)
		return incr_fail(error, -EINVAL,
				 "the name %s is too long to be updated",
				 family->name);
	snprintf(name, DM_NAME_MAX, "%s" NEW_SUFFIX, family->name);
	return 0;
}

int family_add(const struct family *family, u64 sectors,
	       const char *parameters, bool vouched, struct incr_error *error)
{
	char name[DM_NAME_MAX], uuid[DM_UUID_MAX];
	int err;

	err = new_name(family, name, error);
	if (!err)
		err = free_uuid(family, vouched, uuid, error);
	if (!err && family->next)
		err = dm_remove(name, false, error);
	if (err)
		return err;
	return dm_create(name, uuid, sectors, parameters, error);
}

/* What NAME is to be called when it is no longer the current one: NAME-gen<n>. */
static void old_name(const struct family *family, char *name)
{
	unsigned long long generation = family->current->table.generation;
	unsigned int i;

	snprintf(name, DM_NAME_MAX, "%.110s-gen%llu", family->name, generation);
	for (i = 1; dm_exists(name) && i < ATTEMPTS; i++)
		snprintf(name, DM_NAME_MAX, "%.110s-gen%llu.%u", family->name,
			 generation, i);
}

static int pass_name(const struct family *family, struct incr_error *error)
{
	char old[DM_NAME_MAX];

	if (family->current)
		old_name(family, old);
	return names_pass(family->name, family->current ? old : NULL,
			  family->next->device.name, error);
}

static bool concerns(const struct mount *mount, const struct member *member,
		     const char *mountpoint)
{
	return mount_is_of(mount, member->device.info.major,
			   member->device.info.minor) &&
	       (!mountpoint || !strcmp(mount->point, mountpoint));
}

int family_check_mounts(const struct member *member, const char *mountpoint,
			struct incr_error *error)
{
	struct mounts mounts;
	bool found = false;
	int err;
	size_t i;

	err = mounts_read(&mounts, error);
	for (i = 0; !err && i < mounts.count; i++) {
		if (!concerns(&mounts.list[i], member, mountpoint))
			continue;
		found = true;
		err = mount_replaceable(&mounts, &mounts.list[i], error);
	}
	mounts_free(&mounts);
	if (!err && mountpoint && !found)
		err = incr_fail(error, -EINVAL,
				"device %s is not mounted on %s",
				member->device.name, mountpoint);
	return err;
}

/* Can NAME-new be mounted as NAME is? @fd holds it then; -1: no need to. */
static int try_new(const struct family *family, const char *mountpoint,
		   const sigset_t *held, int *fd, struct incr_error *error)
{
	const struct member *old = family_old(family);
	struct mounts mounts;
	size_t i;
	int err;

	*fd = -1;
	err = mounts_read(&mounts, error);
	for (i = 0; !err && old && *fd < 0 && i < mounts.count; i++) {
		if (!concerns(&mounts.list[i], old, mountpoint))
			continue;
		message_progress("%s: mounting the new generation",
				 family->name);
		*fd = mount_attempt(&mounts.list[i], family->next->device.name,
				    held, error);
		err = *fd < 0 ? *fd : 0;
		message_progress(NULL);
	}
	mounts_free(&mounts);
	return err;
}

/* Mount NAME wherever @old is mounted. */
static int replace_mounts(const struct family *family,
			  const struct member *old, const char *mountpoint,
			  struct incr_error *error)
{
	const struct dm_info *info = &family->current->device.info;
	bool replaced = true;
	char path[DM_NAME_MAX + 16];
	int err = 0;

	snprintf(path, sizeof(path), "/dev/mapper/%s", family->name);
	/* With shared mounts others may have gone along: look anew. */
	while (!err && replaced) {
		struct mounts mounts;
		size_t i;

		replaced = false;
		err = mounts_read(&mounts, error);
		for (i = 0; !err && !replaced && i < mounts.count; i++) {
			if (!concerns(&mounts.list[i], old, mountpoint))
				continue;
			err = mount_replace(&mounts, &mounts.list[i], path,
					    info->major, info->minor, error);
			replaced = !err;
		}
		mounts_free(&mounts);
	}
	return err;
}

static int change_names(struct family *family, const char *mountpoint,
			const sigset_t *held, int *fd, struct incr_error *error)
{
	struct incr_error why;
	int err;

	err = try_new(family, mountpoint, held, fd, error);
	if (err) {
		if (dm_remove(family->next->device.name, false, &why))
			message_warning("%s", why.text);
		return err;
	}
	err = pass_name(family, error);
	return err ? err : read_again(family, error);
}

int family_change(struct family *family, const char *mountpoint,
		  const sigset_t *held, struct incr_error *error)
{
	int err, fd = -1;
	size_t i;

	err = read_again(family, error);
	if (!err && family->next && family->next->line)
		err = change_names(family, mountpoint, held, &fd, error);
	for (i = 0; !err && i < family->old_count; i++) {
		const struct member *old = family->old[i];

		if (is_left(old))
			continue;
		err = replace_mounts(family, old, mountpoint, error);
		if (!err) {
			monitor_follow(family->name, old->device.uuid,
				       family->current->device.uuid);
			err = dm_remove(old->device.name, true, error);
		}
		if (err == -ENODEV)
			err = 0;
	}
	if (fd >= 0)
		close(fd);
	return err ? err : read_again(family, error);
}
