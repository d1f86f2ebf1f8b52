// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mkimage create, and mkimage squash
 */
#include <stdlib.h>
#include "build.h"
#include "command.h"
#include "common/message.h"
#include "common/option.h"
#include "common/parse.h"
#include "filesystems.h"
#include "mkimage.h"
#include "pipeline.h"

/* With --order: log2 of the bytes of the largest cluster that is not in it. */
#define REST_SHIFT	15u
/*
 * LZ4 HC levels that --level replaces. With a dictionary the levels above 6 gain 0.2 % of
 * an image's size at most, and cost a quarter more time: see docs/benchmarks.md.
 */
#define LEVEL			9u
#define LEVEL_DICTIONARY	6u

const char create_help[] =
"Usage: mkimage create [OPTION]... SOURCE IMAGE\n"
"\n"
"Make IMAGE of SOURCE: a directory, an archive (tar, cpio, zip, Debian package,\n"
"compressed or not), an OCI image or a raw filesystem image (a file or a block\n"
"device of a multiple of 4096 bytes). Of an archive nothing is unpacked, and\n"
"owners, devices and attributes are kept without root.\n"
"\n"
"  --fs erofs|ext4   filesystem that files are put in (erofs); with it a squashfs\n"
"                    is taken for its files\n"
"  --fs-compression lz4hc[,SIZE]  the filesystem compresses, into clusters of up\n"
"                    to SIZE bytes, 4K to 64K (4K); for erofs\n"
"  --raw             take a file or device that holds no filesystem known here\n"
"  --no-oci          take the layout of an OCI image for the files that it is of\n"
"  --max-size SIZE   bytes that the files of an archive may have (64G)\n"
"  --no-check        do not compare the filesystem made with the files\n"
"  --cluster SIZE    bytes compressed together, 4K to 256K (4K)\n"
"  --level N         LZ4 HC compression level, 2 to 12 (9; 6 with a dictionary)\n"
"  --dictionary      compress with a dictionary made of samples of SOURCE\n"
"  --references      compress what is like something else in SOURCE from that\n"
"  --order TRACE     put first in IMAGE what this trace read (incrementalsetup\n"
"                    record), in its order; it may be given several times\n"
"  --rest-cluster SIZE  as --cluster, for what is not in the order (32K)\n"
"  --salt HEX|-      salt of the hash tree, - for none (made from SOURCE)\n"
"  --chunk SIZE      unit of presence in the file, 4K to 64K (4K)\n"
"  --threads N       compress with N threads (one for each processor)\n"
"  --force           replace IMAGE if it exists\n"
"  --json            print the summary as JSON\n"
"\n"
"To sign the root hash, as \"mkimage sign\" does:\n"
SIGNER_HELP
"\n"
"The same SOURCE, options and SOURCE_DATE_EPOCH make the same bytes, whatever\n"
"the number of threads.\n";

const char squash_help[] =
"Usage: mkimage squash [OPTION]... IMAGE OUT\n"
"\n"
"Make OUT of the newest generation of IMAGE: an image of its own, of one segment,\n"
"with the same root hash.\n"
"\n"
"  --level N         LZ4 HC compression level, 2 to 12 (9; 6 with a dictionary)\n"
"  --dictionary      compress with a dictionary, whether IMAGE has one or not\n"
"  --references      compress what is like something else in OUT from that\n"
"  --order TRACE     put first in OUT what this trace read (incrementalsetup\n"
"                    record), in its order; it may be given several times\n"
"  --cluster SIZE    bytes of the order compressed together, 4K to 256K (4K)\n"
"  --rest-cluster SIZE  the same for all others (32K)\n"
"  --threads N       work with N threads (one for each processor)\n"
"  --force           replace OUT if it exists\n"
"  --json            print the summary as JSON\n"
"\n"
"A signature in IMAGE is not taken along. To sign OUT, as \"mkimage sign\" does:\n"
SIGNER_HELP;

