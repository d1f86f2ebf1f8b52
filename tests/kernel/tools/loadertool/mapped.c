// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads of mapped memory that fail; see loadertool.h.
 */
#include <signal.h>
#include "kernel/tools/loadertool/loadertool.h"

__thread sigjmp_buf *volatile bus_error;

static void on_sigbus(int signal)
{
	(void)signal;
	if (bus_error)
		siglongjmp(*bus_error, 1);
	_exit(3);
}

void catch_sigbus(void)
{
	signal(SIGBUS, on_sigbus);
}
