// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzz target: libincremental on a whole image in memory: open, look up, read,
 * plan, verify. If the trusted root digest is the true one, a read must return the
 * true bytes or an error.
 */
#include "fuzz/fuzz.h"

#define READ_MAX	256u	/* blocks in one read */
#define CHUNKS_MAX	24u	/* verified one by one */
#define VERIFY_MAX	(256u << 10)

struct test {
	const struct fuzz_seed *seed;
	struct edit_image bytes;
	struct incr_image *image;
	bool trusted;		/* the image has the true root and salt */
	bool true_head;		/* the head is the true one */
	u64 blocks;
	u8 *out;
};

static int read_bytes(void *context, u64 offset, size_t length, void *buffer,
		      struct incr_error *error)
{
	const struct edit_image *bytes = context;

	(void)error;
	MUST(offset <= bytes->size && length <= bytes->size - offset);
	edit_read(bytes, offset, length, buffer);
	return 0;
}

static void check_blocks(struct test *test, u64 block, u64 count)
{
	u64 offset = block << INC_BLOCK_SHIFT, length = count << INC_BLOCK_SHIFT;

	if (!test->trusted)
		return;
	/* A device of another size has another tree, so another root. */
	MUST(offset + length <= test->seed->raw_size);
	MUST(!memcmp(test->out, test->seed->raw + offset, length));
}

static void test_read(struct test *test, u64 block, u64 count)
{
	struct incr_error error;
	int ret;

	if (block >= test->blocks)
		return;
	if (count > test->blocks - block)
		count = test->blocks - block;
	ret = incr_image_read(test->image, block, count, test->out, &error);
	if (ret)
		fuzz_failed(ret, &error);
	else
		check_blocks(test, block, count);
}

static void test_reads(struct test *test)
{
	u64 block, step;

	/* All of a small device, otherwise both ends. */
	for (block = 0; block < test->blocks && block < 4 * READ_MAX;
	     block += READ_MAX)
		test_read(test, block, READ_MAX);
	for (step = 1; step && step <= test->blocks; step *= 3)
		test_read(test, test->blocks - step, step % READ_MAX);
}

static void test_map(struct test *test)
{
	struct inc_extent extent;
	struct incr_error error;
	u64 block = 0, next;
	u32 steps = 0;
	int ret;

	while (block < test->blocks && steps++ < 1024) {
		ret = incr_image_map(test->image, block, &extent, &next, &error);
		if (ret) {
			fuzz_failed(ret, &error);
			next = block + 1;
		}
		MUST(next > block && next <= test->blocks);
		block = next;
	}
	ret = incr_image_extent(test->image, test->blocks - 1, &extent, &error);
	if (ret)
		fuzz_failed(ret, &error);
}

static void test_zeros(struct test *test)
{
	u64 block = 0, zeros, max;
	struct incr_error error;
	u32 steps;
	int ret;

	for (steps = 0; block < test->blocks && steps < 64; steps++) {
		max = test->blocks - block < 4096 ? test->blocks - block : 4096;
		ret = incr_image_zeros(test->image, block, max, &zeros, &error);
		if (ret)
			fuzz_failed(ret, &error);
		MUST(zeros <= max);
		if (zeros && zeros <= READ_MAX) {
			memset(test->out, 0, zeros << INC_BLOCK_SHIFT);
			check_blocks(test, block, zeros);
		}
		block += zeros + 1;
	}
}

static void test_tree(struct test *test)
{
	const struct inc_segment *seg = incr_image_segment(test->image);
	struct incr_error error;
	u8 page[INC_PAGE_SIZE];
	u64 number;
	int ret;

	for (number = 0; number <= seg->tree.pages && number < 16; number++) {
		ret = incr_image_tree_page(test->image, number, page, &error);
		MUST(ret || number < seg->tree.pages);
		if (ret)
			fuzz_failed(ret, &error);
	}
}

static void test_digests(struct test *test)
{
	u64 count = test->blocks < 200 ? test->blocks : 200;
	struct incr_error error;
	int ret;

	ret = incr_image_digests(test->image, 0, count, test->out, &error);
	if (ret)
		fuzz_failed(ret, &error);
	ret = incr_image_digests(test->image, test->blocks - count, count,
				 test->out, &error);
	if (ret)
		fuzz_failed(ret, &error);
}

