// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line of incrementald; see options.h. */
#include <stdio.h>
#include <stdlib.h>
#include "common/exitcode.h"
#include "common/message.h"
#include "common/option.h"
#include "common/parse.h"
#include "loader/loader.h"
#include "loader/options.h"

enum {
	OPT_ORIGIN = 256, OPT_NO_PREFETCH, OPT_NO_HINTS, OPT_JOBS, OPT_TIMEOUT,
	OPT_RETRY, OPT_ROOT_HASH, OPT_GENERATION, OPT_USER, OPT_DAEMON,
	OPT_ORIGINS, OPT_FOREGROUND, OPT_EXIT, OPT_STATS, OPT_PID_FILE, OPT_SANDBOX,
	OPT_STARTUP, OPT_WAIT_STARTUP, OPT_NO_STARTUP, OPT_RECORD,
	OPT_ACCESS,	/* and more from there: enum access_option */
};

static const struct option long_options[] = {
	{ "origin",		required_argument, NULL, OPT_ORIGIN },
	{ "origins",		required_argument, NULL, OPT_ORIGINS },
	{ "no-prefetch",	no_argument,	   NULL, OPT_NO_PREFETCH },
	{ "startup",		required_argument, NULL, OPT_STARTUP },
	{ "no-startup",		no_argument,	   NULL, OPT_NO_STARTUP },
	{ "wait-startup",	no_argument,	   NULL, OPT_WAIT_STARTUP },
	{ "record",		required_argument, NULL, OPT_RECORD },
	{ "no-hints",		no_argument,	   NULL, OPT_NO_HINTS },
	{ "jobs",		required_argument, NULL, OPT_JOBS },
	{ "timeout",		required_argument, NULL, OPT_TIMEOUT },
	{ "retry",		required_argument, NULL, OPT_RETRY },
#define OPTION(which, name, argument, help)				\
	{ name,			required_argument, NULL, OPT_ACCESS + ACCESS_##which },
	ACCESS_TABLE(OPTION)
#undef OPTION
	{ "root-hash",		required_argument, NULL, OPT_ROOT_HASH },
	{ "generation",		required_argument, NULL, OPT_GENERATION },
	{ "user",		required_argument, NULL, OPT_USER },
	{ "sandbox",		required_argument, NULL, OPT_SANDBOX },
	{ "daemon",		no_argument,	   NULL, OPT_DAEMON },
	{ "foreground",		no_argument,	   NULL, OPT_FOREGROUND },
	{ "exit-when-complete",	no_argument,	   NULL, OPT_EXIT },
	{ "stats",		required_argument, NULL, OPT_STATS },
	{ "pid-file",		required_argument, NULL, OPT_PID_FILE },
	{ "verbose",		no_argument,	   NULL, 'v' },
	{ "help",		no_argument,	   NULL, 'h' },
	{ "version",		no_argument,	   NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static const char help[] =
"Usage: incrementald --origin ORIGIN [OPTION]... DEVICE\n"
"\n"
"Fetch the ranges that readers of an incremental image wait for, then the rest.\n"
"DEVICE is /dev/incremental/NAME, or a device or dm name that has one.\n"
"\n"
"      --origin ORIGIN      file or http(s) URL of the complete image; repeat it\n"
"                           for mirrors, which are used when the first fails\n"
"      --origins FILE       the same, one a line\n"
"      --startup FILE       a start-up list, which is fetched first (default:\n"
"                           the image's own, or ORIGIN.startup)\n"
"      --no-startup         fetch no start-up list\n"
"      --wait-startup       be ready when that has been fetched\n"
"      --record TRACE       record which blocks are read\n"
"      --no-prefetch        fetch only ranges that are read\n"
"      --no-hints           do not fetch what readers may want next\n"
"      --jobs N             ranges in flight at most (default 64)\n"
"      --timeout SECONDS    to connect, and that a reply may stall (default 20)\n"
"      --retry N            rounds over the origins before a range is given up\n"
"                           for the time being (default 5)\n"
"      --ca-certificates FILE  for https, in place of the system's\n"
"      --netrc-file FILE    users and passwords of servers, as in netrc(5)\n"
"      --header-file FILE   headers for requests, \"Name: value\", one a line\n"
"      --client-cert FILE   our certificate for https, in PEM\n"
"      --client-key FILE    its key, if it is in another file\n"
"      --proxy URL          in place of the environment's\n"
"      --root-hash HEX      the image must have this root hash\n"
"      --generation N       fetch for this generation (default: the one in use)\n"
"      --user USER          run as USER (default when started by root: nobody)\n"
"      --sandbox auto|required|off\n"
"                           confine the loader: as far as the kernel can (default),\n"
"                           entirely or not start, or not\n"
"      --daemon             go to the background once it works\n"
"      --foreground         do not (default)\n"
"      --exit-when-complete end when everything is present\n"
"      --stats FILE         write counters there at the end, as JSON\n"
"      --pid-file FILE      write the process number there\n"
"  -v, --verbose            say more\n"
"  -h, --help\n"
"  -V, --version\n"
"\n"
"SIGTERM ends it; SIGUSR1 logs its counters.\n";

static unsigned int number(const char *name, const char *text, unsigned int least,
			   unsigned int most)
{
	uint64_t value;

	if (parse_number(text, least, most, &value)) {
		message_error("%s must be a number from %u to %u, not \"%s\"",
			      name, least, most, text);
		exit(EXITCODE_USAGE);
	}
	return (unsigned int)value;
}

static void add_origin(struct options *options, char *origin)
{
	if (options->origin_count == MIRRORS_MAX) {
		message_error("there may be %u origins at most", MIRRORS_MAX);
		exit(EXITCODE_USAGE);
	}
	options->origins[options->origin_count++] = option_copy(origin_take(origin));
}

static void add_origins(struct options *options, const char *path)
{
	struct incr_error error;
	int err = origin_read_list(path, options->origins,
				   &options->origin_count, MIRRORS_MAX,
				   &options->access, &error);

	if (err) {
		message_error("%s", error.text);
		exit(exitcode_of(err));
	}
}

static void set_root(struct options *options, const char *hex)
{
	int n = incr_hex_parse(hex, options->root, sizeof(options->root));

	if (n <= 0)
		option_fail("--root-hash \"%s\" is not a hexadecimal digest", hex);
	options->root_size = (size_t)n;
}

static enum sandbox_mode sandbox_mode(const char *text)
{
	if (!strcmp(text, "auto"))
		return SANDBOX_AUTO;
	if (!strcmp(text, "required"))
		return SANDBOX_REQUIRED;
	if (!strcmp(text, "off"))
		return SANDBOX_OFF;
	option_fail("--sandbox must be auto, required or off, not \"%s\"", text);
}

static void take(struct options *options, int option)
{
	switch (option) {
	case OPT_ORIGIN:
		add_origin(options, optarg);
		break;
	case OPT_ORIGINS:
		add_origins(options, optarg);
		break;
	case OPT_NO_PREFETCH:
		options->prefetch = false;
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
	case OPT_RECORD:
		options->record = optarg;
		break;
	case OPT_NO_HINTS:
		options->hints = false;
		break;
	case OPT_JOBS:
		options->jobs = number("--jobs", optarg, 1, JOBS_MAX);
		break;
	case OPT_TIMEOUT:
		options->origin.timeout = number("--timeout", optarg, 1,
						 ORIGIN_TIMEOUT_MAX);
		break;
	case OPT_RETRY:
		options->retry = number("--retry", optarg, 0, RETRY_MAX);
		break;
	case OPT_ROOT_HASH:
		set_root(options, optarg);
		break;
	case OPT_GENERATION:
		options->generation = number("--generation", optarg, 0,
					     INC_SEGMENTS_MAX - 1);
		break;
	case OPT_USER:
		options->user = optarg;
		break;
	case OPT_SANDBOX:
		options->sandbox = sandbox_mode(optarg);
		break;
	case OPT_DAEMON:
		options->daemon = true;
		break;
	case OPT_FOREGROUND:
		options->daemon = false;
		break;
	case OPT_EXIT:
		options->exit_when_complete = true;
		break;
	case OPT_STATS:
		options->stats_file = optarg;
		break;
	case OPT_PID_FILE:
		options->pid_file = optarg;
		break;
	case 'v':
		options->verbose = true;
		break;
	case 'h':
		fputs(help, stdout);
		exit(EXITCODE_OK);
	case 'V':
		puts("incrementald " INC_VERSION_STRING);
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

void options_parse(struct options *options, int argc, char **argv)
{
	int option;

	*options = (struct options){
		.origin.timeout	= ORIGIN_TIMEOUT_DEFAULT,
		.prefetch	= true,
		.hints		= true,
		.jobs		= JOBS_DEFAULT,
		.retry		= RETRY_DEFAULT,
		.generation	= INCR_NEWEST,
	};
	while ((option = option_next(argc, argv, "vhV", long_options)) != -1)
		take(options, option);
	if (optind == argc)
		option_fail("DEVICE is missing%s", "");
	options->device = argv[optind++];
	if (optind < argc)
		option_fail("\"%s\" is one argument too many", argv[optind]);
	if (!options->origin_count)
		option_fail("at least one --origin is needed%s", "");
}
