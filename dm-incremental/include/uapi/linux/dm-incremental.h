/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR Apache-2.0 */
/*
 * The loader's interface of the device-mapper target "incremental". docs/abi.md has
 * its promises, and the rules by which it grows.
 *
 * Each backing device in use has one node, /dev/incremental/<name>, say
 * /dev/incremental/loop0 (mode 0600, owner root). An open file of it is the
 * capability to load: nothing else is needed, so a daemon may open it and drop
 * its privileges. Any number of loaders may have it open.
 *
 * read()	returns whole struct dm_incremental_request records, each of
 *		@request_size bytes (DM_INCREMENTAL_IOC_FEATURES), as many as fit
 *		and are waiting, demand before hints; of demand, readers take
 *		turns. It blocks until there is one, unless O_NONBLOCK is set
 *		(EAGAIN). EINVAL: the buffer holds less than one record. ENODEV:
 *		the last device on this store is gone, for good; so do all other
 *		calls. A demand is handed to one loader. While its range has still
 *		not come it is handed out again, to any loader, once that loader
 *		closes the file, or after some time without a fill. A loader
 *		that let this happen comes after the others until it fills, as does
 *		a file that is open for reading only. Turns are taken among the
 *		records that have not been read: a loader that reads no more than
 *		it can fetch at a time keeps them.
 *		Ranges of demands and hints may overlap, and a demand may follow
 *		for a range that a hint has asked for: a loader keeps track of
 *		the ranges that it fetches. When the image has become longer, the
 *		next record of each open file is of that
 *		(DM_INCREMENTAL_REQUEST_GROWN).
 * poll()	POLLIN: read() would return a record. POLLOUT: always, but
 *		POLLIN and POLLHUP once the store is gone.
 * write()	fills: the bytes of the image file at the file position (pwrite:
 *		at the offset) have arrived. The offset must be a multiple of
 *		the chunk size (else EINVAL). Whole chunks are taken, a rest
 *		shorter than a chunk is left (a short count; EINVAL if nothing
 *		else was given). Chunks that are present already, and the image's
 *		heads and presence bitmaps, are accepted and ignored: the first
 *		fill wins. Only suspect chunks are overwritten: a read has found
 *		damage that rests on them, or DM_INCREMENTAL_DISCARD_REFETCH was
 *		used. EFBIG: starts at or past the end of the image; bytes past
 *		it are left. EIO, ENOSPC: the backing device failed; the
 *		chunks stay absent, or suspect. EROFS: it is read-only, and not
 *		all of the image is present.
 * lseek()	SEEK_SET, SEEK_CUR, SEEK_END as in a file of the image's size;
 *		SEEK_HOLE finds the next absent chunk (or the end), SEEK_DATA
 *		the next present one (ENXIO: none).
 * fsync()	commits: chunks that were filled before stay present over a crash.
 *
 * In a structure from userspace an unknown flag, or a reserved field that is not 0,
 * is refused with EINVAL; in one from the kernel reserved fields are 0.
 */
#ifndef _UAPI_LINUX_DM_INCREMENTAL_H
#define _UAPI_LINUX_DM_INCREMENTAL_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define DM_INCREMENTAL_ABI_VERSION	1

/**
 * struct dm_incremental_features - the interface of this kernel
 * @abi_version: DM_INCREMENTAL_ABI_VERSION of the kernel. A loader refuses one
 *	that it does not know
 * @request_size: bytes of a record that read() returns, a multiple of 8. A kernel
 *	that tells more of a request has larger ones, with new fields at the end
 * @features: bits for additions to this version; none is defined yet
 * @reserved: 0
 */
struct dm_incremental_features {
	__u32	abi_version;
	__u32	request_size;
	__u64	features;
	__u64	reserved[2];
};

/**
 * struct dm_incremental_request - a range of the image file that is wanted
 * @offset: bytes from the start of the image file, a multiple of the chunk size
 * @length: bytes, a multiple of the chunk size, not 0
 * @id: the same when the request is handed out again
 * @since: ns of CLOCK_MONOTONIC when it was first wanted
 * @flags: DM_INCREMENTAL_REQUEST_* flags; one that a loader does not know may be
 *	ignored
 * @pid: process that waits, or the first of several, as the loader's PID namespace
 *	numbers it; 0 for a hint, and where that namespace does not know it
 * @tid: its thread that has read, likewise
 * @uid: its user, as the loader's user namespace numbers it; 0 for a hint
 * @reserved: 0
 */
