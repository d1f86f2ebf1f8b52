#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Images made of OCI images and of squashfs: the files that umoci unpacks, and those that
# squashfs was made of, as a reader of the tests' own sees them.

# shellcheck source=tests/mkimage/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lib/trees.sh
. "$top/tests/lib/trees.sh"
tree() {
	python3 "$top/tests/mkimage/tree.py" "$@"
}
same() {	# same WHAT SOURCE DIRECTORY [OPTION...]
	ok "$1: create" "$mkimage" create --force "${@:4}" "$2" image
	"$mkimage" extract --force image raw >/dev/null
	tree "$3" >wanted
	tree --erofs raw >found
	ok "$1: every path as in the directory" diff wanted found
}
umask 022
export SOURCE_DATE_EPOCH=1900000000

### An image of three layers, made by umoci

if [ "$(id -u)" = 0 ]; then
	oci_layout layout bundle
	ok "umoci made three layers" test "$(find layout/blobs -type f -size +100c | wc -l)" -ge 5
	umoci unpack --image layout:x unpacked >/dev/null 2>&1
	same "a layout" layout unpacked/rootfs
	tar -cf layout.tar -C layout .
	same "an archive of it" layout.tar unpacked/rootfs
	"$mkimage" create --force --fs ext4 layout.tar image >/dev/null
	"$mkimage" extract --force image raw >/dev/null
	ok "in ext4: fsck" e2fsck -fn raw
	same "with --no-oci" layout layout --no-oci
	mkdir base
	echo base >base/base
	"$mkimage" create --force base extended >/dev/null
	ok "an image is extended by it" "$mkimage" extend --in-place extended layout
	"$mkimage" extract --force extended raw >/dev/null
	ok "and has both" test "$(tree --erofs raw | grep -cE "^b'(base|usr/bin/again)'")" = 2
fi

### Layouts that are wrong

python3 - <<'END'
import hashlib, io, json, os, tarfile

def blob(root, data):
    digest = hashlib.sha256(data).hexdigest()
    os.makedirs(root + "/blobs/sha256", exist_ok=True)
    with open(root + "/blobs/sha256/" + digest, "wb") as file:
        file.write(data)
    return {"digest": "sha256:" + digest, "size": len(data)}

def layer(*names):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name in names:
            info = tarfile.TarInfo(name)
            if name.endswith("/"):
                info.type = tarfile.DIRTYPE
                info.mode = 0o755
            else:
                info.size = 1
            tar.addfile(info, io.BytesIO(b"x"))
    return out.getvalue()

def write(root, index):
    os.makedirs(root, exist_ok=True)
    with open(root + "/oci-layout", "w") as file:
        file.write('{"imageLayoutVersion": "1.0.0"}')
    with open(root + "/index.json", "w") as file:
        file.write(index if isinstance(index, str) else json.dumps(index))

def image(root, *layers):
    manifest = {"layers": [blob(root, data) for data in layers]}
    return blob(root, json.dumps(manifest).encode())

def make(root, *layers):
    write(root, {"manifests": [image(root, *layers)]})

make("whiteouts", layer("a/", "a/one", "a/two", "b/", "b/one", "c/", "c/d/", "c/d/e", "f"),
     layer("a/new", "a/.wh..wh..opq", "b/.wh.one", "b/.wh.never", "c/.wh.d", "c/d/", "c/d/g",
           "c/.wh..wh.plnk", ".wh.f", "f"))
one = image("several", layer("one"))
two = image("several", layer("two"))
write("several", {"manifests": [one, two]})
machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, os.uname().machine)
one = {**image("platforms", layer("other")), "platform": {"os": "linux", "architecture": "s390x"}}
two = {**image("platforms", layer("mine")), "platform": {"os": "linux", "architecture": machine}}
nested = blob("platforms", json.dumps({"manifests": [one, two]}).encode())
write("platforms", {"manifests": [nested]})
make("damaged", layer("a"))
for name in os.listdir("damaged/blobs/sha256"):
    path = "damaged/blobs/sha256/" + name
    data = bytearray(open(path, "rb").read())
    if data[:1] != b"{":
        data[600] ^= 1          # the contents of a
        open(path, "wb").write(data)
