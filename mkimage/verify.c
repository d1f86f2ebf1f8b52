// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mkimage verify
 *
 * Two walks. One goes along the device, through each generation from the newest
 * on: it checks every map entry, every tree page needed and every block, except
 * those that a newer generation has in the same pages. The other goes along the
 * file: it checks every byte against the owner table, so that neither padding
 * nor pages without a reference can hide anything.
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
#include "io.h"
#include "libincremental/incremental.h"
#include "pipeline.h"
#include "progress.h"

#define STEP_BYTES	(1u << 20)
#define ERRORS_SHOWN	10

const char verify_help[] =
"Usage: mkimage verify [OPTION]... IMAGE\n"
"\n"
"Check everything in IMAGE: heads, directories, map, owner table, guard, tree,\n"
"every block, presence bitmap and padding.\n"
"\n"
"  --root-hash HEX    the newest generation must have this root hash; without\n"
"                     it damage is found, but not forgery\n"
"  --certificate PEM  the newest generation must have a signature that leads to\n"
"                     one of these certificates; then it is not forged, either\n"
"  --threads N        check with N threads (one for each processor)\n";

struct verify {
	const char *path;
	int fd;
	struct incr_image *image;
	struct incr_image *newer;	/* the next generation: checked */
	u64 threads;
	bool root_given;
	u8 root[INC_DIGEST_MAX];
	int root_size;
	struct incr_anchors *anchors;	/* NULL: any or no signature will do */
	struct incr_signer signer;

	u64 next;		/* block or offset */
	u64 end;
	bool by_device;
	struct progress progress;
	u64 errors;
	u64 absent;		/* blocks */
	char shown[ERRORS_SHOWN][512];
	u32 shown_count;
};

/* Blocks of the device or bytes of the file to be checked by one worker. */
struct step {
	u64 start;
	u64 count;
	u64 errors;
	u64 absent;
	u32 texts;
	struct incr_error text[ERRORS_SHOWN];
	u8 data[STEP_BYTES];
};

static void *step_new(void *context)
{
	(void)context;
	return malloc(sizeof(struct step));
}

static void step_free(void *item)
{
	free(item);
}

static void note(struct step *step, int code, const struct incr_error *error)
{
	if (code == -ENODATA) {
		step->absent++;
		return;
	}
	step->errors++;
	if (step->texts < ERRORS_SHOWN)
		step->text[step->texts++] = *error;
}

/* Errors in the order of the walk; one found by both walks counts once. */
static void show(struct verify *verify, const struct step *step)
{
	u32 i, j;

	verify->errors += step->errors;
	verify->absent += step->absent;
	for (i = 0; i < step->texts; i++) {
		const char *text = step->text[i].text;

		for (j = 0; j < verify->shown_count; j++)
			if (!strcmp(verify->shown[j], text))
				break;
		if (j < verify->shown_count) {
			verify->errors--;
			continue;
		}
		if (j == ERRORS_SHOWN)
			continue;
		strcpy(verify->shown[verify->shown_count++], text);
		message_error("%s: %s", verify->path, text);
	}
}

static int produce(void *context, void *item)
{
	struct verify *verify = context;
	struct step *step = item;
	u64 most = verify->by_device ? STEP_BYTES >> INC_BLOCK_SHIFT :
				       STEP_BYTES;
	u64 left = verify->end - verify->next;
	struct incr_error error;
	int ret = 0;
	u64 zeros;

	step->errors = step->absent = 0;
	step->texts = 0;
	/*
	 * Holes may be far larger than a step. They are good up to the first
	 * error; the step that starts there reports it.
	 */
	while (verify->by_device && left && !ret) {
		/* Most of an older generation has been checked by now. */
		zeros = verify->newer ? incr_image_shared(verify->image,
				verify->newer, verify->next, left) : 0;
		verify->next += zeros;
		left -= zeros;
		if (!left)
			break;
		ret = incr_image_zeros(verify->image, verify->next, left, &zeros,
				       &error);
		if (!zeros)
			break;
		verify->next += zeros;
		left -= zeros;
	}
	if (!left)
		return 0;
	step->start = verify->next;
	step->count = left < most ? left : most;
	verify->next += step->count;
	return 1;
}

