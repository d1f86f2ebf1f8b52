// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * attach: the device of a line of incrementaltab(5), for incremental@.service.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/message.h"
#include "common/printable.h"
#include "dmsetup-plugin/attach.h"
#include "dmsetup-plugin/image-file.h"
#include "dmsetup-plugin/tab.h"

/* Options of a filesystem's mount: a line has none. */
static const char *const not_here[] = {
	"local", "name", "fs-type", "fs-options", "mount-options",
};

static int add_pair(struct arguments *arguments, const char *name,
		    const char *value)
{
	char *argument;

	if (!value)
		return 0;
	if (asprintf(&argument, "--%s=%s", name, value) < 0)
		return -ENOMEM;
	return arguments_add(arguments, argument);
}

static int add_one(struct arguments *arguments, const char *option,
		   enum option_argument (*knows)(const char *name),
		   char *why)
{
	size_t length = strcspn(option, "="), i;

	if (!*option || tab_is_systemds(option))
		return 0;
	for (i = 0; i < sizeof(not_here) / sizeof(not_here[0]); i++)
		if (length == strlen(not_here[i]) &&
		    !strncmp(option, not_here[i], length)) {
			snprintf(why, 256, "the option \"%s\" is mount's",
				 not_here[i]);
			return -EINVAL;
		}
	return add_option(arguments, option, knows, why);
}

static int add_options(struct arguments *arguments, const char *from,
		       enum option_argument (*knows)(const char *name),
		       char *why)
{
	bool unclosed = false;
	char *option;
	int err = 0;

	while (!err && *from) {
		option = next_option(&from, &unclosed);
		if (!option)
			return -ENOMEM;
		if (unclosed) {
			snprintf(why, 256, "a quotation mark is missing");
			err = -EINVAL;
		} else {
			err = add_one(arguments, option, knows, why);
		}
		explicit_bzero(option, strlen(option));
		free(option);
	}
	return err;
}

/* Each word lives as long as the program. */
static int take_line(struct arguments *arguments, const struct tab *tab,
		     const struct tab_line *line,
		     enum option_argument (*knows)(const char *name),
		     struct incr_error *error)
{
	char why[256] = "", *local = NULL;
	int err;

	if (!line->local &&
	    asprintf(&local, LOCAL_DIRECTORY "/%s.inc", line->name) < 0)
		return incr_fail(error, -ENOMEM, "out of memory");
	err = add_pair(arguments, "local", local ? local : line->local);
	free(local);
	if (!err)
		err = add_pair(arguments, "origin", line->origin);
	if (!err)
		err = add_pair(arguments, "root-hash", line->root);
	if (!err)
		err = add_options(arguments, line->options, knows, why);
	if (!err)
		err = arguments_add(arguments, strdup("--"));
	if (!err)
		err = arguments_add(arguments, strdup(line->name));
	if (err == -EINVAL)
		return incr_fail(error, -ERR_USAGE, "%s, line %u: %s",
				 printable_name(tab->path), tab->number, why);
	return err ? incr_fail(error, err, "out of memory") : 0;
}

int attach_command_line(const char *path, const char *name,
			struct arguments *arguments,
			enum option_argument (*knows)(const char *name),
			struct incr_error *error)
{
	struct tab_line line;
	struct tab tab;
	int err, got;

	memset(arguments, 0, sizeof(*arguments));
	err = tab_open(&tab, path, error);
	if (!err && (arguments_add(arguments, strdup("incrementalsetup")) ||
		     arguments_add(arguments, strdup("attach"))))
		err = incr_fail(error, -ENOMEM, "out of memory");
	while (!err) {
		got = tab_next(&tab, &line, error);
		if (!got)
			err = incr_fail(error, -ENOENT, "%s has no line for device %s",
					printable_name(path), printable_name(name));
		else if (got < 0 && got != -EBADMSG)
			err = got;
		/* A wrong line may be another device's. */
		if (got == 1 && !strcmp(line.name, name)) {
			err = take_line(arguments, &tab, &line, knows, error);
			break;
		}
	}
	tab_close(&tab);
	return err;
}

int command_attach(const struct options *options, char **args,
		   struct incr_error *error)
{
	struct options with = *options;
	char *open_args[2] = { (char *)options->local, args[0] };
	bool made = false;
	int err = 0;

	if (geteuid())
		return incr_fail(error, -EPERM, "only root may attach a device");
	/* Otherwise a warning may be due. */
	with.quiet = with.origin_count;
	with.loader_apart = true;
	if (!strncmp(options->local, LOCAL_DIRECTORY "/", sizeof(LOCAL_DIRECTORY)) &&
	    mkdir(LOCAL_DIRECTORY, 0700) && errno != EEXIST)
		return incr_fail(error, -errno, "cannot create " LOCAL_DIRECTORY ": %s",
				 strerror(errno));
	if (with.origin_count && access(options->local, F_OK)) {
		err = command_create(&with, open_args, error);
		made = !err;
	}
	if (!err)
		err = command_open(&with, open_args, error);
	if (err && made && unlink(options->local))
		message_warning("cannot remove %s: %s",
				printable_name(options->local), strerror(errno));
	return err;
}
