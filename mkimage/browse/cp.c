// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mkimage cp
 *
 * The copy is made in a new directory beside its place, and moved there when it is
 * complete. A signal only sets a flag, as a tree cannot be removed in its handler.
 */
#include <fcntl.h>
#include <search.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "browse/path.h"
#include "browse/place.h"
#include "command.h"
#include "common/message.h"
#include "common/option.h"
#include "io.h"
#include "mkimage.h"

const char cp_help[] =
"Usage: mkimage cp [OPTION]... IMAGE PATH TO\n"
"\n"
"Copy a file, or a directory and all below it, out of IMAGE. If TO is a directory\n"
"the copy goes into it. Modes, times, symbolic and hard links are kept, holes,\n"
"ACLs and users' extended attributes; for root all attributes, owners and device\n"
"nodes, too.\n"
"\n"
BROWSE_IMAGE_HELP
"\n"
"  --force                 replace a file of that name\n"
BROWSE_OPTIONS_HELP;

/* The most bytes of contents that are written: this, plus so many devices. */
#define CONTENT_MAX	(64ull << 30)
#define CONTENT_FACTOR	16u

/**
 * struct copy - a copy that is being made
 * @root: we may change owners
 * @links: inodes with several names that were copied, see struct copied
 * @left: bytes of contents that may still be written
 * @buffer: READER_READ_MAX bytes
 * @no_xattrs: a warning has said that they cannot be kept
 */
struct copy {
	struct browse browse;
	bool force;
	bool root;
	void *links;
	struct place place;
	u64 left;
	char *buffer;
	bool no_xattrs;
};

/* An inode and its first name, from the place's directory on. */
struct copied {
	u64 number;
	char *path;
};

static atomic_bool stop;
static volatile sig_atomic_t signal_number;

static void on_signal(int number)
{
	signal_number = number;
	atomic_store(&stop, true);
}

static void catch_signals(void)
{
	static const int numbers[] = { SIGHUP, SIGINT, SIGTERM, SIGXFSZ, SIGXCPU };
	struct sigaction action = { .sa_handler = on_signal }, old;
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (!sigaction(numbers[i], NULL, &old) &&
		    old.sa_handler == SIG_DFL)
			sigaction(numbers[i], &action, NULL);
}

/* An error of the system. Return: -errno. */
static int failed(const char *path, const char *doing)
{
	int code = errno;

	message_error("%s: %s: %s", path, doing, strerror(code));
	return -code;
}

static int compare_copied(const void *left, const void *right)
{
	const struct copied *a = left, *b = right;

	return a->number < b->number ? -1 : a->number > b->number;
}

static void free_copied(void *item)
{
	struct copied *copied = item;

	free(copied->path);
	free(copied);
}

/* The name that the inode has already, or NULL: then @path is it from now on. */
static int first_name(struct copy *copy, const struct node *node,
		      const char *path, const char **first)
{
	struct copied *new = malloc(sizeof(*new)), **found = NULL;

	if (new) {
		new->number = node->number;
		new->path = strdup(path);
		found = tsearch(new, &copy->links, compare_copied);
	}
	if (!found || !new->path) {
		/* One that is in the tree is freed with it. */
		if (new && !found)
			free_copied(new);
		return no_memory();
	}
	*first = *found == new ? NULL : (*found)->path;
	if (*found != new)
		free_copied(new);
	return 0;
}

static struct timespec *node_times(const struct node *node,
				   struct timespec times[2])
{
	times[0].tv_sec = (time_t)node->seconds;
	/* Larger ones have a meaning of their own. */
	times[0].tv_nsec = node->nanoseconds < 1000000000u ?
			   node->nanoseconds : 0;
	times[1] = times[0];
	return times;
}

/* What only root may give, and a set-user-ID bit that is another user's then. */
static mode_t node_mode(const struct copy *copy, const struct node *node)
{
	return node->mode & (copy->root ? 07777 : 01777);
}

/* Any number of a hostile image's files may be of the same blocks. */
static int take_bytes(struct copy *copy, size_t length)
{
	if (length > copy->left) {
		message_error("%s: files in it have more in common than can be copied: together they are over %u times as large as the device",
			      copy->browse.name, CONTENT_FACTOR);
		return -EFBIG;
	}
	copy->left -= length;
	return 0;
}

/* An inode's attributes on their way to an open file, or to what is at @at. */
struct xattr_copy {
	struct copy *copy;
	int fd;
	const char *at;
	const char *path;
};

static int set_xattr(void *context, const char *name, const void *value, size_t length)
{
	struct xattr_copy *to = context;
	int ret = take_bytes(to->copy, length + strlen(name));

	if (ret)
		return ret;
	/* Others are root's to give. */
	if (!to->copy->root && strncmp(name, "user.", 5) &&
	    strncmp(name, "system.posix_acl_", 17))
		return 0;
	if (!(to->at ? lsetxattr(to->at, name, value, length, 0) :
	      fsetxattr(to->fd, name, value, length, 0)))
		return 0;
	if (errno != ENOTSUP)
		return failed(to->path, "cannot set an extended attribute");
	if (!to->copy->no_xattrs)
		message_warning("%s: the filesystem there does not take all extended attributes: they are left out",
				to->path);
	to->copy->no_xattrs = true;
	return 0;
}

