// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The loader's pace (userspace/loader/pace.c) on simulated links: bytes wait for the link,
 * first come, first served, and a round trip passes between a request and its first byte.
 * Time passes as the simulation says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "loader/pace.c"

#define MEGABIT		(1000000 / 8)
#define K		1024ull
#define WORKERS_MAX	64

/**
 * struct link - one that replies are sent over
 * @rate: bytes per second
 * @trip: nanoseconds from a request to its first byte, if none waits
 * @share: bytes per second that a connection gets, as packets are lost, so that nothing
 *	queues; 0: any
 * @free_at: all that was sent has passed by then
 */
struct link {
	u64 rate;
	u64 trip;
	u64 share;
	u64 free_at;
};

/* A window is sent in so many parts, each when the one so many before it has come. */
#define PARTS	8u

/**
 * struct piece - one that is fetched
 * @part: bytes that are sent at a time
 * @sent, @arrived: so many of them
 * @passed: when the last ones have passed the link
 * @send_at: the server may send the next one
 */
struct piece {
	struct pace_job job;
	u64 length;
	u64 asked_at;
	u64 first_at;
	u64 part;
	u64 sent;
	u64 arrived;
	u64 passed[PARTS];
	u64 send_at;
};

struct run {
	struct link link;
	struct pace pace;
	unsigned int workers;
	struct piece piece[WORKERS_MAX];
	unsigned int count;
	u64 time;
	u64 begin_at;
	u64 delivered;
	u64 longest;
	u64 waits;
	u64 sent;
};

/* Begin what may be begun. */
static void begin(struct run *run)
{
	run->begin_at = 0;
	while (run->count < run->workers &&
	       pace_may_begin(&run->pace, run->time, &run->begin_at)) {
		struct piece *piece = &run->piece[run->count++];

		*piece = (struct piece){
			.length = pace_piece(&run->pace, UINT64_MAX),
			.asked_at = run->time,
			.send_at = run->time + run->link.trip / 2,
		};
		pace_begin(&run->pace, &piece->job, run->time, piece->length);
		piece->part = piece->job.share / PARTS;
	}
}

static u64 parts(const struct piece *piece)
{
	return (piece->length + piece->part - 1) / piece->part;
}

/* When the next part is sent, or comes; UINT64_MAX: there is none. */
static u64 send_at(const struct piece *piece)
{
	return piece->sent < parts(piece) && piece->sent < piece->arrived + PARTS ?
	       piece->send_at : UINT64_MAX;
}

static u64 arrive_at(const struct run *run, const struct piece *piece)
{
	return piece->arrived < piece->sent ?
	       piece->passed[piece->arrived % PARTS] + run->link.trip / 2 :
	       UINT64_MAX;
}

static void send_part(struct run *run, struct piece *piece)
{
	struct link *link = &run->link;
	u64 starts = run->time, waits;

	waits = link->free_at > starts ? link->free_at - starts : 0;
	if (link->share) {
		piece->send_at = starts + piece->part * NANO / link->share;
		piece->passed[piece->sent++ % PARTS] = piece->send_at;
		return;
	}
	/* So long a demand would wait there. */
	if (waits > run->longest)
		run->longest = waits;
	run->waits += waits;
	run->sent++;
	link->free_at = starts + waits + piece->part * NANO / link->rate;
	piece->passed[piece->sent++ % PARTS] = link->free_at;
}

static void take_part(struct run *run, struct piece *piece)
{
	struct piece done;

	/* A part is more than a byte, but matters only where the connection is slow. */
	if (!piece->arrived)
		piece->first_at = run->link.share ?
				  piece->asked_at + run->link.trip : run->time;
	/* A server that waits for that knows it half a round trip later. */
	if (piece->sent == piece->arrived + PARTS &&
	    piece->send_at < run->time + run->link.trip / 2)
		piece->send_at = run->time + run->link.trip / 2;
	piece->arrived++;
	run->delivered += piece->part;
	if (piece->arrived < parts(piece)) {
		pace_arrived(&run->pace, &piece->job, run->time,
			     piece->arrived * piece->part,
			     piece->first_at - piece->asked_at);
		return;
	}
	done = *piece;
	*piece = run->piece[--run->count];
	pace_end(&run->pace, &done.job, run->time, done.length,
		 done.first_at - done.asked_at);
}

