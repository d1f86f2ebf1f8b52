// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzz target: a tar or cpio archive as a source. One that is taken is a tree whose names
 * are whole and sorted, and whose contents can be read and are within the limit. Compressed archives are left out: libraries of others expand them.
 */
#include <sys/mman.h>
#include <unistd.h>
#include "common/message.h"
#include "fuzz/fuzz.h"
#include "sources/entries.h"
#include "sources/sources.h"

#define MOST		(1u << 20)
#define TAR_BLOCK	512u
#define SUM		148u	/* of a tar's header, and its length */
#define SUM_END		156u
#define CPIO_SIZE	110u	/* of a cpio's header, and the size of a name in it */
#define CPIO_NAME	94u

static char dir[4096];
static char path[32];
static int file = -1;

static void clean_up(void)
{
	MUST(!rmdir(dir));
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	message_init("fuzz", MESSAGE_ERROR);
	snprintf(dir, sizeof(dir), "%s/sources.XXXXXX",
		 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	MUST(mkdtemp(dir));
	atexit(clean_up);
	file = memfd_create("archive", MFD_CLOEXEC);
	MUST(file >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	return 0;
}

static void read_content(const struct tree *tree, const char *name, u64 size)
{
	struct tree_file content;
	u8 bytes[4096];
	u64 done;

	MUST(size <= MOST);
	MUST(!tree_open(tree, name, size, &content));
	for (done = 0; done < size; done += sizeof(bytes))
		MUST(!tree_read(&content, done, bytes,
				size - done < sizeof(bytes) ? size - done :
							      sizeof(bytes),
				name));
	MUST(tree_seek_data(&content, 0, size) <= size);
	tree_file_close(&content);
}

static int visit(void *context, struct tree_entry *entry, bool leaving)
{
	const struct tree *tree = context;
	struct stat st;
	char *data = NULL;
	size_t room = 0;

	if (leaving)
		return 0;
	MUST(!tree_stat(tree, entry->path, &st));
	MUST(st.st_ino == entry->st->st_ino && st.st_nlink >= 1);
	MUST(strlen(entry->name) == entry->name_length);
	MUST(!entry->level || (entry->name_length && strcmp(entry->name, ".") &&
			       strcmp(entry->name, "..") &&
			       !strchr(entry->name, '/')));
	MUST(!entry->parent || S_ISDIR(entry->parent->st->st_mode));
	MUST(entry->level || S_ISDIR(st.st_mode));
	if (S_ISREG(st.st_mode))
		read_content(tree, entry->path, (u64)st.st_size);
	if (S_ISLNK(st.st_mode)) {
		char target[MODEL_PATH_MAX + 1];

		MUST(tree_link(tree, entry->path, target,
			       sizeof(target)) == st.st_size);
	}
	MUST(tree_xattr(tree, entry->path, NULL, &data, &room) >= 0);
	free(data);
	if (S_ISDIR(st.st_mode)) {
		char **names;
		int count = tree_names(tree, entry->path, &names), i;

		MUST(count >= 0);
		for (i = 1; i < count; i++)
			MUST(strcmp(names[i - 1], names[i]) < 0);
		tree_names_free(names, count);
	}
	return 0;
}

/* Make the sums of a tar's headers right, so that they do not hide the rest. */
static void set_sums(u8 *bytes, size_t size)
{
	size_t at, i;

	for (at = 0; at + TAR_BLOCK <= size; at += TAR_BLOCK) {
		u8 *block = bytes + at;
		char text[8];
		u32 sum = 0;

		if (memcmp(block + 257, "ustar", 5))
			continue;
		for (i = 0; i < TAR_BLOCK; i++)
			sum += i >= SUM && i < SUM_END ? ' ' : block[i];
		snprintf(text, sizeof(text), "%06o", sum);
		memcpy(block + SUM, text, 7);
		block[SUM_END - 1] = ' ';
	}
}

/*
 * libarchive asks for as many bytes as a cpio says that a name has, up to 4 GiB, before it
 * reads them; ASan takes long for that.
 */
static void limit_names(u8 *bytes, size_t size)
{
	size_t at;

	for (at = 0; at + CPIO_SIZE <= size; at++)
		if (!memcmp(bytes + at, "07070", 5))
			memcpy(bytes + at + CPIO_NAME, "0000", 4);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	const struct sources_options options = {
		.dir = dir, .most = MOST, .plain = true,
	};
	struct tree *tree;
	u8 *copy;
	int ret;

	if (!size || (memcmp(data, "0707", size < 4 ? size : 4) &&
		      (size < TAR_BLOCK || memcmp(data + 257, "ustar", 5))))
		return 0;
	copy = malloc(size);
	MUST(copy);
	memcpy(copy, data, size);
	set_sums(copy, size);
	limit_names(copy, size);
	MUST(!ftruncate(file, 0));
	MUST(pwrite(file, copy, size, 0) == (ssize_t)size);
	free(copy);
	ret = sources_open(&tree, path, &options);
	MUST(ret <= 0);
	MUST(!ret || !tree);
	if (tree)
		MUST(!tree_visit(tree, visit, tree));
	sources_close(tree);
	return 0;
}
