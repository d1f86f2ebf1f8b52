// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The places of an image's structures, for tests that damage one of them, and the
 * chunks that a read needs.
 */
#include <sys/stat.h>
#include "kernel/tools/loadertool/loadertool.h"

void open_image(struct image *image, const char *path)
{
	struct inc_super *super = alloc(sizeof(*super));
	struct inc_segment *seg = &image->seg;
	const char *why;
	struct stat st;
	u8 *head;

	image->fd = open_or_die(path, O_RDONLY);
	if (fstat(image->fd, &st))
		die(path);
	image->size = (u64)st.st_size;
	if (read_at(image->fd, super, sizeof(*super), 0) != sizeof(*super)) {
		fprintf(stderr, "loadertool: %s is too short\n", path);
		exit(1);
	}
	if (dm_inc_segment_parse(super, 0, image->size, seg, &why)) {
		fprintf(stderr, "loadertool: %s: %s\n", path, why);
		exit(1);
	}
	free(super);
	/* The directories stay where they are, in the head, for good. */
	head = alloc(seg->head_size);
	read_at(image->fd, head, seg->head_size, 0);
	image->map_dir = (void *)(head + seg->map_dir_offset);
	image->tree_dir = (void *)(head + seg->tree_dir_offset);
	if (dm_inc_dir_check(image->map_dir, seg->map_runs, seg->map_pages,
			     seg->end, &why) ||
	    (seg->tree_runs &&
	     dm_inc_dir_check(image->tree_dir, seg->tree_runs, seg->tree.pages,
			      seg->end, &why))) {
		fprintf(stderr, "loadertool: %s: %s\n", path, why);
		exit(1);
	}
}

int cmd_sparse(int argc, char **argv)
{
	struct image image;
	u8 *head;
	int fd;

	if (argc != 2)
		usage();
	open_image(&image, argv[0]);
	head = alloc(image.seg.head_size);
	read_at(image.fd, head, image.seg.head_size, 0);
	fd = open_or_die(argv[1], O_RDWR | O_CREAT | O_TRUNC);
	write_at(fd, head, image.seg.head_size, 0);
	if (ftruncate(fd, (off_t)image.size) || close(fd))
		die(argv[1]);
	return 0;
}

int cmd_table(int argc, char **argv)
{
	struct image image;
	const struct inc_segment *seg = &image.seg;

	if (argc != 2)
		usage();
	open_image(&image, argv[0]);
	printf("0 %" PRIu64 " incremental 1 %s %u %s ", seg->device_blocks * 8,
	       argv[1], seg->generation, seg->hash_name);
	print_hex(seg->root_digest, seg->digest_size);
	putchar(' ');
	if (!seg->salt_size)
		putchar('-');
	print_hex(seg->salt, seg->salt_size);
	putchar('\n');
	return 0;
}

int cmd_layout(int argc, char **argv)
{
	struct image image;
	const struct inc_segment *seg = &image.seg;

	if (argc != 1)
		usage();
	open_image(&image, argv[0]);
	printf("image_size=%" PRIu64 "\nblocks=%" PRIu64 "\nlevels=%u\n"
	       "chunk_size=%u\ncluster_size=%u\nhead_size=%u\n",
	       image.size, seg->device_blocks, seg->tree.levels,
	       1u << seg->chunk_shift, INC_BLOCK_SIZE << seg->cluster_shift,
	       seg->head_size);
	printf("bitmap_offset=%" PRIu64 "\nbitmap_size=%" PRIu64 "\n"
	       "owners_offset=%" PRIu64 "\nguard_offset=%" PRIu64 "\n"
	       "meta_offset=%" PRIu64 "\n"
	       "meta_size=%" PRIu64 "\ndata_offset=%" PRIu64 "\n"
	       "data_size=%" PRIu64 "\n", seg->bitmap_offset, seg->bitmap_size,
	       seg->owners_offset, seg->guard_offset, seg->meta_offset,
	       seg->meta_size, seg->data_offset, seg->data_size);
	printf("dictionary_offset=%" PRIu64 "\ndictionary_size=%u\n",
	       seg->dictionary_offset, seg->dictionary_size);
	printf("map_dir_offset=%u\nmap_runs=%u\ntree_dir_offset=%u\n"
	       "tree_runs=%u\n", seg->map_dir_offset, seg->map_runs,
	       seg->tree_dir_offset, seg->tree_runs);
	printf("root=");
	print_hex(seg->root_digest, seg->digest_size);
	printf("\nsalt=");
	print_hex(seg->salt, seg->salt_size);
	putchar('\n');
	return 0;
}

