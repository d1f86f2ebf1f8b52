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
#include "sources/sources.h"

static int open_directory(struct tree **tree, const char *path)
{
	*tree = calloc(1, sizeof(**tree));
	if (!*tree)
		return no_memory();
	tree_directory(*tree, path);
	return 0;
}

/* Read what is known by its first bytes. *model stays NULL if they are of nothing here. */
static int load(struct model **model, struct input *input, const char *dir,
		u64 most)
{
	int (*add)(struct model *model, struct input *input) = NULL;
	size_t size;
	int ret = input_start(input, &size);

	if (ret)
		return ret;
	if (deb_recognised(input->buffer, size))
		add = deb_add;
	else if (!archive_recognised(input->buffer, size))
		return 0;
	*model = model_new(input->name, dir, most);
	if (!*model)
		return -EIO;
	return add ? add(*model, input) : archive_add(*model, input, false);
}

static int open_file(struct tree **tree, const char *path, int fd, u64 size,
		     const char *dir, u64 most)
{
	struct input *input = calloc(1, sizeof(*input));
	struct model *model = NULL;
	int ret;

	if (!input)
		return no_memory();
	input->name = path;
	input->fd = fd;
	input->size = size;
	ret = load(&model, input, dir, most);
	if (!ret && model)
		ret = model_finish(model, tree);
	if (ret) {
		model_free(model);
		*tree = NULL;
	}
	free(input);
	return ret;
}

int sources_open(struct tree **tree, const char *path, const char *dir,
		 u64 most)
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
		ret = open_file(tree, path, fd, (u64)st.st_size, dir, most);
	}
	if (fd >= 0)
		close(fd);
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
