/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An image whose files are read one by one, as cat, ls and cp do: from a file, from an
 * origin, or from a local file that has holes and the origin that fills them.
 */
#ifndef MKIMAGE_BROWSE_H
#define MKIMAGE_BROWSE_H

#include <getopt.h>
#include <stdatomic.h>
#include "fs/filesystem.h"
#include "origin/origin.h"

/* The deepest nesting of directories that is followed: a copy has one open for each. */
#define BROWSE_DEPTH_MAX	512u

/**
 * struct browse - such an image
 * @name: for messages
 * @local, @where: what the operand names; NULL: no such part
 * @entered: directories that a walk has been in, see browse_enter()
 * The fields before @name are set by options.
 */
struct browse {
	u64 generation;
	u8 root[INC_DIGEST_MAX];
	size_t root_size;
	const char *certificate;
	struct origin_access access;

	const char *name;
	char *local;
	char *where;
	struct origin_options how;
	struct store *store;
	struct incr_image *image;
	struct overlay *overlay;
	const struct reader *reader;
	void *opened;
	void *entered;
};

/* The options that all of them have: of getopt_long(), and in help. */
enum {
	BROWSE_GENERATION = 256,
	BROWSE_ROOT,
	BROWSE_CERTIFICATE,
	BROWSE_ACCESS,		/* and more from there: enum access_option */
};

#define BROWSE_ACCESS_OPTION(which, name, argument, help) \
	{ name, required_argument, NULL, BROWSE_ACCESS + ACCESS_##which },
#define BROWSE_OPTIONS \
	{ "generation", required_argument, NULL, BROWSE_GENERATION }, \
	{ "root-hash", required_argument, NULL, BROWSE_ROOT }, \
	{ "certificate", required_argument, NULL, BROWSE_CERTIFICATE }, \
	ACCESS_TABLE(BROWSE_ACCESS_OPTION)

#define BROWSE_IMAGE_HELP \
"IMAGE is a file, a URL, or LOCAL@URL: a local file whose absent bytes are read\n" \
"from that URL. As many bytes are fetched as it takes, and all are verified. No\n" \
"privilege is needed, and IMAGE is not changed.\n"

#define BROWSE_OPTIONS_HELP \
"  --generation N          that one, 0 being the first (the newest)\n" \
"  --root-hash HEX         the root hash that it must have\n" \
"  --certificate FILE      someone with a certificate in FILE, in PEM, must have\n" \
"                          signed it\n" \
"  --ca-certificates FILE  for https, in place of the system's\n" \
"  --netrc-file FILE       users and passwords, as in netrc(5)\n" \
"  --header-file FILE      headers for requests, one a line\n" \
"  --client-cert FILE      our certificate for https, in PEM\n" \
"  --client-key FILE       its key, if it is in another file\n" \
"  --proxy URL             in place of the environment's\n"

/* What the options leave unsaid. */
void browse_init(struct browse *browse);

/* Take one of these options; false: it is none, or after an error message. */
bool browse_option(struct browse *browse, const char *command, int option);

/*
 * Open what @operand names, of which the secrets are overwritten, and its filesystem.
 * Return: 0, or a negative errno after an error message; browse_close() in any case.
 */
int browse_open(struct browse *browse, char *operand);
void browse_close(struct browse *browse);

/**
 * browse_enter - a walk goes into a directory
 * @path: for messages
 * @depth: how deep it is nested in the one where the walk began
 *
 * A directory that is in the tree twice would let a walk go on for ever. Return: 0, or a
 * negative errno after an error message; so does browse_link().
 */
int browse_enter(struct browse *browse, const struct node *dir,
		 const char *path, u32 depth);
/* The walk has ended: another one may enter the same directories. */
void browse_leave(struct browse *browse);

/* Read a symbolic link's text, and end it with a NUL. */
int browse_link(struct browse *browse, const struct node *node,
		const char *path, char text[READER_LINK_MAX + 1]);

#endif /* MKIMAGE_BROWSE_H */