static void check_device(struct verify *verify, struct step *step)
{
	struct incr_error error;
	u64 i;
	int ret;

	if (!incr_image_read(verify->image, step->start, step->count,
			     step->data, &error))
		return;
	/* There is an error: find the blocks that have one. */
	for (i = 0; i < step->count; i++) {
		ret = incr_image_read(verify->image, step->start + i, 1,
				      step->data, &error);
		if (ret)
			note(step, ret, &error);
	}
}

static void check_file(struct verify *verify, struct step *step)
{
	u64 chunk = 1ull << incr_image_segment(verify->image)->chunk_shift;
	struct incr_error error;
	u64 i;
	int ret;

	ret = read_bytes(verify->fd, step->start, step->data, step->count,
			 &error);
	if (ret) {
		note(step, ret, &error);
		return;
	}
	if (!incr_image_verify(verify->image, step->start, step->count,
			       step->data, &error))
		return;
	for (i = 0; i < step->count; i += chunk) {
		ret = incr_image_verify(verify->image, step->start + i, chunk,
					step->data + i, &error);
		if (ret)
			note(step, ret, &error);
	}
}

static int work(void *context, void *item)
{
	struct verify *verify = context;

	if (verify->by_device)
		check_device(verify, item);
	else
		check_file(verify, item);
	return 0;
}

static int consume(void *context, void *item)
{
	struct verify *verify = context;
	const struct step *step = item;
	u32 shift = verify->by_device ? INC_BLOCK_SHIFT : 0;

	show(verify, step);
	progress_show(&verify->progress, (step->start + step->count) << shift);
	return 0;
}

static int walk(struct verify *verify, bool by_device, u64 end)
{
	const struct pipeline pipeline = {
		.threads = (unsigned int)verify->threads,
		.context = verify,
		.item_new = step_new,
		.item_free = step_free,
		.produce = produce,
		.work = work,
		.consume = consume,
	};
	int ret;

	verify->by_device = by_device;
	verify->next = 0;
	verify->end = end;
	progress_start(&verify->progress,
		       by_device ? "checking blocks" : "checking the file",
		       by_device ? end << INC_BLOCK_SHIFT : end);
	ret = pipeline_run(&pipeline);
	progress_end(&verify->progress);
	return ret;
}

/* Report it at once: checking the rest takes long. */
static int check_signature(struct verify *verify, struct incr_error *error)
{
	int ret = incr_image_check_signature(verify->image, verify->anchors,
					     &verify->signer, error);

	if (!ret)
		ret = incr_image_prove_size(verify->image, error);
	/* Absent bytes are reported at the end. */
	return ret == -ENODATA ? 0 : ret;
}

static int check_generation(struct verify *verify, u32 generation,
			    bool *complete)
{
	const struct inc_segment *seg;
	struct incr_error error;
	u64 present;
	int ret;

	ret = incr_image_open_file(&verify->image, verify->path, generation,
				   &error);
	if (ret) {
		message_error("%s", error.text);
		return ret;
	}
	if (verify->root_given && generation == INCR_NEWEST)
		ret = incr_image_trust(verify->image, verify->root,
				       (size_t)verify->root_size, NULL, 0,
				       &error);
	if (!ret && verify->anchors && generation == INCR_NEWEST)
		ret = check_signature(verify, &error);
	if (!ret)
		ret = incr_local_present(verify->image, verify->fd, &present,
					 &error);
	if (ret) {
		message_error("%s: %s", verify->path, error.text);
		return ret;
	}
	seg = incr_image_segment(verify->image);
	*complete = present == incr_image_size(verify->image);
	return walk(verify, true, seg->device_blocks);
}

/* Bytes after the last segment are not part of the image. */
static void check_end(struct verify *verify)
{
	u64 size = incr_image_size(verify->image);
	struct stat st;

	if (fstat(verify->fd, &st) || !S_ISREG(st.st_mode) ||
	    (u64)st.st_size == size)
		return;
	message_error("%s: %llu bytes follow the image's end at offset %llu",
		      verify->path, (unsigned long long)st.st_size - size,
		      (unsigned long long)size);
	verify->errors++;
}

