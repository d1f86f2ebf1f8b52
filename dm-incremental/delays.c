// SPDX-License-Identifier: GPL-2.0-only
/*
 * Delays after unlocking; see delays.h. The module's parameters, which a test
 * may change at any time, say where, how often and how long.
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/preempt.h>
#include <linux/random.h>
#include <linux/sched.h>

#include "delays.h"

static char delay_in[40];
module_param_string(delay_in, delay_in, sizeof(delay_in), 0644);
MODULE_PARM_DESC(delay_in, "The function whose unlocks are delayed; empty: all");

static unsigned int delay_one_in = 200;
module_param(delay_one_in, uint, 0644);
MODULE_PARM_DESC(delay_one_in, "Of how many unlocks one is delayed; 0: none");

static unsigned int delay_ms = 20;
module_param(delay_ms, uint, 0644);
MODULE_PARM_DESC(delay_ms, "How long; delays under way follow a change");

/* Only where the caller may sleep, and is not about to. */
static bool delayed(const char *where)
{
	unsigned int one_in = READ_ONCE(delay_one_in);

	if (!one_in || !preemptible() || get_current_state() != TASK_RUNNING)
		return false;
	if (delay_in[0] && strcmp(delay_in, where))
		return false;
	return !(get_random_u32() % one_in);
}

/**
 * dm_inc_delay - a lock has just been given up
 * @where: by which function
 *
 * Context: any; sleeps where it may.
 */
void dm_inc_delay(const char *where)
{
	unsigned int ms;

	if (!delayed(where))
		return;
	for (ms = 0; ms < READ_ONCE(delay_ms); ms += 20)
		msleep(20);
}
