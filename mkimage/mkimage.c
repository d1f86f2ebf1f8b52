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

void uuid_format(const u8 *uuid, char *text)
{
	static const int parts[] = { 4, 2, 2, 2, 6 };
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		incr_hex_format(uuid, (size_t)parts[i], text);
		uuid += parts[i];
		text += 2 * parts[i];
		if (i + 1 < sizeof(parts) / sizeof(parts[0]))
			*text++ = '-';
	}
}
