#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Directories: an image keeps every attribute, and the same directory makes the same
# bytes.

# shellcheck source=tests/mkimage/lib.sh
. "$(dirname "$0")/lib.sh"

python3 - <<'END'
import os, socket
os.umask(0o022)
os.makedirs("tree/sub/deep")
os.mkdir("tree/many")
for i in range(700):
    with open("tree/many/file-with-a-long-name-%04d" % i, "w") as f:
        f.write("%d\n" % i * (i % 50))
with open("tree/big", "wb") as f:
    f.write(b"".join(b"line %d\n" % i for i in range(300000)))
with open("tree/holes", "wb") as f:
    f.truncate(8 << 20)
    f.seek(4 << 20)
    f.write(b"island")
open("tree/empty", "w").close()
open("tree/sub/name with space\tand tab", "w").write("x")
open("tree/sub/\u00fcml\u00e4ut", "w").write("y")
os.link("tree/big", "tree/sub/hard")
os.symlink("../big", "tree/sub/short")
os.symlink("long/" * 60 + "end", "tree/sub/long")
os.mkfifo("tree/sub/fifo")
os.mkdir("tree/shut", 0o700)
os.chmod("tree/empty", 0o4751)
os.chmod("tree/many", 0o1777)
root = os.geteuid() == 0
if root:
    os.mknod("tree/sub/null", 0o20666, os.makedev(1, 3))
    os.chown("tree/sub", 1234, 70000)
    os.chown("tree", 5, 6)
os.chmod("tree", 0o750)
try:
    os.setxattr("tree/big", "user.note", b"a value")
    os.setxattr("tree/sub", "user.directory", b"another")
except OSError:
    pass
t = 1600000000
for base, dirs, files in os.walk("tree", topdown=False):
    for n in files + dirs:
        t += 1
        os.utime(os.path.join(base, n), ns=(t * 10**9, t * 10**9 + 123456789), follow_symlinks=False)
os.utime("tree", ns=(t * 10**9, 1500000000 * 10**9 + 5))
END

# list.py DIRECTORY WHAT...: a line for every path. It leaves out attributes that the
# extracting tools lose: setuid and sticky bits, and the times of links.
cat >list.py <<'END'
import hashlib, os, stat, sys
root, what = sys.argv[1], sys.argv[2:]
def show(path):
    st = os.lstat(path)
    out = [os.path.relpath(path, root), oct(st.st_mode & ~0o7000)]
    if "owner" in what:
        out += [st.st_uid, st.st_gid]
    if "time" in what and not stat.S_ISLNK(st.st_mode):
        out += [int(st.st_mtime)]
    if stat.S_ISLNK(st.st_mode):
        out += [os.readlink(path)]
    if stat.S_ISREG(st.st_mode):
        out += [st.st_size, hashlib.sha256(open(path, "rb").read()).hexdigest()]
    print(*out, sep="|")
lines = []
for base, dirs, files in os.walk(root):
    if base == root and "lost+found" in dirs:
        dirs.remove("lost+found")
    lines += [os.path.join(base, n) for n in files + dirs]
for path in sorted(lines):
    mode = os.lstat(path).st_mode
    if stat.S_ISDIR(mode) or stat.S_ISREG(mode) or stat.S_ISLNK(mode):
        show(path)
END

cp -a tree copy
for fs in erofs ext4; do
	ok "$fs: create" "$mkimage" create --fs $fs tree $fs
	ok "$fs: verify" "$mkimage" verify $fs
	ok "$fs: create of a copy, with four threads" \
		"$mkimage" create --fs $fs --threads 4 copy $fs-copy
	ok "$fs: the same bytes" cmp $fs $fs-copy
	ok "$fs: create with a slash at the end" \
		"$mkimage" create --force --fs $fs tree/ $fs-copy
	ok "$fs: the same bytes" cmp $fs $fs-copy
	ok "$fs: extract" "$mkimage" extract $fs $fs.raw

	for epoch in 1600000100 1700000000; do
		SOURCE_DATE_EPOCH=$epoch "$mkimage" create --fs $fs tree \
			$fs-$epoch >/dev/null
		SOURCE_DATE_EPOCH=$epoch "$mkimage" create --fs $fs copy \
			$fs-$epoch-2 >/dev/null
		ok "$fs: the same bytes with SOURCE_DATE_EPOCH $epoch" \
			cmp $fs-$epoch $fs-$epoch-2
	done
	"$mkimage" extract $fs-1600000100 $fs-early.raw >/dev/null
done

ok "erofs: fsck" fsck.erofs erofs.raw
ok "erofs: fsck --extract" fsck.erofs --extract=out-erofs erofs.raw
if [ "$(id -u)" = 0 ]; then
	kept='owner time'
else
	kept=''
fi
# shellcheck disable=SC2086
is "erofs: every file, mode, owner and time" \
	"$(python3 list.py out-erofs $kept | sha256sum)" \
	"$(python3 list.py tree $kept | sha256sum)"
