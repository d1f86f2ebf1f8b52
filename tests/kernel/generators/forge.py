#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Make the images that an attacker without the key could make of a signed one.

usage: forge.py KIND SIGNED RAW OUT

SIGNED is a signed image of RAW, whose block 1 and last block are full of digests
of one block of the letter F (see prepare), and whose block 0 is zeros. OUT has
its root digest, salt and signature, but claims

  same     nothing else: the frame of the others, to see that it is right
  fewer    as many blocks as the lowest level of the tree has pages
  more     one level of tree more: blocks are pages of the tree
  shorter  one block less
  cut      only as many blocks as half of the lowest level's pages have
  longer   one block more
  salt     another salt
  lies     files OUT-NAME.inc: SIGNED with other signatures, and with heads that
           say something false of it; their digests are right
  layer    (a segment to be appended) a generation 1 with the signature of 0;
           its second block is changed
"""
import hashlib
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../lib"))
from head import forged, seal

PAGE = 4096
kind, signed, raw, out = sys.argv[1:]
base = open(signed, "rb").read()
device = open(raw, "rb").read()
root = base[256:288]
salt_size, = struct.unpack_from("<H", base, 250)
salt = base[320:320 + salt_size]
sig_offset, _, sig_size = struct.unpack_from("<3I", base, 192)
signature = base[sig_offset:sig_offset + sig_size]
blocks = [device[i:i + PAGE] for i in range(0, len(device), PAGE)]


def digest(data):
    return hashlib.sha256(salt + data).digest()


def tree(items):
    """Levels of pages, the lowest first."""
    levels = []
    while len(items) > 1:
        digests = b"".join(map(digest, items))
        digests += bytes(-len(digests) % PAGE)
        items = [digests[i:i + PAGE] for i in range(0, len(digests), PAGE)]
        levels.append(items)
    return levels


def lie(name, *changes):
    """SIGNED with bytes put at offsets of its head."""
    with open(f"{out}-{name}.inc", "wb") as f:
        f.write(forged(base, *changes))


def u32(value):
    return struct.pack("<I", value)


if kind == "lies":
    head_size, = struct.unpack_from("<I", base, 12)
    zeros = (sig_offset, bytes(8192))
    with open("other.inc", "rb") as f:
        other = f.read(head_size)
    lie("moved", (4096, other[4096:12288]), (200, other[200:204]))
    for byte in 10, 400:
        at = byte % sig_size
        lie(f"bit{byte}", (sig_offset + at, bytes([signature[at] ^ 1])))
    lie("garbage", (sig_offset, hashlib.sha512(b"x").digest() * 6))
    lie("sequence", (sig_offset + 4, hashlib.sha512(b"x").digest()))
    lie("zeros", zeros)
    for size in 0, 1, 100, sig_size - 1, sig_size + 1, 8192, 8193, 0xffffffff:
        name = f"{size - sig_size:+}" if abs(size - sig_size) == 1 else size
        lie(f"size{name}", (200, u32(size)))
    lie("long", (196, u32(head_size - 4096) * 2))
    lie("outside", (192, u32(head_size - 100)))
    lie("hash", (216, b"sm3\0\0\0"))
    # The head of this image before the data of another.
    offset, = struct.unpack_from("<Q", base, 160)
    with open(f"{out}-swapped.inc", "wb") as f:
        f.write(base[:offset] + bytes(byte ^ 1 for byte in base[offset:]))
    sys.exit()


start = generation = 0
levels = tree(blocks)
assert digest(levels[-1][0]) == root
data = dict(enumerate(blocks))
size = len(blocks)
if kind == "fewer":
    data = dict(enumerate(levels[0]))
    size = len(levels[0])
    levels = levels[1:]
elif kind == "more":
    levels = [blocks] + levels
    size = len(blocks) * 128
    forged = b"F" * PAGE
    data = {128: forged, size - 1: forged}
elif kind == "shorter":
    size -= 1
elif kind == "cut":
    size = len(levels[0]) // 2 * 128
    levels[0] = levels[0][:len(levels[0]) // 2]
elif kind == "longer":
    # A page more of the lowest level, which exists if the last one is full.
    if not size % 128:
        levels[0] = levels[0] + [bytes(PAGE)]
    size += 1
elif kind == "salt":
    salt = salt[:-1] + bytes([salt[-1] ^ 1])
elif kind == "layer":
    start, generation = len(base), 1
    blocks[1] = b"L" * PAGE
    levels = tree(blocks)
    root = digest(levels[-1][0])
    data = dict(enumerate(blocks))
else:
    assert kind == "same"


def pad(data):
    return data + bytes(-len(data) % PAGE)


tree_pages = [page for level in reversed(levels) for page in level]
numbers = sorted(n for n in data if n < size)
map_pages = -(-size // 512)
owners = pad(bytes(4 * len(numbers)))
head_size = 4 * PAGE
bitmap_size = PAGE
# The owner table and the map are guarded; the guard's size does not depend on
# what they say.
guarded_pages = len(owners) // PAGE + map_pages
guard_size = sum(map(len, tree([bytes(PAGE)] * guarded_pages))) * PAGE
meta_size = guard_size + (guarded_pages + len(tree_pages)) * PAGE
bitmap = start + head_size
meta = bitmap + bitmap_size
guarded = meta + guard_size
first = meta + meta_size
total = head_size + bitmap_size + meta_size + len(numbers) * PAGE
assert total // PAGE <= bitmap_size * 8

entries = [0] * (map_pages * 512)
for i, number in enumerate(numbers):
    entries[number] = first + i * PAGE | (PAGE - 1) << 40 | 1 << 61

entries = struct.pack(f"<{len(entries)}Q", *entries)
items = [(owners + entries)[i:i + PAGE] for i in range(0, guarded_pages * PAGE, PAGE)]
guard = [page for level in reversed(tree(items)) for page in level]
assert len(guard) * PAGE == guard_size

head = bytearray(head_size)
head[0:8] = b"dm-incr\n"
struct.pack_into("<II", head, 8, 1, head_size)
head[64:80] = base[64:80]
struct.pack_into("<I4BQ", head, 80, generation, 12, 12, 0, 0, size)
struct.pack_into("<10Q", head, 96, start, total, bitmap, bitmap_size, guarded, 4 * len(numbers),
                 meta, meta_size, first, len(numbers) * PAGE)
struct.pack_into("<7I", head, 176, 3 * PAGE, 3 * PAGE + 16, 1, 1, PAGE, 2 * PAGE, len(signature))
head[216:222] = b"sha256"
struct.pack_into("<HH", head, 248, 32, len(salt))
head[256:288] = root
head[320:320 + len(salt)] = salt
head[PAGE:PAGE + len(signature)] = signature
struct.pack_into("<3Q", head, 576, guarded, guarded_pages * PAGE, meta)
head[600:632] = digest(guard[0])
map_page = (guarded + len(owners)) // PAGE
struct.pack_into("<IIQ", head, 3 * PAGE, 0, 0, map_page)
struct.pack_into("<IIQ", head, 3 * PAGE + 16, 0, 0, map_page + map_pages)
seal(head)
chunks = total // PAGE
bits = (b"\xff" * (chunks // 8) + bytes([(1 << chunks % 8) - 1])).ljust(bitmap_size, b"\0")
with open(out, "wb") as f:
    f.write(head + bits + b"".join(guard) + owners + entries + b"".join(tree_pages))
    for number in numbers:
        f.write(data[number])
