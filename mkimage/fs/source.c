// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Opening the source of an image; see source.h.
 */
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/message.h"
#include "fs/check.h"
#include "fs/filesystem.h"
#include "fs/magic.h"
#include "fs/source.h"
#include "fs/walk.h"
#include "io.h"
#include "mkimage.h"
#include "spool.h"

/* Blocks of a raw image that go into its id. */
#define SAMPLES		1024u

/* The id of a raw image: its size, and blocks spread evenly over it. */
static int sample(struct source *source)
{
	u64 step = source->blocks / SAMPLES ? source->blocks / SAMPLES : 1;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	__le64 size = cpu_to_le64(source->blocks);
	u8 data[INC_BLOCK_SIZE];
	int ret = 0;
	u64 block;

	if (!context || !EVP_DigestInit_ex(context, EVP_sha256(), NULL) ||
	    !EVP_DigestUpdate(context, &size, sizeof(size)))
		ret = -ENOMEM;
	for (block = 0; !ret && block < source->blocks; block += step) {
		ret = read_all(source->fd, block << INC_BLOCK_SHIFT, data,
			       sizeof(data), source->name);
		if (!ret && !EVP_DigestUpdate(context, data, sizeof(data)))
			ret = -ENOMEM;
	}
	if (!ret && !EVP_DigestFinal_ex(context, source->id, NULL))
		ret = -ENOMEM;
	EVP_MD_CTX_free(context);
	return ret == -ENOMEM ? no_memory() : ret;
}

static int measure(struct source *source)
{
	off_t size = lseek(source->fd, 0, SEEK_END);

	if (size < 0) {
		int code = errno;

		message_error("%s: cannot find out its size: %s", source->name,
			      strerror(code));
		return -code;
	}
	source->blocks = (u64)size >> INC_BLOCK_SHIFT;
	if (!size || size % INC_BLOCK_SIZE) {
		message_error("%s: its size of %llu bytes is not a multiple of 4096; pad it, with \"truncate -s %%4096\" for example",
			      source->name, (unsigned long long)size);
		return -EINVAL;
	}
	if (source->blocks > INC_BLOCKS_MAX) {
		message_error("%s: it is larger than a device can be (16 TiB less 4096 bytes)",
			      source->name);
		return -EFBIG;
	}
	return 0;
}

static int build_filesystem(struct source *source,
			    const struct source_options *options)
{
	const struct tree *tree = options->tree;
	struct check check = { .tree = tree };
	struct walk walk;
	int ret = walk_tree(&walk, tree, NULL);

	if (ret)
		return ret;
	memcpy(source->id, walk.id, sizeof(source->id));
	source->fd = spool_open_file(options->build.dir);
	if (source->fd < 0)
		return -EIO;
	source->compat = options->build.compression ?
			 options->fs->compat : options->fs->built_compat;
	ret = options->fs->build(tree, &walk, source->fd,
				 &options->build);
	if (ret || !options->check)
		return ret;
	check.epoch = walk.epoch;
	check.paths = walk.paths;
	return options->fs->check_file(source->fd, &check);
}

int source_open(struct source *source, const char *path,
		const struct source_options *options)
{
	u8 block[INC_BLOCK_SIZE];
	struct stat st;
	int ret;

	memset(source, 0, sizeof(*source));
	source->name = path;
	source->fd = -1;
	if (options->tree) {
		ret = build_filesystem(source, options);
		return ret ? ret : measure(source);
	}
	source->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (source->fd < 0 || fstat(source->fd, &st)) {
		ret = -errno;
		message_error("%s: cannot open it: %s", path, strerror(-ret));
		return ret;
	}
	if (S_ISDIR(st.st_mode)) {
		message_error("%s: it is a directory, which --raw does not go with",
			      path);
		return -EISDIR;
	}
	if (options->build.compression) {
		message_error("%s: it is a raw filesystem image, and --fs-compression goes with files",
			      path);
		return -ENOTDIR;
	}
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) {
		message_error("%s: neither files nor a raw filesystem image",
			      path);
		return -EINVAL;
	}
	ret = measure(source);
	if (!ret && !options->raw)
		ret = magic_check(source->fd, path);
	if (!ret)
		ret = read_all(source->fd, 0, block, sizeof(block), path);
	if (ret)
		return ret;
	if (options->known)
		source->compat = filesystem_compat(options->known, block);
	return sample(source);
}

u64 source_seek_data(const struct source *source, u64 block)
{
	off_t found = lseek(source->fd, (off_t)(block << INC_BLOCK_SHIFT),
			    SEEK_DATA);

	if (found >= 0)
		return (u64)found >> INC_BLOCK_SHIFT;
	/* Not every filesystem and device knows where its holes are. */
	return errno == ENXIO ? source->blocks : block;
}

void source_close(struct source *source)
{
	if (source->fd >= 0)
		close(source->fd);
	source->fd = -1;
}
