// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Make files of known contents, damage files always in the same way, and drop files
 * from the page cache.
 */
#include "kernel/tools/loadertool/loadertool.h"

/*
 * Of 16 blocks 7 compress well, 5 hardly or not at all, 2 are zero and 2 repeat
 * an earlier one. Runs of zeros, a whole cluster of them too, come by chance.
 */
static void pattern_block(u8 *block, u64 index, u64 seed)
{
	u64 state = seed * 1000003 + index;
	u64 kind = random_next(&state) & 15;
	u32 i;

	if (kind < 2 || (index / 64) % 16 == 5) {
		memset(block, 0, INC_BLOCK_SIZE);
	} else if (kind < 9) {
		for (i = 0; i < INC_BLOCK_SIZE; i++)
			block[i] = (u8)("The quick brown fox jumps over it.\n"
					[(i + kind) % 35] ^
					(i % 61 ? 0 : random_next(&state) & 31));
	} else if (kind < 11) {
		state = seed + kind;
		for (i = 0; i < INC_BLOCK_SIZE; i++)
			block[i] = (u8)random_next(&state);
	} else {
		for (i = 0; i < INC_BLOCK_SIZE; i++)
			block[i] = (u8)random_next(&state);
	}
}

int cmd_pattern(int argc, char **argv)
{
	u8 block[INC_BLOCK_SIZE];
	u64 i, blocks, seed;
	FILE *file;

	if (argc != 3)
		usage();
	blocks = number(argv[1]);
	seed = number(argv[2]);
	file = fopen(argv[0], "w");
	if (!file)
		die(argv[0]);
	for (i = 0; i < blocks; i++) {
		pattern_block(block, i, seed);
		if (!fwrite(block, sizeof(block), 1, file))
			die(argv[0]);
	}
	if (fclose(file))
		die(argv[0]);
	return 0;
}

int cmd_flip(int argc, char **argv)
{
	u64 offset;
	u8 byte;
	int fd;

	if (argc < 2 || argc > 3)
		usage();
	offset = number(argv[1]);
	fd = open_or_die(argv[0], O_RDWR);
	if (read_at(fd, &byte, 1, offset) != 1) {
		errno = EFBIG;
		die(argv[0]);
	}
	byte ^= (u8)(1u << (argc == 3 ? number(argv[2]) & 7 : 0));
	write_at(fd, &byte, 1, offset);
	return 0;
}

/* Edits on stdin, separated by commas or white space, a page each at most. */
int cmd_poke(int argc, char **argv)
{
	char hex[2 * INC_PAGE_SIZE + 1];
	u64 offset;
	int fd, r;

	if (argc != 1)
		usage();
	fd = open_or_die(argv[0], O_RDWR);
	while ((r = scanf(" %" SCNu64 ":%8192[0-9a-f]", &offset, hex)) == 2) {
		u8 bytes[INC_PAGE_SIZE];
		size_t i;

		for (i = 0; i < strlen(hex) / 2; i++)
			sscanf(hex + 2 * i, "%2hhx", &bytes[i]);
		write_at(fd, bytes, i, offset);
		scanf(",");
	}
	if (r != EOF) {
		fprintf(stderr, "loadertool: not OFFSET:HEX\n");
		return 1;
	}
	return 0;
}

int cmd_rot(int argc, char **argv)
{
	u64 start, length, count, state;
	int fd;

	if (argc != 5)
		usage();
	fd = open_or_die(argv[0], O_RDWR);
	start = number(argv[1]);
	length = number(argv[2]) - start;
	count = number(argv[3]);
	state = number(argv[4]);
	while (count--) {
		u64 offset = start + random_next(&state) % length;
		u8 byte;

		read_at(fd, &byte, 1, offset);
		byte ^= (u8)(1u << (state & 7));
		write_at(fd, &byte, 1, offset);
	}
	return 0;
}

/* Dropping all caches would drop those of the machine's root, too. */
int cmd_forget(int argc, char **argv)
{
	int fd;

	for (; argc; argc--, argv++) {
		fd = open_or_die(*argv, O_RDONLY);
		if (posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED))
			die(*argv);
		close(fd);
	}
	return 0;
}
