// SPDX-License-Identifier: GPL-2.0-only
/*
 * The system goes to sleep, or hibernates, while reads wait for absent data.
 *
 * Before it does, all tasks are frozen. A task that waits for a read cannot be,
 * for up to read_timeout, and after 20 s the kernel gives up and stays awake.
 * Nor can a loader bring anything once it is frozen. So a read must not wait
 * long from PM_SUSPEND_PREPARE on, when all tasks still run:
 *
 *	- the kernel is held up until no read waits, for SLEEP_WAIT at the most, so
 *	  that chunks which a loader is about to bring arrive
 *	- then reads that still wait end as at their deadline
 *	- a wait that begins later ends after SLEEP_WAIT in the same way: its task
 *	  was not frozen yet, so it may meet loaders that are, or are not
 *
 * That is over with PM_POST_SUSPEND. Tasks run again shortly before it, and may
 * read; a read that has waited less than SLEEP_WAIT by then has its read_timeout.
 *
 * This does not search for waiting reads: the timer of wait.c looks at each of
 * them once a second at least, and asks dm_inc_sleep_deadline().
 */
#include <linux/suspend.h>

#include "sleep.h"

#define SLEEP_WAIT	HZ

static bool asleep;
static unsigned long asleep_since;	/* jiffies; before @asleep is set */
static atomic_t nr_waiting;
static DECLARE_WAIT_QUEUE_HEAD(none_waits);

/**
 * dm_inc_sleep_deadline - get the time until which a read may wait
 * @io: waits since @io->waits_since
 *
 * Context: any. Return: jiffies, @io->deadline unless the system goes to sleep.
 */
unsigned long dm_inc_sleep_deadline(const struct inc_io *io)
{
	unsigned long end;

	/* Pairs with notify(). */
	if (!smp_load_acquire(&asleep))
		return io->deadline;
	end = READ_ONCE(asleep_since);
	if (time_after(io->waits_since, end))
		end = io->waits_since;
	end += SLEEP_WAIT;
	return time_before(end, io->deadline) ? end : io->deadline;
}

/**
 * dm_inc_sleep_wait_begin - count a read, of any store, that begins to wait
 */
void dm_inc_sleep_wait_begin(void)
{
	atomic_inc(&nr_waiting);
}

/**
 * dm_inc_sleep_wait_end - uncount a read that does not wait any more
 */
void dm_inc_sleep_wait_end(void)
{
	if (atomic_dec_and_test(&nr_waiting))
		wake_up_all(&none_waits);
}

static int notify(struct notifier_block *block, unsigned long event, void *data)
{
	switch (event) {
	case PM_SUSPEND_PREPARE:
	case PM_HIBERNATION_PREPARE:
	case PM_RESTORE_PREPARE:
		WRITE_ONCE(asleep_since, jiffies);
		/* Pairs with dm_inc_sleep_deadline(). */
		smp_store_release(&asleep, true);
		wait_event_timeout(none_waits, !atomic_read(&nr_waiting),
				   SLEEP_WAIT);
		break;
	case PM_POST_SUSPEND:
	case PM_POST_HIBERNATION:
	case PM_POST_RESTORE:
		WRITE_ONCE(asleep, false);
		break;
	}
	return NOTIFY_OK;
}

static struct notifier_block block = { .notifier_call = notify };

/**
 * dm_inc_sleep_init - the module is loaded
 *
 * Return: 0 or a negative errno.
 */
int dm_inc_sleep_init(void)
{
	return register_pm_notifier(&block);
}

/**
 * dm_inc_sleep_exit - the module goes; no store is left
 */
void dm_inc_sleep_exit(void)
{
	unregister_pm_notifier(&block);
}
