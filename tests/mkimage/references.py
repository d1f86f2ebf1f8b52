# SPDX-License-Identifier: GPL-2.0-or-later
"""Extents that refer to others: docs/format.md, "References".

references.py count IMAGE        the extents of the newest segment that refer, how many
                                 references they have, and the most that one has
references.py stored IMAGE       those that are stored as they are, and how many of these
                                 begin at a chunk
references.py damage IMAGE HOW   give one of them references that are wrong
"""
import hashlib
import struct
import sys

STORED, REFERRING = 1, 5
MASK = (1 << 40) - 1


class Image:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.bytes = bytearray(file.read())
        self.segments = []
        at = 0
        while at < len(self.bytes):
            self.segments.append(at)
            at += self.field("<Q", at + 104)

    def field(self, kind, at):
        return struct.unpack_from(kind, self.bytes, at)[0]

    def entries(self):
        """The different map entries of the newest generation, with their blocks."""
        at = self.segments[-1]
        runs = self.field("<I", at + 184)
        where = at + self.field("<I", at + 176)
        pages = (self.field("<Q", at + 88) + 511) // 512
        run = [struct.unpack_from("<IIQ", self.bytes, where + 16 * i) for i in range(runs)]
        run.append((pages, 0, 0))
        seen = {0}
        for (first, flags, place), (end, _, _) in zip(run, run[1:]):
            for page in range(first, first + 1 if flags & 1 else end):
                for i in range(512):
                    entry = self.field("<Q", (place + page - first) * 4096 + 8 * i)
                    if entry not in seen:
                        seen.add(entry)
                        yield page * 512 + i, entry

    def referring(self, segment=-1):
        """(block, offset, length) of the extents in a segment's data that refer."""
        at = self.segments[segment]
        start = self.field("<Q", at + 160)
        end = at + self.field("<Q", at + 104)
        return [(block, entry & MASK, (entry >> 40 & 0x3ffff) + 1)
                for block, entry in self.entries()
                if entry >> 61 == REFERRING and start <= entry & MASK < end]

    def stored(self):
        """Offsets of the blocks in the newest segment's data that are stored as they are."""
        start = self.segments[-1]
        return [entry & MASK for _, entry in self.entries()
                if entry >> 61 == STORED and entry & MASK >= start]

    def references(self, at):
        """(offset, length) of each reference of the extent at an offset, and where they end."""
        found = []
        more = True
        while more:
            head = self.bytes[at]
            offset = int.from_bytes(self.bytes[at + 1:at + 6], "little")
            at += 6
            for _ in range((head & 15) + 1):
                length = (self.field("<H", at) & 0x7fff) + 1
                found.append((offset, length))
                offset += length
                at += 2
            more = head & 0x80
        return found, at

    def put(self, at, data):
        self.bytes[at:at + len(data)] = data

    def seal(self, segment):
        at = self.segments[segment]
        size = self.field("<I", at + 12)
        self.put(at + 32, bytes(32))
        self.put(at + 32, hashlib.sha256(self.bytes[at:at + size]).digest())


def damage(image, how):
    extents = image.referring()
    # One with a single run and some bytes after it.
    block, at, length = next((block, at, length) for block, at, length in extents
                             if not image.bytes[at] & 0x80 and 20 < length < 400)
    if how == "reserved":
        image.bytes[at] |= 0x40
    elif how == "sixteen":
        image.bytes[at] |= 0x0f
    elif how == "cut":
        # A run for which the extent has not got the bytes.
        block, at, length = min(extents, key=lambda extent: extent[2])
        assert length <= 36, length
        image.bytes[at] = 0x0e
    elif how == "long":
        image.put(at + 6, b"\xff\x7f")
    elif how == "end":
        image.put(at + 1, b"\xff" * 5)
    elif how == "later":
        segment = image.segments[-1] + image.field("<Q", image.segments[-1] + 104)
        image.put(at + 1, (segment - 1).to_bytes(5, "little"))
    elif how == "itself":
        image.put(at + 1, at.to_bytes(5, "little"))
    elif how == "another":
        # As LZ4, as nothing else can be said.
        other = next(other for other in extents if other[1] != at)
        image.put(at, b"\0" + other[1].to_bytes(5, "little") +
                  (other[2] - 1).to_bytes(2, "little"))
    elif how == "many":
        # Fifteen clusters of 32 KiB each, in an extent that is long enough.
        block, at, length = next(extent for extent in extents if extent[2] > 6 + 32)
        image.put(at, b"\x3e\0\0\0\0\0" + b"\x10\0" * 15)
    elif how == "dictionary":
        image.put(at + 6, b"\x10\x80")
    elif how == "feature":
        start = image.segments[-1]
        image.bytes[start + 24] &= ~2
        image.seal(-1)
    elif how == "base":
        (offset, size), *_ = image.references(at)[0]
        image.bytes[offset + size // 2] ^= 0x10
    elif how == "lz4":
        image.bytes[image.references(at)[1]] ^= 0xff
    else:
        sys.exit(f"references.py: what is '{how}'?")
    return block


def main():
    image = Image(sys.argv[2])
    if sys.argv[1] == "count":
        counts = [len(image.references(at)[0]) for _, at, _ in image.referring()]
        print(len(counts), sum(counts), max(counts, default=0))
        return
    if sys.argv[1] == "stored":
        stored = image.stored()
        print(len(stored), sum(offset % 4096 == 0 for offset in stored))
        return
    print(damage(image, sys.argv[3]))
    with open(sys.argv[2], "wb") as file:
        file.write(image.bytes)


main()
