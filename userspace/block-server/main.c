// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * incrementalblk: an image's device without the module, by ublk or the kernel's nbd.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "block-server/jobs.h"
#include "block-server/nbd.h"
#include "block-server/stop.h"
#include "block-server/supervise.h"
#include "block-server/ublk.h"
#include "common/daemon.h"
#include "common/exitcode.h"
#include "common/message.h"
#include "common/option.h"
#include "common/parse.h"
#include "common/printable.h"
#include "origin/url.h"
#include "store/store.h"

#define PROGRAM		"incrementalblk"
/* Seconds that a read waits for a server that is away, as for the target's read_timeout. */
#define READ_TIMEOUT	30u
#define READ_TIMEOUT_MAX 3600u

enum transport { AUTO, UBLK, NBD };

enum {
	OPT_ORIGIN = 256, OPT_ORIGINS, OPT_ROOT_HASH, OPT_CERTIFICATE,
	OPT_GENERATION, OPT_READ_TIMEOUT, OPT_NO_PREFETCH, OPT_TRANSPORT,
	OPT_RECOVER, OPT_STOP, OPT_DAEMON,
	OPT_ACCESS,	/* and more from there: enum access_option */
};

static const struct option long_options[] = {
	{ "origin",	   required_argument, NULL, OPT_ORIGIN },
	{ "origins",	   required_argument, NULL, OPT_ORIGINS },
	{ "root-hash",	   required_argument, NULL, OPT_ROOT_HASH },
	{ "certificate",   required_argument, NULL, OPT_CERTIFICATE },
	{ "generation",	   required_argument, NULL, OPT_GENERATION },
	{ "read-timeout",  required_argument, NULL, OPT_READ_TIMEOUT },
	{ "no-prefetch",   no_argument,	      NULL, OPT_NO_PREFETCH },
	{ "transport",	   required_argument, NULL, OPT_TRANSPORT },
	{ "recover",	   required_argument, NULL, OPT_RECOVER },
	{ "stop",	   required_argument, NULL, OPT_STOP },
	{ "daemon",	   no_argument,	      NULL, OPT_DAEMON },
#define OPTION(which, name, argument, help)				\
	{ name,		   required_argument, NULL, OPT_ACCESS + ACCESS_##which },
	ACCESS_TABLE(OPTION)
#undef OPTION
	{ "verbose",	   no_argument,	      NULL, 'v' },
	{ "help",	   no_argument,	      NULL, 'h' },
	{ "version",	   no_argument,	      NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static const char help[] =
"Usage: " PROGRAM " [OPTION]... IMAGE\n"
"       " PROGRAM " --stop DEVICE\n"
"\n"
"Serve the device of a local image without the kernel module: as /dev/ublkbN where\n"
"the kernel has ublk, else as /dev/nbdN, whose name is printed.\n"
"\n"
"      --origin ORIGIN      file or http(s) URL of the complete image\n"
"      --origins FILE       the same, from a file\n"
"      --root-hash HEX      the image must have this root hash\n"
"      --certificate PEM    the image's signature must lead to one of these\n"
"      --generation N       of the image (default: the newest)\n"
"      --read-timeout SECONDS  that a read waits for a server (default 30)\n"
"      --no-prefetch        fetch only what is read\n"
"      --transport auto|ublk|nbd\n"
"      --recover DEVICE     take over a ublk device whose server has died\n"
"      --stop DEVICE        take a device down that is not in use\n"
"      --daemon             go to the background once it can be read\n"
"      --ca-certificates FILE  for https, in place of the system's\n"
"      --netrc-file FILE    users and passwords, as in netrc(5)\n"
"      --header-file FILE   headers for requests, one a line\n"
"      --client-cert FILE   our certificate for https, in PEM\n"
"      --client-key FILE    its key, if it is in another file\n"
"      --proxy URL          in place of the environment's\n"
"  -v, --verbose            say more\n"
"  -h, --help\n"
"  -V, --version\n";

/**
 * struct options - the command line
 * @recover: number of a device, or NO_DEVICE
 */
static struct options {
	char *origins[2];
	unsigned int origin_count;
	struct origin_access access;
	u8 root[INC_DIGEST_MAX];
	size_t root_size;
	const char *certificate;
	u32 generation;
	u64 read_timeout;
	bool prefetch;
	enum transport transport;
	u32 recover;
	const char *stop;
	bool daemon;
	bool verbose;
	const char *image;
} options = {
	.generation = INCR_NEWEST,
	.read_timeout = READ_TIMEOUT,
	.prefetch = true,
	.recover = NO_DEVICE,
};

static u64 number(const char *name, u64 most)
{
	u64 value;

	if (parse_number(optarg, 0, most, &value)) {
		message_error("%s must be a number from 0 to %llu, not \"%s\"", name,
			      (unsigned long long)most, optarg);
		exit(EXITCODE_USAGE);
	}
	return value;
}

static void take_origins(void)
{
	struct incr_error error;
	int err = origin_read_list(optarg, options.origins,
				   &options.origin_count, 2, &options.access,
				   &error);

	if (err) {
		message_error("%s", error.text);
		exit(exitcode_of(err));
	}
}

static enum transport transport(void)
{
	if (!strcmp(optarg, "auto"))
		return AUTO;
	if (!strcmp(optarg, "ublk"))
		return UBLK;
	if (!strcmp(optarg, "nbd"))
		return NBD;
	option_fail("--transport must be auto, ublk or nbd, not \"%s\"", optarg);
}

static void take(int option)
{
	int size;

	switch (option) {
	case OPT_ORIGIN:
		if (options.origin_count == 2)
			option_fail("one origin is taken%s", "");
		options.origins[options.origin_count++] = option_copy(origin_take(optarg));
		break;
	case OPT_ORIGINS:
		take_origins();
		break;
	case OPT_ROOT_HASH:
		size = incr_hex_parse(optarg, options.root, sizeof(options.root));
		if (size <= 0)
			option_fail("--root-hash \"%s\" is not a hexadecimal digest",
				    printable_name(optarg));
		options.root_size = (size_t)size;
		break;
	case OPT_CERTIFICATE:
		options.certificate = optarg;
		break;
	case OPT_GENERATION:
		options.generation = (u32)number("--generation", INC_SEGMENTS_MAX - 1);
		break;
	case OPT_READ_TIMEOUT:
		options.read_timeout = number("--read-timeout", READ_TIMEOUT_MAX);
		break;
	case OPT_NO_PREFETCH:
		options.prefetch = false;
		break;
	case OPT_TRANSPORT:
		options.transport = transport();
		break;
	case OPT_RECOVER:
		if (device_number(optarg, UBLK_NAME, &options.recover))
			option_fail("\"%s\" is no device of ublk", printable_name(optarg));
		break;
	case OPT_STOP:
		options.stop = optarg;
		break;
	case OPT_DAEMON:
		options.daemon = true;
		break;
	case 'v':
		options.verbose = true;
		break;
	case 'h':
		fputs(help, stdout);
		exit(EXITCODE_OK);
	case 'V':
		puts(PROGRAM " " INC_VERSION_STRING);
		exit(EXITCODE_OK);
	default:
		/* Otherwise option_next() has said why. */
		if (option < OPT_ACCESS)
			exit(EXITCODE_USAGE);
		option -= OPT_ACCESS;
		free(options.access.value[option]);
		options.access.value[option] = option_copy(origin_take(optarg));
	}
}

static void parse(int argc, char **argv)
{
	int option;

	while ((option = option_next(argc, argv, "vhV", long_options)) != -1)
		take(option);
	if (options.stop) {
		if (optind < argc)
			option_fail("\"%s\" is one argument too many",
				    printable_name(argv[optind]));
		return;
	}
	if (optind == argc)
		option_fail("IMAGE is missing%s", "");
	options.image = argv[optind++];
	if (optind < argc)
		option_fail("\"%s\" is one argument too many",
			    printable_name(argv[optind]));
	/* One request after another has one place to come from. */
	if (options.origin_count > 1)
		option_fail("one origin is taken, without mirrors%s", "");
	if (options.recover != NO_DEVICE && options.transport == NBD)
		option_fail("--recover is for ublk%s", "");
}

/* A server that is started later has another working directory. */
static void make_absolute(const char **path)
{
	char *whole = *path ? realpath(*path, NULL) : NULL;

	/* If there is none, opening it says so. */
	if (whole)
		*path = whole;
}

static void make_all_absolute(void)
{
	int i;

	make_absolute(&options.image);
	make_absolute(&options.certificate);
	if (options.origin_count && !origin_means_the_same(options.origins[0]))
		make_absolute((const char **)&options.origins[0]);
	for (i = 0; i < ACCESS_OPTIONS; i++)
		if (i != ACCESS_PROXY)
			make_absolute((const char **)&options.access.value[i]);
}

/* Open the image, and check what vouches for it. */
static int open_image(struct store **store, struct incr_image **image,
		      struct origin_options *how, struct incr_error *error)
{
	int err = origin_load(how, &options.access, error);

	if (!err)
		err = store_open(store, options.image, options.origins,
				 options.origin_count, how,
				 options.origin_count, error);
	if (!err)
		err = store_image(*store, image, options.generation, error);
	if (!err && options.root_size)
		err = incr_image_trust(*image, options.root, options.root_size,
				       NULL, 0, error);
	if (!err && options.certificate)
		err = incr_image_check_certificates(*image, options.certificate,
						    error);
	if (!err)
		store_set_patience(*store, (unsigned int)options.read_timeout);
	return err;
}

static void ready(const char *name, u32 number)
{
	printf("/dev/%s%u\n", name, number);
	fflush(stdout);
	supervise_ready(strcmp(name, UBLK_NAME) ? NO_DEVICE : number);
}

static int serve_by(const struct server *server, u32 number, struct incr_error *error)
{
	int err;

	if (options.transport == NBD)
		return nbd_serve(server, error);
	err = ublk_serve(server, number, error);
	if (err != -ENODEV || options.transport == UBLK || number != NO_DEVICE)
		return err;
	message_info("%s; nbd is used in its place", error->text);
	return nbd_serve(server, error);
}

static void tell_rest(const char *text)
{
	message_warning("the rest is not fetched: %s", text);
}

/* In a process of its own. */
static int serve(u32 number)
{
	static atomic_bool stop;
	struct server server = { .stop = &stop, .ready = ready };
	struct origin_options how = {
		.timeout = ORIGIN_TIMEOUT_DEFAULT, .stop = &stop,
	};
	struct incr_image *image = NULL;
	struct store *store = NULL;
	struct rest *rest = NULL;
	struct incr_error error;
	int err;

	sigemptyset(&server.end);
	sigaddset(&server.end, SIGHUP);
	sigaddset(&server.end, SIGINT);
	sigaddset(&server.end, SIGTERM);
	/* Memory that a read takes must not wait for a read. */
	prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0);
	err = open_image(&store, &image, &how, &error);
	if (!err)
		err = jobs_start(&server.jobs, image, &error);
	if (!err) {
		server.size = incr_image_segment(image)->device_blocks <<
			      INC_BLOCK_SHIFT;
		if (options.prefetch)
			store_rest_start(&rest, store, &stop, tell_rest);
		err = serve_by(&server, number, &error);
	}
	if (err)
		message_error("%s", error.text);
	atomic_store(&stop, true);
	store_rest_end(rest);
	jobs_end(server.jobs);
	if (store && store_commit(store, &error))
		message_error("%s", error.text);
	incr_image_close(image);
	store_close(store);
	origin_forget(&how);
	return exitcode_of(err);
}

int main(int argc, char **argv)
{
	struct incr_error error;
	int status, err;

	message_init(PROGRAM, MESSAGE_INFO);
	/* What we are told is secret in part. */
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	parse(argc, argv);
	if (options.verbose)
		message_init(PROGRAM, MESSAGE_DEBUG);
	if (options.stop) {
		err = stop_device(options.stop, &error);
		if (err)
			message_error("%s", error.text);
		return exitcode_of(err);
	}
	make_all_absolute();
	err = options.daemon ? daemon_begin() : 0;
	if (err) {
		message_error("cannot start: %s", strerror(-err));
		return exitcode_of(err);
	}
	status = supervise(serve, options.recover, options.daemon);
	access_free(&options.access);
	while (options.origin_count)
		free_secret(options.origins[--options.origin_count]);
	return status;
}
