/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Metadata pages in the order of their numbers, equal ones stored once: what
 * becomes a directory.
 */
#ifndef MKIMAGE_PAGELIST_H
#define MKIMAGE_PAGELIST_H

#include "hash.h"
#include "spool.h"

struct pagelist_run {
	u64 first;		/* number of its first page */
	u64 pages;
	u64 stored;		/* number of its first page in the spool */
	bool repeat;
};

struct pagelist_known;

/**
 * struct pagelist - pages and where they are stored
 * @spool: the pages, each content once
 * @runs: as in a directory
 * @pages: how many there are, the pending ones not counted
 * @looks: the same with pages that a run repeats counted as one, or as a few
 *
 * Fields are for reading only.
 */
struct pagelist {
	struct spool *spool;
	struct pagelist_run *runs;
	u32 run_count;
	u32 run_room;
	u64 pages;
	u64 stored;
	u64 looks;

	struct pagelist_known *known;	/* digest -> stored page */
	u64 known_count;
	u64 known_room;

	u64 pending;			/* copies of the page below */
	u8 pending_digest[INC_SHA256_SIZE];
	u8 pending_page[INC_PAGE_SIZE];
};

/* Return: 0, or -1 after an error message; freed by pagelist_free(). */
int pagelist_init(struct pagelist *list, const char *folder);
void pagelist_free(struct pagelist *list);

/**
 * pagelist_add - add copies of a page at the end
 * @digest: identifies @page
 * @copies: at least 1
 * @runs: runs of all the lists that will share a directory; updated
 *
 * Return: 0, or an errno below 0 after an error message.
 */
int pagelist_add(struct pagelist *list, const void *page, const u8 *digest,
		 u64 copies, u32 *runs);

/*
 * How many pages one has to look at to have seen all of @list, those that a
 * run repeats once; no less, but it may be more.
 */
u64 pagelist_looks(const struct pagelist *list, u32 runs);

/* Nothing more comes. Return: as pagelist_add(). */
int pagelist_finish(struct pagelist *list, u32 *runs);

#endif /* MKIMAGE_PAGELIST_H */
