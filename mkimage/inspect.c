// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mkimage inspect
 *
 * The whole description goes into one JSON object; the text is printed from it,
 * so that the two agree.
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
#include "filesystems.h"
#include "fs/generations.h"
#include "json.h"
#include "libincremental/incremental.h"
#include "mkimage.h"

const char inspect_help[] =
"Usage: mkimage inspect [OPTION]... IMAGE\n"
"\n"
"Describe IMAGE: its generations, sizes and digests. Only the bytes that this\n"
"takes are checked; \"mkimage verify\" checks them all.\n"
"\n"
"  --generation N  that one, 0 being the first (the newest)\n"
"  --files         which paths each generation after the first added, changed\n"
"                  and removed\n"
"  --json          print JSON\n"
"  --root-hash     print the root hash only, without a newline\n"
"  --signed-text   print the text to be signed, without a newline: the root hash,\n"
"                  and the epoch if there is one\n";

static const char *const codec_names[] = {
	[INC_CODEC_ZERO] = "zero",
	[INC_CODEC_STORED] = "stored",
	[INC_CODEC_LZ4] = "lz4",
	[INC_CODEC_LZ4_DICT] = "lz4_dictionary",
	[INC_CODEC_ZSTD] = "zstd",
	[INC_CODEC_LZ4_REFERENCES] = "lz4_references",
};
#define CODECS (sizeof(codec_names) / sizeof(codec_names[0]))

/* Totals over the map. */
struct counts {
	u64 clusters[CODECS];
	u64 blocks[CODECS];
	u64 bytes[CODECS];	/* stored, as often as clusters refer to them */
};

static int count_clusters(struct incr_image *image, struct counts *counts,
			  struct incr_error *error)
{
	u64 blocks = incr_image_segment(image)->device_blocks;
	u64 block = 0;

	memset(counts, 0, sizeof(*counts));
	while (block < blocks) {
		struct inc_extent extent;
		u64 next;
		int ret;

		ret = incr_image_map(image, block, &extent, &next, error);
		if (ret)
			return ret;
		counts->clusters[extent.codec]++;
		counts->blocks[extent.codec] += next - block;
		counts->bytes[extent.codec] += extent.length;
		block = next;
	}
	return 0;
}

static struct json_object *group(struct json_object *parent, const char *name)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(parent, name, object);
	return object;
}

static void ratio(struct json_object *object, const char *name, u64 part,
		  u64 whole)
{
	char digits[32];

	snprintf(digits, sizeof(digits), "%.4f",
		 whole ? (double)part / (double)whole : 0.0);
	json_object_object_add(object, name,
			       json_object_new_double_s(whole ? (double)part /
							(double)whole : 0.0,
							digits));
}

static void hex(struct json_object *object, const char *name, const u8 *bytes,
		size_t size)
{
	char digits[2 * INC_SALT_MAX + 1];

	incr_hex_format(bytes, size, digits);
	json_text(object, name, size ? digits : "-");
}

static void add_range(struct json_object *object, const char *name, u64 offset,
		      u64 bytes)
{
	struct json_object *range = group(object, name);

	json_number(range, "offset", offset);
	json_number(range, "bytes", bytes);
}

/* The features' names, with spaces between. */
static void add_features(struct json_object *object, u64 compat)
{
	static const char *const names[] = { "rereads", "near", "startup" };
	char text[64] = "";
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!(compat >> i & 1))
			continue;
		if (*text)
			strcat(text, " ");
		strcat(text, names[i]);
	}
	json_text(object, "features", *text ? text : "-");
}

static void add_segment(struct json_object *root, const struct inc_segment *seg)
{
	struct json_object *object = group(root, "segment");

	add_features(object, seg->compat);
	json_number(object, "offset", seg->offset);
	json_number(object, "bytes", seg->size);
	add_range(object, "head", seg->offset, seg->head_size);
	add_range(object, "bitmap", seg->bitmap_offset, seg->bitmap_size);
	add_range(object, "metadata", seg->meta_offset, seg->meta_size);
	add_range(object, "guard", seg->guard_offset,
		  seg->guard.pages << INC_PAGE_SHIFT);
	add_range(object, "guarded", seg->guarded_offset, seg->guarded_size);
	if (seg->compat & INC_COMPAT_STARTUP)
		add_range(object, "startup", seg->startup_offset,
			  seg->startup_size);
	add_range(object, "owners", seg->owners_offset, seg->owners_size);
	add_range(object, "data", seg->data_offset, seg->data_size);
	add_range(object, "signature", seg->offset + seg->signature_offset,
		  seg->signature_size);
	json_number(object, "signature_area", seg->signature_area);
	add_range(object, "dictionary", seg->dictionary_offset,
		  seg->dictionary_size);
	hex(object, "head_digest", seg->head_digest, sizeof(seg->head_digest));
	hex(object, "guard_digest", seg->guard_digest, seg->digest_size);

	object = group(root, "map");
	json_number(object, "pages", seg->map_pages);
	json_number(object, "runs", seg->map_runs);
	object = group(root, "tree");
	json_number(object, "levels", seg->tree.levels);
	json_number(object, "pages", seg->tree.pages);
	json_number(object, "runs", seg->tree_runs);
}

