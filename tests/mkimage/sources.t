#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Images made of archives, and extended by them: each has the files that the unpacked
# directory has, as a reader of the tests' own sees them. Archives that are wrong are
# refused.

# shellcheck source=tests/mkimage/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lib/trees.sh
. "$top/tests/lib/trees.sh"
tree() {
	python3 "$top/tests/mkimage/tree.py" "$@"
}
files() {	# files IMAGE: lines of what it holds
	"$mkimage" extract --force "$1" raw >/dev/null && tree --erofs raw
}
# Anyone can make an image of an archive, whatever owners and devices it has.
unprivileged() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
	else
		"$@"
	fi
}
root=
[ "$(id -u)" = 0 ] && root=1
chmod 755 "$work"
mkdir out && chmod 777 out
umask 022

### A tree with all that a filesystem holds

full_tree tree
tree tree >wanted

gnu=(tar --numeric-owner -S -C tree)
"${gnu[@]}" --format=posix --xattrs --xattrs-include='*' --acls -cf tree.tar .
for pack in gzip bzip2 xz zstd lz4 lzip compress; do
	command -v "$pack" >/dev/null || continue
	"$pack" <tree.tar >tree.tar."$pack"
done
xz --format=lzma <tree.tar >tree.tar.lzma

same() {	# same WHAT ARCHIVE
	ok "$1: create" unprivileged "$mkimage" create --force "$2" out/image
	files out/image >found
	ok "$1: every path as in the directory" diff wanted found
	rm -f out/image
}
same "a tar" tree.tar
for packed in tree.tar.*; do
	same "a tar compressed by ${packed##*.}" "$packed"
done
# It writes fractions before 1970 from the wrong side.
bsdtar -cf bsd.tar --format=pax --exclude ./none -C tree . 2>.errors
ok "a tar of libarchive: create" "$mkimage" create bsd.tar image
files image >found
ok "a tar of libarchive: every path as in the directory" diff <(grep -v "b'none'" wanted) found
ok "of the directory" "$mkimage" create tree directory.image
ok "of the tar" "$mkimage" create tree.tar tar.image
ok "the images are the same bytes" cmp directory.image tar.image
ok "compressed by the filesystem: create" "$mkimage" create --fs-compression lz4hc,16K tree.tar lz4.image
ok "compressed by the filesystem: the same as of the directory" \
	cmp lz4.image <("$mkimage" create --force --fs-compression lz4hc,16K tree other >/dev/null && cat other)
ok "ext4: create, and its own check" unprivileged "$mkimage" create --fs ext4 tree.tar out/ext4
"$mkimage" extract --force out/ext4 raw >/dev/null
ok "ext4: fsck" e2fsck -fn raw

### Formats that hold less: what they hold is compared

plain tree plain
tree plain >wanted
(cd plain && find . -depth | LC_ALL=C sort | cpio -o -H newc --quiet) >tree.cpio
same "a cpio" tree.cpio
(cd plain && find . | cpio -o -H crc --quiet) >tree.cpio
same "a cpio with sums" tree.cpio
"${gnu[@]}" --format=gnu -C ../plain -cf gnu.tar .
same "a tar of the old GNU format" gnu.tar

rm -rf plain/fifo plain/null plain/block plain/dir/hard plain/sparse \
	plain/"$(printf '\377\376 e\314\201 \303\251')"
find plain -exec touch -h -d '2020-01-02 03:04:06Z' {} +
[ -z "$root" ] || chown -h -R 0:0 plain
chmod 751 plain/file
(cd plain && zip -q -X -y -r ../tree.zip .)
tree plain | sed 1d >wanted
ok "a zip: create" unprivileged "$mkimage" create tree.zip out/image
files out/image | sed 1d >found
if [ "$root" ]; then
	ok "a zip: every path as in the directory" diff wanted found
fi
ok "a zip: the same in every time zone" cmp out/image \
	<(TZ=America/New_York "$mkimage" create --force tree.zip other >/dev/null && cat other)

