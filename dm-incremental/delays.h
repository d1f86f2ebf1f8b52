/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Only in a module built with DELAYS=y, to find races: a task that has released
 * a lock may sleep, so that its next step comes late, and other tasks have the
 * time for theirs. To be included last.
 */
#ifndef DM_INCREMENTAL_DELAYS_H
#define DM_INCREMENTAL_DELAYS_H

void dm_inc_delay(const char *where);

#define inc_delayed(unlock)	do { unlock; dm_inc_delay(__func__); } while (0)

#define mutex_unlock(lock)	inc_delayed(mutex_unlock(lock))
#define up_read(lock)		inc_delayed(up_read(lock))
#define up_write(lock)		inc_delayed(up_write(lock))
#define spin_unlock(lock)	inc_delayed(spin_unlock(lock))
#define srcu_read_unlock(domain, section) \
	inc_delayed(srcu_read_unlock(domain, section))

#endif
