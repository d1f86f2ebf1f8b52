// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mkimage sign
 *
 * A signature is put into the head of an image in place, in three steps, each
 * of them on the disk before the next begins:
 *
 * 1. a superblock that says "not signed", with the digest of a head whose
 *    signature area is all zeros
 * 2. the signature area
 * 3. the superblock with the signature's size and the new head's digest
 *
 * Only the first 512 bytes of a superblock change, and disks write these as
 * one. After a crash between the steps the head does not match its digest, but
 * it would if the bytes of the area outside a signature were zeros: only these
 * can be wrong. "mkimage sign" knows this and goes on; every other reader
 * reports a corrupt head.
 */
#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "command.h"
#include "common/file-lock.h"
#include "common/message.h"
#include "common/option.h"
#include "common/printable.h"
#include "io.h"
#include "libincremental/hash.h"
#include "libincremental/incremental.h"
#include "output.h"
#include "segment/append.h"
#include "sign/signer.h"
#include "spool.h"

static_assert(offsetof(struct inc_super, head_digest) < 512 &&
	      offsetof(struct inc_super, signature_size) < 512 &&
	      offsetof(struct inc_super, epoch) < 512,
	      "one sector has all that signing changes");

/* The largest file with a signature, in DER or PEM. */
#define FILE_MAX	(2 * INC_SIGNATURE_AREA)

const char sign_help[] =
"Usage: mkimage sign --key KEY --certificate PEM [OPTION]... IMAGE\n"
"       mkimage sign --signature FILE [--certificate PEM] [OPTION]... IMAGE\n"
"       mkimage sign --export FILE [OPTION]... IMAGE\n"
"\n"
"Sign the root hash of IMAGE, put the signature FILE, which was made elsewhere,\n"
"into IMAGE, or take the one in IMAGE out. IMAGE is changed in place. The\n"
"signature is a detached PKCS#7 message over the text that \"mkimage inspect\n"
"--signed-text\" prints; without an epoch that is the root hash, and \"veritysetup\n"
"--root-hash-signature\" takes it.\n"
"\n"
SIGNER_HELP
"  --signature FILE        a signature in DER or PEM; with --certificate it must\n"
"                          be by one of these\n"
"  --export FILE           write the signature to FILE, after signing if that\n"
"                          was asked for, too\n"
"  --generation N          of that one, 0 being the first (the newest)\n"
"  --force                 replace the FILE of --export\n";

/**
 * struct sign - one run of the command
 * @super: the superblock of the generation's segment, as the file has it
 * @head: the head, as it is without an interruption
 */
struct sign {
	struct signer_options options;
	const char *signature_path;
	const char *export_path;
	const char *path;
	u64 generation;
	bool force;

	int fd;
	struct output output;		/* of --export */
	struct inc_segment seg;
	u8 *head;
	u8 *signature;
	size_t size;
	struct incr_signer who;
};

/* Find the segment; its head need not be whole. */
static int find_segment(struct sign *sign)
{
	struct inc_super super;
	const char *why;
	u64 offset = 0;
	off_t size = lseek(sign->fd, 0, SEEK_END);
	u32 number;
	int ret;

	for (number = 0;; number++) {
		struct inc_segment seg;

		if (size < (off_t)(offset + sizeof(super)))
			why = "the file ends there";
		else {
			ret = read_all(sign->fd, offset, &super, sizeof(super),
				       sign->path);
			if (ret)
				return ret;
			if (!dm_inc_segment_parse(&super, offset, (u64)size,
						  &seg, &why) &&
			    seg.generation != number)
				why = "its generation is not its place in the image";
		}
		if (why && number && (sign->generation == INCR_NEWEST ||
				      sign->generation < number))
			return 0;
		if (why) {
			message_error("%s: segment %u at offset %llu: %s",
				      sign->path, number,
				      (unsigned long long)offset, why);
			return -EINVAL;
		}
		sign->seg = seg;
		if (sign->generation == number)
			return 0;
		offset = seg.end;
	}
}

