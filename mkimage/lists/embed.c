// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Lists inside an image; see embed.h.
 *
 * A list says where everything is in the file, which depends on how long the list is: so
 * it gets a room before it is made, and a larger one if it does not fit.
 */
#include <stdlib.h>
#include "common/message.h"
#include "lists/embed.h"
#include "lists/list.h"
#include "mkimage.h"

/* Writings of the segment until a list fits. */
#define ROUNDS		4u

static int touch_order(struct touches *touches, const struct order *order)
{
	u64 step = 1ull << order->shift, block, end;
	size_t i, next;
	int ret = 0;

	/* Clusters that follow each other on the device make one touch. */
	for (i = 0; !ret && i < order->count; i = next) {
		block = order->list[i].block;
		end = block + step;
		for (next = i + 1; next < order->count &&
		     order->list[next].block == end; next++)
			end += step;
		if (end > order->device_blocks)
			end = order->device_blocks;
		ret = touches_add_blocks(touches, i, block, end - block);
	}
	return ret;
}

/* The text of the list of @touches in the segment as it is in the file. */
static int make_text(char **text, int fd, const char *name,
		     const struct touches *touches)
{
	struct incr_startup list = { 0 };
	u64 metadata;
	int ret = list_make(&list, fd, name, 0, touches, &metadata);

	if (!ret)
		ret = list_check(&list, fd, name, touches);
	*text = ret ? NULL : incr_startup_format(&list);
	incr_startup_free(&list);
	return ret || *text ? ret : no_memory();
}

int embed_write(struct segment *seg, const struct order *order, int fd,
		const char *name)
{
	struct touches touches = { 0 };
	int ret = touch_order(&touches, order);
	size_t size = 0, room = INC_PAGE_SIZE;
	unsigned int round;

	for (round = 0; !ret && round < ROUNDS; round++) {
		seg->startup_room = (u32)room;
		ret = segment_write(seg, fd, name);
		free(seg->startup);
		seg->startup = NULL;
		if (!ret)
			ret = make_text(&seg->startup, fd, name, &touches);
		size = ret ? 0 : strlen(seg->startup);
		if (size <= room)
			break;
		/* Offsets that are larger may have more digits. */
		room = (size / INC_PAGE_SIZE + 2) * INC_PAGE_SIZE;
	}
	touches_free(&touches);
	if (ret)
		return ret;
	if (size > seg->startup_room) {
		message_error("%s: no room was found for its start-up list of %zu bytes",
			      name, size);
		return -EFBIG;
	}
	seg->startup_size = (u32)size;
	return segment_write(seg, fd, name);
}

int embed_list(struct segment *seg, const struct incr_image *image,
	       const struct incr_startup *list, const char *name)
{
	struct incr_error error;
	int ret = incr_startup_check(list, image, &error);

	if (ret) {
		message_error("%s: %s", name, error.text);
		return ret;
	}
	seg->startup = incr_startup_format(list);
	if (!seg->startup)
		return no_memory();
	seg->startup_size = seg->startup_room = (u32)strlen(seg->startup);
	return 0;
}

int embed_list_file(struct segment *seg, const struct incr_image *image,
		    const char *path)
{
	struct incr_startup list = { 0 };
	struct incr_error error;
	char *text = NULL;
	size_t length = 0;
	int ret = text_load(path, INCR_STARTUP_TEXT_MAX, "start-up list",
			    &text, &length);

	if (ret)
		return ret;
	ret = incr_startup_parse(&list, text, length, &error);
	free(text);
	if (ret)
		message_error("%s: %s", path, error.text);
	else
		ret = embed_list(seg, image, &list, path);
	incr_startup_free(&list);
	return ret;
}
