#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
Small filesystems whose inodes share so much that a walk along them does not end, or
takes all memory, if it believes them:

    hostile.py CASE RAW

makes RAW, and "hostile.py" alone names the cases. Needs mke2fs and mkfs.erofs.
"""
import os
import struct
import subprocess
import sys
import tempfile

BS = 1024


class Ext4:
    """An ext4 with blocks of 1024 bytes, one group, and no checksums."""

    def __init__(self, path, options="^extent", blocks=1024, inodes=64):
        if os.path.exists(path):
            os.unlink(path)
        subprocess.run(["mke2fs", "-q", "-F", "-U", "clear", "-E", "hash_seed=01234567-89ab-4def-8123-456789abcdef", "-t", "ext4", "-b", str(BS), "-I", "256", "-N", str(inodes), "-O",
                        "^has_journal,^resize_inode,^metadata_csum,^64bit,^flex_bg," + options,
                        path, str(blocks)], check=True, stdout=subprocess.DEVNULL)
        with open(path, "rb") as file:
            self.data = bytearray(file.read())
        self.path = path
        self.table = struct.unpack("<I", self.data[2 * BS + 8:2 * BS + 12])[0]
        self.free = blocks - 1

    def block(self, data=b""):
        at, self.free = self.free, self.free - 1
        self.data[at * BS:at * BS + len(data)] = data
        return at

    def inode(self, number, mode, size, blocks, links=2, flags=0):
        at = self.table * BS + (number - 1) * 256
        self.data[at:at + 128] = struct.pack(
            "<HHIIIIIHHII", mode, 0, size & 0xffffffff, 0, 0, 0, 0, 0, links, 8, flags
        ).ljust(40, b"\0") + (blocks if isinstance(blocks, bytes) else
                              struct.pack("<15I", *blocks)) + bytes(8) + \
            struct.pack("<I", size >> 32) + bytes(16)

    def directory(self, number, names, parent=2):
        names = [(b".", number), (b"..", parent)] + names
        data = b""
        for i, (name, inode) in enumerate(names):
            room = (8 + len(name) + 3) // 4 * 4 if i + 1 < len(names) else BS - len(data)
            data += struct.pack("<IHBB", inode, room, len(name), 0) + name.ljust(room - 8, b"\0")
        self.inode(number, 0o40755, BS, [self.block(data)] + 14 * [0])
        return data

    def root(self, names):
        self.directory(2, names)

    def write(self):
        with open(self.path, "wb") as file:
            file.write(self.data)


def indirect(ext4, number, mode, data):
    """A map in which each level is one block many times; @data is the last one."""
    for _ in range(3):
        data = ext4.block(struct.pack("<I", data) * (BS // 4))
    ext4.inode(number, mode, 1 << 34 if mode & 0o100000 else 1 << 31, 14 * [0] + [data], 2)


def ext4_linked_directories(path):
    """40 directories inside each other, each of which has two names."""
    ext4 = Ext4(path)
    for i in range(12, 52):
        ext4.directory(i, [(b"a", i + 1), (b"b", i + 1)] if i < 51 else [], i - 1 if i > 12 else 2)
    ext4.root([(b"top", 12)])
    ext4.write()


def ext4_large_directory(path):
    """A directory of one block, 2^24 times."""
    ext4 = Ext4(path)
    data = struct.pack("<IHBB", 13, 500, 4, 0) + b"name".ljust(492, b"\0")
    data += struct.pack("<IHBB", 13, BS - 500, 5, 0) + b"other".ljust(BS - 508, b"\0")
    indirect(ext4, 12, 0o40755, ext4.block(data))
    ext4.inode(13, 0o100644, 0, 15 * [0], 1)
    ext4.root([(b"top", 12)])
    ext4.write()


def ext4_file_map(path):
    """A file of one block, 2^24 times; and one of none, by way of as many maps."""
    ext4 = Ext4(path)
    indirect(ext4, 12, 0o100644, ext4.block(b"data"))
    indirect(ext4, 13, 0o100644, 0)
    ext4.root([(b"none", 13), (b"top", 12)])
    ext4.write()


def ext4_extents(path):
    """A tree of extents of three levels, each with one block many times."""
    ext4 = Ext4(path, "extent")
    fit = (BS - 12) // 12
    node = struct.pack("<HHHHI", 0xf30a, fit, fit, 0, 0)
    node += b"".join(struct.pack("<IHHI", i, 1, 0, 500) for i in range(fit))
    for depth in range(1, 4):
        block, step = ext4.block(node), fit ** depth
        count = 4 if depth == 3 else fit
        node = struct.pack("<HHHHI", 0xf30a, count, count, depth, 0)
        node += b"".join(struct.pack("<IIHH", i * step, block, 0, 0) for i in range(count))
    ext4.inode(12, 0o100644, 1 << 34, node, 1, 0x80000)
    ext4.root([(b"top", 12)])
    ext4.write()


def ext4_names(path):
    """One inode of a large file under many names, with a count of 1."""
    ext4 = Ext4(path)
    ext4.inode(12, 0o100644, 200 * BS, [0] * 12 + [ext4.block(struct.pack("<200I", *range(100, 300)))]
               + [0, 0], 1)
    ext4.root([(b"%02d" % i, 12) for i in range(60)])
    ext4.write()


def erofs(path, options, fill):
    with tempfile.TemporaryDirectory() as directory:
        fill(directory)
        if os.path.exists(path):
            os.unlink(path)
        subprocess.run(["mkfs.erofs", "-T0", *options, path, directory], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(path, "rb") as file:
        data = bytearray(file.read())
    compat = struct.unpack("<I", data[1032:1036])[0]
    data[1032:1036] = struct.pack("<I", compat & ~1)     # no checksum
    return data, struct.unpack("<I", data[1064:1068])[0] << 12


def slots(data, meta):
    """Extended inodes of regular files."""
    for at in range(meta, len(data) - 63, 32):
        form, _, mode = struct.unpack("<HHH", data[at:at + 6])
        if form & 1 and mode & 0o170000 == 0o100000 and struct.unpack("<I", data[at + 44:at + 48])[0] == 1:
            yield at


def erofs_holes(path):
    """A file of 2^50 bytes, all of them holes, in chunks of 2^43."""
    def fill(directory):
        with open(directory + "/large", "wb") as file:
            file.truncate(1 << 20)
            file.seek(0)
            file.write(b"x" * 4096)
    data, meta = erofs(path, ["-Eforce-inode-extended", "--chunksize=4096"], fill)
    at = next(slots(data, meta))
    data[at + 8:at + 20] = struct.pack("<QI", 1 << 50, 31 | (struct.unpack("<I", data[at + 16:at + 20])[0] & 0x20))
    form = struct.unpack("<H", data[at:at + 2])[0]
    data[at:at + 2] = struct.pack("<H", form)
    data[at + 64:at + 64 + 256 * 4] = b"\xff" * 1024
    with open(path, "wb") as file:
        file.write(data)


def shared(path, step):
    def fill(directory):
        for i in range(40):
            with open("%s/%d" % (directory, i), "wb") as file:
                file.write(b"x" * 1000)
            # As long as 255 numbers.
            os.setxattr("%s/%d" % (directory, i), "user.a", b"v" * 1015)
    data, meta = erofs(path, ["-Eforce-inode-extended", "-x1000"], fill)
    shared_at = len(data) >> 12
    # An attribute of 65535 bytes, or one that begins every four bytes.
    data += struct.pack("<BBH", 1, 1, 65535) * (1 if not step else 5000)
    data = data.ljust((shared_at << 12) + 25 * 4096, b"a")
    data[1024 + 40 + 4:1024 + 40 + 8] = struct.pack("<I", shared_at)
    data[1060:1064] = struct.pack("<I", len(data) >> 12)
    for at in list(slots(data, meta)):
        assert struct.unpack("<H", data[at + 2:at + 4])[0] == 1 + 255
        ids = struct.pack("<255I", *(i * step for i in range(255)))
        data[at + 64:at + 76] = struct.pack("<IB7x", 0, 255)
        data[at + 76:at + 76 + len(ids)] = ids
    with open(path, "wb") as file:
        file.write(data)


def erofs_shared(path):
    """Inodes with 255 times the same attribute of 64 KiB."""
    shared(path, 0)


def erofs_shared_overlap(path):
    """Inodes with 255 attributes of 64 KiB that overlap."""
    shared(path, 1)


def ext4_paths(path):
    """700 names below 1900 directories of long names inside each other."""
    ext4 = Ext4(path, blocks=4096, inodes=2048)
    for i in range(12, 1912):
        ext4.directory(i, [(b"x" * 243, i + 1)], i - 1 if i > 12 else 2)
    blocks, names = [], [(b".", 1912), (b"..", 1911)] + [(b"%07d" % i, 1913) for i in range(700)]
    while names:
        part, names = names[:64], names[64:]
        data = b"".join(struct.pack("<IHBB", inode, 16, len(name), 0) + name.ljust(8, b"\0")
                        for name, inode in part[:-1])
        name, inode = part[-1]
        data += struct.pack("<IHBB", inode, BS - len(data), len(name), 0) + name
        blocks.append(ext4.block(data))
    ext4.inode(1912, 0o40755, len(blocks) * BS, (blocks + 15 * [0])[:15])
    ext4.inode(1913, 0o100644, 0, 15 * [0], 700)
    ext4.root([(b"top", 12)])
    ext4.write()


CASES = {f.__name__: f for f in (ext4_linked_directories, ext4_large_directory, ext4_file_map, ext4_extents, ext4_names,
                                 erofs_holes, erofs_shared, erofs_shared_overlap, ext4_paths)}

if __name__ == "__main__":
    if len(sys.argv) == 1:
        print("\n".join(CASES))
    else:
        CASES[sys.argv[1]](sys.argv[2])
