// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mkimage extend
 */
#include <fcntl.h>
#include <json-c/json.h>
#include <libgen.h>
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
#include "filesystems.h"
#include "fs/check.h"
#include "fs/filesystem.h"
#include "fs/rawdiff.h"
#include "fs/walk.h"
#include "json.h"
#include "lists/embed.h"
#include "mkimage.h"
#include "output.h"
#include "pipeline.h"
#include "segment/append.h"
#include "segment/layer.h"
#include "sign/signer.h"
#include "sources/sources.h"
#include "spool.h"

const char extend_help[] =
"Usage: mkimage extend [OPTION]... (--in-place | --output LAYER) IMAGE SOURCE\n"
"       mkimage extend [OPTION]... (--in-place | --output LAYER) --raw RAW IMAGE\n"
"       mkimage extend [OPTION]... (--in-place | --output LAYER) --startup LIST IMAGE\n"
"\n"
"Make the next generation of IMAGE: the files in SOURCE are added or replace\n"
"those of the same name, directories merge. SOURCE is a directory, an archive\n"
"(tar, cpio, zip, Debian package, compressed or not), an OCI image or a squashfs.\n"
"A layer holds the changes; IMAGE and LAYER one after the other are the extended\n"
"image.\n"
"\n"
"  --remove PATH     first remove PATH and all below it; may be given more than\n"
"                    once, and without SOURCE\n"
"  --raw RAW         the new generation is the raw filesystem image RAW\n"
"  --startup LIST    put the start-up list LIST of IMAGE (mkimage startup) in the\n"
"                    layer; also without SOURCE, if nothing else is to change\n"
"  --output LAYER    write the layer to the file LAYER\n"
"  --in-place        append it to IMAGE\n"
"  --dictionary      compress what is new with a dictionary of its own\n"
"  --no-references   do not compress what is new from what IMAGE holds\n"
"  --no-oci          take the layout of an OCI image for the files that it is of\n"
"  --max-size SIZE   bytes that the files of an archive may have (64G)\n"
"  --no-check        do not compare the result with SOURCE\n"
"  --level N         LZ4 HC compression level, 2 to 12 (9)\n"
"  --threads N       compress with N threads (one for each processor)\n"
"  --force           replace LAYER if it exists\n"
"  --json            print the summary as JSON\n"
"\n"
"To sign the root hash, as \"mkimage sign\" does:\n"
SIGNER_HELP
"\n"
"The same IMAGE, SOURCE, options and SOURCE_DATE_EPOCH make the same bytes,\n"
"whatever the number of threads.\n";

struct extend {
	const char *image_path;
	const char *layer_path;
	const char *raw_path;
	const char *list_path;
	const struct incr_startup *list;	/* instead of a file */
	bool in_place;
	bool force;
	bool json;
	bool references;
	bool dictionary;
	u8 dictionary_bytes[INC_DICTIONARY_MAX];
	u64 level;
	u64 threads;
	char **removed;
	const char *source_path;
	struct tree *source;
	struct sources_options sources_options;
	struct extend_plan plan;
	struct signer_options signer_options;

	struct signer *signer;
	int fd;				/* of the image; locked if in place */
	struct incr_image *image;
	struct overlay *overlay;
	struct inc_hash *hash;
	struct segment seg;
	struct output output;
	bool unchanged;
};

/* A copy of @path without needless slashes and "."; NULL: none is left. */
static char *normal_path(const char *path)
{
	char *copy = strdup(path), *rest = copy, *part;
	char *result = calloc(1, strlen(path) + 1);

	while (copy && result && (part = strsep(&rest, "/"))) {
		if (!*part || !strcmp(part, "."))
			continue;
		if (!strcmp(part, "..")) {
			*result = '\0';
			break;
		}
		if (*result)
			strcat(result, "/");
		strcat(result, part);
	}
	free(copy);
	if (result && *result)
		return result;
	free(result);
	return NULL;
}

static bool add_removed(struct extend *extend, const char *path)
{
	size_t count = extend->plan.removed_count;
	char *normal = normal_path(path);
	void *more;

	if (!normal) {
		message_error("extend: --remove takes a path inside the image, without \"..\", not '%s'",
			      path);
		return false;
	}
	more = realloc(extend->removed, (count + 1) * sizeof(char *));
	if (!more) {
		free(normal);
		no_memory();
		return false;
	}
	extend->removed = more;
	extend->removed[count] = normal;
	extend->plan.removed_count = count + 1;
	return true;
}

