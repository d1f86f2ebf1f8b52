// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mkimage create
 */
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "command.h"
#include "common/message.h"
#include "common/option.h"
#include "common/parse.h"
#include "common/printable.h"
#include "extract.h"
#include "filesystems.h"
#include "fs/derive.h"
#include "fs/overlay.h"
#include "fs/source.h"
#include "io.h"
#include "json.h"
#include "libincremental/incremental.h"
#include "lists/embed.h"
#include "lists/load.h"
#include "mkimage.h"
#include "output.h"
#include "pipeline.h"
#include "progress.h"
#include "segment/dictionary.h"
#include "segment/ordered.h"
#include "segment/segment.h"
#include "sign/signer.h"
#include "sources/sources.h"

/* With --order: log2 of the bytes of the largest cluster that is not in it. */
#define REST_SHIFT	15u
/*
 * LZ4 HC levels that --level replaces. With a dictionary the levels above 6 gain 0.2 % of
 * an image's size at most, and cost a quarter more time: see docs/benchmarks.md.
 */
#define LEVEL			9u
#define LEVEL_DICTIONARY	6u

const char create_help[] =
"Usage: mkimage create [OPTION]... SOURCE IMAGE\n"
"\n"
"Make IMAGE of SOURCE: a directory, an archive (tar, cpio, zip, Debian package,\n"
"compressed or not), an OCI image or a raw filesystem image (a file or a block\n"
"device of a multiple of 4096 bytes). Of an archive nothing is unpacked, and\n"
"owners, devices and attributes are kept without root.\n"
"\n"
"  --fs erofs|ext4   filesystem that files are put in (erofs); with it a squashfs\n"
"                    is taken for its files\n"
"  --fs-compression lz4hc[,SIZE]  the filesystem compresses, into clusters of up\n"
"                    to SIZE bytes, 4K to 64K (4K); for erofs\n"
"  --raw             take a file or device that holds no filesystem known here\n"
"  --no-oci          take the layout of an OCI image for the files that it is of\n"
"  --max-size SIZE   bytes that the files of an archive may have (64G)\n"
"  --no-check        do not compare the filesystem made with the files\n"
"  --cluster SIZE    bytes compressed together, 4K to 256K (4K)\n"
"  --level N         LZ4 HC compression level, 2 to 12 (9; 6 with a dictionary)\n"
"  --dictionary      compress with a dictionary made of samples of SOURCE\n"
"  --references      compress what is like something else in SOURCE from that\n"
"  --order TRACE     put first in IMAGE what this trace read (incrementalsetup\n"
"                    record), in its order; it may be given several times\n"
"  --rest-cluster SIZE  as --cluster, for what is not in the order (32K)\n"
"  --salt HEX|-      salt of the hash tree, - for none (made from SOURCE)\n"
"  --chunk SIZE      unit of presence in the file, 4K to 64K (4K)\n"
"  --threads N       compress with N threads (one for each processor)\n"
"  --force           replace IMAGE if it exists\n"
"  --json            print the summary as JSON\n"
"\n"
"To sign the root hash, as \"mkimage sign\" does:\n"
SIGNER_HELP
"\n"
"The same SOURCE, options and SOURCE_DATE_EPOCH make the same bytes, whatever\n"
"the number of threads.\n";

const char squash_help[] =
"Usage: mkimage squash [OPTION]... IMAGE OUT\n"
"\n"
"Make OUT of the newest generation of IMAGE: an image of its own, of one segment,\n"
"with the same root hash.\n"
"\n"
"  --level N         LZ4 HC compression level, 2 to 12 (9; 6 with a dictionary)\n"
"  --dictionary      compress with a dictionary, whether IMAGE has one or not\n"
"  --references      compress what is like something else in OUT from that\n"
"  --order TRACE     put first in OUT what this trace read (incrementalsetup\n"
"                    record), in its order; it may be given several times\n"
"  --cluster SIZE    bytes of the order compressed together, 4K to 256K (4K)\n"
"  --rest-cluster SIZE  the same for all others (32K)\n"
"  --threads N       work with N threads (one for each processor)\n"
"  --force           replace OUT if it exists\n"
"  --json            print the summary as JSON\n"
"\n"
"A signature in IMAGE is not taken along. To sign OUT, as \"mkimage sign\" does:\n"
SIGNER_HELP;

