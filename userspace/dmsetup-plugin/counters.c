// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The counters of an image's loader; see counters.h.
 */
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <unistd.h>
#include "dmsetup-plugin/counters.h"

/* More than a loader writes. */
#define TEXT_MAX	4096

void counters_path(const char *key, char path[COUNTERS_PATH_MAX])
{
	snprintf(path, COUNTERS_PATH_MAX, STATE_DIRECTORY "/counters-%s", key);
}

void counters_key(const struct table *table, char key[IMAGE_KEY_MAX])
{
	char path[160];
	struct incr_error ignored;
	int fd;

	*key = '\0';
	device_path(table->device, path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (image_key(fd, path, key, &ignored))
		*key = '\0';
	close(fd);
}

static u64 number(struct json_object *object, const char *name)
{
	struct json_object *value;

	return json_object_object_get_ex(object, name, &value) ?
	       json_object_get_uint64(value) : 0;
}

bool counters_startup(const char *key, struct startup_counts *counts)
{
	char path[COUNTERS_PATH_MAX], text[TEXT_MAX + 1];
	struct json_object *object, *startup;
	ssize_t n = -1;
	int fd;

	counters_path(key, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, TEXT_MAX);
		close(fd);
	}
	if (n < 0)
		return false;
	text[n] = '\0';
	object = json_tokener_parse(text);
	memset(counts, 0, sizeof(*counts));
	if (object && json_object_object_get_ex(object, "startup", &startup)) {
		counts->ranges = number(startup, "ranges");
		counts->ranges_done = number(startup, "ranges_done");
		counts->bytes = number(startup, "bytes");
		counts->bytes_done = number(startup, "bytes_done");
	}
	json_object_put(object);
	return counts->ranges;
}

void counters_forget(const char *key)
{
	char path[COUNTERS_PATH_MAX];

	counters_path(key, path);
	unlink(path);
}