static int compare_paths(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

/* A path sorts directly before everything below it. */
static int compare_trees(const void *left, const void *right)
{
	const char *a = *(char *const *)left, *b = *(char *const *)right;

	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (*a == '/' ? 1 : (u8)*a) - (*b == '/' ? 1 : (u8)*b);
}

static bool is_below(const char *path, const char *above)
{
	size_t length = strlen(above);

	return !strncmp(path, above, length) &&
	       (!path[length] || path[length] == '/');
}

/* Sort the paths, and drop those that lie below another. */
static void sort_removed(struct extend *extend)
{
	size_t count = extend->plan.removed_count, kept = 0, i;

	if (count)
		qsort(extend->removed, count, sizeof(char *), compare_trees);
	for (i = 0; i < count; i++) {
		if (kept && is_below(extend->removed[i],
				     extend->removed[kept - 1]))
			free(extend->removed[i]);
		else
			extend->removed[kept++] = extend->removed[i];
	}
	if (kept)
		qsort(extend->removed, kept, sizeof(char *), compare_paths);
	extend->plan.removed_count = kept;
	extend->plan.removed = (const char *const *)extend->removed;
}

/* The directory for temporary files: that of the file being written. */
static char *directory_of(const char *path)
{
	char *copy = strdup(path), *dir = NULL;

	if (copy)
		dir = strdup(dirname(copy));
	free(copy);
	if (!dir)
		no_memory();
	return dir;
}

static int open_source(struct extend *extend)
{
	int ret;

	extend->sources_options.dir = extend->plan.dir;
	ret = sources_open(&extend->source, extend->source_path,
			   &extend->sources_options);
	extend->plan.source = extend->source;
	if (ret || extend->source)
		return ret;
	message_error("%s: neither a directory nor an archive that is known here; --raw takes a raw filesystem image",
		      extend->source_path);
	return -ENOTDIR;
}

static int look_at_source(struct extend *extend)
{
	struct extend_plan *plan = &extend->plan;
	struct walk walk;
	struct stat st;
	bool given;
	int ret;

	if (!extend->source_path)
		return walk_epoch(&plan->epoch, &given);
	ret = output_check_outside(extend->in_place ? extend->image_path :
				   extend->layer_path, plan->dir,
				   extend->source_path);
	if (!ret)
		ret = open_source(extend);
	if (!ret)
		ret = walk_tree(&walk, plan->source,
				extend->in_place && !fstat(extend->fd, &st) ?
				&st : NULL);
	if (ret)
		return ret;
	plan->epoch = walk.epoch;
	plan->source_paths = walk.paths;
	plan->source_bytes = walk.file_blocks << INC_BLOCK_SHIFT;
	return 0;
}

/* A signature covers one root hash, so the next generation has none. */
static void warn_unsigned(const struct extend *extend)
{
	const struct inc_segment *seg = incr_image_segment(extend->image);

	if (seg->signature_size && !extend->signer)
		message_warning("%s: generation %u is signed, and %u will not be: see --key, or \"%s sign\"",
				extend->image_path, seg->generation,
				seg->generation + 1, program_name());
}

static int open_image(struct extend *extend)
{
	struct incr_error error;
	u64 present;
	int ret;

	/* In place, use the locked file: its path may name another by now. */
	if (extend->fd < 0)
		extend->fd = open(extend->image_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (extend->fd < 0) {
		ret = -errno;
		message_error("%s: cannot open it: %s", extend->image_path,
			      strerror(-ret));
		return ret;
	}
	ret = incr_image_open_fd(&extend->image, extend->fd, extend->image_path,
				 INCR_NEWEST, &error);
	if (ret) {
		message_error("%s", error.text);
		return ret;
	}
	ret = incr_local_present(extend->image, extend->fd, &present, &error);
	if (ret) {
		message_error("%s: %s", extend->image_path, error.text);
		return ret;
	}
	if (present == incr_image_size(extend->image)) {
		warn_unsigned(extend);
		return 0;
	}
	message_error("%s: only %llu of its %llu bytes are present; extend the complete image",
		      extend->image_path, (unsigned long long)present,
		      (unsigned long long)incr_image_size(extend->image));
	return -ENODATA;
}

static int change_device(struct extend *extend)
{
	const struct extend_plan *plan = &extend->plan;
	struct check check = {
		.tree = plan->source,
		.epoch = plan->epoch,
		.paths = plan->source_paths,
		.extended = true,
	};
	const struct filesystem *fs;
	int ret;

	ret = overlay_open(&extend->overlay, extend->image,
			   extend->image_path, extend->plan.dir);
	if (ret)
		return ret;
	if (extend->raw_path)
		return rawdiff(extend->overlay, extend->raw_path);
	if (!plan->source && !plan->removed_count)
		return 0;
	ret = filesystem_find(filesystems, extend->overlay,
			      "; --raw takes the difference to any raw image",
			      &fs);
	if (!ret)
		ret = fs->extend(extend->overlay, plan);
	if (ret || !plan->source || !plan->check)
		return ret;
	return fs->check(extend->overlay, &check);
}

/* A new generation keeps the epoch, or gets a higher one. */
static int find_epoch(struct extend *extend)
{
	const struct inc_segment *base = incr_image_segment(extend->image);
	u64 *epoch = &extend->signer_options.epoch;

	if (*epoch == NO_EPOCH)
		*epoch = base->epoch;
	if (*epoch >= base->epoch)
		return 0;
	message_error("%s: generation %u has epoch %u: the next cannot have the lower --epoch %llu",
		      extend->image_path, base->generation, base->epoch,
		      (unsigned long long)*epoch);
	return -EINVAL;
}

/* The features of the filesystem stay, unless it is another filesystem. */
static int find_compat(struct extend *extend)
{
	u8 block[INC_BLOCK_SIZE];
	int ret;

	extend->seg.compat = incr_image_segment(extend->image)->compat &
			     INC_COMPAT_DEVICE;
	if (!extend->raw_path)
		return 0;
	ret = overlay_read(extend->overlay, 0, sizeof(block), block);
	if (!ret)
		extend->seg.compat = filesystem_compat(filesystems, block);
	return ret;
}

static int build(struct extend *extend)
{
	const struct inc_segment *base = incr_image_segment(extend->image);
	const struct layer_options options = {
		.dir = extend->plan.dir,
		.level = (int)extend->level,
		.threads = (unsigned int)extend->threads,
		.always = extend->list || extend->list_path,
		.references = extend->references,
		.dictionary = extend->dictionary ? extend->dictionary_bytes :
						   NULL,
	};
	int ret;

	extend->hash = incr_hash_new(base->hash_name, base->salt,
				     base->salt_size);
	if (!extend->hash)
		return no_memory();
	ret = layer_build(&extend->seg, extend->overlay, extend->hash,
			  &options);
	extend->unchanged = ret == 1;
	extend->seg.epoch = (u32)extend->signer_options.epoch;
	if (!ret && extend->list)
		ret = embed_list(&extend->seg, extend->image, extend->list,
				 "the start-up list");
	else if (!ret && extend->list_path)
		ret = embed_list_file(&extend->seg, extend->image,
				      extend->list_path);
	return ret ? ret : find_compat(extend);
}

static int sign(struct extend *extend)
{
	u8 start[INC_BLOCK_SIZE];
	int ret;

	if (!extend->signer)
		return 0;
	ret = overlay_read(extend->overlay, 0, sizeof(start), start);
	return ret ? ret : signer_sign_segment(extend->signer, &extend->seg,
					       extend->image_path, start);
}

static int write_in_place(struct extend *extend)
{
	u64 size = incr_image_size(extend->image);
	int fd = spool_open_file(extend->plan.dir);
	int ret = fd < 0 ? -EIO : 0;

	if (!ret)
		ret = segment_write(&extend->seg, fd, SPOOL_NAME);
	if (!ret)
		ret = append_segment(extend->fd, extend->image_path, size, fd,
				     extend->seg.size);
	if (fd >= 0)
		close(fd);
	return ret;
}

static int write_layer(struct extend *extend)
{
	struct output *output = &extend->output;
	int ret = segment_write(&extend->seg, output->fd, output->path);

	return ret ? ret : output_commit(output);
}

static void print_json(const struct extend *extend, const char *root)
{
	const struct segment *seg = &extend->seg;
	struct json_object *object = json_object_new_object();
	char uuid[INCR_UUID_TEXT_SIZE];

	incr_uuid_format(seg->uuid, uuid);
	json_name(object, "image", extend->image_path);
	if (extend->layer_path)
		json_name(object, "layer", extend->layer_path);
	json_number(object, "generation", seg->generation);
	json_number(object, "layer_bytes", seg->size);
	json_number(object, "image_bytes", seg->offset + seg->size);
	json_number(object, "device_bytes",
		    seg->device_blocks << INC_BLOCK_SHIFT);
	json_number(object, "head_bytes", seg->head_size);
	json_number(object, "data_bytes", spool_size(seg->data));
	json_number(object, "shared_clusters", seg->shared);
	json_number(object, "referring_clusters",
		    seg->clusters[INC_CODEC_LZ4_REFERENCES]);
	json_text(object, "root_hash", root);
	json_text(object, "uuid", uuid);
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY));
	json_object_put(object);
}

