// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mkimage extract
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "command.h"
#include "common/message.h"
#include "common/option.h"
#include "common/parse.h"
#include "common/printable.h"
#include "extract.h"
#include "io.h"
#include "libincremental/incremental.h"
#include "output.h"
#include "pipeline.h"
#include "progress.h"
#include "spool.h"

#define STEP_BLOCKS	256u

const char extract_help[] =
"Usage: mkimage extract [OPTION]... IMAGE RAW\n"
"\n"
"Write the raw filesystem image that IMAGE holds to the file RAW, sparse where\n"
"it is zero. Every block is verified.\n"
"\n"
"  --generation N    that one, 0 being the first (the newest)\n"
"  --hash-tree FILE  write the hash tree to FILE too, as veritysetup does\n"
"  --threads N       work with N threads (one for each processor)\n"
"  --force           replace RAW and FILE if they exist\n";

struct extract {
	const char *image_path;
	const char *raw_path;
	const char *tree_path;
	u64 generation;
	u64 threads;
	bool force;

	struct incr_image *image;
	struct output raw;
	struct output tree;
	u64 next;
	u64 end;
	struct progress progress;
};

struct step {
	u64 block;
	u64 blocks;
	int result;
	const char *name;	/* of the file that @error is about */
	struct incr_error error;
	u8 data[STEP_BLOCKS << INC_BLOCK_SHIFT];
};

/* The superblock before the tree; see cryptsetup's lib/verity/verity.c. */
struct verity_super {
	__u8	signature[8];		/* "verity", padded with zeros */
	__le32	version;
	__le32	hash_type;
	__u8	uuid[16];
	__u8	algorithm[32];
	__le32	data_block_size;
	__le32	hash_block_size;
	__le64	data_blocks;
	__le16	salt_size;
	__u8	pad1[6];
	__u8	salt[256];
	__u8	pad2[168];
};
static_assert(sizeof(struct verity_super) == 512);

static void *step_new(void *context)
{
	(void)context;
	return malloc(sizeof(struct step));
}

static void step_free(void *item)
{
	free(item);
}

static int produce(void *context, void *item)
{
	struct extract *extract = context;
	struct step *step = item;
	u64 left = extract->end - extract->next;
	u64 zeros;
	int ret;

	while (left) {
		ret = incr_image_zeros(extract->image, extract->next, left,
				       &zeros, &step->error);
		if (ret) {
			message_error("%s: %s", extract->image_path,
				      step->error.text);
			return ret;
		}
		if (!zeros)
			break;
		extract->next += zeros;
		left -= zeros;
	}
	if (!left)
		return 0;
	step->block = extract->next;
	step->blocks = left < STEP_BLOCKS ? left : STEP_BLOCKS;
	extract->next += step->blocks;
	return 1;
}

static bool block_zero(const u8 *block)
{
	return !block[0] && !memcmp(block, block + 1, INC_BLOCK_SIZE - 1);
}

/* Write the blocks that are not zero. */
static int write_sparse(struct extract *extract, struct step *step)
{
	u64 start = 0, end;
	int ret = 0;

	while (!ret) {
		while (start < step->blocks &&
		       block_zero(step->data + (start << INC_BLOCK_SHIFT)))
			start++;
		if (start == step->blocks)
			break;
		for (end = start + 1; end < step->blocks; end++)
			if (block_zero(step->data + (end << INC_BLOCK_SHIFT)))
				break;
		ret = write_bytes(extract->raw.fd,
				  (step->block + start) << INC_BLOCK_SHIFT,
				  step->data + (start << INC_BLOCK_SHIFT),
				  (end - start) << INC_BLOCK_SHIFT,
				  &step->error);
		start = end;
	}
	return ret;
}

static int work(void *context, void *item)
{
	struct extract *extract = context;
	struct step *step = item;

	step->name = extract->image_path;
	step->result = incr_image_read(extract->image, step->block,
				       step->blocks, step->data, &step->error);
	if (!step->result) {
		step->name = extract->raw_path;
		step->result = write_sparse(extract, step);
	}
	/* consume() reports the first error, and ends the pipeline. */
	return 0;
}

static int consume(void *context, void *item)
{
	struct extract *extract = context;
	const struct step *step = item;

	if (step->result)
		message_error("%s: %s", step->name, step->error.text);
	progress_show(&extract->progress, step->block << INC_BLOCK_SHIFT);
	return step->result;
}

static int extract_raw(struct extract *extract)
{
	const struct pipeline pipeline = {
		.threads = (unsigned int)extract->threads,
		.context = extract,
		.item_new = step_new,
		.item_free = step_free,
		.produce = produce,
		.work = work,
		.consume = consume,
	};
	u64 size = extract->end << INC_BLOCK_SHIFT;
	int ret;

	if (ftruncate(extract->raw.fd, (off_t)size)) {
		ret = -errno;
		message_error("%s: cannot give it %llu bytes: %s",
			      extract->raw_path, (unsigned long long)size,
			      strerror(-ret));
		return ret;
	}
	progress_start(&extract->progress, "extracting", size);
	ret = pipeline_run(&pipeline);
	progress_end(&extract->progress);
	return ret;
}

