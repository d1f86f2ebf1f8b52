// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading archives; see entries.h.
 */
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "common/message.h"
#include "mkimage.h"
#include "sources/acl.h"
#include "sources/entries.h"

#define WHITEOUT	".wh."
#define WHITEOUT_OWN	".wh..wh."
#define WHITEOUT_OPAQUE	".wh..wh..opq"

struct reader {
	struct model *model;
	struct input *input;
	struct archive *archive;
	struct archive_entry *entry;
	char path[MODEL_PATH_MAX + 1];
	bool whiteouts;
};

/*
 * libarchive could find out by itself how an archive is compressed, and how what comes out
 * is compressed, and so on: a small file would then take for ever.
 */
static const struct {
	u8 offset;
	u8 size;
	int filter;		/* ARCHIVE_FILTER_NONE: an archive */
	const char *bytes;
} starts[] = {
	{ 0, 2, ARCHIVE_FILTER_GZIP, "\x1f\x8b" },
	{ 0, 3, ARCHIVE_FILTER_BZIP2, "BZh" },
	{ 0, 2, ARCHIVE_FILTER_COMPRESS, "\x1f\x9d" },
	{ 0, 6, ARCHIVE_FILTER_XZ, "\xfd" "7zXZ" },
	{ 0, 3, ARCHIVE_FILTER_LZMA, "\x5d\0\0" },
	{ 0, 4, ARCHIVE_FILTER_LZIP, "LZIP" },
	{ 0, 4, ARCHIVE_FILTER_LZ4, "\x04\x22\x4d\x18" },
	{ 0, 4, ARCHIVE_FILTER_ZSTD, "\x28\xb5\x2f\xfd" },
	{ 0, 4, ARCHIVE_FILTER_NONE, "PK\3\4" },
	{ 0, 4, ARCHIVE_FILTER_NONE, "PK\5\6" },
	{ 0, 6, ARCHIVE_FILTER_NONE, "070701" },
	{ 0, 6, ARCHIVE_FILTER_NONE, "070702" },
	{ 0, 6, ARCHIVE_FILTER_NONE, "070707" },
};

/* A header of tar has a sum of its bytes, its own place counting as blanks. */
static bool is_tar(const u8 *start, size_t size)
{
	u32 sum = 0, told = 0, i;

	if (size < 512 || !start[0])
		return false;
	for (i = 0; i < 512; i++)
		sum += i >= 148 && i < 156 ? ' ' : start[i];
	for (i = 148; i < 156 && start[i] == ' '; i++)
		;
	for (; i < 156 && start[i] >= '0' && start[i] <= '7'; i++)
		told = 8 * told + (u32)(start[i] - '0');
	return sum == told;
}