make("manifest", layer("a"))
for name in os.listdir("manifest/blobs/sha256"):
    path = "manifest/blobs/sha256/" + name
    data = open(path, "rb").read()
    if data[:1] == b"{":
        open(path, "wb").write(data.replace(b"layers", b"Layers"))
make("missing", layer("a"))
for name in os.listdir("missing/blobs/sha256"):
    path = "missing/blobs/sha256/" + name
    if open(path, "rb").read(1) != b"{":
        os.unlink(path)
write("climbs", {"manifests": [{"digest": "sha256:" + "../" * 21 + "a"}]})
write("md5", {"manifests": [{"digest": "md5:d41d8cd98f00b204e9800998ecf8427e"}]})
write("nojson", "{ manifests")
write("deep", "[" * 100000)
write("array", "[]")
write("long", '{"a": "' + "x" * (5 << 20) + '"}')
write("nothing", {"manifests": []})
bad = blob("nolayers", b"{}")
write("nolayers", {"manifests": [bad]})
make("escapes", layer("../a"))
loop = {"manifests": [blob("loop", b"{}")]}
for i in range(6):
    loop = {"manifests": [blob("loop", json.dumps(loop).encode())]}
write("loop", loop)
END
ok "whiteouts: create" "$mkimage" create --force whiteouts image
"$mkimage" extract --force image raw >/dev/null
tree --erofs raw | cut -d'|' -f1 >found
ok "whiteouts remove what older layers have" diff found - <<END
.
b'a'
b'a/new'
b'b'
b'c'
b'c/d'
b'c/d/g'
b'f'
END
ok "the image for this machine is taken" "$mkimage" create --force platforms image
"$mkimage" extract --force image raw >/dev/null
ok "and no other" test "$(tree --erofs raw | grep -c "b'mine'"):$(tree --erofs raw | wc -l)" = 1:2
wrong() {	# wrong LAYOUT TEXT
	fails "$1" 1 "$1.*$2" timeout 600 "$mkimage" create "$1" bad.image
	ok "$1: one message, and no image" \
		test "$(wc -l <.errors):$(find . -name '*bad.image*')" = 1:
}
wrong several "has 2 images"
wrong damaged "SHA-256 is another"
wrong manifest "SHA-256 is another"
wrong missing "no such file"
wrong climbs "not 64 hexadecimal digits"
wrong md5 "none of SHA-256"
wrong nojson "no object in JSON"
wrong deep "no object in JSON"
wrong array "no object in JSON"
wrong long "more than 4 MiB"
wrong nothing "has 0 images"
wrong nolayers "no layers"
wrong escapes "part '\.\.'"
wrong loop "too many indexes"

### squashfs

mkdir -p tree/dir
echo text >tree/file
ln tree/file tree/dir/hard
ln -s ../file tree/dir/link
noise 300000 1 >tree/dir/noise
setfattr -n user.one -v 1 tree/file
mkfifo tree/fifo
[ "$(id -u)" != 0 ] || mknod tree/null c 1 3
find tree -exec touch -h -d '2020-01-02 03:04:06Z' {} +
env -u SOURCE_DATE_EPOCH mksquashfs tree a.squashfs -noappend -quiet -no-progress >/dev/null
same "a squashfs with --fs" a.squashfs tree --fs erofs
ok "without --fs it is the raw filesystem that it is" "$mkimage" create --force a.squashfs image
"$mkimage" extract --force image raw >/dev/null
ok "unchanged" cmp -n "$(stat -c %s a.squashfs)" raw a.squashfs
"$mkimage" create --force base extended >/dev/null 2>&1 || { mkdir -p base; "$mkimage" create --force base extended >/dev/null; }
ok "an image is extended by its files" "$mkimage" extend --in-place extended a.squashfs
head -c 5000 a.squashfs >cut.squashfs
fails "one that is cut off" 1 'cut.squashfs' "$mkimage" create --fs erofs cut.squashfs bad.image
mkdir empty
fails "without sqfs2tar" 1 'sqfs2tar is not installed.*squashfs-tools-ng' \
	env PATH="$work/empty" "$mkimage" create --fs erofs a.squashfs bad.image
ok "there is no image" test ! -e bad.image

finish
