#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
Make random changes of a directory, the same for the same seed.

    steps.py [--few] SEED PLAIN SOURCE REMOVED

makes the directory SOURCE, which "mkimage extend" is to add, and the file REMOVED
with the paths that it is to remove, one a line. It makes the same changes to the
directory PLAIN, by the rules in mkimage/fs/extend.h: PLAIN then has the contents
that the extended image must have.
"""
import os
import random
import shutil
import socket
import stat
import struct
import sys

ROOT = os.geteuid() == 0
EPOCH = 1700000000


def copy_attributes(source, target):
    st = os.lstat(source)
    if ROOT:
        os.lchown(target, st.st_uid, st.st_gid)
    if not stat.S_ISLNK(st.st_mode):
        os.chmod(target, stat.S_IMODE(st.st_mode))
    names = os.listxattr(source, follow_symlinks=False)
    for name in os.listxattr(target, follow_symlinks=False):
        if name not in names:
            os.removexattr(target, name, follow_symlinks=False)
    for name in names:
        os.setxattr(target, name, os.getxattr(source, name, follow_symlinks=False),
                    follow_symlinks=False)
    # Setting an ACL changes the mode.
    if not stat.S_ISLNK(st.st_mode):
        os.chmod(target, stat.S_IMODE(st.st_mode))
    os.utime(target, ns=(st.st_mtime_ns, st.st_mtime_ns), follow_symlinks=False)


def copy_content(source, target):
    """Copy a file without its attributes; holes stay holes."""
    st = os.lstat(source)
    if stat.S_ISLNK(st.st_mode):
        os.symlink(os.readlink(source), target)
    elif stat.S_ISREG(st.st_mode):
        with open(source, "rb") as old, open(target, "wb") as new:
            at = 0
            while True:
                try:
                    at = os.lseek(old.fileno(), at, os.SEEK_DATA)
                except OSError:
                    break
                end = os.lseek(old.fileno(), at, os.SEEK_HOLE)
                while at < end:
                    data = os.pread(old.fileno(), min(end - at, 1 << 20), at)
                    os.pwrite(new.fileno(), data, at)
                    at += len(data)
            new.truncate(st.st_size)
    elif stat.S_ISSOCK(st.st_mode):
        make_socket(target)
    else:
        os.mknod(target, st.st_mode, st.st_rdev)


def make_socket(path):
    here = os.getcwd()
    os.chdir(os.path.dirname(path) or ".")
    server = socket.socket(socket.AF_UNIX)
    server.bind(os.path.basename(path)[:100])
    server.close()
    os.chdir(here)


def copy_tree(source, target):
    """Copy a tree with attributes and hard links; @target does not exist."""
    links = {}

    def copy(old, new):
        st = os.lstat(old)
        key = (st.st_dev, st.st_ino)
        if stat.S_ISDIR(st.st_mode):
            os.mkdir(new)
            for name in sorted(os.listdir(old)):
                copy(os.path.join(old, name), os.path.join(new, name))
        elif key in links:
            os.link(links[key], new, follow_symlinks=False)
            return
        else:
            copy_content(old, new)
            links[key] = new
        copy_attributes(old, new)

    copy(source, target)


def is_directory(path):
    return os.path.isdir(path) and not os.path.islink(path)


def remove(path):
    if is_directory(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def directory_times(top):
    return {base: os.lstat(base).st_mtime_ns for base, _, _ in os.walk(top)}


def apply(plain, source, removed):
    """Do to @plain as extend does to an image."""
    times = directory_times(plain)
    for path in removed:
        remove(os.path.join(plain, path))
    links = {}
    given = []

    def merge(path):
        old, new = os.path.join(source, path), os.path.join(plain, path)
        st = os.lstat(old)
        if stat.S_ISDIR(st.st_mode):
            if not is_directory(new):
                remove(new)
                os.mkdir(new)
            for name in sorted(os.listdir(old)):
                merge(os.path.join(path, name))
            if path:
                given.append((old, new))
            return
        remove(new)
        key = st.st_ino
        if key in links:
            os.link(links[key], new, follow_symlinks=False)
        else:
            links[key] = new
            copy_content(old, new)
            copy_attributes(old, new)

    merge("")
    for base, time in times.items():
        if is_directory(base):
            os.utime(base, ns=(time, time))
    for old, new in given:
        copy_attributes(old, new)


class Step:
    def __init__(self, seed, plain, source, few):
        self.random = random.Random(seed)
        self.few = few
        self.plain, self.source = plain, source
        self.removed = []
        self.paths, self.directories = [], [""]
        for base, directories, files in os.walk(plain):
            for name in directories + files:
                path = os.path.relpath(os.path.join(base, name), plain)
                self.paths.append(path)
                if is_directory(os.path.join(plain, path)):
                    self.directories.append(path)
        self.paths = [path for path in self.paths if path != "step"]
        self.paths.sort()
        self.directories.sort()
        os.mkdir(source)

    def name(self):
        pick = self.random
        kind = pick.randrange(10)
        if kind == 0:
            return pick.choice("!#+-~") + "%d" % pick.randrange(50)
        if kind == 1:
            return pick.choice([".hidden", "..two", "...", ".-", ".!", "-"]) + "%d" % pick.randrange(9)
        if kind == 2:
            return "%03d" % pick.randrange(1000) + "n" * pick.choice([200, 251])
        if kind == 3:
            return "\u00e4\u00f6 %d" % pick.randrange(100)
        return pick.choice(["file", "name", "lib", "x", "data.tar"]) + "%d" % pick.randrange(300)

    def stamp(self, path):
        """Random attributes."""
        pick = self.random
        link = os.path.islink(path)
        if ROOT and pick.randrange(3) == 0:
            os.lchown(path, pick.choice([0, 7, 1000, 70000]), pick.choice([0, 8, 100000]))
        if not link and pick.randrange(2):
            os.chmod(path, pick.choice([0o644, 0o600, 0o755, 0o4755, 0o2711, 0o1777, 0o700]))
        if link and ROOT and pick.randrange(3) == 0:
            os.setxattr(path, "trusted.t", pick.randbytes(pick.choice([0, 20, 900])),
                        follow_symlinks=False)
        elif pick.randrange(3) == 0 and not link and not stat.S_ISSOCK(os.lstat(path).st_mode):
            plain = is_directory(path) or os.path.isfile(path)
            for _ in range(pick.randrange(4)):
                names = ["user.a", "user.longer-name"] if plain else []
                names += ["trusted.t", "security.foo"] if ROOT else []
                if not names:
                    break
                name = pick.choice(names)
                size = pick.choice([0, 1, 3, 20, 100, 900])
                os.setxattr(path, name, pick.randbytes(size))
            if pick.randrange(3) == 0 and plain:
                mode = os.lstat(path).st_mode
                acl = struct.pack("<I", 2)
                for tag, rights, who in ((1, mode >> 6 & 7, -1), (2, 5, 1000), (4, 4, -1),
                                         (16, mode >> 3 & 7, -1), (32, mode & 7, -1)):
                    acl += struct.pack("<HHi", tag, rights, who)
                os.setxattr(path, "system.posix_acl_access", acl)
                if is_directory(path):
                    os.setxattr(path, "system.posix_acl_default", acl)
        time = pick.choice([0, 1, 1234567890, pick.randrange(EPOCH)])
        time = time * 10**9 + pick.choice([0, pick.randrange(10**9)])
        os.utime(path, ns=(time, time), follow_symlinks=False)

    def fill(self, path):
        pick = self.random
        kind = pick.randrange(12)
        size = pick.choice([0, 1, pick.randrange(100), pick.randrange(4000), 4000 + pick.randrange(200),
                            4096, 8192, pick.randrange(30000), pick.randrange(300000)])
        with open(path, "wb") as file:
            if kind == 0:
                file.truncate(size * 20)
                file.seek(pick.randrange(size * 20 + 1))
                file.write(b"island")
                file.truncate(max(size * 20, 6))
            elif kind == 1:
                file.write(b"the same again\n" * (size // 15))
            else:
                file.write(pick.randbytes(size))

    def directory_in_source(self, path):
        """Make a directory and its parents, as in PLAIN or with new attributes."""
        if not path or os.path.lexists(os.path.join(self.source, path)):
            return is_directory(os.path.join(self.source, path))
        if not self.directory_in_source(os.path.dirname(path)):
            return False
        full = os.path.join(self.source, path)
        os.mkdir(full)
        if is_directory(os.path.join(self.plain, path)):
            copy_attributes(os.path.join(self.plain, path), full)
        if self.random.randrange(4) == 0:
            self.stamp(full)
        return True

    def gone(self, path):
        return any(path == r or path.startswith(r + "/") for r in self.removed)

    def place(self):
        """A new or an old path whose directory is in SOURCE."""
        if self.random.randrange(3) == 0 and self.paths:
            path = self.random.choice(self.paths)
        else:
            path = os.path.join(self.random.choice(self.directories), self.name())
        if len(path) > 1500 or not self.directory_in_source(os.path.dirname(path)):
            return None
        return None if os.path.lexists(os.path.join(self.source, path)) else path

    def add(self):
        path = self.place()
        if not path:
            return
        full, kind = os.path.join(self.source, path), self.random.randrange(14)
        if kind == 0:
            os.symlink("t" * self.random.choice([1, 50, 2000, 4000, 4031, 4032, 4033, 4095]), full)
        elif kind == 1:
            os.mkfifo(full)
        elif kind == 2 and ROOT:
            os.mknod(full, self.random.choice([stat.S_IFCHR, stat.S_IFBLK]) | 0o640,
                     os.makedev(self.random.choice([1, 300]), self.random.choice([3, 70000])))
        elif kind == 3 and len(os.path.basename(path)) < 100:
            make_socket(full)
        elif kind < 7:
            os.mkdir(full)
            for _ in range(self.random.choice([0, 1, 5])):
                self.fill(os.path.join(full, self.name()))
        else:
            self.fill(full)
        self.stamp(full)

    def many(self):
        path = None if self.few else self.place()
        if path and not self.random.randrange(3):
            full = os.path.join(self.source, path)
            os.mkdir(full)
            for i in range(self.random.choice([150, 700])):
                with open(os.path.join(full, "%s-%04d" % (self.name()[:30], i)), "w") as file:
                    file.write("%d" % i)
        elif path:
            directory = os.path.join(self.source, os.path.dirname(path))
            for _ in range(self.random.randrange(120)):
                target = os.path.join(directory, self.name())
                if not os.path.lexists(target):
                    self.fill(target)
                    self.stamp(target)

    def remove(self):
        if self.paths:
            path = self.random.choice(self.paths)
            if path.count("/") or not is_directory(os.path.join(self.plain, path)) or \
                    self.random.randrange(4) == 0:
                self.removed.append(path)

    def rename(self):
        if not self.paths:
            return
        old, new = self.random.choice(self.paths), self.place()
        if new and not (new + "/").startswith(old + "/"):
            copy_tree(os.path.join(self.plain, old), os.path.join(self.source, new))
            self.removed.append(old)

    def again(self):
        """Add a path of PLAIN once more, the same or with other attributes."""
        if not self.paths:
            return
        path = self.random.choice(self.paths)
        full = os.path.join(self.source, path)
        if self.directory_in_source(os.path.dirname(path)) and not os.path.lexists(full):
            copy_tree(os.path.join(self.plain, path), full)
            if self.random.randrange(3):
                self.stamp(full)

    def link(self):
        """Add a file with several names, some of which PLAIN may have."""
        first = self.place()
        if not first:
            return
        first = os.path.join(self.source, first)
        self.fill(first)
        self.stamp(first)
        for _ in range(self.random.randrange(1, 4)):
            path = self.place()
            if path:
                os.link(first, os.path.join(self.source, path))

    def make(self):
        for _ in range(self.random.randrange(1, 7)):
            self.random.choice([self.add, self.add, self.add, self.add, self.remove,
                                self.many if self.few else self.remove, self.rename,
                                self.again, self.again, self.link, self.many])()
        # There is always a change.
        with open(os.path.join(self.source, "step"), "w") as file:
            file.write(sys.argv[-4])
        self.removed = sorted({p for p in self.removed if not
                               any(p.startswith(r + "/") for r in self.removed)})


def main():
    few = sys.argv[1] == "--few"
    seed, plain, source, removed = sys.argv[1 + few:]
    os.umask(0o022)
    if not os.path.isdir(plain):
        os.mkdir(plain)
        os.chmod(plain, 0o755)
        os.utime(plain, (EPOCH, EPOCH))
    step = Step(seed, plain, source, few)
    step.make()
    # No time is later than that.
    for base, directories, files in os.walk(source):
        for name in directories + files:
            path = os.path.join(base, name)
            if os.lstat(path).st_mtime > EPOCH:
                os.utime(path, (EPOCH, EPOCH), follow_symlinks=False)
    apply(plain, source, step.removed)
    with open(removed, "w") as file:
        file.write("".join(p + "\n" for p in step.removed))


if __name__ == "__main__":
    main()