static bool head_good(const struct sign *sign)
{
	u8 digest[INC_SHA256_SIZE];

	incr_head_digest(sign->head, sign->seg.head_size, digest);
	return !memcmp(digest, sign->seg.head_digest, sizeof(digest));
}

static int load_head(struct sign *sign)
{
	const struct inc_segment *seg = &sign->seg;
	u8 *area;
	int ret;

	sign->head = malloc(seg->head_size);
	if (!sign->head) {
		message_error("out of memory for the head");
		return -ENOMEM;
	}
	ret = read_all(sign->fd, seg->offset, sign->head, seg->head_size,
		       sign->path);
	if (ret || head_good(sign))
		return ret;
	area = sign->head + seg->signature_offset;
	memset(area + seg->signature_size, 0,
	       seg->signature_area - seg->signature_size);
	if (!sign->export_path && head_good(sign)) {
		message_info("%s: signing was interrupted before; it is done now",
			     sign->path);
		return 0;
	}
	message_error("%s: head of generation %u (offset %llu) does not match its digest: it is corrupt",
		      sign->path, seg->generation,
		      (unsigned long long)seg->offset);
	return -EBADMSG;
}

static int sync_step(const struct sign *sign, int ret)
{
	if (!ret && fdatasync(sign->fd)) {
		ret = -errno;
		message_error("%s: cannot write it to the disk: %s",
			      sign->path, strerror(-ret));
	}
	return ret;
}

static int write_super(struct sign *sign, u32 signature_size)
{
	struct inc_super *super = (struct inc_super *)sign->head;

	super->signature_size = cpu_to_le32(signature_size);
	super->epoch = cpu_to_le32(sign->seg.epoch);
	incr_head_digest(sign->head, sign->seg.head_size, super->head_digest);
	return sync_step(sign, write_all(sign->fd, sign->seg.offset, super,
					 sizeof(*super), sign->path));
}

/* The three steps of the comment at the top. */
static int put_signature(struct sign *sign)
{
	const struct inc_segment *seg = &sign->seg;
	u8 *area = sign->head + seg->signature_offset;
	int ret;

	memset(area, 0, seg->signature_area);
	ret = write_super(sign, 0);
	if (ret)
		return ret;
	memcpy(area, sign->signature, sign->size);
	ret = sync_step(sign, write_all(sign->fd,
					seg->offset + seg->signature_offset,
					area, seg->signature_area, sign->path));
	if (ret)
		return ret;
	return write_super(sign, (u32)sign->size);
}

/* PEM becomes DER; DER stays as it is. */
static int decode(struct sign *sign)
{
	CMS_ContentInfo *cms = NULL;
	BIO *bio;
	u8 *der = NULL;
	int length = 0;

	if (sign->size < 11 || memcmp(sign->signature, "-----BEGIN ", 11))
		return 0;
	bio = BIO_new_mem_buf(sign->signature, (int)sign->size);
	if (bio)
		cms = PEM_read_bio_CMS(bio, NULL, NULL, NULL);
	if (cms)
		length = i2d_CMS_ContentInfo(cms, &der);
	CMS_ContentInfo_free(cms);
	BIO_free(bio);
	ERR_clear_error();
	if (length <= 0) {
		message_error("%s: not a PKCS#7 signature in PEM",
			      sign->signature_path);
		return -EINVAL;
	}
	free(sign->signature);
	sign->signature = der;
	sign->size = (size_t)length;
	return 0;
}

static int read_signature(struct sign *sign)
{
	int fd = open(sign->signature_path, O_RDONLY | O_CLOEXEC);
	ssize_t got = 1;
	int ret = 0;

	sign->signature = malloc(FILE_MAX + 1);
	while (fd >= 0 && sign->signature && got > 0 &&
	       sign->size <= FILE_MAX) {
		got = read(fd, sign->signature + sign->size,
			   FILE_MAX + 1 - sign->size);
		if (got > 0)
			sign->size += (size_t)got;
	}
	if (fd < 0 || !sign->signature || got < 0) {
		ret = -errno;
		message_error("%s: %s", sign->signature_path, strerror(-ret));
	}
	if (fd >= 0)
		close(fd);
	if (!ret)
		ret = decode(sign);
	if (!ret && sign->size > sign->seg.signature_area) {
		message_error("%s: a signature of %s%zu bytes; the image has room for %u",
			      sign->signature_path,
			      sign->size > FILE_MAX ? "more than " : "",
			      sign->size > FILE_MAX ? FILE_MAX : sign->size,
			      sign->seg.signature_area);
		ret = -EFBIG;
	}
	return ret;
}

