// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mkimage startup: a start-up list from traces.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "command.h"
#include "common/message.h"
#include "common/option.h"
#include "common/parse.h"
#include "common/printable.h"
#include "extend.h"
#include "io.h"
#include "lists/list.h"
#include "lists/load.h"
#include "mkimage.h"
#include "output.h"
#include "sign/signer.h"

const char startup_help[] =
"Usage: mkimage startup [OPTION]... IMAGE TRACE...\n"
"\n"
"Make a start-up list of traces (incrementalsetup record): the ranges of IMAGE\n"
"that what was read takes, in the order in which it was read first. Loaders fetch\n"
"them first if the list is beside the image, as IMAGE.startup, in the image, or\n"
"named to them.\n"
"\n"
"  -o, --output FILE  the list (default: IMAGE.startup)\n"
"  --in-place         put the list in IMAGE instead: append a layer that has it\n"
"  --layer LAYER      write that layer to the file LAYER instead\n"
"  --generation N     for that one, 0 being the first (the newest)\n"
"  --force            replace the list or LAYER\n"
"\n"
"To sign the layer, as \"mkimage sign\" does:\n"
SIGNER_HELP;

struct making {
	const char *image_path;
	char **traces;
	int trace_count;
	const char *list_path;
	const char *layer_path;
	bool in_place;
	u64 generation;
	bool force;
	struct signer_options signer_options;
};

/* Verifying takes what no trace tells of, so all has to be there. */
static int check_complete(struct incr_image *image, int fd, const char *path)
{
	struct incr_error error;
	u64 present;
	int ret = incr_local_present(image, fd, &present, &error);

	if (!ret && present != incr_image_size(image))
		ret = incr_fail(&error, -ENODATA,
				"it has %llu of its %llu bytes: a list can be made of a complete image only",
				(unsigned long long)present,
				(unsigned long long)incr_image_size(image));
	if (ret)
		message_error("%s: %s", path, error.text);
	return ret;
}

static int write_list(const struct making *making,
		      const struct incr_startup *list)
{
	struct output output = { .fd = -1 };
	char *text = incr_startup_format(list);
	int ret;

	if (!text)
		return no_memory();
	ret = output_open(&output, making->list_path, making->force);
	if (!ret)
		ret = output_check_source(&output, making->image_path);
	if (!ret)
		ret = output_check_sources(&output, making->traces,
					   making->trace_count);
	if (!ret)
		ret = write_all(output.fd, 0, text, strlen(text),
				making->list_path);
	if (!ret && fchmod(output.fd, 0644))
		ret = -errno;
	if (!ret)
		ret = output_commit(&output);
	output_close(&output);
	free(text);
	return ret;
}

static void say_made(const struct making *making,
		     const struct incr_startup *list, u64 metadata)
{
	char bytes[FORMAT_SIZE_MAX], first[FORMAT_SIZE_MAX];

	printf("%s: %zu ranges, %s (%s of them metadata)\n",
	       printable_name(making->list_path ? making->list_path :
			      making->image_path), list->count,
	       format_size(list->bytes, bytes), format_size(metadata, first));
}

/* Set @list, which incr_startup_free() frees, also after an error. */
static int make_list(const struct making *making, struct incr_image *image,
		     int fd, struct incr_startup *list)
{
	struct touches touches = { 0 };
	u32 generation = incr_image_segment(image)->generation;
	u64 metadata;
	int ret;

	ret = check_complete(image, fd, making->image_path);
	if (!ret)
		ret = touches_load_image(&touches, image, making->image_path,
					 making->traces, making->trace_count);
	if (!ret)
		ret = list_make(list, fd, making->image_path, generation,
				&touches, &metadata);
	if (!ret)
		ret = list_check(list, fd, making->image_path, &touches);
	if (!ret && making->list_path)
		ret = write_list(making, list);
	if (!ret)
		say_made(making, list, metadata);
	touches_free(&touches);
	return ret;
}

static int run(struct making *making)
{
	const struct output layer = { .path = making->layer_path };
	struct incr_startup list = { 0 };
	struct incr_image *image = NULL;
	struct incr_error error;
	int ret, fd, status;

	fd = open(making->image_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		message_error("%s: %s", making->image_path, strerror(errno));
		return EXIT_FAILED;
	}
	ret = incr_image_open_fd(&image, fd, making->image_path,
				 (u32)making->generation, &error);
	if (ret)
		message_error("%s", error.text);
	else
		ret = make_list(making, image, fd, &list);
	incr_image_close(image);
	close(fd);
	status = ret ? EXIT_FAILED : EXIT_OK;
	if (!ret && making->layer_path)
		status = output_check_sources(&layer, making->traces,
					      making->trace_count) ?
			 EXIT_FAILED : EXIT_OK;
	if (status == EXIT_OK && !making->list_path)
		status = extend_by_list(&list, making->image_path,
					making->layer_path, making->force,
					&making->signer_options);
	incr_startup_free(&list);
	return status;
}

static bool parse_option(struct making *making, int option)
{
	switch (option) {
	case 'o':
		making->list_path = optarg;
		return true;
	case 'i':
		making->in_place = true;
		return true;
	case 'l':
		making->layer_path = optarg;
		return true;
	case 'F':
		making->force = true;
		return true;
	case 'g':
		return option_number("startup", "--generation", optarg, 0,
				     INC_SEGMENTS_MAX - 1,
				     &making->generation);
	default:
		return signer_option("startup", option, optarg,
				     &making->signer_options);
	}
}

/* A list goes to one place. */
static bool options_fit(const struct making *making)
{
	bool layer = making->in_place || making->layer_path;

	if (!!making->list_path + making->in_place + !!making->layer_path > 1)
		message_error("startup: --output, --in-place and --layer exclude each other");
	else if (making->signer_options.key && !layer)
		message_error("startup: --key signs a layer: it needs --in-place or --layer");
	else
		return signer_options_only_sign("startup",
						&making->signer_options);
	return false;
}

int command_startup(int argc, char **argv)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "in-place", no_argument, NULL, 'i' },
		{ "layer", required_argument, NULL, 'l' },
		{ "generation", required_argument, NULL, 'g' },
		{ "force", no_argument, NULL, 'F' },
		SIGNER_OPTIONS,
		{ NULL, 0, NULL, 0 },
	};
	static const char *const operands[] = { "IMAGE", "TRACE" };
	struct making making = {
		.generation = INCR_NEWEST,
		.signer_options = SIGNER_NO_OPTIONS,
	};
	char *beside = NULL;
	int option, status;

	while ((option = option_next(argc, argv, "o:", options)) != -1)
		if (!parse_option(&making, option))
			return usage_error("startup");
	if (!options_fit(&making))
		return usage_error("startup");
	if (argc - optind < 2 && !operands_ok("startup", argc, argv, operands, 2))
		return EXIT_USAGE;
	making.image_path = argv[optind];
	making.traces = argv + optind + 1;
	making.trace_count = argc - optind - 1;
	if (!making.list_path && !making.in_place && !making.layer_path) {
		if (asprintf(&beside, "%s" INCR_STARTUP_SUFFIX,
			     making.image_path) < 0) {
			no_memory();
			return EXIT_FAILED;
		}
		making.list_path = beside;
	}
	status = run(&making);
	free(beside);
	return status;
}
