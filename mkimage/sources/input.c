// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The bytes of an archive; see input.h.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "common/message.h"
#include "mkimage.h"
#include "sources/input.h"

/* Read some bytes at the present place. Return: 0 at the end, -1 with errno. */
static ssize_t read_some(struct input *input, void *data, size_t room)
{
	ssize_t done;

	if (input->inner) {
		done = archive_read_data(input->inner, data, room);
		if (done < 0)
			errno = EIO;
	} else if (input->size == UINT64_MAX) {
		done = read(input->fd, data, room);
	} else {
		if (room > input->size - input->at)
			room = (size_t)(input->size - input->at);
		done = pread(input->fd, data, room,
			     (off_t)(input->start + input->at));
	}
	if (done < 0 && errno == EINTR)
		return read_some(input, data, room);
	if (done <= 0)
		return done;
	if (input->digest &&
	    !EVP_DigestUpdate(input->digest, data, (size_t)done)) {
		errno = ENOMEM;
		return -1;
	}
	input->at += (u64)done;
	return done;
}

static int read_failed(const struct input *input)
{
	int code = errno;

	if (input->inner && code == EIO)
		return input_failed(input, input->inner);
	message_error("%s: cannot read it: %s", input->name, strerror(code));
	return -code;
}

int input_start(struct input *input, size_t *size)
{
	ssize_t done = 1;

	while (done > 0 && input->filled < INPUT_START) {
		done = read_some(input, input->buffer + input->filled,
				 INPUT_START - input->filled);
		if (done < 0)
			return read_failed(input);
		input->filled += (size_t)done;
	}
	*size = input->filled;
	return 0;
}

static la_ssize_t read_input(struct archive *archive, void *context,
			     const void **data)
{
	struct input *input = context;
	ssize_t done = (ssize_t)input->filled;

	*data = input->buffer;
	if (input->given || !done)
		done = read_some(input, input->buffer, sizeof(input->buffer));
	input->given = true;
	if (done < 0 && input->inner && errno == EIO)
		archive_set_error(archive, errno, "%s",
				  archive_error_string(input->inner));
	else if (done < 0)
		archive_set_error(archive, errno, "cannot read it");
	return done < 0 ? ARCHIVE_FATAL : done;
}

/* A zip's directory is at its end. */
static la_int64_t seek_input(struct archive *archive, void *context,
			     la_int64_t offset, int whence)
{
	struct input *input = context;
	la_int64_t base = whence == SEEK_SET ? 0 :
			  whence == SEEK_END ? (la_int64_t)input->size :
					       (la_int64_t)input->at;

	(void)archive;
	if (offset < -base || base + offset > (la_int64_t)input->size)
		return ARCHIVE_FATAL;
	input->at = (u64)(base + offset);
	input->given = true;
	return base + offset;
}

int input_open(struct input *input, struct archive *archive)
{
	archive_read_set_read_callback(archive, read_input);
	if (!input->inner && !input->digest && input->size < INT64_MAX)
		archive_read_set_seek_callback(archive, seek_input);
	archive_read_set_callback_data(archive, input);
	return archive_read_open1(archive) == ARCHIVE_OK ? 0 :
	       input_failed(input, archive);
}

int input_drain(struct input *input)
{
	ssize_t done;

	do
		done = read_some(input, input->buffer, sizeof(input->buffer));
	while (done > 0);
	return done < 0 ? read_failed(input) : 0;
}

int input_failed(const struct input *input, struct archive *archive)
{
	const char *text = archive_error_string(archive);
	int code = archive_errno(archive);

	if (code == ENOMEM)
		return no_memory();
	message_error("%s: damaged, or no archive that is known here: %s",
		      input->name, text ? text : "it cannot be read");
	return -EINVAL;
}