struct create {
	const char *command;
	const char *source_path;
	bool squash;			/* the source is an image */
	const char *image_path;
	struct source_options source_options;
	struct tree *tree;		/* of files; NULL: none */
	struct sources_options sources_options;
	bool salt_given;
	u8 salt[INC_SALT_MAX];
	u32 salt_size;
	bool cluster_given;
	u32 cluster_shift;
	bool rest_given;
	u32 rest_shift;
	u32 chunk_shift;
	char **traces;			/* in file order is what these read */
	int trace_count;
	u64 level;
	u64 threads;
	bool dictionary;
	bool references;
	bool force;
	bool json;
	struct signer_options signer_options;

	struct signer *signer;
	struct source source;
	u8 dictionary_bytes[INC_DICTIONARY_MAX];
	struct segment seg;
	struct cluster_options batch;
	struct compressor *primed;
	struct order order;
	u8 zero_digest[INC_SHA256_SIZE];
	u64 next;			/* block to be read */
	u64 data_end;			/* no hole from next up to this block */
	struct progress progress;
};

/* The end of the data that continues at block @at. */
static u64 seek_hole(struct create *create, u64 at)
{
	off_t found = lseek(create->source.fd, (off_t)(at << INC_BLOCK_SHIFT),
			    SEEK_HOLE);

	u64 end = ((u64)found + INC_BLOCK_SIZE - 1) >> INC_BLOCK_SHIFT;

	if (found < 0)
		return create->source.blocks;
	/* If a hole has appeared meanwhile, go on all the same. */
	return end > at ? end : at + 1;
}

/*
 * Read a batch's data. Skip its holes: reading them would fill the page cache.
 */
static int fill(struct create *create, struct batch *batch)
{
	u64 at = batch->block, end = batch->block + batch->blocks, stop;
	int ret = 0;

	for (; !ret && at < end; at = stop) {
		u8 *place = batch->data + ((at - batch->block) <<
					   INC_BLOCK_SHIFT);

		stop = at;
		if (at >= create->data_end)
			stop = source_seek_data(&create->source, at);
		if (stop > at) {
			stop = stop < end ? stop : end;
			memset(place, 0, (stop - at) << INC_BLOCK_SHIFT);
			continue;
		}
		if (at >= create->data_end)
			create->data_end = seek_hole(create, at);
		stop = create->data_end < end ? create->data_end : end;
		ret = read_all(create->source.fd, at << INC_BLOCK_SHIFT, place,
			       (stop - at) << INC_BLOCK_SHIFT,
			       create->source.name);
	}
	return ret;
}

/*
 * Batches start at multiples of their size, so that clusters do not straddle
 * them and holes between are whole pages of metadata.
 */
static int produce(void *context, struct batch *batch)
{
	struct create *create = context;
	u64 left = create->source.blocks - create->next;
	u64 data = create->next;

	if (!left)
		return 0;
	if (create->next >= create->data_end)
		data = source_seek_data(&create->source, create->next);
	if (data < create->source.blocks)
		data -= data % BATCH_BLOCKS;
	batch->block = create->next;
	batch->hole = data > create->next;
	batch->blocks = left < BATCH_BLOCKS ? left : BATCH_BLOCKS;
	if (batch->hole)
		batch->blocks = data - create->next;
	create->next += batch->blocks;
	return batch->hole ? 1 : fill(create, batch) ?: 1;
}

static int consume(void *context, const struct batch *batch)
{
	struct create *create = context;

	progress_show(&create->progress, batch->block << INC_BLOCK_SHIFT);
	return segment_add(&create->seg, batch);
}

