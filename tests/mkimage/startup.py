#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Start-up lists, checked by docs/format.md and docs/startup.md alone.

usage: startup.py trace IMAGE BLOCK[+COUNT]...   print a trace of these reads
       startup.py check IMAGE LIST TRACE...      has LIST what TRACEs take, in order?
       startup.py blocks IMAGE LIST BLOCK...     has LIST what these blocks take?
       startup.py files RAW TREE TRACE           are the files in TRACE those of TREE?
       startup.py near IMAGE                     are the extents of each chunk near its owner?
       startup.py first IMAGE BLOCK...           in this order, are they first in the data?
       startup.py pieces IMAGE LIST              where pieces of the file that it has start
"""
import os
import re
import struct
import sys

PAGE = 4096
GAP = 16384


class Segment:
    def __init__(self, data, offset):
        self.data, self.offset = data, offset
        (self.version, self.head_size) = struct.unpack_from("<II", data, offset + 8)
        (self.generation,) = struct.unpack_from("<I", data, offset + 80)
        self.chunk = 1 << data[offset + 85]
        (self.blocks, _, self.size, self.bitmap, _, self.owners, _, self.meta, _,
         self.data_offset) = struct.unpack_from("<10Q", data, offset + 88)
        self.map_dir, self.tree_dir, self.map_runs, self.tree_runs = \
            struct.unpack_from("<4I", data, offset + 176)
        (self.dict_size,) = struct.unpack_from("<I", data, offset + 204)
        (self.dict,) = struct.unpack_from("<Q", data, offset + 208)
        self.uuid = data[offset + 64:offset + 80]
        (digest,) = struct.unpack_from("<H", data, offset + 248)
        self.root = data[offset + 256:offset + 256 + digest]
        self.guarded, self.guarded_size, self.guard = \
            struct.unpack_from("<3Q", data, offset + 576)
        self.end = offset + self.size

    def runs(self, directory, count):
        for i in range(count):
            yield struct.unpack_from("<IIQ", self.data,
                                     self.offset + directory + 16 * i)

    def lookup(self, directory, count, page):
        found = None
        for first, flags, at in self.runs(directory, count):
            if first > page:
                break
            found = at if flags & 1 else at + page - first
        return found * PAGE

    def tree(self, block):
        """Places of the tree's pages for a block; digests of 32 bytes."""
        levels, n = [], self.blocks
        while n > 1:
            n = (n + 127) // 128
            levels.append(n)
        first = 0
        for level in reversed(range(len(levels))):
            yield self.lookup(self.tree_dir, self.tree_runs,
                              first + block // 128 ** (level + 1))
            first += levels[level]


class Image:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()
        self.segments, at = [], 0
        while at < len(self.data) and self.data[at:at + 8] == b"dm-incr\n":
            self.segments.append(Segment(self.data, at))
            at = self.segments[-1].end

    def holding(self, offset):
        return next(s for s in self.segments if s.offset <= offset < s.end)

    def needs(self, generation, block):
        """Ranges that reading a block takes; the last one is its data, if any."""
        seg = self.segments[generation]
        place = seg.lookup(seg.map_dir, seg.map_runs, block // 512)
        yield place, PAGE
        for page in seg.tree(block):
            yield page, PAGE
        entry = int.from_bytes(self.data[place + block % 512 * 8:][:8], "little")
        if entry:
            offset, length = entry & ((1 << 40) - 1), (entry >> 40 & 0x3ffff) + 1
            if entry >> 61 == 3:
                holder = self.holding(offset)
                yield holder.dict, holder.dict_size
            yield offset, length


def read_lines(path):
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return [line.rstrip("\n") for line in file if line[0] not in "#\n"]


def trace(path, *reads):
    seg = Image(path).segments[-1]
    print("dm-incremental trace 1\nuuid %s\ngeneration %d\nroot %s\nblocks %d" %
          (seg.uuid.hex(), seg.generation, seg.root.hex(), seg.blocks))
    for i, read in enumerate(reads):
        block, _, count = read.partition("+")
        print("%d.%06d %s %s 42 a%%20test" % (i, i, block, count or 1))


def read_list(path):
    lines = read_lines(path)
    assert lines[0] == "dm-incremental startup 1", lines[0]
    head = dict(line.split(" ") for line in lines[1:6])
    ranges = [tuple(map(int, line.split(" "))) for line in lines[6:]]
    assert len(ranges) == int(head["ranges"])
    return head, ranges


def check(path, list_path, *traces):
    image = Image(path)
    head, ranges = read_list(list_path)
    seg = image.segments[int(head["generation"])]
    assert head["uuid"] == seg.uuid.hex() and head["root"] == seg.root.hex()
    assert int(head["size"]) == seg.end
    listed = {}
    for number, (offset, length) in enumerate(ranges):
        assert offset % seg.chunk == length % seg.chunk == 0 and length
        assert offset + length <= seg.end
        for chunk in range(offset // seg.chunk, (offset + length) // seg.chunk):
            assert chunk not in listed, "chunk %d is listed twice" % chunk
            listed[chunk] = number

    def is_data(offset):
        return offset >= image.holding(offset).data_offset

    kinds = [is_data(offset) for offset, length in ranges]
    assert kinds == sorted(kinds), "metadata come before data"
    for kind in False, True:
        ends = sorted((offset, offset + length) for (offset, length), data
                      in zip(ranges, kinds) if data == kind)
        for (_, end), (start, _) in zip(ends, ends[1:]):
            assert start - end > GAP or start == end or not kind, "a gap is left"
    for segment in image.segments[:seg.generation + 1]:
        for at in range(segment.offset, segment.offset + segment.head_size, seg.chunk):
            assert at // seg.chunk in listed
    touched = 0
    for trace_path in traces:
        for line in read_lines(trace_path)[5:]:
            words = line.split(" ")
            for block in range(int(words[1]), int(words[1]) + int(words[2])):
                for offset, length in image.needs(seg.generation, block):
                    for chunk in range(offset // seg.chunk,
                                       (offset + length - 1) // seg.chunk + 1):
                        assert chunk in listed, \
                            "block %d needs chunk %d" % (block, chunk)
                    touched += 1
    data = sum(length for (_, length), kind in zip(ranges, kinds) if kind)
    print("ranges=%d bytes=%d data=%d" %
          (len(ranges), sum(length for _, length in ranges), data))


def blocks(path, list_path, *numbers):
    image = Image(path)
    head, ranges = read_list(list_path)
    for block in map(int, numbers):
        for offset, length in image.needs(int(head["generation"]), block):
            assert any(start <= offset and offset + length <= start + size
                       for start, size in ranges), "block %d" % block


def files(raw_path, tree, trace_path):
    """Each block that a trace names is that block of the file."""
    named = {}
    with open(raw_path, "rb") as file:
        raw = file.read()
    for line in read_lines(trace_path)[5:]:
        words = line.split(" ")
        block, count = int(words[1]), int(words[2])
        if len(words) == 5 or words[5] == "inode":
            continue
        name = re.sub(b"%(..)", lambda m: bytes.fromhex(m[1].decode()),
                      os.fsencode(words[6]))
        at, where = int(words[5]), os.fsencode(tree) + name
        if not os.path.isfile(where) or os.path.islink(where):
            continue
        with open(where, "rb") as file:
            content = file.read()
        for i in range(count):
            part = content[(at + i) * PAGE:][:PAGE]
            here = raw[(block + i) * PAGE:][:PAGE]
            # An erofs may have the end of a file behind its inode.
            assert part and (here == part.ljust(PAGE, b"\0") or
                             len(part) < PAGE and part in here), line
        named.setdefault(name, set()).update(range(at, at + count))
    print("files=%d blocks=%d" % (len(named), sum(map(len, named.values()))))


def entry(image, block, pages={}):
    seg = image.segments[0]
    number = block // 512
    if number not in pages:
        pages[number] = struct.unpack_from(
            "<512Q", image.data, seg.lookup(seg.map_dir, seg.map_runs, number))
    value = pages[number][block % 512]
    # offset, length, blocks of the cluster
    return value & ((1 << 40) - 1), (value >> 40 & 0x3ffff) + 1 if value else 0, \
        1 << (value >> 58 & 7)


def near(path):
    """Compat bit 1: from a chunk's owner, its map page leads to all that starts there."""
    image = Image(path)
    seg, data, chunks = image.segments[0], image.data, 0
    (compat,) = struct.unpack_from("<Q", data, 16)
    assert compat & 2
    sizes, covered = set(), set()
    for start in range(seg.data_offset, seg.end, seg.chunk):
        (owner,) = struct.unpack_from("<I", data, seg.owners + chunks * 4)
        end, block = start + seg.chunk, owner
        chunks += 1
        if owner == 0xffffffff:
            assert not any(data[start:end]), start
            continue
        (next_owner,) = struct.unpack_from("<I", data, seg.owners + chunks * 4)
        offset, length, size = entry(image, owner)
        assert offset <= start < offset + length and owner % size == 0, start
        at = offset
        while True:
            covered.add(at)
            assert end == seg.end or at >= end or next_owner >= block or \
                next_owner <= owner, "owner %d is out of order" % next_owner
            sizes.add(size)
            at += length
            while at < end:
                block += size
                if block // 512 != owner // 512 or block >= seg.blocks:
                    break
                offset, length, size = entry(image, block)
                if length and offset == at:
                    break
            else:
                break
            if block // 512 != owner // 512 or block >= seg.blocks:
                assert not any(data[at:end]), "data at %d are not reached" % at
                break
    for block in range(seg.blocks):
        offset, length, _ = entry(image, block)
        assert not length or offset in covered, block
    print("chunks=%d sizes=%s" % (chunks, ",".join(map(str, sorted(sizes)))))


def first(path, *numbers):
    image = Image(path)
    at, seen = image.segments[0].data_offset, set()
    for block in map(int, numbers):
        offset, length, size = entry(image, block)
        if offset in seen:
            continue
        seen.add(offset)
        assert size == 1 and at <= offset < at + image.segments[0].chunk, block
        at = offset + length


def pieces(path, list_path):
    """Of a list's ranges, in file order; the bitmap, which no list has, divides none."""
    seg = Image(path).segments[0]
    ranges = read_list(list_path)[1] + [(seg.bitmap, seg.meta - seg.bitmap)]
    result = []
    for offset, length in sorted(ranges):
        if result and offset <= sum(result[-1]):
            length = max(sum(result[-1]), offset + length) - result[-1][0]
            offset = result.pop()[0]
        result.append((offset, length))
    print(" ".join(str(offset) for offset, _ in result))


commands = {"trace": trace, "check": check, "blocks": blocks, "files": files,
            "near": near, "first": first, "pieces": pieces}
if len(sys.argv) < 3 or sys.argv[1] not in commands:
    sys.exit(__doc__)
commands[sys.argv[1]](*sys.argv[2:])
