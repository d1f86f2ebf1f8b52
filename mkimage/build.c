// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Making an image of one segment; see build.h.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "build.h"
#include "command.h"
#include "common/message.h"
#include "common/parse.h"
#include "common/printable.h"
#include "extract.h"
#include "fs/derive.h"
#include "io.h"
#include "json.h"
#include "lists/embed.h"
#include "lists/load.h"
#include "mkimage.h"
#include "output.h"
#include "pipeline.h"
#include "segment/dictionary.h"
#include "segment/ordered.h"
#include "segment/within.h"
#include "spool.h"

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
	char uuid[INCR_UUID_TEXT_SIZE], size[FORMAT_SIZE_MAX], from[FORMAT_SIZE_MAX];
	struct json_object *object;

	incr_hex_format(seg->meta.root, INC_SHA256_SIZE, root);
	if (seg->salt_size)
		incr_hex_format(seg->salt, seg->salt_size, salt);
	incr_uuid_format(seg->uuid, uuid);
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

int build_run(struct create *create)
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
