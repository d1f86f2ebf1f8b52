// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What has to be read before origins are asked; of it, the certificates that https
 * servers must be signed by.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include "origin/backend.h"
#include "origin/secrets.h"

#define CA_MAX		(16u << 20)
#define CA_STEP		(256u << 10)

/* All of a file, which may be a pipe. Return: bytes, or -errno. */
static ssize_t read_all(int fd, char **data)
{
	size_t size = 0;

	for (;;) {
		char *more = realloc(*data, size + CA_STEP);
		ssize_t n;

		if (!more)
			return -ENOMEM;
		*data = more;
		n = read(fd, *data + size, CA_STEP);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return (ssize_t)size;
		size += (size_t)n;
		if (size > CA_MAX)
			return -EFBIG;
	}
}

static int load_ca(struct origin_options *options, const char *path,
		   struct incr_error *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *data = NULL;
	ssize_t size = fd < 0 ? -errno : read_all(fd, &data);

	if (fd >= 0)
		close(fd);
	if (size > 0 && memmem(data, (size_t)size, "-----BEGIN ", 11)) {
		options->ca = data;
		options->ca_size = (size_t)size;
		return 0;
	}
	free(data);
	if (size >= 0)
		return incr_fail(error, -EINVAL,
				 "%s holds no certificates in PEM", path);
	return incr_fail(error, (int)size, "cannot read %s: %s", path,
			 strerror((int)-size));
}

int origin_load(struct origin_options *options,
		const struct origin_access *access, struct incr_error *error)
{
	int err = 0;

	options->proxy = access->value[ACCESS_PROXY];
	if (access->value[ACCESS_KEY] && !access->value[ACCESS_CERT])
		return incr_fail(error, -EINVAL,
				 "--client-key needs --client-cert");
	if (access->value[ACCESS_CA])
		err = load_ca(options, access->value[ACCESS_CA], error);
	if (!err)
		err = secrets_load(options, access, error);
	return err;
}

void origin_forget(struct origin_options *options)
{
	free(options->ca);
	options->ca = NULL;
	secrets_free(options);
}
