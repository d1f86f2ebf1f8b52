// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Lookups in an open image: raw bytes, segments, heads, and views of generations.
 * Opening and closing are in image.c, above.
 */
#include <stdlib.h>
#include "libincremental/internal.h"

/* Views of other generations than the open one that are kept unused. */
#define VIEWS_KEPT	4

struct inc_views {
	pthread_mutex_t lock;
	struct inc_view *list;		/* last used first */
};

/* Read bytes of the image through its incr_io. */
int incr_raw_read(struct incr_image *image, u64 offset, size_t length,
		  void *buffer, struct incr_error *error)
{
	int ret;

	if (offset > image->size || length > image->size - offset)
		return incr_fail(error, -EINVAL,
				 "range %llu+%zu reaches past the end of the image (%llu bytes)",
				 (unsigned long long)offset, length,
				 (unsigned long long)image->size);
	if (error)
		error->text[0] = '\0';
	ret = image->io.read(image->io.context, offset, length, buffer, error);
	if (ret && error && !error->text[0])
		incr_fail(error, ret, "cannot read %zu bytes at offset %llu: %s",
			  length, (unsigned long long)offset, strerror(-ret));
	return ret;
}

/* The segment with byte @offset of the image; NULL past the end. */
const struct inc_segment *incr_segment_holding(const struct incr_image *image,
					       u64 offset)
{
	u32 low = 0, high = image->segment_count;

	if (offset >= image->size)
		return NULL;
	while (high - low > 1) {
		u32 middle = low + (high - low) / 2;

		if (image->segments[middle].offset <= offset)
			low = middle;
		else
			high = middle;
	}
	return &image->segments[low];
}

/* Is @head, seg->head_size bytes, the head that was parsed, with a digest that fits? */
bool incr_head_good(const struct inc_segment *seg, const u8 *head)
{
	const struct inc_super *super = (const struct inc_super *)head;
	u8 digest[INC_SHA256_SIZE];

	incr_head_digest(head, seg->head_size, digest);
	return !memcmp(digest, seg->head_digest, sizeof(digest)) &&
	       !memcmp(digest, super->head_digest, sizeof(digest));
}

/**
 * incr_head_read - read a segment's head and check its digest
 * @head: set to seg->head_size bytes that the caller frees
 */
int incr_head_read(struct incr_image *image, const struct inc_segment *seg,
		   u8 **head, struct incr_error *error)
{
	int ret;

	*head = malloc(seg->head_size);
	if (!*head)
		return incr_fail(error, -ENOMEM, "out of memory for the head");
	ret = incr_raw_read(image, seg->offset, seg->head_size, *head, error);
	if (ret)
		goto fail;
	if (!incr_head_good(seg, *head)) {
		ret = incr_fail(error, -EBADMSG,
				"head of generation %u (offset %llu) does not match its digest: it is corrupt",
				seg->generation,
				(unsigned long long)seg->offset);
		goto fail;
	}
	return 0;
fail:
	free(*head);
	*head = NULL;
	return ret;
}

static void view_free(struct inc_view *view)
{
	if (!view)
		return;
	free(view->map_runs);
	free(view->tree_runs);
	free(view->tree_back.runs);
	free(view);
}

static int back_compare(const void *left, const void *right)
{
	const struct inc_back *a = left, *b = right;

	if (a->file_page != b->file_page)
		return a->file_page < b->file_page ? -1 : 1;
	if (a->pages != b->pages)
		return a->pages > b->pages ? -1 : 1;
	return a->first < b->first ? -1 : a->first > b->first;
}

/*
 * Sort a directory's runs by their place in the file and leave out those that
 * lie inside others: then both the starts and the ends go up.
 */
static int back_make(struct inc_back_index *index, const struct inc_run *runs,
		     u32 count, u64 pages)
{
	struct inc_back *back = calloc(count ? count : 1, sizeof(*back));
	u32 i, kept = 0;
	u64 end = 0;

	if (!back)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		u64 next = i + 1 < count ? le32_to_cpu(runs[i + 1].first) :
					   pages;

		back[i].first = le32_to_cpu(runs[i].first);
		back[i].file_page = le64_to_cpu(runs[i].file_page);
		back[i].pages = le32_to_cpu(runs[i].flags) & INC_RUN_REPEAT ?
				1 : next - back[i].first;
	}
	qsort(back, count, sizeof(*back), back_compare);
	for (i = 0; i < count; i++) {
		if (back[i].file_page + back[i].pages <= end)
			continue;
		end = back[i].file_page + back[i].pages;
		back[kept++] = back[i];
	}
	index->runs = back;
	index->count = kept;
	return 0;
}

/* Find a page of the directory that is stored at @file_page. */
bool incr_back_find(const struct inc_back_index *index, u64 file_page,
		    u64 *page)
{
	const struct inc_back *back = index->runs;
	u32 low = 0, high = index->count;

	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (back[middle].file_page <= file_page)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || file_page - back[low - 1].file_page >= back[low - 1].pages)
		return false;
	*page = back[low - 1].first + file_page - back[low - 1].file_page;
	return true;
}

static int directory_copy(const u8 *head, const struct inc_segment *seg,
			  const char *name, u32 offset, u32 count, u64 pages,
			  struct inc_run **runs, struct incr_error *error)
{
	size_t bytes = (size_t)count * sizeof(**runs);
	const char *why;