static int check_all(struct verify *verify)
{
	char present_text[FORMAT_SIZE_MAX], size_text[FORMAT_SIZE_MAX];
	u32 generation = INCR_NEWEST;
	bool complete = false;
	struct incr_error error;
	u64 present, size;
	int ret;

	for (;;) {
		ret = check_generation(verify, generation, &complete);
		if (ret)
			return ret;
		generation = incr_image_segment(verify->image)->generation;
		incr_image_close(verify->newer);
		verify->newer = NULL;
		if (!generation--)
			break;
		verify->newer = verify->image;
		verify->image = NULL;
	}
	size = incr_image_size(verify->image);
	check_end(verify);
	if (complete)
		return walk(verify, false, size);

	ret = incr_local_present(verify->image, verify->fd, &present, &error);
	if (!ret)
		message_error("%s: incomplete: its presence bitmap has %s of %s; %llu blocks could not be checked",
			      verify->path, format_size(present, present_text),
			      format_size(size, size_text),
			      (unsigned long long)verify->absent);
	return ret ? ret : -ENODATA;
}

static int run(struct verify *verify)
{
	char root[2 * INC_DIGEST_MAX + 1], size[FORMAT_SIZE_MAX];
	const struct inc_segment *seg;
	int ret;

	verify->fd = open(verify->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (verify->fd < 0) {
		message_error("%s: %s", verify->path, strerror(errno));
		return EXIT_FAILED;
	}
	ret = check_all(verify);
	close(verify->fd);
	if (!ret && !verify->errors) {
		seg = incr_image_segment_at(verify->image,
				incr_image_segments(verify->image) - 1);
		incr_hex_format(seg->root_digest, seg->digest_size, root);
		printf("%s: good: generation %u, device of %s, root hash %s\n",
		       printable_name(verify->path), seg->generation,
		       format_size(seg->device_blocks << INC_BLOCK_SHIFT,
				   size), root);
		if (verify->anchors)
			printf("signed by %s: %s with %s; certificate's SHA-256 %s\n",
			       verify->signer.subject,
			       verify->signer.algorithm, verify->signer.digest,
			       verify->signer.fingerprint);
	} else if (verify->errors) {
		message_error("%s: damaged: %llu error%s%s", verify->path,
			      (unsigned long long)verify->errors,
			      verify->errors == 1 ? "" : "s",
			      verify->errors > verify->shown_count ?
			      ", the first of which are shown" : "");
	}
	incr_image_close(verify->image);
	incr_image_close(verify->newer);
	return ret || verify->errors ? EXIT_FAILED : EXIT_OK;
}

static bool parse_option(struct verify *verify, const char **certificate,
			 int option)
{
	switch (option) {
	case 'r':
		verify->root_given = true;
		verify->root_size = incr_hex_parse(optarg, verify->root,
						   INC_DIGEST_MAX);
		if (verify->root_size > 0)
			return true;
		message_error("verify: --root-hash takes hexadecimal digits, not '%s'",
			      optarg);
		return false;
	case 'c':
		*certificate = optarg;
		return true;
	case 't':
		return option_number("verify", "--threads", optarg, 1,
				     PIPELINE_THREADS_MAX, &verify->threads);
	default:
		return false;
	}
}

int command_verify(int argc, char **argv)
{
	static const struct option options[] = {
		{ "root-hash", required_argument, NULL, 'r' },
		{ "certificate", required_argument, NULL, 'c' },
		{ "threads", required_argument, NULL, 't' },
		{ NULL, 0, NULL, 0 },
	};
	static const char *const operands[] = { "IMAGE" };
	struct verify verify = { .threads = pipeline_threads() };
	const char *certificate = NULL;
	struct incr_error error;
	int option, status;

	while ((option = option_next(argc, argv, "", options)) != -1)
		if (!parse_option(&verify, &certificate, option))
			return usage_error("verify");
	if (!operands_ok("verify", argc, argv, operands, 1))
		return EXIT_USAGE;
	verify.path = argv[optind];
	if (certificate &&
	    incr_anchors_load(&verify.anchors, certificate, &error)) {
		message_error("%s", error.text);
		return EXIT_FAILED;
	}
	status = run(&verify);
	incr_anchors_free(verify.anchors);
	return status;
}
