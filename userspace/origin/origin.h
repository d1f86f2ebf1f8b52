/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Origins: where the complete image can be read, a range at a time.
 *
 * An origin is a file ("path", "file:/path", "file:///path") or an HTTP URL. It
 * may be used by any number of threads, each with a connection of its own.
 * Nothing that an origin sends is trusted beyond its length: callers verify.
 */
#ifndef ORIGIN_H
#define ORIGIN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/stat.h>
#include "libincremental/incremental.h"

/*
 * What can be said of how origins are asked: files, of which the first are read again
 * when they change, and a proxy.
 */
enum access_option {
	ACCESS_NETRC, ACCESS_HEADERS, ACCESS_CERT, ACCESS_KEY, ACCESS_ORIGINS,
	ACCESS_FILES,
	ACCESS_CA = ACCESS_FILES, ACCESS_PROXY,
	ACCESS_OPTIONS,
};

/* Of each that is an option of commands: its name, its argument, what it is. */
#define ACCESS_TABLE(X)							\
	X(CA, "ca-certificates", "FILE", "for https, in place of the system's") \
	X(NETRC, "netrc-file", "FILE", "users and passwords, as in netrc(5)") \
	X(HEADERS, "header-file", "FILE", "headers for requests, one a line") \
	X(CERT, "client-cert", "FILE", "our certificate for https, in PEM") \
	X(KEY, "client-key", "FILE", "its key, if it is in another file") \
	X(PROXY, "proxy", "URL", "in place of the environment's")

/* Their names on command lines and in lists of origins, without "--". */
extern const char *const access_names[ACCESS_OPTIONS];

/**
 * struct origin_access - what was said
 * @value: allocated; NULL: nothing. ACCESS_ORIGINS: the list that @listed are from
 * @first, @listed: so many origins, from that one on, are the lines of that list
 * @open: opens a file of the first ones for reading, in place of open(2): a descriptor
 *	or -errno; any thread may call it. NULL: open(2)
 * @context: for it
 */
struct origin_access {
	char *value[ACCESS_OPTIONS];
	unsigned int first;
	unsigned int listed;
	int (*open)(void *context, enum access_option which);
	void *context;
};

void access_free(struct origin_access *access);

/**
 * struct origin_options - how patient to be
 * @timeout: seconds to connect, and seconds that a reply may stall
 * @ca: certificates to trust for https, in PEM; NULL: the system's
 * @ca_size: bytes of them
 * @secrets: as secrets_load() has set it; may be NULL
 * @line: of the list of origins that it is from, 1 is the first; 0: of none
 * @proxy: URL; NULL: as the environment says
 * @stop: reads are given up (-ECANCELED) once this is true; may be NULL
 */
struct origin_options {
	unsigned int timeout;
	void *ca;
	size_t ca_size;
	struct secrets *secrets;
	unsigned int line;
	const char *proxy;
	const atomic_bool *stop;
};

#define ORIGIN_TIMEOUT_DEFAULT	20
#define ORIGIN_TIMEOUT_MAX	3600

/* The most that one origin_read() takes. */
#define ORIGIN_READ_MAX		(64u << 20)

struct origin;
struct origin_connection;

/*
 * Read all that @access names into @options, as it may be out of reach later. Free it
 * with origin_forget(), also after a failure; @access must stay until then. Return: 0
 * or -errno.
 */
int origin_load(struct origin_options *options,
		const struct origin_access *access, struct incr_error *error);
void origin_forget(struct origin_options *options);

/* The file of certificates that is read without that; NULL: not known. */
const char *origin_default_ca(void);

/**
 * origin_open - check an origin's name; open the origin if it is a file
 * @origin: set on success; free with origin_close()
 * @where: file or URL
 * @options: copied; the objects that it points to must outlive the origin
 *
 * Return: 0; -EINVAL for a malformed or unsupported name; -errno of a file.
 */
int origin_open(struct origin **origin, const char *where,
		const struct origin_options *options, struct incr_error *error);
void origin_close(struct origin *origin);

/*
 * Copy an origin from the command line, and overwrite the user, password and query
 * of a URL in @argument: every user may read a command line.
 * Return: the caller's; NULL: no memory.
 */
char *origin_take(char *argument);

/* Is it a URL of a kind that is supported, rather than a path? */
bool origin_is_url(const char *text);

/* Does the name mean the same in every working directory? */
bool origin_means_the_same(const char *where);

/* Has origin_take() overwritten a part of it? */
bool origin_is_hidden(const char *where);