struct dm_incremental_request {
	__u64	offset;
	__u64	length;
	__u64	id;
	__u64	since;
	__u32	flags;
	__u32	pid;
	__u32	tid;
	__u32	uid;
	__u32	reserved[4];
};

#define DM_INCREMENTAL_REQUEST_HINT	(1u << 0)	/* no read waits: readahead */
#define DM_INCREMENTAL_REQUEST_REFETCH	(1u << 1)	/* it may be there, damaged */
#define DM_INCREMENTAL_REQUEST_AGAIN	(1u << 2)	/* was handed out before */

/*
 * The image in use has become longer: a table of a later generation than any
 * before was loaded, whose segment has mostly just been appended to the image
 * file. Every loader is told, once for all that came since it opened the node or
 * was told last, before it is asked for any of it. The range is the first chunk
 * after the generation that it knew; it is present, and is not to be fetched.
 * DM_INCREMENTAL_IOC_INFO tells how long the image is, and the root digest to go
 * with it. No other flag goes with it.
 */
#define DM_INCREMENTAL_REQUEST_GROWN	(1u << 3)

/**
 * struct dm_incremental_unavailable - a range that cannot be had
 * @offset: bytes, a multiple of the chunk size
 * @length: bytes, a multiple of the chunk size
 * @flags: 0
 * @reserved: 0
 *
 * Reads that wait for a chunk in the range fail now with EIO, not at their
 * timeout. It is not remembered: a later read asks again. The file must be
 * open for writing (EBADF).
 */
struct dm_incremental_unavailable {
	__u64	offset;
	__u64	length;
	__u32	flags;
	__u32	reserved;
};

/**
 * struct dm_incremental_read - read present bytes of the image file
 * @offset: bytes, a multiple of 4096
 * @length: bytes, a multiple of 4096, at most DM_INCREMENTAL_READ_MAX
 * @buffer: address of @length bytes that receive the image's bytes
 * @flags: 0
 * @reserved: 0
 *
 * Fails with ENODATA if any chunk in the range is absent, or suspect: a loader is
 * to bring those anew, not to use them; EINVAL if the range is
 * unaligned, too long or past the end of the image.
 */
struct dm_incremental_read {
	__u64	offset;
	__u64	length;
	__u64	buffer;
	__u32	flags;
	__u32	reserved;
};

#define DM_INCREMENTAL_READ_MAX		(1u << 20)

/**
 * struct dm_incremental_missing - the next range that a fill would write
 * @offset: in: bytes, the start of the search, a multiple of the chunk size. Out:
 *	the start of the first chunk that is absent or suspect
 * @length: in: bytes to search, a multiple of the chunk size. Out: bytes of such
 *	chunks from there on, within the searched range
 * @flags: 0
 * @reserved: 0
 *
 * (lseek() finds absent chunks only.) Fails with ENXIO if there is none, with
 * EINVAL if the range is empty, unaligned or past the end of the image.
 */
struct dm_incremental_missing {
	__u64	offset;
	__u64	length;
	__u32	flags;
	__u32	reserved;
};

/**
 * struct dm_incremental_info - what this store holds, and what its reader trusts
 * @image_size: bytes of the image file, all segments together. It only ever
 *	grows, and holds @generation
 * @present: bytes of it that are present
 * @chunk_size: bytes
 * @generation: the highest generation that a device has open
 * @digest_size: bytes used of @root_digest
 * @salt_size: bytes used of @salt
 * @hash_name: hash algorithm, zero-terminated
 * @root_digest: from the table of the device that has @generation open, so as
 *	trustworthy as that table
 * @salt: likewise
 * @reserved: 0
 */
struct dm_incremental_info {
	__u64	image_size;
	__u64	present;
	__u32	chunk_size;
	__u32	generation;
	__u32	digest_size;
	__u32	salt_size;
	char	hash_name[32];
	__u8	root_digest[64];
	__u8	salt[256];
	__u64	reserved[4];
};

