/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libincremental: open, look up, verify and plan reads of incremental images
 * without a kernel. mkimage, incrementald and incrementalsetup share it.
 *
 * Units: "block" counts 4096-byte blocks of the virtual device, "offset" and
 * "length" are bytes of the image file. The words are those of docs/format.md.
 *
 * Errors: functions return 0, or a negative errno and one sentence in @error,
 * which names the fault and its place. EINVAL is a bad argument or a malformed
 * image, EBADMSG bytes that do not match their digest, ENOTSUP a feature that
 * this library does not know, ENODATA bytes that are absent; errors of the reading
 * callback are passed on.
 *
 * Threads: an open image may be used by several threads at a time.
 */
#ifndef INCREMENTAL_H
#define INCREMENTAL_H

#include <stddef.h>
#include "format.h"

struct incr_error {
	char text[512];
};

/*
 * Set @error's text, unless it is NULL, and return @code: "return incr_fail(...)".
 * If the text is too long, its middle is left out: the reason is at its end, and a
 * path that may be longer is before it.
 */
int incr_fail(struct incr_error *error, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * struct incr_io - where an image's bytes come from
 * @read: read exactly @length bytes at @offset of the image file into @buffer;
 *	return 0, or a negative errno (ENODATA: absent) and say why in @error.
 *	Called from any thread that uses the image, several at a time.
 * @context: passed to @read; the caller's, to be kept until incr_image_close()
 */
struct incr_io {
	int (*read)(void *context, u64 offset, size_t length, void *buffer,
		    struct incr_error *error);
	void *context;
};

struct incr_image;

#define INCR_NEWEST	UINT32_MAX	/* as a generation: the newest there is */

/**
 * incr_image_open - open one generation of an image
 * @image: set on success; the caller frees it with incr_image_close()
 * @io: copied
 * @size: bytes that @io can read, at least those of the image
 * @generation: number, or INCR_NEWEST
 *
 * Reads the heads only; checks their digests and directories.
 */
int incr_image_open(struct incr_image **image, const struct incr_io *io, u64 size,
		    u32 generation, struct incr_error *error);

/*
 * The same for a file; it may be sparse (a local image): see inc_present_*.
 * On failure @error starts with the path; errors of later reads do not.
 */
int incr_image_open_file(struct incr_image **image, const char *path,
			 u32 generation, struct incr_error *error);

/*
 * The same for a file that is open for reading as @fd, which stays the caller's;
 * @path is for @error alone. A path may name another file by now.
 */
int incr_image_open_fd(struct incr_image **image, int fd, const char *path,
		       u32 generation, struct incr_error *error);

void incr_image_close(struct incr_image *image);

/* The segment that describes the open generation; valid until close. */
const struct inc_segment *incr_image_segment(const struct incr_image *image);

/* Segment @number, 0 to incr_image_segments() - 1, in file order. */
const struct inc_segment *incr_image_segment_at(const struct incr_image *image,
						u32 number);
u32 incr_image_segments(const struct incr_image *image);

/* Bytes of the image file, all segments together. */
u64 incr_image_size(const struct incr_image *image);

/**
 * incr_image_trust - compare the head's root digest and salt with trusted ones
 * @root: trusted root digest, @root_size bytes
 * @salt: trusted salt, or NULL to take the head's
 *
 * Every later verification is against this root. Without this call the head's
 * own root is used, which finds damage but not forgery.
 *
 * Return: 0; EBADMSG if the head has another root digest or salt.
 */
int incr_image_trust(struct incr_image *image, const u8 *root, size_t root_size,
		     const u8 *salt, size_t salt_size, struct incr_error *error);

/* Look up and check the map entry of @block. */
int incr_image_extent(struct incr_image *image, u64 block,
		      struct inc_extent *extent, struct incr_error *error);

/**
 * incr_image_map - walk along the map
 * @block: where the walk is
 * @extent: of @block's cluster
 * @next: set to the first block of the next cluster; after zero blocks, to the
 *	next block that may have an extent. Up to the device's size.
 *
 * The walk reads each map page once or more, repeated pages just once.
 */
int incr_image_map(struct incr_image *image, u64 block, struct inc_extent *extent,
		   u64 *next, struct incr_error *error);

/**
 * incr_image_references - what an extent refers to
 * @block: of its cluster, for the message
 * @extent: of INC_CODEC_LZ4_REFERENCES, from a look-up in @image
 *
 * Reads and checks the start of the extent, as docs/format.md has it.
 */
int incr_image_references(struct incr_image *image, u64 block,
			  const struct inc_extent *extent,
			  struct inc_references *references,
			  struct incr_error *error);

/**
 * incr_image_expand - expand an extent without references, not verified
 * @extent: from a look-up in any generation of the image
 * @stored: room for its @length bytes
 * @blocks: receives inc_cluster_bytes(extent) bytes
 */
int incr_image_expand(struct incr_image *image, const struct inc_extent *extent,
		      void *stored, void *blocks, struct incr_error *error);

/**
 * incr_image_read - read verified blocks of the virtual device
 * @block: first
 * @count: number of blocks
 * @buffer: receives @count * 4096 bytes; its contents are undefined on failure
 */
int incr_image_read(struct incr_image *image, u64 block, u64 count, void *buffer,
		    struct incr_error *error);

/* The same for any bytes of the device. */
int incr_image_read_bytes(struct incr_image *image, u64 offset, size_t length,
			  void *buffer, struct incr_error *error);

/**
 * incr_image_zeros - how many blocks have no extent
 * @block: first
 * @max: blocks to look at
 * @count: set to the number of blocks from @block on, up to @max, that are
 *	zero according to the map; the hash tree was asked and agrees. If it
 *	fails: to those before the block that the error is about
 *
 * Costs no reading of zeros: a device's holes are passed over quickly.
 */
int incr_image_zeros(struct incr_image *image, u64 block, u64 max, u64 *count,
		     struct incr_error *error);

/**
 * incr_image_tree_page - read a verified page of the hash tree
 * @page: number, below incr_image_segment()->tree.pages
 * @buffer: receives 4096 bytes
 */
int incr_image_tree_page(struct incr_image *image, u64 page, void *buffer,
			 struct incr_error *error);

/**
 * incr_image_digests - verified digests of blocks
 * @digests: receives @count digests of 32 bytes, those of blocks of zeros too
 *
 * Reads the hash tree only, not the blocks.
 */
int incr_image_digests(struct incr_image *image, u64 block, u64 count,
		       void *digests, struct incr_error *error);

/**
 * incr_image_map_page - read a page of the map
 * @page: number, below incr_image_segment()->map_pages
 * @entries: receives INC_ENTRIES_PER_PAGE entries, each checked by its form
 */
int incr_image_map_page(struct incr_image *image, u64 page, __le64 *entries,
			struct incr_error *error);

/*
 * The checked directory of the open generation's map or tree, of as many runs
 * as its segment says; valid until close.
 */
const struct inc_run *incr_image_runs(const struct incr_image *image, bool tree);

/*
 * How many blocks from @block on, up to @max, two generations of an image have
 * in the same pages of the map and of the tree's lowest level, to which the tree
 * of @image leads: where they are good in @other, they are in @image.
 */
u64 incr_image_shared(struct incr_image *image, const struct incr_image *other,
		      u64 block, u64 max);

/**
 * incr_image_open_other - open another generation of an open image
 * @other: set on success; closed before @image, whose incr_io it uses
 *
 * Reads one head only: the others are known to be good.
 */
int incr_image_open_other(struct incr_image **other, struct incr_image *image,
			  u32 generation, struct incr_error *error);

/**
 * incr_image_verify - check bytes of the image file before they are filled
 * @offset: a multiple of the chunk size
 * @length: a multiple of the chunk size
 * @data: the @length bytes that arrived for [offset, offset + length)
 *
 * Every byte is: tree pages up to the root, pages of guard, dictionary, owner
 * table and map up to the guard's digest in the head, extents by expanding them
 * and checking every block, the presence bitmap by being all ones, the rest by
 * being zero. Metadata that this takes, the rest of extents that reach over
 * either end of the range, and what extents refer to are read through the image's
 * incr_io where @data does not have them.
 */
int incr_image_verify(struct incr_image *image, u64 offset, u64 length,
		      const void *data, struct incr_error *error);

/**
 * incr_image_widen - which data incr_image_verify() of a range needs
 * @offset: in: a multiple of the chunk size; out: same or lower
 * @length: in: a multiple of the chunk size; out: such that all extents that
 *	have bytes in the range are covered, and no more
 *
 * A loader fetches the widened range, keeps it where the image's incr_io finds
 * it, and verifies the range that it asked for: that reads no other data, but
 * metadata still, and what extents refer to.
 */
int incr_image_widen(struct incr_image *image, u64 *offset, u64 *length,
		     struct incr_error *error);

struct incr_range {
	u64 offset;
	u64 length;
};

/**
 * incr_image_plan - which ranges of the image file a set of blocks needs
 * @ranges: set to an array that the caller frees: chunk-aligned, sorted,
 *	disjoint, neighbours merged: map pages with what proves them right, tree
 *	pages, extents and what they refer to. To know that an extent is read; if it
 *	is absent (ENODATA), it alone is in the plan.
 * @count: number of @ranges
 */
int incr_image_plan(struct incr_image *image, u64 block, u64 blocks,
		    struct incr_range **ranges, size_t *count,
		    struct incr_error *error);

/**
 * incr_image_plan_first - the metadata that reading the device's first blocks takes
 * @ranges, @count: as of incr_image_plan(): pages of map, tree and owner table with what
 *	proves them right, and the dictionary. Nothing is read to know them.
 */
int incr_image_plan_first(const struct incr_image *image,
			  struct incr_range **ranges, size_t *count,
			  struct incr_error *error);

/* The contents of a range of the image file, for messages and priorities. */
enum incr_area {
	INCR_AREA_HEAD, INCR_AREA_BITMAP, INCR_AREA_GUARD, INCR_AREA_DICTIONARY,
	INCR_AREA_OWNERS, INCR_AREA_MAP, INCR_AREA_TREE, INCR_AREA_META_PADDING,
	INCR_AREA_DATA,
};
enum incr_area incr_image_area(const struct incr_image *image, u64 offset);

/*
 * Local images: a new sparse file that holds heads and bitmap only. @fd is an
 * empty file open for writing. Writes every head as @image reads it, sets the
 * heads' and bitmaps' presence bits, gives the file its full size.
 */
int incr_local_create(struct incr_image *image, int fd, struct incr_error *error);

/**
 * incr_local_append - add segments to a local image
 * @image: with the segments that @fd has, and those that it lacks
 * @first: number of the first segment that it lacks
 * @fd: the local image, open for writing; bytes after its last segment are
 *	overwritten
 * @whole: add all their bytes, which are verified; else heads only
 *
 * At each moment, and after a crash, the file is an image that ends with the old
 * last segment or with one of the new: see "Segments after the first" in
 * docs/format.md. The caller keeps other processes from appending.
 */
int incr_local_append(struct incr_image *image, u32 first, int fd, bool whole,
		      struct incr_error *error);

/* Bytes present according to the bitmaps of the local image @fd. */
int incr_local_present(struct incr_image *image, int fd, u64 *bytes,
		       struct incr_error *error);

/*
 * Signatures of a generation, in its segment's head: PKCS#7, detached, in DER,
 * over dm_inc_signed_text(). Without an epoch they are those that dm-verity takes.
 */

/* The text that the signature of @seg covers; INC_SIGNED_TEXT_MAX bytes. */
static inline void inc_segment_signed_text(const struct inc_segment *seg,
					   char *text)
{
	dm_inc_signed_text(seg->root_digest, seg->digest_size, seg->epoch,
			   text);
}

/**
 * struct incr_signer - the signer of a signature
 * @algorithm: "RSA-2048", "ECDSA-256"; "ECDSA" if the certificate is not known
 * @digest: "SHA256"
 * @issuer: of the signer's certificate, as the signature says; "" if it names
 *	the certificate by its key's identifier
 * @serial: of that certificate, in hexadecimal; likewise
 * @subject: of that certificate; "" if it is not known
 * @fingerprint: SHA-256 of it, in hexadecimal; "" if it is not known
 * @expired: it is past its end
 */
struct incr_signer {
	char algorithm[48];
	char digest[32];
	char issuer[256];
	char serial[64];
	char subject[256];
	char fingerprint[65];
	bool expired;
};

/**
 * incr_image_signature - the open generation's signature, not checked
 * @data: set to @size bytes that the caller frees
 *
 * Return: 0; ENOKEY if there is none; EBADMSG if it is too long.
 */
int incr_image_signature(struct incr_image *image, u8 **data, size_t *size,
			 struct incr_error *error);

/* Certificates that are trusted, from a file in PEM. */
struct incr_anchors;
int incr_anchors_load(struct incr_anchors **anchors, const char *path,
		      struct incr_error *error);
void incr_anchors_free(struct incr_anchors *anchors);

/* Take a signature apart, and check nothing. */
int incr_signature_describe(const u8 *data, size_t size,
			    struct incr_signer *signer, struct incr_error *error);

/**
 * incr_signature_match - is it the signature of a text?
 * @anchors: where the signer's certificate may be; or NULL: in @data only
 * @signer: filled in on success
 *
 * Whether the certificate is to be trusted is not looked at.
 *
 * Return: 0; EBADMSG if it is malformed, or of another text; ENOKEY if the
 * signer's certificate is not at hand, so that this could not be found out.
 */
int incr_signature_match(const u8 *data, size_t size, const char *text,
			 const struct incr_anchors *anchors,
			 struct incr_signer *signer, struct incr_error *error);

/**
 * incr_image_check_signature - check that a trusted signer signed the open generation
 * @anchors: trusted, whether roots, in between or the signer's own
 * @signer: filled in on success
 *
 * The signature must be of the generation's root digest, and a chain must lead
 * from the signer's certificate to one of @anchors with all of them valid now.
 * Then the head's root digest and salt can be trusted; the size of the device
 * can when incr_image_prove_size() agrees.
 *
 * Return: 0; EBADMSG if not so; other errnos.
 */
int incr_image_check_signature(struct incr_image *image,
			       const struct incr_anchors *anchors,
			       struct incr_signer *signer,
			       struct incr_error *error);

/* The same, with the certificates in the file @path, whoever of them signed it. */
int incr_image_check_certificates(struct incr_image *image, const char *path,
				  struct incr_error *error);

/**
 * incr_image_prove_size - does the root digest vouch for the device's size?
 *
 * For images that are signed; see "Signatures" in docs/format.md.
 *
 * Return: 0; EBADMSG if not; ENODATA if its first and last block are not all
 * there.
 */
int incr_image_prove_size(struct incr_image *image, struct incr_error *error);

/* The value of a hexadecimal digit, or -1. */
int incr_hex_digit(char c);

/* "0123ab" <-> bytes. Parse returns the number of bytes or -EINVAL. */
int incr_hex_parse(const char *hex, u8 *bytes, size_t max);
void incr_hex_format(const u8 *bytes, size_t size, char *hex);

#define INCR_UUID_TEXT_SIZE	37

/* "12345678-1234-..." */
void incr_uuid_format(const u8 *uuid, char *text);

#endif /* INCREMENTAL_H */
