/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which job is next: demands first, then the start-up list, then the kernel's hints, then
 * the rest of the image.
 * Nothing of the rest is begun while any other is to be fetched, nor for some time after; and
 * never more of it than keeps the link busy (pace.h), so that a demand is not behind it.
 *
 * An idle loader does not wake up: workers wait without a time, but for one of them
 * if there is something to do later.
 *
 * Half of the workers at most are at demands that have failed before, so these do not hold
 * up the others.
 *
 * A demand that has failed and is not wanted any more is dropped. The kernel asks
 * again every two seconds for wanted ranges, so a demand that it has not repeated
 * for WANTED_FOR counts as not wanted. If there was no room for so long that it
 * could not ask, it asks later, and the demand is a new one. Demands that have not
 * been tried are not dropped: they are few.
 */
#ifndef LOADER_CHOICE_H
#define LOADER_CHOICE_H

#include "loader/queue.h"

/* Wait for something to do; NULL: stop. @event is written to when all is present. */
struct job *queue_take(struct queue *queue);

#endif /* LOADER_CHOICE_H */