static bool parse_salt(struct create *create, const char *text)
{
	int size = 0;

	if (strcmp(text, "-"))
		size = incr_hex_parse(text, create->salt, INC_SALT_MAX);
	if (size < 0 || !*text) {
		message_error("create: --salt takes up to %u bytes as hexadecimal digits, or - for none, not '%s'",
			      INC_SALT_MAX, text);
		return false;
	}
	create->salt_given = true;
	create->salt_size = (u32)size;
	return true;
}

static bool parse_fs(struct create *create, const char *text)
{
	create->source_options.fs = filesystem_named(filesystems, text);
	if (create->source_options.fs)
		return true;
	message_error("create: --fs takes erofs or ext4, not '%s'", text);
	return false;
}

/* "lz4hc" or "lz4hc,SIZE" */
static bool parse_fs_compression(struct create *create, const char *text)
{
	static const char name[] = "lz4hc";
	u32 shift = INC_BLOCK_SHIFT;

	if (strncmp(text, name, sizeof(name) - 1) ||
	    (text[sizeof(name) - 1] && text[sizeof(name) - 1] != ',')) {
		message_error("create: --fs-compression takes lz4hc or lz4hc,SIZE, not '%s'",
			      text);
		return false;
	}
	if (text[sizeof(name) - 1] &&
	    !option_size_shift(create->command, "--fs-compression",
			       text + sizeof(name), INC_BLOCK_SHIFT, 16, &shift))
		return false;
	create->source_options.build.compression = 1u << (shift - INC_BLOCK_SHIFT);
	return true;
}

static bool parse_cluster(struct create *create, const char *option, u32 *shift)
{
	if (!option_size_shift(create->command, option, optarg, INC_BLOCK_SHIFT,
			       INC_BLOCK_SHIFT + INC_CLUSTER_SHIFT_MAX, shift))
		return false;
	*shift -= INC_BLOCK_SHIFT;
	return true;
}

static bool check_fs_compression(const struct create *create)
{
	const struct source_options *options = &create->source_options;

	if (!options->build.compression ||
	    (options->fs->compresses && !options->raw))
		return true;
	message_error("create: --fs-compression goes with %s",
		      options->raw ? "files, not with --raw" :
				     "--fs erofs only");
	return false;
}

/* Options that mean nothing without others. */
static bool check_order(struct create *create)
{
	if (!create->trace_count && create->rest_given) {
		message_error("%s: --rest-cluster is of use with --order only",
			      create->command);
		return false;
	}
	if (!create->trace_count && create->squash && create->cluster_given) {
		message_error("%s: --cluster is of use with --order only",
			      create->command);
		return false;
	}
	if (!create->rest_given)
		create->rest_shift = REST_SHIFT - INC_BLOCK_SHIFT;
	if (create->rest_shift >= create->cluster_shift)
		return true;
	if (create->rest_given) {
		message_error("%s: --rest-cluster must not be less than --cluster",
			      create->command);
		return false;
	}
	create->rest_shift = create->cluster_shift;
	return true;
}

static bool parse_option(struct create *create, int option)
{
	switch (option) {
	case 'f':
		create->sources_options.filesystems = true;
		return parse_fs(create, optarg);
	case 'C':
		return parse_fs_compression(create, optarg);
	case 's':
		return parse_salt(create, optarg);
	case 'c':
		create->cluster_given = true;
		return parse_cluster(create, "--cluster",
				     &create->cluster_shift);
	case 'R':
		create->rest_given = true;
		return parse_cluster(create, "--rest-cluster",
				     &create->rest_shift);
	case 'O':
		create->traces[create->trace_count++] = optarg;
		return true;
	case 'k':
		return option_size_shift("create", "--chunk", optarg,
					 INC_CHUNK_SHIFT_MIN,
					 INC_CHUNK_SHIFT_MAX,
					 &create->chunk_shift);
	case 'l':
		return option_number(create->command, "--level", optarg, 2, 12,
				     &create->level);
	case 't':
		return option_number(create->command, "--threads", optarg, 1,
				     PIPELINE_THREADS_MAX, &create->threads);
	case 'd':
		create->dictionary = true;
		return true;
	case 'N':
		create->sources_options.plain = true;
		return true;
	case 'm':
		return option_size(create->command, "--max-size", optarg,
				   &create->sources_options.most);
	case 'e':
		create->references = true;
		return true;
	case 'r':
		create->source_options.raw = true;
		return true;
	case 'n':
		create->source_options.check = false;
		return true;
	case 'F':
		create->force = true;
		return true;
	case 'j':
		create->json = true;
		return true;
	default:
		return signer_option(create->command, option, optarg,
				     &create->signer_options);
	}
}

