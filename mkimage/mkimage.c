// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Shared by all of mkimage; see mkimage.h.
 */
#include "common/message.h"
#include "libincremental/incremental.h"
#include "mkimage.h"

int no_memory(void)
{
	message_error("out of memory");
	return -ENOMEM;
}
