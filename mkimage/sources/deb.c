// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Debian packages; see deb.h.
 */
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "common/message.h"
#include "mkimage.h"
#include "sources/entries.h"
#include "sources/deb.h"

#define START	"!<arch>\ndebian-binary"
#define DATA	"data.tar"

bool deb_recognised(const u8 *start, size_t size)
{
	return size >= sizeof(START) - 1 &&
	       !memcmp(start, START, sizeof(START) - 1);
}

/* Go to the file that holds the package's files. */
static int find_data(struct input *input, struct archive *archive)
{
	struct archive_entry *entry;
	int code;

	while ((code = archive_read_next_header(archive, &entry)) ==
	       ARCHIVE_OK) {
		const char *name = archive_entry_pathname(entry);

		if (name && !strncmp(name, DATA, sizeof(DATA) - 1))
			return 0;
	}
	if (code != ARCHIVE_EOF)
		return input_failed(input, archive);
	message_error("%s: a Debian package without " DATA, input->name);
	return -EINVAL;
}

int deb_add(struct model *model, struct input *input)
{
	struct archive *archive = archive_read_new();
	struct input *data = calloc(1, sizeof(*data));
	int ret = 0;

	if (!archive || !data)
		ret = no_memory();
	if (!ret && archive_read_support_format_ar(archive) != ARCHIVE_OK)
		ret = input_failed(input, archive);
	if (!ret)
		ret = input_open(input, archive);
	if (!ret)
		ret = find_data(input, archive);
	if (!ret) {
		data->name = input->name;
		data->inner = archive;
		data->size = UINT64_MAX;
		ret = entries_add(model, data, false);
	}
	free(data);
	archive_read_free(archive);
	return ret;
}
