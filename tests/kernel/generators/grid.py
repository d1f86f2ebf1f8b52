# SPDX-License-Identifier: GPL-2.0-or-later
"""An image's parts, of which a damage grid is made; see damage, damage-layers and damage-references.

A cell of a grid is a line:

    NAME|FIRST|COUNT|VERDICT|OFFSET:HEX[,OFFSET:HEX]...

The bytes HEX at OFFSET of the image make that damage.  VERDICT is the output of
"loadertool scan" for COUNT blocks from FIRST on then, with ";" for the ends of
lines.
"""
import struct

STORED, LZ4, LZ4_DICT, REFERENCES = 1, 2, 3, 5


class Segment:
    """One head, and the generation that it describes."""

    def __init__(self, image, start):
        def number(kind, at):
            return struct.unpack_from("<" + kind, image, start + at)[0]

        def directory(at, count):
            return [struct.unpack_from("<IIQ", image, start + at + 16 * i) for i in range(count)]

        self.image, self.start = image, start
        self.end = start + number("Q", 104)
        self.blocks = number("Q", 88)
        self.bitmap_offset = number("Q", 112)
        self.owners_offset = number("Q", 128)
        self.meta_offset = number("Q", 144)
        self.data_offset = number("Q", 160)
        self.dictionary_offset = number("Q", 208)
        self.map_dir = directory(number("I", 176), number("I", 184))
        self.tree_dir = directory(number("I", 180), number("I", 188))
        # Levels are numbered from the data up; the file has them from the top down.
        self.counts = [self.blocks]
        while self.counts[-1] > 1:
            self.counts.append(-(-self.counts[-1] // 128))
        del self.counts[0]
        assert image[start + 85] == 12, "chunks of 4096 bytes"

    @staticmethod
    def lookup(runs, page):
        first, flags, at = [run for run in runs if run[0] <= page][-1]
        return 4096 * (at if flags & 1 else at + page - first)

    def tree_page(self, level, block):
        return self.lookup(self.tree_dir, sum(self.counts[level + 1:]) + block // 128 ** (level + 1))

    def entry_at(self, block):
        return self.lookup(self.map_dir, block // 512) + block % 512 * 8

    def extent(self, block):
        return Extent(self, block)

    def flip(self, at, mask=0x10):
        return at, bytes([self.image[at] ^ mask])

    def cell(self, name, bad, *patches, what="EIO", window=None):
        runs = []
        for block in bad:
            if runs and block == runs[-1][1] + 1:
                runs[-1][1] = block
            else:
                runs.append([block, block])
        first, last = window or (max(min(bad) - 4, 0), min(max(bad) + 4, self.blocks - 1))
        print("|".join([name, str(first), str(last - first + 1),
                        ";".join(f"{what} {a}-{b}" for a, b in runs),
                        ",".join(f"{at}:{data.hex()}" for at, data in patches)]))


class Extent:
    def __init__(self, segment, block):
        entry, = struct.unpack_from("<Q", segment.image, segment.entry_at(block))
        self.block, self.codec = block, entry >> 61
        self.offset = entry & (1 << 40) - 1
        self.length = (entry >> 40 & (1 << 18) - 1) + 1 if entry else 0


def entry(offset, length, codec):
    """Of the map, for clusters of one block."""
    return struct.pack("<Q", offset | length - 1 << 40 | codec << 61)


def uses(extents):
    """How many blocks have the extent at each offset."""
    used = {}
    for extent in extents:
        used[extent.offset] = used.get(extent.offset, 0) + 1
    return used
