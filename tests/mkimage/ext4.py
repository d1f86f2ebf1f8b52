#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
The contents of a raw ext4, in the lines of tree.py, read by this script alone:

    ext4.py IMAGE

The directory lost+found is left out.
"""
import hashlib
import os
import stat
import struct
import sys

import tree

PREFIX = {1: "user.", 2: "system.posix_acl_access", 3: "system.posix_acl_default",
          4: "trusted.", 6: "security.", 7: "system."}


def acl(value):
    """A POSIX ACL on disk -> the value of the kernel's interface."""
    assert struct.unpack("<I", value[:4])[0] == 1
    out, at = struct.pack("<I", 2), 4
    while at < len(value):
        tag, rights = struct.unpack("<HH", value[at:at + 4])
        at += 4
        who = -1
        if tag in (2, 8):
            who = struct.unpack("<i", value[at:at + 4])[0]
            at += 4
        out += struct.pack("<HHi", tag, rights, who)
    return out


class Ext4:
    def __init__(self, path):
        self.file = open(path, "rb")
        sb = os.pread(self.file.fileno(), 1024, 1024)
        assert struct.unpack("<H", sb[56:58])[0] == 0xef53
        self.bs = 1024 << struct.unpack("<I", sb[24:28])[0]
        self.first = struct.unpack("<I", sb[20:24])[0]
        self.per_group = struct.unpack("<I", sb[40:44])[0]
        self.inode_size = struct.unpack("<H", sb[88:90])[0]
        wide = struct.unpack("<I", sb[96:100])[0] & 0x80
        self.desc_size = struct.unpack("<H", sb[254:256])[0] if wide else 32

    def block(self, number):
        return os.pread(self.file.fileno(), self.bs, number * self.bs).ljust(self.bs, b"\0")

    def raw_inode(self, number):
        group, index = divmod(number - 1, self.per_group)
        desc = os.pread(self.file.fileno(), 32,
                        (self.first + 1) * self.bs + group * self.desc_size)
        table = struct.unpack("<I", desc[8:12])[0]
        return os.pread(self.file.fileno(), self.inode_size,
                        table * self.bs + index * self.inode_size)

    def extents(self, node):
        magic, count, _, depth = struct.unpack("<HHHH", node[:8])
        assert magic == 0xf30a
        for i in range(count):
            entry = node[12 + 12 * i:24 + 12 * i]
            if depth:
                low, high = struct.unpack("<IH", entry[4:10])
                yield from self.extents(self.block(low | high << 32))
            else:
                logical, length, high, low = struct.unpack("<IHHI", entry)
                unwritten = length > 32768
                yield logical, length - 32768 * unwritten, (low | high << 32) * (not unwritten)

    def data(self, inode, size):
        out = bytearray(size)
        for logical, length, physical in self.extents(inode[40:100]):
            part = os.pread(self.file.fileno(), length * self.bs, physical * self.bs) \
                if physical else b""
            start = logical * self.bs
            out[start:min(start + len(part), size)] = part[:max(size - start, 0)]
        assert len(out) == size
        return bytes(out)

    def entries(self, data):
        for start in range(0, len(data), self.bs):
            at = start
            while at < start + self.bs:
                number, length, size, kind = struct.unpack("<IHBB", data[at:at + 8])
                assert length >= 8
                if number:
                    yield data[at + 8:at + 8 + size], number, kind
                at += length

    def read_xattrs(self, area, base, values):
        out, at = {}, base
        while area[at:at + 4] != b"\0\0\0\0":
            length, prefix, place, inum, size, _ = struct.unpack("<BBHIII", area[at:at + 16])
            assert not inum
            name = PREFIX[prefix] + os.fsdecode(area[at + 16:at + 16 + length])
            value = bytes(area[values + place:values + place + size])
            assert name not in out
            out[name] = acl(value) if prefix in (2, 3) else value
            at += 16 + (length + 3) // 4 * 4
        return out

    def xattrs(self, inode):
        out, extra = {}, struct.unpack("<H", inode[128:130])[0]
        start = 128 + extra
        if struct.unpack("<I", inode[start:start + 4])[0] == 0xea020000:
            out = self.read_xattrs(inode, start + 4, start + 4)
        block = struct.unpack("<I", inode[104:108])[0]
        if block:
            area = self.block(block)
            assert struct.unpack("<I", area[:4])[0] == 0xea020000
            more = self.read_xattrs(area, 32, 0)
            assert not set(out) & set(more)
            out.update(more)
        return out

    def inode(self, number):
        inode = self.raw_inode(number)
        mode, uid, low = struct.unpack("<HHI", inode[:8])
        mtime, _, gid, nlink = struct.unpack("<iIHH", inode[16:28])
        high = struct.unpack("<I", inode[108:112])[0]
        uid_high, gid_high = struct.unpack("<HH", inode[120:124])
        extra = struct.unpack("<I", inode[136:140])[0]
        size = low | high << 32 if stat.S_ISREG(mode) or stat.S_ISDIR(mode) else low
        time = (mtime + ((extra & 3) << 32)) * 10**9 + (extra >> 2)
        rdev, data = 0, None
        if stat.S_ISLNK(mode) and size < 60:
            data = inode[40:40 + size]
        elif stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode):
            data = self.data(inode, size)
        elif stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
            old, new = struct.unpack("<II", inode[40:48])
            rdev = os.makedev(old >> 8, old & 255) if old else \
                os.makedev(new >> 8 & 0xfff, new & 255 | new >> 12 & 0xfff00)
        st = (mode, uid | uid_high << 16, gid | gid_high << 16, time, size, rdev)
        return st, nlink, self.xattrs(inode), data

    def lines(self):
        lines, names, links = [], {}, {}
        todo = [(b"", 2, 2)]
        while todo:
            path, number, parent = todo.pop()
            st, nlink, xattrs, data = self.inode(number)
            names[number] = names.get(number, 0) + 1
            links[number] = nlink
            if stat.S_ISDIR(st[0]):
                names[number] = 2
                for name, child, kind in self.entries(data):
                    if name == b"..":
                        assert child == parent, ".. in %s" % path
                    elif name != b".":
                        names[number] += kind == 2
                        if path or name != b"lost+found":
                            todo.append((os.path.join(path, name), child, number))
            content = data
            if stat.S_ISREG(st[0]):
                content = hashlib.sha256(data).hexdigest()[:24]
            lines.append((path, tree.line(path, st, nlink - (not path), xattrs, content)))
        assert names == links, "links"
        return lines


if __name__ == "__main__":
    for _, text in sorted(Ext4(sys.argv[1]).lines()):
        print(text)
