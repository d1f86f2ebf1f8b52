/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Start-up lists: the ranges of an image file that starting an app takes, in the
 * order in which to fetch them. docs/startup.md has the format.
 *
 * A list is not trusted: it only says what to fetch, and all that is fetched is
 * verified as ever. So all that is checked is that it is of the image, and that
 * its ranges lie in it.
 */
#ifndef INCREMENTAL_STARTUP_H
#define INCREMENTAL_STARTUP_H

#include "libincremental/identity.h"

/* What a list may have at most: ranges, and bytes of its text. */
#define INCR_STARTUP_RANGES_MAX	65536u
#define INCR_STARTUP_TEXT_MAX	INC_STARTUP_MAX

/* The name of the list beside an image, or its URL: that of the image and this. */
#define INCR_STARTUP_SUFFIX	".startup"

/**
 * struct incr_startup - a list
 * @made_for: later generations have its bytes, too
 * @size: bytes of the image up to the end of that generation
 * @ranges: in the order in which to fetch them; whole pages inside @size, which
 *	may overlap
 * @bytes: of all @ranges, not more than @size
 */
struct incr_startup {
	struct incr_identity made_for;
	u64 size;
	struct incr_range *ranges;
	size_t count;
	u64 bytes;
};

/**
 * incr_startup_parse - take the text of a list apart
 * @list: set on success; freed by incr_startup_free()
 * @text: @length bytes, which need not end with a zero
 * @error: begins with the number of the line
 *
 * Return: 0; -EINVAL if it is malformed; -ENOMEM.
 */
int incr_startup_parse(struct incr_startup *list, const char *text,
		       size_t length, struct incr_error *error);
void incr_startup_free(struct incr_startup *list);

/* Is it of this image? Return: 0 or -EINVAL. */
int incr_startup_check(const struct incr_startup *list,
		       const struct incr_image *image, struct incr_error *error);

/* The text of a list, allocated, with a zero at its end; NULL: no memory. */
char *incr_startup_format(const struct incr_startup *list);

#endif /* INCREMENTAL_STARTUP_H */
