// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Files of secrets; see secrets.h.
 */
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>
#include "libincremental/exact.h"
#include "origin/backend.h"
#include "origin/netrc.h"
#include "origin/secrets.h"
#include "origin/text.h"

#define FILE_MAX	(1u << 20)
#define LOOK_SECONDS	1u

/* ---- what is in them ---- */

static const char *skip_blanks(const char *text)
{
	return text + strspn(text, " \t");
}

static bool is_name(const char *line, size_t n, const char *name)
{
	return n == strlen(name) && !strncasecmp(line, name, n);
}

/* The reason why a line is no header that can be sent, or NULL. */
static const char *header_fault(const char *line, size_t length)
{
	static const char *const ours[] = {
		"Range", "If-Range", "Accept-Encoding", "Content-Length",
		"Transfer-Encoding", "TE", "Connection",
	};
	size_t n = strcspn(line, ":\n"), i;

	if (n >= length)
		return "is not \"Name: value\"";
	for (i = 0; i < n; i++)
		if (!isalnum((unsigned char)line[i]) &&
		    !strchr("!#$%&'*+-.^_`|~", line[i]))
			return "has a name that no header can have";
	if (!n)
		return "has no name before the colon";
	for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (is_name(line, n, ours[i]))
			return "has a name that is not for others to set";
	for (i = n + 1; i < length; i++)
		if ((unsigned char)line[i] < ' ' && line[i] != '\t')
			return "has a control code";
	return (size_t)(skip_blanks(line + n + 1) - line) < length ? NULL :
								    "has no value";
}

static int check_headers(const char *text, const char *path,
			 struct incr_error *error)
{
	unsigned int number = 0;
	const char *next;

	for (; *text; text = next) {
		size_t n = text_line(text, &next);
		const char *fault = NULL;

		number++;
		if (!n || *text == '#')
			continue;
		if (*text == '[')
			fault = n > 2 && text[n - 1] == ']' ? NULL :
				"is not \"[HOST]\"";
		else
			fault = header_fault(text, n);
		/* The line is not shown: it may be a secret. */
		if (fault)
			return incr_fail(error, -EINVAL, "%s: line %u %s", path,
					 number, fault);
	}
	return 0;
}

static int check_pem(const char *text, const char *path, const char *what,
		     struct incr_error *error)
{
	if (strstr(text, "-----BEGIN "))
		return 0;
	return incr_fail(error, -EINVAL, "%s holds no %s in PEM", path, what);
}

static int check_text(enum access_option which, const struct secret *secret,
		      const char *path, struct incr_error *error)
{
	if (strlen(secret->text) != secret->size)
		return incr_fail(error, -EINVAL, "%s is not text", path);
	switch (which) {
	case ACCESS_NETRC:
		return netrc_is_valid(secret->text) ? 0 :
		       incr_fail(error, -EINVAL,
				 "%s is not of the form of netrc(5)", path);
	case ACCESS_HEADERS:
		return check_headers(secret->text, path, error);
	case ACCESS_CERT:
		return check_pem(secret->text, path, "certificate", error);
	case ACCESS_KEY:
		return check_pem(secret->text, path, "key", error);
	default:
		return 0;
	}
}

/* ---- reading them ---- */

static void free_text(struct secret *secret)
{
	if (secret->text)
		explicit_bzero(secret->text, secret->size);
	free(secret->text);
	secret->text = NULL;
}

