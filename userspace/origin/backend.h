/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The functions of a kind of origin; only for the sources in this directory.
 */
#ifndef ORIGIN_BACKEND_H
#define ORIGIN_BACKEND_H

#include "origin/origin.h"

struct origin_backend {
	int (*open)(struct origin *origin, const char *where,
		    struct incr_error *error);
	void (*close)(struct origin *origin);
	/* Both may be NULL: nothing to do. */
	int (*connect)(struct origin_connection *connection,
		       struct incr_error *error);
	void (*disconnect)(struct origin_connection *connection);
	int (*read)(struct origin_connection *connection, u64 offset,
		    size_t length, void *buffer, struct incr_error *error);
	bool remote;
};

/**
 * struct origin - see origin.h
 * @name: for messages; set by the backend's open, freed by origin_close()
 * @url: of an HTTP origin
 * @fd: of a file origin
 */
struct origin {
	const struct origin_backend *backend;
	struct origin_options options;
	char *name;
	char *url;
	int fd;
	_Atomic u64 size;
};

struct origin_connection {
	struct origin *origin;
	void *handle;
	bool hurry;
	unsigned int retry_after;	/* seconds, as the last reply said */
};

extern const struct origin_backend origin_file;
extern const struct origin_backend origin_http;

/* Bytes of a URL's scheme, without the colon; 0 if @where is a plain path. */
size_t origin_scheme_length(const char *where);

#endif /* ORIGIN_BACKEND_H */