/* Give them to @name in directory @dir, or to @dir, which may be a file, if that is NULL. */
static int copy_xattrs(struct copy *copy, int dir, const char *name,
		       const struct node *node, const char *path)
{
	struct xattr_copy to = { .copy = copy, .fd = dir, .path = path };
	char *at = NULL;
	int ret;

	/* There is no lsetxattrat(). */
	if (name && asprintf(&at, "/proc/self/fd/%d/%s", dir, name) < 0)
		return no_memory();
	to.at = at;
	ret = copy->browse.reader->xattrs(copy->browse.opened, node, set_xattr, &to);
	free(at);
	return ret;
}

static int set_attributes(struct copy *copy, int fd,
			  const struct node *node, const char *path)
{
	struct timespec times[2];
	int ret;

	/* A new owner costs capabilities, and a mode may forbid attributes. */
	if (copy->root && fchown(fd, node->uid, node->gid))
		return failed(path, "cannot set its owner");
	ret = copy_xattrs(copy, fd, NULL, node, path);
	if (ret)
		return ret;
	if (fchmod(fd, node_mode(copy, node)) ||
	    futimens(fd, node_times(node, times)))
		return failed(path, "cannot set its mode and time");
	return 0;
}

static bool is_zero(const char *data, size_t length)
{
	return !data[0] && !memcmp(data, data + 1, length - 1);
}

/* Write @length bytes, but for blocks of zeros, which become holes. */
static int write_sparse(struct copy *copy, int fd, u64 offset,
			const char *data, size_t length, const char *path)
{
	int ret;

	ret = take_bytes(copy, length);
	while (!ret && length) {
		size_t part = INC_BLOCK_SIZE - offset % INC_BLOCK_SIZE;

		if (part > length)
			part = length;
		if (!is_zero(data, part))
			ret = write_all(fd, offset, data, part, path);
		data += part;
		offset += part;
		length -= part;
	}
	return ret;
}

static int copy_contents(struct copy *copy, int fd, const struct node *node,
			 const char *path)
{
	struct browse *browse = &copy->browse;
	u64 offset;
	int ret = 0;

	for (offset = 0; !ret && offset < node->size;) {
		size_t part = node->size - offset < READER_READ_MAX ?
			      (size_t)(node->size - offset) : READER_READ_MAX;

		ret = atomic_load(&stop) ? -ECANCELED :
		      browse->reader->read(browse->opened, node, offset,
					   copy->buffer, part);
		if (!ret)
			ret = write_sparse(copy, fd, offset, copy->buffer, part,
					   path);
		offset += part;
	}
	if (!ret && ftruncate(fd, (off_t)node->size))
		ret = failed(path, "cannot give it its size");
	return ret;
}

static int copy_file(struct copy *copy, int dir, const char *name,
		     const struct node *node, const char *path)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
			O_CLOEXEC, 0600);
	int ret;

	if (fd < 0)
		return failed(path, "cannot create it");
	ret = copy_contents(copy, fd, node, path);
	if (!ret)
		ret = set_attributes(copy, fd, node, path);
	if (close(fd) && !ret)
		ret = failed(path, "cannot write it");
	return ret;
}

/* Links and what has no contents: their attributes are set by name. */
static int copy_special(struct copy *copy, int dir, const char *name,
			const struct node *node, const char *path)
{
	char text[READER_LINK_MAX + 1];
	struct timespec times[2];
	int ret = 0;

	if (S_ISLNK(node->mode))
		ret = browse_link(&copy->browse, node, path, text);
	if (ret)
		return ret;
	if (!copy->root && (S_ISCHR(node->mode) || S_ISBLK(node->mode))) {
		message_warning("%s: it is a device node, which only root can make: left out",
				path);
		return 0;
	}
	if (S_ISLNK(node->mode) ? symlinkat(text, dir, name) :
	    mknodat(dir, name, (node->mode & S_IFMT) | 0600, node->device))
		return failed(path, "cannot create it");
	if (copy->root && fchownat(dir, name, node->uid, node->gid,
				   AT_SYMLINK_NOFOLLOW))
		return failed(path, "cannot set its owner");
	ret = copy_xattrs(copy, dir, name, node, path);
	if (ret)
		return ret;
	if ((!S_ISLNK(node->mode) &&
	     fchmodat(dir, name, node_mode(copy, node), 0)) ||
	    utimensat(dir, name, node_times(node, times), AT_SYMLINK_NOFOLLOW))
		return failed(path, "cannot set its mode and time");
	return 0;
}

