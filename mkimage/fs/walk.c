// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Walking a tree; see walk.h.
 */
#include <openssl/evp.h>
#include <search.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "common/message.h"
#include "fs/walk.h"

/* A file with several links, by its identity. */
struct linked {
	dev_t dev;
	ino_t ino;
	u64 number;		/* in the order of the walk */
};

struct walker {
	struct walk *walk;
	const struct tree *tree;
	const struct stat *image;
	bool clamp;
	void *linked;		/* a tree of struct linked */
	u64 linked_count;
	EVP_MD_CTX *context;
	int error;		/* in a function that returns none: out of memory */
};

static int failed(const char *path, const char *what, int code)
{
	message_error("%s: %s: %s", path, what, strerror(code));
	return -code;
}

static void add(struct walker *walker, const void *data, size_t length)
{
	if (!EVP_DigestUpdate(walker->context, data, length))
		walker->error = -ENOMEM;
}

static void add_number(struct walker *walker, u64 number)
{
	__le64 value = cpu_to_le64(number);

	add(walker, &value, sizeof(value));
}

/* With its length, so that two texts cannot run into each other. */
static void add_bytes(struct walker *walker, const void *data, size_t length)
{
	add_number(walker, length);
	add(walker, data, length);
}

static int compare_linked(const void *left, const void *right)
{
	const struct linked *a = left, *b = right;

	if (a->dev != b->dev)
		return a->dev < b->dev ? -1 : 1;
	return a->ino < b->ino ? -1 : a->ino > b->ino;
}