/* Return: how it is compressed; -1: it is nothing that is known. */
static int find_filter(const u8 *start, size_t size)
{
	size_t i;

	for (i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
		if (starts[i].offset + starts[i].size <= size &&
		    !memcmp(start + starts[i].offset, starts[i].bytes,
			    starts[i].size))
			return starts[i].filter;
	return is_tar(start, size) ? ARCHIVE_FILTER_NONE : -1;
}

bool entries_recognised(const u8 *start, size_t size)
{
	return find_filter(start, size) >= 0;
}

/* Bring a name into the form that the model takes. */
static int clean_path(const struct reader *reader, const char *from, char *path)
{
	size_t length = 0, part;

	if (!from) {
		message_error("%s: a name in it cannot be read",
			      reader->input->name);
		return -EINVAL;
	}
	if (*from == '/') {
		message_error("%s: the name '%.200s' in it is absolute, and would be outside of the image; make the archive with names from its root",
			      reader->input->name, from);
		return -EINVAL;
	}
	for (; *from; from += part + (from[part] == '/')) {
		part = strcspn(from, "/");
		if (part == 2 && from[0] == '.' && from[1] == '.') {
			message_error("%s: a name in it has a part '..', and could lead out of the image: '%.200s'",
				      reader->input->name, from);
			return -EINVAL;
		}
		if (!part || (part == 1 && *from == '.'))
			continue;
		if (length + part + 1 > MODEL_PATH_MAX) {
			message_error("%s: a name in it has more than the %u bytes that Linux takes: %.40s...",
				      reader->input->name, MODEL_PATH_MAX,
				      path);
			return -ENAMETOOLONG;
		}
		if (length)
			path[length++] = '/';
		memcpy(path + length, from, part);
		length += part;
		path[length] = '\0';
	}
	path[length] = '\0';
	return 0;
}

static int failed(const struct reader *reader)
{
	return input_failed(reader->input, reader->archive);
}

/* Read an entry's contents; those of no @inode count all the same. */
static int add_content(struct reader *reader, struct model_inode *inode)
{
	const void *data;
	size_t size;
	la_int64_t offset;
	bool first = true;
	int ret = 0, code;

	while (!ret) {
		code = archive_read_data_block(reader->archive, &data, &size,
					       &offset);
		if (code == ARCHIVE_EOF)
			return 0;
		if (code != ARCHIVE_OK)
			return failed(reader);
		if (!size)
			continue;
		if (offset < 0)
			return failed(reader);
		/* A further name may bring the contents once more. */
		if (first && inode && archive_entry_hardlink(reader->entry))
			model_empty(inode);
		first = false;
		ret = inode ? model_write(reader->model, inode, (u64)offset,
					  data, size) :
			      model_skip(reader->model, size);
	}
	return ret;
}

static int add_link(struct reader *reader, const char *target)
{
	char path[MODEL_PATH_MAX + 1];
	struct model_inode *inode;
	int ret = clean_path(reader, target, path);

	if (!ret)
		ret = model_link(reader->model, reader->path, path, &inode);
	return ret ? ret : add_content(reader, model_is_file(inode) ? inode :
								      NULL);
}

static int add_xattrs(struct reader *reader, struct model_inode *inode)
{
	const char *name;
	const void *value;
	size_t size;
	int ret = 0;

	archive_entry_xattr_reset(reader->entry);
	while (!ret && archive_entry_xattr_next(reader->entry, &name, &value,
						&size) == ARCHIVE_OK)
		ret = model_set_xattr(reader->model, inode, name, value, size);
	return ret;
}

static int check_owner(const struct reader *reader, la_int64_t id)
{
	if (id >= 0 && id < UINT32_MAX)
		return 0;
	message_error("%s: the owner of '%s' in it has the number %lld; Linux takes 0 to %u",
		      reader->input->name, reader->path, (long long)id,
		      UINT32_MAX - 1);
	return -EINVAL;
}

/*
 * Times before 1970 have their fraction counted from the wrong side by libarchive: -1.25
 * becomes -1 and 0.25 seconds, where the system has -2 and 0.75. Of the last second before
 * 1970 it loses the sign, which nobody can find again.
 */
static void read_time(const struct reader *reader, struct timespec *time)
{
	time->tv_sec = archive_entry_mtime(reader->entry);
	time->tv_nsec = archive_entry_mtime_nsec(reader->entry);
	if (time->tv_sec >= 0 || !time->tv_nsec ||
	    (archive_format(reader->archive) & ARCHIVE_FORMAT_BASE_MASK) !=
	    ARCHIVE_FORMAT_TAR)
		return;
	time->tv_sec--;
	time->tv_nsec = 1000000000 - time->tv_nsec;
}

static int read_stat(const struct reader *reader, struct stat *st)
{
	struct archive_entry *entry = reader->entry;
	int ret = check_owner(reader, archive_entry_uid(entry));

	if (!ret)
		ret = check_owner(reader, archive_entry_gid(entry));
	if (ret)
		return ret;
	memset(st, 0, sizeof(*st));
	st->st_mode = archive_entry_filetype(entry) |
		      (archive_entry_mode(entry) & 07777);
	st->st_uid = (uid_t)archive_entry_uid(entry);
	st->st_gid = (gid_t)archive_entry_gid(entry);
	st->st_rdev = archive_entry_rdev(entry);
	read_time(reader, &st->st_mtim);
	st->st_mode = acl_mode(entry, st->st_mode);
	if (st->st_mode & S_IFMT)
		return 0;
	message_error("%s: '%s' in it is of no kind that is known here",
		      reader->input->name, reader->path);
	return -EINVAL;
}

static int add_file(struct reader *reader)
{
	struct archive_entry *entry = reader->entry;
	struct model_inode *inode;
	struct stat st;
	int ret = read_stat(reader, &st);

	if (!ret)
		ret = model_add(reader->model, reader->path, &st, &inode);
	if (!ret)
		ret = add_xattrs(reader, inode);
	if (!ret)
		ret = acl_add(reader->model, inode, entry, reader->input->name,
			      reader->path);
	if (ret)
		return ret;
	if (S_ISLNK(st.st_mode))
		ret = model_set_target(reader->model, inode,
				       archive_entry_symlink(entry) ?: "");
	if (!S_ISREG(st.st_mode))
		return ret ? ret : add_content(reader, NULL);
	if (archive_entry_size_is_set(entry) && archive_entry_size(entry) > 0)
		ret = model_set_size(reader->model, inode,
				     (u64)archive_entry_size(entry));
	return ret ? ret : add_content(reader, inode);
}

/* Return: 1 if the entry is one, and is done. */
static int add_whiteout(struct reader *reader)
{
	char *slash = strrchr(reader->path, '/');
	char *name = slash ? slash + 1 : reader->path;

	if (!reader->whiteouts ||
	    strncmp(name, WHITEOUT, sizeof(WHITEOUT) - 1))
		return 0;
	if (!strncmp(name, WHITEOUT_OWN, sizeof(WHITEOUT_OWN) - 1)) {
		bool opaque = !strcmp(name, WHITEOUT_OPAQUE);

		/* The others are notes that aufs makes for itself. */
		*(slash ? slash : name) = '\0';
		if (opaque)
			model_remove(reader->model, reader->path, true);
		return 1;
	}
	memmove(name, name + sizeof(WHITEOUT) - 1,
		strlen(name) + 1 - (sizeof(WHITEOUT) - 1));
	if (*name)
		model_remove(reader->model, reader->path, false);
	return 1;
}

static int add_entry(struct reader *reader)
{
	const char *target = archive_entry_hardlink(reader->entry);
	int ret = clean_path(reader, archive_entry_pathname(reader->entry),
			     reader->path);

	if (!ret)
		ret = add_whiteout(reader);
	if (ret)
		return ret < 0 ? ret : add_content(reader, NULL);
	return target ? add_link(reader, target) : add_file(reader);
}

/*
 * Names are bytes here, in no character set, and libarchive warns that it leaves them as
 * they are. Its other warnings are of something that is lost.
 */
static bool is_harmless(struct archive *archive)
{
	const char *text = archive_error_string(archive);

	return text && strstr(text, "can't be converted");
}

static int add_entries(struct reader *reader)
{
	int ret = 0;

	while (!ret) {
		int code = archive_read_next_header(reader->archive,
						    &reader->entry);

		if (code == ARCHIVE_EOF)
			return 0;
		if (code != ARCHIVE_OK &&
		    !(code == ARCHIVE_WARN && is_harmless(reader->archive)))
			return failed(reader);
		ret = add_entry(reader);
	}
	return ret;
}

static int add_filter(struct archive *archive, int filter)
{
	/*
	 * That one reads as soon as it is appended, when there is no input yet. So
	 * libarchive may find out by itself, and archive_add() looks how often it did.
	 */
	if (filter == ARCHIVE_FILTER_COMPRESS)
		return archive_read_support_filter_compress(archive);
	return archive_read_append_filter(archive, filter);
}

/* The times in a zip may be local ones: they are taken as UTC, the same everywhere. */
static void use_utc(void)
{
	setenv("TZ", "UTC0", 1);
	tzset();
}

int entries_add(struct model *model, struct input *input, bool whiteouts)
{
	struct reader reader = {
		.model = model, .input = input, .whiteouts = whiteouts,
		.archive = archive_read_new(),
	};
	struct archive *archive = reader.archive;
	size_t size;
	int ret = archive ? input_start(input, &size) : no_memory(), filter;

	if (ret) {
		archive_read_free(archive);
		return ret;
	}
	use_utc();
	filter = find_filter(input->buffer, size);
	if (archive_read_support_format_tar(archive) != ARCHIVE_OK ||
	    archive_read_support_format_cpio(archive) != ARCHIVE_OK ||
	    archive_read_support_format_zip(archive) != ARCHIVE_OK ||
	    (filter > 0 && add_filter(archive, filter) != ARCHIVE_OK))
		ret = failed(&reader);
	if (!ret)
		ret = input_open(input, archive);
	/* The archive itself counts, too. */
	if (!ret && archive_filter_count(archive) > 2) {
		message_error("%s: compressed more than once", input->name);
		ret = -EINVAL;
	}
	if (!ret)
		ret = add_entries(&reader);
	archive_read_free(archive);
	return ret;
}