static void print_summary(const struct extend *extend)
{
	const struct segment *seg = &extend->seg;
	char root[2 * INC_SHA256_SIZE + 1];
	char size[FORMAT_SIZE_MAX], device[FORMAT_SIZE_MAX];

	incr_hex_format(seg->meta.root, INC_SHA256_SIZE, root);
	if (extend->json) {
		print_json(extend, root);
		return;
	}
	printf("%s: %s for generation %u, a device of %s\n",
	       printable_name(extend->in_place ? extend->image_path :
						 extend->layer_path),
	       format_size(seg->size, size), seg->generation,
	       format_size(seg->device_blocks << INC_BLOCK_SHIFT, device));
	printf("root hash: %s\n", root);
}

static int extend_image(struct extend *extend)
{
	int ret = 0;

	/* Signing may ask for a passphrase: ask before the long part. */
	if (extend->signer_options.key)
		ret = signer_open(&extend->signer, &extend->signer_options);
	if (ret)
		return ret;
	if (extend->in_place) {
		extend->fd = append_open(extend->image_path);
		ret = extend->fd < 0 ? extend->fd : 0;
		if (!ret && extend->raw_path)
			ret = output_check_in_place(extend->image_path,
						    extend->raw_path);
		if (!ret && extend->source_path)
			ret = output_check_in_place(extend->image_path,
						    extend->source_path);
	} else {
		ret = output_open(&extend->output, extend->layer_path,
				  extend->force);
		if (!ret)
			ret = output_check_source(&extend->output,
						  extend->image_path);
		if (!ret && extend->raw_path)
			ret = output_check_source(&extend->output,
						  extend->raw_path);
		if (!ret && extend->source_path)
			ret = output_check_source(&extend->output,
						  extend->source_path);
		if (!ret && extend->list_path)
			ret = output_check_source(&extend->output,
						  extend->list_path);
		if (!ret)
			ret = signer_check_output(&extend->signer_options,
						  &extend->output);
	}
	if (!ret)
		ret = look_at_source(extend);
	if (!ret)
		ret = open_image(extend);
	if (!ret)
		ret = find_epoch(extend);
	if (!ret && extend->in_place)
		ret = append_recover(extend->fd, extend->image_path,
				     incr_image_size(extend->image));
	if (!ret)
		ret = change_device(extend);
	if (!ret)
		ret = build(extend);
	if (!ret)
		ret = sign(extend);
	if (!ret)
		ret = extend->in_place ? write_in_place(extend) :
					 write_layer(extend);
	return ret;
}