static int compare_text(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/*
 * Has another name of this file been met? Its number; or 0 if it is new, or on
 * an error, which is then in the walker.
 */
static u64 linked_before(struct walker *walker, const struct stat *st)
{
	struct linked *key = calloc(1, sizeof(*key));
	struct linked **found;

	if (!key) {
		walker->error = -ENOMEM;
		return 0;
	}
	key->dev = st->st_dev;
	key->ino = st->st_ino;
	found = tsearch(key, &walker->linked, compare_linked);
	if (!found) {
		walker->error = -ENOMEM;
		free(key);
		return 0;
	}
	if (*found != key) {
		free(key);
		return (*found)->number;
	}
	key->number = ++walker->linked_count;
	return 0;
}

static int add_xattrs(struct walker *walker, const char *path)
{
	char *list = NULL, *value = NULL, *names[4096];
	size_t list_room = 0, value_room = 0, count = 0, i;
	ssize_t size = tree_xattr(walker->tree, path, NULL, &list, &list_room);
	int ret = 0;
	char *name;

	if (size < 0 && errno != ENOTSUP)
		ret = failed(path, "cannot list its extended attributes",
			     errno);
	for (name = list; size > 0 && name < list + size;
	     name += strlen(name) + 1)
		if (count < sizeof(names) / sizeof(names[0]))
			names[count++] = name;
	qsort(names, count, sizeof(names[0]), compare_text);
	for (i = 0; !ret && i < count; i++) {
		size = tree_xattr(walker->tree, path, names[i], &value,
				  &value_room);
		if (size < 0 && errno == ENODATA)
			continue;
		if (size < 0) {
			ret = failed(path, "cannot read an extended attribute",
				     errno);
			break;
		}
		add_bytes(walker, names[i], strlen(names[i]));
		add_bytes(walker, value, (size_t)size);
	}
	if (count)
		walker->walk->xattr_blocks++;
	free(list);
	free(value);
	return ret;
}

static int add_link(struct walker *walker, const struct tree_entry *entry)
{
	char target[4097];
	ssize_t length = tree_link(walker->tree, entry->path, target,
				   sizeof(target));

	if (length < 0)
		return failed(entry->path, "cannot read the link", errno);
	add_bytes(walker, target, (size_t)length);
	/* ext4 keeps up to 59 bytes in the inode. */
	walker->walk->link_blocks += length > 59;
	return 0;
}

static void add_file(struct walker *walker, const struct stat *st)
{
	struct walk *walk = walker->walk;
	u64 blocks = ((u64)st->st_size + 4095) >> 12;
	u64 used = ((u64)st->st_blocks + 7) >> 3;

	add_number(walker, (u64)st->st_size);
	walk->file_blocks += blocks;
	walk->used_blocks += used < blocks ? used : blocks;
	/* Four extents are in the inode; one covers up to 128 MiB. */
	if (blocks > 65536)
		walk->extent_blocks += 2 + (blocks >> 15) / 340;
	else if (used < blocks)
		walk->extent_blocks += 1 + blocks / 680;
}

static bool newer(const struct stat *st, const struct walk *walk)
{
	return st->st_mtim.tv_sec > walk->epoch ||
	       (st->st_mtim.tv_sec == walk->epoch &&
		(u32)st->st_mtim.tv_nsec > walk->epoch_nanoseconds);
}

static void add_time(struct walker *walker, const struct stat *st)
{
	int64_t seconds = st->st_mtim.tv_sec;
	u64 nanoseconds = (u64)st->st_mtim.tv_nsec;

	if (walker->clamp && seconds > walker->walk->epoch) {
		seconds = walker->walk->epoch;
		nanoseconds = 0;
	} else if (!walker->clamp && newer(st, walker->walk)) {
		walker->walk->epoch = seconds;
		walker->walk->epoch_nanoseconds = (u32)nanoseconds;
	}
	add_number(walker, (u64)seconds);
	add_number(walker, nanoseconds);
}

static int add_entry(struct walker *walker, const struct tree_entry *entry)
{
	const struct stat *st = entry->st;
	const char *path = entry->path + walker->tree->name_length;
	bool dir = S_ISDIR(st->st_mode);
	u64 before = 0;
	int ret;

	walker->walk->paths++;
	if (walker->image && st->st_dev == walker->image->st_dev &&
	    st->st_ino == walker->image->st_ino) {
		message_error("%s: it is a link of the image that is to be changed",
			      entry->path);
		return -EINVAL;
	}
	add_bytes(walker, path, strlen(path));
	/* An ext4 directory entry has 8 bytes and the name, padded to 4. */
	if (entry->parent)
		entry->parent->number += (8 + entry->name_length + 3) / 4 * 4;
	if (!dir && st->st_nlink > 1)
		before = linked_before(walker, st);
	add_number(walker, before);
	if (before)
		return 0;

	walker->walk->inodes++;
	add_number(walker, st->st_mode);
	add_number(walker, st->st_uid);
	add_number(walker, st->st_gid);
	add_time(walker, st);
	if (S_ISREG(st->st_mode))
		add_file(walker, st);
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		add_number(walker, st->st_rdev);
	if (S_ISLNK(st->st_mode)) {
		ret = add_link(walker, entry);
		if (ret)
			return ret;
	}
	return add_xattrs(walker, entry->path);
}

/* Entries do not fill blocks to the last byte. */
static void add_directory(struct walk *walk, const struct tree_entry *entry)
{
	u64 bytes = 24 + entry->number;

	walk->directory_blocks += bytes / 3700 + 1;
	if (bytes > 4096)
		walk->directory_blocks += bytes / 8192 + 1;
}

static int walk_entry(void *context, struct tree_entry *entry, bool leaving)
{
	struct walker *walker = context;
	int ret = 0;

	if (leaving)
		add_directory(walker->walk, entry);
	else
		ret = add_entry(walker, entry);
	if (!ret && walker->error)
		ret = failed(entry->path, "cannot add it", -walker->error);
	return ret;
}

int walk_epoch(int64_t *epoch, bool *given)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");
	char *end;

	*epoch = 0;
	*given = text && *text;
	if (!*given)
		return 0;
	errno = 0;
	*epoch = strtoll(text, &end, 10);
	if (!errno && !*end && *epoch >= 0)
		return 0;
	message_error("SOURCE_DATE_EPOCH is '%s', not a number of seconds since 1970",
		      text);
	return -EINVAL;
}

int walk_tree(struct walk *walk, const struct tree *tree,
	      const struct stat *image)
{
	struct walker walker = { .walk = walk, .tree = tree, .image = image };
	int ret;

	memset(walk, 0, sizeof(*walk));
	walker.context = EVP_MD_CTX_new();
	if (walker.context &&
	    EVP_DigestInit_ex(walker.context, EVP_sha256(), NULL))
		ret = walk_epoch(&walk->epoch, &walker.clamp);
	else
		ret = failed(tree->name, "cannot read it", ENOMEM);
	if (!ret)
		ret = tree_visit(tree, walk_entry, &walker);
	if (!ret && !EVP_DigestFinal_ex(walker.context, walk->id, NULL))
		ret = failed(tree->name, "cannot read it", ENOMEM);
	tdestroy(walker.linked, free);
	EVP_MD_CTX_free(walker.context);
	return ret;
}
