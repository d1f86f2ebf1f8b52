// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What mkimage's commands share; see mkimage.h.
 */
#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include "common/message.h"
#include "common/parse.h"
#include "common/printable.h"
#include "libincremental/incremental.h"
#include "mkimage.h"

int usage_error(const char *command)
{
	message_error("see \"mkimage %s --help\"", command);
	return EXIT_USAGE;
}

int no_memory(void)
{
	message_error("out of memory");
	return -ENOMEM;
}

bool operands_ok(const char *command, int argc, char **argv,
		 const char *const *names, int count)
{
	int given = argc - optind;

	if (given == count)
		return true;
	if (given < count)
		message_error("%s: %s is missing", command, names[given]);
	else
		message_error("%s: '%s' is one operand too many", command,
			      argv[optind + count]);
	usage_error(command);
	return false;
}

bool option_number(const char *command, const char *option, const char *text,
		   u64 least, u64 most, u64 *value)
{
	if (!parse_number(text, least, most, value))
		return true;
	message_error("%s: %s takes a number from %llu to %llu, not '%s'",
		      command, option, (unsigned long long)least,
		      (unsigned long long)most, text);
	return false;
}

bool option_size_shift(const char *command, const char *option,
		       const char *text, u32 least_shift, u32 most_shift,
		       u32 *shift)
{
	char least[FORMAT_SIZE_MAX], most[FORMAT_SIZE_MAX];
	u64 value;

	if (!parse_size(text, 1ull << least_shift, 1ull << most_shift,
			&value) && !(value & (value - 1))) {
		*shift = (u32)__builtin_ctzll(value);
		return true;
	}
	message_error("%s: %s takes a power of two from %s to %s, not '%s'",
		      command, option, format_size(1ull << least_shift, least),
		      format_size(1ull << most_shift, most), text);
	return false;
}

int read_bytes(int fd, u64 offset, void *data, size_t length,
	       struct inc_error *error)
{
	u8 *bytes = data;

	while (length) {
		ssize_t got = pread(fd, bytes, length, (off_t)offset);
		int code = errno;

		if (got < 0 && code == EINTR)
			continue;
		if (got < 0)
			return inc_fail(error, -code,
					"reading at offset %llu: %s",
					(unsigned long long)offset,
					strerror(code));
		if (!got)
			return inc_fail(error, -EIO,
					"ends at offset %llu: did it shrink while it was read?",
					(unsigned long long)offset);
		bytes += got;
		offset += (u64)got;
		length -= (size_t)got;
	}
	return 0;
}

int read_all(int fd, u64 offset, void *data, size_t length, const char *name)
{
	struct inc_error error;
	int ret = read_bytes(fd, offset, data, length, &error);

	if (ret)
		message_error("%s: %s", name, error.text);
	return ret;
}

void json_number(struct json_object *object, const char *name, u64 value)
{
	json_object_object_add(object, name, json_object_new_uint64(value));
}

void json_text(struct json_object *object, const char *name, const char *text)
{
	json_object_object_add(object, name, json_object_new_string(text));
}

void json_name(struct json_object *object, const char *name, const char *path)
{
	json_text(object, name, printable_json(path));
}

static u64 now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * 1000 + (u64)now.tv_nsec / 1000000;
}

void progress_start(struct progress *progress, const char *doing, u64 total)
{
	progress->doing = doing;
	progress->total = total;
	progress->start_ms = now_ms();
	progress->next_ms = progress->start_ms + 1000;
}

void progress_show(struct progress *progress, u64 done)
{
	char rate[FORMAT_SIZE_MAX], size[FORMAT_SIZE_MAX];
	u64 now;

	if (!message_has_progress())
		return;
	now = now_ms();
	if (now < progress->next_ms)
		return;
	progress->next_ms = now + 200;
	message_progress("%s: %.1f %% of %s, %s/s", progress->doing,
			 progress->total ?
			 100.0 * (double)done / (double)progress->total : 100.0,
			 format_size(progress->total, size),
			 format_size(done * 1000 /
				     (now - progress->start_ms + 1), rate));
}

void progress_end(struct progress *progress)
{
	progress->total = 0;
	message_progress(NULL);
}

void uuid_format(const u8 *uuid, char *text)
{
	static const int parts[] = { 4, 2, 2, 2, 6 };
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		inc_hex_format(uuid, (size_t)parts[i], text);
		uuid += parts[i];
		text += 2 * parts[i];
		if (i + 1 < sizeof(parts) / sizeof(parts[0]))
			*text++ = '-';
	}
}
