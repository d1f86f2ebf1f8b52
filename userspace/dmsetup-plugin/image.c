// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The local image: checked in userspace first, since the kernel cannot tell its
 * caller why it refuses a table.
 */
#include <stdio.h>
#include <stdlib.h>
#include "common/message.h"
#include "common/parse.h"
#include "dmsetup-plugin/image-file.h"

/* The optional arguments of the table, with their number in front, or "". */
static void format_options(const struct inc_segment *segment,
			   const struct options *options, char *text,
			   size_t size)
{
	enum absent_readahead absent = options->absent_readahead;
	char read_timeout[64] = "", commit[64] = "", epoch[64] = "";
	const char *proof = proof_option(options), *readahead = "", *corruption = "";
	unsigned int count = 0;

	if (options->read_timeout != UNSET) {
		snprintf(read_timeout, sizeof(read_timeout), " read_timeout %llu",
			 (unsigned long long)options->read_timeout);
		count += 2;
	}
	if (options->commit_interval != UNSET) {
		snprintf(commit, sizeof(commit), " commit_interval %llu",
			 (unsigned long long)options->commit_interval);
		count += 2;
	}
	if (absent == READAHEAD_DEFAULT)
		absent = segment->compat & INC_COMPAT_REREADS ?
			 READAHEAD_HINT : READAHEAD_FETCH;
	if (absent == READAHEAD_HINT) {
		readahead = " absent_readahead hint";
		count += 2;
	}
	if (options->on_corruption != CORRUPTION_DEFAULT) {
		corruption = options->on_corruption == CORRUPTION_PANIC ?
			     " on_corruption panic" : " on_corruption fail";
		count += 2;
	}
	if (options->min_epoch && options->require_signature) {
		snprintf(epoch, sizeof(epoch), " min_epoch %u",
			 options->min_epoch);
		count += 2;
	}
	count += proof != NULL;
	*text = '\0';
	if (count)
		snprintf(text, size, " %u%s%s%s%s%s%s%s", count, read_timeout,
			 commit, readahead, corruption, proof ? " " : "",
			 proof ? proof : "", epoch);
}

static int format_parameters(const struct inc_segment *segment,
			     const struct options *options,
			     struct image_facts *facts)
{
	char root[2 * INC_DIGEST_MAX + 1], salt[2 * INC_SALT_MAX + 1] = "-";
	char optional[256];

	incr_hex_format(segment->root_digest, segment->digest_size, root);
	if (segment->salt_size)
		incr_hex_format(segment->salt, segment->salt_size, salt);
	format_options(segment, options, optional, sizeof(optional));
	if (asprintf(&facts->parameters, "%u %s %s %s%s", segment->generation,
		     segment->hash_name, root, salt, optional) < 0)
		return -ENOMEM;
	return 0;
}

static int check_signature(struct incr_image *image,
			   const struct incr_anchors *anchors,
			   struct incr_error *error)
{
	struct incr_signer signer;
	int err = incr_image_check_signature(image, anchors, &signer, error);

	if (!err)
		message_info("generation %u is signed by %s: %s with %s; certificate's SHA-256 %s",
			     incr_image_segment(image)->generation,
			     signer.subject, signer.algorithm, signer.digest,
			     signer.fingerprint);
	return err;
}

int image_check_epoch(const struct inc_segment *segment, u64 least,
		      struct incr_error *error)
{
	if (segment->epoch >= least)
		return 0;
	return incr_fail(error, -EPERM,
			 "generation %u has epoch %u, and at least %llu is required: it is older than allowed",
			 segment->generation, segment->epoch,
			 (unsigned long long)least);
}

int image_trust(struct incr_image *image, const struct options *options,
		struct incr_error *error)
{
	int err = 0;

	if (options->root_size)
		err = incr_image_trust(image, options->root, options->root_size,
				       NULL, 0, error);
	/* A digest of another size is of another hash algorithm. */
	if (err == -EINVAL)
		return -ERR_USAGE;
	if (!err && options->anchors)
		err = check_signature(image, options->anchors, error);
	/* Of a signature that the kernel verifies it will say the same. */
	return err ? err : image_check_epoch(incr_image_segment(image),
					     options->min_epoch, error);
}

int image_check_heads(struct incr_image *image, u32 first,
		      const struct options *options, struct incr_error *error)
{
	char text[FORMAT_SIZE_MAX], limit[FORMAT_SIZE_MAX];
	u32 count = incr_image_segments(image), i;
	u64 bytes = 0;

	for (i = first; i < count; i++)
		bytes += incr_image_segment_at(image, i)->head_size;
	if (bytes <= options->max_heads)
		return 0;
	return incr_fail(error, -EFBIG,
			 "the heads of %u generations take %s, over the limit of %s (see --max-heads)",
			 count - first, format_size(bytes, text),
			 format_size(options->max_heads, limit));
}

int image_check_start(struct incr_image *image, const struct options *options,
		      struct incr_error *error)
{
	static const u8 zeros[INC_SIGNED_ZEROS];
	u8 block[INC_BLOCK_SIZE];
	struct incr_error why;

	if (!proof_option(options) ||
	    incr_image_read(image, 0, 1, block, &why) ||
	    !memcmp(block, zeros, sizeof(zeros)))
		return 0;
	return incr_fail(error, -EBADMSG,
			 "the device does not begin with %u zeros, as a filesystem does, so a root hash does not vouch for its size%s",
			 INC_SIGNED_ZEROS, options->require_signature ? "" :
			 " (--unproved-size takes the size that the image says)");
}

int image_facts(const struct image_file *file, const struct options *options,
		struct image_facts *facts, struct incr_error *error)
{
	const struct inc_segment *segment;
	struct incr_image *image;
	int err;

	err = incr_image_open_fd(&image, file->fd, file->path,
				 options->generation, error);
	if (err)
		return err;
	err = image_trust(image, options, error);
	if (!err)
		err = image_check_start(image, options, error);
	if (!err) {
		segment = incr_image_segment(image);
		facts->sectors = segment->device_blocks * (INC_BLOCK_SIZE / 512);
		memcpy(facts->uuid, segment->uuid, sizeof(facts->uuid));
		err = format_parameters(segment, options, facts);
		if (err)
			incr_fail(error, err, "out of memory");
	}
	incr_image_close(image);
	return err;
}

int device_name(const char *given, const char **name, struct incr_error *error)
{
	static const char directory[] = "/dev/mapper/";

	if (!strncmp(given, directory, strlen(directory)))
		given += strlen(directory);
	if (!*given || strchr(given, '/') || strlen(given) > 127)
		return incr_fail(error, -ERR_USAGE,
				 "\"%.128s\" cannot be a device's name", given);
	*name = given;
	return 0;
}
