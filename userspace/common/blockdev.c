// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Block devices that stand on others; see blockdev.h.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "common/blockdev.h"

/* The text of a file in sysfs, without the newline at its end. */
static bool read_text(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return false;
	length = read(fd, text, size - 1);
	close(fd);
	if (length <= 0)
		return false;
	text[length - (text[length - 1] == '\n')] = '\0';
	return true;
}

bool blockdev_number(const char *path, dev_t *device)
{
	unsigned int number_major, number_minor;
	char text[64];

	if (!read_text(path, text, sizeof(text)) ||
	    sscanf(text, "%u:%u", &number_major, &number_minor) != 2)
		return false;
	*device = makedev(number_major, number_minor);
	return true;
}

bool blockdev_beneath(dev_t device,
		      bool (*is_it)(void *context, const char *file,
				    dev_t device),
		      void *context)
{
	char directory[64], path[sizeof(directory) + NAME_MAX + 16], text[PATH_MAX];
	struct dirent *entry;
	bool found = false;
	DIR *below;

	snprintf(directory, sizeof(directory), "/sys/dev/block/%u:%u",
		 major(device), minor(device));
	snprintf(path, sizeof(path), "%s/partition", directory);
	if (!access(path, F_OK))
		strcat(directory, "/..");
	/* The kernel keeps that path up to date when the file is renamed. */
	snprintf(path, sizeof(path), "%s/loop/backing_file", directory);
	if (read_text(path, text, sizeof(text)))
		return is_it(context, text, 0);
	snprintf(path, sizeof(path), "%s/slaves", directory);
	below = opendir(path);
	while (below && !found && (entry = readdir(below))) {
		if (*entry->d_name == '.')
			continue;
		snprintf(path, sizeof(path), "%s/slaves/%s/dev", directory,
			 entry->d_name);
		found = blockdev_number(path, &device) &&
			is_it(context, NULL, device);
	}
	if (below)
		closedir(below);
	return found;
}