/* What happens next: a part is sent or comes, or a piece may be begun. */
static void step(struct run *run)
{
	struct piece *sends = NULL, *takes = NULL;
	u64 next = run->begin_at ? run->begin_at : UINT64_MAX;
	unsigned int i;

	for (i = 0; i < run->count; i++) {
		struct piece *piece = &run->piece[i];

		if (send_at(piece) < next) {
			next = send_at(piece);
			sends = piece;
			takes = NULL;
		}
		if (arrive_at(run, piece) < next) {
			next = arrive_at(run, piece);
			takes = piece;
			sends = NULL;
		}
	}
	assert_true(next != UINT64_MAX);
	if (next > run->time)
		run->time = next;
	if (sends)
		send_part(run, sends);
	if (takes)
		take_part(run, takes);
	begin(run);
}

static void steps_until(struct run *run, u64 end)
{
	run->delivered = run->longest = run->waits = 0;
	run->sent = 1;
	while (run->time < end)
		step(run);
}

static const struct {
	u64 megabits, milliseconds, share;
	unsigned int workers;
} links[] = {
	{ 1, 50, 0, 5 }, { 25, 2, 0, 5 }, { 25, 50, 0, 5 }, { 25, 200, 0, 5 },
	{ 100, 20, 0, 5 }, { 1000, 2, 0, 5 }, { 1000, 20, 0, 5 },
	{ 1000, 200, 0, 61 }, { 25, 50, 3, 5 }, { 100, 50, 1, 61 },
	{ 100, 200, 3, 21 }, { 100, 20, 1, 21 },
};

/* The link is full, and a demand finds it little fuller than it has to be. */
static void test_links(void **data)
{
	unsigned int i;

	(void)data;
	for (i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		struct run run = {
			.link.rate = links[i].megabits * MEGABIT,
			.link.trip = links[i].milliseconds * MILLI,
			.link.share = links[i].share * MEGABIT,
			.workers = links[i].workers,
			.time = NANO,
		};
		u64 slack, full;

		pace_init(&run.pace, run.time, run.workers);
		begin(&run);
		steps_until(&run, run.time + 30 * NANO);
		full = run.time;
		steps_until(&run, full + 40 * NANO);
		full = run.link.rate * ((run.time - full) / MILLI) / 1000;
		/* What all connections get, less the trips between two pieces. */
		if (run.link.share)
			full = full * run.link.share * run.workers / run.link.rate * 8 / 10;
		print_message("%4llu Mbit/s, %3llu ms: %3llu %% of the link, a demand waits %llu ms, %llu at most\n",
			      (unsigned long long)links[i].megabits,
			      (unsigned long long)links[i].milliseconds,
			      (unsigned long long)(run.delivered * 100 / full),
			      (unsigned long long)(run.waits / run.sent / MILLI),
			      (unsigned long long)(run.longest / MILLI));
		assert_true(run.delivered * 100 >= full * 90);
		/* So it takes twice as long; but a few packets may always be there. */
		slack = 4 * WINDOW_MIN * NANO / run.link.rate;
		if (slack < 12 * MILLI)
			slack = 12 * MILLI;
		if (slack < run.link.trip)
			slack = run.link.trip;
		assert_true(run.waits / run.sent <= slack);
		assert_true(run.longest <= 3 * slack);
	}
}

/* Where each connection is slow by itself, there are many within a few seconds. */
static void test_soon(void **data)
{
	struct run run = {
		.link = {
			.rate = 100 * MEGABIT, .trip = 200 * MILLI,
			.share = 3 * MEGABIT,
		},
		.workers = 21, .time = NANO,
	};

	(void)data;
	pace_init(&run.pace, run.time, run.workers);
	begin(&run);
	steps_until(&run, run.time + 6 * NANO);
	steps_until(&run, run.time + 2 * NANO);
	print_message("3 Mbit/s each, 200 ms: %llu Mbit/s after 6 s\n",
		      (unsigned long long)(run.delivered / 2 / MEGABIT));
	assert_true(run.delivered / 2 >= run.link.share * run.workers * 7 / 10);
}