int extract_to(struct incr_image *image, const char *name, int fd, u64 threads)
{
	struct extract extract = {
		.image_path = name,
		.raw_path = SPOOL_NAME,
		.threads = threads,
		.image = image,
		.end = incr_image_segment(image)->device_blocks,
		.raw.fd = fd,
	};

	return extract_raw(&extract);
}

static int extract_tree(struct extract *extract)
{
	const struct inc_segment *seg = incr_image_segment(extract->image);
	struct verity_super super = {
		.signature = "verity",
		.version = cpu_to_le32(1),
		.hash_type = cpu_to_le32(1),
		.data_block_size = cpu_to_le32(INC_BLOCK_SIZE),
		.hash_block_size = cpu_to_le32(INC_PAGE_SIZE),
		.data_blocks = cpu_to_le64(seg->device_blocks),
		.salt_size = cpu_to_le16((u16)seg->salt_size),
	};
	u8 page[INC_PAGE_SIZE] = { 0 };
	struct incr_error error;
	u64 number;
	int ret;

	memcpy(super.uuid, seg->uuid, sizeof(super.uuid));
	memcpy(super.algorithm, seg->hash_name, sizeof(super.algorithm));
	memcpy(super.salt, seg->salt, seg->salt_size);
	memcpy(page, &super, sizeof(super));
	ret = write_all(extract->tree.fd, 0, page, sizeof(page),
			extract->tree_path);
	for (number = 0; !ret && number < seg->tree.pages; number++) {
		ret = incr_image_tree_page(extract->image, number, page, &error);
		if (ret)
			message_error("%s: %s", extract->image_path,
				      error.text);
		else
			ret = write_all(extract->tree.fd,
					(number + 1) << INC_PAGE_SHIFT, page,
					sizeof(page), extract->tree_path);
	}
	return ret;
}

static int write_outputs(struct extract *extract)
{
	int ret = output_open(&extract->raw, extract->raw_path,
			      extract->force);

	if (!ret && extract->tree_path)
		ret = output_open(&extract->tree, extract->tree_path,
				  extract->force);
	if (!ret)
		ret = output_check_source(&extract->raw, extract->image_path);
	if (!ret && extract->tree_path)
		ret = output_check_source(&extract->tree, extract->image_path);
	if (!ret && extract->tree_path)
		ret = output_check_other(&extract->tree, &extract->raw);
	if (!ret)
		ret = extract_raw(extract);
	if (!ret && extract->tree_path)
		ret = extract_tree(extract);
	if (!ret)
		ret = output_commit(&extract->raw);
	if (!ret && extract->tree_path)
		ret = output_commit(&extract->tree);
	output_close(&extract->tree);
	output_close(&extract->raw);
	return ret;
}

static int run(struct extract *extract)
{
	const struct inc_segment *seg;
	char root[2 * INC_DIGEST_MAX + 1], size[FORMAT_SIZE_MAX];
	struct incr_error error;
	int ret;

	extract->raw.fd = extract->tree.fd = -1;
	ret = incr_image_open_file(&extract->image, extract->image_path,
				   (u32)extract->generation, &error);
	if (ret) {
		message_error("%s", error.text);
		return EXIT_FAILED;
	}
	seg = incr_image_segment(extract->image);
	extract->end = seg->device_blocks;
	ret = write_outputs(extract);
	if (!ret) {
		incr_hex_format(seg->root_digest, seg->digest_size, root);
		printf("%s: generation %u, %s, root hash %s\n",
		       printable_name(extract->raw_path), seg->generation,
		       format_size(extract->end << INC_BLOCK_SHIFT, size),
		       root);
	}
	incr_image_close(extract->image);
	return ret ? EXIT_FAILED : EXIT_OK;
}

static bool parse_option(struct extract *extract, int option)
{
	switch (option) {
	case 'g':
		return option_number("extract", "--generation", optarg, 0,
				     INC_SEGMENTS_MAX - 1,
				     &extract->generation);
	case 'h':
		extract->tree_path = optarg;
		return true;
	case 't':
		return option_number("extract", "--threads", optarg, 1,
				     PIPELINE_THREADS_MAX, &extract->threads);
	case 'F':
		extract->force = true;
		return true;
	default:
		return false;
	}
}

int command_extract(int argc, char **argv)
{
	static const struct option options[] = {
		{ "generation", required_argument, NULL, 'g' },
		{ "hash-tree", required_argument, NULL, 'h' },
		{ "threads", required_argument, NULL, 't' },
		{ "force", no_argument, NULL, 'F' },
		{ NULL, 0, NULL, 0 },
	};
	static const char *const operands[] = { "IMAGE", "RAW" };
	struct extract extract = {
		.generation = INCR_NEWEST, .threads = pipeline_threads(),
	};
	int option;

	while ((option = option_next(argc, argv, "", options)) != -1)
		if (!parse_option(&extract, option))
			return usage_error("extract");
	if (!operands_ok("extract", argc, argv, operands, 2))
		return EXIT_USAGE;
	extract.image_path = argv[optind];
	extract.raw_path = argv[optind + 1];
	return run(&extract);
}
