// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * incrementalsetup: set up, look at and take down incremental devices. The
 * command line is a table; its manners are veritysetup's.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include "common/message.h"
#include "common/option.h"
#include "common/parse.h"
#include "common/printable.h"
#include "dmsetup-plugin/attach.h"
#include "dmsetup-plugin/dm.h"
#include "dmsetup-plugin/generator.h"
#include "dmsetup-plugin/helper.h"
#include "dmsetup-plugin/scrub/scrub.h"
#include "dmsetup-plugin/tab.h"
#include "dmsetup-plugin/update/update.h"
#include "origin/origin.h"

#define MS_MAX	3600000u	/* the kernel's limit */

/* Bits: which commands take an option. */
enum {
	CREATE = 1, OPEN = 2, CLOSE = 4, STATUS = 8, TABLE = 16, WAIT = 32,
	SCRUB = 64, MONITOR = 128, UNMONITOR = 256, UPDATE = 512,
	ROLLBACK = 1024, EVICT = 2048, RECORD = 4096, MOUNT = 8192,
	UMOUNT = 16384, DUMP = 32768, ATTACH = 65536, ALL = 131071,
};

static const struct command {
	const char *name;
	int bit;
	int args;
	const char *usage;
	const char *help;
	int (*run)(const struct options *options, char **args,
		   struct incr_error *error);
} commands[] = {
	{ "create", CREATE, 1, "IMAGE",
	  "make a local image that holds nothing yet", command_create },
	{ "open", OPEN, 2, "IMAGE NAME",
	  "make device NAME of a local image", command_open },
	{ "close", CLOSE, 1, "NAME",
	  "remove device NAME", command_close },
	{ "status", STATUS, 1, "NAME",
	  "say how device NAME is doing", command_status },
	{ "dump", DUMP, 1, "IMAGE",
	  "say what the head of IMAGE says", command_dump },
	{ "table", TABLE, 2, "IMAGE DEVICE",
	  "print the table line of IMAGE on DEVICE", command_table },
	{ "wait", WAIT, 1, "NAME",
	  "wait until everything is present", command_wait },
	{ "scrub", SCRUB, 1, "NAME",
	  "check all present chunks, heal the damaged ones", command_scrub },
	{ "monitor", MONITOR, 1, "NAME",
	  "have dmeventd act on the events of device NAME", command_monitor },
	{ "unmonitor", UNMONITOR, 1, "NAME",
	  "have it stop that", command_unmonitor },
	{ "update", UPDATE, 1, "NAME",
	  "take device NAME to a newer generation, in use", command_update },
	{ "rollback", ROLLBACK, 1, "NAME",
	  "take device NAME back to an older one", command_rollback },
	{ "evict", EVICT, 1, "NAME",
	  "give back the space of chunks that are not needed", command_evict },
	{ "record", RECORD, 2, "NAME TRACE [-- COMMAND...]",
	  "record which blocks of device NAME are read", command_record },
	{ "mount", MOUNT, 2, "SOURCE DIR",
	  "mount an image, a local one or that of a URL", command_mount },
	{ "umount", UMOUNT, 1, "DIR",
	  "unmount it, and take down what mount has set up", command_umount },
	{ "attach", ATTACH, 1, "NAME",
	  "make device NAME as incrementaltab(5) says", command_attach },
	{ NULL, 0, 0, NULL, NULL, NULL },
};

enum {
	OPT_ORIGIN = 256, OPT_ORIGINS, OPT_FORCE, OPT_ROOT_HASH, OPT_GENERATION,
	OPT_READ_TIMEOUT, OPT_COMMIT_INTERVAL, OPT_READAHEAD, OPT_NO_PREFETCH,
	OPT_DEFERRED, OPT_JSON, OPT_TIMEOUT, OPT_NO_HEAL, OPT_CERTIFICATE,
	OPT_REQUIRE, OPT_PLUGIN, OPT_LAYER, OPT_MOUNTPOINT, OPT_DRY_RUN,
	OPT_RANGE, OPT_MAX_HEADS, OPT_ALL_COLD, OPT_UNPROVED,
	OPT_MIN_EPOCH, OPT_STARTUP, OPT_WAIT_STARTUP,
	OPT_NO_STARTUP, OPT_LOCAL, OPT_NAME, OPT_FS_TYPE, OPT_FS_OPTIONS,
	OPT_MOUNT_OPTIONS, OPT_LAZY, OPT_ROOT_HASH_FILE, OPT_CANCEL_DEFERRED,
	OPT_CORRUPTION, OPT_USAGE,
	OPT_TAB, OPT_USERSPACE,
	OPT_ACCESS,	/* and more from there: enum access_option */
};

