// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nbdkit's plugin "incremental": the device of an image, for clients of NBD; see
 * nbdkit-incremental-plugin(1).
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include "common/parse.h"
#include "libincremental/incremental.h"
#include "origin/origin.h"
#include "store/store.h"

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>

#define THREAD_MODEL	NBDKIT_THREAD_MODEL_PARALLEL

/* Seconds that a read waits for a server that is away, as for the target's read_timeout. */
#define READ_TIMEOUT	30u
#define READ_TIMEOUT_MAX 3600u

/**
 * struct plugin - what was said on the command line, and what is open
 * @rest: threads that fill the rest of the local file
 * @stop: they end, and so do their fetches
 */
static struct plugin {
	char *local;
	char *origins[STORE_ORIGINS_MAX];
	unsigned int origin_count;
	u64 generation;
	u8 root[INC_DIGEST_MAX];
	size_t root_size;
	char *certificate;
	u64 read_timeout;
	bool prefetch;
	struct origin_access access;
	struct origin_options how;
	struct store *store;
	struct incr_image *image;
	u64 size;
	struct rest *rest;
	atomic_bool stop;
} plugin = {
	.generation = INCR_NEWEST,
	.read_timeout = READ_TIMEOUT,
	.prefetch = true,
	.how = { .timeout = ORIGIN_TIMEOUT_DEFAULT, .stop = &plugin.stop },
};

/* Clients see an errno; the sentence goes to nbdkit's log. */
static int failed(int err, const struct incr_error *error)
{
	nbdkit_error("%s", error->text);
	nbdkit_set_error(err == -ENOMEM ? ENOMEM : err == -EINVAL ? EINVAL : EIO);
	return -1;
}

static int no_memory(void)
{
	nbdkit_error("out of memory");
	return -1;
}

static void incremental_unload(void)
{
	incr_image_close(plugin.image);
	store_close(plugin.store);
	origin_forget(&plugin.how);
	access_free(&plugin.access);
	free(plugin.local);
	while (plugin.origin_count)
		free(plugin.origins[--plugin.origin_count]);
	free(plugin.certificate);
}

static int take_number(const char *key, const char *value, u64 most, u64 *number)
{
	if (!parse_number(value, 0, most, number))
		return 0;
	nbdkit_error("%s takes a number from 0 to %llu, not \"%s\"", key,
		     (unsigned long long)most, value);
	return -1;
}

static int take_text(char **to, char *text)
{
	if (!text)
		return no_memory();
	free(*to);
	*to = text;
	return 0;
}

static int take_origin(const char *value)
{
	if (plugin.origin_count == STORE_ORIGINS_MAX) {
		nbdkit_error("at most %d origins are taken", STORE_ORIGINS_MAX);
		return -1;
	}
	return take_text(&plugin.origins[plugin.origin_count++],
			 origin_means_the_same(value) ? strdup(value) :
			 nbdkit_absolute_path(value));
}

/* A key that is the name of an option of all commands that ask servers. */
static int take_access(const char *key, const char *value)
{
	int i;

	for (i = 0; i < ACCESS_OPTIONS; i++)
		if (i != ACCESS_ORIGINS && !strcmp(key, access_names[i]))
			return take_text(&plugin.access.value[i],
					 i == ACCESS_PROXY ? strdup(value) :
					 nbdkit_absolute_path(value));
	nbdkit_error("unknown parameter \"%s\"", key);
	return -1;
}

static int incremental_config(const char *key, const char *value)
{
	int size, truth;

	if (!strcmp(key, "local"))
		return take_text(&plugin.local, nbdkit_absolute_path(value));
	if (!strcmp(key, "origin"))
		return take_origin(value);
	if (!strcmp(key, "certificate"))
		return take_text(&plugin.certificate, nbdkit_absolute_path(value));
	if (!strcmp(key, "generation"))
		return take_number(key, value, INC_SEGMENTS_MAX - 1,
				   &plugin.generation);
	if (!strcmp(key, "read-timeout"))
		return take_number(key, value, READ_TIMEOUT_MAX,
				   &plugin.read_timeout);
	if (!strcmp(key, "prefetch")) {
		truth = nbdkit_parse_bool(value);
		plugin.prefetch = truth > 0;
		return truth < 0 ? -1 : 0;
	}
	if (strcmp(key, "root-hash"))
		return take_access(key, value);
	size = incr_hex_parse(value, plugin.root, sizeof(plugin.root));
	if (size <= 0) {
		nbdkit_error("root-hash \"%s\" is not a hexadecimal digest", value);
		return -1;
	}
	plugin.root_size = (size_t)size;
	return 0;
}

static int incremental_config_complete(void)
{
	if (plugin.origin_count || plugin.local)
		return 0;
	nbdkit_error("origin=URL or local=FILE must be given");
	return -1;
}

/* Before nbdkit goes to the background, so that a mistake is seen. */
static int incremental_get_ready(void)
{
	struct incr_error error;
	int err = origin_load(&plugin.how, &plugin.access, &error);

	if (!err)
		err = store_open(&plugin.store, plugin.local, plugin.origins,
				 plugin.origin_count, &plugin.how,
				 plugin.local && plugin.origin_count, &error);
	if (!err)
		err = store_image(plugin.store, &plugin.image,
				  (u32)plugin.generation, &error);
	if (!err && plugin.root_size)
		err = incr_image_trust(plugin.image, plugin.root,
				       plugin.root_size, NULL, 0, &error);
	if (!err && plugin.certificate)
		err = incr_image_check_certificates(plugin.image,
						    plugin.certificate, &error);
	if (err)
		return failed(err, &error);
	store_set_patience(plugin.store, (unsigned int)plugin.read_timeout);
	plugin.size = incr_image_segment(plugin.image)->device_blocks <<
		      INC_BLOCK_SHIFT;
	return 0;
}

