# SPDX-License-Identifier: GPL-2.0-or-later
"""
Random trees and random layers, as a model in memory: the contents that a directory or
an image must have. None of it was read back from anywhere.
"""
import hashlib
import os
import random
import stat
import struct

# The limits of Linux and of both filesystems.
NAME_MAX = 255
TARGET_MAX = 4095
TIME_MIN, TIME_MAX = -2**31, 2**34 - 2**31 - 1
LINKS_MAX = {"erofs": 70000, "ext4": 65000}


class Node:
    """An inode. A directory has entries, a file has a size and parts of data."""

    def __init__(self, mode):
        self.mode = mode
        self.uid = self.gid = self.time = self.rdev = self.size = 0
        self.xattrs = {}
        self.parts = []         # (offset, bytes), in order; between them are holes
        self.target = b""
        self.entries = {} if stat.S_ISDIR(mode) else None

    def attributes_of(self, other):
        self.mode, self.uid, self.gid = other.mode, other.uid, other.gid
        self.time, self.xattrs = other.time, dict(other.xattrs)

    def digest(self):
        digest, at = hashlib.sha256(), 0
        for offset, data in self.parts:
            digest.update(bytes(offset - at))
            digest.update(data)
            at = offset + len(data)
        digest.update(bytes(self.size - at))
        return digest.hexdigest()


def walk(node, path=b""):
    """Every path below a directory, and its node; the directory first."""
    yield path, node
    if node.entries is not None:
        for name in sorted(node.entries):
            yield from walk(node.entries[name], path + b"/" + name if path else name)


def listing(root):
    """A row for each path of a tree, in a form that JSON can hold."""
    names, rows, numbers = {}, [], {}
    for _, node in walk(root):
        names[id(node)] = names.get(id(node), 0) + 1
    for path, node in walk(root):
        links = names[id(node)]
        if node.entries is not None:
            links = 2 + sum(n.entries is not None for n in node.entries.values())
        rows.append([
            path.hex(), node.mode, node.uid, node.gid, node.time, links,
            numbers.setdefault(id(node), len(numbers)),
            node.size if stat.S_ISREG(node.mode) else len(node.target), node.rdev,
            node.target.hex(), node.digest() if stat.S_ISREG(node.mode) else "",
            {k: v.hex() for k, v in sorted(node.xattrs.items())}])
    return rows


def clamp(root, epoch, fs):
    """Limit times as SOURCE_DATE_EPOCH does."""
    if epoch is None:
        return
    epoch = max(epoch, 1 if fs == "ext4" else 0)
    for _, node in walk(root):
        if node.time // 10**9 > epoch:
            node.time = epoch * 10**9


def find(root, path):
    node = root
    for name in path.split(b"/") if path else ():
        node = node.entries.get(name) if node.entries is not None else None
        if node is None:
            return None
    return node


def remove(root, path):
    directory, _, name = path.rpartition(b"/")
    del find(root, directory).entries[name]


def merge(old, new, top=True):
    """Merge as a layer does: mkimage/fs/extend.h has the rules."""
    for name, node in new.entries.items():
        there = old.entries.get(name)
        if node.entries is not None and there is not None and there.entries is not None:
            merge(there, node, False)
        else:
            old.entries[name] = node
    if not top:
        old.attributes_of(new)


