// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Clusters that come first; see order.h.
 */
#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include "common/message.h"
#include "mkimage.h"
#include "segment/order.h"

static u64 device_clusters(const struct order *order)
{
	return ((order->device_blocks - 1) >> order->shift) + 1;
}

int order_init(struct order *order)
{
	/* Pages of it that are never written take no memory. */
	order->taken = calloc(device_clusters(order) / 64 + 1,
			      sizeof(*order->taken));
	return order->taken ? 0 : no_memory();
}

void order_free(struct order *order)
{
	free(order->list);
	free(order->taken);
	free(order->by_block);
	memset(order, 0, sizeof(*order));
}

static int add_cluster(struct order *order, u64 number)
{
	u64 bit = 1ull << number % 64;

	if (order->taken[number / 64] & bit)
		return 0;
	if (order->count == ORDER_CLUSTERS_MAX) {
		message_error("the traces read over %u clusters: that is no start of an app",
			      ORDER_CLUSTERS_MAX);
		return -EFBIG;
	}
	if (order->count == order->room) {
		size_t room = order->room ? 2 * order->room : 4096;
		void *more = realloc(order->list, room * sizeof(*order->list));

		if (!more)
			return no_memory();
		order->list = more;
		order->room = room;
	}
	order->taken[number / 64] |= bit;
	order->list[order->count++] = (struct order_cluster){
		.block = (u32)(number << order->shift),
	};
	return 0;
}

int order_add(struct order *order, u64 block, u64 count)
{
	u64 end = block + count;
	int ret = 0;

	for (; !ret && block < end;
	     block = ((block >> order->shift) + 1) << order->shift)
		ret = add_cluster(order, block >> order->shift);
	return ret;
}

static int compare_clusters(const void *left, const void *right)
{
	const struct order_cluster *a = left, *b = right;

	return a->block < b->block ? -1 : a->block > b->block;
}

static int compare_numbers(const void *left, const void *right, void *context)
{
	const struct order *order = context;

	return compare_clusters(&order->list[*(const u32 *)left],
				&order->list[*(const u32 *)right]);
}

int order_finish(struct order *order)
{
	size_t i, part;

	for (i = 0; i < order->count; i += part) {
		part = ORDER_STRETCH >> order->shift;
		if (part > order->count - i)
			part = order->count - i;
		qsort(order->list + i, part, sizeof(*order->list),
		      compare_clusters);
	}
	order->by_block = calloc(order->count + 1, sizeof(*order->by_block));
	if (!order->by_block)
		return no_memory();
	for (i = 0; i < order->count; i++)
		order->by_block[i] = (u32)i;
	qsort_r(order->by_block, order->count, sizeof(*order->by_block),
		compare_numbers, order);
	return 0;
}

void order_id(const struct order *order, u8 *id)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	__le32 words[2] = {
		cpu_to_le32(order->shift), cpu_to_le32(order->rest_shift),
	};
	bool good = context && EVP_DigestInit(context, EVP_sha256()) &&
		    EVP_DigestUpdate(context, words, sizeof(words));
	size_t i;

	for (i = 0; good && i < order->count; i++) {
		words[0] = cpu_to_le32(order->list[i].block);
		good = EVP_DigestUpdate(context, words, sizeof(words[0]));
	}
	if (!good || !EVP_DigestFinal(context, id, NULL))
		abort();
	EVP_MD_CTX_free(context);
}

u32 order_cluster_at(const struct order *order, u64 block,
		     const struct order_cluster **first)
{
	u64 next = UINT64_MAX;
	size_t low = 0, high = order->count;
	u32 shift = order->rest_shift;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (order->list[order->by_block[middle]].block < block)
			low = middle + 1;
		else
			high = middle;
	}
	*first = NULL;
	if (low < order->count) {
		*first = &order->list[order->by_block[low]];
		next = (*first)->block;
	}
	if (next == block)
		return order->shift;
	*first = NULL;
	while (block & ((1ull << shift) - 1) || next - block < 1ull << shift)
		shift--;
	return shift;
}