static int walk(struct create *create, const char *doing,
		const struct cluster_options *options,
		int (*each)(void *context, const struct batch *batch))
{
	const struct batch_run run = {
		.options = options,
		.threads = (unsigned int)create->threads,
		.context = create,
		.produce = produce,
		.consume = each,
	};
	int ret;

	create->next = create->data_end = 0;
	progress_start(&create->progress, doing,
		       create->source.blocks << INC_BLOCK_SHIFT);
	ret = batch_run(&run);
	progress_end(&create->progress);
	return ret;
}

static int add_all(struct create *create)
{
	return walk(create, "creating", &create->batch, consume);
}

static int add_plain(struct create *create)
{
	int ret = add_all(create);

	return ret ? ret : segment_finish(&create->seg);
}

static int consume_digests(void *context, const struct batch *batch)
{
	struct create *create = context;
	struct metadata *meta = &create->seg.meta;
	int ret = 0;
	u64 i;

	progress_show(&create->progress, batch->block << INC_BLOCK_SHIFT);
	if (batch->hole)
		return metadata_add_digest(meta, create->zero_digest,
					   batch->blocks);
	for (i = 0; !ret && i < batch->blocks; i++)
		ret = metadata_add_digest(meta, batch->digest[i], 1);
	return ret;
}

/*
 * The root digest, by which traces of the same device are known. It takes the segment's
 * metadata, which start again afterwards.
 */
static int find_root(struct create *create, const char *dir, u8 *root)
{
	struct cluster_options options = create->batch;
	struct segment *seg = &create->seg;
	int ret;

	options.level = 0;
	ret = walk(create, "hashing", &options, consume_digests);
	if (!ret)
		ret = metadata_finish(&seg->meta);
	memcpy(root, seg->meta.root, INC_SHA256_SIZE);
	metadata_free(&seg->meta);
	return ret ? ret : metadata_init(&seg->meta, seg->hash,
					 seg->device_blocks, seg->chunk_shift,
					 dir);
}

static int load_order(struct create *create, const char *dir)
{
	struct source *source = &create->source;
	u8 root[INC_SHA256_SIZE];
	const struct traced traced = {
		.name = source->name, .root = root, .root_size = sizeof(root),
		.blocks = source->blocks,
	};
	struct overlay *overlay;
	int ret = find_root(create, dir, root);

	if (!ret)
		ret = overlay_open_raw(&overlay, source->fd, source->blocks,
				       source->name, dir);
	if (ret)
		return ret;
	ret = order_load(&create->order, &traced, overlay, create->traces,
			 create->trace_count);
	overlay_close(overlay);
	return ret;
}

/* What the traces read comes first. */
static int add_ordered(struct create *create)
{
	int ret = ordered_store(&create->seg, &create->order, &create->batch,
				(unsigned int)create->threads,
				create->source.fd, create->source.name);

	create->batch.order = &create->order;
	if (!ret)
		ret = add_all(create);
	if (!ret)
		ret = segment_finish(&create->seg);
	return ret ? ret : ordered_gather(&create->seg, &create->order);
}

static void print_summary(const struct create *create)
{
	const struct segment *seg = &create->seg;
	u64 device = seg->device_blocks << INC_BLOCK_SHIFT;
	char root[2 * INC_SHA256_SIZE + 1], salt[2 * INC_SALT_MAX + 1] = "-";
	char uuid[UUID_TEXT_SIZE], size[FORMAT_SIZE_MAX], from[FORMAT_SIZE_MAX];
	struct json_object *object;

	incr_hex_format(seg->meta.root, INC_SHA256_SIZE, root);
	if (seg->salt_size)
		incr_hex_format(seg->salt, seg->salt_size, salt);
	uuid_format(seg->uuid, uuid);
	if (!create->json) {
		printf("%s: %s for a device of %s (%.1f %%)\n",
		       printable_name(create->image_path),
		       format_size(seg->size, size),
		       format_size(device, from),
		       100.0 * (double)seg->size / (double)device);
		printf("root hash: %s\nsalt:      %s\nUUID:      %s\n", root,
		       salt, uuid);
		return;
	}
	object = json_object_new_object();
	json_name(object, "image", create->image_path);
	json_number(object, "image_bytes", seg->size);
	json_number(object, "device_bytes", device);
	json_number(object, "head_bytes", seg->head_size);
	json_number(object, "data_bytes", spool_size(seg->data));
	json_number(object, "dictionary_bytes", seg->dictionary_size);
	json_number(object, "shared_clusters", seg->shared);
	json_number(object, "shared_bytes", seg->shared_bytes);
	json_text(object, "root_hash", root);
	json_text(object, "salt", salt);
	json_text(object, "uuid", uuid);
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY));
	json_object_put(object);
}