class Maker:
    """Makes trees; the same ones for the same seed."""

    def __init__(self, seed):
        self.pick = random.Random(seed)

    def name(self):
        pick = self.pick
        kind = pick.randrange(8)
        if kind == 0:
            return pick.choice([b"!", b"-", b"..", b".", b" ", b"\n", b"\x7f", b"~"]) + \
                b"%d" % pick.randrange(60)
        if kind == 1:           # up to the longest, many equal but for the end
            length = pick.choice([100, 200, 251, 252, 253, 254, 255])
            return b"n" * (length - 1) + pick.choice([b"n", b"o", b"\xff"])
        if kind == 2:
            length = pick.choice([1, 2, 30, 255])
            return bytes(pick.choice([c for c in range(1, 256) if c != 0x2f])
                         for _ in range(length)).replace(b".", b"d")
        return pick.choice([b"file", b"name", b"lib", b"x", b"data.tar"]) + \
            b"%d" % pick.randrange(300)

    def time(self):
        pick = self.pick
        # The host's filesystem keeps no fractions of the first and the last second.
        if pick.randrange(10) == 0:
            return pick.choice([TIME_MIN, TIME_MAX]) * 10**9
        second = pick.choice([0, -1, 1, TIME_MIN + 1, TIME_MAX - 1,
                              pick.randrange(TIME_MIN + 1, 0), pick.randrange(2**31),
                              pick.randrange(2**31), pick.randrange(2**31, TIME_MAX)])
        return second * 10**9 + pick.choice([0, 1, 999999999, pick.randrange(10**9)])

    def acl(self, mode):
        acl = struct.pack("<I", 2)
        for tag, rights, who in ((1, mode >> 6 & 7, -1), (2, 5, 1000), (4, 4, -1),
                                 (16, mode >> 3 & 7, -1), (32, mode & 7, -1)):
            acl += struct.pack("<HHi", tag, rights, who)
        return acl

    def stamp(self, node):
        """Set random attributes. All those of an inode must fit into a block of ext4."""
        pick = self.pick
        if pick.randrange(3) == 0:
            node.uid = pick.choice([0, 7, 1000, 70000, 2**32 - 2])
            node.gid = pick.choice([0, 8, 65535, 65536, 100000])
        if not stat.S_ISLNK(node.mode) and pick.randrange(2):
            node.mode = stat.S_IFMT(node.mode) | pick.choice(
                [0o644, 0o600, 0o755, 0o4755, 0o2711, 0o1777, 0o700, 0o0, 0o7777])
        node.time = self.time()
        plain = stat.S_ISREG(node.mode) or stat.S_ISDIR(node.mode)
        if pick.randrange(4) == 0:
            names = ["trusted.t", "trusted." + "long-name" * 15, "security.foo"]
            if plain:
                names += ["user.a", "user.longer-name", "user.\u00e4"]
            for name in pick.sample(names, pick.randrange(1, 4)):
                node.xattrs[name] = pick.randbytes(pick.choice([0, 1, 3, 20, 100, 600]))
            if plain and pick.randrange(2) == 0:
                node.xattrs["system.posix_acl_access"] = self.acl(node.mode)
            if stat.S_ISDIR(node.mode) and pick.randrange(2) == 0:
                node.xattrs["system.posix_acl_default"] = self.acl(node.mode)
            if stat.S_ISREG(node.mode) and pick.randrange(2) == 0:
                node.xattrs["security.capability"] = struct.pack(
                    "<IIIII", 0x02000001, 1 << pick.randrange(32), 0, 0, 0)
        return node

    def text(self, size):
        """Bytes that compress to a third or so, with some that do not among them."""
        pick, words = self.pick, [self.pick.randbytes(6) for _ in range(30)]
        parts, length = [], 0
        while length < size:
            parts.append(pick.choice(words) if pick.randrange(300) else pick.randbytes(9000))
            length += len(parts[-1])
        return b"".join(parts)[:size]

    def content(self, node):
        pick = self.pick
        size = pick.choice([0, 1, pick.randrange(100), pick.randrange(4000),
                            4000 + pick.randrange(200), 4096, 8192, pick.randrange(30000),
                            pick.randrange(150000)])
        kind = pick.randrange(10)
        if kind < 2:            # holes: at the start, at the end, between, all of it
            at = 0
            for _ in range(pick.randrange(4)):
                at += pick.choice([0, 4096, pick.randrange(200000), 1 << 20])
                data = pick.randbytes(pick.choice([1, 4095, 4096, 10000]))
                node.parts.append((at, data))
                at += len(data)
            node.size = at + pick.choice([0, 1, 4096, pick.randrange(100000), 1 << 20])
        elif size:
            data = (b"the same again\n" * (size // 15 + 1))[:size] if kind == 2 else \
                self.text(size) if kind < 7 else pick.randbytes(size)
            node.parts.append((0, data))
            node.size = size

    def node(self):
        pick = self.pick
        kind = pick.randrange(12)
        if kind == 0:
            node = Node(stat.S_IFLNK | 0o777)
            node.target = b"t" * pick.choice([1, 59, 60, 61, 2000, 3900, 4000, 4031, 4032,
                                              4033, 4094, TARGET_MAX])
        elif kind == 1:
            node = Node(pick.choice([stat.S_IFIFO, stat.S_IFSOCK]) | 0o644)
        elif kind == 2:
            node = Node(pick.choice([stat.S_IFCHR, stat.S_IFBLK]) | 0o640)
            node.rdev = os.makedev(pick.choice([0, 1, 255, 256, 4095]),
                                   pick.choice([0, 3, 255, 256, 70000, 2**20 - 1]))
        else:
            node = Node(stat.S_IFREG | 0o644)
            self.content(node)
        return self.stamp(node)

    def fill(self, directory, names, depth):
        """Add names to a directory, among them directories and second names of files."""
        pick = self.pick
        files = []
        for _ in range(names):
            name = self.name()
            if name in directory.entries:
                continue
            kind = pick.randrange(8)
            if kind == 0 and depth:
                node = self.stamp(Node(stat.S_IFDIR | 0o755))
                self.fill(node, pick.choice([0, 1, 5, 20]), depth - 1)
            elif kind == 1 and files:
                node = pick.choice(files)
            else:
                node = self.node()
                files.append(node)
            directory.entries[name] = node

    def tree(self):
        root = self.stamp(Node(stat.S_IFDIR | 0o755))
        self.fill(root, self.pick.choice([0, 3, 20, 60]), 4)
        if self.pick.randrange(6) == 0:
            self.many(root)
        return root

    def many(self, directory):
        node = self.stamp(Node(stat.S_IFDIR | 0o755))
        for i in range(self.pick.choice([100, 400])):
            file = self.stamp(Node(stat.S_IFREG | 0o644))
            node.entries[self.name()[:40] + b"-%d" % i] = file
        directory.entries.setdefault(self.name(), node)

    def removed(self, root):
        """Some paths, none below another."""
        paths = [path for path, _ in walk(root) if path]
        chosen = self.pick.sample(paths, min(len(paths), self.pick.randrange(4)))
        return sorted(p for p in chosen
                      if not any(p.startswith(q + b"/") for q in chosen))

    def layer(self, root):
        """A source whose paths are in part those of @root, with a change for sure."""
        pick = self.pick
        source = self.stamp(Node(stat.S_IFDIR | 0o755))
        self.fill(source, pick.choice([1, 5, 20]), 2)
        directories = [path for path, node in walk(root) if node.entries is not None]
        for path in pick.sample(directories, min(len(directories), 3)):
            node = source
            for name in path.split(b"/") if path else ():
                below = node.entries.get(name)
                if below is None or below.entries is None:
                    below = self.stamp(Node(stat.S_IFDIR | 0o755))
                    node.entries[name] = below
                node = below
            old = [name for name, n in find(root, path).entries.items() if n.entries is None]
            for name in pick.sample(old, min(len(old), 4)):
                node.entries[name] = self.node()
            self.fill(node, 3, 1)
        step = self.stamp(Node(stat.S_IFREG | 0o644))
        step.parts, step.size = [(0, pick.randbytes(8))], 8
        source.entries[b"step"] = step
        return source


def links_tree(fs):
    """A tree with as many names of one file as there may be."""
    root = Node(stat.S_IFDIR | 0o755)
    file = Node(stat.S_IFREG | 0o644)
    file.parts, file.size = [(0, b"once")], 4
    for i in range(LINKS_MAX[fs]):
        root.entries[b"%d" % i] = file
    return root


def write(node, path, made):
    """Make the tree at @path, which does not exist. Attributes come last, to stay."""
    if id(node) in made:
        os.link(made[id(node)], path, follow_symlinks=False)
        return
    made[id(node)] = path
    if node.entries is not None:
        os.mkdir(path)
        for name, below in node.entries.items():
            write(below, os.path.join(path, name), made)
    elif stat.S_ISLNK(node.mode):
        os.symlink(node.target, path)
    elif stat.S_ISREG(node.mode):
        with open(path, "wb") as file:
            for offset, data in node.parts:
                os.pwrite(file.fileno(), data, offset)
            file.truncate(node.size)
    else:
        os.mknod(path, node.mode, node.rdev)
    os.lchown(path, node.uid, node.gid)
    if not stat.S_ISLNK(node.mode):
        os.chmod(path, stat.S_IMODE(node.mode))
    for name, value in node.xattrs.items():
        os.setxattr(path, name, value, follow_symlinks=False)
    os.utime(path, ns=(node.time, node.time), follow_symlinks=False)
