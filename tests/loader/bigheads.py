#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Make an image of many generations with heads of the largest size allowed.

usage: bigheads.py BASE COUNT OUT

BASE is an image of one segment. OUT has it COUNT times, as generation 0 to
COUNT - 1, each with a head of 9 MiB that is zeros for the most part. The newest
has the directories of BASE, which name pages of generation 0.
"""
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
from head import seal

HEAD = 9 << 20
base_path, count, out_path = sys.argv[1:]
with open(base_path, "rb") as file:
    base = file.read()
old_head, = struct.unpack_from("<I", base, 12)
shift = HEAD - old_head
size = len(base) + shift

head = bytearray(base[:old_head]) + bytes(shift)
struct.pack_into("<I", head, 12, HEAD)
struct.pack_into("<Q", head, 104, size)
for at in (176, 180):
    start, = struct.unpack_from("<I", head, at)
    runs, = struct.unpack_from("<I", head, at + 8)
    for run in range(start, start + 16 * runs, 16):
        page, = struct.unpack_from("<Q", head, run + 8)
        struct.pack_into("<Q", head, run + 8, page + shift // 4096)

with open(out_path, "wb") as file:
    for generation in range(int(count)):
        offset = generation * size
        struct.pack_into("<I", head, 80, generation)
        struct.pack_into("<Q", head, 96, offset)
        for at in (112, 128, 144, 160, 208, 576, 592):
            old, = struct.unpack_from("<Q", base, at)
            if old:
                struct.pack_into("<Q", head, at, old + shift + offset)
        seal(head)
        file.seek(offset)
        file.write(head[:old_head])
        file.seek(offset + HEAD)
        file.write(base[old_head:])