static int run(struct extend *extend)
{
	char *dir = directory_of(extend->in_place ? extend->image_path :
						    extend->layer_path);
	int status = EXIT_FAILED;
	size_t i;

	extend->fd = extend->output.fd = -1;
	extend->plan.dir = dir;
	extend->plan.threads = (unsigned int)extend->threads;
	sort_removed(extend);
	if (dir && !extend_image(extend)) {
		print_summary(extend);
		status = EXIT_OK;
	} else if (extend->unchanged) {
		message_error("%s: nothing would change: there is no new generation",
			      extend->image_path);
	}
	segment_free(&extend->seg);
	signer_free(extend->signer);
	overlay_close(extend->overlay);
	sources_close(extend->source);
	incr_hash_free(extend->hash);
	incr_image_close(extend->image);
	output_close(&extend->output);
	if (extend->fd >= 0)
		close(extend->fd);
	for (i = 0; i < extend->plan.removed_count; i++)
		free(extend->removed[i]);
	free(extend->removed);
	free(dir);
	return status;
}

static bool parse_option(struct extend *extend, int option)
{
	switch (option) {
	case 'r':
		return add_removed(extend, optarg);
	case 'w':
		extend->raw_path = optarg;
		return true;
	case 'o':
		extend->layer_path = optarg;
		return true;
	case 's':
		extend->list_path = optarg;
		return true;
	case 'i':
		extend->in_place = true;
		return true;
	case 'l':
		return option_number("extend", "--level", optarg, 2, 12,
				     &extend->level);
	case 't':
		return option_number("extend", "--threads", optarg, 1,
				     PIPELINE_THREADS_MAX, &extend->threads);
	case 'R':
		extend->references = false;
		return true;
	case 'd':
		extend->dictionary = true;
		return true;
	case 'N':
		extend->sources_options.plain = true;
		return true;
	case 'm':
		return option_size("extend", "--max-size", optarg,
				   &extend->sources_options.most);
	case 'n':
		extend->plan.check = false;
		return true;
	case 'F':
		extend->force = true;
		return true;
	case 'j':
		extend->json = true;
		return true;
	default:
		return signer_option("extend", option, optarg,
				     &extend->signer_options);
	}
}

