/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * incrementalsetup: declarations that its sources share. Functions return 0 or a
 * negative errno with one sentence in @error, as libincremental's do; -ERR_USAGE
 * if the command line is wrong.
 */
#ifndef SETUP_H
#define SETUP_H

#include <signal.h>
#include "common/exitcode.h"
#include "libincremental/incremental.h"
#include "origin/origin.h"

#define ORIGINS_MAX	16

enum absent_readahead { READAHEAD_DEFAULT, READAHEAD_HINT, READAHEAD_FETCH };

enum on_corruption { CORRUPTION_DEFAULT, CORRUPTION_FAIL, CORRUPTION_PANIC };

#define UNSET	UINT64_MAX	/* of a number: not given */

#define MAX_HEADS_DEFAULT	(256ull << 20)	/* 4096 of 64 KiB, 28 of the largest */

/**
 * struct options - the command line after the command
 * @root_size: bytes of @root, 0 if not given
 */
struct options {
	char *origins[ORIGINS_MAX];
	unsigned int origin_count;
	struct origin_access access;
	u8 root[INC_DIGEST_MAX];
	size_t root_size;
	const char *certificate;
	struct incr_anchors *anchors;	/* the certificates in that file */
	const char *plugin;
	u32 generation;
	u64 read_timeout;
	u64 commit_interval;
	enum absent_readahead absent_readahead;
	enum on_corruption on_corruption;
	u64 timeout;
	char *layer;
	const char *mountpoint;
	bool dry_run;
	struct incr_range range;
	bool all_cold;
	bool require_signature;
	u32 min_epoch;
	bool unproved_size;
	u64 max_heads;
	bool no_prefetch;
	char *startup;
	bool wait_startup;
	bool no_startup;
	bool force;
	bool deferred;
	bool cancel_deferred;
	bool json;
	bool no_heal;
	const char *local;
	const char *name;
	const char *fs_type;
	const char *fs_options;
	const char *mount_options;
	bool lazy;
	bool batch;	/* say nothing of a new local image */
	const char *tab;
	bool userspace;	/* without the module */
	bool loader_apart;	/* a service of its own starts it */
	bool quiet;	/* say nothing of what has been made */
	bool verbose;
	bool help;
};

/* Commands; @args are what main() has counted. */
int command_create(const struct options *options, char **args,
		   struct incr_error *error);
int command_open(const struct options *options, char **args,
		 struct incr_error *error);
int command_close(const struct options *options, char **args,
		  struct incr_error *error);
int command_status(const struct options *options, char **args,
		   struct incr_error *error);
int command_table(const struct options *options, char **args,
		  struct incr_error *error);
int command_dump(const struct options *options, char **args,
		 struct incr_error *error);
int command_wait(const struct options *options, char **args,
		 struct incr_error *error);
int command_monitor(const struct options *options, char **args,
		    struct incr_error *error);
int command_unmonitor(const struct options *options, char **args,
		      struct incr_error *error);

int command_mount(const struct options *options, char **args,
		  struct incr_error *error);
int command_umount(const struct options *options, char **args,
		   struct incr_error *error);
int command_attach(const struct options *options, char **args,
		   struct incr_error *error);
int command_record(const struct options *options, char **args,
		   struct incr_error *error);
int command_evict(const struct options *options, char **args,
		  struct incr_error *error);

/**
 * struct image_facts - values from which a device is made
 * @sectors: of the virtual device
 * @uuid: of the image
 * @parameters: of the table line, from the generation on; allocated
 */
struct image_facts {
	u64 sectors;
	u8 uuid[16];
	char *parameters;
};

/*
 * The image must have the root hash that was given, if one was, and a signature
 * that leads to the certificates that were given; then the signer is printed.
 */
int image_trust(struct incr_image *image, const struct options *options,
		struct incr_error *error);

/* Fail if the epoch of a generation, which a signature covers, is too low. */
int image_check_epoch(const struct inc_segment *segment, u64 least,
		      struct incr_error *error);

/* Does one of @options vouch for the root hash? If not, it is the image's own. */
static inline bool is_vouched_for(const struct options *options)
{
	return options->root_size || options->certificate ||
	       options->require_signature;
}

/*
 * Do the heads of segments from @first on take --max-heads at most? Nothing
 * vouches for those of older generations, and all of them are written.
 */
int image_check_heads(struct incr_image *image, u32 first,
		      const struct options *options, struct incr_error *error);

/*
 * The table line's option that makes the root hash vouch for the device's size as
 * well; NULL: there is none.
 */
static inline const char *proof_option(const struct options *options)
{
	if (options->require_signature)
		return "require_signature";
	return (options->root_size || options->certificate) &&
	       !options->unproved_size ? "prove_size" : NULL;
}

/*
 * If the size is to be proved: can it be? The proof wants a first block that
 * begins with zeros; where that is not known yet, the kernel will see.
 */
int image_check_start(struct incr_image *image, const struct options *options,
		      struct incr_error *error);

struct image_file;

/*
 * Check the local image's head against the root hash or the certificate that
 * the options give, and fill in @facts. Return: 0 or -errno.
 */
int image_facts(const struct image_file *file, const struct options *options,
		struct image_facts *facts, struct incr_error *error);

/* "/dev/mapper/NAME" or "NAME" -> "NAME", checked. */
int device_name(const char *given, const char **name, struct incr_error *error);

/**
 * struct backing - the block device under a device
 * @path: for the table
 * @fd: keeps a loop device that goes away with its last user; -1 if none
 * @read_only: cannot be filled
 */
struct backing {
	char path[64];
	int fd;
	bool read_only;
};

/* Find or make the block device that holds an image, which is locked. */
int backing_open(struct backing *backing, const struct image_file *file,
		 struct incr_error *error);
void backing_close(struct backing *backing);

/*
 * Start incrementald for the image on @backing, which has this key (see
 * image-file.h); it is ready on return. A signal
 * of @held, which are blocked, ends it (-EINTR) and is pending then; @old is the
 * mask without them.
 */
int loader_start(const struct options *options, const struct backing *backing,
		 const char *key, const sigset_t *held, const sigset_t *old,
		 struct incr_error *error);

/*
 * Leave to incrementald@.service how to start that loader, for device @name: in a
 * file of variables, which loader_apart_forget() removes.
 */
int loader_leave(const struct options *options, const struct backing *backing,
		 const char *key, const char *name, struct incr_error *error);
void loader_apart_forget(const char *name);

/*
 * With an image's last device its loaders go: forget the files about them. @device
 * is what it stood on ("7:0" or a path), @key the image's.
 */
void loader_forget(const char *device, const char *key);

/*
 * The origins that a loader of @node ("/dev/incremental/loop0") was given, as
 * far as they mean the same here: added to @options, with its certificates if
 * there are none; allocated, the caller's. @key is the image's.
 */
void loader_origins(struct options *options, const char *node,
		    const char *key);

/*
 * If dmeventd watches the device with UUID @from, let it watch that with UUID
 * @to, too, with the same plugin. @name is for the warning if that fails.
 */
void monitor_follow(const char *name, const char *from, const char *to);

#endif /* SETUP_H */