### Debian packages

mkdir -p package/DEBIAN package/usr/share/doc/x
printf '%s\n' 'Package: x' 'Version: 1' 'Architecture: all' 'Maintainer: x <x@x.invalid>' \
	'Description: x' >package/DEBIAN/control
echo doc >package/usr/share/doc/x/copyright
ln package/usr/share/doc/x/copyright package/usr/share/doc/x/again
for kind in none gzip xz zstd; do
	dpkg-deb -Z$kind --root-owner-group -b package x-$kind.deb >/dev/null
	rm -rf unpacked
	dpkg-deb -x x-$kind.deb unpacked
	tree unpacked >wanted
	same "a package compressed by $kind" x-$kind.deb
done

### Extending

"$mkimage" create plain base >/dev/null
cp base base2
ok "extended by a tar" "$mkimage" extend --in-place base tree.tar
ok "extended by the directory" "$mkimage" extend --in-place base2 tree
ok "the images are the same bytes" cmp base base2
"$mkimage" create --force --fs ext4 plain base >/dev/null
ok "an ext4 is extended by a package, and checked" "$mkimage" extend --in-place base x-xz.deb
fails "by a file that is no archive" 1 'neither a directory nor an archive' \
	"$mkimage" extend --in-place base tree/dir/noise
cp tree.tar layer
fails "a layer over its own source" 1 'the same file' \
	"$mkimage" extend --force --output layer base layer
ok "it is still there" cmp tree.tar layer

### What is wrong

python3 - <<'END'
import io, tarfile, zipfile

def make(name, *entries, **options):
    with tarfile.open(name, "w", format=tarfile.PAX_FORMAT, **options) as tar:
        for entry in entries:
            path, content, more = (entry + ({},))[:3]
            info = tarfile.TarInfo(path)
            for key, value in more.items():
                setattr(info, key, value)
            if content is not None:
                info.size = len(content)
            tar.addfile(info, io.BytesIO(content or b""))

link = {"type": tarfile.LNKTYPE}
make("dots.tar", ("a/../../b", b"x"))
make("absolute.tar", ("/etc/passwd", b"x"))
make("nowhere.tar", ("a", None, {**link, "linkname": "b"}))
make("later.tar", ("a", None, {**link, "linkname": "b"}), ("b", b"x"))
make("out.tar", ("a", b"x"), ("b", None, {**link, "linkname": "../a"}))
make("directory.tar", ("d", None, {"type": tarfile.DIRTYPE}),
     ("a", None, {**link, "linkname": "d"}))
make("below.tar", ("a", b"x"), ("a/b", b"x"))
make("through.tar", ("a", None, {"type": tarfile.SYMTYPE, "linkname": "/etc"}), ("a/b", b"x"))
make("long.tar", ("d/" * 2048 + "f", b"x"))
make("part.tar", ("n" * 256, b"x"))
make("root.tar", (".", b"x"))
make("empty.tar", ("a", None, {"type": tarfile.SYMTYPE, "linkname": ""}))
make("owner.tar", ("a", b"x", {"uid": 1 << 40}))
make("xattr.tar", ("a", b"x", {"pax_headers": {"SCHILY.xattr.user." + "n" * 300: "x"}}))
make("other.tar", ("a", b"x", {"pax_headers": {"SCHILY.xattr.strange.name": "x"}}))
make("acl.tar", ("a", b"x", {"pax_headers": {
    "SCHILY.acl.access": "user::rw-,user:nobody-has-it:r--,group::r--,mask::r--,other::r--"}}))
make("twice.tar", ("a", b"first"), ("d/x", b"x"), ("a", b"second"), ("d", b"a file"),
     ("e", b"x"), ("g", b"x"), ("e", None, {"type": tarfile.DIRTYPE}))
make("big.tar", ("a", bytes(3 << 20)))
make("many.tar", *(("%d" % i, b"x" * 1000) for i in range(2000)))
make("good.tar", ("a", b"x" * 5000))
with open("good.tar", "rb") as file:
    whole = file.read()
