// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * For the kernel tests, as no stock tool does it: loaders of several characters,
 * exact system calls on a store's node with their exact results, reads that print
 * their errno and their time, and the places of an image's structures, for tests
 * that damage them. See usage().
 */
#include "kernel/tools/loadertool/loadertool.h"

_Noreturn void usage(void)
{
	fputs("loadertool pattern FILE BLOCKS SEED     blocks of every kind, always the same\n"
	      "loadertool sparse IMAGE LOCAL           a local file with IMAGE's head only\n"
	      "loadertool table IMAGE DEVICE           the table line\n"
	      "loadertool layout IMAGE                 name=value for each structure's place\n"
	      "loadertool map IMAGE                    BLOCK CODEC SHIFT OFFSET LENGTH, a line each\n"
	      "loadertool where IMAGE map BLOCK        file offset of BLOCK's map entry\n"
	      "loadertool where IMAGE LEVEL BLOCK      file offset of its digest at a tree level\n"
	      "loadertool need IMAGE BLOCK...          the chunks it takes to read them\n"
	      "loadertool flip FILE OFFSET [BIT]       one bit of it\n"
	      "loadertool poke FILE                    bytes, as OFFSET:HEX on standard input\n"
	      "loadertool rot FILE START END BITS SEED flip so many bits in there\n"
	      "loadertool scan DEVICE RAW MODE [FIRST COUNT]...\n"
	      "        read block by block (direct, buffered, mmap, or\n"
	      "        mmap+readahead); say which ones fail or differ, in a line\n"
	      "        for each of several FIRST COUNT\n"
	      "loadertool compare DEVICE RAW MODE [SIZE [OFFSET LENGTH]]\n"
	      "        the same in reads of SIZE bytes, without telling blocks apart\n"
	      "loadertool random DEVICE RAW THREADS READS SEED\n"
	      "        threads read random ranges and compare them\n"
	      "loadertool readers DEVICE RAW PROCESSES READS PAUSE SEED\n"
	      "        processes do, READS each (0: until SIGTERM), PAUSE milliseconds apart;\n"
	      "        print the number of reads, of those that failed or differed, and\n"
	      "        the milliseconds of the longest\n"
	      "loadertool dread DEVICE OFFSET LENGTH MODE\n"
	      "        one read: bytes or the error's name, and the milliseconds it took\n"
	      "loadertool tree DIR REFERENCE MODE READERS SEED\n"
	      "        READERS read all of DIR at a time and compare it with REFERENCE: buffered,\n"
	      "        random, mmap, mmap-random, willneed, readahead, nowait, direct, or mixed\n"
	      "loadertool each DEVICE RAW              read the blocks on standard input, all at a\n"
	      "        time, and say how many got what\n"
	      "loadertool forget FILE...               out of the page cache with them\n"
	      "loadertool status DEVICE WHAT           one field of its status line, or \"events\"\n"
	      "loadertool logcheck DEVICE IMAGE        dm-log-writes' log: present bits follow data\n"
	      "loadertool serve NODE IMAGE [delay=MS] [limit=BYTES] [nohints] [one] [log=FILE]\n"
	      "        answer requests from IMAGE until the device is gone\n"
	      "loadertool hoard NODE                   take requests, print them, never answer\n"
	      "loadertool flood NODE THREADS OFFSET LENGTH SOURCE\n"
	      "        each thread fills the same range from the beginning of SOURCE, a file or\n"
	      "        device that is mapped\n"
	      "loadertool node NODE [COMMAND [ARGUMENT]... [, COMMAND...]...]\n"
	      "        on one open file; without a COMMAND, they are lines of standard input:\n"
	      "        read SIZE | nonblock | poll MS | write OFFSET LENGTH [FILE [FROM]]\n"
	      "        stream FILE SIZE | seek set|cur|end|data|hole OFFSET | fsync | walk\n"
	      "        unavailable OFFSET LENGTH | discard OFFSET LENGTH [FLAGS] |\n"
	      "        missing [OFFSET LENGTH] |\n"
	      "        get OFFSET LENGTH [FILE] | info | ioctl NUMBER | features |\n"
	      "        unknown: flags and reserved fields | readers: tell of them |\n"
	      "        writev OFFSET FIRST SECOND FILE | stalled FILE DEVICE OFFSET:\n"
	      "        from then on memory of calls (without FILE, get's arguments; SECOND bytes\n"
	      "        of writev's) is mapped from there in DEVICE, which lies on FILE\n",
	      stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} commands[] = {
		{ "pattern", cmd_pattern }, { "sparse", cmd_sparse },
		{ "table", cmd_table }, { "layout", cmd_layout },
		{ "map", cmd_map }, { "where", cmd_where },
		{ "need", cmd_need }, { "flip", cmd_flip },
		{ "poke", cmd_poke }, { "rot", cmd_rot }, { "scan", cmd_scan },
		{ "compare", cmd_compare }, { "random", cmd_random },
		{ "readers", cmd_readers },
		{ "dread", cmd_dread }, { "tree", cmd_tree },
		{ "each", cmd_each }, { "forget", cmd_forget },
		{ "status", cmd_status }, { "logcheck", cmd_logcheck },
		{ "serve", cmd_serve }, { "hoard", cmd_hoard },
		{ "node", cmd_node }, { "flood", cmd_flood },
	};
	size_t i;

	for (i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 2, argv + 2);
	usage();
}
