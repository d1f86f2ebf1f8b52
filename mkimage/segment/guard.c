// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writing a guard; see guard.h. One page of each level is kept.
 */
#include "io.h"
#include "segment/guard.h"
#include "spool.h"

static int add_digest(struct guard *guard, u32 number, const u8 *digest);

/* A level's page is complete: write it, and hash it into the level above. */
static int put_page(struct guard *guard, u32 number)
{
	struct guard_level *level = &guard->level[number];
	u64 page = guard->tree.first[number] + level->pages++;
	u8 digest[INC_SHA256_SIZE];
	int ret;

	memset(level->page + level->fill, 0, INC_PAGE_SIZE - level->fill);
	level->fill = 0;
	ret = write_all(guard->fd, guard->offset + (page << INC_PAGE_SHIFT),
			level->page, INC_PAGE_SIZE, guard->name);
	if (ret)
		return ret;
	incr_hash_digest(guard->hash, level->page, INC_PAGE_SIZE, digest);
	return add_digest(guard, number + 1, digest);
}

static int add_digest(struct guard *guard, u32 number, const u8 *digest)
{
	struct guard_level *level = &guard->level[number];

	if (number == guard->tree.levels) {
		memcpy(guard->root, digest, sizeof(guard->root));
		return 0;
	}
	memcpy(level->page + level->fill, digest, INC_SHA256_SIZE);
	level->fill += INC_SHA256_SIZE;
	return level->fill == INC_PAGE_SIZE ? put_page(guard, number) : 0;
}

int guard_add(struct guard *guard, const void *page)
{
	u8 digest[INC_SHA256_SIZE];

	incr_hash_digest(guard->hash, page, INC_PAGE_SIZE, digest);
	return add_digest(guard, 0, digest);
}

int guard_finish(struct guard *guard)
{
	int ret = 0;
	u32 i;

	for (i = 0; !ret && i < guard->tree.levels; i++)
		if (guard->level[i].fill)
			ret = put_page(guard, i);
	return ret;
}
