/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making an image of one segment: what "mkimage create" and "mkimage squash" do.
 */
#ifndef MKIMAGE_BUILD_H
#define MKIMAGE_BUILD_H

#include "fs/source.h"
#include "libincremental/incremental.h"
#include "progress.h"
#include "segment/order.h"
#include "segment/segment.h"
#include "sign/signer.h"
#include "sources/sources.h"

/**
 * struct create - an image to be made
 *
 * The fields before @signer are set by options.
 */
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

/*
 * Make the image, and print its summary. Frees all but what options have set.
 * Return: the exit status, EXIT_FAILED after an error message.
 */
int build_run(struct create *create);

#endif /* MKIMAGE_BUILD_H */
