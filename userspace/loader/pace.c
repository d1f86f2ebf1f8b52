// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * When the rest of the image is fetched, and how much of it at a time; see pace.h.
 */
#include <string.h>
#include "loader/pace.h"

/* A program that has just been opened is about to read; so is one between two gaps. */
#define QUIET_FIRST	(500 * MILLI)
#define QUIET_MIN	(30 * MILLI)
#define QUIET_MAX	(1000 * MILLI)
/* So long a rate or a delay is believed, at most twice that. */
#define SPAN		(10 * NANO)
/* A first byte that comes so much later than the soonest has queued: a quarter, or this. */
#define SLACK_MIN	(10 * MILLI)
#define WINDOW_MIN	(2 * PACE_PIECE_MIN)
#define WINDOW_MAX	(64ull << 20)
#define WINDOW_TIME	NANO
/* Pieces are begun so many times as fast as the link takes them. */
#define HASTE		1.25
/* Shorter is not measured: it is processor time. */
#define DELAY_MIN	(MILLI / 2)

void pace_init(struct pace *pace, u64 now, unsigned int workers)
{
	memset(pace, 0, sizeof(*pace));
	pace->rate.since = pace->delay.since = now;
	pace->quiet_since = now;
	pace->gap = QUIET_FIRST / 2;
	pace->workers = workers;
	pace->window = WINDOW_MIN;
}

/* ---- when ---- */

void pace_wanted(struct pace *pace, u64 now)
{
	u64 gap = now - pace->quiet_since;

	if (pace->waits)
		return;
	pace->waits = true;
	/* After a long one another burst begins, which may be like the last. */
	if (gap > QUIET_MAX)
		return;
	pace->gap -= pace->gap / 8;
	if (gap > pace->gap)
		pace->gap = gap;
}

void pace_satisfied(struct pace *pace, u64 now)
{
	if (!pace->waits)
		return;
	pace->waits = false;
	pace->quiet_since = now;
}

/* From this time on no reader has waited for long enough. */
static u64 quiet_until(const struct pace *pace)
{
	u64 quiet = 2 * pace->gap;

	if (quiet < QUIET_MIN)
		quiet = QUIET_MIN;
	if (quiet > QUIET_MAX)
		quiet = QUIET_MAX;
	return pace->quiet_since + quiet;
}

/* ---- how much ---- */

/* Return: a new span begins. */
static bool span_turn(struct pace_best *best, u64 now)
{
	if (now - best->since < SPAN)
		return false;
	best->last = best->best;
	best->best = 0;
	best->since = now;
	return true;
}

static u64 rate_of(const struct pace *pace)
{
	return pace->rate.best > pace->rate.last ? pace->rate.best :
						   pace->rate.last;
}

static u64 delay_of(const struct pace *pace)
{
	u64 best = pace->delay.best, last = pace->delay.last;

	return best && (!last || best < last) ? best : last;
}

u64 pace_piece(const struct pace *pace)
{
	u64 piece = pace->window / pace->workers;

	if (piece < PACE_PIECE_MIN)
		return PACE_PIECE_MIN;
	if (piece > PACE_PIECE_MAX)
		return PACE_PIECE_MAX;
	return piece - piece % PACE_PIECE_STEP;
}

static bool has_room(const struct pace *pace)
{
	/* The second fills the link while the first one's end is on its way. */
	if (!pace->pieces || pace->alone)
		return !pace->pieces;
	return pace->pieces < 2 || pace->in_flight < pace->window;
}

bool pace_may_begin(const struct pace *pace, u64 now, u64 *when)
{
	u64 from = quiet_until(pace);

	*when = 0;
	if (pace->waits || !has_room(pace))
		return false;
	if (from < pace->next_at)
		from = pace->next_at;
	if (now >= from)
		return true;
	*when = from;
	return false;
}

void pace_begin(struct pace *pace, struct pace_job *job, u64 now, u64 length)
{
	u64 rate = rate_of(pace);

	job->began = now;
	job->delivered = pace->delivered;
	job->alone = !pace->pieces;
	pace->pieces++;
	pace->in_flight += length;
	if (rate)
		pace->next_at = now + (u64)((double)length * NANO / HASTE /
					    (double)rate);
}

static void note_delay(struct pace *pace, u64 now, u64 delay)
{
	if (!delay)
		return;
	/* What is in flight has queued up: let it drain, and look again. */
	if (span_turn(&pace->delay, now))
		pace->alone = true;
	if (!pace->delay.best || delay < pace->delay.best)
		pace->delay.best = delay;
}

/* A piece has come, and its first byte after @delay: is there room for more, or less? */
static void adjust(struct pace *pace, u64 now, u64 bytes, u64 delay)
{
	u64 soonest = delay_of(pace), slack = soonest / 4;
	u64 most = rate_of(pace) * (WINDOW_TIME / NANO);

	if (slack < SLACK_MIN)
		slack = SLACK_MIN;
	if (delay > soonest + slack) {
		pace->steady = true;
		if (now >= pace->shrink_at) {
			pace->window -= pace->window / 8;
			pace->shrink_at = now + delay;
		}
	} else if (pace->in_flight + bytes >= pace->window ||
		   pace->pieces + 1 >= pace->workers) {
		/* All of it was used. */
		pace->window += pace->steady ? bytes * bytes / pace->window :
				bytes;
	}
	if (most > WINDOW_MAX)
		most = WINDOW_MAX;
	if (pace->window > most)
		pace->window = most;
	if (pace->window < WINDOW_MIN)
		pace->window = WINDOW_MIN;
}

void pace_end(struct pace *pace, const struct pace_job *job, u64 now,
	      u64 length, u64 fetched, u64 delay)
{
	u64 took = now > job->began ? now - job->began : 1, rate;

	pace->pieces--;
	pace->in_flight -= length;
	if (job->alone)
		pace->alone = false;
	note_delay(pace, now, delay);
	if (!fetched)
		return;
	pace->delivered += fetched;
	span_turn(&pace->rate, now);
	rate = (u64)((double)(pace->delivered - job->delivered) * NANO /
		     (double)took);
	if (rate > pace->rate.best)
		pace->rate.best = rate;
	if (delay)
		adjust(pace, now, length, delay);
}

void pace_other(struct pace *pace, u64 now, u64 delay)
{
	note_delay(pace, now, delay);
	if (delay && !pace->waits)
		pace->quiet_since = now;
}
