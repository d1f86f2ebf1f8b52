// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Check the log of dm-log-writes: a chunk's data must be durable before its bit of
 * presence is written.
 */
#include "kernel/tools/loadertool/loadertool.h"

#define LOG_MAGIC	0x6a736677736872ull
#define LOG_FLUSH	1
#define LOG_DISCARD	4
#define LOG_MARK	8

struct log_super {
	__le64 magic;
	__le64 version;
	__le64 entries;
	__le32 sector_size;
};

struct log_entry {
	__le64 sector;
	__le64 sectors;
	__le64 flags;
	__le64 data_length;	/* of a mark's name */
};

enum chunk_state { NEVER, WRITTEN, FLUSHED };

struct log_check {
	const struct image *image;
	u8 *chunks;		/* enum chunk_state */
	u8 *bits;		/* the bitmap as it was last written */
	bool unflushed;		/* it was written since the last flush */
	bool bad;
};

static void check_bitmap(struct log_check *check, u64 offset, u64 length,
			 const u8 *data)
{
	const struct inc_segment *seg = &check->image->seg;
	u64 first = (offset - seg->bitmap_offset) * 8, i;

	for (i = 0; i < length * 8; i++) {
		u64 chunk = first + i;

		if (chunk >= seg->size >> seg->chunk_shift)
			break;
		check->bits[chunk] = data[i / 8] >> (i % 8) & 1;
		if (!check->bits[chunk] ||
		    chunk < seg->meta_offset >> seg->chunk_shift)
			continue;
		if (check->chunks[chunk] == FLUSHED)
			continue;
		printf("chunk %" PRIu64 " was %s when its bit was written\n",
		       chunk, check->chunks[chunk] ? "not flushed" :
						     "not written");
		check->bad = true;
	}
	check->unflushed = true;
}

static void check_write(struct log_check *check, u64 offset, u64 length,
			const u8 *data)
{
	const struct inc_segment *seg = &check->image->seg;
	u64 chunk;

	if (offset >= seg->bitmap_offset && offset < seg->meta_offset) {
		check_bitmap(check, offset, length, data);
		return;
	}
	if (offset < seg->bitmap_offset) {
		printf("a write into the head, at %" PRIu64 "\n", offset);
		check->bad = true;
	}
	for (chunk = offset >> seg->chunk_shift;
	     chunk < (offset + length) >> seg->chunk_shift; chunk++)
		if (check->chunks[chunk] == NEVER)
			check->chunks[chunk] = WRITTEN;
}

static void check_flush(struct log_check *check)
{
	u64 i, count = check->image->size >> check->image->seg.chunk_shift;

	for (i = 0; i < count; i++)
		if (check->chunks[i])
			check->chunks[i] = FLUSHED;
	check->unflushed = false;
}

static void tell_mark(const struct log_check *check, const char *name,
		      u64 length)
{
	u64 i, present = 0;
	u64 count = check->image->size >> check->image->seg.chunk_shift;

	if (!strncmp(name, "dm-log-writes-end", length))
		return;
	for (i = 0; i < count; i++)
		present += check->bits[i];
	printf("%.*s: %" PRIu64 " present%s\n", (int)length, name, present,
	       check->unflushed ? ", not flushed" : "");
}

int cmd_logcheck(int argc, char **argv)
{
	struct log_check check = { 0 };
	struct log_super super;
	struct image image;
	u64 i, at, sector_size;
	int fd;

	if (argc != 2)
		usage();
	open_image(&image, argv[1]);
	check.image = &image;
	check.chunks = calloc(image.size >> image.seg.chunk_shift, 1);
	check.bits = calloc(image.size >> image.seg.chunk_shift, 1);
	fd = open_or_die(argv[0], O_RDONLY);
	read_at(fd, &super, sizeof(super), 0);
	if (le64_to_cpu(super.magic) != LOG_MAGIC) {
		puts("not a log of dm-log-writes");
		return 1;
	}
	sector_size = le32_to_cpu(super.sector_size);
	at = sector_size;
	for (i = 0; i < le64_to_cpu(super.entries); i++) {
		struct log_entry entry;
		u64 length, flags;
		u8 *data;

		/* A mark's name is in the sector of its entry. */
		data = alloc(sector_size);
		read_at(fd, data, sector_size, at);
		memcpy(&entry, data, sizeof(entry));
		flags = le64_to_cpu(entry.flags);
		if (flags & LOG_MARK)
			tell_mark(&check, (char *)data + sizeof(entry),
				  le64_to_cpu(entry.data_length));
		free(data);
		at += sector_size;
		/* In the log, sectors are those of its own size. */
		length = le64_to_cpu(entry.sectors) * sector_size;
		if (flags & LOG_FLUSH)
			check_flush(&check);
		if (flags & (LOG_MARK | LOG_DISCARD) || !length)
			continue;
		data = alloc(length);
		read_at(fd, data, length, at);
		check_write(&check, le64_to_cpu(entry.sector) * sector_size,
			    length, data);
		free(data);
		at += length;
	}
	return check.bad;
}