static int copy_tree(struct copy *copy, int dir, const char *name,
		     const struct node *node, const char *path, u32 depth);

static int copy_entries(struct copy *copy, int fd, const struct node *dir,
			const char *path, u32 depth)
{
	struct entries entries;
	size_t i;
	int ret = entries_read(&copy->browse, dir, &entries);

	for (i = 0; !ret && i < entries.count; i++) {
		const struct listed *entry = &entries.list[i];
		struct node node;
		char *below;

		ret = copy->browse.reader->node(copy->browse.opened,
						entry->number, &node);
		if (ret)
			break;
		below = path_join(path, entry->name);
		ret = below ? copy_tree(copy, fd, entry->name, &node, below,
					depth + 1) : -ENOMEM;
		free(below);
	}
	entries_free(&entries);
	return ret;
}

static int copy_directory(struct copy *copy, int dir, const char *name,
			  const struct node *node, const char *path, u32 depth)
{
	int fd, ret = browse_enter(&copy->browse, node, path, depth);

	if (ret)
		return ret;
	fd = mkdirat(dir, name, 0700) ? -1 :
	     openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return failed(path, "cannot create it");
	ret = copy_entries(copy, fd, node, path, depth);
	/* The topmost must be writable to be moved; see finish(). */
	if (!ret && depth)
		ret = set_attributes(copy, fd, node, path);
	close(fd);
	return ret;
}

/* @path is the one in the copy, with @depth 0 that of all of it. */
static int copy_tree(struct copy *copy, int dir, const char *name,
		     const struct node *node, const char *path, u32 depth)
{
	const char *first = NULL;
	int ret = atomic_load(&stop) ? -ECANCELED : 0;

	if (!ret && node->links > 1 && !S_ISDIR(node->mode))
		ret = first_name(copy, node, path, &first);
	if (ret)
		return ret;
	if (first && !linkat(copy->place.dir, first, dir, name, 0))
		return 0;
	/* Where there cannot be a link, another copy will do. */
	if (S_ISDIR(node->mode))
		return copy_directory(copy, dir, name, node, path, depth);
	if (S_ISREG(node->mode))
		return copy_file(copy, dir, name, node, path);
	return copy_special(copy, dir, name, node, path);
}

/* The topmost directory's attributes, once it is where it belongs. */
static int finish(struct copy *copy, const struct node *node)
{
	int fd, ret = place_commit(&copy->place, copy->force);

	if (ret || !S_ISDIR(node->mode))
		return ret;
	fd = open(copy->place.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return failed(copy->place.path, "cannot set its mode and time");
	ret = set_attributes(copy, fd, node, copy->place.path);
	close(fd);
	return ret;
}

static int copy_path(struct copy *copy, const char *path, const char *to)
{
	struct node node;
	int ret = path_find(&copy->browse, path, false, &node);

	if (!ret)
		ret = place_open(&copy->place, path, to, copy->browse.store,
				 S_ISDIR(node.mode), copy->force);
	if (!ret)
		ret = copy_tree(copy, copy->place.dir, copy->place.name, &node,
				copy->place.name, 0);
	if (!ret)
		ret = finish(copy, &node);
	place_close(&copy->place);
	return ret;
}

static int run(struct copy *copy, char **operands)
{
	int ret;

	copy->root = !geteuid();
	copy->browse.how.stop = &stop;
	copy->buffer = malloc(READER_READ_MAX);
	catch_signals();
	ret = copy->buffer ? browse_open(&copy->browse, operands[0]) :
			     no_memory();
	if (!ret) {
		copy->left = CONTENT_MAX + CONTENT_FACTOR *
			     (overlay_blocks(copy->browse.overlay) <<
			      INC_BLOCK_SHIFT);
		ret = copy_path(copy, operands[1], operands[2]);
	}
	tdestroy(copy->links, free_copied);
	free(copy->buffer);
	if (signal_number) {
		signal(signal_number, SIG_DFL);
		raise(signal_number);
	}
	return ret ? EXIT_FAILED : EXIT_OK;
}

int command_cp(int argc, char **argv)
{
	static const struct option options[] = {
		{ "force", no_argument, NULL, 'F' },
		BROWSE_OPTIONS
		{ NULL, 0, NULL, 0 },
	};
	static const char *const operands[] = { "IMAGE", "PATH", "TO" };
	struct copy copy = { .place.dir = -1 };
	int option, status = EXIT_OK;

	browse_init(&copy.browse);
	while (!status && (option = option_next(argc, argv, "", options)) != -1) {
		if (option == 'F')
			copy.force = true;
		else if (!browse_option(&copy.browse, "cp", option))
			status = usage_error("cp");
	}
	if (!status && !operands_ok("cp", argc, argv, operands, 3))
		status = EXIT_USAGE;
	if (!status)
		status = run(&copy, argv + optind);
	browse_close(&copy.browse);
	return status;
}
