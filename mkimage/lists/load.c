// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Loading traces; see load.h.
 */
#include "common/message.h"
#include "lists/files.h"
#include "lists/load.h"

/* The blocks of one trace; by its files if it is of another layout of them. */
static int load_trace(struct touches *touches, const struct traced *traced,
		      struct overlay *overlay, const char *path,
		      struct places *places)
{
	struct incr_trace trace;
	struct incr_error why;
	int ret = trace_load(&trace, path);

	if (ret)
		return ret;
	if (trace_is_of(&trace, traced, &why)) {
		ret = touches_add(touches, &trace);
	} else {
		message_info("%s: by the files that it names, as %s", path,
			     why.text);
		if (!places->count)
			ret = places_load(places, overlay);
		if (!ret)
			ret = touches_add_files(touches, &trace, path, places,
						traced->name);
	}
	incr_trace_free(&trace);
	return ret;
}

int touches_load(struct touches *touches, const struct traced *traced,
		 struct overlay *overlay, char **paths, int count)
{
	struct places places = { 0 };
	int ret = 0, i;

	for (i = 0; !ret && i < count; i++)
		ret = load_trace(touches, traced, overlay, paths[i], &places);
	places_free(&places);
	touches_sort(touches);
	return ret;
}

int touches_load_image(struct touches *touches, struct incr_image *image,
		       const char *name, char **paths, int count)
{
	const struct traced traced = traced_of(image, name);
	struct overlay *overlay;
	int ret = overlay_open(&overlay, image, name, "/tmp");

	if (ret)
		return ret;
	ret = touches_load(touches, &traced, overlay, paths, count);
	overlay_close(overlay);
	return ret;
}

int order_load(struct order *order, const struct traced *traced,
	       struct overlay *overlay, char **paths, int count)
{
	struct touches touches = { 0 };
	size_t i;
	int ret = order_init(order);

	if (!ret)
		ret = touches_load(&touches, traced, overlay, paths, count);
	for (i = 0; !ret && i < touches.count; i++)
		ret = order_add(order, touches.list[i].block,
				touches.list[i].count);
	touches_free(&touches);
	return ret ? ret : order_finish(order);
}
