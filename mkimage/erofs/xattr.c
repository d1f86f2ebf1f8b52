// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Extended attributes; see xattr.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/xattr.h>
#include "common/message.h"
#include "erofs/xattr.h"
#include "fs/xattr-sum.h"
#include "mkimage.h"

/* Attributes as they are found: each one is struct erofs_disk_xattr and so on. */
struct collection {
	u8 **entries;
	size_t count;
	size_t room;
};

static const struct {
	const char *text;
	enum erofs_prefix prefix;
	bool whole;		/* nothing follows it */
} prefixes[] = {
	{ "system.posix_acl_access", EROFS_PREFIX_ACL, true },
	{ "system.posix_acl_default", EROFS_PREFIX_ACL_DEFAULT, true },
	{ "user.", EROFS_PREFIX_USER, false },
	{ "trusted.", EROFS_PREFIX_TRUSTED, false },
	{ "security.", EROFS_PREFIX_SECURITY, false },
};

void erofs_xattrs_free(struct erofs_xattrs *xattrs)
{
	free(xattrs->data);
	xattrs->data = NULL;
	xattrs->size = 0;
}

static size_t entry_size(const struct erofs_disk_xattr *entry)
{
	size_t size = sizeof(*entry) + entry->name_length +
		      le16_to_cpu(entry->value_length);

	return (size + 3) & ~(size_t)3;
}

static int out_of_memory(const char *name)
{
	message_error("%s: out of memory", name);
	return -ENOMEM;
}

/* Room for an entry of @head's size, which gets @head and zeros. */
static u8 *add_entry(struct collection *all,
		     const struct erofs_disk_xattr *head)
{
	u8 *entry = calloc(1, entry_size(head));

	if (all->count == all->room) {
		size_t room = all->room ? 2 * all->room : 8;
		u8 **more = realloc(all->entries, room * sizeof(*more));

		if (more) {
			all->entries = more;
			all->room = room;
		}
	}
	if (!entry || all->count == all->room) {
		free(entry);
		return NULL;
	}
	memcpy(entry, head, sizeof(*head));
	all->entries[all->count++] = entry;
	return entry;
}

static int compare_entries(const void *left, const void *right)
{
	const u8 *a = *(u8 *const *)left, *b = *(u8 *const *)right;
	const struct erofs_disk_xattr *x = (const void *)a;
	const struct erofs_disk_xattr *y = (const void *)b;
	size_t length = x->name_length < y->name_length ? x->name_length :
							  y->name_length;
	int order;

	if (x->prefix != y->prefix)
		return x->prefix - y->prefix;
	order = memcmp(a + sizeof(*x), b + sizeof(*y), length);
	return order ? order : x->name_length - y->name_length;
}

/* Sort the attributes that were found and join them. Frees @all. */
static int finish(struct collection *all, const char *name, int ret,
		  struct erofs_xattrs *xattrs)
{
	size_t size = 0, i;

	xattrs->data = NULL;
	xattrs->size = 0;
	for (i = 0; i < all->count; i++)
		size += entry_size((const void *)all->entries[i]);
	if (!ret && size) {
		xattrs->data = malloc(size);
		if (!xattrs->data)
			ret = out_of_memory(name);
	}
	if (!ret && size)
		qsort(all->entries, all->count, sizeof(*all->entries),
		      compare_entries);
	for (i = 1; !ret && i < all->count; i++) {
		if (compare_entries(&all->entries[i - 1], &all->entries[i]))
			continue;
		message_error("%s: an inode of the erofs has the same extended attribute twice",
			      name);
		ret = -EINVAL;
	}
	for (i = 0; i < all->count; i++) {
		if (!ret) {
			size = entry_size((const void *)all->entries[i]);
			memcpy(xattrs->data + xattrs->size, all->entries[i],
			       size);
			xattrs->size += size;
		}
		free(all->entries[i]);
	}
	free(all->entries);
	if (ret)
		erofs_xattrs_free(xattrs);
	return ret;
}

/*
 * Read the attribute at @offset, of at most @left bytes, or with @left 0 as
 * many as it says.
 */
static int read_entry(struct erofs_image *image, u64 nid, u64 offset,
		      u64 left, struct collection *all, u64 *size)
{
	struct erofs_disk_xattr head;
	size_t bytes;
	u8 *entry;
	int ret;

	ret = erofs_meta_read(image, offset, &head, sizeof(head));
	if (ret)
		return ret;
	*size = entry_size(&head);
	if (left && *size > left)
		return erofs_damaged(image, "an attribute of inode %llu reaches behind them",
				     (unsigned long long)nid);
	entry = add_entry(all, &head);
	if (!entry)
		return out_of_memory(image->device->name);
	bytes = head.name_length + le16_to_cpu(head.value_length);
	return erofs_meta_read(image, offset + sizeof(head),
			       entry + sizeof(head), bytes);
}

static int read_entries(struct erofs_image *image,
			const struct erofs_inode *inode,
			struct collection *all)
{
	u64 offset = erofs_inode_offset(image, inode->nid) +
		     erofs_header_size(inode);
	u64 end = offset + inode->xattr_size, size = 0;
	u64 shared = (u64)le32_to_cpu(image->super.xattr_block) <<
		     EROFS_BLOCK_SHIFT;
	struct erofs_disk_xattrs head;
	__le32 ids[UINT8_MAX];
	u32 i, j;
	int ret;