	*runs = malloc(bytes ? bytes : 1);
	if (!*runs)
		return incr_fail(error, -ENOMEM, "out of memory for a directory");
	memcpy(*runs, head + offset, bytes);
	if (count && dm_inc_dir_check(*runs, count, pages, seg->end, &why))
		return incr_fail(error, -EINVAL,
				 "%s directory of generation %u: %s", name,
				 seg->generation, why);
	return 0;
}

/**
 * incr_view_load - make a view of a segment's generation
 * @result: set on success; freed by incr_views_free() once it is the image's
 */
int incr_view_load(struct incr_image *image, const struct inc_segment *seg,
		   struct inc_view **result, struct incr_error *error)
{
	struct inc_view *view = calloc(1, sizeof(*view));
	u8 *head = NULL;
	int ret;

	if (!view)
		return incr_fail(error, -ENOMEM, "out of memory");
	view->seg = seg;
	ret = incr_head_read(image, seg, &head, error);
	if (!ret)
		ret = directory_copy(head, seg, "map", seg->map_dir_offset,
				     seg->map_runs, seg->map_pages,
				     &view->map_runs, error);
	if (!ret)
		ret = directory_copy(head, seg, "tree", seg->tree_dir_offset,
				     seg->tree_runs, seg->tree.pages,
				     &view->tree_runs, error);
	if (!ret && back_make(&view->tree_back, view->tree_runs, seg->tree_runs,
			      seg->tree.pages))
		ret = incr_fail(error, -ENOMEM, "out of memory for a directory");
	free(head);
	if (ret) {
		view_free(view);
		return ret;
	}
	*result = view;
	return 0;
}

/* Return: whether there was memory for other generations' views. */
bool incr_views_new(struct incr_image *image)
{
	image->views = calloc(1, sizeof(*image->views));
	if (image->views)
		pthread_mutex_init(&image->views->lock, NULL);
	return image->views;
}

/**
 * incr_view_get - the view of any generation
 *
 * Return: given back with incr_view_put(); NULL on failure.
 */
struct inc_view *incr_view_get(struct incr_image *image, u32 generation,
			       struct incr_error *error)
{
	struct inc_views *views = image->views;
	struct inc_view **link, *view;

	if (generation == image->view->seg->generation)
		return image->view;

	pthread_mutex_lock(&views->lock);
	for (link = &views->list; *link; link = &(*link)->next)
		if ((*link)->seg->generation == generation)
			break;
	view = *link;
	if (view)
		*link = view->next;
	else if (incr_view_load(image, &image->segments[generation], &view,
				error))
		view = NULL;
	if (view) {
		view->next = views->list;
		views->list = view;
		view->users++;
	}
	pthread_mutex_unlock(&views->lock);
	return view;
}

void incr_view_put(struct incr_image *image, struct inc_view *view)
{
	struct inc_views *views = image->views;
	struct inc_view **link;
	u32 kept = 0;

	if (!view || view == image->view)
		return;
	pthread_mutex_lock(&views->lock);
	view->users--;
	for (link = &views->list; *link;) {
		struct inc_view *old = *link;

		if (!old->users && kept >= VIEWS_KEPT) {
			*link = old->next;
			view_free(old);
			continue;
		}
		kept += !old->users;
		link = &old->next;
	}
	pthread_mutex_unlock(&views->lock);
}

/* Free all views of the image, the open generation's among them. */
void incr_views_free(struct incr_image *image)
{
	if (image->views) {
		while (image->views->list) {
			struct inc_view *view = image->views->list;

			image->views->list = view->next;
			view_free(view);
		}
		pthread_mutex_destroy(&image->views->lock);
		free(image->views);
	}
	view_free(image->view);
}

enum incr_area incr_image_area(const struct incr_image *image, u64 offset)
{
	const struct inc_segment *seg = incr_segment_holding(image, offset);
	/* Views are loaded on demand, which changes nothing that shows. */
	struct incr_image *writable = (struct incr_image *)image;
	enum incr_area area = INCR_AREA_META_PADDING;
	struct inc_view *view;
	u64 page;

	if (!seg || offset >= seg->data_offset)
		return INCR_AREA_DATA;
	if (offset < seg->bitmap_offset)
		return INCR_AREA_HEAD;
	if (offset < seg->meta_offset)
		return INCR_AREA_BITMAP;
	if (inc_within(offset, seg->owners_offset, seg->owners_size))
		return INCR_AREA_OWNERS;
	if (inc_within(offset, seg->dictionary_offset, seg->dictionary_size))
		return INCR_AREA_DICTIONARY;
	if (inc_within(offset, seg->guarded_offset, seg->guarded_size))
		return INCR_AREA_MAP;
	if (inc_within(offset, seg->guard_offset,
		       seg->guard.pages << INC_PAGE_SHIFT))
		return INCR_AREA_GUARD;

	view = incr_view_get(writable, seg->generation, NULL);
	if (!view)
		return area;
	if (incr_back_find(&view->tree_back, offset >> INC_PAGE_SHIFT, &page))
		area = INCR_AREA_TREE;
	incr_view_put(writable, view);
	return area;
}