static bool options_fit(const struct extend *extend)
{
	if (extend->in_place == !!extend->layer_path)
		message_error("extend: one of --in-place and --output is needed, and not both");
	else if (extend->raw_path && extend->plan.removed_count)
		message_error("extend: --remove does not go with --raw");
	else
		return signer_options_only_sign("extend",
						&extend->signer_options);
	return false;
}

static void set_defaults(struct extend *extend)
{
	memset(extend, 0, sizeof(*extend));
	extend->level = 9;
	extend->sources_options.most = SOURCES_SIZE_MAX;
	extend->sources_options.filesystems = true;
	extend->plan.check = true;
	extend->references = true;
	extend->signer_options = (struct signer_options)SIGNER_NO_OPTIONS;
	extend->threads = pipeline_threads();
}

int extend_by_list(const struct incr_startup *list, const char *image_path,
		   const char *layer_path, bool force,
		   const struct signer_options *signer_options)
{
	static struct extend extend;

	set_defaults(&extend);
	extend.list = list;
	extend.image_path = image_path;
	extend.layer_path = layer_path;
	extend.in_place = !layer_path;
	extend.force = force;
	extend.signer_options = *signer_options;
	return run(&extend);
}

int command_extend(int argc, char **argv)
{
	static const struct option options[] = {
		{ "remove", required_argument, NULL, 'r' },
		{ "raw", required_argument, NULL, 'w' },
		{ "output", required_argument, NULL, 'o' },
		{ "startup", required_argument, NULL, 's' },
		{ "in-place", no_argument, NULL, 'i' },
		{ "dictionary", no_argument, NULL, 'd' },
		{ "no-references", no_argument, NULL, 'R' },
		{ "no-oci", no_argument, NULL, 'N' },
		{ "max-size", required_argument, NULL, 'm' },
		{ "no-check", no_argument, NULL, 'n' },
		{ "level", required_argument, NULL, 'l' },
		{ "threads", required_argument, NULL, 't' },
		{ "force", no_argument, NULL, 'F' },
		{ "json", no_argument, NULL, 'j' },
		SIGNER_OPTIONS,
		{ NULL, 0, NULL, 0 },
	};
	static const char *const operands[] = { "IMAGE", "SOURCE" };
	static struct extend extend;
	int option, count = 2;

	set_defaults(&extend);
	while ((option = option_next(argc, argv, "", options)) != -1)
		if (!parse_option(&extend, option))
			return usage_error("extend");
	if (!options_fit(&extend))
		return usage_error("extend");
	if (extend.raw_path ||
	    ((extend.plan.removed_count || extend.list_path) &&
	     argc - optind == 1))
		count = 1;
	if (!operands_ok("extend", argc, argv, operands, count))
		return EXIT_USAGE;
	extend.image_path = argv[optind];
	if (count == 2)
		extend.source_path = argv[optind + 1];
	return run(&extend);
}
