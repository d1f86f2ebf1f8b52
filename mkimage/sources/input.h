/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bytes of an archive, for libarchive: a range of a file, a pipe, or a file in
 * another archive.
 */
#ifndef MKIMAGE_INPUT_H
#define MKIMAGE_INPUT_H

#include <archive.h>
#include <openssl/evp.h>
#include "libincremental/hash.h"

/* Bytes by which an archive is recognised. */
#define INPUT_START	4096u

/**
 * struct input - the bytes of an archive
 * @name: for messages; not copied
 * @fd: a file, or a pipe with @size UINT64_MAX; not closed
 * @start: of the archive in the file
 * @size: bytes of it
 * @inner: the archive, at one of its files, that it is in; NULL: it is in @fd
 * @digest: adds up all that is read; NULL: nobody asks
 */
struct input {
	const char *name;
	int fd;
	u64 start;
	u64 size;
	struct archive *inner;
	EVP_MD_CTX *digest;

	u64 at;
	size_t filled;		/* of @buffer: read ahead to recognise it */
	bool given;		/* it was read since */
	u8 buffer[65536];
};

/*
 * Read the start, at most INPUT_START bytes if nothing is wrong; *size is set. Return: 0,
 * or a negative errno after an error message.
 */
int input_start(struct input *input, size_t *size);

/*
 * Let libarchive read it: @archive is new, and has its formats and filters. Return: as
 * above.
 */
int input_open(struct input *input, struct archive *archive);

/* Read what is left of it, for its digest. Return: as above. */
int input_drain(struct input *input);

/* "NAME: what libarchive says" to the user. Return: a negative errno. */
int input_failed(const struct input *input, struct archive *archive);

#endif /* MKIMAGE_INPUT_H */