/* Images with one UUID have the same blocks, made with the same options. */
static void set_uuid(struct create *create)
{
	u8 id[INC_SHA256_SIZE], order[INC_SHA256_SIZE];
	char options[24];
	size_t i;

	memcpy(id, create->seg.meta.root, sizeof(id));
	if (create->trace_count) {
		order_id(&create->order, order);
		for (i = 0; i < sizeof(id); i++)
			id[i] ^= order[i];
	}
	snprintf(options, sizeof(options), "image %u %u %u%s%s%s",
		 create->cluster_shift, create->chunk_shift,
		 (unsigned int)create->level,
		 create->seg.dictionary_size ? " d" : "",
		 create->references ? " r" : "",
		 create->seg.plain_apart ? " p" : "");
	derive_uuid(id, options, create->seg.uuid);
}

static int prepare_dictionary(struct create *create)
{
	struct segment *seg = &create->seg;
	int ret = dictionary_train(&create->source, create->dictionary_bytes,
				   &seg->dictionary_size);

	if (ret || !seg->dictionary_size)
		return ret;
	seg->dictionary = create->dictionary_bytes;
	create->primed = compressor_prime(seg->dictionary,
					  seg->dictionary_size,
					  (int)create->level);
	create->batch.primed = create->primed;
	if (create->primed)
		return 0;
	return no_memory();
}

static int sign(struct create *create)
{
	u8 start[INC_SIGNED_ZEROS];
	int ret;

	if (!create->signer)
		return 0;
	ret = read_all(create->source.fd, 0, start, sizeof(start),
		       create->source.name);
	return ret ? ret : signer_sign_segment(create->signer, &create->seg,
					       create->image_path, start);
}

static int build(struct create *create, const struct output *output)
{
	static const u8 zero_block[INC_BLOCK_SIZE];
	struct segment *seg = &create->seg;
	struct inc_hash *hash;
	int ret;

	memcpy(seg->salt, create->salt, sizeof(seg->salt));
	seg->salt_size = create->salt_size;
	if (!create->salt_given) {
		seg->salt_size = INC_SHA256_SIZE;
		derive_digest(create->source.id, "salt", seg->salt,
			      seg->salt_size);
	}
	hash = incr_hash_new("sha256", seg->salt, seg->salt_size);
	if (!hash)
		return no_memory();
	incr_hash_digest(hash, zero_block, sizeof(zero_block),
			 create->zero_digest);
	seg->hash = hash;
	seg->zero_digest = create->zero_digest;
	seg->chunk_shift = create->chunk_shift;
	seg->cluster_shift = create->cluster_shift;
	seg->device_blocks = create->source.blocks;
	seg->compat = create->source.compat;
	/* Which costs up to two chunks a batch. An order and references have another one. */
	seg->plain_apart = create->source_options.build.compression &&
			   create->chunk_shift == INC_CHUNK_SHIFT_MIN &&
			   !create->trace_count && !create->references;
	if (create->trace_count) {
		seg->cluster_shift = create->rest_shift;
		seg->compat |= INC_COMPAT_NEAR;
		create->order.shift = create->cluster_shift;
		create->order.rest_shift = create->rest_shift;
		create->order.device_blocks = seg->device_blocks;
	}
	if (create->signer_options.epoch != NO_EPOCH)
		seg->epoch = (u32)create->signer_options.epoch;
	create->batch.hash = hash;
	create->batch.zero_digest = create->zero_digest;
	create->batch.cluster_shift = create->cluster_shift;
	create->batch.level = (int)create->level;
	create->batch.rather_plain = seg->plain_apart;

	ret = segment_init(seg, output->dir);
	if (!ret && create->trace_count)
		ret = load_order(create, output->dir);
	if (!ret && create->dictionary)
		ret = prepare_dictionary(create);
	if (!ret && create->references)
		ret = within_new(&seg->within, seg->data, seg->dictionary,
				 seg->dictionary_size, seg->device_blocks,
				 seg->cluster_shift, (int)create->level,
				 output->dir);
	if (!ret && create->trace_count)
		ret = add_ordered(create);
	else if (!ret)
		ret = add_plain(create);
	if (!ret)
		ret = sign(create);
	if (!ret) {
		set_uuid(create);
		ret = create->trace_count ?
		      embed_write(seg, &create->order, output->fd,
				  output->path) :
		      segment_write(seg, output->fd, output->path);
	}
	compressor_free(create->primed);
	incr_hash_free(hash);
	return ret;
}