/*
 * The name of a file beside an origin: its own with @suffix at the end, which is
 * before the query of a URL. The caller's; NULL: no memory.
 */
char *origin_beside(const char *where, const char *suffix);

/**
 * origin_read_list - read names of origins, one a line
 * @path: a file; empty lines and lines that start with "#" are skipped; a line
 *	"--NAME VALUE" is an option of @access
 * @origins, @count: they are added to; the caller's, also on failure
 * @most: that @origins has room for
 * @access: what the file says is added, where nothing was said before; it also
 *	remembers the first list that can be read again
 *
 * Return: 0 or -errno.
 */
int origin_read_list(const char *path, char **origins, unsigned int *count,
		     unsigned int most, struct origin_access *access,
		     struct incr_error *error);

/* For messages: the name without passwords and queries. */
const char *origin_name(const struct origin *origin);

/* Is it reached over a network, so that its absence may pass? */
bool origin_is_remote(const struct origin *origin);

/* Is it that file, or a device on it? See same_file(). An HTTP origin never is. */
bool origin_is_file(const struct origin *origin, const struct stat *file);

/* Bytes it holds; 0 (unknown) before the first successful read. */
u64 origin_size(const struct origin *origin);

int origin_connect(struct origin_connection **connection,
		   struct origin *origin, struct incr_error *error);
void origin_disconnect(struct origin_connection *connection);

/**
 * origin_vouch - the last read was of the right file
 *
 * From now on reads are of the version that its server named by ETag or
 * Last-Modified, or fail with -ESTALE. A server that names another version each
 * time although the file is right, as those of one site may, is not listened to any
 * more.
 */
void origin_vouch(const struct origin_connection *connection);

/* Whatever it has now, it can be read, until origin_vouch() is called. */
void origin_doubt(struct origin *origin);

/* Give up (-EAGAIN) reads that take unduly long although bytes arrive. */
void origin_hurry(struct origin_connection *connection, bool hurry);

/*
 * Of the next reads, let at most so many bytes be on the way at a time; 0: no bound, as at
 * first. Where nothing can be bounded, that is ignored.
 */
void origin_window(struct origin_connection *connection, size_t bytes);

/**
 * origin_watch - be told how far the next reads have come
 * @arrived: called from within origin_read() when bytes have come: the first @received
 *	are in its buffer, unless it fails with -EPROTO. Of the connection it may use no more than
 *	origin_delay(), which is known by then, and origin_window(). NULL: nobody is told, as at first
 * @context: passed to it
 */
void origin_watch(struct origin_connection *connection,
		  void (*arrived)(void *context, size_t received),
		  void *context);

/**
 * origin_read - read a range, all of it or nothing; one attempt
 * @length: 1 to ORIGIN_READ_MAX
 * @error: on failure a sentence that names neither origin nor range
 *
 * Return: 0
 *	-ENOENT: the origin does not exist or ends before the range does
 *	-EACCES: the origin may not be read
 *	-ESTALE: it has another version than origin_vouch() was told of
 *	-EPROTO: it answers, but cannot be used: no ranges, malformed replies
 *	-EHOSTUNREACH: no connection can be made to it
 *	-EAGAIN: it failed in another way that may pass
 *	-ECANCELED: stopped
 *	-ENOMEM
 */
int origin_read(struct origin_connection *connection, u64 offset,
		size_t length, void *buffer, struct incr_error *error);

/**
 * origin_get - read a small file whole; one attempt
 * @most: bytes that it may have, at most ORIGIN_READ_MAX
 * @data: set to all of it, @length bytes, allocated
 *
 * Return: as origin_read(); -EFBIG if it has more.
 */
int origin_get(struct origin_connection *connection, size_t most, char **data,
	       size_t *length, struct incr_error *error);

/*
 * Nanoseconds from the last request to the first byte of its reply, connecting not
 * included; 0: not known.
 */
u64 origin_delay(const struct origin_connection *connection);

/*
 * Bytes per second that came over all its connections lately, but for the times in which
 * the server waited for us, as it does at the start of a connection; 0: not known.
 */
u64 origin_rate(struct origin *origin);

/* May the same read work later? */
static inline bool origin_error_passes(int err)
{
	return err == -EAGAIN || err == -EHOSTUNREACH || err == -ENOMEM;
}

/*
 * After a read that failed: in how many seconds the server wants to be asked
 * again (Retry-After), 0 if it did not say, ORIGIN_RETRY_AFTER_MAX at most.
 */
#define ORIGIN_RETRY_AFTER_MAX	60
unsigned int origin_retry_after(const struct origin_connection *connection);

#endif /* ORIGIN_H */
