/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When the rest of the image is fetched, and how much of it at a time.
 *
 * When: readers come first, and they come in bursts, as a program that starts reads,
 * computes, and reads on. So nothing of the rest is begun, and what has been begun is not read
 * on, before no reader has waited for some time: twice the longest gap between two waits of the
 * burst, which is learnt, and within bounds.
 *
 * How much: so much that the link is never idle, and little more, since a reader's bytes
 * queue behind it. So the bytes that may be on the way, the window, are bounded. Each
 * connection has a share of the window, which is TCP's receive window (origin_window()), so a
 * piece may be much larger than what is on the way of it. When the last bytes of a piece are on
 * the way, the next one is begun.
 *
 * Where bytes queue, the first byte of a reply comes late. The window grows as long as first
 * bytes come hardly later than the soonest did lately, and shrinks when they do not (as LEDBAT
 * has it, RFC 6817). At first it is what the link is known to carry, and then twice what comes in a
 * round trip, as long as that grows; later it goes in small steps. Loss does not shrink it, as
 * the server's TCP sees to that, but it never is more than three times what is on the way. The soonest can be
 * seen only when nothing queues, so now and then half of the window is used for a moment.
 *
 * Connections: a small window has one, a larger one some. If much less comes than the window
 * has, and nothing queues, each is slowed down by the server, as it is where packets are lost. Then there are
 * four times as many, for as long as that brings something. Of many slow ones the number is
 * bounded, not what is on the way.
 *
 * No locks: the caller has one. All times are nanoseconds of CLOCK_MONOTONIC.
 */
#ifndef LOADER_PACE_H
#define LOADER_PACE_H

#include <stdbool.h>
#include "format.h"

/* Of a second, and of a millisecond: times are in nanoseconds. */
#define NANO	1000000000ull
#define MILLI	(NANO / 1000)

/* Bytes of a piece: a multiple of the first, from the second to the third. */
#define PACE_PIECE_STEP	(16u << 10)
#define PACE_PIECE_MIN	(64u << 10)
#define PACE_PIECE_MAX	(4096u << 10)

/* Bytes around a read: at least, at most, and while nothing is known of the link. */
#define PACE_AROUND_MIN		(16u << 10)
#define PACE_AROUND_MAX		(512u << 10)
#define PACE_AROUND_FIRST	(64u << 10)

/* A queue is seen by the last first bytes, so many. */
#define PACE_SAMPLES	4u

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
 * struct pace_trial - do more connections bring more?
 * @since: when this span began, and @delivered: the pace's then
 * @disturbed: a reader has waited in it: it tells nothing
 * @trips: round trips in it, and @slow: those in which much less came than the window has
 * @before: connections before the last rise, whose worth is not known yet; 0: it is
 * @spans: since that rise
 * @rate: bytes per second before it
 * @not_before: no rise before this time, as the last brought nothing
 */
struct pace_trial {
	u64 since;
	u64 delivered;
	bool disturbed;
	unsigned int trips;
	unsigned int slow;
	unsigned int before;
	unsigned int spans;
	u64 rate;
	u64 not_before;
};

/**
 * struct pace_trip - what comes in a round trip
 * @since: when it began, and @delivered: the pace's then
 * @came: in the one before
 */
struct pace_trip {
	u64 since;
	u64 delivered;
	u64 came;
};

/**
 * struct pace - fields are private
 * @rate: bytes per second
 * @other_rate: likewise, while what goes before the rest came
 * @delay: nanoseconds from a request to its first bytes
 * @sample: delays of the last pieces, @samples of them so far
 * @workers: the most pieces in flight
 * @most: the most connections that share the window
 * @trial: whether to have more
 * @window: bytes that may be on the way
 * @steady: it has shrunk once: it does not double any more
 * @shrink_at: it does not shrink before
 * @on_time_at: a first byte has come on time then
 * @on_time: one has, since the window might grow last
 * @trip: what comes meanwhile
 * @delivered: bytes so far
 * @on_way: bytes of pieces that may be on the way
 * @pieces: their number
 * @whole: of these, those that have a share or more left
 * @from: none is begun before
 * @half: the delay is to be measured: half of the window is used
 * @waits: a reader waits
 * @wanted_at: one came to wait then
 * @quiet_since: none does since
 * @gap: the longest between two waits lately
 */