/* Of many that are slow by themselves there are as many as may be, with short pieces. */
static void test_many(void **data)
{
	struct run run = {
		.link = {
			.rate = 1000 * MEGABIT, .trip = 200 * MILLI,
			.share = 3 * MEGABIT,
		},
		.workers = 61, .time = NANO,
	};
	u64 piece;

	(void)data;
	pace_init(&run.pace, run.time, run.workers);
	begin(&run);
	steps_until(&run, run.time + 10 * NANO);
	steps_until(&run, run.time + 4 * NANO);
	assert_true(run.delivered / 4 >= run.link.share * 61 * 8 / 10);
	assert_int_equal(run.pace.most, 61);
	piece = pace_piece(&run.pace, UINT64_MAX);
	print_message("61 of 3 Mbit/s, 200 ms: %llu of them, pieces of %llu KiB\n",
		      (unsigned long long)run.pace.pieces,
		      (unsigned long long)(piece / K));
	assert_true(run.pace.pieces > 55);
	assert_true(piece <= run.link.share * PIECE_TRIPS / 5 * 5 / 4);
	/* The memory of all is bounded even so. */
	assert_true(piece * 61 <= PIECES_MAX);
}

/* When nothing was fetched for some time, that does not mean that connections are slow. */
static void test_pause(void **data)
{
	struct run run = {
		.link = { .rate = 25 * MEGABIT, .trip = 50 * MILLI },
		.workers = 61, .time = NANO,
	};
	unsigned int i;

	(void)data;
	pace_init(&run.pace, run.time, run.workers);
	begin(&run);
	for (i = 0; i < 20; i++) {
		steps_until(&run, run.time + 2 * NANO);
		run.workers = 0;	/* nothing is begun */
		while (run.count)
			step(&run);
		run.time += 8 * NANO;
		run.workers = 61;
		begin(&run);
	}
	assert_int_equal(run.pace.most, MOST_FIRST);
}

/*
 * After a reader all comes at once that has waited unread meanwhile. It tells nothing of the link: else the
 * window would become so wide that the next reader finds a queue, and connections would seem slow.
 */
static void test_readers(void **data)
{
	struct run run = {
		.link = { .rate = 25 * MEGABIT, .trip = 2 * MILLI },
		.workers = 61, .time = NANO,
	};
	unsigned int i;
	u64 waits = 0, sent = 0;

	(void)data;
	pace_init(&run.pace, run.time, run.workers);
	begin(&run);
	for (i = 0; i < 100; i++) {
		steps_until(&run, run.time + (100 + 37 * i % 900) * MILLI);
		waits += run.waits;
		sent += run.sent;
		pace_wanted(&run.pace, run.time);
		run.time += 20 * MILLI;
		pace_satisfied(&run.pace, run.time);
		run.time = pace_yields_until(&run.pace);
	}
	print_message("readers at 25 Mbit/s, 2 ms: %llu KiB, %u connections, a demand waits %llu ms\n",
		      (unsigned long long)(run.pace.window / K), run.pace.most,
		      (unsigned long long)(waits / sent / MILLI));
	assert_int_equal(run.pace.most, MOST_FIRST);
	assert_true(rate_of(&run.pace) <= run.link.rate * 5 / 4);
	assert_true(waits / sent <= 12 * MILLI);
}

/*
 * The first window is what the link has carried for readers; it is never less than without. Where it
 * is large there are more connections, as many as may be.
 */
static void test_known_link(void **data)
{
	struct pace_job job;
	struct pace pace;

	(void)data;
	pace_init(&pace, NANO, 24);
	pace_other(&pace, 2 * NANO, 1 * MEGABIT, 50 * MILLI);
	assert_int_equal(pace.window, WINDOW_FIRST);
	pace_other(&pace, 3 * NANO, 100 * MEGABIT, 200 * MILLI);
	assert_int_equal(pace.window, 100 * MEGABIT / 20);
	pace_other(&pace, 4 * NANO, 1 * MEGABIT, 200 * MILLI);
	assert_int_equal(pace.window, 100 * MEGABIT / 20);
	assert_int_equal(pace.most, 100 * MEGABIT / 20 / SHARE_FIRST);
	/* When something of it has come, that is better known. */
	pace_init(&pace, NANO, 24);
	pace_begin(&pace, &job, 2 * NANO, PACE_PIECE_MIN);
	pace_arrived(&pace, &job, 3 * NANO, 4 * K, 200 * MILLI);
	pace_other(&pace, 4 * NANO, 100 * MEGABIT, 200 * MILLI);
	assert_int_equal(pace.window, WINDOW_FIRST);
	assert_int_equal(pace.most, MOST_FIRST);
}