with open("cut.tar", "wb") as file:
    file.write(whole[:3000])
# A header that says more than there is.
huge = bytearray(whole)
huge[124:136] = b"77777777777\0"
huge[148:156] = b" " * 8
huge[148:156] = b"%06o\0 " % sum(huge[:512])
with open("huge.tar", "wb") as file:
    file.write(huge)
END
gzip -c big.tar >bomb.tgz
gzip -c bomb.tgz >twice.tgz
head -c 200 bomb.tgz >cut.tgz
gzip -c tree/dir/noise >noise.gz
{ printf '!<arch>\n%-16s%-12s%-6s%-6s%-8s%-10s`\n' debian-binary 0 0 0 100644 4; printf '2.0\n'; } >no.deb
head -c 300 x-xz.deb >cut.deb
head -c 3000 tree.cpio >cut.cpio
head -c 5000 tree.zip >cut.zip

wrong() {	# wrong WHAT TEXT ARCHIVE [OPTION...]
	fails "$1" 1 "$3.*$2" timeout 600 "$mkimage" create "${@:4}" "$3" bad.image
	ok "$1: one message, and no image" \
		test "$(wc -l <.errors):$(find . -name '*bad.image*')" = 1:
}
wrong "a name with .." "part '\.\.'" dots.tar
wrong "an absolute name" absolute absolute.tar
wrong "a hard link of nothing" "hard link of 'b', which is not in it" nowhere.tar
wrong "a hard link of what comes later" "not in it before" later.tar
wrong "a hard link that leads out" "part '\.\.'" out.tar
wrong "a hard link of a directory" "is a directory" directory.tar
wrong "a name below a file" "'a/b' in it is below 'a', which is no directory" below.tar
wrong "a name below a link" "below 'a', which is no directory" through.tar
wrong "a path of 4097 bytes" "more than the 4095 bytes" long.tar
wrong "a name of 256 bytes" "256 bytes" part.tar
wrong "a root that is a file" "root is no directory" root.tar
wrong "a link without a target" "target" empty.tar
wrong "an owner that is too large" "owner of 'a'" owner.tar
wrong "an attribute with a long name" "extended attribute" xattr.tar
wrong "an attribute of no kind" "strange.name" other.tar
wrong "an access control list with an unknown user" "nobody-has-it" acl.tar
wrong "files beyond --max-size" "more bytes than --max-size" big.tar --max-size 2M
wrong "many files beyond it" "more bytes than --max-size" many.tar --max-size 1M
wrong "a compressed tar beyond it" "more bytes than --max-size" bomb.tgz --max-size 2M
wrong "a size that is a lie" "more bytes than --max-size" huge.tar --max-size 1M
wrong "a size that is a lie, below the limit" "[Tt]runcated" huge.tar
wrong "compressed twice" "damaged, or no archive" twice.tgz
compress <tree.tar.compress >twice.Z
wrong "compressed twice by compress" "compressed more than once" twice.Z
wrong "cut off" "[Tt]runcated" cut.tar
wrong "cut off while compressed" "truncated" cut.tgz
wrong "compressed, but no archive" "damaged, or no archive" noise.gz
wrong "a package without files" "without data.tar" no.deb
wrong "a package that is cut off" "" cut.deb
wrong "a cpio that is cut off" "" cut.cpio
wrong "a zip that is cut off" "" cut.zip
fails "--max-size that is no size" 2 "takes a size" "$mkimage" create --max-size x a b
ok "as large as allowed" "$mkimage" create --force --max-size 3M big.tar image

ok "the later of two entries counts" "$mkimage" create --force twice.tar image
files image | cut -d'|' -f1,2 >found
ok "the files are those of the later ones" diff found - <<END
.|40755
b'a'|100644
b'd'|100644
b'e'|40644
b'g'|100644
END

finish
