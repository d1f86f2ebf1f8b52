// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Access control lists; see acl.h.
 */
#include <errno.h>
#include <grp.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <pwd.h>
#include <stdlib.h>
#include "common/message.h"
#include "mkimage.h"
#include "sources/acl.h"

#define ENTRIES_MAX	4096u

/* A list as it is being made. */
struct list {
	struct posix_acl_xattr_header head;
	struct posix_acl_xattr_entry entry[ENTRIES_MAX];
	u32 count;
	bool extended;		/* it has more than the mode tells */
};

/* GNU tar tells users and groups of a list by their names only. */
static bool find_id(int tag, int id, const char *name, u32 *found)
{
	const struct passwd *user;
	const struct group *group;

	*found = (u32)id;
	if (id >= 0)
		return true;
	if (tag == ARCHIVE_ENTRY_ACL_USER) {
		user = name ? getpwnam(name) : NULL;
		*found = user ? user->pw_uid : 0;
		return user;
	}
	group = name ? getgrnam(name) : NULL;
	*found = group ? group->gr_gid : 0;
	return group;
}

static u32 kernel_tag(int tag)
{
	switch (tag) {
	case ARCHIVE_ENTRY_ACL_USER:
		return ACL_USER;
	case ARCHIVE_ENTRY_ACL_GROUP:
		return ACL_GROUP;
	case ARCHIVE_ENTRY_ACL_USER_OBJ:
		return ACL_USER_OBJ;
	case ARCHIVE_ENTRY_ACL_GROUP_OBJ:
		return ACL_GROUP_OBJ;
	case ARCHIVE_ENTRY_ACL_MASK:
		return ACL_MASK;
	case ARCHIVE_ENTRY_ACL_OTHER:
		return ACL_OTHER;
	default:
		return 0;
	}
}

/* The order in which the kernel wants them. */
static int compare(const void *left, const void *right)
{
	const struct posix_acl_xattr_entry *a = left, *b = right;
	u32 x = le32_to_cpu(a->e_id), y = le32_to_cpu(b->e_id);

	if (a->e_tag != b->e_tag)
		return le16_to_cpu(a->e_tag) - le16_to_cpu(b->e_tag);
	return x < y ? -1 : x > y;
}

static int read_list(struct archive_entry *entry, int wanted, struct list *list,
		     const char *archive, const char *path)
{
	int type, permissions, tag, id;
	const char *name;

	list->head.a_version = cpu_to_le32(POSIX_ACL_XATTR_VERSION);
	archive_entry_acl_reset(entry, wanted);
	while (archive_entry_acl_next(entry, wanted, &type, &permissions, &tag,
				      &id, &name) == ARCHIVE_OK) {
		struct posix_acl_xattr_entry *at = &list->entry[list->count];
		u32 number = ACL_UNDEFINED_ID, kind = kernel_tag(tag);

		if (list->count == ENTRIES_MAX || !kind) {
			message_error("%s: the access control list of '%s' in it is none that Linux takes",
				      archive, path);
			return -ENOTSUP;
		}
		if ((kind == ACL_USER || kind == ACL_GROUP) &&
		    !find_id(tag, id, name, &number)) {
			message_error("%s: the access control list of '%s' in it names '%s', which has no number here; make the archive with --numeric-owner",
				      archive, path, name ? name : "");
			return -EINVAL;
		}
		at->e_tag = cpu_to_le16((u16)kind);
		at->e_perm = cpu_to_le16((u16)(permissions & 7));
		at->e_id = cpu_to_le32(number);
		list->extended |= kind == ACL_USER || kind == ACL_GROUP ||
				  kind == ACL_MASK;
		list->count++;
	}
	qsort(list->entry, list->count, sizeof(list->entry[0]), compare);
	return 0;
}

mode_t acl_mode(struct archive_entry *entry, mode_t mode)
{
	int type, permissions, tag, id;
	const char *name;

	archive_entry_acl_reset(entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS);
	while (archive_entry_acl_next(entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS,
				      &type, &permissions, &tag, &id,
				      &name) == ARCHIVE_OK)
		if (tag == ARCHIVE_ENTRY_ACL_MASK)
			return (mode & ~(mode_t)070) |
			       (mode_t)(permissions & 7) << 3;
	return mode;
}

static int add_list(struct model *model, struct model_inode *inode,
		    struct archive_entry *entry, int type, const char *xattr,
		    const char *archive, const char *path)
{
	struct list *list;
	int ret;

	if (!(archive_entry_acl_types(entry) & type))
		return 0;
	list = calloc(1, sizeof(*list));
	if (!list)
		return no_memory();
	ret = read_list(entry, type, list, archive, path);
	/* A default list stands alone; what an access list says may be all in the mode. */
	if (!ret && list->count &&
	    (list->extended || type == ARCHIVE_ENTRY_ACL_TYPE_DEFAULT))
		ret = model_set_xattr(model, inode, xattr, &list->head,
				      sizeof(list->head) +
				      list->count * sizeof(list->entry[0]));
	free(list);
	return ret;
}

int acl_add(struct model *model, struct model_inode *inode,
	    struct archive_entry *entry, const char *archive, const char *path)
{
	int ret = add_list(model, inode, entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS,
			   "system.posix_acl_access", archive, path);

	if (!ret)
		ret = add_list(model, inode, entry,
			       ARCHIVE_ENTRY_ACL_TYPE_DEFAULT,
			       "system.posix_acl_default", archive, path);
	if (!ret && archive_entry_acl_types(entry) &
		    ARCHIVE_ENTRY_ACL_TYPE_NFS4) {
		message_error("%s: '%s' in it has an access control list of NFSv4, which no filesystem here holds",
			      archive, path);
		ret = -ENOTSUP;
	}
	return ret;
}
