// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Opening an image to read its files; see browse.h.
 */
#include <search.h>
#include <stdlib.h>
#include "browse/browse.h"
#include "command.h"
#include "common/message.h"
#include "common/printable.h"
#include "filesystems.h"
#include "mkimage.h"
#include "store/store.h"

void browse_init(struct browse *browse)
{
	*browse = (struct browse){
		.generation = INCR_NEWEST,
		.how.timeout = ORIGIN_TIMEOUT_DEFAULT,
	};
}

static bool take_root(struct browse *browse, const char *command)
{
	int size = incr_hex_parse(optarg, browse->root, sizeof(browse->root));

	if (size > 0) {
		browse->root_size = (size_t)size;
		return true;
	}
	message_error("%s: --root-hash: \"%s\" is not a hexadecimal digest",
		      command, optarg);
	return false;
}

bool browse_option(struct browse *browse, const char *command, int option)
{
	if (option == BROWSE_GENERATION)
		return option_number(command, "--generation", optarg, 0,
				     INC_SEGMENTS_MAX - 1, &browse->generation);
	if (option == BROWSE_ROOT)
		return take_root(browse, command);
	if (option == BROWSE_CERTIFICATE) {
		browse->certificate = optarg;
		return true;
	}
	if (option < BROWSE_ACCESS)
		return false;
	option -= BROWSE_ACCESS;
	free(browse->access.value[option]);
	browse->access.value[option] = origin_take(optarg);
	if (!browse->access.value[option])
		no_memory();
	return browse->access.value[option];
}

/* Take the operand apart, at the first "@" with a URL behind it. */
static int split(struct browse *browse, char *operand)
{
	char *at = operand;

	if (origin_is_url(operand)) {
		browse->where = origin_take(operand);
		return browse->where ? 0 : no_memory();
	}
	while ((at = strchr(at, '@')) && !origin_is_url(at + 1))
		at++;
	if (at) {
		browse->where = origin_take(at + 1);
		if (!browse->where)
			return no_memory();
		*at = '\0';
	}
	browse->local = operand;
	return 0;
}

static int open_image(struct browse *browse, struct incr_error *error)
{
	int ret = origin_load(&browse->how, &browse->access, error);

	if (!ret)
		ret = store_open(&browse->store, browse->local, &browse->where,
				 browse->where ? 1 : 0, &browse->how, false,
				 error);
	if (ret)
		return ret;
	browse->name = store_name(browse->store);
	ret = store_image(browse->store, &browse->image,
			  (u32)browse->generation, error);
	if (!ret && browse->root_size)
		ret = incr_image_trust(browse->image, browse->root,
				       browse->root_size, NULL, 0, error);
	if (!ret && browse->certificate)
		ret = incr_image_check_certificates(browse->image,
						    browse->certificate, error);
	return ret;
}

int browse_open(struct browse *browse, char *operand)
{
	const struct filesystem *fs;
	struct incr_error error;
	int ret = split(browse, operand);

	if (ret)
		return ret;
	ret = open_image(browse, &error);
	if (ret && browse->name)
		message_error("%s: %s", browse->name, error.text);
	else if (ret)
		message_error("%s", error.text);
	if (!ret)
		ret = overlay_open(&browse->overlay, browse->image,
				   browse->name, "/tmp");
	if (!ret)
		ret = filesystem_find(filesystems, browse->overlay,
				      ", of which files can be read", &fs);
	if (ret)
		return ret;
	browse->reader = fs->reader;
	return browse->reader->open(browse->overlay, &browse->opened);
}

void browse_leave(struct browse *browse)
{
	tdestroy(browse->entered, free);
	browse->entered = NULL;
}

void browse_close(struct browse *browse)
{
	browse_leave(browse);
	if (browse->opened)
		browse->reader->close(browse->opened);
	overlay_close(browse->overlay);
	incr_image_close(browse->image);
	store_close(browse->store);
	origin_forget(&browse->how);
	access_free(&browse->access);
	free(browse->where);
}

static int compare_numbers(const void *left, const void *right)
{
	const u64 *a = left, *b = right;

	return *a < *b ? -1 : *a > *b;
}

int browse_enter(struct browse *browse, const struct node *dir,
		 const char *path, u32 depth)
{
	u64 *number, **found;

	if (depth > BROWSE_DEPTH_MAX) {
		message_error("%s: %s: more than %u directories inside each other",
			      browse->name, path, BROWSE_DEPTH_MAX);
		return -ELOOP;
	}
	number = malloc(sizeof(*number));
	if (!number)
		return no_memory();
	*number = dir->number;
	found = tsearch(number, &browse->entered, compare_numbers);
	if (found && *found == number)
		return 0;
	free(number);
	if (!found)
		return no_memory();
	message_error("%s: %s: the filesystem is damaged: this directory is in another place, too",
		      browse->name, path);
	return -EINVAL;
}

int browse_link(struct browse *browse, const struct node *node,
		const char *path, char text[READER_LINK_MAX + 1])
{
	int ret = -EINVAL;

	if (node->size && node->size <= READER_LINK_MAX)
		ret = browse->reader->read(browse->opened, node, 0, text,
					   (size_t)node->size);
	else
		message_error("%s: %s: the filesystem is damaged: a symbolic link of %llu bytes",
			      browse->name, path,
			      (unsigned long long)node->size);
	text[ret ? 0 : node->size] = '\0';
	return ret;
}
