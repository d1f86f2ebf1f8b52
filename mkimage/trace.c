// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mkimage trace: show traces, name their files, make one of several.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "command.h"
#include "common/message.h"
#include "common/option.h"
#include "common/parse.h"
#include "common/printable.h"
#include "json.h"
#include "lists/files.h"
#include "lists/svg.h"
#include "mkimage.h"
#include "output.h"

const char trace_help[] =
"Usage: mkimage trace [OPTION]... TRACE...\n"
"\n"
"Show which blocks of a device were read (incrementalsetup record). Several traces\n"
"of one generation become one, by the time since each began.\n"
"\n"
"  --image IMAGE      name the files that were read, which are in IMAGE: that of\n"
"                     which the device was\n"
"  -o, --output FILE  write a trace instead\n"
"  --json             print JSON\n"
"  --svg              print a picture\n"
"  --force            replace FILE\n";

struct showing {
	char **traces;
	int trace_count;
	const char *image_path;
	const char *output_path;
	bool json;
	bool svg;
	bool force;
};

static int by_time(const void *left, const void *right)
{
	const struct incr_trace_read *a = left, *b = right;

	if (a->time != b->time)
		return a->time < b->time ? -1 : 1;
	return a->block < b->block ? -1 : a->block > b->block;
}

/* The reads of @more, which is empty then, come to @trace. */
static int join(struct incr_trace *trace, struct incr_trace *more,
		const char *path)
{
	struct incr_trace_read *reads;
	size_t count = trace->count + more->count;

	if (memcmp(&trace->of, &more->of, sizeof(trace->of)) ||
	    trace->blocks != more->blocks) {
		message_error("%s: it is of another generation than the traces before it, so they do not become one",
			      path);
		return -EINVAL;
	}
	reads = realloc(trace->reads, (count + 1) * sizeof(*reads));
	if (!reads)
		return no_memory();
	if (more->count)
		memcpy(reads + trace->count, more->reads,
		       more->count * sizeof(*reads));
	trace->reads = reads;
	trace->count = count;
	more->count = 0;
	return 0;
}

static int load(struct incr_trace *trace, const struct showing *showing)
{
	int ret = trace_load(trace, showing->traces[0]), i;

	for (i = 1; !ret && i < showing->trace_count; i++) {
		struct incr_trace more;

		ret = trace_load(&more, showing->traces[i]);
		if (ret)
			break;
		ret = join(trace, &more, showing->traces[i]);
		incr_trace_free(&more);
	}
	if (!ret && showing->trace_count > 1 && trace->count)
		qsort(trace->reads, trace->count, sizeof(*trace->reads),
		      by_time);
	return ret;
}

static int name_files(struct incr_trace *trace, const char *path,
		      const char *trace_path)
{
	struct places places = { 0 };
	struct incr_image *image;
	struct incr_error error;
	struct traced traced;
	int ret;

	ret = incr_image_open_file(&image, path, trace->of.generation, &error);
	if (ret) {
		message_error("%s", error.text);
		return ret;
	}
	traced = traced_of(image, path);
	if (!trace_is_of(trace, &traced, &error)) {
		message_error("%s: not a trace of %s: %s", trace_path, path,
			      error.text);
		ret = -EINVAL;
	}
	if (!ret)
		ret = places_load_image(&places, image, path);
	if (!ret)
		ret = trace_name_files(trace, &places);
	places_free(&places);
	incr_image_close(image);
	return ret;
}

static int write_trace(const struct showing *showing,
		       const struct incr_trace *trace)
{
	struct output output = { .fd = -1 };
	FILE *file = NULL;
	int ret = output_open(&output, showing->output_path, showing->force);
	size_t i;
	bool good;

	if (!ret)
		ret = output_check_sources(&output, showing->traces,
					   showing->trace_count);
	if (!ret && showing->image_path)
		ret = output_check_source(&output, showing->image_path);
	if (!ret)
		file = fdopen(dup(output.fd), "w");
	good = file && incr_trace_begin(file, &trace->of, trace->blocks);
	for (i = 0; good && i < trace->count; i++)
		good = incr_trace_write(file, &trace->reads[i]);
	if (!ret && (!good || fflush(file) || fchmod(output.fd, 0644))) {
		ret = errno ? -errno : -EIO;
		message_error("%s: %s", showing->output_path, strerror(-ret));
	}
	if (file)
		fclose(file);
	if (!ret)
		ret = output_commit(&output);
	output_close(&output);
	return ret;
}

static u64 bytes_of(const struct incr_trace *trace)
{
	u64 blocks = 0;
	size_t i;

	for (i = 0; i < trace->count; i++)
		blocks += trace->reads[i].count;
	return blocks << INC_BLOCK_SHIFT;
}

