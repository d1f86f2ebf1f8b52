// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * When the rest of the image is fetched, and how much of it at a time; see pace.h.
 */
#include <string.h>
#include "loader/pace.h"

/* A program that has just been opened is about to read; so is one between two gaps. */
#define QUIET_FIRST	(500 * MILLI)
#define QUIET_MIN	(30 * MILLI)
#define QUIET_MAX	(150 * MILLI)
/* So long a rate or a delay is believed, at most twice that. */
#define SPAN		(10 * NANO)
/* A first byte that comes so much later than the soonest has queued: a quarter, or this. */
#define SLACK_MIN	(4 * MILLI)
#define WINDOW_FIRST	(64ull << 10)
#define WINDOW_MIN	(16ull << 10)
#define WINDOW_MAX	(64ull << 20)
/* It is at most so many times what is on the way: where packets are lost, nothing queues. */
#define WINDOW_TRIPS	3u
/* A connection has at least so much of the window, unless that is smaller; one of many, so much. */
#define SHARE_MIN	(32ull << 10)
#define SHARE_OF_MANY	(2ull << 10)
/* Each begins with 14 KiB in a round trip, so of a large first window a share has so much. */
#define SHARE_FIRST	(64ull << 10)
/* So many of the last first bytes come late where bytes queue. */
#define LATE_MIN	3u
/* A first byte that has come on time tells that nothing queued so many round trips ago at most. */
#define ON_TIME_TRIPS	4u
/* It grows if a part like that of it has come in a round trip, by such a part; with many, by that. */
#define USED		3u
#define GROWTH		16u
#define GROWTH_OF_MANY	4u
/* It is looked at how much comes in so long at least: shorter, and what comes in bursts would seem fast. */
#define TRIP_MIN	(20 * MILLI)
/* After a reader has waited, first bytes tell nothing for so many round trips. */
#define EVEN_TRIPS	2u
/* A piece is so many shares long: between two of them a connection is idle for a round trip. */
#define SHARES		8u
#define SHARES_FIRST	2u
/* Pieces of all connections together have at most so much, which is memory. */
#define PIECES_MAX	(128ull << 20)
/* As many connections as that need not prove their worth. */
#define MOST_FIRST	5u
/* A connection of many has a piece for so many round trips, at the rate of all. */
#define PIECE_TRIPS	16u
/* Whether more are worth it is looked at after so long, or so many round trips. */
#define TRIAL		(500 * MILLI)
#define TRIAL_TRIPS	5u
/* The next trial is with so many times as many connections. */
#define RISE		4u
/* They are, if the rate rises by a tenth; if not, the next rise is not before so long. */
#define WORTH		10u
#define TRIAL_PAUSE	(30 * NANO)
/* They have so many spans to show it. */
#define TRIAL_SPANS	3u

void pace_init(struct pace *pace, u64 now, unsigned int workers)
{
	memset(pace, 0, sizeof(*pace));
	pace->rate.since = pace->delay.since = pace->trial.since = now;
	pace->quiet_since = now;
	pace->from = now + QUIET_FIRST;
	pace->gap = QUIET_MAX / 2;
	pace->workers = workers;
	pace->most = workers < MOST_FIRST ? workers : MOST_FIRST;
	pace->window = WINDOW_FIRST;
}

/* The soonest first byte lately; 0: not known. */
static u64 delay_of(const struct pace *pace)
{
	u64 best = pace->delay.best, last = pace->delay.last;

	return best && (!last || best < last) ? best : last;
}

/* ---- when ---- */

void pace_wanted(struct pace *pace, u64 now)
{
	u64 gap = now - pace->quiet_since;

	if (pace->waits)
		return;
	pace->waits = true;
	pace->wanted_at = now;
	pace->trial.disturbed = true;
	pace->gap -= pace->gap / 8;
	/* After a long one another burst begins, which may be like the last. */
	if (gap <= QUIET_MAX && gap > pace->gap)
		pace->gap = gap;
}

void pace_satisfied(struct pace *pace, u64 now)
{
	if (!pace->waits)
		return;
	pace->waits = false;
	pace->quiet_since = now;
}

u64 pace_yields_until(const struct pace *pace)
{
	u64 quiet = 2 * pace->gap;

	if (pace->waits)
		return UINT64_MAX;
	if (quiet < QUIET_MIN)
		quiet = QUIET_MIN;
	if (quiet > QUIET_MAX)
		quiet = QUIET_MAX;
	return pace->quiet_since + quiet;
}

