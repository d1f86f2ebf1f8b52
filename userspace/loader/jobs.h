/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The queue's containers of jobs: lists, ranges and a heap. Each step takes time
 * logarithmic in the number of jobs at most, so 100,000 of them are no trouble.
 *
 * Jobs of one tree never overlap. So the tree treats overlapping ranges as equal,
 * and a binary tree of libc finds the jobs that overlap a range.
 */
#ifndef LOADER_JOBS_H
#define LOADER_JOBS_H

#include <search.h>
#include <stdlib.h>
#include "loader/job.h"

/* A test may count how often two jobs are compared. */
#ifndef JOBS_COMPARED
#define JOBS_COMPARED()	((void)0)
#endif

/* ---- lists: first in, first out ---- */

static inline void job_list_insert(struct job_list *list, struct job *job,
				   struct job *before)
{
	job->list = list;
	job->next = before;
	job->previous = before ? before->previous : list->last;
	*(job->previous ? &job->previous->next : &list->first) = job;
	*(before ? &before->previous : &list->last) = job;
	list->count++;
}

static inline void job_list_append(struct job_list *list, struct job *job)
{
	job_list_insert(list, job, NULL);
}

static inline void job_list_remove(struct job *job)
{
	struct job_list *list = job->list;

	*(job->previous ? &job->previous->next : &list->first) = job->next;
	*(job->next ? &job->next->previous : &list->last) = job->previous;
	list->count--;
	job->list = NULL;
	job->next = job->previous = NULL;
}

/* ---- ranges: a tree of jobs by where they are ---- */

static inline int job_compare(const void *one, const void *other)
{
	const struct job *a = one, *b = other;

	JOBS_COMPARED();
	if (a->offset + a->length <= b->offset)
		return -1;
	return b->offset + b->length <= a->offset;
}

/* Any job in [start, end), or NULL. */
static inline struct job *job_ranges_find(void *const *ranges, u64 start,
					  u64 end)
{
	const struct job key = { .offset = start, .length = end - start };
	struct job **found = start < end ? tfind(&key, ranges, job_compare) :
			     NULL;

	return found ? *found : NULL;
}

/*
 * The first job in [start, end), or NULL. The tree finds the job nearest to its
 * root, so each further look begins lower: there are few.
 */
static inline struct job *job_ranges_first(void *const *ranges, u64 start,
					   u64 end)
{
	struct job *job = job_ranges_find(ranges, start, end), *before = job;

	while (before) {
		job = before;
		before = job_ranges_find(ranges, start, job->offset);
	}
	return job;
}

/* Any job at all, or NULL; a node of libc's begins with a pointer to its key. */
static inline struct job *job_ranges_any(void *const *ranges)
{
	return *ranges ? **(struct job **const *)ranges : NULL;
}

/* @job, which overlaps none, is one of them. Return: false: out of memory. */
static inline bool job_ranges_add(void **ranges, struct job *job)
{
	return tsearch(job, ranges, job_compare);
}

static inline void job_ranges_remove(void **ranges, struct job *job)
{
	tdelete(job, ranges, job_compare);
}

/* ---- a heap of those that were put aside: whose time comes first ---- */

static inline bool job_heap_push(struct job_heap *heap, struct job *job)
{
	size_t at = heap->count;

	if (at == heap->room) {
		size_t room = heap->room ? 2 * heap->room : 64;
		struct job **more = realloc(heap->job, room * sizeof(*more));

		if (!more)
			return false;
		heap->job = more;
		heap->room = room;
	}
	heap->count++;
	for (; at && heap->job[(at - 1) / 2]->due > job->due; at = (at - 1) / 2) {
		JOBS_COMPARED();
		heap->job[at] = heap->job[(at - 1) / 2];
	}
	heap->job[at] = job;
	return true;
}

static inline struct job *job_heap_first(const struct job_heap *heap)
{
	return heap->count ? heap->job[0] : NULL;
}

static inline struct job *job_heap_pop(struct job_heap *heap)
{
	struct job *first = heap->job[0], *last = heap->job[--heap->count];
	size_t at = 0, child;

	while ((child = 2 * at + 1) < heap->count) {
		JOBS_COMPARED();
		if (child + 1 < heap->count &&
		    heap->job[child + 1]->due < heap->job[child]->due)
			child++;
		if (last->due <= heap->job[child]->due)
			break;
		heap->job[at] = heap->job[child];
		at = child;
	}
	if (heap->count)
		heap->job[at] = last;
	return first;
}

#endif /* LOADER_JOBS_H */
