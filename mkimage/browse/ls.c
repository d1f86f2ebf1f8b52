// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mkimage ls
 */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include "browse/path.h"
#include "command.h"
#include "common/message.h"
#include "common/option.h"
#include "common/printable.h"
#include "json.h"
#include "mkimage.h"

const char ls_help[] =
"Usage: mkimage ls [OPTION]... IMAGE [PATH]...\n"
"\n"
"List files and directories in IMAGE; without a PATH its root.\n"
"\n"
BROWSE_IMAGE_HELP
"\n"
"  -l, --long              kind, permissions, names, owner, group, size and time,\n"
"                          in UTC, and where a symbolic link leads\n"
"  -R, --recursive         all directories below, too\n"
"  -d, --directory         a directory itself, not what is in it\n"
"  --json                  print JSON: an array with an object for each path\n"
BROWSE_OPTIONS_HELP;

/**
 * struct ls - a listing
 * @array: with --json
 * @printed: something was: an empty line goes before the next heading
 * @headings: directories have their path above them
 */
struct ls {
	struct browse browse;
	bool details;
	bool recursive;
	bool itself;
	bool headings;
	bool printed;
	struct json_object *array;
};

/* What there is to tell of a path; the target is of a symbolic link. */
struct item {
	struct node node;
	char target[READER_LINK_MAX + 1];
};

static char kind_letter(u32 mode)
{
	static const char letters[] = "?pc?d?b?-?l?s???";

	return letters[mode >> 12 & 15];
}

static const char *kind_name(u32 mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "file";
	case S_IFDIR:
		return "directory";
	case S_IFLNK:
		return "link";
	case S_IFCHR:
		return "character device";
	case S_IFBLK:
		return "block device";
	case S_IFIFO:
		return "fifo";
	default:
		return "socket";
	}
}

static void format_mode(u32 mode, char text[11])
{
	static const char letters[] = "rwxrwxrwx";
	int i;

	text[0] = kind_letter(mode);
	for (i = 0; i < 9; i++)
		text[i + 1] = mode >> (8 - i) & 1 ? letters[i] : '-';
	if (mode & S_ISUID)
		text[3] = mode & S_IXUSR ? 's' : 'S';
	if (mode & S_ISGID)
		text[6] = mode & S_IXGRP ? 's' : 'S';
	if (mode & S_ISVTX)
		text[9] = mode & S_IXOTH ? 't' : 'T';
	text[10] = '\0';
}

#define TIME_SIZE	32

static void format_time(int64_t seconds, char text[TIME_SIZE])
{
	time_t time = (time_t)seconds;
	struct tm tm;

	/* No calendar has all that 64 bits can count. */
	if (!gmtime_r(&time, &tm) ||
	    !strftime(text, TIME_SIZE, "%Y-%m-%d %H:%M:%S", &tm))
		snprintf(text, TIME_SIZE, "%lld", (long long)seconds);
}

static bool is_device(const struct node *node)
{
	return S_ISCHR(node->mode) || S_ISBLK(node->mode);
}

static void print_details(const struct item *item, const char *name)
{
	const struct node *node = &item->node;
	char mode[11], time[TIME_SIZE], size[32];

	format_mode(node->mode, mode);
	format_time(node->seconds, time);
	if (is_device(node))
		snprintf(size, sizeof(size), "%u,%u", major(node->device),
			 minor(node->device));
	else
		snprintf(size, sizeof(size), "%llu",
			 (unsigned long long)node->size);
	printf("%s %3u %5u %5u %10s %s %s", mode, node->links, node->uid,
	       node->gid, size, time, printable_name(name));
	if (S_ISLNK(node->mode))
		printf(" -> %s", printable_name(item->target));
	putchar('\n');
}

static int add_object(struct ls *ls, const struct item *item, const char *path)
{
	struct json_object *object = json_object_new_object();
	const struct node *node = &item->node;

	json_name(object, "path", path);
	json_text(object, "type", kind_name(node->mode));
	json_number(object, "inode", node->number);
	json_number(object, "mode", node->mode & 07777);
	json_number(object, "links", node->links);
	json_number(object, "uid", node->uid);
	json_number(object, "gid", node->gid);
	json_number(object, "size", node->size);
	json_object_object_add(object, "mtime",
			       json_object_new_int64(node->seconds));
	json_number(object, "mtime_nanoseconds", node->nanoseconds);
	if (is_device(node)) {
		json_number(object, "major", major(node->device));
		json_number(object, "minor", minor(node->device));
	}
	if (S_ISLNK(node->mode))
		json_name(object, "target", item->target);
	return json_object_array_add(ls->array, object) ? no_memory() : 0;
}

