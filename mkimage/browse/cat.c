// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mkimage cat
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "browse/path.h"
#include "command.h"
#include "common/message.h"
#include "common/option.h"
#include "mkimage.h"

const char cat_help[] =
"Usage: mkimage cat [OPTION]... IMAGE PATH...\n"
"\n"
"Write the contents of files in IMAGE to standard output.\n"
"\n"
BROWSE_IMAGE_HELP
"\n"
BROWSE_OPTIONS_HELP;

static int print_file(struct browse *browse, const char *path, char *buffer)
{
	struct node node;
	u64 offset;
	int ret = path_find(browse, path, true, &node);

	if (!ret && !S_ISREG(node.mode)) {
		message_error("%s: %s: %s", browse->name, path,
			      S_ISDIR(node.mode) ? "it is a directory" :
						   "it is not a regular file");
		ret = -EINVAL;
	}
	for (offset = 0; !ret && offset < node.size;) {
		size_t part = node.size - offset < READER_READ_MAX ?
			      (size_t)(node.size - offset) : READER_READ_MAX;

		ret = browse->reader->read(browse->opened, &node, offset,
					   buffer, part);
		/* The end of the program tells of an error. */
		if (!ret && fwrite(buffer, 1, part, stdout) < part)
			ret = -EIO;
		offset += part;
	}
	return ret;
}

static int run(struct browse *browse, char **operands)
{
	char *buffer = malloc(READER_READ_MAX);
	int ret = buffer ? browse_open(browse, *operands) : no_memory();

	while (!ret && *++operands)
		ret = print_file(browse, *operands, buffer);
	free(buffer);
	return ret ? EXIT_FAILED : EXIT_OK;
}

int command_cat(int argc, char **argv)
{
	static const struct option options[] = {
		BROWSE_OPTIONS
		{ NULL, 0, NULL, 0 },
	};
	static const char *const operands[] = { "IMAGE", "PATH" };
	struct browse browse;
	int option, status = EXIT_OK;

	browse_init(&browse);
	while (!status &&
	       (option = option_next(argc, argv, "", options)) != -1)
		if (!browse_option(&browse, "cat", option))
			status = usage_error("cat");
	if (!status && argc - optind < 2 &&
	    !operands_ok("cat", argc, argv, operands, 2))
		status = EXIT_USAGE;
	if (!status)
		status = run(&browse, argv + optind);
	browse_close(&browse);
	return status;
}
