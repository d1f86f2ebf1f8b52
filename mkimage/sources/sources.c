// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Opening sources; see sources.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/message.h"
#include "mkimage.h"
#include "sources/entries.h"
#include "sources/deb.h"
#include "sources/model-tree.h"
#include "sources/oci.h"
#include "sources/sources.h"
#include "sources/squashfs.h"

static int open_directory(struct tree **tree, const char *path)
{
	*tree = calloc(1, sizeof(**tree));
	if (!*tree)
		return no_memory();
	tree_directory(*tree, path);
	return 0;
}

/* Read what is known by its first bytes. *model stays NULL if they are of nothing here. */
static int load(struct model **model, struct input *input,
		const struct sources_options *options)
{
	int (*add)(struct model *model, struct input *input) = NULL;
	size_t size;
	int ret = input_start(input, &size);

	if (ret)
		return ret;
	if (deb_recognised(input->buffer, size))
		add = deb_add;
	else if (options->filesystems &&
		 squashfs_recognised(input->buffer, size))
		add = squashfs_add;
	else if (!entries_recognised(input->buffer, size))
		return 0;
	*model = model_new(input->name, options->dir, options->most);
	if (!*model)
		return -EIO;
	return add ? add(*model, input) : entries_add(*model, input, false);
}

/* What was made of @model, unless @ret is an error. */
static int finish(struct model *model, int ret, struct tree **tree)
{
	*tree = NULL;
	if (!ret && model)
		ret = model_finish(model, tree);
	if (ret) {
		model_free(model);
		*tree = NULL;
	}
	return ret;
}

static int open_file(struct tree **tree, const char *path, int fd, u64 size,
		     const struct sources_options *options)
{
	struct input *input = calloc(1, sizeof(*input));
	struct model *model = NULL;
	int ret;

	if (!input)
		return no_memory();
	input->name = path;
	input->fd = fd;
	input->size = size;
	ret = load(&model, input, options);
	free(input);
	return finish(model, ret, tree);
}

/* The files of the image that the tree is the layout of. */
static int open_image(struct tree **tree, const struct sources_options *options)
{
	struct tree *layout = *tree;
	struct model *model = model_new(layout->name, options->dir,
					options->most);
	int ret = model ? oci_add(model, layout) : -EIO;

	ret = finish(model, ret, tree);
	sources_close(layout);
	return ret;
}

int sources_open(struct tree **tree, const char *path,
		 const struct sources_options *options)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), ret = 0;
	struct stat st;

	*tree = NULL;
	if (fd < 0 || fstat(fd, &st)) {
		ret = -errno;
		message_error("%s: cannot open it: %s", path, strerror(-ret));
	} else if (S_ISDIR(st.st_mode)) {
		ret = open_directory(tree, path);
	} else if (S_ISREG(st.st_mode)) {
		ret = open_file(tree, path, fd, (u64)st.st_size, options);
	}
	if (fd >= 0)
		close(fd);
	if (!ret && *tree && !options->plain && oci_recognised(*tree))
		ret = open_image(tree, options);
	return ret;
}

void sources_close(struct tree *tree)
{
	if (!tree)
		return;
	if (tree->ops->close)
		tree->ops->close(tree);
	else
		free(tree);
}