/* Describe the signature, without verifying it. */
static int add_signature(struct json_object *root, struct incr_image *image,
			 struct incr_error *error)
{
	struct json_object *object = group(root, "signature");
	char hash[INC_SIGNED_TEXT_MAX];
	struct incr_signer signer;
	size_t size;
	u8 *data;
	int ret;

	ret = incr_image_signature(image, &data, &size, error);
	json_number(object, "epoch", incr_image_segment(image)->epoch);
	json_object_object_add(object, "signed",
			       json_object_new_boolean(ret != -ENOKEY));
	if (ret)
		return ret == -ENOKEY ? 0 : ret;
	json_number(object, "bytes", size);
	if (incr_signature_describe(data, size, &signer, error)) {
		message_warning("%s", error->text);
	} else {
		json_text(object, "algorithm", signer.algorithm);
		json_text(object, "digest", signer.digest);
		json_text(object, "signer_issuer", signer.issuer);
		json_text(object, "signer_serial", signer.serial);
		/* If the certificate is inside. */
		inc_segment_signed_text(incr_image_segment(image), hash);
		incr_signature_match(data, size, hash, NULL, &signer, error);
		if (*signer.subject)
			json_text(object, "signer_subject", signer.subject);
		if (*signer.fingerprint)
			json_text(object, "signer_fingerprint", signer.fingerprint);
	}
	free(data);
	return 0;
}

static void add_counts(struct json_object *root, const struct incr_image *image,
		       const struct counts *counts)
{
	const struct inc_segment *seg = incr_image_segment(image);
	struct json_object *clusters = group(root, "clusters");
	u64 referred = 0, stored = 0, stored_blocks = 0;
	struct json_object *object;
	size_t codec;
	u32 i;

	for (codec = 0; codec < CODECS; codec++) {
		if (!counts->clusters[codec] && codec > INC_CODEC_LZ4)
			continue;
		object = group(clusters, codec_names[codec]);
		if (codec != INC_CODEC_ZERO) {
			json_number(object, "clusters", counts->clusters[codec]);
			stored_blocks += counts->blocks[codec];
		}
		json_number(object, "blocks", counts->blocks[codec]);
		json_number(object, "bytes", counts->bytes[codec]);
		referred += counts->bytes[codec];
	}
	for (i = 0; i <= seg->generation; i++)
		stored += incr_image_segment_at(image, i)->data_size;
	object = group(root, "compression");
	json_number(object, "from_bytes", stored_blocks << INC_BLOCK_SHIFT);
	json_number(object, "to_bytes", referred);
	ratio(object, "ratio", referred, stored_blocks << INC_BLOCK_SHIFT);
	/* Bytes that clusters share with others are counted once in the file. */
	json_number(object, "shared_bytes", referred > stored ? referred - stored :
							   0);
	ratio(object, "image_ratio", incr_image_size(image),
	      seg->device_blocks << INC_BLOCK_SHIFT);
}

/* Names are as JSON has them; control characters are escaped in text only. */
static void print_value(const char *name, struct json_object *value)
{
	char *text = printable(json_object_get_string(value),
			       PRINTABLE_CONTROL);

	printf("%-28s %s\n", name, text ? text : "?");
	free(text);
}

static void print_text(struct json_object *object, const char *prefix);

static void print_item(struct json_object *item, const char *prefix, size_t i)
{
	char name[128];

	if (json_object_is_type(item, json_type_object)) {
		snprintf(name, sizeof(name), "%.64s.%zu", prefix, i);
		print_text(item, name);
		return;
	}
	print_value(prefix, item);
}

/* In text: one line a value, groups as prefixes, arrays as lines. */
static void print_text(struct json_object *object, const char *prefix)
{
	char name[128];
	size_t i;

	json_object_object_foreach(object, key, value) {
		snprintf(name, sizeof(name), "%s%s%s", prefix,
			 *prefix ? "." : "", key);
		if (json_object_is_type(value, json_type_object))
			print_text(value, name);
		else if (json_object_is_type(value, json_type_array))
			for (i = 0; i < json_object_array_length(value); i++)
				print_item(json_object_array_get_idx(value, i),
					   name, i);
		else
			print_value(name, value);
	}
}

