/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads of heads from an origin, in as few round trips as there can be.
 *
 * A head is read in pieces: the superblock tells how long the rest is. So a read
 * that has to go to the origin takes what follows as well, and the next reads find
 * it in memory. The first read has nothing to go by but a connection yet to be
 * made, whose first reply is limited to some 14 KiB by TCP (RFC 6928). So it opens
 * two at a time and reads a slice through each: the first 24 KiB, more than most
 * heads have, are there after two round trips.
 */
#ifndef SETUP_AHEAD_H
#define SETUP_AHEAD_H

#include "origin/origin.h"

struct ahead;

/**
 * ahead_open - prepare reads from an origin
 * @ahead: set on success; free with ahead_close()
 * @origin: must outlive it
 *
 * Return: 0, or -errno of origin_connect().
 */
int ahead_open(struct ahead **ahead, struct origin *origin,
	       struct incr_error *error);
void ahead_close(struct ahead *ahead);

/*
 * An incr_io over the origin. A failure that may pass is tried three times. Only
 * one thread may use it. Return: as origin_read().
 */
int ahead_read(void *ahead, u64 offset, size_t length, void *buffer,
	       struct incr_error *error);

#endif /* SETUP_AHEAD_H */
