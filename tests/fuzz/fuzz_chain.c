// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzz target: the check of an image's signature against trusted certificates. The
 * input is the signature in an image's head, with the certificates that it carries,
 * or, if it does not start like one, a file of certificates that are to be trusted.
 *
 * The keys are not in this tree, so a good signature can only be one that was made
 * with them: the names of its signers begin with "good". Other certificates of the corpus
 * are expired, early, of an authority that is none or may not name them, or lead in
 * circles.
 */
#include <sys/mman.h>
#include <unistd.h>
#include "fuzz/fuzz.h"
#include "libincremental/hash.h"

/* The corpus' signatures are of the root digest 0123456789abcdef0123... */
static const u8 root[8] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef };

/* A root, and a signer's own certificate without any above it. */
static const char trusted_pem[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIIBWjCCAQGgAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlnb29kIHJv\n"
	"b3QwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMM\n"
	"CWdvb2Qgcm9vdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNyd6nP83zBhoPc+\n"
	"op096BxeahuWYm2bTl7z7YNx8voPC4AEfWxLT3+KyVvt7aBNy4UZL8FrCfjMIoc7\n"
	"89b3H5CjQjBAMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgIEMB0GA1Ud\n"
	"DgQWBBRa1u9DsDXWtlD1rQ5fMebwe1dyvjAKBggqhkjOPQQDAgNHADBEAiB6DF7O\n"
	"TidaASao8jfNbTI/ZNwqpW5DdHtWFQlDYOfVggIgUNfrO1MKGgkX/329lWDVbKiY\n"
	"RdMXYwEmp7WsMFWYLZg=\n"
	"-----END CERTIFICATE-----\n"
	"-----BEGIN CERTIFICATE-----\n"
	"MIIBSzCB8aADAgECAgEFMAoGCCqGSM49BAMCMBYxFDASBgNVBAMMC2dvb2QgZGly\n"
	"ZWN0MCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAWMRQwEgYDVQQD\n"
	"DAtnb29kIGRpcmVjdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABH0m0ZOnxGOa\n"
	"guQDOxFEvhtPz0rzzrZbReEHdAx6azCq4x1vdk7wOnoMefIdztFeoRlHdpALBcPF\n"
	"3EWoPPrnFeSjLjAsMB0GA1UdDgQWBBS4hBGqhuU+Jn4X9D2F/kehLh5h1zALBgNV\n"
	"HQ8EBAMCB4AwCgYIKoZIzj0EAwIDSQAwRgIhAPjEbIkq/OJjWPLtLDTlSdoL7UkD\n"
	"AiBNlW8jKdopMEY7AiEAiPM3EJMK/TG7843dHoZRfuVvcycGH06M+93cbIkk0vk=\n"
	"-----END CERTIFICATE-----\n";

static const char stranger_pem[] =
	"-----BEGIN CERTIFICATE-----\n"
	"MIIBWDCB/6ADAgECAgECMAoGCCqGSM49BAMCMBMxETAPBgNVBAMMCHN0cmFuZ2Vy\n"
	"MCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjATMREwDwYDVQQDDAhz\n"
	"dHJhbmdlcjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABLYVRAlA3ywO+px60Euq\n"
	"2aPKOHeI+kfe2UZTI79zCK1yuH+G/W4BHAf9PvuEy3Xy013xFaT0ij3Nh+njD+SO\n"
	"HnCjQjBAMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgIEMB0GA1UdDgQW\n"
	"BBQMD/14sRosuhy0ng25lBkMU3b9STAKBggqhkjOPQQDAgNIADBFAiEAsDRPb7eP\n"
	"UpZXiihZZMSI7di9/f+xKIhyU5hCeabAA78CIGNtOIRk4PRYiNcSag7tEirg2Ckr\n"
	"Ior82UnPLl1j6p+u\n"
	"-----END CERTIFICATE-----\n";

static struct incr_anchors *trusted, *stranger;
static u8 *head;
static size_t head_size;
static u32 area;

static int load(struct incr_anchors **anchors, const void *pem, size_t size,
		struct incr_error *error)
{
	int file = memfd_create("anchors", MFD_CLOEXEC), ret;
	char path[32];

	MUST(file >= 0 && write(file, pem, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	ret = incr_anchors_load(anchors, path, error);
	close(file);
	return ret;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const struct fuzz_seed *seed;
	struct inc_super *super;
	struct incr_error error;
	size_t i;

	(void)argc, (void)argv;
	MUST(!load(&trusted, trusted_pem, strlen(trusted_pem), &error));
	MUST(!load(&stranger, stranger_pem, strlen(stranger_pem), &error));
	/* Any image's head will do. */
	fuzz_seeds(&seed);
	head = seed->bytes;
	head_size = seed->size;
	super = (struct inc_super *)head;
	for (i = 0; i < INC_SHA256_SIZE; i++)
		super->root_digest[i] = root[i % sizeof(root)];
	area = le32_to_cpu(super->signature_area);
	return 0;
}

static int read_image(void *context, u64 offset, size_t length, void *buffer,
		      struct incr_error *error)
{
	(void)context, (void)error;
	MUST(offset <= head_size && length <= head_size - offset);
	memcpy(buffer, head + offset, length);
	return 0;
}

static void check(const u8 *data, size_t size)
{
	const struct incr_io io = { .read = read_image };
	struct inc_super *super = (struct inc_super *)head;
	u8 *room = head + le32_to_cpu(super->signature_offset);
	struct incr_signer signer;
	struct incr_image *image;
	struct incr_error error;
	int ret;

	if (size > area)
		return;
	memcpy(room, data, size);
	memset(room + size, 0, area - size);
	super->signature_size = cpu_to_le32((u32)size);
	incr_head_digest(head, le32_to_cpu(super->head_size),
			 super->head_digest);
	MUST(!incr_image_open(&image, &io, head_size, INCR_NEWEST, &error));
	ret = incr_image_check_signature(image, trusted, &signer, &error);
	if (ret)
		fuzz_failed(ret, &error);
	else
		MUST(!strncmp(signer.subject, "CN = good ", 10) &&
		     !signer.expired);
	ret = incr_image_check_signature(image, stranger, &signer, &error);
	if (ret)
		fuzz_failed(ret, &error);
	else
		MUST(!strcmp(signer.subject, "CN = bad foreign"));
	incr_image_close(image);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct incr_anchors *anchors;
	struct incr_error error;
	int ret;

	if (!size || data[0] == 0x30) {
		check(data, size);
		return 0;
	}
	ret = load(&anchors, data, size, &error);
	if (ret)
		fuzz_failed(ret, &error);
	else
		incr_anchors_free(anchors);
	return 0;
}
