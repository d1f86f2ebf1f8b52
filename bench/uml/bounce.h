/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For bench/uml/build, included by fs/erofs/decompressor.c: a buffer to expand into where erofs
 * would map pages side by side. A mapping is two system calls of the host in a user-mode kernel,
 * half of all that erofs does there; on a real one it costs about what the copy from here does.
 */
#include <linux/mutex.h>
#include <linux/string.h>

#define BENCH_BOUNCE_PAGES	1024

static DEFINE_MUTEX(bench_bounce_lock);
static u8 bench_bounce[BENCH_BOUNCE_PAGES << PAGE_SHIFT] __aligned(PAGE_SIZE);

/* A buffer of @count pages, locked until bench_bounce_put(); NULL: too many. */
static void *bench_bounce_get(unsigned int count)
{
	if (count > BENCH_BOUNCE_PAGES)
		return NULL;
	mutex_lock(&bench_bounce_lock);
	return bench_bounce;
}

/* To the bytes [@start, @end) of @pages: what lies beside them is another cluster's. */
static void bench_bounce_put(const u8 *from, struct page **pages, unsigned int start,
			     unsigned int end)
{
	unsigned int at, length;

	for (at = start; at < end; at += length) {
		length = min_t(unsigned int, end - at, PAGE_SIZE - offset_in_page(at));
		memcpy(page_address(pages[at >> PAGE_SHIFT]) + offset_in_page(at), from + at, length);
	}
	mutex_unlock(&bench_bounce_lock);
}
