/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libincremental: read and verify incremental images, without a kernel, and plan
 * what is to be fetched of them.
 *
 * An image is a file: a read-only block device in compressed pieces, with a hash
 * tree over its blocks. Words are those of the format's description: "device" is
 * the block device, whose contents are usually a filesystem; "file" is the image
 * file. A local file may have holes, whose bytes are absent. Offsets and lengths
 * are in bytes.
 *
 * Errors: functions return 0, or a negative errno and one sentence in @error, which
 * may be NULL. -EINVAL is a bad argument or a malformed image, -EBADMSG bytes that
 * do not match their digest, -ENODATA bytes that are absent, -ENOTSUP a feature
 * that this library does not know; errors of a reading callback are passed on.
 *
 * Threads: an open image may be used by several threads at a time; it is closed
 * when none uses it any more.
 */
#ifndef INCREMENTAL_PUBLIC_H
#define INCREMENTAL_PUBLIC_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** struct incremental_error - the sentence for a failure; it has no line break */
struct incremental_error {
	char text[512];
};

/** struct incremental_image - one generation of an image, open */
struct incremental_image;

/**
 * struct incremental_io - where an image file's bytes come from
 * @read: read exactly @length bytes at @offset of the file into @buffer; return 0, or a
 *	negative errno (-ENODATA: absent) and say why in error->text, which is never
 *	NULL. Called from any thread that uses the image, several at a time
 * @context: passed to @read; the caller's, to be kept until incremental_close()
 */
struct incremental_io {
	int (*read)(void *context, uint64_t offset, size_t length, void *buffer,
		    struct incremental_error *error);
	void *context;
};

/** INCREMENTAL_NEWEST - as a generation: the newest that there is */
#define INCREMENTAL_NEWEST UINT32_MAX

/** incremental_version - of this library, as "0.1"; constant */
const char *incremental_version(void);

/**
 * incremental_open - open one generation of an image in a file
 * @image: set on success; freed with incremental_close()
 * @path: of a complete or local file, or of a block device
 * @generation: number, the first is 0; or INCREMENTAL_NEWEST
 *
 * Reads the heads only, and checks their digests. The image's own root digest is used
 * for all that is read, until incremental_trust() or incremental_check_signature()
 * says that it is the right one.
 */
int incremental_open(struct incremental_image **image, const char *path,
		     uint32_t generation, struct incremental_error *error);

/**
 * incremental_open_io - the same where bytes come from a callback
 * @io: copied
 * @size: bytes that it can read
 */
int incremental_open_io(struct incremental_image **image,
			const struct incremental_io *io, uint64_t size,
			uint32_t generation, struct incremental_error *error);

/** incremental_close - free an image; NULL is none */
void incremental_close(struct incremental_image *image);

#define INCREMENTAL_DIGEST_MAX	64
#define INCREMENTAL_SALT_MAX	256

/**
 * struct incremental_info - facts about an open generation
 * @file_size: bytes of the image file, with all its generations
 * @device_size: bytes of the device
 * @generation, @generations: the number of this one, and how many the file has
 * @chunk_size: the unit of presence in the file, and of incremental_verify()
 * @block_size: of the device, which has a digest for each
 * @epoch: that a signature vouches for; 0: none
 * @uuid: of the image
 * @root: digest of the device, of @root_size bytes, by the hash @hash_name
 * @salt: of @salt_size bytes
 */
struct incremental_info {
	uint64_t file_size;
	uint64_t device_size;
	uint32_t generation;
	uint32_t generations;
	uint32_t chunk_size;
	uint32_t block_size;
	uint32_t epoch;
	uint32_t root_size;
	uint32_t salt_size;
	uint8_t uuid[16];
	char hash_name[32];
	uint8_t root[INCREMENTAL_DIGEST_MAX];
	uint8_t salt[INCREMENTAL_SALT_MAX];
};

/**
 * incremental_get_info - fill in @info
 * @size: sizeof(struct incremental_info) of the caller, which may be that of an older
 *	header: the structure only grows at its end. A rest that this library does not
 *	know is zero
 */
void incremental_get_info(const struct incremental_image *image,
			  struct incremental_info *info, size_t size);

/**
 * incremental_trust - compare the generation's root digest with a trusted one
 * @root: @size bytes
 *
 * Return: 0; -EBADMSG if it is another one.
 */
int incremental_trust(struct incremental_image *image, const uint8_t *root,
		      size_t size, struct incremental_error *error);

/**
 * incremental_check_signature - the generation must be signed
 * @certificates: path of a file in PEM; a chain must lead to one of these
 *
 * Return: 0; -EBADMSG or -ENOKEY if it is not signed so; other errnos.
 */
int incremental_check_signature(struct incremental_image *image,
				const char *certificates,
				struct incremental_error *error);

/**
 * incremental_read - read verified bytes of the device
 * @buffer: receives @length bytes; its contents are undefined on failure
 *
 * Whole blocks are read and checked, so aligned reads are cheaper.
 */
int incremental_read(struct incremental_image *image, uint64_t offset,
		     size_t length, void *buffer,
		     struct incremental_error *error);

/** struct incremental_range - bytes of the file */
struct incremental_range {
	uint64_t offset;
	uint64_t length;
};

/**
 * incremental_plan - which bytes of the file a read of the device takes
 * @ranges: set to an array that incremental_free() frees: aligned to chunks, sorted,
 *	disjoint
 * @count: their number
 *
 * To know that, the map is read: with -ENODATA it is absent where it says what the read
 * takes.
 */
int incremental_plan(struct incremental_image *image, uint64_t offset,
		     uint64_t length, struct incremental_range **ranges,
		     size_t *count, struct incremental_error *error);
void incremental_free(void *pointer);

/**
 * incremental_widen - the bytes that it takes to verify a range of the file
 * @offset, @length: multiples of the chunk size; changed to a range around them that has
 *	all extents of the device that have bytes in them
 */
int incremental_widen(struct incremental_image *image, uint64_t *offset,
		      uint64_t *length, struct incremental_error *error);

/**
 * incremental_verify - check bytes that were fetched for a range of the file
 * @offset, @length: multiples of the chunk size
 * @data: @length bytes
 *
 * Other bytes that this takes are read as the image reads: see incremental_widen().
 *
 * Return: 0; -EBADMSG if they are not the image's.
 */
int incremental_verify(struct incremental_image *image, uint64_t offset,
		       uint64_t length, const void *data,
		       struct incremental_error *error);

/**
 * incremental_create_local - write a local file that holds the heads only
 * @fd: an empty file, open for writing: the caller's
 */
int incremental_create_local(struct incremental_image *image, int fd,
			     struct incremental_error *error);

/**
 * incremental_present - how much of a local file is there
 * @fd: of the file, open for reading
 * @bytes: set to the bytes that are present
 */
int incremental_present(struct incremental_image *image, int fd,
			uint64_t *bytes, struct incremental_error *error);

#ifdef __cplusplus
}
#endif

#endif /* INCREMENTAL_PUBLIC_H */