/* The newest generation of an image, as a raw image without a name. */
static int open_image(struct create *create, const char *dir)
{
	struct source *source = &create->source;
	const struct inc_segment *seg;
	struct incr_image *image;
	struct incr_error error;
	int ret = incr_image_open_file(&image, create->source_path, INCR_NEWEST,
				       &error);

	if (ret) {
		message_error("%s", error.text);
		return ret;
	}
	seg = incr_image_segment(image);
	if (seg->signature_size && !create->signer)
		message_warning("%s: generation %u is signed, and %s will not be: see --key, or \"%s sign\"",
				create->source_path, seg->generation,
				create->image_path, program_name());
	source->name = create->source_path;
	source->blocks = seg->device_blocks;
	source->compat = seg->compat & INC_COMPAT_DEVICE;
	create->seg.epoch = seg->epoch;
	if (!create->trace_count)
		create->cluster_shift = seg->cluster_shift;
	create->chunk_shift = seg->chunk_shift;
	create->salt_given = true;
	create->salt_size = seg->salt_size;
	memcpy(create->salt, seg->salt, seg->salt_size);
	source->fd = spool_open_file(dir);
	ret = source->fd < 0 ? -EIO :
	      extract_to(image, create->source_path, source->fd,
			 create->threads);
	incr_image_close(image);
	return ret;
}

static int open_source(struct create *create, const char *dir)
{
	struct source_options *options = &create->source_options;
	int ret = 0;

	create->sources_options.dir = dir;
	if (!options->raw)
		ret = sources_open(&create->tree, create->source_path,
				   &create->sources_options);
	options->tree = create->tree;
	return ret ? ret : source_open(&create->source, create->source_path,
				       options);
}

static int run(struct create *create)
{
	struct output output;
	int ret = output_open(&output, create->image_path, create->force);

	create->source.fd = -1;
	create->source_options.build.dir = output.dir;
	create->source_options.build.threads = (unsigned int)create->threads;
	if (!ret)
		ret = output_check_source(&output, create->source_path);
	if (!ret)
		ret = output_check_sources(&output, create->traces,
					   create->trace_count);
	if (!ret)
		ret = output_check_outside(create->image_path, output.dir,
					   create->source_path);
	if (!ret)
		ret = signer_check_output(&create->signer_options, &output);
	/* Signing may ask for a passphrase: ask before the long part. */
	if (!ret && create->signer_options.key)
		ret = signer_open(&create->signer, &create->signer_options);
	if (!ret && create->squash)
		ret = open_image(create, output.dir);
	else if (!ret)
		ret = open_source(create, output.dir);
	if (!ret)
		ret = build(create, &output);
	if (!ret)
		ret = output_commit(&output);
	if (!ret)
		print_summary(create);
	segment_free(&create->seg);
	order_free(&create->order);
	signer_free(create->signer);
	source_close(&create->source);
	sources_close(create->tree);
	output_close(&output);
	return ret ? EXIT_FAILED : EXIT_OK;
}