struct pace {
	struct pace_best rate;
	u64 other_rate;
	struct pace_best delay;
	u64 sample[PACE_SAMPLES];
	unsigned int samples;
	unsigned int workers;
	unsigned int most;
	struct pace_trial trial;
	u64 window;
	bool steady;
	u64 shrink_at;
	u64 on_time_at;
	bool on_time;
	struct pace_trip trip;
	u64 delivered;
	u64 on_way;
	unsigned int pieces;
	unsigned int whole;
	u64 from;
	bool half;
	bool waits;
	u64 wanted_at;
	u64 quiet_since;
	u64 gap;
};

/**
 * struct pace_job - what is remembered of a piece
 * @began: when
 * @delivered: the pace's then
 * @length: its bytes, @arrived: those that have come
 * @share: of the window; a worker may read it while the piece is running
 * @on_way: bytes of it that count as on the way
 * @whole: that is a share
 * @noted: what its first byte tells
 * @turn: others that were there when it was begun
 * @even: it was begun when all had gone on for some time without readers
 * @measures: it was begun to measure the delay
 * @yielded: so long it has not been read on
 */
struct pace_job {
	u64 began;
	u64 delivered;
	u64 length;
	u64 arrived;
	u64 share;
	u64 on_way;
	bool whole;
	unsigned int turn;
	bool noted;
	bool even;
	bool measures;
	u64 yielded;
};

/* @workers: the most pieces in flight */
void pace_init(struct pace *pace, u64 now, unsigned int workers);

/* A reader waits, or none does any more. */
void pace_wanted(struct pace *pace, u64 now);
void pace_satisfied(struct pace *pace, u64 now);

/* Until when are pieces not to be read on? UINT64_MAX: until pace_satisfied(). */
u64 pace_yields_until(const struct pace *pace);

/*
 * The same for the rest of @job. The connections take turns, within a round trip: if all of them
 * went on at once, all of the window would come at once, and a reader's bytes behind it.
 */
u64 pace_job_yields_until(const struct pace *pace, const struct pace_job *job);

/**
 * pace_may_begin - may another piece be begun?
 * @when: if not: set to the time from which it may, if nothing happens by then; 0: only
 *	when bytes come or a piece ends, or no reader waits any more
 */
bool pace_may_begin(const struct pace *pace, u64 now, u64 *when);

/*
 * Bytes that the next piece should have, where @left are left: the last pieces are short, so that
 * slow connections do not end long after the others.
 */
u64 pace_piece(const struct pace *pace, u64 left);

/**
 * pace_begin - a piece of the rest is asked for
 * @job: set; to be given to pace_arrived() and pace_end()
 * @length: its bytes
 */
void pace_begin(struct pace *pace, struct pace_job *job, u64 now, u64 length);

/*
 * So many bytes of it have come, the first one @delay after it was asked for; 0: not known. Its share may
 * be another one now. Return: another one may be begun, unlike before.
 */
bool pace_arrived(struct pace *pace, struct pace_job *job, u64 now, u64 arrived,
		  u64 delay);

/**
 * pace_end - it has come, or not
 * @fetched: bytes that came from an origin; 0 if it has failed, or was there
 *	already: that tells nothing of the link
 * @delay: nanoseconds from the request to the first byte; 0: not known
 */
void pace_end(struct pace *pace, struct pace_job *job, u64 now, u64 fetched,
	      u64 delay);

/*
 * Another range has come that goes before the rest, of an origin that sends so many bytes per second;
 * 0: not known. @delay: likewise.
 */
void pace_other(struct pace *pace, u64 now, u64 rate, u64 delay);

/* Bytes that the link carries in a round trip; 0: not known. */
u64 pace_trip(const struct pace *pace);

/*
 * Bytes around a read that are worth fetching with it: about as many as the link carries meanwhile,
 * a power of two from PACE_AROUND_MIN to PACE_AROUND_MAX.
 */
u64 pace_around(const struct pace *pace);

#endif /* LOADER_PACE_H */