/**
 * struct dm_incremental_discard - a range whose chunks are to be absent
 * @offset: bytes, a multiple of the chunk size
 * @length: bytes, a multiple of the chunk size
 * @flags: DM_INCREMENTAL_DISCARD_* flags
 * @reserved: 0
 *
 * When this returns no new read uses the bytes stored there: it waits as for any
 * absent chunk. Reads under way get right bytes, or start over. The bytes are not
 * touched. fsync() makes it durable. Absent chunks stay absent.
 *
 * With DM_INCREMENTAL_DISCARD_REFETCH, which goes with no other flag, the range is damaged:
 * no chunk becomes absent, but its present chunks are suspect from now on, and all of
 * it is queued as a hint, with DM_INCREMENTAL_REQUEST_REFETCH for suspect chunks.
 * Reads go on to use these, as each verifies its bytes. The next fill of a chunk
 * overwrites it, which ends the suspicion; so does a discard without this flag,
 * and the end of the store. Suspicion is not written to the image.
 *
 * With DM_INCREMENTAL_DISCARD_PUNCH it is made durable at once, and then the range is
 * discarded on the backing device, which gives back the space in the file of a
 * loop device. No fill can come in between.
 *
 * With DM_INCREMENTAL_DISCARD_COLD only those chunks of it are discarded that no read of a
 * device has needed since the last discard with this flag. (The first one only
 * begins to note that.) A read from the page cache does not count, nor does one of
 * metadata.
 *
 * Any process with a file that is open for writing (else EBADF) may call it. It
 * cannot make a read return wrong bytes, but all reads of the range depend on a
 * loader and its origin from now on, so it can cost availability and the bytes
 * to fetch again. It waits for metadata reads and fills that are under way.
 *
 * Fails with EINVAL if the range is empty, unaligned or past the end of the
 * image, touches a head or a presence bitmap, or if a flag is unknown or does not
 * go with another; EROFS if the backing device is read-only; with
 * DM_INCREMENTAL_DISCARD_PUNCH with EOPNOTSUPP if it cannot discard, and nothing is done.
 * After another error part of it is done.
 */
struct dm_incremental_discard {
	__u64	offset;
	__u64	length;
	__u32	flags;
	__u32	reserved;
};

#define DM_INCREMENTAL_DISCARD_REFETCH	(1u << 0)	/* damaged: ask for it anew */
#define DM_INCREMENTAL_DISCARD_PUNCH	(1u << 1)	/* give back its space */
#define DM_INCREMENTAL_DISCARD_COLD	(1u << 2)	/* only chunks that were not read */

#define DM_INCREMENTAL_IOC_MAGIC	0xE7
#define DM_INCREMENTAL_IOC_FEATURES \
	_IOR(DM_INCREMENTAL_IOC_MAGIC, 0, struct dm_incremental_features)
#define DM_INCREMENTAL_IOC_UNAVAILABLE \
	_IOW(DM_INCREMENTAL_IOC_MAGIC, 1, struct dm_incremental_unavailable)
#define DM_INCREMENTAL_IOC_READ \
	_IOW(DM_INCREMENTAL_IOC_MAGIC, 2, struct dm_incremental_read)
#define DM_INCREMENTAL_IOC_INFO \
	_IOR(DM_INCREMENTAL_IOC_MAGIC, 3, struct dm_incremental_info)
#define DM_INCREMENTAL_IOC_DISCARD \
	_IOW(DM_INCREMENTAL_IOC_MAGIC, 4, struct dm_incremental_discard)
#define DM_INCREMENTAL_IOC_MISSING \
	_IOWR(DM_INCREMENTAL_IOC_MAGIC, 5, struct dm_incremental_missing)

/*
 * DM_INCREMENTAL_IOC_NO_READAHEAD: until this file is closed, readahead of the devices on
 * this store fails at once, whether its data are present or not, and leaves no hint. So
 * each read that still comes is one for a program, of no more than the filesystem reads
 * at a time: to record these. A kernel before this call answers ENOTTY. Fails with
 * EOPNOTSUPP if the table of a device does not say "absent_readahead hint": its
 * filesystem may not be ready for that.
 */
#define DM_INCREMENTAL_IOC_NO_READAHEAD	_IO(DM_INCREMENTAL_IOC_MAGIC, 6)

#endif /* _UAPI_LINUX_DM_INCREMENTAL_H */
