// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Opening an image: its segments, their heads, and views of generations.
 */
#include <fcntl.h>
#include <stdlib.h>
#include "libincremental/internal.h"

/* Views of other generations than the open one that are kept unused. */
#define VIEWS_KEPT	4

struct inc_views {
	pthread_mutex_t lock;
	struct inc_view *list;		/* last used first */
};

/* Read bytes of the image through its inc_io. */
int inc_raw_read(struct inc_image *image, u64 offset, size_t length,
		 void *buffer, struct inc_error *error)
{
	int ret;

	if (offset > image->size || length > image->size - offset)
		return inc_fail(error, -EINVAL,
				"range %llu+%zu reaches past the end of the image (%llu bytes)",
				(unsigned long long)offset, length,
				(unsigned long long)image->size);
	if (error)
		error->text[0] = '\0';
	ret = image->io.read(image->io.context, offset, length, buffer, error);
	if (ret && error && !error->text[0])
		inc_fail(error, ret, "cannot read %zu bytes at offset %llu: %s",
			 length, (unsigned long long)offset, strerror(-ret));
	return ret;
}

/* Is @head, seg->head_size bytes, what was parsed, and does its digest fit? */
bool inc_head_good(const struct inc_segment *seg, const u8 *head)
{
	const struct inc_super *super = (const struct inc_super *)head;
	u8 digest[INC_SHA256_SIZE];

	inc_head_digest(head, seg->head_size, digest);
	return !memcmp(digest, seg->head_digest, sizeof(digest)) &&
	       !memcmp(digest, super->head_digest, sizeof(digest));
}

/**
 * inc_head_read - read a segment's head and check its digest
 * @head: set to seg->head_size bytes that the caller frees
 */