static int describe(struct json_object *root, struct incr_image *image,
		    const char *path, struct incr_error *error)
{
	const struct inc_segment *seg = incr_image_segment(image);
	char uuid[INCR_UUID_TEXT_SIZE];
	struct counts counts;
	u64 present;
	int fd, ret;

	incr_uuid_format(seg->uuid, uuid);
	json_name(root, "image", path);
	json_number(root, "image_bytes", incr_image_size(image));
	json_text(root, "uuid", uuid);
	json_number(root, "format_version", INC_VERSION);
	json_number(root, "generation", seg->generation);
	json_number(root, "segments", incr_image_segments(image));
	json_number(root, "device_bytes", seg->device_blocks << INC_BLOCK_SHIFT);
	json_number(root, "block_bytes", INC_BLOCK_SIZE);
	json_number(root, "chunk_bytes", 1ull << seg->chunk_shift);
	json_number(root, "cluster_bytes", (u64)INC_BLOCK_SIZE <<
				      seg->cluster_shift);
	json_text(root, "hash", seg->hash_name);
	hex(root, "root_hash", seg->root_digest, seg->digest_size);
	hex(root, "salt", seg->salt, seg->salt_size);
	add_segment(root, seg);
	ret = add_signature(root, image, error);
	if (ret)
		return ret;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	ret = incr_local_present(image, fd, &present, error);
	close(fd);
	if (ret)
		return ret;
	json_number(root, "present_bytes", present);
	ret = count_clusters(image, &counts, error);
	if (!ret)
		add_counts(root, image, &counts);
	else if (ret == -ENODATA)
		message_warning("%s: clusters are not counted: the map is not all present",
				path);
	return ret == -ENODATA ? 0 : ret;
}

/* 'r': the root hash; 's': the signed text */
static void print_only(const struct incr_image *image, char what)
{
	const struct inc_segment *seg = incr_image_segment(image);
	char text[INC_SIGNED_TEXT_MAX];

	dm_inc_signed_text(seg->root_digest, seg->digest_size,
			   what == 's' ? seg->epoch : 0, text);
	fputs(text, stdout);
}

static int run(const char *path, u32 generation, bool json, bool files,
	       char only)
{
	struct incr_error error = { "cannot read it" };
	struct json_object *root;
	struct incr_image *image;
	int ret;

	ret = incr_image_open_file(&image, path, generation, &error);
	if (ret) {
		message_error("%s", error.text);
		return EXIT_FAILED;
	}
	if (only) {
		print_only(image, only);
		incr_image_close(image);
		return EXIT_OK;
	}
	root = json_object_new_object();
	ret = describe(root, image, path, &error);
	if (ret)
		message_error("%s: %s", path, error.text);
	else
		ret = generations_describe(root, image, path,
					   files ? filesystems : NULL);
	if (!ret && json)
		puts(json_object_to_json_string_ext(root,
				JSON_C_TO_STRING_PRETTY |
				JSON_C_TO_STRING_SPACED |
				JSON_C_TO_STRING_NOSLASHESCAPE));
	else if (!ret)
		print_text(root, "");
	json_object_put(root);
	incr_image_close(image);
	return ret ? EXIT_FAILED : EXIT_OK;
}

int command_inspect(int argc, char **argv)
{
	static const struct option options[] = {
		{ "generation", required_argument, NULL, 'g' },
		{ "files", no_argument, NULL, 'f' },
		{ "json", no_argument, NULL, 'j' },
		{ "root-hash", no_argument, NULL, 'r' },
		{ "signed-text", no_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	static const char *const operands[] = { "IMAGE" };
	u64 generation = INCR_NEWEST;
	bool json = false, files = false;
	char only = 0;
	int option;

	while ((option = option_next(argc, argv, "", options)) != -1) {
		if (option == 'j')
			json = true;
		else if (option == 'f')
			files = true;
		else if (option == 'r' || option == 's')
			only = (char)option;
		else if (option != 'g' ||
			 !option_number("inspect", "--generation", optarg, 0,
					INC_SEGMENTS_MAX - 1, &generation))
			return usage_error("inspect");
	}
	if (!operands_ok("inspect", argc, argv, operands, 1))
		return EXIT_USAGE;
	return run(argv[optind], (u32)generation, json, files, only);
}