/* Check a signature that was made elsewhere. */
static int take_signature(struct sign *sign, const char *text)
{
	struct incr_anchors *anchors = NULL;
	struct incr_error error;
	int ret = read_signature(sign);

	if (ret)
		return ret;
	if (sign->options.certificate)
		ret = incr_anchors_load(&anchors, sign->options.certificate,
					&error);
	if (ret) {
		message_error("%s", error.text);
		return ret;
	}
	ret = incr_signature_match(sign->signature, sign->size, text, anchors,
				   &sign->who, &error);
	incr_anchors_free(anchors);
	if (ret == -ENOKEY && !sign->options.certificate) {
		message_warning("%s: whether it is of this image's root hash is not known: its certificate is not in it; --certificate names it",
				sign->signature_path);
		return incr_signature_describe(sign->signature, sign->size,
					       &sign->who, &error);
	}
	if (ret)
		message_error("%s: %s", sign->signature_path, error.text);
	return ret;
}

static int make_signature(struct sign *sign, const char *text)
{
	struct incr_anchors *anchors = NULL;
	struct signer *signer;
	struct incr_error error;
	int ret;

	ret = signer_open(&signer, &sign->options);
	if (ret)
		return ret;
	ret = signer_sign(signer, text, &sign->signature, &sign->size);
	if (!ret && sign->size > sign->seg.signature_area) {
		message_error("%s: the signature has %zu bytes, and it has room for %u",
			      sign->path, sign->size,
			      sign->seg.signature_area);
		ret = -EFBIG;
	}
	signer_free(signer);
	if (ret)
		return ret;
	ret = incr_anchors_load(&anchors, sign->options.certificate, &error);
	if (!ret)
		ret = incr_signature_match(sign->signature, sign->size, text,
					   anchors, &sign->who, &error);
	if (ret)
		message_error("%s", error.text);
	incr_anchors_free(anchors);
	return ret;
}

/* The image can be opened now, though parts may be absent. */
static int check_signed(const struct sign *sign)
{
	struct incr_image *image;
	u8 block[INC_BLOCK_SIZE];
	struct incr_error error;
	int ret;

	ret = incr_image_open_fd(&image, sign->fd, sign->path,
				 sign->seg.generation, &error);
	if (ret) {
		message_error("%s", error.text);
		return ret;
	}
	if (!incr_image_read(image, 0, 1, block, &error))
		signer_check_start(sign->path, block);
	incr_image_close(image);
	return 0;
}

static int sign_image(struct sign *sign)
{
	struct inc_segment *seg = &sign->seg;
	char text[INC_SIGNED_TEXT_MAX];
	int ret;

	if (sign->options.epoch != NO_EPOCH)
		seg->epoch = (u32)sign->options.epoch;
	if (!seg->signature_area) {
		message_error("%s: its head has no room for a signature",
			      sign->path);
		return -EINVAL;
	}
	inc_segment_signed_text(seg, text);
	ret = sign->signature_path ? take_signature(sign, text) :
				     make_signature(sign, text);
	if (ret)
		return ret;
	ret = append_check_path(sign->fd, sign->path);
	if (!ret)
		ret = put_signature(sign);
	if (!ret)
		ret = check_signed(sign);
	if (!ret)
		printf("%s: generation %u signed by %s: %s with %s, %zu bytes\n",
		       printable_name(sign->path), seg->generation,
		       *sign->who.subject ? sign->who.subject :
		       *sign->who.issuer ? sign->who.issuer : "an unnamed signer",
		       sign->who.algorithm, sign->who.digest, sign->size);
	return ret;
}

