// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading /proc/self/mountinfo; see mountinfo.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include "common/mountinfo.h"

/* The next word of a line, up to a space; "" at its end. A source may be empty. */
static char *take_word(char **line)
{
	char *word = *line;

	*line = word + strcspn(word, " ");
	if (**line)
		*(*line)++ = '\0';
	return word;
}

char *mountinfo_unescape(char *text)
{
	char *from = text, *to = text;

	while (*from) {
		if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' &&
		    from[2] >= '0' && from[2] <= '7' &&
		    from[3] >= '0' && from[3] <= '7') {
			*to++ = (char)((from[1] - '0') << 6 |
				       (from[2] - '0') << 3 | (from[3] - '0'));
			from += 4;
		} else {
			*to++ = *from++;
		}
	}
	*to = '\0';
	return text;
}

static void mount_free(struct mount *mount)
{
	free(mount->root);
	free(mount->point);
	free(mount->options);
	free(mount->peers);
	free(mount->type);
	free(mount->source);
	free(mount->super);
}

/*
 * "36 35 98:0 /root /point ro,noatime shared:1 master:2 - erofs source ro,acl";
 * -EPROTO: it is another line.
 */
static int parse_mount(char *line, struct mount *mount)
{
	char *word, *rest;

	memset(mount, 0, sizeof(*mount));
	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "%u %u %u:%u", &mount->id, &mount->parent,
		   &mount->major, &mount->minor) != 4)
		return -EPROTO;
	rest = strstr(line, " - ");
	if (!rest)
		return -EPROTO;
	*rest = '\0';
	rest += 3;
	take_word(&line);
	take_word(&line);
	take_word(&line);
	mount->root = strdup(mountinfo_unescape(take_word(&line)));
	mount->point = strdup(mountinfo_unescape(take_word(&line)));
	mount->options = strdup(take_word(&line));
	mount->peers = strdup(line);
	word = take_word(&rest);
	mount->type = strdup(mountinfo_unescape(word));
	mount->source = strdup(mountinfo_unescape(take_word(&rest)));
	mount->super = strdup(take_word(&rest));
	if (mount->root && mount->point && mount->options && mount->peers &&
	    mount->type && mount->source && mount->super)
		return 0;
	mount_free(mount);
	return -ENOMEM;
}

static int add_mount(struct mounts *mounts, char *line)
{
	struct mount mount, *more;
	int err = parse_mount(line, &mount);

	if (err)
		return err == -EPROTO ? 0 : err;
	more = realloc(mounts->list, (mounts->count + 1) * sizeof(*more));
	if (!more) {
		mount_free(&mount);
		return -ENOMEM;
	}
	mounts->list = more;
	mounts->list[mounts->count++] = mount;
	return 0;
}

int mounts_read(struct mounts *mounts, struct incr_error *error)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t room = 0;
	int err = 0;

	mounts->list = NULL;
	mounts->count = 0;
	if (!file)
		return incr_fail(error, -errno,
				 "cannot read /proc/self/mountinfo: %s",
				 strerror(errno));
	while (!err && getline(&line, &room, file) > 0)
		err = add_mount(mounts, line);
	if (!err && ferror(file))
		err = -EIO;
	free(line);
	fclose(file);
	if (err)
		incr_fail(error, err, "cannot read /proc/self/mountinfo: %s",
			  strerror(-err));
	return err;
}

void mounts_free(struct mounts *mounts)
{
	size_t i;

	for (i = 0; i < mounts->count; i++)
		mount_free(&mounts->list[i]);
	free(mounts->list);
	mounts->list = NULL;
	mounts->count = 0;
}

const struct mount *mount_with_id(const struct mounts *mounts, unsigned int id)
{
	size_t i;

	for (i = 0; i < mounts->count; i++)
		if (mounts->list[i].id == id)
			return &mounts->list[i];
	return NULL;
}