is "erofs: nanoseconds and links" \
	"$(dump.erofs --path=/big erofs.raw | grep -Eo 'Links: 2|[0-9]{2}\.123456789')" \
	"$(printf 'Links: 2\n%s' "$(date -u -r tree/big +%S.%N)")"
is "erofs: late times become SOURCE_DATE_EPOCH" \
	"$(TZ=UTC dump.erofs --path=/big erofs-early.raw | sed -n 's/^Timestamp: //p')" \
	"2020-09-13 12:28:20.000000000"

ok "ext4: fsck" "$top/tests/mkimage/ext4-good" ext4.raw
mkdir out-ext4
ok "ext4: rdump" debugfs -R "rdump / out-ext4" ext4.raw
# shellcheck disable=SC2086
is "ext4: every file, mode, owner and time" \
	"$(python3 list.py out-ext4 $kept | sha256sum)" \
	"$(python3 list.py tree $kept | sha256sum)"
debugfs -R 'stat /big' ext4.raw >big.stat 2>/dev/null
is "ext4: nanoseconds in all times but the creation's" \
	"$(grep -c "time: 0x$(printf %x "$(stat -c %Y tree/big)"):$(printf %08x $((123456789 << 2)))" big.stat)" 3
ok "ext4: setuid" grep -q 'Mode:  04751' <(debugfs -R 'stat /empty' ext4.raw 2>/dev/null)
ok "ext4: sticky" grep -q 'Mode:  01777' <(debugfs -R 'stat /many' ext4.raw 2>/dev/null)
ok "ext4: a link's time" grep -q "mtime: 0x$(printf %x "$(stat -c %Y tree/sub/long)"):" \
	<(debugfs -R 'stat /sub/long' ext4.raw 2>/dev/null)
ok "ext4: links" grep -q 'Links: 2' big.stat
debugfs -R 'stat /' ext4.raw >root.stat 2>/dev/null
ok "ext4: the root's mode" grep -q 'Mode:  0750' root.stat
ok "ext4: the root's time" grep -q "mtime: 0x$(printf %x 1500000000):" root.stat
[ "$(id -u)" != 0 ] || ok "ext4: the root's owner" \
	grep -Eq 'User: +5 +Group: +6' root.stat
if python3 -c 'import os; os.getxattr("tree/big", "user.note")' 2>/dev/null; then
	ok "ext4: extended attributes" grep -q 'user.note (7) = "a value"' big.stat
	# It is kept in the clear, in one place.
	ok "erofs: extended attributes" grep -aq 'a value' erofs.raw
fi
ok "ext4: no journal" \
	bash -c '! dumpe2fs -h ext4.raw 2>/dev/null | grep -q has_journal'
free=$(dumpe2fs -h ext4.raw 2>/dev/null | sed -n 's/^Free blocks: *//p')
ok "ext4: little is left free ($free blocks)" [ "$free" -lt 200 ]

# mkimage passes on the failures of mke2fs.
mkdir bin
printf '#!/bin/sh\necho "mke2fs says so" >&2\nexit 3\n' >bin/mke2fs
chmod +x bin/mke2fs
PATH=$work/bin:$PATH fails "mke2fs fails" 1 'mke2fs: mke2fs says so' \
	"$mkimage" create --fs ext4 tree x
PATH=$work/bin:$PATH fails "its status is reported" 1 'exit status 3' \
	"$mkimage" create --fs ext4 tree x
SOURCE_DATE_EPOCH=soon fails "bad SOURCE_DATE_EPOCH" 1 \
	"SOURCE_DATE_EPOCH is 'soon'" "$mkimage" create tree x
fails "an image inside its source" 1 'would lie inside tree' \
	"$mkimage" create tree tree/sub/x
# mkimage is out of memory where it records the names of a file.
cat >full.c <<'END'
#include <stddef.h>
void *tsearch(const void *key, void **root,
	      int (*compare)(const void *, const void *));
void *tsearch(const void *key, void **root,
	      int (*compare)(const void *, const void *))
{
	(void)key, (void)root, (void)compare;
	return NULL;
}
END
ok "build a shim that runs out of memory" "${CC:-cc}" -shared -fPIC -o full.so full.c
mkdir links
echo once >links/a
ln links/a links/b
fails "out of memory: an error that names the file" 1 'links/a: cannot add it' \
	env ASAN_OPTIONS=verify_asan_link_order=0 LD_PRELOAD="$PWD/full.so" \
	"$mkimage" create links x
is "no file is left" "$(find . -maxdepth 1 -name '.x.*' -o -name 'core*')" ""

mkdir nothing
for fs in erofs ext4; do
	ok "$fs: an empty directory" "$mkimage" create --force --fs $fs nothing image
	ok "$fs: verify" "$mkimage" verify image
done
is "nothing is left of failures" "$(find . -maxdepth 1 -name '.x.*' -o -name x; find tree -name '*x.*')" ""

finish
