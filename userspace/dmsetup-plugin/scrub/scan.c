// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * scrub: read from the disk and check; see scan.h.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "common/message.h"
#include "dmsetup-plugin/scrub/scan.h"
#include "libincremental/exact.h"

#define PIECE		(1u << 20)	/* read and checked at once */
#define THREADS_MAX	4
#define DAMAGES_MAX	(1u << 16)	/* then there is nothing to be saved */

volatile sig_atomic_t scrub_signal;

/* A range of whole pages, from the disk. Return: 0 or -errno. */
static int read_disk(const struct scrub *scrub, u64 offset, size_t length,
		     u8 *buffer)
{
	int ret;

	/* Bytes that cannot be read past the page cache are at least not kept in it. */
	if (!scrub->direct)
		posix_fadvise(scrub->fd, (off_t)offset, (off_t)length,
			      POSIX_FADV_DONTNEED);
	ret = incr_read_exactly(scrub->fd, offset, buffer, length);
	return ret == -ENODATA ? -EIO : ret;
}

size_t damage_after(const struct damages *damages, u64 offset)
{
	size_t low = 0, high = damages->sorted;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct damage *damage = &damages->list[middle];

		if (damage->offset + damage->length > offset)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/*
 * Do earlier scans know any byte of the range to be damaged metadata? settle()
 * deals with pages that this scan finds wrong because of others.
 */
static bool is_refused(struct scrub *scrub, u64 offset, u64 length)
{
	const struct damages *damages = &scrub->damages;
	bool refused = false;
	size_t i;

	if (!scrub->refuse)
		return false;
	pthread_mutex_lock(&scrub->lock);
	for (i = damage_after(damages, offset); !refused &&
	     i < damages->sorted && damages->list[i].offset < offset + length;
	     i++)
		refused = damages->list[i].area != INCR_AREA_DATA &&
			  damages->list[i].state != DAMAGE_HEALED;
	pthread_mutex_unlock(&scrub->lock);
	return refused;
}

int scrub_read(void *context, u64 offset, size_t length, void *buffer,
	       struct incr_error *error)
{
	struct scrub *scrub = context;
	u64 start = offset & ~(u64)(SCRUB_ALIGN - 1), hole, hole_end;
	u64 end = (offset + length + SCRUB_ALIGN - 1) & ~(u64)(SCRUB_ALIGN - 1);
	u8 *pages;
	int err;

	err = device_next_absent(&scrub->device, offset, offset + length, &hole,
				 &hole_end);
	if (err || is_refused(scrub, offset, length))
		return incr_fail(error, err < 0 ? err : -ENODATA,
				 "bytes at offset %llu are %s",
				 (unsigned long long)offset,
				 err ? "absent" : "damaged");
	pages = aligned_alloc(SCRUB_ALIGN, end - start);
	if (!pages)
		return incr_fail(error, -ENOMEM, "out of memory");
	err = read_disk(scrub, start, end - start, pages);
	if (err)
		incr_fail(error, err, "cannot read at offset %llu: %s",
			  (unsigned long long)offset, strerror(-err));
	else
		memcpy(buffer, pages + (offset - start), length);
	free(pages);
	return err;
}

static void fail(struct scrub *scrub, int err, const struct incr_error *error)
{
	pthread_mutex_lock(&scrub->lock);
	if (!atomic_exchange(&scrub->failed, err))
		scrub->error = *error;
	pthread_mutex_unlock(&scrub->lock);
}

static enum verdict check(struct scrub *scrub, u64 offset, u64 length,
			  u8 *buffer, struct incr_error *error)
{
	int err = read_disk(scrub, offset, length, buffer);

	if (err) {
		incr_fail(error, err, "cannot be read: %s", strerror(-err));
		return VERDICT_BAD;
	}
	err = incr_image_verify(scrub->image, offset, length, buffer, error);
	switch (err) {
	case 0:
		return VERDICT_GOOD;
	case -EBADMSG:
	case -EINVAL:
		return VERDICT_BAD;
	case -ENOMEM:
		fail(scrub, err, error);
		return VERDICT_FAILED;
	default:
		return VERDICT_UNKNOWN;
	}
}

enum verdict scrub_chunk(struct scrub *scrub, u64 offset, void *buffer)
{
	u32 chunk = scrub->device.chunk;
	struct incr_error error = { "" };
	enum verdict verdict;
	u64 start, end;
	int err;

	verdict = check(scrub, offset, chunk, buffer, &error);
	if (verdict == VERDICT_GOOD || verdict == VERDICT_FAILED)
		return verdict;
	/* It may have been healed, or discarded, while we read. */
	err = device_next_absent(&scrub->device, offset, offset + chunk, &start,
				 &end);
	if (err > 0)
		return VERDICT_GONE;
	if (err < 0) {
		incr_fail(&error, err, "%s: %s", scrub->device.path,
			  strerror(-err));
		fail(scrub, err, &error);
		return VERDICT_FAILED;
	}
	if (verdict == VERDICT_BAD)
		verdict = check(scrub, offset, chunk, buffer, &error);
	if (verdict == VERDICT_BAD)
		message_debug("chunk at offset %llu: %s",
			      (unsigned long long)offset, error.text);
	return verdict;
}

/* By an earlier scan: this one comes to each chunk once. */
static bool is_known(const struct damages *damages, u64 offset)
{
	size_t i = damage_after(damages, offset);

	return i < damages->sorted && damages->list[i].offset <= offset;
}

static void add_damage(struct scrub *scrub, u64 offset)
{
	struct damages *damages = &scrub->damages;
	struct damage *last;
	struct damage damage = {
		.offset = offset,
		.length = scrub->device.chunk,
		.area = incr_image_area(scrub->image, offset),
	};
	struct incr_error error;
	int err = 0;

	pthread_mutex_lock(&scrub->lock);
	last = damages->count ? &damages->list[damages->count - 1] : NULL;
	if (is_known(damages, offset)) {
		/* It has not changed. */
	} else if (last && last->offset + last->length == offset &&
		   last->area == damage.area && last->state == damage.state) {
		last->length += damage.length;
	} else if (damages->count == DAMAGES_MAX) {
		err = incr_fail(&error, -EBADMSG,
				"more than %u ranges are damaged", DAMAGES_MAX);
	} else {
		if (damages->count == damages->room) {
			size_t room = damages->room ? 2 * damages->room : 64;
			void *more = realloc(damages->list,
					     room * sizeof(*damages->list));

			if (more) {
				damages->list = more;
				damages->room = room;
			} else {
				err = incr_fail(&error, -ENOMEM,
						"out of memory");
			}
		}
		if (!err)
			damages->list[damages->count++] = damage;
	}
	pthread_mutex_unlock(&scrub->lock);
	if (err)
		fail(scrub, err, &error);
}

/* The next present range to check; false: that was all. */
static bool next_piece(struct scrub *scrub, u64 *start, u64 *end)
{
	bool found = false;

	pthread_mutex_lock(&scrub->lock);
	while (!found && scrub->segment < incr_image_segments(scrub->image)) {
		const struct inc_segment *seg =
			incr_image_segment_at(scrub->image, scrub->segment);
		u64 first = scrub->data ? seg->data_offset : seg->meta_offset;
		u64 stop = scrub->data ? seg->end : seg->data_offset;
		u64 limit;

		if (scrub->cursor < first)
			scrub->cursor = first;
		found = device_next_present(&scrub->device, scrub->cursor, stop,
					    start, end) > 0;
		if (!found) {
			scrub->segment++;
			continue;
		}
		limit = (*start / PIECE + 1) * PIECE;
		if (*end > limit)
			*end = limit;
		scrub->cursor = *end;
	}
	pthread_mutex_unlock(&scrub->lock);
	return found;
}

static void check_piece(struct scrub *scrub, u64 start, u64 end, u8 *buffer)
{
	u32 chunk = scrub->device.chunk;
	struct incr_error error;

	if (check(scrub, start, end - start, buffer, &error) == VERDICT_GOOD) {
		atomic_fetch_add(&scrub->checked[scrub->data], end - start);
		return;
	}
	for (; start < end && !atomic_load(&scrub->failed); start += chunk) {
		switch (scrub_chunk(scrub, start, buffer)) {
		case VERDICT_BAD:
			add_damage(scrub, start);
			/* fall through */
		case VERDICT_GOOD:
			atomic_fetch_add(&scrub->checked[scrub->data], chunk);
			break;
		case VERDICT_UNKNOWN:
			atomic_fetch_add(&scrub->unchecked[scrub->data], chunk);
			break;
		default:
			break;
		}
	}
}

static void show_progress(const struct scrub *scrub)
{
	u64 done = atomic_load(&scrub->done);

	if (done > scrub->present)
		done = scrub->present;
	message_progress("%5.1f %% of the present bytes are checked, %zu damaged",
			 100.0 * (double)done / (double)scrub->present,
			 scrub->damages.count);
}

static void *scan(void *context)
{
	struct scrub *scrub = context;
	u8 *buffer = aligned_alloc(SCRUB_ALIGN, PIECE);
	struct incr_error error;
	u64 start, end;

	if (!buffer) {
		incr_fail(&error, -ENOMEM, "out of memory");
		fail(scrub, -ENOMEM, &error);
		return NULL;
	}
	while (!scrub_signal && !atomic_load(&scrub->failed) &&
	       next_piece(scrub, &start, &end)) {
		check_piece(scrub, start, end, buffer);
		atomic_fetch_add(&scrub->done, end - start);
		show_progress(scrub);
	}
	free(buffer);
	return NULL;
}

static int by_offset(const void *left, const void *right)
{
	const struct damage *a = left, *b = right;

	return (a->offset > b->offset) - (a->offset < b->offset);
}

/* Threads have found neighbours apart from each other. */
static void sort_damages(struct damages *damages)
{
	size_t i, kept = 0;

	if (!damages->count)
		return;
	qsort(damages->list, damages->count, sizeof(*damages->list), by_offset);
	for (i = 1; i < damages->count; i++) {
		struct damage *last = &damages->list[kept];
		const struct damage *damage = &damages->list[i];

		if (last->offset + last->length == damage->offset &&
		    last->area == damage->area && last->state == damage->state)
			last->length += damage->length;
		else
			damages->list[++kept] = *damage;
	}
	damages->count = damages->sorted = kept + 1;
}

int scrub_scan(struct scrub *scrub, bool data)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	pthread_t threads[THREADS_MAX];
	unsigned int i, more = 0;

	scrub->data = data;
	scrub->cursor = 0;
	scrub->segment = 0;
	atomic_store(&scrub->checked[data], 0);
	atomic_store(&scrub->unchecked[data], 0);
	while (more < THREADS_MAX && more + 1 < cpus &&
	       !pthread_create(&threads[more], NULL, scan, scrub))
		more++;
	/* One thread will do, so that others cannot be started is no error. */
	scan(scrub);
	for (i = 0; i < more; i++)
		pthread_join(threads[i], NULL);
	sort_damages(&scrub->damages);
	return atomic_load(&scrub->failed);
}