/* Tell of one path, of which @name is to be shown; its inode is in @item. */
static int tell(struct ls *ls, struct item *item, const char *path,
		const char *name)
{
	int ret = 0;

	if ((ls->array || ls->details) && S_ISLNK(item->node.mode))
		ret = browse_link(&ls->browse, &item->node, path, item->target);
	if (ret)
		return ret;
	ls->printed = true;
	if (ls->array)
		return add_object(ls, item, path);
	if (ls->details)
		print_details(item, name);
	else
		puts(printable_name(name));
	return 0;
}

static int list_directory(struct ls *ls, const struct node *dir,
			  const char *path, u32 depth);

/* The directories among @entries, each of them as its parent. */
static int list_below(struct ls *ls, const struct entries *entries,
		      const char *path, u32 depth)
{
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < entries->count; i++) {
		struct node node;
		char *below;

		ret = ls->browse.reader->node(ls->browse.opened,
					      entries->list[i].number, &node);
		if (ret || !S_ISDIR(node.mode))
			continue;
		below = path_join(path, entries->list[i].name);
		ret = below ? list_directory(ls, &node, below, depth + 1) :
			      -ENOMEM;
		free(below);
	}
	return ret;
}

static int tell_entry(struct ls *ls, const struct listed *entry,
		      const char *dir)
{
	struct item *item = malloc(sizeof(*item));
	char *path = path_join(dir, entry->name);
	int ret = item && path ? 0 : no_memory();

	/* A name alone takes no inode. */
	if (!ret && (ls->array || ls->details))
		ret = ls->browse.reader->node(ls->browse.opened, entry->number,
					      &item->node);
	else if (!ret)
		item->node.mode = 0;
	if (!ret)
		ret = tell(ls, item, path, entry->name);
	free(path);
	free(item);
	return ret;
}

static int list_directory(struct ls *ls, const struct node *dir,
			  const char *path, u32 depth)
{
	struct entries entries;
	size_t i;
	int ret = browse_enter(&ls->browse, dir, path, depth);

	if (ret)
		return ret;
	if (ls->headings && !ls->array)
		printf("%s%s:\n", ls->printed ? "\n" : "", printable_name(path));
	ls->printed = true;
	ret = entries_read(&ls->browse, dir, &entries);
	for (i = 0; !ret && i < entries.count; i++)
		ret = tell_entry(ls, &entries.list[i], path);
	if (!ret && ls->recursive)
		ret = list_below(ls, &entries, path, depth);
	entries_free(&entries);
	return ret;
}

static int list_path(struct ls *ls, const char *path)
{
	struct item *item = malloc(sizeof(*item));
	int ret = item ? path_find(&ls->browse, path, false, &item->node) :
			 no_memory();

	if (!ret && S_ISDIR(item->node.mode) && !ls->itself) {
		browse_leave(&ls->browse);
		ret = list_directory(ls, &item->node, path, 0);
	} else if (!ret) {
		ret = tell(ls, item, path, path);
	}
	free(item);
	return ret;
}

static int run(struct ls *ls, char **operands)
{
	static char root[] = "/";
	static char *const nothing[] = { root, NULL };
	int ret = browse_open(&ls->browse, *operands);
	char *const *path = operands[1] ? operands + 1 : nothing;

	ls->headings = ls->recursive || path[1];
	for (; !ret && *path; path++)
		ret = list_path(ls, *path);
	if (!ret && ls->array)
		puts(json_object_to_json_string_ext(ls->array,
				JSON_C_TO_STRING_PRETTY |
				JSON_C_TO_STRING_SPACED |
				JSON_C_TO_STRING_NOSLASHESCAPE));
	return ret ? EXIT_FAILED : EXIT_OK;
}

static bool parse_option(struct ls *ls, int option)
{
	switch (option) {
	case 'l':
		ls->details = true;
		return true;
	case 'R':
		ls->recursive = true;
		return true;
	case 'd':
		ls->itself = true;
		return true;
	case 'j':
		if (!ls->array)
			ls->array = json_object_new_array();
		return ls->array;
	default:
		return browse_option(&ls->browse, "ls", option);
	}
}

int command_ls(int argc, char **argv)
{
	static const struct option options[] = {
		{ "long", no_argument, NULL, 'l' },
		{ "recursive", no_argument, NULL, 'R' },
		{ "directory", no_argument, NULL, 'd' },
		{ "json", no_argument, NULL, 'j' },
		BROWSE_OPTIONS
		{ NULL, 0, NULL, 0 },
	};
	static const char *const operands[] = { "IMAGE" };
	struct ls ls = { .details = false };
	int option, status = EXIT_OK;

	browse_init(&ls.browse);
	while (!status &&
	       (option = option_next(argc, argv, "lRd", options)) != -1)
		if (!parse_option(&ls, option))
			status = usage_error("ls");
	if (!status && argc == optind && !operands_ok("ls", argc, argv, operands, 1))
		status = EXIT_USAGE;
	if (!status)
		status = run(&ls, argv + optind);
	json_object_put(ls.array);
	browse_close(&ls.browse);
	return status;
}