static void tell_end(const char *text)
{
	nbdkit_debug("filling the rest has ended: %s", text);
}

static int incremental_after_fork(void)
{
	if (plugin.prefetch)
		store_rest_start(&plugin.rest, plugin.store, &plugin.stop,
				 tell_end);
	return 0;
}

static void incremental_cleanup(void)
{
	struct incr_error error;

	atomic_store(&plugin.stop, true);
	store_rest_end(plugin.rest);
	if (plugin.store && store_commit(plugin.store, &error))
		nbdkit_error("%s", error.text);
}

static void *incremental_open(int readonly)
{
	(void)readonly;
	return NBDKIT_HANDLE_NOT_NEEDED;
}

static int64_t incremental_get_size(void *handle)
{
	(void)handle;
	return (int64_t)plugin.size;
}

static int incremental_block_size(void *handle, uint32_t *least,
				  uint32_t *preferred, uint32_t *most)
{
	(void)handle;
	*least = 1;
	*preferred = INC_BLOCK_SIZE;
	*most = 32u << 20;
	return 0;
}

static int yes(void *handle)
{
	(void)handle;
	return 1;
}

static int no(void *handle)
{
	(void)handle;
	return 0;
}

static int incremental_can_cache(void *handle)
{
	(void)handle;
	/* Without a local file nothing would be kept. */
	return plugin.local && plugin.origin_count ? NBDKIT_CACHE_EMULATE :
						     NBDKIT_CACHE_NONE;
}

static int incremental_pread(void *handle, void *buffer, uint32_t count,
			     uint64_t offset, uint32_t flags)
{
	struct incr_error error;
	int err = incr_image_read_bytes(plugin.image, offset, count, buffer,
					&error);

	(void)handle;
	(void)flags;
	return err ? failed(err, &error) : 0;
}

/* How far the blocks from @block on, up to @end, have extents. */
static int find_zeros(u64 block, u64 end, u64 *next, struct incr_error *error)
{
	struct inc_extent extent;
	int err = 0;

	while (!err && block < end) {
		err = incr_image_map(plugin.image, block, &extent, next, error);
		if (err || extent.codec == INC_CODEC_ZERO)
			break;
		block = *next;
	}
	*next = block < end ? block : end;
	return err;
}

static int incremental_extents(void *handle, uint32_t count, uint64_t offset,
			       uint32_t flags, struct nbdkit_extents *extents)
{
	u64 block = offset >> INC_BLOCK_SHIFT;
	u64 end = (offset + count - 1) / INC_BLOCK_SIZE + 1, zeros, next;
	struct incr_error error;
	int err = 0, ret = 0;

	(void)handle;
	while (!err && !ret && block < end) {
		err = incr_image_zeros(plugin.image, block, end - block, &zeros,
				       &error);
		if (!err && zeros)
			ret = nbdkit_add_extent(extents, block << INC_BLOCK_SHIFT,
						zeros << INC_BLOCK_SHIFT,
						NBDKIT_EXTENT_HOLE |
						NBDKIT_EXTENT_ZERO);
		block += zeros;
		if (err || ret || block == end)
			break;
		err = find_zeros(block, end, &next, &error);
		if (!err)
			ret = nbdkit_add_extent(extents, block << INC_BLOCK_SHIFT,
						(next - block) << INC_BLOCK_SHIFT, 0);
		block = next;
		if (flags & NBDKIT_FLAG_REQ_ONE)
			break;
	}
	return err ? failed(err, &error) : ret;
}

static struct nbdkit_plugin nbdkit_incremental = {
	.name = "incremental",
	.longname = "nbdkit incremental plugin",
	.version = INC_VERSION_STRING,
	.description = "the device of an incremental image",
	.config = incremental_config,
	.config_complete = incremental_config_complete,
	.config_help =
		"origin=URL           the complete image: a URL, or a file; if given again, the next\n"
		"                     is asked where one fails\n"
		"local=FILE           a local file: what is fetched is kept there\n"
		"root-hash=HEX        the root hash that it must have\n"
		"certificate=FILE     who must have signed it, in PEM\n"
		"generation=N         that one, 0 being the first (the newest)\n"
		"read-timeout=N       seconds that a read waits for a server (30)\n"
		"prefetch=BOOL        fill the rest of the local file, too (true)\n"
		"ca-certificates, netrc-file, header-file, client-cert, client-key,\n"
		"proxy                as for incrementald",
	.magic_config_key = "origin",
	.unload = incremental_unload,
	.get_ready = incremental_get_ready,
	.after_fork = incremental_after_fork,
	.cleanup = incremental_cleanup,
	.open = incremental_open,
	.get_size = incremental_get_size,
	.block_size = incremental_block_size,
	.can_multi_conn = yes,
	.can_extents = yes,
	.can_cache = incremental_can_cache,
	.is_rotational = no,
	.pread = incremental_pread,
	.extents = incremental_extents,
	.errno_is_preserved = 0,
};

NBDKIT_REGISTER_PLUGIN(nbdkit_incremental)