static bool parse_salt(struct create *create, const char *text)
{
	int size = 0;

	if (strcmp(text, "-"))
		size = incr_hex_parse(text, create->salt, INC_SALT_MAX);
	if (size < 0 || !*text) {
		message_error("create: --salt takes up to %u bytes as hexadecimal digits, or - for none, not '%s'",
			      INC_SALT_MAX, text);
		return false;
	}
	create->salt_given = true;
	create->salt_size = (u32)size;
	return true;
}

static bool parse_fs(struct create *create, const char *text)
{
	create->source_options.fs = filesystem_named(filesystems, text);
	if (create->source_options.fs)
		return true;
	message_error("create: --fs takes erofs or ext4, not '%s'", text);
	return false;
}

/* "lz4hc" or "lz4hc,SIZE" */
static bool parse_fs_compression(struct create *create, const char *text)
{
	static const char name[] = "lz4hc";
	u32 shift = INC_BLOCK_SHIFT;

	if (strncmp(text, name, sizeof(name) - 1) ||
	    (text[sizeof(name) - 1] && text[sizeof(name) - 1] != ',')) {
		message_error("create: --fs-compression takes lz4hc or lz4hc,SIZE, not '%s'",
			      text);
		return false;
	}
	if (text[sizeof(name) - 1] &&
	    !option_size_shift(create->command, "--fs-compression",
			       text + sizeof(name), INC_BLOCK_SHIFT, 16, &shift))
		return false;
	create->source_options.build.compression = 1u << (shift - INC_BLOCK_SHIFT);
	return true;
}

static bool parse_cluster(struct create *create, const char *option, u32 *shift)
{
	if (!option_size_shift(create->command, option, optarg, INC_BLOCK_SHIFT,
			       INC_BLOCK_SHIFT + INC_CLUSTER_SHIFT_MAX, shift))
		return false;
	*shift -= INC_BLOCK_SHIFT;
	return true;
}

static bool check_fs_compression(const struct create *create)
{
	const struct source_options *options = &create->source_options;

	if (!options->build.compression ||
	    (options->fs->compresses && !options->raw))
		return true;
	message_error("create: --fs-compression goes with %s",
		      options->raw ? "files, not with --raw" :
				     "--fs erofs only");
	return false;
}

/* Options that mean nothing without others. */
static bool check_order(struct create *create)
{
	if (!create->trace_count && create->rest_given) {
		message_error("%s: --rest-cluster is of use with --order only",
			      create->command);
		return false;
	}
	if (!create->trace_count && create->squash && create->cluster_given) {
		message_error("%s: --cluster is of use with --order only",
			      create->command);
		return false;
	}
	if (!create->rest_given)
		create->rest_shift = REST_SHIFT - INC_BLOCK_SHIFT;
	if (create->rest_shift >= create->cluster_shift)
		return true;
	if (create->rest_given) {
		message_error("%s: --rest-cluster must not be less than --cluster",
			      create->command);
		return false;
	}
	create->rest_shift = create->cluster_shift;
	return true;
}

static bool parse_option(struct create *create, int option)
{
	switch (option) {
	case 'f':
		create->sources_options.filesystems = true;
		return parse_fs(create, optarg);
	case 'C':
		return parse_fs_compression(create, optarg);
	case 's':
		return parse_salt(create, optarg);
	case 'c':
		create->cluster_given = true;
		return parse_cluster(create, "--cluster",
				     &create->cluster_shift);
	case 'R':
		create->rest_given = true;
		return parse_cluster(create, "--rest-cluster",
				     &create->rest_shift);
	case 'O':
		create->traces[create->trace_count++] = optarg;
		return true;
	case 'k':
		return option_size_shift("create", "--chunk", optarg,
					 INC_CHUNK_SHIFT_MIN,
					 INC_CHUNK_SHIFT_MAX,
					 &create->chunk_shift);
	case 'l':
		return option_number(create->command, "--level", optarg, 2, 12,
				     &create->level);
	case 't':
		return option_number(create->command, "--threads", optarg, 1,
				     PIPELINE_THREADS_MAX, &create->threads);
	case 'd':
		create->dictionary = true;
		return true;
	case 'N':
		create->sources_options.plain = true;
		return true;
	case 'm':
		return option_size(create->command, "--max-size", optarg,
				   &create->sources_options.most);
	case 'e':
		create->references = true;
		return true;
	case 'r':
		create->source_options.raw = true;
		return true;
	case 'n':
		create->source_options.check = false;
		return true;
	case 'F':
		create->force = true;
		return true;
	case 'j':
		create->json = true;
		return true;
	default:
		return signer_option(create->command, option, optarg,
				     &create->signer_options);
	}
}