static const struct {
	const char *name;
	const char *argument;
	int value;
	int commands;
	const char *help;
} option_table[] = {
	{ "origin", "ORIGIN", OPT_ORIGIN, CREATE | OPEN | MOUNT | UPDATE,
	  "file or URL of the complete image; may be repeated" },
	{ "origins", "FILE", OPT_ORIGINS, CREATE | OPEN | MOUNT | UPDATE,
	  "the same, one a line" },
	{ "layer", "FILE|URL", OPT_LAYER, UPDATE,
	  "the next layer by itself" },
#define OPTION(which, name, argument, help)				\
	{ name, argument, OPT_ACCESS + ACCESS_##which, CREATE | OPEN | MOUNT | UPDATE, help },
	ACCESS_TABLE(OPTION)
#undef OPTION
	{ "force", NULL, OPT_FORCE, CREATE | EVICT | RECORD,
	  "create: replace IMAGE; record: replace TRACE; evict: without a loader, too" },
	{ "root-hash", "HEX", OPT_ROOT_HASH,
	  CREATE | OPEN | MOUNT | TABLE | UPDATE | ROLLBACK | DUMP,
	  "the image must have this root hash" },
	{ "root-hash-file", "FILE", OPT_ROOT_HASH_FILE,
	  CREATE | OPEN | MOUNT | TABLE | UPDATE | ROLLBACK | DUMP,
	  "the same, from a file" },
	{ "certificate", "PEM", OPT_CERTIFICATE,
	  CREATE | OPEN | MOUNT | TABLE | UPDATE | ROLLBACK | DUMP,
	  "the image's signature must lead to one of these" },
	{ "require-signature", NULL, OPT_REQUIRE,
	  OPEN | MOUNT | TABLE | UPDATE | ROLLBACK,
	  "the kernel must verify the signature, too" },
	{ "min-epoch", "N", OPT_MIN_EPOCH,
	  CREATE | OPEN | MOUNT | TABLE | UPDATE | ROLLBACK | DUMP,
	  "refuse an image that was signed with a lower epoch" },
	{ "unproved-size", NULL, OPT_UNPROVED,
	  OPEN | MOUNT | TABLE | UPDATE | ROLLBACK,
	  "trust the image for the device's size (raw devices)" },
	{ "max-heads", "SIZE", OPT_MAX_HEADS, CREATE | MOUNT | UPDATE,
	  "write no more than that of heads (default 256M)" },
	{ "generation", "N", OPT_GENERATION,
	  OPEN | MOUNT | TABLE | UPDATE | ROLLBACK | EVICT | DUMP,
	  "of the image (default: the newest; rollback: the one before)" },
	{ "range", "OFFSET:LENGTH", OPT_RANGE, EVICT,
	  "all of these bytes of the image, needed or not" },
	{ "all-cold", NULL, OPT_ALL_COLD, EVICT,
	  "all data that was not read since the last time" },
	{ "mountpoint", "DIR", OPT_MOUNTPOINT, UPDATE | ROLLBACK,
	  "change the mount there only (default: all)" },
	{ "dry-run", NULL, OPT_DRY_RUN, UPDATE | ROLLBACK,
	  "just print the steps" },
	{ "read-timeout", "MS", OPT_READ_TIMEOUT, OPEN | MOUNT | TABLE,
	  "how long a read waits for absent data" },
	{ "on-corruption", "refetch|fail|panic", OPT_CORRUPTION,
	  OPEN | MOUNT | TABLE,
	  "what the kernel does about a corrupt block (default: refetch)" },
	{ "commit-interval", "MS", OPT_COMMIT_INTERVAL, OPEN | MOUNT | TABLE,
	  "how often presence is committed" },
	{ "absent-readahead", "fetch|hint", OPT_READAHEAD, OPEN | MOUNT | TABLE,
	  "whether readahead fetches absent data or just hints" },
	{ "no-prefetch", NULL, OPT_NO_PREFETCH, OPEN | MOUNT,
	  "the loader fetches only ranges that are read" },
	{ "startup", "FILE", OPT_STARTUP, OPEN | MOUNT,
	  "ranges that the loader fetches first (default: IMAGE.startup, the image's own, ORIGIN.startup)" },
	{ "no-startup", NULL, OPT_NO_STARTUP, OPEN | MOUNT,
	  "the loader fetches no ranges beforehand, whatever list there is" },
	{ "wait-startup", NULL, OPT_WAIT_STARTUP, OPEN | MOUNT,
	  "return when these have been fetched" },
	{ "userspace", NULL, OPT_USERSPACE, OPEN | MOUNT,
	  "without the module: a process serves the device (ublk or nbd)" },
	{ "deferred", NULL, OPT_DEFERRED, CLOSE,
	  "if it is in use, remove it later" },
	{ "cancel-deferred", NULL, OPT_CANCEL_DEFERRED, CLOSE,
	  "keep a device that is to be removed later" },
	{ "json", NULL, OPT_JSON, STATUS | SCRUB | UPDATE | ROLLBACK | EVICT,
	  "for programs" },
	{ "timeout", "SECONDS", OPT_TIMEOUT, WAIT | SCRUB,
	  "stop waiting then (wait: never; scrub: 60)" },
	{ "no-heal", NULL, OPT_NO_HEAL, SCRUB, "just report damage" },
	{ "plugin", "FILE", OPT_PLUGIN, MONITOR | UNMONITOR,
	  "for dmeventd (default: the installed one)" },
	{ "local", "FILE", OPT_LOCAL, MOUNT,
	  "the local image (default: in /var/lib/incremental)" },
	{ "name", "NAME", OPT_NAME, MOUNT,
	  "of the device (default: like the image's)" },
	{ "fs-type", "TYPE", OPT_FS_TYPE, MOUNT,
	  "the filesystem's (default: mount(8) finds out)" },
	{ "fs-options", "LIST", OPT_FS_OPTIONS, MOUNT,
	  "mount options of the filesystem" },
	{ "mount-options", "LIST", OPT_MOUNT_OPTIONS, MOUNT,
	  "mount options that any filesystem has" },
	{ "lazy", NULL, OPT_LAZY, UMOUNT,
	  "now from the tree, all else when it is no longer in use" },
	{ "tab", "FILE", OPT_TAB, ATTACH,
	  "in place of /etc/incrementaltab" },
	{ "verbose", NULL, 'v', ALL, "say more" },
	{ "batch-mode", NULL, 'q', ALL, "say nothing of what was made" },
	{ "help", NULL, 'h', ALL, NULL },
	{ "usage", NULL, OPT_USAGE, ALL, NULL },
	{ "version", NULL, 'V', ALL, NULL },
};

#define OPTIONS	(sizeof(option_table) / sizeof(option_table[0]))
_Static_assert(OPTIONS <= 64, "a bit for each");

/* Those of one command; the common ones are told once. */
static void print_options(const struct command *command)
{
	size_t i;

	for (i = 0; i < OPTIONS; i++) {
		const char *argument = option_table[i].argument;
		char name[48];

		if (option_table[i].commands == ALL ||
		    !(option_table[i].commands & command->bit))
			continue;
		snprintf(name, sizeof(name), "--%s %s", option_table[i].name,
			 argument ? argument : "");
		printf("  %-30s %s\n", name, option_table[i].help);
	}
}

static bool has_options(const struct command *command)
{
	size_t i;

	for (i = 0; i < OPTIONS; i++)
		if (option_table[i].commands != ALL &&
		    option_table[i].commands & command->bit)
			return true;
	return false;
}

/* Of one command, or of all if it is NULL. */
static void print_help(const struct command *command)
{
	if (command) {
		printf("Usage: incrementalsetup %s [OPTION]... %s\n\n"
		       "%c%s.\n\n", command->name, command->usage,
		       toupper(*command->help), command->help + 1);
		print_options(command);
	} else {
		printf("Usage: incrementalsetup COMMAND [OPTION]... ARGUMENT...\n\n");
		for (command = commands; command->name; command++)
			printf("  %-9s %-14s %s\n", command->name,
			       command->usage, command->help);
		for (command = commands; command->name; command++) {
			if (has_options(command))
				printf("\n%s\n", command->name);
			print_options(command);
		}
		printf("\nall:");
	}
	printf("  -v, --verbose; -q, --batch-mode; -h, --help; --usage; -V, --version\n"
	       "\n"
	       "Exit status: 0 done, 1 wrong parameters, 2 no permission or not authentic,\n"
	       "3 out of memory, 4 wrong device or image, 5 exists or in use, 6 timed out.\n");
}

/* The commands, a line each, as veritysetup has it. */
static void print_usage(void)
{
	const struct command *command;

	for (command = commands; command->name; command++)
		printf("%s incrementalsetup %s%s %s\n",
		       command == commands ? "Usage:" : "      ", command->name,
		       has_options(command) ? " [OPTION]..." : "",
		       command->usage);
}

static u64 take_number(const char *name, u64 most)
{
	u64 value;

	if (parse_number(optarg, 0, most, &value)) {
		message_error("--%s must be a number from 0 to %llu, not \"%s\"",
			      name, (unsigned long long)most, optarg);
		exit(EXITCODE_USAGE);
	}
	return value;
}

static void take_origins(struct options *options)
{
	struct incr_error error;
	int err = origin_read_list(optarg, options->origins,
				   &options->origin_count, ORIGINS_MAX,
				   &options->access, &error);

	if (err) {
		message_error("%s", error.text);
		exit(exitcode_of(err));
	}
}

static void take_root(struct options *options, const char *hex)
{
	int n = incr_hex_parse(hex, options->root, sizeof(options->root));

	if (n <= 0)
		option_fail("--root-hash \"%s\" is not a hexadecimal digest",
			    printable_name(hex));
	options->root_size = (size_t)n;
}

/* A file that has a digest and perhaps a line's end. */
static void take_root_file(struct options *options)
{
	char text[2 * INC_DIGEST_MAX + 3];
	FILE *file = fopen(optarg, "re");
	size_t n;

	if (!file) {
		message_error("cannot open %s: %s", printable_name(optarg),
			      strerror(errno));
		exit(exitcode_of(-errno));
	}
	n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[n] = '\0';
	text[strcspn(text, "\r\n")] = '\0';
	take_root(options, text);
}

static enum on_corruption take_corruption(void)
{
	if (!strcmp(optarg, "refetch"))
		return CORRUPTION_DEFAULT;
	if (!strcmp(optarg, "fail"))
		return CORRUPTION_FAIL;
	if (!strcmp(optarg, "panic"))
		return CORRUPTION_PANIC;
	option_fail("--on-corruption must be refetch, fail or panic, not \"%s\"",
		    optarg);
}

/* "OFFSET:LENGTH", both with units; the argument is taken apart. */
static void take_range(struct incr_range *range)
{
	char *colon = strchr(optarg, ':');

	if (colon)
		*colon = '\0';
	if (!colon || parse_size(optarg, 0, INT64_MAX, &range->offset) ||
	    parse_size(colon + 1, 1, INT64_MAX, &range->length)) {
		if (colon)
			*colon = ':';
		option_fail("--range must be OFFSET:LENGTH, not \"%s\"",
			    optarg);
	}
}

static enum absent_readahead take_readahead(void)
{
	if (!strcmp(optarg, "hint"))
		return READAHEAD_HINT;
	if (!strcmp(optarg, "fetch"))
		return READAHEAD_FETCH;
	option_fail("--absent-readahead must be fetch or hint, not \"%s\"",
		    optarg);
}

static void take_option(struct options *options, int option)
{
	switch (option) {
	case OPT_ORIGIN:
		if (options->origin_count == ORIGINS_MAX)
			option_fail("too many origins%s", "");
		options->origins[options->origin_count++] = option_copy(origin_take(optarg));
		break;
	case OPT_ORIGINS:
		take_origins(options);
		break;
	case OPT_FORCE:
		options->force = true;
		break;
	case OPT_ROOT_HASH:
		take_root(options, optarg);
		break;
	case OPT_ROOT_HASH_FILE:
		take_root_file(options);
		break;
	case OPT_CORRUPTION:
		options->on_corruption = take_corruption();
		break;
	case OPT_CANCEL_DEFERRED:
		options->cancel_deferred = true;
		break;
	case OPT_USAGE:
		print_usage();
		exit(EXITCODE_OK);
	case 'q':
		options->batch = true;
		break;
	case OPT_CERTIFICATE:
		options->certificate = optarg;
		break;
	case OPT_REQUIRE:
		options->require_signature = true;
		break;
	case OPT_MIN_EPOCH:
		options->min_epoch = (u32)take_number("min-epoch", UINT32_MAX);
		break;
	case OPT_GENERATION:
		options->generation = (u32)take_number("generation",
						       INC_SEGMENTS_MAX - 1);
		break;
	case OPT_READ_TIMEOUT:
		options->read_timeout = take_number("read-timeout", MS_MAX);
		break;
	case OPT_COMMIT_INTERVAL:
		options->commit_interval = take_number("commit-interval",
						       MS_MAX);
		break;
	case OPT_READAHEAD:
		options->absent_readahead = take_readahead();
		break;
	case OPT_NO_PREFETCH:
		options->no_prefetch = true;
		break;
	case OPT_STARTUP:
		options->startup = optarg;
		break;
	case OPT_NO_STARTUP:
		options->no_startup = true;
		break;
	case OPT_WAIT_STARTUP:
		options->wait_startup = true;
		break;
	case OPT_DEFERRED:
		options->deferred = true;
		break;
	case OPT_JSON:
		options->json = true;
		break;
	case OPT_TIMEOUT:
		options->timeout = take_number("timeout", 86400 * 365);
		break;
	case OPT_LAYER:
		options->layer = option_copy(origin_take(optarg));
		break;
	case OPT_MOUNTPOINT:
		options->mountpoint = optarg;
		break;
	case OPT_DRY_RUN:
		options->dry_run = true;
		break;
	case OPT_NO_HEAL:
		options->no_heal = true;
		break;
	case OPT_PLUGIN:
		options->plugin = optarg;
		break;
	case OPT_RANGE:
		take_range(&options->range);
		break;
	case OPT_MAX_HEADS:
		if (parse_size(optarg, 0, INT64_MAX, &options->max_heads))
			option_fail("--max-heads must be a size, not \"%s\"",
				    optarg);
		break;
	case OPT_UNPROVED:
		options->unproved_size = true;
		break;
	case OPT_ALL_COLD:
		options->all_cold = true;
		break;
	case OPT_LOCAL:
		options->local = optarg;
		break;
	case OPT_NAME:
		options->name = optarg;
		break;
	case OPT_FS_TYPE:
		options->fs_type = optarg;
		break;
	case OPT_FS_OPTIONS:
		options->fs_options = optarg;
		break;
	case OPT_MOUNT_OPTIONS:
		options->mount_options = optarg;
		break;
	case OPT_LAZY:
		options->lazy = true;
		break;
	case OPT_USERSPACE:
		options->userspace = true;
		break;
	case OPT_TAB:
		options->tab = optarg;
		break;
	case 'v':
		options->verbose = true;
		break;
	case 'h':
		options->help = true;
		break;
	case 'V':
		puts("incrementalsetup " INC_VERSION_STRING);
		exit(EXITCODE_OK);
	default:
		/* Otherwise option_next() has said why. */
		if (option < OPT_ACCESS)
			exit(EXITCODE_USAGE);
		option -= OPT_ACCESS;
		free(options->access.value[option]);
		options->access.value[option] = option_copy(origin_take(optarg));
	}
}

/* Parse the command line; @given has a bit for each option that it holds. */
static void parse(int argc, char **argv, struct options *options, u64 *given)
{
	struct option long_options[OPTIONS + 1] = { { NULL, 0, NULL, 0 } };
	size_t i;
	int option;

	for (i = 0; i < OPTIONS; i++)
		long_options[i] = (struct option){
			.name = option_table[i].name,
			.has_arg = option_table[i].argument ?
				   required_argument : no_argument,
			.val = option_table[i].value,
		};
	*given = 0;
	while ((option = option_next(argc, argv, "vqhV", long_options)) != -1) {
		take_option(options, option);
		for (i = 0; i < OPTIONS; i++)
			if (option_table[i].value == option)
				*given |= 1ull << i;
	}
}

/* For -o of mount(8), and for incrementaltab(5). */
static enum option_argument mount_knows(const char *name)
{
	size_t i;

	for (i = 0; i < OPTIONS; i++)
		if (option_table[i].commands & MOUNT &&
		    option_table[i].commands != ALL &&
		    strcmp(option_table[i].name, "mount-options") &&
		    !strcmp(option_table[i].name, name))
			return option_table[i].argument ? OPTION_VALUE :
							  OPTION_NONE;
	return OPTION_UNKNOWN;
}

static const struct command *find_command(const char *name)
{
	const struct command *command = commands;

	while (command->name && strcmp(command->name, name))
		command++;
	if (!command->name)
		option_fail("there is no command \"%s\"", name);
	return command;
}

/* An option that means nothing to the command is a mistake. */
static void check_given(const struct command *command, u64 given)
{
	size_t i;

	for (i = 0; i < OPTIONS; i++) {
		if (!(given & 1ull << i) ||
		    option_table[i].commands & command->bit)
			continue;
		message_error("%s does not take --%s (see --help)",
			      command->name, option_table[i].name);
		exit(EXITCODE_USAGE);
	}
}

int main(int argc, char **argv)
{
	struct options options = {
		.generation = INCR_NEWEST,
		.read_timeout = UNSET,
		.commit_interval = UNSET,
		.timeout = UNSET,
		.max_heads = MAX_HEADS_DEFAULT,
	};
	struct incr_error error = { "" };
	const struct command *command;
	struct arguments line;
	const char *helper;
	u64 given;
	int err;

	if (generator_called(argc ? argv[0] : NULL))
		return generator_run(argc, argv);
	message_init("incrementalsetup", MESSAGE_INFO);
	/* No core of what is secret in our arguments and files. */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	helper = helper_command_line(&argc, &argv, mount_knows);
	parse(argc, argv, &options, &given);
	if (options.verbose)
		message_init(helper ? helper : "incrementalsetup",
			     MESSAGE_DEBUG);
	if (options.help) {
		print_help(optind < argc ? find_command(argv[optind]) : NULL);
		return fflush(stdout) || ferror(stdout) ?
		       exitcode_of(-EIO) : EXITCODE_OK;
	}
	if (optind == argc)
		option_fail("a command is missing%s", "");
	command = find_command(argv[optind++]);
	check_given(command, given);
	if (argc - optind < command->args ||
	    (argc - optind > command->args && command->bit != RECORD)) {
		message_error("usage: incrementalsetup %s [OPTION]... %s",
			      command->name, command->usage);
		return EXITCODE_USAGE;
	}
	if (command->bit == ATTACH) {
		err = attach_command_line(options.tab ? options.tab : TAB_PATH,
					  argv[optind], &line, mount_knows,
					  &error);
		if (err) {
			message_error("%s", error.text);
			return exitcode_of(err);
		}
		optind = 0;	/* getopt starts anew */
		parse(line.argc, line.argv, &options, &given);
		argv = line.argv;
		optind++;
	}
	if (options.deferred && options.cancel_deferred)
		option_fail("--deferred and --cancel-deferred exclude each other%s",
			    "");
	if (command->bit == CREATE && !options.origin_count)
		option_fail("create needs an --origin%s", "");
	if ((options.startup || options.wait_startup) &&
	    !options.origin_count && command->bit != MOUNT)
		option_fail("--startup and --wait-startup need an --origin%s", "");
	if (options.unproved_size && options.require_signature)
		option_fail("--unproved-size and --require-signature exclude each other%s",
			    "");
	if (options.min_epoch && !options.certificate &&
	    !options.require_signature &&
	    !(command->bit & (UPDATE | ROLLBACK)))
		option_fail("--min-epoch needs --certificate%s: only a signature vouches for an epoch",
			    command->bit == CREATE ? "" :
			    " or --require-signature");
	dm_begin(options.verbose);
	err = options.certificate ? incr_anchors_load(&options.anchors,
						      options.certificate,
						      &error) : 0;
	if (!err)
		err = command->run(&options, argv + optind, &error);
	if (err)
		message_error("%s", error.text);
	else if (fflush(stdout) || ferror(stdout))
		err = -EIO;
	incr_anchors_free(options.anchors);
	free(options.layer);
	access_free(&options.access);
	while (options.origin_count)
		free(options.origins[--options.origin_count]);
	return helper ? helper_status(exitcode_of(err)) : (int)exitcode_of(err);
}