u64 pace_job_yields_until(const struct pace *pace, const struct pace_job *job)
{
	u64 until = pace_yields_until(pace);

	/* Not if it was begun since: there is no other end of all pauses. */
	if (pace->waits || !pace->pieces || job->began >= until)
		return until;
	return until + delay_of(pace) * (job->turn % pace->pieces) / pace->pieces;
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

/* Of the link, whatever it was that came. */
static u64 known_rate(const struct pace *pace)
{
	u64 rate = rate_of(pace);

	return rate > pace->other_rate ? rate : pace->other_rate;
}

/* Is each connection slow by itself? Then nothing queues, mostly. */
static bool has_many(const struct pace *pace)
{
	return pace->most > MOST_FIRST;
}

/* That share the window. */
static u64 connections_of(const struct pace *pace)
{
	u64 connections = pace->window / (has_many(pace) ? SHARE_OF_MANY : SHARE_MIN);

	if (connections < 1)
		connections = 1;
	return connections < pace->most ? connections : pace->most;
}

static u64 share_of(const struct pace *pace)
{
	return pace->window / connections_of(pace);
}

u64 pace_piece(const struct pace *pace, u64 left)
{
	bool long_ones = pace->steady || has_many(pace);
	u64 piece = share_of(pace) * (long_ones ? SHARES : SHARES_FIRST);
	u64 most = PIECES_MAX / pace->most;
	u64 trips = (u64)((double)known_rate(pace) * PIECE_TRIPS *
			  (double)delay_of(pace) / NANO) / pace->most;

	if (has_many(pace) && most > trips)
		most = trips;
	if (most > PACE_PIECE_MAX)
		most = PACE_PIECE_MAX;
	if (most > left / (2 * pace->most))
		most = left / (2 * pace->most);
	if (piece > most)
		piece = most;
	if (piece < PACE_PIECE_MIN)
		piece = PACE_PIECE_MIN;
	return piece - piece % PACE_PIECE_STEP;
}

static bool has_room(const struct pace *pace)
{
	u64 window = pace->half ? pace->window / 2 : pace->window;

	if (!pace->pieces)
		return true;
	if (pace->pieces == pace->workers)
		return false;
	/* Of slow ones much less is on the way than their shares: they are counted. */
	if (has_many(pace))
		return pace->whole < connections_of(pace);
	/* A little less than a share of some piece is left, as shares are rounded. */
	return pace->on_way + share_of(pace) / 8 <= window;
}

bool pace_may_begin(const struct pace *pace, u64 now, u64 *when)
{
	u64 from = pace_yields_until(pace);

	*when = 0;
	if (pace->waits || !has_room(pace))
		return false;
	if (from < pace->from)
		from = pace->from;
	if (now >= from)
		return true;
	*when = from;
	return false;
}

/* Have all connections gone on for some time, at @since, without readers? */
static bool is_even(const struct pace *pace, u64 since)
{
	return !pace->waits &&
	       since >= pace_yields_until(pace) + EVEN_TRIPS * delay_of(pace);
}

/* From here on it is looked at how much comes. */
static void begin_trip(struct pace *pace, u64 now)
{
	pace->trip.since = now;
	pace->trip.delivered = pace->delivered;
}

static void begin_span(struct pace *pace, u64 now)
{
	struct pace_trial *trial = &pace->trial;

	trial->since = now;
	trial->delivered = pace->delivered;
	trial->disturbed = pace->waits;
	trial->trips = trial->slow = 0;
	begin_trip(pace, now);
}

void pace_begin(struct pace *pace, struct pace_job *job, u64 now, u64 length)
{
	*job = (struct pace_job){
		.began = now,
		.delivered = pace->delivered,
		.length = length,
		.share = share_of(pace),
		.measures = pace->half,
		.turn = pace->pieces,
	};
	if (!pace->pieces)
		begin_span(pace, now);
	job->on_way = job->share < length ? job->share : length;
	job->whole = true;
	pace->whole++;
	pace->pieces++;
	pace->on_way += job->on_way;
	job->even = is_even(pace, now);
}

static void note_rate(struct pace *pace, u64 now, u64 bytes, u64 took)
{
	u64 rate = (u64)((double)bytes * NANO / (double)took);

	span_turn(&pace->rate, now);
	if (rate > pace->rate.best)
		pace->rate.best = rate;
}

static void note_delay(struct pace *pace, u64 now, u64 delay)
{
	if (!delay)
		return;
	/* What is on the way may have queued up: let that drain, and look again. */
	if (span_turn(&pace->delay, now))
		pace->half = !has_many(pace);
	if (!pace->delay.best || delay < pace->delay.best)
		pace->delay.best = delay;
}

/* A first byte that comes after this has queued. */
static u64 latest_of(const struct pace *pace)
{
	u64 soonest = delay_of(pace), slack = soonest / 8;

	return soonest + (slack > SLACK_MIN ? slack : SLACK_MIN);
}

/* Do first bytes come late? One may, for many reasons; a queue delays most of them. */
static bool has_queued(const struct pace *pace)
{
	u64 latest = latest_of(pace);
	unsigned int enough = has_many(pace) ? PACE_SAMPLES : LATE_MIN;
	unsigned int i, late = 0;

	for (i = 0; i < PACE_SAMPLES; i++)
		late += pace->sample[i] > latest;
	return late >= enough;
}

/*
 * The first byte of a piece has come after @delay: is there less room than the window has?
 *
 * While a reader waits, and when all goes on after it, the queue is not what the window
 * makes of it: it is empty, and then all of the window comes at once.
 */
static void note_first(struct pace *pace, struct pace_job *job, u64 now, u64 delay)
{
	bool wanted = pace->wanted_at >= job->began &&
		      pace->wanted_at <= job->began + delay;

	if (!delay || job->noted)
		return;
	job->noted = true;
	note_delay(pace, now, delay);
	if (!job->even || wanted)
		return;
	pace->sample[pace->samples++ % PACE_SAMPLES] = delay;
	if (!has_queued(pace)) {
		if (delay <= latest_of(pace)) {
			pace->on_time = true;
			pace->on_time_at = now;
		}
		return;
	}
	pace->steady = true;
	if (now >= pace->shrink_at) {
		pace->window -= pace->window / 8;
		pace->shrink_at = now + delay;
	}
}

/* In a round trip so much has come: may more be on the way? */
static void adjust(struct pace *pace, u64 now, u64 came)
{
	u64 trip = delay_of(pace);
	u64 most = (u64)((double)rate_of(pace) * WINDOW_TRIPS * (double)trip / NANO);
	u64 least = rate_of(pace) * (SLACK_MIN / MILLI) / 1000;

	if (!has_queued(pace) && now - pace->on_time_at < ON_TIME_TRIPS * trip) {
		if (!pace->steady && pace->window < 2 * came)
			pace->window = 2 * came;
		else if (pace->steady && pace->on_time && came >= pace->window / USED)
			pace->window += pace->window / (has_many(pace) ? GROWTH_OF_MANY : GROWTH);
		pace->on_time = false;
	}
	if (pace->steady && pace->window > most)
		pace->window = most;
	if (pace->window > WINDOW_MAX)
		pace->window = WINDOW_MAX;
	/* So little delays nobody by more than the slack. */
	if (least < WINDOW_MIN)
		least = WINDOW_MIN;
	if (pace->window < least)
		pace->window = least;
}

/* Some bytes have come: is a round trip over? */
static void end_trip(struct pace *pace, u64 now)
{
	struct pace_trip *trip = &pace->trip;
	u64 took = now - trip->since, came = pace->delivered - trip->delivered, in_time;
	u64 least = delay_of(pace) > TRIP_MIN ? delay_of(pace) : TRIP_MIN;

	if (!delay_of(pace) || took < least)
		return;
	in_time = (u64)((double)came * (double)(delay_of(pace) + SLACK_MIN) / (double)took);
	came = (u64)((double)came * (double)delay_of(pace) / (double)took);
	if (is_even(pace, trip->since)) {
		/* What has waited unread for a reader's sake comes as fast as memory. */
		note_rate(pace, now, pace->delivered - trip->delivered, took);
		/*
		 * Neither the window, which comes in a round trip and the slack, nor a queue is in its
		 * way, nor TCP's slow start.
		 */
		pace->trial.trips++;
		if (!has_queued(pace) && in_time < pace->window / 8 * 5 &&
		    came < trip->came / 2 * 3)
			pace->trial.slow++;
		adjust(pace, now, came);
	}
	trip->came = came;
	begin_trip(pace, now);
}

/* ---- connections ---- */

/* A span is over in which no reader waited: did the last rise bring something? */
static void judge(struct pace *pace, u64 now)
{
	struct pace_trial *trial = &pace->trial;
	u64 rate = (u64)((double)(pace->delivered - trial->delivered) * NANO /
			 (double)(now - trial->since));
	bool slow = trial->slow * 2 > trial->trips;

	if (trial->before && rate < trial->rate + trial->rate / WORTH) {
		/* New connections begin slowly. */
		if (++trial->spans < TRIAL_SPANS)
			return;
		pace->most = trial->before;
		trial->not_before = now + TRIAL_PAUSE;
	}
	trial->before = 0;
	if (!slow || pace->most == pace->workers || now < trial->not_before)
		return;
	trial->before = pace->most;
	trial->spans = 0;
	trial->rate = rate;
	pace->most *= RISE;
	if (pace->most > pace->workers)
		pace->most = pace->workers;
}

static void try_connections(struct pace *pace, u64 now)
{
	struct pace_trial *trial = &pace->trial;
	u64 span = TRIAL_TRIPS * delay_of(pace);

	if (now - trial->since < (span > TRIAL ? span : TRIAL))
		return;
	if (!trial->disturbed)
		judge(pace, now);
	begin_span(pace, now);
}

/*
 * The window has become wider: so is @job's share of it, if that matters. A share does not become
 * smaller, so small steps to and fro are left to the next pieces.
 */
static void widen_share(struct pace *pace, struct pace_job *job, u64 left)
{
	u64 share = share_of(pace);

	if ((pace->steady && !has_many(pace)) || share < job->share + job->share / 4)
		return;
	job->share = share;
	if (job->whole && left > job->on_way) {
		pace->on_way -= job->on_way;
		job->on_way = share < left ? share : left;
		pace->on_way += job->on_way;
	}
}

bool pace_arrived(struct pace *pace, struct pace_job *job, u64 now, u64 arrived,
		  u64 delay)
{
	u64 left = arrived < job->length ? job->length - arrived : 0;
	bool full = !has_room(pace);

	if (arrived > job->arrived) {
		pace->delivered += arrived - job->arrived;
		job->arrived = arrived;
	}
	/* What it was begun for can be told from its first byte. */
	if (job->measures)
		pace->half = job->measures = false;
	note_first(pace, job, now, delay);
	end_trip(pace, now);
	try_connections(pace, now);
	if (left < job->on_way) {
		if (job->whole)
			pace->whole--;
		job->whole = false;
		pace->on_way -= job->on_way - left;
		job->on_way = left;
	}
	widen_share(pace, job, left);
	return full && has_room(pace);
}

void pace_end(struct pace *pace, struct pace_job *job, u64 now, u64 fetched,
	      u64 delay)
{
	u64 took = now > job->began ? now - job->began : 1;

	pace->pieces--;
	pace->whole -= job->whole;
	pace->on_way -= job->on_way;
	if (job->measures)
		pace->half = false;
	if (!fetched) {
		note_delay(pace, now, delay);
		return;
	}
	if (fetched > job->arrived)
		pace->delivered += fetched - job->arrived;
	note_rate(pace, now, pace->delivered - job->delivered, took);
	note_first(pace, job, now, delay);
	end_trip(pace, now);
	try_connections(pace, now);
}

/* Nothing of the rest has come yet: begin with what the link is known to carry. */
static void expect(struct pace *pace)
{
	u64 window = (u64)((double)pace->other_rate * (double)delay_of(pace) / NANO);
	u64 most;

	if (window > WINDOW_MAX)
		window = WINDOW_MAX;
	if (window <= pace->window)
		return;
	pace->window = window;
	most = window / SHARE_FIRST;
	if (most > pace->workers)
		most = pace->workers;
	if (most > pace->most)
		pace->most = (unsigned int)most;
}

void pace_other(struct pace *pace, u64 now, u64 rate, u64 delay)
{
	note_delay(pace, now, delay);
	if (rate)
		pace->other_rate = rate;
	if (!pace->delivered)
		expect(pace);
	if (delay && !pace->waits)
		pace->quiet_since = now;
}

u64 pace_trip(const struct pace *pace)
{
	return (u64)((double)known_rate(pace) * (double)delay_of(pace) / NANO);
}

u64 pace_around(const struct pace *pace)
{
	u64 trip = pace_trip(pace);
	u64 around = PACE_AROUND_MIN;

	if (!trip)
		return PACE_AROUND_FIRST;
	while (around < PACE_AROUND_MAX && around + around / 2 <= trip)
		around *= 2;
	return around;
}
