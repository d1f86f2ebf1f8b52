#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
The contents of a directory, or of a raw erofs, a line for each path: type, mode,
owner, time, links, size, device, extended attributes, contents.

    tree.py DIRECTORY
    tree.py --erofs IMAGE

This script alone reads the erofs. It also makes checks that the kernel and
fsck.erofs do not make: no two inodes overlap, the counts of links and of inodes are
right, and entries are sorted and padded with zeros.
"""
import hashlib
import os
import stat
import struct
import sys


def line(path, st, nlink, xattrs, content):
    mode, uid, gid, mtime, size, rdev = st
    out = [path or ".", "%o" % mode, uid, gid, mtime, nlink]
    if not stat.S_ISDIR(mode):
        out.append(size)
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        out.append("%d:%d" % (os.major(rdev), os.minor(rdev)))
    for name in sorted(xattrs):
        out.append("%s=%s" % (name, hashlib.sha256(xattrs[name]).hexdigest()[:16]))
    if stat.S_ISLNK(mode):
        out.append(repr(content))
    elif stat.S_ISREG(mode):
        out.append(content)
    return "|".join(str(x) for x in out)


def of_directory(root):
    root = os.fsencode(root)
    lines, names, todo = [], {}, [b""]
    while todo:
        path = todo.pop()
        full = os.path.join(root, path) if path else root
        st = os.lstat(full)
        xattrs = {n: os.getxattr(full, n, follow_symlinks=False)
                  for n in os.listxattr(full, follow_symlinks=False)}
        content = None
        if stat.S_ISDIR(st.st_mode):
            todo += [os.path.join(path, n) for n in os.listdir(full)]
        elif stat.S_ISLNK(st.st_mode):
            content = os.readlink(full)
        elif stat.S_ISREG(st.st_mode):
            digest = hashlib.sha256()
            with open(full, "rb") as file:
                for part in iter(lambda: file.read(1 << 20), b""):
                    digest.update(part)
            content = digest.hexdigest()[:24]
        lines.append((path, line(path, (st.st_mode, st.st_uid, st.st_gid, st.st_mtime_ns,
                                        st.st_size, st.st_rdev), st.st_nlink, xattrs, content)))
    return lines


def expand(stored, length):
    """A block of LZ4 that makes @length bytes."""
    out, at = bytearray(), 0

    def more(run):
        nonlocal at
        while run >= 15:
            byte = stored[at]
            at += 1
            run += byte
            if byte != 255:
                break
        return run

    while at < len(stored):
        token = stored[at]
        at += 1
        literals = more(token >> 4)
        out += stored[at:at + literals]
        at += literals
        if at == len(stored):
            break
        back = stored[at] | stored[at + 1] << 8
        at += 2
        assert 0 < back <= len(out)
        for _ in range(more(token & 15) + 4):
            out.append(out[-back])
    assert len(out) == length, "%d bytes instead of %d" % (len(out), length)
    return bytes(out)


class Erofs:
    PREFIX = {1: "user.", 2: "system.posix_acl_access", 3: "system.posix_acl_default",
              4: "trusted.", 6: "security."}

    def __init__(self, path):
        self.file = open(path, "rb")
        sb = self.bytes(1024, 128)
        (magic, _, compat, shift, slots, self.root, self.inodes, self.time, self.time_ns,
         self.blocks, meta, xattr) = struct.unpack("<IIIBBHQQIIII", sb[:48])
        assert magic == 0xe0f5e1e2 and shift == 12 and not slots
        incompat = struct.unpack("<I", sb[80:84])[0]
        assert incompat & ~7 == 0
        self.large = bool(incompat & 2)
        self.meta, self.xattr = meta << 12, xattr << 12
        size = os.fstat(self.file.fileno()).st_size
        assert size == self.blocks << 12, "%d blocks, %d bytes" % (self.blocks, size)

    def bytes(self, offset, length):
        data = os.pread(self.file.fileno(), length, offset)
        assert len(data) == length, "end of the image"
        return data

    def runs(self, list_at, size):
        """What a compressed file expands to: its list of logical clusters is at @list_at."""
        count, heads, body = (size + 4095) // 4096, [], {}
        assert self.bytes(list_at, 16) == struct.pack("<IHBBQ", 0, 2 * self.large, 0, 0, 0)
        data = self.bytes(list_at + 16, 8 * count)
        for i in range(count):
            kind, start, block = struct.unpack("<HHI", data[8 * i:8 * i + 8])
            if kind < 2:
                heads.append((4096 * i + start, kind, block))
                continue
            assert kind == 2 and not start
            body[i] = block & 0xffff, block >> 16
        out = b""
        for (start, kind, block), (end, _, _) in zip(heads, heads[1:] + [(size, 0, 0)]):
            assert start == len(out), "a run at %d" % start
            first, blocks = start // 4096, 1
            for i in range(first + 1, end // 4096):
                back, ahead = body.pop(i)
                if self.large and i == first + 1:
                    assert back & 0x800
                    blocks, back = back & 0x7ff, 1
                assert (back, ahead) == (i - first, end // 4096 - i), "logical cluster %d" % i
            if start == end:
                assert end == size and not block
                continue
            stored = self.bytes(block << 12, blocks << 12)
            if kind:
                assert end - start > blocks << 12
                out += expand(stored.lstrip(b"\0"), end - start)
            else:
                assert not any(stored[end - start:])
                out += stored[:end - start]
        assert not body
        return out

    def inode(self, nid):
        offset = self.meta + 32 * nid
        head = self.bytes(offset, 32)
        form, count, mode = struct.unpack("<HHH", head[:6])
        if form & 1:
            head = self.bytes(offset, 64)
            size, address, _, uid, gid, time, ns, nlink = struct.unpack("<QIIIIQII", head[8:48])
        else:
            nlink, size, _, address, _, uid, gid = struct.unpack("<HIIIIHH", head[6:28])
            time, ns = self.time, self.time_ns
        end = offset + len(head)
        xattrs, room = {}, 12 + 4 * (count - 1) if count else 0
        if room:
            shared, at = self.bytes(end, 12)[4], end + 12
            places = []
            for _ in range(shared):
                places.append(self.xattr + 4 * struct.unpack("<I", self.bytes(at, 4))[0])
                at += 4
            while at < end + room:
                places.append(at)
                length, _, value = struct.unpack("<BBH", self.bytes(at, 4))
                at += 4 + (length + value + 3) // 4 * 4
            assert at == end + room, "attributes of inode %d" % nid
            for at in places:
                length, prefix, value = struct.unpack("<BBH", self.bytes(at, 4))
                name = self.PREFIX[prefix] + os.fsdecode(self.bytes(at + 4, length))
                assert name not in xattrs
                xattrs[name] = self.bytes(at + 4 + length, value)
        end += room
        layout, data = form >> 1, None
        if stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode):
            full = (size + 4095) // 4096
            if layout == 1:
                end = (end + 7) // 8 * 8
                data = self.runs(end, size)
                end += 16 + 8 * full
            elif layout == 4:
                chunk, unit = 4096 << (address & 31), 8 if address & 32 else 4
                end = (end + unit - 1) // unit * unit
                data = b""
                for _ in range((size + chunk - 1) // chunk):
                    block = struct.unpack("<I", self.bytes(end + unit - 4, 4))[0]
                    end += unit
                    data += (b"\0" * chunk if block == 0xffffffff else
                             os.pread(self.file.fileno(), chunk, block << 12).ljust(chunk, b"\0"))
                data = data[:size]
            else:
                assert layout in (0, 2)
                full -= layout == 2 and full > 0
                data = self.bytes(address << 12, full << 12) if full else b""
                if layout == 2:
                    tail = size - (full << 12)
                    assert end % 4096 + tail <= 4096, "inode %d" % nid
                    data += self.bytes(end, tail)
                    end += tail
                else:
                    assert not any(data[size:]), "padding of inode %d" % nid
                    data = data[:size]
        rdev = 0
        if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
            rdev = os.makedev(address >> 8 & 0xfff, address & 0xff | address >> 12 & 0xfff00)
        if time >= 1 << 63:
            time -= 1 << 64
        return (mode, uid, gid, time * 10**9 + ns, size, rdev), nlink, xattrs, data, (offset, end)

    @staticmethod
    def entries(data):
        names = []
        for at in range(0, len(data), 4096):
            block = data[at:at + 4096]
            start = struct.unpack("<QH", block[:10])[1]
            count = start // 12
            assert count and start % 12 == 0
            heads = [struct.unpack("<QHBB", block[12 * i:12 * i + 12]) for i in range(count)]
            for i, (nid, place, kind, _) in enumerate(heads):
                end = heads[i + 1][1] if i + 1 < count else len(block)
                name = block[place:end]
                if i + 1 == count:
                    name = name.rstrip(b"\0")
                assert name and b"\0" not in name and b"/" not in name
                names.append((name, nid, kind))
        assert names == sorted(names) and len({n for n, _, _ in names}) == len(names)
        return names

    def lines(self):
        kinds = {stat.S_IFREG: 1, stat.S_IFDIR: 2, stat.S_IFCHR: 3, stat.S_IFBLK: 4,
                 stat.S_IFIFO: 5, stat.S_IFSOCK: 6, stat.S_IFLNK: 7}
        lines, names, places, links = [], {}, {}, {}
        todo = [(b"", self.root, self.root)]
        while todo:
            path, nid, parent = todo.pop()
            st, nlink, xattrs, data, places[nid] = self.inode(nid)
            assert nid not in names or not stat.S_ISDIR(st[0]), "%s is there twice" % path
            names[nid] = names.get(nid, 0) + 1
            links[nid] = nlink
            if stat.S_ISDIR(st[0]):
                names[nid] = 2
                for name, child, kind in self.entries(data):
                    mode = self.inode(child)[0][0]
                    assert kinds[stat.S_IFMT(mode)] == kind, "type of %s in %s" % (name, path)
                    if name == b".":
                        assert child == nid
                    elif name == b"..":
                        assert child == parent, ".. in %s" % path
                    else:
                        names[nid] += kind == 2
                        todo.append((os.path.join(path, name), child, nid))
            content = None
            if stat.S_ISLNK(st[0]):
                content = data
            elif stat.S_ISREG(st[0]):
                content = hashlib.sha256(data).hexdigest()[:24]
            lines.append((path, line(path, st, nlink, xattrs, content)))
        assert names == links, "links"
        assert len(names) == self.inodes, "%d inodes, not %d" % (len(names), self.inodes)
        ends = sorted(places.values()) + [(self.blocks << 12, 0)]
        for (_, end), (start, _) in zip(ends, ends[1:]):
            assert end <= start, "inodes overlap at %d" % start
        return lines


def main():
    if sys.argv[1] == "--erofs":
        lines = Erofs(sys.argv[2]).lines()
    else:
        lines = of_directory(sys.argv[1])
    for _, text in sorted(lines):
        print(text)


if __name__ == "__main__":
    main()