	ret = erofs_meta_read(image, offset, &head, sizeof(head));
	offset += sizeof(head);
	if (!ret && head.shared * sizeof(*ids) > end - offset)
		return erofs_damaged(image, "inode %llu has %u shared attributes",
				     (unsigned long long)inode->nid,
				     head.shared);
	for (i = 0; !ret && i < head.shared; i++) {
		ret = erofs_meta_read(image, offset, &ids[i], sizeof(*ids));
		offset += sizeof(*ids);
		/* Reading one many times would take long. */
		for (j = 0; !ret && j < i; j++)
			if (ids[j] == ids[i])
				return erofs_damaged(image, "inode %llu has attribute %u twice",
						     (unsigned long long)inode->nid,
						     le32_to_cpu(ids[i]));
		if (!ret)
			ret = read_entry(image, inode->nid,
					 shared + 4ull * le32_to_cpu(ids[i]), 0,
					 all, &size);
	}
	while (!ret && offset < end) {
		ret = read_entry(image, inode->nid, offset, end - offset, all,
				 &size);
		offset += size;
	}
	return ret;
}

int erofs_xattrs_read(struct erofs_image *image,
		      const struct erofs_inode *inode,
		      struct erofs_xattrs *xattrs)
{
	struct collection all = { 0 };
	int ret = 0;

	if (inode->xattr_size)
		ret = read_entries(image, inode, &all);
	return finish(&all, image->device->name, ret, xattrs);
}

static const char *prefix_text(u8 prefix)
{
	size_t i;

	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (prefixes[i].prefix == prefix)
			return prefixes[i].text;
	return "";
}

int erofs_xattrs_visit(const struct erofs_xattrs *xattrs, xattr_visit visit,
		       void *context)
{
	const struct erofs_disk_xattr *entry;
	size_t done;
	int ret;

	for (done = 0; done < xattrs->size; done += entry_size(entry)) {
		const char *rest = (const char *)xattrs->data + done +
				   sizeof(*entry);
		char name[512];

		entry = (const void *)(xattrs->data + done);
		snprintf(name, sizeof(name), "%s%.*s",
			 prefix_text(entry->prefix), entry->name_length, rest);
		ret = visit(context, name, rest + entry->name_length,
			    le16_to_cpu(entry->value_length));
		if (ret)
			return ret;
	}
	return 0;
}

static int add_to_sum(void *sum, const char *name, const void *value, size_t length)
{
	return xattr_sum_add(sum, name, value, length) ? 0 : no_memory();
}

int erofs_xattrs_sum(const struct erofs_xattrs *xattrs, u8 *sum)
{
	memset(sum, 0, INC_SHA256_SIZE);
	return erofs_xattrs_visit(xattrs, add_to_sum, sum);
}

/* Split @name into @head's prefix and the rest. */
static const char *split_name(const char *name, struct erofs_disk_xattr *head)
{
	size_t i, length;

	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		length = strlen(prefixes[i].text);
		if (strncmp(name, prefixes[i].text, length) ||
		    prefixes[i].whole != !name[length])
			continue;
		head->prefix = (u8)prefixes[i].prefix;
		head->name_length = (u8)strlen(name + length);
		return name + length;
	}
	return NULL;
}

static int add_attribute(const char *path, const char *name, const void *value,
			 size_t size, struct collection *all)
{
	struct erofs_disk_xattr head;
	const char *rest = split_name(name, &head);
	u8 *entry;

	if (!rest) {
		message_error("%s: erofs cannot hold its extended attribute %s",
			      path, name);
		return -ENOTSUP;
	}
	if (size > UINT16_MAX) {
		message_error("%s: its extended attribute %s has %zu bytes; erofs can hold 65535",
			      path, name, size);
		return -E2BIG;
	}
	head.value_length = cpu_to_le16((u16)size);
	entry = add_entry(all, &head);
	if (!entry)
		return out_of_memory(path);
	memcpy(entry + sizeof(head), rest, head.name_length);
	memcpy(entry + sizeof(head) + head.name_length, value, size);
	return 0;
}

int erofs_xattrs_of_file(const struct tree *tree, const char *path,
			 struct erofs_xattrs *xattrs)
{
	char *list = NULL, *value = NULL, *name;
	size_t list_room = 0, value_room = 0;
	struct collection all = { 0 };
	ssize_t size = tree_xattr(tree, path, NULL, &list, &list_room), length;
	int ret = 0;

	if (size < 0 && errno != ENOTSUP) {
		ret = -errno;
		message_error("%s: cannot list its extended attributes: %s",
			      path, strerror(errno));
	}
	for (name = list; !ret && size > 0 && name < list + size;
	     name += strlen(name) + 1) {
		length = tree_xattr(tree, path, name, &value, &value_room);
		if (length < 0 && errno == ENODATA)
			continue;
		if (length < 0) {
			ret = -errno;
			message_error("%s: cannot read its extended attribute %s: %s",
				      path, name, strerror(errno));
			break;
		}
		ret = add_attribute(path, name, value, (size_t)length, &all);
	}
	free(list);
	free(value);
	ret = finish(&all, path, ret, xattrs);
	if (!ret && xattrs->size + sizeof(struct erofs_disk_xattrs) >
		    EROFS_XATTRS_MAX) {
		message_error("%s: its extended attributes have %zu bytes; erofs can hold %zu",
			      path, xattrs->size, EROFS_XATTRS_MAX -
			      sizeof(struct erofs_disk_xattrs));
		erofs_xattrs_free(xattrs);
		ret = -E2BIG;
	}
	return ret;
}