static int run_command(const char *name, int argc, char **argv,
		       const struct option *options,
		       const char *const *operands, bool squash)
{
	static struct create create;
	int option;

	memset(&create, 0, sizeof(create));
	create.command = name;
	create.squash = squash;
	create.source_options.known = filesystems;
	create.source_options.fs = &filesystems[0];
	create.source_options.check = true;
	create.sources_options.most = SOURCES_SIZE_MAX;
	create.chunk_shift = INC_CHUNK_SHIFT_MIN;
	create.signer_options = (struct signer_options)SIGNER_NO_OPTIONS;
	create.threads = pipeline_threads();
	/* No more traces than arguments. */
	create.traces = calloc((size_t)argc, sizeof(*create.traces));
	if (!create.traces) {
		no_memory();
		return EXIT_FAILED;
	}
	while ((option = option_next(argc, argv, "", options)) != -1)
		if (!parse_option(&create, option))
			return usage_error(name);
	if (!operands_ok(name, argc, argv, operands, 2))
		return EXIT_USAGE;
	if (!signer_options_only_sign(name, &create.signer_options) ||
	    !check_order(&create) || !check_fs_compression(&create))
		return usage_error(name);
	if (!create.level)
		create.level = create.dictionary ? LEVEL_DICTIONARY : LEVEL;
	create.source_path = argv[optind];
	create.image_path = argv[optind + 1];
	return build_run(&create);
}

int command_create(int argc, char **argv)
{
	static const struct option options[] = {
		{ "fs", required_argument, NULL, 'f' },
		{ "fs-compression", required_argument, NULL, 'C' },
		{ "raw", no_argument, NULL, 'r' },
		{ "no-oci", no_argument, NULL, 'N' },
		{ "max-size", required_argument, NULL, 'm' },
		{ "no-check", no_argument, NULL, 'n' },
		{ "salt", required_argument, NULL, 's' },
		{ "cluster", required_argument, NULL, 'c' },
		{ "order", required_argument, NULL, 'O' },
		{ "rest-cluster", required_argument, NULL, 'R' },
		{ "chunk", required_argument, NULL, 'k' },
		{ "level", required_argument, NULL, 'l' },
		{ "threads", required_argument, NULL, 't' },
		{ "dictionary", no_argument, NULL, 'd' },
		{ "references", no_argument, NULL, 'e' },
		{ "force", no_argument, NULL, 'F' },
		{ "json", no_argument, NULL, 'j' },
		SIGNER_OPTIONS,
		{ NULL, 0, NULL, 0 },
	};
	static const char *const operands[] = { "SOURCE", "IMAGE" };

	return run_command("create", argc, argv, options, operands, false);
}

int command_squash(int argc, char **argv)
{
	static const struct option options[] = {
		{ "level", required_argument, NULL, 'l' },
		{ "dictionary", no_argument, NULL, 'd' },
		{ "references", no_argument, NULL, 'e' },
		{ "order", required_argument, NULL, 'O' },
		{ "cluster", required_argument, NULL, 'c' },
		{ "rest-cluster", required_argument, NULL, 'R' },
		{ "threads", required_argument, NULL, 't' },
		{ "force", no_argument, NULL, 'F' },
		{ "json", no_argument, NULL, 'j' },
		SIGNER_OPTIONS,
		{ NULL, 0, NULL, 0 },
	};
	static const char *const operands[] = { "IMAGE", "OUT" };

	return run_command("squash", argc, argv, options, operands, true);
}