static void print_text(const struct incr_trace *trace)
{
	char bytes[FORMAT_SIZE_MAX], device[FORMAT_SIZE_MAX];
	size_t i;

	printf("%zu reads, %s, of generation %u, %s\n", trace->count,
	       format_size(bytes_of(trace), bytes), trace->of.generation,
	       format_size(trace->blocks << INC_BLOCK_SHIFT, device));
	printf("%12s %10s %6s %8s %-15s %s\n", "seconds", "block", "blocks",
	       "process", "command", "at, file");
	for (i = 0; i < trace->count; i++) {
		const struct incr_trace_read *read = &trace->reads[i];

		printf("%5llu.%06llu %10llu %6llu %8u %-15s",
		       (unsigned long long)(read->time / 1000000),
		       (unsigned long long)(read->time % 1000000),
		       (unsigned long long)read->block,
		       (unsigned long long)read->count, read->pid,
		       printable_name(read->comm));
		if (read->path && read->at == INCR_TRACE_INODE)
			printf(" inode %s", printable_name(read->path));
		else if (read->path)
			printf(" %llu %s", (unsigned long long)read->at,
			       printable_name(read->path));
		putchar('\n');
	}
}

static struct json_object *read_object(const struct incr_trace_read *read)
{
	struct json_object *object = json_object_new_object();
	char seconds[48];

	snprintf(seconds, sizeof(seconds), "%llu.%06llu",
		 (unsigned long long)(read->time / 1000000),
		 (unsigned long long)(read->time % 1000000));
	json_object_object_add(object, "seconds",
			       json_object_new_double_s((double)read->time / 1e6,
							seconds));
	json_number(object, "block", read->block);
	json_number(object, "blocks", read->count);
	json_number(object, "process", read->pid);
	json_name(object, "command", read->comm);
	if (!read->path)
		return object;
	json_name(object, "file", read->path);
	if (read->at == INCR_TRACE_INODE)
		json_object_object_add(object, "inode",
				       json_object_new_boolean(1));
	else
		json_number(object, "at", read->at);
	return object;
}

static void print_json(const struct incr_trace *trace)
{
	char uuid[INCR_UUID_TEXT_SIZE], root[2 * INC_DIGEST_MAX + 1];
	struct json_object *object = json_object_new_object();
	struct json_object *reads = json_object_new_array();
	size_t i;

	incr_uuid_format(trace->of.uuid, uuid);
	incr_hex_format(trace->of.root, trace->of.root_size, root);
	json_text(object, "uuid", uuid);
	json_number(object, "generation", trace->of.generation);
	json_text(object, "root_hash", root);
	json_number(object, "device_bytes", trace->blocks << INC_BLOCK_SHIFT);
	json_number(object, "bytes", bytes_of(trace));
	for (i = 0; i < trace->count; i++)
		json_object_array_add(reads, read_object(&trace->reads[i]));
	json_object_object_add(object, "reads", reads);
	puts(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
					    JSON_C_TO_STRING_SPACED |
					    JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
}

static int show(const struct showing *showing)
{
	struct incr_trace trace = { 0 };
	int ret = load(&trace, showing);

	if (!ret && showing->image_path)
		ret = name_files(&trace, showing->image_path,
				 showing->traces[0]);
	if (!ret && showing->output_path)
		ret = write_trace(showing, &trace);
	else if (!ret && showing->svg)
		trace_print_svg(&trace, showing->traces[0]);
	else if (!ret && showing->json)
		print_json(&trace);
	else if (!ret)
		print_text(&trace);
	incr_trace_free(&trace);
	return ret ? EXIT_FAILED : EXIT_OK;
}

int command_trace(int argc, char **argv)
{
	static const struct option options[] = {
		{ "image", required_argument, NULL, 'i' },
		{ "output", required_argument, NULL, 'o' },
		{ "json", no_argument, NULL, 'j' },
		{ "svg", no_argument, NULL, 's' },
		{ "force", no_argument, NULL, 'F' },
		{ NULL, 0, NULL, 0 },
	};
	static const char *const operands[] = { "TRACE" };
	struct showing showing = { .json = false };
	int option;

	while ((option = option_next(argc, argv, "o:", options)) != -1) {
		if (option == 'i')
			showing.image_path = optarg;
		else if (option == 'o')
			showing.output_path = optarg;
		else if (option == 'j')
			showing.json = true;
		else if (option == 's')
			showing.svg = true;
		else if (option == 'F')
			showing.force = true;
		else
			return usage_error("trace");
	}
	if (showing.json + showing.svg + !!showing.output_path > 1) {
		message_error("trace: --json, --svg and --output exclude each other");
		return usage_error("trace");
	}
	if (argc - optind < 1 && !operands_ok("trace", argc, argv, operands, 1))
		return EXIT_USAGE;
	showing.traces = argv + optind;
	showing.trace_count = argc - optind;
	return show(&showing);
}
