# SPDX-License-Identifier: GPL-2.0-or-later
"""What the links of net.sh carry."""

import re
import sys

HEADERS = 66                    # bytes of Ethernet, IPv4 and TCP with a time stamp
SEGMENT = 1448                  # bytes that they carry


def bytes_per_second(rate):
    """Of a rate as tc writes it, headers included."""
    match = re.fullmatch(r"([0-9.]+)([kmg]?)bit", rate.lower())
    if not match:
        sys.exit(f"{sys.argv[0]}: rate {rate} is not like 25mbit")
    return float(match[1]) * {"": 1, "k": 1e3, "m": 1e6, "g": 1e9}[match[2]] / 8