static int run_command(const char *name, int argc, char **argv,
		       const struct option *options,
		       const char *const *operands, bool squash)
{
	static struct create create;
	int option;

	memset(&create, 0, sizeof(create));
	create.command = name;
	create.squash = squash;
	create.source_options.known = filesystems;
	create.source_options.fs = &filesystems[0];
	create.source_options.check = true;
	create.sources_options.most = SOURCES_SIZE_MAX;
	create.chunk_shift = INC_CHUNK_SHIFT_MIN;
	create.signer_options = (struct signer_options)SIGNER_NO_OPTIONS;
	create.threads = pipeline_threads();
	/* No more traces than arguments. */
	create.traces = calloc((size_t)argc, sizeof(*create.traces));
	if (!create.traces) {
		no_memory();
		return EXIT_FAILED;
	}
	while ((option = option_next(argc, argv, "", options)) != -1)
		if (!parse_option(&create, option))
			return usage_error(name);
	if (!operands_ok(name, argc, argv, operands, 2))
		return EXIT_USAGE;
	if (!signer_options_only_sign(name, &create.signer_options) ||
	    !check_order(&create) || !check_fs_compression(&create))
		return usage_error(name);
	if (!create.level)
		create.level = create.dictionary ? LEVEL_DICTIONARY : LEVEL;
	create.source_path = argv[optind];
	create.image_path = argv[optind + 1];
	return run(&create);
}

int command_create(int argc, char **argv)
{
	static const struct option options[] = {
		{ "fs", required_argument, NULL, 'f' },
		{ "fs-compression", required_argument, NULL, 'C' },
		{ "raw", no_argument, NULL, 'r' },
		{ "no-oci", no_argument, NULL, 'N' },
		{ "max-size", required_argument, NULL, 'm' },
		{ "no-check", no_argument, NULL, 'n' },
		{ "salt", required_argument, NULL, 's' },
		{ "cluster", required_argument, NULL, 'c' },
		{ "order", required_argument, NULL, 'O' },
		{ "rest-cluster", required_argument, NULL, 'R' },
		{ "chunk", required_argument, NULL, 'k' },
		{ "level", required_argument, NULL, 'l' },
		{ "threads", required_argument, NULL, 't' },
		{ "dictionary", no_argument, NULL, 'd' },
		{ "references", no_argument, NULL, 'e' },
		{ "force", no_argument, NULL, 'F' },
		{ "json", no_argument, NULL, 'j' },
		SIGNER_OPTIONS,
		{ NULL, 0, NULL, 0 },
	};
	static const char *const operands[] = { "SOURCE", "IMAGE" };

	return run_command("create", argc, argv, options, operands, false);
}

int command_squash(int argc, char **argv)
{
	static const struct option options[] = {
		{ "level", required_argument, NULL, 'l' },
		{ "dictionary", no_argument, NULL, 'd' },
		{ "references", no_argument, NULL, 'e' },
		{ "order", required_argument, NULL, 'O' },
		{ "cluster", required_argument, NULL, 'c' },
		{ "rest-cluster", required_argument, NULL, 'R' },
		{ "threads", required_argument, NULL, 't' },
		{ "force", no_argument, NULL, 'F' },
		{ "json", no_argument, NULL, 'j' },
		SIGNER_OPTIONS,
		{ NULL, 0, NULL, 0 },
	};
	static const char *const operands[] = { "IMAGE", "OUT" };

	return run_command("squash", argc, argv, options, operands, true);
}
