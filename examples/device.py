#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The device that an image holds, to standard output: device.py IMAGE [ROOT_HASH]."""
import sys

import dm_incremental

STEP = 1 << 20


def main():
    """Print it; a failure is one line."""
    if not 2 <= len(sys.argv) <= 3:
        sys.exit(f"usage: {sys.argv[0]} IMAGE [ROOT_HASH]")
    try:
        with dm_incremental.Image(sys.argv[1]) as image:
            if len(sys.argv) == 3:
                image.trust(sys.argv[2])
            size = image.info.device_size
            for offset in range(0, size, STEP):
                sys.stdout.buffer.write(image.read(offset, min(STEP, size - offset)))
    except (OSError, ValueError) as failure:
        sys.exit(f"{sys.argv[0]}: {failure}")


main()
