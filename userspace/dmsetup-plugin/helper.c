// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Command lines of mount(8) and umount(8) as ours; see helper.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/exitcode.h"
#include "common/message.h"
#include "common/printable.h"
#include "dmsetup-plugin/helper.h"

/* mount(8)'s exit statuses. */
#define MOUNT_SYSTEM	2
#define MOUNT_FAILED	32

/* What any filesystem can be mounted with, and what is for fstab(5) and systemd. */
static const char *const general[] = {
	"ro", "suid", "nosuid", "dev", "nodev", "exec", "noexec", "atime",
	"noatime", "diratime", "nodiratime", "relatime", "norelatime",
	"strictatime", "nostrictatime", "lazytime", "nolazytime", "iversion",
	"noiversion", "silent", "loud", "nosymfollow", "symfollow", "private",
	"shared", "slave", "unbindable", "rprivate", "rshared", "rslave",
	"_netdev", "nofail", "comment", "context", "fscontext", "defcontext",
	"rootcontext",
};

/* What mount(8) itself has made use of. An incremental device is read-only anyhow. */
static const char *const no_matter[] = {
	"rw", "defaults", "auto", "noauto", "user", "nouser", "users",
	"group", "nogroup", "owner", "async",
	"uid", "gid",
};

/**
 * struct line - our command line that comes about
 * @general: options for the filesystem's mount, with commas between
 */
struct line {
	struct arguments arguments;
	char *general;
};

static void no_memory(void) __attribute__((noreturn));

static void no_memory(void)
{
	message_error("out of memory");
	exit(MOUNT_SYSTEM);
}

static void mistake(const char *format, const char *what)
	__attribute__((format(printf, 1, 0), noreturn));

static void mistake(const char *format, const char *what)
{
	char text[512];

	snprintf(text, sizeof(text), format, printable_name(what));
	message_error("%s", text);
	exit(EXITCODE_USAGE);
}

static void add(struct line *line, char *argument)
{
	if (arguments_add(&line->arguments, argument))
		no_memory();
}

static void add_general(struct line *line, const char *option)
{
	char *more;

	if (asprintf(&more, "%s%s%s", line->general ? line->general : "",
		     line->general ? "," : "", option) < 0)
		no_memory();
	free(line->general);
	line->general = more;
}

static bool is_among(const char *name, const char *const *list, size_t count)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (!strcmp(name, list[i]))
			return true;
	return false;
}

#define AMONG(name, list)	is_among(name, list, sizeof(list) / sizeof(*(list)))

/* One of -o: ours, the filesystem's, or of no matter here. */
static void take_option(struct line *line, const char *option,
			enum option_argument (*knows)(const char *name))
{
	char *name = strndup(option, strcspn(option, "=")), why[256];
	int err = 0;

	if (!name)
		no_memory();
	if (!strncasecmp(name, "x-", 2) || AMONG(name, general))
		add_general(line, option);
	else if (!AMONG(name, no_matter))
		err = add_option(&line->arguments, option, knows, why);
	if (err == -EINVAL) {
		message_error("%s (see mount.incremental(8); fs-options=... has those of the filesystem)",
			      why);
		exit(EXITCODE_USAGE);
	}
	if (err)
		no_memory();
	free(name);
}

/* Commas between double quotes belong to a value; the quotes do not. */
static void take_options(struct line *line, char *options,
			 enum option_argument (*knows)(const char *name))
{
	const char *from = options;
	bool unclosed = false;
	char *option;

	while (*from) {
		option = next_option(&from, &unclosed);
		if (!option)
			no_memory();
		if (unclosed)
			mistake("a quotation mark is missing in the mount options%s",
				"");
		if (*option)
			take_option(line, option, knows);
		/* It may hold a URL with a password. */
		explicit_bzero(option, strlen(option));
		free(option);
	}
	/* Everybody can read a command line. */
	memset(options, '*', strlen(options));
}

#define NO_NAMESPACE(doing) \
	doing " in another namespace (%s) is not possible: enter it first (nsenter(1))"

static void mount_line(struct line *line, int argc, char **argv,
		       enum option_argument (*knows)(const char *name))
{
	char *source, *place, *argument;
	int option;

	if (argc < 3)
		mistake("usage: mount.incremental SOURCE DIR [-o OPTIONS]%s", "");
	/* mount(8) gives them first; a word with "-" in front is an option all the same. */
	source = argv[1];
	place = argv[2];
	if (*source == '-' || *place == '-')
		mistake("usage: mount.incremental SOURCE DIR [-o OPTIONS]%s", "");
	add(line, strdup("mount"));
	optind = 3;
	while ((option = getopt(argc, argv, "fno:st:vN:")) != -1) {
		switch (option) {
		case 'f':
			exit(EXITCODE_OK);
		case 'n':
		case 's':
			break;
		case 'o':
			take_options(line, optarg, knows);
			break;
		case 't':
			argument = strchr(optarg, '.');
			if (argument &&
			    asprintf(&argument, "--fs-type=%s", argument + 1) < 0)
				no_memory();
			if (argument)
				add(line, argument);
			break;
		case 'v':
			add(line, strdup("--verbose"));
			break;
		case 'N':
			mistake(NO_NAMESPACE("mounting"), optarg);
		default:
			exit(EXITCODE_USAGE);
		}
	}
	if (optind < argc)
		mistake("\"%s\" is one argument too many", argv[optind]);
	if (line->general) {
		if (asprintf(&argument, "--mount-options=%s", line->general) < 0)
			no_memory();
		add(line, argument);
	}
	add(line, strdup("--"));
	add(line, source);
	add(line, place);
}

static void umount_line(struct line *line, int argc, char **argv)
{
	int option;

	if (argc < 2 || *argv[1] == '-')
		mistake("usage: umount.incremental DIR [-l]%s", "");
	add(line, strdup("umount"));
	optind = 2;
	while ((option = getopt(argc, argv, "flnrvt:N:")) != -1) {
		switch (option) {
		case 'l':
			add(line, strdup("--lazy"));
			break;
		case 'v':
			add(line, strdup("--verbose"));
			break;
		case 'N':
			mistake(NO_NAMESPACE("unmounting"), optarg);
		case '?':
			exit(EXITCODE_USAGE);
		}
	}
	add(line, strdup("--"));
	add(line, argv[1]);
}

const char *helper_command_line(int *argc, char ***argv,
				enum option_argument (*knows)(const char *name))
{
	const char *slash = *argc ? strrchr((*argv)[0], '/') : NULL;
	const char *name = slash ? slash + 1 : *argc ? (*argv)[0] : "";
	bool mounts = !strcmp(name, "mount.incremental");
	struct line line = { .general = NULL };

	if (!mounts && strcmp(name, "umount.incremental"))
		return NULL;
	name = mounts ? "mount.incremental" : "umount.incremental";
	message_init(name, MESSAGE_INFO);
	add(&line, (*argv)[0]);
	if (mounts)
		mount_line(&line, *argc, *argv, knows);
	else
		umount_line(&line, *argc, *argv);
	free(line.general);
	*argc = line.arguments.argc;
	*argv = line.arguments.argv;
	optind = 0;	/* getopt starts anew */
	return name;
}

int helper_status(int status)
{
	switch (status) {
	case EXITCODE_OK:
	case EXITCODE_USAGE:
		return status;
	case EXITCODE_MEMORY:
		return MOUNT_SYSTEM;
	}
	/* mount(8) has 1 for what only root may do, too. */
	return status == EXITCODE_PERMISSION && geteuid() ? EXITCODE_USAGE :
	       MOUNT_FAILED;
}