static void test_plan(struct test *test, u64 block, u64 count)
{
	struct incr_range *ranges;
	struct incr_error error;
	size_t ranges_count, i;
	u64 chunk, end = 0;
	int ret;

	if (block > test->blocks || count > test->blocks - block)
		return;
	ret = incr_image_plan(test->image, block, count, &ranges, &ranges_count,
			      &error);
	if (ret) {
		fuzz_failed(ret, &error);
		return;
	}
	chunk = 1ull << incr_image_segment(test->image)->chunk_shift;
	for (i = 0; i < ranges_count; i++) {
		MUST(ranges[i].length);
		MUST(!((ranges[i].offset | ranges[i].length) & (chunk - 1)));
		MUST(!i || ranges[i].offset > end);
		end = ranges[i].offset + ranges[i].length;
		MUST(end <= incr_image_size(test->image));
	}
	free(ranges);
}

/*
 * The head alone vouches for every byte but the data. (Other bytes of an extent
 * may expand to the same blocks.)
 */
static void check_metadata(struct test *test, u64 offset, u64 length,
			   const u8 *data)
{
	u64 end = test->seed->seg.data_offset;

	if (length > end - offset)
		length = end - offset;
	MUST(!memcmp(data, test->seed->bytes + offset, length));
}

/* The bytes that arrive are the file's own, or, with @other, the seed's. */
static void test_verify(struct test *test, u64 offset, u64 length, bool other)
{
	u64 start = offset, widened = length;
	struct incr_error error;
	u8 *data;
	int ret;

	ret = incr_image_widen(test->image, &start, &widened, &error);
	if (ret) {
		fuzz_failed(ret, &error);
	} else {
		MUST(start <= offset && start + widened >= offset + length);
		MUST(start + widened <= incr_image_size(test->image));
	}
	data = malloc(length);	/* of its own, so that overruns are seen */
	MUST(data);
	edit_read(&test->bytes, offset, length, data);
	if (other && offset < test->seed->size)
		memcpy(data, test->seed->bytes + offset,
		       length < test->seed->size - offset ? length :
		       test->seed->size - offset);
	ret = incr_image_verify(test->image, offset, length, data, &error);
	if (ret)
		fuzz_failed(ret, &error);
	else if (test->true_head && offset < test->seed->seg.data_offset)
		check_metadata(test, offset, length, data);
	free(data);
}

static void test_file(struct test *test)
{
	u64 chunk = 1ull << incr_image_segment(test->image)->chunk_shift;
	u64 size = incr_image_size(test->image), offset, length;
	u32 i;

	for (i = 0; i < CHUNKS_MAX; i++) {
		offset = i * chunk;
		if (i >= CHUNKS_MAX / 2)	/* from the end */
			offset = size - (i - CHUNKS_MAX / 2 + 1) * chunk;
		if (offset >= size)
			continue;
		test_verify(test, offset, chunk, false);
		incr_image_area(test->image, offset);
	}
	length = size < VERIFY_MAX ? size : VERIFY_MAX;
	test_verify(test, 0, length, false);
	test_verify(test, size - length, length, true);
}

static void test_image(struct test *test)
{
	const struct inc_segment *seg = incr_image_segment(test->image);
	const struct fuzz_seed *seed = test->seed;
	u32 segments = incr_image_segments(test->image);
	struct incr_error error;

	MUST(segments && seg->generation < segments);
	MUST(seg == incr_image_segment_at(test->image, seg->generation));
	MUST(incr_image_size(test->image) <= test->bytes.size);
	test->blocks = seg->device_blocks;
	test->trusted = !incr_image_trust(test->image, seed->seg.root_digest,
					  seed->seg.digest_size,
					  seed->seg.salt, seed->seg.salt_size,
					  &error);
	/* The size of a device is in the trusted table, too. */
	if (test->blocks != seed->seg.device_blocks)
		test->trusted = false;
	test->true_head = segments == 1 && !seed->seg.generation &&
		!memcmp(test->bytes.bytes, seed->bytes, seed->seg.head_size);
	test_map(test);
	test_reads(test);
	test_zeros(test);
	test_tree(test);
	test_digests(test);
	test_plan(test, 0, test->blocks < 2048 ? test->blocks : 2048);
	test_plan(test, test->blocks / 2, 1);
	test_file(test);
	test_reads(test);	/* with what the cache has now */
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static u8 *out;
	struct test test = { .out = out };
	struct incr_error error;
	struct incr_io io = { read_bytes, &test.bytes };
	int ret;

	if (!out)
		test.out = out = malloc(READ_MAX << INC_BLOCK_SHIFT);
	MUST(out);
	test.seed = fuzz_image(data, size, &test.bytes);
	ret = incr_image_open(&test.image, &io, test.bytes.size,
			      edit_generation(&test.bytes), &error);
	if (ret) {
		fuzz_failed(ret, &error);
		return 0;
	}
	test_image(&test);
	incr_image_close(test.image);
	return 0;
}