/* A piece that runs gets its share of a window that has become wider, and counts with that. */
static void test_share_widens(void **data)
{
	struct pace_job job;
	struct pace pace;
	u64 share;

	(void)data;
	pace_init(&pace, NANO, 1);
	pace_begin(&pace, &job, 2 * NANO, 1024 * K);
	share = job.share;
	assert_int_equal(pace.on_way, share);
	pace_arrived(&pace, &job, 2 * NANO + 60 * MILLI, 4 * K, 50 * MILLI);
	assert_int_equal(job.share, share);
	pace_arrived(&pace, &job, 2 * NANO + 120 * MILLI, 80 * K, 50 * MILLI);
	assert_true(job.share > share);
	assert_int_equal(job.share, pace.window);
	assert_int_equal(pace.on_way, job.share);
	pace_arrived(&pace, &job, 2 * NANO + 121 * MILLI, 1020 * K, 50 * MILLI);
	assert_int_equal(pace.on_way, 4 * K);
	pace_end(&pace, &job, 2 * NANO + 122 * MILLI, 1024 * K, 50 * MILLI);
	assert_int_equal(pace.on_way, 0);
	assert_int_equal(pace.whole, 0);
}

/* A link that has become slower, or longer, is found out; so is one that has become faster. */
static void test_change(void **data)
{
	struct run run = {
		.link = { .rate = 25 * MEGABIT, .trip = 50 * MILLI },
		.workers = 5, .time = NANO,
	};
	u64 full;

	(void)data;
	pace_init(&run.pace, run.time, run.workers);
	begin(&run);
	steps_until(&run, 20 * NANO);
	run.link.rate = 5 * MEGABIT;
	run.link.trip = 100 * MILLI;
	steps_until(&run, run.time + 40 * NANO);
	steps_until(&run, run.time + 40 * NANO);
	print_message("5 Mbit/s, 100 ms: a demand waits %llu ms, %llu at most\n",
		      (unsigned long long)(run.waits / run.sent / MILLI),
		      (unsigned long long)(run.longest / MILLI));
	assert_true(run.waits / run.sent <= 100 * MILLI);
	assert_true(run.longest <= 300 * MILLI);
	run.link.rate = 50 * MEGABIT;
	run.link.trip = 20 * MILLI;
	steps_until(&run, run.time + 20 * NANO);
	full = run.time;
	steps_until(&run, run.time + 20 * NANO);
	full = run.link.rate * ((run.time - full) / MILLI) / 1000;
	assert_true(run.delivered * 100 >= full * 90);
	assert_true(run.waits / run.sent <= 20 * MILLI);
	assert_true(run.longest <= 60 * MILLI);
}

/* Failures, and what was there already, tell nothing. */
static void test_nothing(void **data)
{
	struct pace_job job;
	struct pace pace;
	u64 time, when;

	(void)data;
	pace_init(&pace, NANO, 5);
	for (time = 2 * NANO; time < 100 * NANO; time += NANO) {
		assert_true(pace_may_begin(&pace, time, &when));
		pace_begin(&pace, &job, time, PACE_PIECE_MIN);
		pace_end(&pace, &job, time, 0, 0);
	}
	assert_int_equal(pace_piece(&pace, UINT64_MAX), PACE_PIECE_MIN);
	assert_int_equal(pace.on_way, 0);
}