static u64 map_entry_offset(const struct image *image, u64 block)
{
	return (dm_inc_dir_lookup(image->map_dir, image->seg.map_runs,
				  inc_map_page(block)) << INC_PAGE_SHIFT) +
	       inc_map_index(block) * sizeof(__le64);
}

int cmd_map(int argc, char **argv)
{
	__le64 entries[INC_ENTRIES_PER_PAGE];
	struct inc_extent extent;
	struct image image;
	u64 block;

	if (argc != 1)
		usage();
	open_image(&image, argv[0]);
	for (block = 0; block < image.seg.device_blocks; block++) {
		u32 index = inc_map_index(block);

		if (!index)
			read_at(image.fd, entries, sizeof(entries),
				map_entry_offset(&image, block));
		if (dm_inc_entry_decode(le64_to_cpu(entries[index]),
					image.seg.cluster_shift, image.seg.end,
					&extent)) {
			printf("%" PRIu64 " bad\n", block);
			continue;
		}
		printf("%" PRIu64 " %u %u %" PRIu64 " %u\n", block,
		       extent.codec, extent.cluster_shift, extent.offset,
		       extent.length);
	}
	return 0;
}

int cmd_where(int argc, char **argv)
{
	struct image image;
	u64 block, page;
	u32 offset;

	if (argc != 3)
		usage();
	open_image(&image, argv[0]);
	block = number(argv[2]);
	if (!strcmp(argv[1], "map")) {
		printf("%" PRIu64 "\n", map_entry_offset(&image, block));
		return 0;
	}
	page = dm_inc_tree_page(&image.seg.tree, (u32)number(argv[1]), block,
				&offset);
	page = dm_inc_dir_lookup(image.tree_dir, image.seg.tree_runs, page);
	printf("%" PRIu64 "\n", (page << INC_PAGE_SHIFT) + offset);
	return 0;
}

static void print_chunks(const struct image *image, u64 offset, u64 length)
{
	u32 shift = image->seg.chunk_shift;
	u64 chunk;

	for (chunk = offset >> shift; chunk <= (offset + length - 1) >> shift;
	     chunk++)
		printf("%" PRIu64 "\n", chunk);
}

int cmd_need(int argc, char **argv)
{
	struct inc_extent extent;
	struct image image;
	u32 level, digest;
	__le64 entry;
	int i;

	if (argc < 2)
		usage();
	open_image(&image, argv[0]);
	for (i = 1; i < argc; i++) {
		u64 block = number(argv[i]), page;
		u64 offset = map_entry_offset(&image, block);

		print_chunks(&image, offset, sizeof(entry));
		for (level = 0; level < image.seg.tree.levels; level++) {
			page = dm_inc_tree_page(&image.seg.tree, level, block,
						&digest);
			page = dm_inc_dir_lookup(image.tree_dir,
						 image.seg.tree_runs, page);
			print_chunks(&image, page << INC_PAGE_SHIFT,
				     INC_PAGE_SIZE);
		}
		read_at(image.fd, &entry, sizeof(entry), offset);
		if (dm_inc_entry_decode(le64_to_cpu(entry),
					image.seg.cluster_shift, image.seg.end,
					&extent)) {
			fprintf(stderr, "loadertool: bad map entry\n");
			return 1;
		}
		if (extent.codec != INC_CODEC_ZERO)
			print_chunks(&image, extent.offset, extent.length);
		if (extent.codec == INC_CODEC_LZ4_DICT)
			print_chunks(&image, image.seg.dictionary_offset,
				     image.seg.dictionary_size);
	}
	return 0;
}