int inc_head_read(struct inc_image *image, const struct inc_segment *seg,
		  u8 **head, struct inc_error *error)
{
	int ret;

	*head = malloc(seg->head_size);
	if (!*head)
		return inc_fail(error, -ENOMEM, "out of memory for the head");
	ret = inc_raw_read(image, seg->offset, seg->head_size, *head, error);
	if (ret)
		goto fail;
	if (!inc_head_good(seg, *head)) {
		ret = inc_fail(error, -EBADMSG,
			       "head of generation %u (offset %llu) does not match its digest: it is damaged",
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
bool inc_back_find(const struct inc_back_index *index, u64 file_page,
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
			  struct inc_run **runs, struct inc_error *error)
{
	size_t bytes = (size_t)count * sizeof(**runs);
	const char *why;

	*runs = malloc(bytes ? bytes : 1);
	if (!*runs)
		return inc_fail(error, -ENOMEM, "out of memory for a directory");
	memcpy(*runs, head + offset, bytes);
	if (count && inc_dir_check(*runs, count, pages, seg->end, &why))
		return inc_fail(error, -EINVAL,
				"%s directory of generation %u: %s", name,
				seg->generation, why);
	return 0;
}

static int view_load(struct inc_image *image, const struct inc_segment *seg,
		     struct inc_view **result, struct inc_error *error)
{
	struct inc_view *view = calloc(1, sizeof(*view));
	u8 *head = NULL;
	int ret;

	if (!view)
		return inc_fail(error, -ENOMEM, "out of memory");
	view->seg = seg;
	ret = inc_head_read(image, seg, &head, error);
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
		ret = inc_fail(error, -ENOMEM, "out of memory for a directory");
	free(head);
	if (ret) {
		view_free(view);
		return ret;
	}
	*result = view;
	return 0;
}

/**
 * inc_view_get - the view of any generation
 *
 * Return: given back with inc_view_put(); NULL on failure.
 */
struct inc_view *inc_view_get(struct inc_image *image, u32 generation,
			      struct inc_error *error)
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
	else if (view_load(image, &image->segments[generation], &view, error))
		view = NULL;
	if (view) {
		view->next = views->list;
		views->list = view;
		view->users++;
	}
	pthread_mutex_unlock(&views->lock);
	return view;
}

void inc_view_put(struct inc_image *image, struct inc_view *view)
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

/* A segment must continue the image that the first one began. */
static const char *segment_mismatch(const struct inc_segment *first,
				    const struct inc_segment *seg)
{
	if (seg->chunk_shift != first->chunk_shift)
		return "its chunk size is not that of the first segment";
	if (strcmp(seg->hash_name, first->hash_name) ||
	    seg->digest_size != first->digest_size ||
	    seg->salt_size != first->salt_size ||
	    memcmp(seg->salt, first->salt, seg->salt_size))
		return "its hash or salt is not that of the first segment";
	return NULL;
}

/*
 * @super is not of the segment that has to come next. Say whether a layer is
 * out of place, and how to get rid of it: what is before it is good.
 */
static int layer_misplaced(const struct inc_image *image,
			   const struct inc_super *super, u64 offset,
			   struct inc_error *error)
{
	const struct inc_segment *first = image->segments;
	u32 generation = le32_to_cpu(super->generation);
	const char *what;

	if (memcmp(super->magic, INC_MAGIC, sizeof(super->magic)) ||
	    generation >= INC_SEGMENTS_MAX)
		return 0;
	if (memcmp(super->uuid, first->uuid, sizeof(super->uuid)))
		what = "it belongs to another image (UUIDs differ)";
	else if (generation < image->segment_count)
		what = "the image has that generation already, as if a layer had been appended twice";
	else if (generation > image->segment_count)
		what = "the layer that comes before it is missing";
	else
		return 0;
	return inc_fail(error, -EINVAL,
			"segment at offset %llu, generation %u: %s; \"truncate -s %llu\" cuts it off, and what is behind it",
			(unsigned long long)offset, generation, what,
			(unsigned long long)offset);
}

static int segment_read(struct inc_image *image, u64 offset, u64 size,
			struct inc_segment *seg, bool *end,
			struct inc_error *error)
{
	struct inc_super super;
	const char *why;
	int ret;

	/*
	 * A device may be larger than the image in it: zeros end it. So they do
	 * in a file to which a segment was being appended: the first sector of
	 * its superblock is written last.
	 */
	*end = offset && size - offset < sizeof(super);
	if (*end)
		return 0;
	if (size < sizeof(super))
		return inc_fail(error, -EINVAL,
				"%llu bytes are too few for an incremental image",
				(unsigned long long)size);
	ret = inc_raw_read(image, offset, sizeof(super), &super, error);
	if (ret)
		return ret;
	*end = offset && inc_all_zero(&super, INC_FIRST_SECTOR);
	if (*end)
		return 0;
	ret = offset ? layer_misplaced(image, &super, offset, error) : 0;
	if (ret)
		return ret;
	if (inc_segment_parse(&super, offset, size, seg, &why))
		return inc_fail(error, -EINVAL, "segment at offset %llu: %s",
				(unsigned long long)offset, why);
	return 0;
}

static int segments_read(struct inc_image *image, u64 size,
			 struct inc_error *error)
{
	struct inc_segment seg;
	const char *why;
	u64 offset = 0;
	bool end;
	int ret;

	for (;;) {
		ret = segment_read(image, offset, size, &seg, &end, error);
		if (ret || end)
			return ret;
		if (!(image->segment_count & (image->segment_count - 1))) {
			u32 room = image->segment_count ?
				   2 * image->segment_count : 1;
			void *more = realloc(image->segments,
					     room * sizeof(seg));

			if (!more)
				return inc_fail(error, -ENOMEM,
						"out of memory for segments");
			image->segments = more;
		}
		image->segments[image->segment_count] = seg;
		why = segment_mismatch(image->segments, &seg);
		if (why)
			return inc_fail(error, -EINVAL,
					"segment at offset %llu: %s",
					(unsigned long long)offset, why);
		image->segment_count++;
		image->size = offset = seg.end;
		if (offset >= size)
			return 0;
		image->size = size;	/* for the next superblock's read */
	}
}

/* Every head's digest is checked; only one generation's head is kept. */
static int heads_check(struct inc_image *image, u32 generation,
		       struct inc_error *error)
{
	u32 i;

	for (i = 0; i < image->segment_count; i++) {
		u8 *head;
		int ret;

		if (i == generation)
			continue;
		ret = inc_head_read(image, &image->segments[i], &head, error);
		if (ret)
			return ret;
		free(head);
	}
	return 0;
}

static int hash_prepare(struct inc_image *image, struct inc_error *error)
{
	static const u8 zero_block[INC_BLOCK_SIZE];
	const struct inc_segment *seg = image->segments;

	if (!strcmp(seg->hash_name, "sha256") &&
	    seg->digest_size != INC_SHA256_SIZE)
		return inc_fail(error, -EINVAL,
				"superblock: digest size %u is not that of sha256 (32)",
				seg->digest_size);
	image->hash = inc_hash_new(seg->hash_name, seg->salt, seg->salt_size);
	if (!image->hash && errno == ENOTSUP)
		return inc_fail(error, -ENOTSUP,
				"superblock: hash '%s' is not supported, only sha256 is",
				seg->hash_name);
	if (!image->hash)
		return inc_fail(error, -ENOMEM, "out of memory");
	inc_hash_digest(image->hash, zero_block, sizeof(zero_block),
			image->zero_digest);
	return 0;
}

/* With its segments known: prepare to read one generation. */
int inc_image_start(struct inc_image *image, u32 generation,
		    struct inc_error *error)
{
	int ret;

	image->cache = inc_cache_new();
	image->views = calloc(1, sizeof(*image->views));
	if (!image->cache || !image->views)
		return inc_fail(error, -ENOMEM, "out of memory");
	pthread_mutex_init(&image->views->lock, NULL);
	if (inc_dictionaries_new(image))
		return inc_fail(error, -ENOMEM, "out of memory");
	ret = hash_prepare(image, error);
	return ret ? ret : view_load(image, &image->segments[generation],
				     &image->view, error);
}

static int image_load(struct inc_image *image, u64 size, u32 generation,
		      struct inc_error *error)
{
	int ret;

	image->size = size;
	ret = segments_read(image, size, error);
	if (ret)
		return ret;
	image->size = image->segments[image->segment_count - 1].end;
	if (generation == INC_NEWEST)
		generation = image->segment_count - 1;
	if (generation >= image->segment_count)
		return inc_fail(error, -EINVAL,
				"image has no generation %u, its newest is %u",
				generation, image->segment_count - 1);
	ret = heads_check(image, generation, error);
	return ret ? ret : inc_image_start(image, generation, error);
}

struct inc_image *inc_image_new(const struct inc_io *io,
				struct inc_error *error)
{
	struct inc_image *image = calloc(1, sizeof(*image));

	if (image)
		image->io = *io;
	else
		inc_fail(error, -ENOMEM, "out of memory");
	return image;
}

int inc_image_open(struct inc_image **image, const struct inc_io *io, u64 size,
		   u32 generation, struct inc_error *error)
{
	struct inc_image *new = inc_image_new(io, error);
	int ret;

	if (!new)
		return -ENOMEM;
	ret = image_load(new, size, generation, error);
	if (ret) {
		inc_image_close(new);
		return ret;
	}
	*image = new;
	return 0;
}

/* @fd is closed with the image, or on failure. */
static int open_file(struct inc_image **image, int fd, u32 generation,
		     struct inc_error *error)
{
	struct inc_image *new;
	struct inc_file *file;
	struct inc_io io;
	u64 size;
	int ret;

	ret = inc_file_open(&file, fd, &io, &size, error);
	if (ret)
		return ret;
	new = inc_image_new(&io, error);
	if (!new) {
		inc_file_close(file);
		return -ENOMEM;
	}
	new->file = file;
	ret = image_load(new, size, generation, error);
	if (!ret)
		ret = inc_file_attach(file, new, error);
	if (ret) {
		inc_image_close(new);
		return ret;
	}
	*image = new;
	return 0;
}

/* @fd as for open_file(); below 0: why there is none, a negative errno. */
static int open_named(struct inc_image **image, int fd, const char *path,
		      u32 generation, struct inc_error *error)
{
	struct inc_error why;
	int ret;

	if (fd < 0)
		ret = inc_fail(&why, fd, "%s", strerror(-fd));
	else
		ret = open_file(image, fd, generation, &why);
	return ret ? inc_fail(error, ret, "%s: %s", path, why.text) : 0;
}

int inc_image_open_file(struct inc_image **image, const char *path,
			u32 generation, struct inc_error *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return open_named(image, fd < 0 ? -errno : fd, path, generation, error);
}

int inc_image_open_fd(struct inc_image **image, int fd, const char *path,
		      u32 generation, struct inc_error *error)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	return open_named(image, copy < 0 ? -errno : copy, path, generation,
			  error);
}

void inc_image_close(struct inc_image *image)
{
	if (!image)
		return;
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
	inc_dictionaries_free(image);
	inc_cache_free(image->cache);
	inc_hash_free(image->hash);
	inc_file_close(image->file);
	free(image->segments);
	free(image);
}

const struct inc_segment *inc_image_segment(const struct inc_image *image)
{
	return image->view->seg;
}

const struct inc_segment *inc_image_segment_at(const struct inc_image *image,
					       u32 number)
{
	return &image->segments[number];
}

u32 inc_image_segments(const struct inc_image *image)
{
	return image->segment_count;
}

u64 inc_image_size(const struct inc_image *image)
{
	return image->size;
}

/* The segment with byte @offset of the image; NULL past the end. */
const struct inc_segment *inc_segment_holding(const struct inc_image *image,
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

int inc_image_trust(struct inc_image *image, const u8 *root, size_t root_size,
		    const u8 *salt, size_t salt_size, struct inc_error *error)
{
	const struct inc_segment *seg = image->view->seg;

	if (root_size != seg->digest_size)
		return inc_fail(error, -EINVAL,
				"root digest has %zu bytes, %s has %u",
				root_size, seg->hash_name, seg->digest_size);
	if (memcmp(root, seg->root_digest, root_size))
		return inc_fail(error, -EBADMSG,
				"root digest of generation %u is not the trusted one",
				seg->generation);
	if (salt && (salt_size != seg->salt_size ||
		     memcmp(salt, seg->salt, salt_size)))
		return inc_fail(error, -EBADMSG,
				"salt of generation %u is not the trusted one",
				seg->generation);
	return 0;
}

enum inc_area inc_image_area(const struct inc_image *image, u64 offset)
{
	const struct inc_segment *seg = inc_segment_holding(image, offset);
	/* Views are loaded on demand, which changes nothing that shows. */
	struct inc_image *writable = (struct inc_image *)image;
	enum inc_area area = INC_AREA_META_PADDING;
	struct inc_view *view;
	u64 page;

	if (!seg || offset >= seg->data_offset)
		return INC_AREA_DATA;
	if (offset < seg->bitmap_offset)
		return INC_AREA_HEAD;
	if (offset < seg->meta_offset)
		return INC_AREA_BITMAP;
	if (inc_within(offset, seg->owners_offset, seg->owners_size))
		return INC_AREA_OWNERS;
	if (inc_within(offset, seg->dictionary_offset, seg->dictionary_size))
		return INC_AREA_DICTIONARY;
	if (inc_within(offset, seg->guarded_offset, seg->guarded_size))
		return INC_AREA_MAP;
	if (inc_within(offset, seg->guard_offset,
		       seg->guard.pages << INC_PAGE_SHIFT))
		return INC_AREA_GUARD;

	view = inc_view_get(writable, seg->generation, NULL);
	if (!view)
		return area;
	if (inc_back_find(&view->tree_back, offset >> INC_PAGE_SHIFT, &page))
		area = INC_AREA_TREE;
	inc_view_put(writable, view);
	return area;
}
