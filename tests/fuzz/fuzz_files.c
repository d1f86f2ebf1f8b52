// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzz target: mkimage inspect --files, trace --image and extend on filesystems that
 * break their own rules. They must end, within the target's limits of time and memory.
 *
 * An input is the number of a filesystem (see make-filesystems), a byte of flags (ADD,
 * REMOVE, PLACES), and edits: three bytes of offset, one of length, and the new bytes.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/message.h"
#include "filesystems.h"
#include "fuzz/fuzz.h"

#define FILESYSTEMS_MAX	32

/* The second byte of an input. */
#define ADD	1		/* a directory with a file */
#define REMOVE	2		/* the path "top" */
#define PLACES	4		/* with neither: where files are, not which there are */

static struct filesystem_seed {
	u8 *bytes;
	size_t size;
} seeds[FILESYSTEMS_MAX];
static u32 count;

static struct incr_image *holes;		/* they are written over it */
static char dir[4096];
static char source_path[4110], added[4120];
static struct tree source;

static int is_raw(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length > 4 && !strcmp(entry->d_name + length - 4, ".raw");
}

static void load(const char *path)
{
	struct filesystem_seed *seed = &seeds[count++];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	MUST(count <= FILESYSTEMS_MAX && fd >= 0 && !fstat(fd, &st));
	seed->size = (size_t)st.st_size;
	seed->bytes = malloc(seed->size);
	MUST(seed->bytes);
	MUST(read(fd, seed->bytes, seed->size) == st.st_size);
	close(fd);
}

static void load_all(void)
{
	char path[PATH_MAX + NAME_MAX + 2] = "";
	ssize_t length = readlink("/proc/self/exe", path, PATH_MAX);
	struct dirent **names;
	int i, n;

	while (length > 0 && path[length - 1] != '/')
		length--;
	length += sprintf(path + length, "filesystems/");
	n = scandir(path, &names, is_raw, alphasort);
	for (i = 0; i < n; i++) {
		strcpy(path + length, names[i]->d_name);
		load(path);
		free(names[i]);
	}
	MUST(count);		/* else: run make fuzz-targets */
	free(names);
	strcpy(path + length, "holes.inc");
	MUST(!incr_image_open_file(&holes, path, INCR_NEWEST, NULL));
}

static void clean_up(void)
{
	unlink(added);
	MUST(!rmdir(source_path) && !rmdir(dir));
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	int fd;

	(void)argc, (void)argv;
	message_init("mkimage", MESSAGE_DEBUG);
	load_all();
	snprintf(dir, sizeof(dir), "%s/files.XXXXXX",
		 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	MUST(mkdtemp(dir));
	snprintf(source_path, sizeof(source_path), "%s/source", dir);
	snprintf(added, sizeof(added), "%s/new", source_path);
	MUST(!mkdir(source_path, 0755));
	tree_directory(&source, source_path);
	fd = open(added, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	MUST(fd >= 0 && write(fd, "text", 4) == 4);
	close(fd);
	MUST(!atexit(clean_up));
	return 0;
}

static int visit(void *context, const char *path, const u8 *id)
{
	(void)context;
	(void)id;
	MUST(path);
	return 0;
}

static int place(void *context, const char *path, u64 at, u64 block, u64 count)
{
	(void)context;
	(void)block;
	MUST(count && (path || at == FILES_INODE));
	return 0;
}

/* A device with the filesystem, edited. */
static struct overlay *edited(const u8 *data, size_t size)
{
	const struct filesystem_seed *seed = &seeds[data[0] % count];
	u8 *bytes = malloc(seed->size);
	struct overlay *overlay;

	MUST(bytes);
	memcpy(bytes, seed->bytes, seed->size);
	for (data += 2, size -= 2; size > 4;) {
		size_t at = ((size_t)data[0] | (size_t)data[1] << 8 |
			     (size_t)data[2] << 16) % seed->size;
		size_t length = data[3] % 16 + 1;

		data += 4;
		size -= 4;
		if (length > size)
			length = size;
		memcpy(bytes + at, data, length < seed->size - at ?
		       length : seed->size - at);
		data += length;
		size -= length;
	}
	MUST(!overlay_open(&overlay, holes, "image", dir));
	MUST(!overlay_resize(overlay, seed->size >> INC_BLOCK_SHIFT));
	MUST(!overlay_write(overlay, 0, seed->size, bytes));
	free(bytes);
	return overlay;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static const char *const removed[] = { "top" };
	const struct filesystem *fs;
	struct overlay *overlay;
	int ret;

	if (size < 2)
		return 0;
	overlay = edited(data, size);
	ret = filesystem_find(filesystems, overlay, "", &fs);
	if (!ret && data[1] & (ADD | REMOVE)) {
		struct extend_plan plan = {
			.source = data[1] & ADD ? &source : NULL,
			.removed = removed,
			.removed_count = data[1] & REMOVE ? 1 : 0,
			.epoch = 1,
			.dir = dir,
		};

		ret = fs->extend(overlay, &plan);
	} else if (!ret) {
		ret = data[1] & PLACES ? fs->places(overlay, place, NULL) :
					 fs->files(overlay, visit, NULL);
	}
	MUST(ret <= 0);
	overlay_close(overlay);
	return 0;
}
