// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The difference to a raw image; see rawdiff.h.
 */
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/message.h"
#include "fs/rawdiff.h"
#include "fs/source.h"
#include "io.h"
#include "mkimage.h"
#include "progress.h"

#define STEP_BLOCKS	256u

/* Make @count blocks zeros; most of them may be already. */
static int clear(struct overlay *overlay, u64 block, u64 count)
{
	static const u8 zeros[INC_BLOCK_SIZE];
	struct incr_image *image = overlay_image(overlay);
	u64 old = incr_image_segment(image)->device_blocks;
	struct incr_error error;
	int ret = 0;

	while (!ret && count) {
		u64 left = block < old ? old - block : 0, same = count;

		if (left) {
			same = 0;
			if (incr_image_zeros(image, block,
					     left < count ? left : count, &same,
					     &error)) {
				message_error("%s: %s", overlay_name(overlay),
					      error.text);
				return -EIO;
			}
		}
		block += same;
		count -= same;
		if (!count || same)
			continue;
		ret = overlay_write(overlay, block << INC_BLOCK_SHIFT,
				    sizeof(zeros), zeros);
		block++;
		count--;
	}
	return ret;
}

static int compare(struct overlay *overlay, const struct source *source)
{
	u8 *data = malloc(STEP_BLOCKS << INC_BLOCK_SHIFT);
	struct progress progress;
	u64 block = 0, count;
	int ret = data ? 0 : no_memory();

	progress_start(&progress, "comparing",
		       source->blocks << INC_BLOCK_SHIFT);
	for (; !ret && block < source->blocks; block += count) {
		count = source_seek_data(source, block) - block;
		progress_show(&progress, block << INC_BLOCK_SHIFT);
		if (count) {
			ret = clear(overlay, block, count);
			continue;
		}
		count = source->blocks - block;
		count = count < STEP_BLOCKS ? count : STEP_BLOCKS;
		ret = read_all(source->fd, block << INC_BLOCK_SHIFT, data,
			       count << INC_BLOCK_SHIFT, source->name);
		if (!ret)
			ret = overlay_write(overlay, block << INC_BLOCK_SHIFT,
					    count << INC_BLOCK_SHIFT, data);
	}
	progress_end(&progress);
	free(data);
	return ret;
}

int rawdiff(struct overlay *overlay, const char *path)
{
	const struct source_options options = { .raw = true };
	struct source source;
	struct stat st;
	int ret;

	if (!stat(path, &st) && S_ISDIR(st.st_mode)) {
		message_error("%s: a directory, not a raw filesystem image",
			      path);
		return -EISDIR;
	}
	ret = source_open(&source, path, &options);
	if (!ret)
		ret = overlay_resize(overlay, source.blocks);
	if (!ret)
		ret = compare(overlay, &source);
	source_close(&source);
	return ret;
}
