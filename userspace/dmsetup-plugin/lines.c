// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel's lines about a device: table and status, and files below /sys.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
#include "common/parse.h"
#include "common/status-line.h"
#include "dmsetup-plugin/dm.h"

int read_status_line(const char *line, struct status *status,
		     struct incr_error *error)
{
	int err = parse_status(line, status);

	return err ? incr_fail(error, err,
			       "the kernel's status line is not understood") :
		     0;
}

int parse_table(const char *line, struct table *table, struct incr_error *error)
{
	u64 version;

	if (!take_value(&line, &version) || version != 1 ||
	    !take_word(&line, table->device, sizeof(table->device)) ||
	    !take_value(&line, &table->generation) ||
	    !take_word(&line, table->hash, sizeof(table->hash)) ||
	    !take_word(&line, table->root, sizeof(table->root)) ||
	    !take_word(&line, table->salt, sizeof(table->salt)))
		return incr_fail(error, -EPROTO,
				 "the kernel's table line is not understood");
	table->options = line + strspn(line, " ");
	return 0;
}

int read_lines(const char *name, struct dm_state *state, struct table *table,
	       struct status *status, struct incr_error *error)
{
	int err = dm_read_state(name, state, error);

	if (err)
		return err;
	err = parse_table(state->table, table, error);
	if (!err)
		err = read_status_line(state->status, status, error);
	if (err)
		dm_free_state(state);
	return err;
}

void read_sys(const char *device, const char *file, char *text, size_t size)
{
	char path[256];
	ssize_t n = -1;
	int fd;

	*text = '\0';
	snprintf(path, sizeof(path), "/sys/dev/block/%.128s/%s", device, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, size - 1);
		close(fd);
	}
	if (n < 0)
		return;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
}

void device_path(const char *device, char *text, size_t size)
{
	char link[160], target[512];
	const char *name;
	ssize_t n;

	snprintf(text, size, "%s", device);
	if (!strchr(device, ':') || strchr(device, '/'))
		return;
	snprintf(link, sizeof(link), "/sys/dev/block/%.128s", device);
	n = readlink(link, target, sizeof(target) - 1);
	if (n <= 0)
		return;
	target[n] = '\0';
	name = strrchr(target, '/');
	snprintf(text, size, "/dev/%.100s", name ? name + 1 : target);
}

void node_path(const char *device, char *text, size_t size)
{
	char path[160];

	device_path(device, path, sizeof(path));
	snprintf(text, size, "/dev/incremental/%.100s",
		 strncmp(path, "/dev/", 5) ? path : path + 5);
}