/* All of a file, which may be a pipe. */
static int read_text(int fd, struct secret *secret)
{
	secret->size = 0;
	secret->text = malloc(FILE_MAX + 1);
	if (!secret->text)
		return -ENOMEM;
	for (;;) {
		ssize_t n = read(fd, secret->text + secret->size,
				 FILE_MAX + 1 - secret->size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		secret->size += (size_t)n;
		if (secret->size > FILE_MAX)
			return -EFBIG;
		if (!n)
			break;
	}
	secret->text[secret->size] = '\0';
	return 0;
}

static bool same_id(const struct stat *one, const struct stat *other)
{
	return one->st_dev == other->st_dev && one->st_ino == other->st_ino &&
	       one->st_size == other->st_size &&
	       one->st_mtim.tv_sec == other->st_mtim.tv_sec &&
	       one->st_mtim.tv_nsec == other->st_mtim.tv_nsec;
}

/* Open it: by the rights that we have, or whoever has more. */
static int open_file(const struct origin_access *access,
		     enum access_option which)
{
	int fd;

	if (access->open)
		return access->open(access->context, which);
	fd = open(access->value[which], O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? -errno : fd;
}

/* Return: 1 if it is another one than before, 0 if not, -errno. */
static int read_file(struct secrets *secrets, enum access_option which,
		     struct incr_error *error)
{
	const char *path = secrets->access->value[which];
	struct secret new = { .text = NULL };
	struct secret *old = &secrets->file[which];
	int fd = open_file(secrets->access, which), err;

	if (fd < 0)
		return incr_fail(error, fd, "cannot read %s: %s", path,
				 strerror(-fd));
	err = fstat(fd, &new.id) ? -errno : 0;
	if (!err && old->text && same_id(&old->id, &new.id)) {
		close(fd);
		return 0;
	}
	if (!err)
		err = read_text(fd, &new);
	close(fd);
	if (err)
		incr_fail(error, err, "cannot read %s: %s", path,
			  strerror(-err));
	else
		err = check_text(which, &new, path, error);
	if (err) {
		free_text(&new);
		return err;
	}
	free_text(old);
	*old = new;
	return 1;
}

int secrets_load(struct origin_options *options,
		 const struct origin_access *access, struct incr_error *error)
{
	struct secrets *secrets = calloc(1, sizeof(*secrets));
	unsigned int i;
	int err = 0;

	if (!secrets)
		return incr_fail(error, -ENOMEM, "out of memory");
	secrets->access = access;
	pthread_mutex_init(&secrets->lock, NULL);
	options->secrets = secrets;
	for (i = 0; err >= 0 && i < ACCESS_FILES; i++)
		if (access->value[i])
			err = read_file(secrets, i, error);
	return err < 0 ? err : 0;
}

void secrets_free(struct origin_options *options)
{
	struct secrets *secrets = options->secrets;
	unsigned int i;

	if (!secrets)
		return;
	for (i = 0; i < ACCESS_FILES; i++)
		free_text(&secrets->file[i]);
	pthread_mutex_destroy(&secrets->lock);
	free(secrets);
	options->secrets = NULL;
}

unsigned int secrets_refresh(struct secrets *secrets, bool now)
{
	u64 time = redirect_clock();
	unsigned int version, i;
	bool changed = false;

	pthread_mutex_lock(&secrets->lock);
	if (now || time > secrets->looked_at + LOOK_SECONDS) {
		secrets->looked_at = time;
		secrets->trouble.text[0] = '\0';
		for (i = 0; i < ACCESS_FILES; i++)
			if (secrets->access->value[i])
				changed |= read_file(secrets, i,
						     &secrets->trouble) > 0;
		secrets->version += changed;
	}
	version = secrets->version;
	pthread_mutex_unlock(&secrets->lock);
	return version;
}

void secrets_explain(struct secrets *secrets, struct incr_error *error)
{
	size_t n = strlen(error->text);

	pthread_mutex_lock(&secrets->lock);
	if (secrets->trouble.text[0])
		snprintf(error->text + n, sizeof(error->text) - n, "; %s",
			 secrets->trouble.text);
	pthread_mutex_unlock(&secrets->lock);
}

/* ---- using them ---- */

static int copy(char **to, const char *text)
{
	*to = text ? strdup(text) : NULL;
	return text && !*to ? -ENOMEM : 0;
}

int secrets_login(struct secrets *secrets, const struct url *given,
		  const char *url, bool own, char **user, char **password)
{
	const char *text;
	char *host;
	int err;

	*user = *password = NULL;
	if (own && (given->password || !secrets)) {
		err = copy(user, given->user);
		return err ? err : copy(password, given->password);
	}
	if (!secrets)
		return 0;
	host = url_host(url);
	if (!host)
		return -ENOMEM;
	pthread_mutex_lock(&secrets->lock);
	text = secrets->file[ACCESS_NETRC].text;
	if (text)
		netrc_find(text, host, own ? given->user : NULL, own, user,
			   password);
	pthread_mutex_unlock(&secrets->lock);
	free(host);
	return *user || !own ? 0 : copy(user, given->user);
}

/* Is "[HOST]" or "[HOST:PORT]" the place of @url? */
static bool section_is_for(const char *line, size_t n, const char *host,
			   const char *port)
{
	size_t length = strlen(host);

	line++;
	n -= 2;
	if (n < length || strncasecmp(line, host, length))
		return false;
	if (n == length)
		return true;
	return line[length] == ':' && n - length - 1 == strlen(port) &&
	       !strncmp(line + length + 1, port, n - length - 1);
}

static int add_headers(const char *text, const char *host, const char *port,
		       bool own, struct curl_slist **headers)
{
	bool wanted = own;
	const char *next;

	for (; *text; text = next) {
		size_t n = text_line(text, &next);
		struct curl_slist *more;
		char *line;

		if (*text == '[') {
			wanted = section_is_for(text, n, host, port);
			continue;
		}
		if (!n || *text == '#' || !wanted)
			continue;
		line = strndup(text, n);
		more = line ? curl_slist_append(*headers, line) : NULL;
		free_secret(line);
		if (!more)
			return -ENOMEM;
		*headers = more;
	}
	return 0;
}

int secrets_headers(struct secrets *secrets, const char *url, bool own,
		    struct curl_slist **headers)
{
	char *host, *port;
	int err = 0;

	if (!secrets || !secrets->access->value[ACCESS_HEADERS])
		return 0;
	host = url_host(url);
	port = url_port(url);
	if (!host || !port)
		err = -ENOMEM;
	pthread_mutex_lock(&secrets->lock);
	if (!err)
		err = add_headers(secrets->file[ACCESS_HEADERS].text, host,
				  port, own, headers);
	pthread_mutex_unlock(&secrets->lock);
	free(host);
	free(port);
	return err;
}

CURLcode secrets_certificate(struct secrets *secrets, CURL *curl, bool use)
{
	static const struct {
		enum access_option which;
		CURLoption option;
	} blobs[] = {
		{ ACCESS_CERT, CURLOPT_SSLCERT_BLOB },
		{ ACCESS_KEY, CURLOPT_SSLKEY_BLOB },
	};
	CURLcode c = CURLE_OK;
	size_t i;

	pthread_mutex_lock(&secrets->lock);
	for (i = 0; c == CURLE_OK && i < 2; i++) {
		const struct secret *file = &secrets->file[blobs[i].which];
		struct curl_blob blob = {
			.data = file->text,
			.len = file->size,
			.flags = CURL_BLOB_COPY,
		};

		/* The key may be in the file of the certificate. */
		if (blobs[i].which == ACCESS_KEY && !file->text) {
			blob.data = secrets->file[ACCESS_CERT].text;
			blob.len = secrets->file[ACCESS_CERT].size;
		}
		c = curl_easy_setopt(curl, blobs[i].option,
				     use && blob.data ? &blob : NULL);
	}
	pthread_mutex_unlock(&secrets->lock);
	return c;
}

char *secrets_url(struct secrets *secrets, unsigned int line)
{
	const char *text, *next;
	char *url = NULL;

	pthread_mutex_lock(&secrets->lock);
	text = secrets->file[ACCESS_ORIGINS].text;
	for (; text && *text && line; text = next) {
		size_t n = text_line(text, &next);

		if (text_kind(text, n) != LINE_ORIGIN)
			continue;
		if (!--line && (!strncasecmp(text, "http:", 5) ||
				!strncasecmp(text, "https:", 6)))
			url = strndup(text, n);
	}
	pthread_mutex_unlock(&secrets->lock);
	return url;
}
