// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzz target: mkimage inspect, verify and extract, each as a whole, on an image in
 * a file. An image that verify calls good with the true root hash must be good, and
 * extract must leave the bytes that the image's root vouches for, or no file.
 */
#include <fcntl.h>
#include <getopt.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "command.h"
#include "common/message.h"
#include "fuzz/fuzz.h"

/* Walks over larger ones take too long, and find no more. */
#define BLOCKS_MAX	4096u
#define FILE_MAX	(64u << 20)

static int file = -1;
static char path[32];
static char root[2 * INC_DIGEST_MAX + 1];
static char dir[4096];	/* of extract's files */
static char raw[4200], tree[4200];

static int command(int (*run)(int, char **), char **argv)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	optind = 0;		/* getopt starts anew */
	return run(argc, argv);
}

static int verify(char *option, char *value)
{
	char *argv[] = { (char []){ "mkimage" }, (char []){ "--threads" },
			 (char []){ "1" }, path, option, value, NULL };

	return command(command_verify, argv);
}

static int inspect(char *option)
{
	char *argv[] = { (char []){ "mkimage" }, path, option, NULL };

	return command(command_inspect, argv);
}

static int extract(void)
{
	char *argv[] = { (char []){ "mkimage" }, (char []){ "--threads" },
			 (char []){ "1" }, (char []){ "--hash-tree" }, tree,
			 path, raw, NULL };

	return command(command_extract, argv);
}

/* Would a walk over the device take too long? */
static bool too_large(void)
{
	struct incr_image *image;
	bool large;

	if (incr_image_open_file(&image, path, INCR_NEWEST, NULL))
		return false;
	large = incr_image_segment(image)->device_blocks > BLOCKS_MAX;
	incr_image_close(image);
	return large;
}

static void remove_outputs(void)
{
	unlink(raw);
	unlink(tree);
	/* Nothing else was left there. */
	MUST(!rmdir(dir));
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const struct fuzz_seed *seeds;

	(void)argc, (void)argv;
	fuzz_seeds(&seeds);
	message_init("mkimage", MESSAGE_DEBUG);
	file = memfd_create("image", MFD_CLOEXEC);
	MUST(file >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	snprintf(dir, sizeof(dir), "%s/extract.XXXXXX",
		 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	MUST(mkdtemp(dir));
	snprintf(raw, sizeof(raw), "%s/raw", dir);
	snprintf(tree, sizeof(tree), "%s/tree", dir);
	MUST(!atexit(remove_outputs));
	return 0;
}

/* An image that verify calls good reads as the true one, as far as the device goes. */
static void good_image(const struct fuzz_seed *seed)
{
	static u8 out[64 << INC_BLOCK_SHIFT];
	struct incr_image *image;
	u64 block, count, blocks;

	MUST(!inspect((char []){ "--json" }));
	MUST(!incr_image_open_file(&image, path, INCR_NEWEST, NULL));
	blocks = incr_image_segment(image)->device_blocks;
	MUST(blocks <= seed->seg.device_blocks);
	for (block = 0; block < blocks; block += count) {
		count = blocks - block < 64 ? blocks - block : 64;
		MUST(!incr_image_read(image, block, count, out, NULL));
		MUST(!memcmp(out, seed->raw + (block << INC_BLOCK_SHIFT),
			     count << INC_BLOCK_SHIFT));
	}
	incr_image_close(image);
}

/* Extract has written the bytes that the library reads. */
static void same_as_read(const struct fuzz_seed *seed)
{
	static u8 out[64 << INC_BLOCK_SHIFT], got[64 << INC_BLOCK_SHIFT];
	const struct inc_segment *seg;
	struct incr_image *image;
	u64 block, count;
	struct stat st;
	bool true_root;
	int fd;

	MUST(!incr_image_open_file(&image, path, INCR_NEWEST, NULL));
	seg = incr_image_segment(image);
	true_root = seg->device_blocks == seed->seg.device_blocks &&
		    seg->salt_size == seed->seg.salt_size &&
		    !memcmp(seg->salt, seed->seg.salt, seg->salt_size) &&
		    !memcmp(seg->root_digest, seed->seg.root_digest,
			    seg->digest_size);
	fd = open(raw, O_RDONLY | O_CLOEXEC);
	MUST(fd >= 0 && !fstat(fd, &st));
	MUST((u64)st.st_size == seg->device_blocks << INC_BLOCK_SHIFT);
	for (block = 0; block < seg->device_blocks; block += count) {
		u64 at = block << INC_BLOCK_SHIFT;

		count = seg->device_blocks - block < 64 ?
			seg->device_blocks - block : 64;
		MUST(!incr_image_read(image, block, count, out, NULL));
		MUST(pread(fd, got, count << INC_BLOCK_SHIFT, (off_t)at) ==
		     (ssize_t)(count << INC_BLOCK_SHIFT));
		MUST(!memcmp(got, out, count << INC_BLOCK_SHIFT));
		MUST(!true_root || !memcmp(got, seed->raw + at,
					   count << INC_BLOCK_SHIFT));
	}
	close(fd);
	MUST(!stat(tree, &st));
	MUST((u64)st.st_size == (seg->tree.pages + 1) << INC_PAGE_SHIFT);
	incr_image_close(image);
	unlink(raw);
	unlink(tree);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	const struct fuzz_seed *seed;
	struct edit_image image;

	seed = fuzz_image(data, size, &image);
	if (image.size > FILE_MAX)
		return 0;
	/* The bytes from @stored on are a hole. */
	MUST(!ftruncate(file, 0) && !ftruncate(file, (off_t)image.size));
	if (image.stored > image.size)
		image.stored = image.size;
	MUST(pwrite(file, image.bytes, image.stored, 0) ==
	     (ssize_t)image.stored);
	if (too_large())
		return 0;
	if (!extract())
		same_as_read(seed);
	else
		MUST(access(raw, F_OK) && access(tree, F_OK));
	inspect(image.flags & 1 ? (char []){ "--json" } : NULL);
	if (image.flags & EDIT_FOLLOW) {
		verify(NULL, NULL);
		return 0;
	}
	incr_hex_format(seed->seg.root_digest, seed->seg.digest_size, root);
	if (!verify((char []){ "--root-hash" }, root))
		good_image(seed);
	return 0;
}
