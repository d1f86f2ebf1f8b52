// SPDX-License-Identifier: GPL-2.0-only
/*
 * One file by two names; see same-file.h.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "same-file.h"

/* Devices that stand on each other; more make no sense. */
#define DEPTH_MAX	8

/* The text of a file in sysfs, without the newline at its end. */
static bool read_text(const char *folder, const char *name, char *text,
		      size_t size)
{
	char path[512];
	ssize_t length;
	int fd;

	if (snprintf(path, sizeof(path), "%s/%s", folder, name) >=
	    (int)sizeof(path))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	length = read(fd, text, size - 1);
	close(fd);
	if (length <= 0)
		return false;
	text[length - (text[length - 1] == '\n')] = '\0';
	return true;
}

/* The same inode, or the same device behind two inodes. */
static bool is_it(const struct stat *a, const struct stat *b)
{
	if (S_ISBLK(a->st_mode) && S_ISBLK(b->st_mode))
		return a->st_rdev == b->st_rdev;
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static bool shows(dev_t device, const struct stat *file, int depth)
{
	char folder[128], text[PATH_MAX];
	struct dirent *entry;
	struct stat st;
	bool found = false;
	DIR *below;

	snprintf(folder, sizeof(folder), "/sys/dev/block/%u:%u",
		 major(device), minor(device));
	if (read_text(folder, "partition", text, sizeof(text)))
		strcat(folder, "/..");
	/* The kernel keeps that path up to date when the file is renamed. */
	if (read_text(folder, "loop/backing_file", text, sizeof(text)))
		return !stat(text, &st) &&
		       (is_it(&st, file) ||
			(S_ISBLK(st.st_mode) && depth < DEPTH_MAX &&
			 shows(st.st_rdev, file, depth + 1)));
	if (depth == DEPTH_MAX)
		return false;
	strcat(folder, "/slaves");
	below = opendir(folder);
	while (below && !found && (entry = readdir(below))) {
		char name[NAME_MAX + 5];
		unsigned int number_major, number_minor;

		if (*entry->d_name == '.')
			continue;
		snprintf(name, sizeof(name), "%s/dev", entry->d_name);
		if (!read_text(folder, name, text, sizeof(text)) ||
		    sscanf(text, "%u:%u", &number_major, &number_minor) != 2)
			continue;
		st.st_mode = S_IFBLK;
		st.st_rdev = makedev(number_major, number_minor);
		found = (S_ISBLK(file->st_mode) && is_it(&st, file)) ||
			shows(st.st_rdev, file, depth + 1);
	}
	if (below)
		closedir(below);
	return found;
}

bool same_file(const struct stat *a, const struct stat *b)
{
	return is_it(a, b) ||
	       (S_ISBLK(a->st_mode) && shows(a->st_rdev, b, 0)) ||
	       (S_ISBLK(b->st_mode) && shows(b->st_rdev, a, 0));
}
