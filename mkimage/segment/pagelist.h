/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Metadata pages in the order of their numbers, equal ones stored once. A
 * directory is made of it.
 */
#ifndef MKIMAGE_PAGELIST_H
#define MKIMAGE_PAGELIST_H

#include "segment/digestmap.h"
#include "spool.h"

/*
 * A run. @at: number of its first page in the spool, or if @old, in 4096 bytes
 * from the start of the image: an earlier segment has it.
 */
struct pagelist_run {
	u64 first;		/* number of its first page */
	u64 pages;
	u64 at;
	bool repeat;
	bool old;
};

/**
 * struct pagelist_runs - counts over all lists that will share a directory
 * @count: runs
 * @old: those of them that earlier segments have
 * @step: how many runs may refer to a page that is stored already before that
 *	has to save more; see pagelist.c
 * @leading: pages that pagelist_lead() has taken
 */
struct pagelist_runs {
	u32 count;
	u32 old;
	u32 step;
	u32 leading;
};

/* The step of a segment that stands for itself. */
#define PAGELIST_STEP	32768u

/* Pages of a directory that may lead: each may make two runs more. */
#define PAGELIST_LEADING_MAX	8192u

/**
 * struct pagelist - pages and where they are stored
 * @spool: the pages, each content once
 * @runs: as in a directory
 * @pages: how many there are, the pending ones not counted
 * @looks: the same with pages that a run repeats counted as one, or as a few
 * @leading: of the stored pages, how many come first in the file
 * @order: number in the spool of each stored page, in file order; NULL: as they are
 *	there. The runs' @at is a place in that order.
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
	u64 leading;
	u64 *order;

	u8 *lead;			/* for each stored page: does it lead? */
	struct digestmap known;		/* number of a stored page, plus 1 */

	u64 pending;			/* copies of the page below */
	u8 pending_digest[INC_SHA256_SIZE];
	u8 pending_page[INC_PAGE_SIZE];
};

/* Return: 0, or -1 after an error message; freed by pagelist_free(). */
int pagelist_init(struct pagelist *list, const char *dir);
void pagelist_free(struct pagelist *list);

/**
 * pagelist_add - add copies of a page at the end
 * @digest: identifies @page
 * @copies: at least 1
 * @runs: updated
 *
 * Return: 0, or a negative errno after an error message.
 */
int pagelist_add(struct pagelist *list, const void *page, const u8 *digest,
		 u64 copies, struct pagelist_runs *runs);

/**
 * pagelist_refer - add pages that an earlier segment has
 * @file_page: where the first is, in 4096 bytes from the start of the image
 * @pages: at least 1
 * @repeat: they are all at @file_page
 *
 * Return: as pagelist_add().
 */
int pagelist_refer(struct pagelist *list, u64 file_page, u64 pages,
		   bool repeat, struct pagelist_runs *runs);

/*
 * An upper bound of the pages that a reader of all of @list looks at; a page
 * that a run repeats counts once.
 */
u64 pagelist_looks(const struct pagelist *list,
		   const struct pagelist_runs *runs);

/* Nothing more comes. Return: as pagelist_add(). */
int pagelist_finish(struct pagelist *list, struct pagelist_runs *runs);

/*
 * Then: page @number is to be among those that come first in the file, as far as there
 * is room in a directory (PAGELIST_LEADING_MAX) and no earlier segment has it.
 * Return: as above.
 */
int pagelist_lead(struct pagelist *list, u64 number, struct pagelist_runs *runs);

/* Put them first, when all of them are known. Return: as above. */
int pagelist_gather(struct pagelist *list, struct pagelist_runs *runs);

#endif /* MKIMAGE_PAGELIST_H */