/* Readers that wait one after the other keep the rest away between two of them. */
static void test_quiet(void **data)
{
	struct pace pace;
	u64 time = NANO, when;
	unsigned int i;

	(void)data;
	pace_init(&pace, time, 5);
	/* A program is about to start. */
	assert_false(pace_may_begin(&pace, time + QUIET_FIRST - 1, &when));
	assert_int_equal(when, time + QUIET_FIRST);
	assert_true(pace_may_begin(&pace, time + QUIET_FIRST, &when));
	for (i = 0; i < 100; i++) {
		time += 5 * MILLI;
		pace_wanted(&pace, time);
		assert_int_equal(pace_yields_until(&pace), UINT64_MAX);
		time += 50 * MILLI;
		pace_satisfied(&pace, time);
	}
	assert_int_equal(pace_yields_until(&pace), time + QUIET_MIN);
	/* A longer gap counts at once, and for some time. */
	time += 64 * MILLI;
	pace_wanted(&pace, time);
	pace_satisfied(&pace, time);
	assert_int_equal(pace_yields_until(&pace), time + 128 * MILLI);
	time += 5 * MILLI;
	pace_wanted(&pace, time);
	pace_wanted(&pace, time + NANO);
	pace_satisfied(&pace, time);
	assert_int_equal(pace_yields_until(&pace), time + 112 * MILLI);
	/* One that is too long does not: then it was no burst. */
	time += 10 * NANO;
	pace_wanted(&pace, time);
	pace_satisfied(&pace, time);
	pace_satisfied(&pace, time + NANO);
	assert_int_equal(pace_yields_until(&pace), time + 98 * MILLI);
	for (i = 0; i < 100; i++) {
		time += NANO / 2;
		pace_wanted(&pace, time);
		pace_satisfied(&pace, time);
	}
	assert_int_equal(pace_yields_until(&pace), time + QUIET_MIN);
}

/* What a link carries in a round trip is fetched around a read, within bounds. */
static void test_around(void **data)
{
	static const struct {
		u64 megabits, milliseconds, around;
	} known[] = {
		{ 1, 50, 16 * K }, { 25, 2, 16 * K }, { 25, 20, 64 * K },
		{ 25, 50, 128 * K }, { 25, 200, 512 * K }, { 1000, 2, 256 * K },
		{ 1000, 200, 512 * K },
	};
	struct pace pace;
	unsigned int i;

	(void)data;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		u64 rate = known[i].megabits * MEGABIT;
		u64 delay = known[i].milliseconds * MILLI;

		pace_init(&pace, NANO, 5);
		assert_int_equal(pace_around(&pace), PACE_AROUND_FIRST);
		pace_other(&pace, 2 * NANO, 0, delay);
		assert_int_equal(pace_around(&pace), PACE_AROUND_FIRST);
		pace_other(&pace, 3 * NANO, rate, 2 * delay);
		pace_other(&pace, 4 * NANO, 0, 0);
		assert_int_equal(pace_around(&pace), known[i].around);
	}
}

/* The last pieces of an image are short, so that the connections end at about the same time. */
static void test_last_pieces(void **data)
{
	struct pace pace;
	u64 left = 64ull << 20, pieces = 0;

	(void)data;
	pace_init(&pace, NANO, 20);
	pace.most = 20;
	pace.window = WINDOW_MAX;
	pace.rate.best = 1000 * MEGABIT;
	pace.delay.best = 200 * MILLI;
	assert_int_equal(pace_piece(&pace, UINT64_MAX), PACE_PIECE_MAX);
	while (left) {
		u64 piece = pace_piece(&pace, left);

		assert_true(piece == PACE_PIECE_MIN || piece <= left / 40);
		left -= piece < left ? piece : left;
		pieces++;
	}
	assert_true(pieces < 200);
}

/* After a reader connections go on one after the other, all within a round trip. */
static void test_turns(void **data)
{
	struct pace_job job[4];
	struct pace pace;
	unsigned int i;
	u64 until;

	(void)data;
	pace_init(&pace, NANO, 4);
	pace_other(&pace, 2 * NANO, 0, 40 * MILLI);
	for (i = 0; i < 4; i++)
		pace_begin(&pace, &job[i], 3 * NANO, PACE_PIECE_MIN);
	pace_wanted(&pace, 4 * NANO);
	assert_true(pace_job_yields_until(&pace, &job[0]) == UINT64_MAX);
	pace_satisfied(&pace, 5 * NANO);
	until = pace_yields_until(&pace);
	for (i = 0; i < 4; i++)
		assert_int_equal(pace_job_yields_until(&pace, &job[i]), until + i * 10 * MILLI);
	/* One that begins then need not wait. */
	pace_end(&pace, &job[3], until, PACE_PIECE_MIN, 40 * MILLI);
	pace_begin(&pace, &job[3], until, PACE_PIECE_MIN);
	assert_int_equal(pace_job_yields_until(&pace, &job[3]), until);
}

