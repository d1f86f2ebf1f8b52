// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Traces: what is written is read again, faults are named with their line, and the
 * kernel's lines of events are understood, whatever a process is called.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include "libincremental/trace.h"
#include "record/event.c"

#define HEADER								\
	"dm-incremental trace 1\n"					\
	"uuid 000102030405060708090a0b0c0d0e0f\n"			\
	"generation 1\n"						\
	"root aabbccdd\n"						\
	"blocks 100\n"

static void test_round(void **data)
{
	static const struct incr_trace_read reads[] = {
		{ .time = 0, .block = 0, .count = 1, .pid = 1, .comm = "mount" },
		{ .time = 1000001, .block = 99, .count = 1, .pid = 4194304,
		  .comm = "a b%\n\t\x7f", .path = "/", .at = INCR_TRACE_INODE },
		{ .time = 7654321, .block = 10, .count = 32, .pid = 77,
		  .comm = "", .path = "/usr/l\xc3\xa4nger 100%/x", .at = 1234567 },
	};
	struct incr_identity of = {
		.generation = 1, .root = { 0xaa, 0xbb, 0xcc, 0xdd },
		.root_size = 4,
	};
	struct incr_trace trace;
	struct incr_error error;
	char *text = NULL;
	size_t size, i;
	FILE *file = open_memstream(&text, &size);

	(void)data;
	assert_non_null(file);
	for (i = 0; i < sizeof(of.uuid); i++)
		of.uuid[i] = (u8)i;
	assert_true(incr_trace_begin(file, &of, 100));
	for (i = 0; i < 3; i++)
		assert_true(incr_trace_write(file, &reads[i]));
	fclose(file);
	assert_string_equal(text, HEADER "0.000000 0 1 1 mount\n"
			    "1.000001 99 1 4194304 a%20b%25%0a%09%7f inode /\n"
			    "7.654321 10 32 77 - 1234567 /usr/l\xc3\xa4nger%20100%25/x\n");
	assert_int_equal(incr_trace_parse(&trace, text, size, &error), 0);
	assert_int_equal(trace.blocks, 100);
	assert_memory_equal(&trace.of, &of, sizeof(of));
	assert_int_equal(trace.count, 3);
	for (i = 0; i < 3; i++) {
		assert_int_equal(trace.reads[i].time, reads[i].time);
		assert_int_equal(trace.reads[i].block, reads[i].block);
		assert_int_equal(trace.reads[i].count, reads[i].count);
		assert_int_equal(trace.reads[i].pid, reads[i].pid);
		assert_string_equal(trace.reads[i].comm,
				    *reads[i].comm ? reads[i].comm : "-");
		assert_int_equal(trace.reads[i].at, reads[i].at);
		if (reads[i].path)
			assert_string_equal(trace.reads[i].path,
					    reads[i].path);
		else
			assert_null(trace.reads[i].path);
	}
	incr_trace_free(&trace);
	free(text);
}

static const struct {
	const char *text;
	const char *why;
} bad[] = {
	{ "", "line 1: it is not \"dm-incremental trace 1\"" },
	{ "dm-incremental startup 1\n", "line 1: it is not" },
	{ HEADER "1.5 0 1 1 x\n", "line 6: it is not \"SECONDS" },
	{ HEADER "1.500000 0 1 1\n", "line 6: it is not" },
	{ HEADER "1.500000 0 1 1 \n", "line 6: it is not" },
	{ HEADER "1.500000 0 1 1 %0\n", "line 6: it is not" },
	{ HEADER "1.500000 0 1 1 %00\n", "line 6: it is not" },
	{ HEADER "1.500000 0 1 1 x 5\n", "line 6: it is not" },
	{ HEADER "1.500000 0 1 1 x 5 y\n", "line 6: it is not" },
	{ HEADER "1.500000 0 1 1 x 5 /y z\n", "line 6: it is not" },
	{ HEADER "1.500000 0 1 1 x node /y\n", "line 6: it is not" },
	{ HEADER "1.500000 0 1 2147483648 x\n", "line 6: it is not" },
	{ HEADER "\n1.500000 100 1 1 x\n", "line 7: blocks 100+1 reach past the end" },
	{ HEADER "1.500000 1 100 1 x\n", "line 6: blocks 1+100 reach past" },
	{ HEADER "1.500000 1 0 1 x\n", "line 6: blocks 1+0 reach past" },
};

static void test_bad(void **data)
{
	struct incr_trace trace;
	struct incr_error error;
	size_t i;

	(void)data;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(incr_trace_parse(&trace, bad[i].text,
						  strlen(bad[i].text),
						  &error), -EINVAL);
		if (strncmp(error.text, bad[i].why, strlen(bad[i].why)))
			fail_msg("\"%s\" is said to be: %s", bad[i].text,
				 error.text);
		assert_null(trace.reads);
	}
}

static void is_event(const char *line, u64 time, bool reads, u64 sector,
		     u32 sectors, u32 pid, const char *comm)
{
	struct event event;

	assert_true(event_parse(line, &event));
	assert_int_equal(event.time, time);
	assert_int_equal(event.read, reads);
	assert_int_equal(event.sector, sector);
	assert_int_equal(event.sectors, sectors);
	assert_int_equal(event.pid, pid);
	assert_string_equal(event.comm, comm);
	assert_int_equal(event.ahead, !!strstr(line, " RA "));
}

static void test_events(void **data)
{
	struct event event;

	(void)data;
	is_event("             mnt-311     [001] .....    12.345678: block_bio_queue: 253,0 RSM 2 + 2 [mnt]",
		 12345678, true, 2, 2, 311, "mnt");
	is_event("           <...>-4194304 [130] d..2. 4000000.000001: block_bio_queue: 253,0 RA 8589934592 + 256 [python3]",
		 4000000000001, true, 8589934592, 256, 4194304, "python3");
	is_event("  a-1 [0] ] b-77      [000] .....     1.000000: block_bio_queue: 7,1 R 0 + 8 [a-1 [0] ] b]",
		 1000000, true, 0, 8, 77, "a-1 [0] ] b");
	is_event("     kworker/0:1-9       [000] .....     1.000000: block_bio_queue: 7,1 WS 0 + 8 [kworker/0:1]",
		 1000000, false, 0, 8, 9, "kworker/0:1");
	is_event("               : 1-9       [000] .....     1.000000: block_bio_queue: 7,1 R 0 + 8 []",
		 1000000, true, 0, 8, 9, "");
	assert_false(event_parse("", &event));
	assert_false(event_parse(": block_bio_queue: ", &event));
	assert_false(event_parse("x-1 [000] ..... 1.000000: block_bio_complete: 7,1 R 0 + 8 [0]",
				 &event));
	assert_false(event_parse("x-1 [000] ..... 1.000000: block_bio_queue: 7,1 R 0 + 8",
				 &event));
	assert_false(event_parse("x 1 [000] ..... 1.000000: block_bio_queue: 7,1 R 0 + 8 [x]",
				 &event));
	assert_int_equal(event_lost("CPU:1 [LOST 123 EVENTS]"), 123);
	assert_int_equal(event_lost("CPU:1 [LOST EVENTS]"), 0);
	assert_int_equal(event_lost("x-1 [000] 1.0: x"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_events),
	};

	return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
