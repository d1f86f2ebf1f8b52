/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When the rest of the image is fetched, and how much of it at a time.
 *
 * When: readers come first, and they come in bursts, as a program that starts reads,
 * computes, and reads on. So nothing of the rest is begun before no reader has waited for
 * some time: twice the longest gap between two waits of the burst, which is learnt, and
 * within bounds.
 *
 * How much: so much that the link is never idle, and little more, since a reader's bytes
 * queue behind it. Where bytes queue, the first byte of a reply comes late. So the bytes
 * that may be in flight, the window, grow as long as first bytes come hardly later than the
 * soonest did lately, and shrink when they do not (as LEDBAT has it, RFC 6817). It doubles at
 * first, then goes in small steps. Loss does not shrink it, as the server's TCP sees to
 * that, but it never is more than a second's bytes. The soonest can be seen only when
 * nothing queues, so now and then there is a single piece in flight. Pieces are not asked
 * for all at once, but at little more than the rate at which they come.
 *
 * No locks: the caller has one. All times are nanoseconds of CLOCK_MONOTONIC.
 */
#ifndef LOADER_PACE_H
#define LOADER_PACE_H

#include <stdbool.h>
#include "format.h"

#define NANO		1000000000ull
#define MILLI		(NANO / 1000)

/* Bytes of a piece: a multiple of the first, from the second to the third. */
#define PACE_PIECE_STEP	(16u << 10)
#define PACE_PIECE_MIN	(48u << 10)
#define PACE_PIECE_MAX	(1024u << 10)

/**
 * struct pace_best - the best of the last seconds
 * @best: in this span of them so far; 0: none
 * @last: in the one before
 * @since: when this one began
 */
struct pace_best {
	u64 best;
	u64 last;
	u64 since;
};

/**
 * struct pace - fields are private
 * @rate: bytes per second
 * @delay: nanoseconds from a request to its first bytes
 * @workers: the most pieces in flight
 * @window: bytes that may be in flight
 * @steady: it has shrunk once: it does not double any more
 * @shrink_at: it does not shrink before
 * @delivered: bytes so far
 * @in_flight: bytes of pieces that were begun
 * @pieces: their number
 * @next_at: the next piece is not begun before
 * @alone: the delay is to be measured: one piece at a time
 * @waits: a reader waits
 * @quiet_since: none does since
 * @gap: the longest between two waits lately
 */
struct pace {
	struct pace_best rate;
	struct pace_best delay;
	unsigned int workers;
	u64 window;
	bool steady;
	u64 shrink_at;
	u64 delivered;
	u64 in_flight;
	unsigned int pieces;
	u64 next_at;
	bool alone;
	bool waits;
	u64 quiet_since;
	u64 gap;
};

/**
 * struct pace_job - what is remembered of a range in flight
 * @began: when
 * @delivered: the pace's then
 * @alone: there was no piece in flight
 */
struct pace_job {
	u64 began;
	u64 delivered;
	bool alone;
};

/* @workers: the most pieces in flight */
void pace_init(struct pace *pace, u64 now, unsigned int workers);

/* A reader waits, or none does any more. */
void pace_wanted(struct pace *pace, u64 now);
void pace_satisfied(struct pace *pace, u64 now);

/**
 * pace_may_begin - may another piece be begun?
 * @when: if not: set to the time from which it may, if nothing happens by then; 0: only
 *	when a piece ends, or no reader waits any more
 */
bool pace_may_begin(const struct pace *pace, u64 now, u64 *when);

/* Bytes that the next piece should have. */
u64 pace_piece(const struct pace *pace);

/**
 * pace_begin - a piece of the rest is asked for
 * @job: to be given to pace_end()
 * @length: its bytes
 */
void pace_begin(struct pace *pace, struct pace_job *job, u64 now, u64 length);

/**
 * pace_end - it has come, or not
 * @length: as for pace_begin()
 * @fetched: bytes that came from an origin; 0 if it has failed, or was there
 *	already: that tells nothing of the link
 * @delay: nanoseconds from the request to the first byte; 0: not known
 */
void pace_end(struct pace *pace, const struct pace_job *job, u64 now,
	      u64 length, u64 fetched, u64 delay);

/* Another range has come that goes before the rest; @delay: likewise. */
void pace_other(struct pace *pace, u64 now, u64 delay);

#endif /* LOADER_PACE_H */