/* Numbers that are the same each time. */
static u64 any(u64 *state, u64 below)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (*state >> 33) % below;
}

/* As many zeros as that, and some number after them: short times and long ones. */
static u64 any_time(u64 *state)
{
	static const u64 unit[] = { 1000, 30000, MILLI, 100 * MILLI, NANO };

	return unit[any(state, 5)] * (1 + any(state, 20));
}

/*
 * Whatever has happened, if nothing is on its way and no reader waits, or has waited just
 * now, a piece may be begun, and it has some bytes and a share.
 */
static void check_goes_on(const struct run *run, u64 begun_at)
{
	const struct pace *pace = &run->pace;
	u64 from = pace->quiet_since + QUIET_MAX, when;

	assert_true(pace_piece(pace, UINT64_MAX) >= PACE_PIECE_MIN);
	assert_true(pace_piece(pace, UINT64_MAX) <= PACE_PIECE_MAX);
	assert_true(share_of(pace) > 0);
	if (run->count || pace->waits)
		return;
	if (from < run->time)
		from = run->time;
	if (from < begun_at + QUIET_FIRST)
		from = begun_at + QUIET_FIRST;
	assert_true(pace_may_begin(pace, from, &when));
	/* Until then there is a time to look again. */
	assert_true(pace_may_begin(pace, run->time, &when) ||
		    (when > run->time && when <= from));
}

static void something(struct run *run, u64 *state)
{
	struct piece *piece = run->count ?
			      &run->piece[any(state, run->count)] : NULL;
	u64 when;

	run->time += any_time(state);
	switch (any(state, 8)) {
	case 0:
		pace_wanted(&run->pace, run->time);
		break;
	case 1:
	case 2:
		pace_satisfied(&run->pace, run->time);
		break;
	case 3:
		pace_other(&run->pace, run->time, any(state, 1 << 30),
			   any(state, 2) ? any_time(state) : 0);
		break;
	case 4:
		if (!piece)
			break;
		piece->arrived += any(state, piece->length + 1 - piece->arrived);
		pace_arrived(&run->pace, &piece->job, run->time, piece->arrived,
			     any(state, 4) ? any_time(state) : 0);
		break;
	case 5:
		if (!piece)
			break;
		/* It may fail, or be there already. */
		pace_end(&run->pace, &piece->job, run->time,
			 any(state, 4) ? piece->length : 0,
			 any(state, 4) ? any_time(state) : 0);
		*piece = run->piece[--run->count];
		break;
	default:
		if (!pace_may_begin(&run->pace, run->time, &when))
			break;
		assert_true(run->count < run->workers);
		piece = &run->piece[run->count++];
		*piece = (struct piece){ .length = pace_piece(&run->pace, UINT64_MAX) };
		/* The last one of an image is shorter. */
		if (!any(state, 8))
			piece->length = 1 + any(state, piece->length);
		pace_begin(&run->pace, &piece->job, run->time, piece->length);
	}
}

static void test_goes_on(void **data)
{
	static const unsigned int workers[] = { 1, 2, 5, 21, 61 };
	unsigned int i, j, began = 0;
	u64 state = 1;

	(void)data;
	for (i = 0; i < 200; i++) {
		struct run run = {
			.workers = workers[i % 5],
			.time = NANO + any_time(&state),
		};
		u64 begun_at = run.time;

		pace_init(&run.pace, run.time, run.workers);
		for (j = 0; j < 2000; j++) {
			unsigned int before = run.count;

			check_goes_on(&run, begun_at);
			something(&run, &state);
			began += run.count > before;
		}
	}
	/* It was not always about the same state. */
	assert_true(began > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_soon),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_readers),
		cmocka_unit_test(test_known_link),
		cmocka_unit_test(test_share_widens),
		cmocka_unit_test(test_change),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_around),
		cmocka_unit_test(test_last_pieces),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_goes_on),
	};

	return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
