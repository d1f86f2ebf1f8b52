/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Declarations that the fuzz targets share. Each target is a program of its own,
 * with libFuzzer's main(); see docs/testing.md.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdio.h>
#include <stdlib.h>
#include "fuzz/edit.h"
#include "libincremental/incremental.h"

/*
 * libFuzzer's interface: https://llvm.org/docs/LibFuzzer.html. A target need
 * not have the first one.
 */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* As assert(), but never compiled out. */
#define MUST(condition) do {						\
		if (!(condition)) {					\
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, \
				__LINE__, #condition);			\
			abort();					\
		}							\
	} while (0)

/* A call that failed with @ret must have given a reason in @error. */
static inline void fuzz_failed(int ret, const struct incr_error *error)
{
	MUST(ret < 0);
	MUST(memchr(error->text, 0, sizeof(error->text)) && error->text[0]);
}

/**
 * struct fuzz_seed - a good image, made by mkimage when the targets were built
 * @bytes: the image
 * @raw: the contents of its device at the newest generation, device_blocks blocks
 * @seg: the newest segment
 */
struct fuzz_seed {
	char name[64];
	u8 *bytes;
	size_t size;
	u8 *raw;
	u64 raw_size;
	struct inc_segment seg;
};

/*
 * Load the images in the directory "images" beside the program, sorted by name.
 * Ends the program if there are none. Return: their number.
 */
u32 fuzz_seeds(const struct fuzz_seed **seeds);

/*
 * Make the image of an input, which is a seed's number and a script: see edit.h.
 * Return: the seed; the image is valid until the next call.
 */
const struct fuzz_seed *fuzz_image(const u8 *data, size_t size,
				   struct edit_image *image);

#endif /* FUZZ_H */