/* Open the export first: if that fails, the image does not change. */
static int open_export(struct sign *sign)
{
	struct output *output = &sign->output;
	int ret = output_open(output, sign->export_path, sign->force);

	if (!ret)
		ret = output_check_source(output, sign->path);
	if (!ret && sign->signature_path)
		ret = output_check_source(output, sign->signature_path);
	return ret ? ret : signer_check_output(&sign->options, output);
}

static int export_signature(struct sign *sign)
{
	const struct inc_segment *seg = &sign->seg;
	int ret;

	if (!sign->signature && !seg->signature_size) {
		message_error("%s: generation %u is not signed", sign->path,
			      seg->generation);
		return -ENOKEY;
	}
	if (!sign->signature)
		sign->size = seg->signature_size;
	ret = write_all(sign->output.fd, 0, sign->head + seg->signature_offset,
			sign->size, sign->export_path);
	return ret ? ret : output_commit(&sign->output);
}

static int run(struct sign *sign, bool change)
{
	int ret;

	sign->fd = open(sign->path, O_CLOEXEC | O_NONBLOCK |
			(change ? O_RDWR : O_RDONLY));
	if (sign->fd < 0) {
		message_error("%s: cannot be opened for %s: %s", sign->path,
			      change ? "writing" : "reading", strerror(errno));
		return EXIT_FAILED;
	}
	/* Two programs at a time would mix their changes. */
	if (change && file_lock(sign->fd, true)) {
		message_error("%s: in use: another program has locked it",
			      sign->path);
		close(sign->fd);
		return EXIT_FAILED;
	}
	ret = find_segment(sign);
	if (!ret)
		ret = load_head(sign);
	if (!ret && sign->export_path)
		ret = open_export(sign);
	if (!ret && change)
		ret = sign_image(sign);
	if (!ret && sign->export_path)
		ret = export_signature(sign);
	output_close(&sign->output);
	if (close(sign->fd) && !ret) {
		message_error("%s: %s", sign->path, strerror(errno));
		ret = -EIO;
	}
	free(sign->head);
	free(sign->signature);
	return ret ? EXIT_FAILED : EXIT_OK;
}

static bool parse_option(struct sign *sign, int option)
{
	switch (option) {
	case 's':
		sign->signature_path = optarg;
		return true;
	case 'e':
		sign->export_path = optarg;
		return true;
	case 'g':
		return option_number("sign", "--generation", optarg, 0,
				     INC_SEGMENTS_MAX - 1, &sign->generation);
	case 'F':
		sign->force = true;
		return true;
	default:
		return signer_option("sign", option, optarg, &sign->options);
	}
}

static bool options_ok(const struct sign *sign)
{
	bool key = sign->options.key, signature = sign->signature_path;

	if (key && signature)
		message_error("sign: --key and --signature exclude each other");
	else if (!key && !signature && !sign->export_path)
		message_error("sign: --key, --signature or --export is missing");
	else if (sign->options.epoch != NO_EPOCH && !key && !signature)
		message_error("sign: --epoch needs --key or --signature: a signature covers it");
	else if (sign->options.certificate && !key && !signature)
		message_error("sign: --certificate needs --key or --signature");
	else
		return signer_options_ok("sign", &sign->options);
	return false;
}

int command_sign(int argc, char **argv)
{
	static const struct option options[] = {
		SIGNER_OPTIONS,
		{ "signature", required_argument, NULL, 's' },
		{ "export", required_argument, NULL, 'e' },
		{ "generation", required_argument, NULL, 'g' },
		{ "force", no_argument, NULL, 'F' },
		{ NULL, 0, NULL, 0 },
	};
	static const char *const operands[] = { "IMAGE" };
	static struct sign sign = {
		.options = SIGNER_NO_OPTIONS,
		.output.fd = -1,
		.generation = INCR_NEWEST,
	};
	int option;

	while ((option = option_next(argc, argv, "", options)) != -1)
		if (!parse_option(&sign, option))
			return usage_error("sign");
	if (!operands_ok("sign", argc, argv, operands, 1))
		return EXIT_USAGE;
	if (!options_ok(&sign))
		return usage_error("sign");
	sign.path = argv[optind];
	return run(&sign, sign.options.key || sign.signature_path);
}
