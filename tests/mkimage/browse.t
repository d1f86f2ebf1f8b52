#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# mkimage ls, cat and cp: files of an image that is a file, on a server, or in part on
# either, without a device.

# shellcheck source=tests/loader/lib.sh
. "$(dirname "$0")/../loader/lib.sh"

# A tree with something of every kind that any user can make, and a device for root.
mkdir -p tree/dir/sub tree/links tree/many
echo hello >tree/dir/hello
ln tree/dir/hello tree/dir/sub/hard
ln -s ../dir/hello tree/links/hello
ln -s /dir/sub tree/links/absolute
ln -s ../../../.. tree/links/up
ln -s loop tree/links/loop
seq 400000 >tree/numbers
head -c 1500000 /dev/urandom >tree/noise
truncate -s 20M tree/sparse
printf end >>tree/sparse
: >tree/empty
mkfifo tree/fifo
[ "$(id -u)" != 0 ] || mknod tree/device c 5 300
for i in $(seq 600); do
	echo "$i" >"tree/many/file-$i"
done
printf x >"tree/$(printf 'new\nline\033')"
setfattr -n user.one -v 1 tree/noise
setfattr -n user.empty tree/dir
setfacl -m u:1234:rw,g:4321:r tree/empty
setfacl -d -m u:77:rx tree/dir
if [ "$(id -u)" = 0 ]; then
	setfattr -n trusted.two -v 0x00ff tree/noise
	setfattr -h -n trusted.link -v x tree/links/up
	setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 tree/dir/hello
fi
chmod 555 tree/dir/sub
chmod 640 tree/numbers
touch -d '1960-01-02 03:04:05.123456789 UTC' tree/noise
touch -d '2001-02-03 04:05:06 UTC' tree/dir

# describe DIRECTORY: all that a copy keeps
describe() {
	(cd "$1" && find . -name lost+found -prune -o -printf '%P|%y|%m|%U|%G|%T@|%l|' \
		\( -type d -printf - -o -type f -printf '%n|%s' -o -printf '%n' \) -printf '\n') | sort
	(cd "$1" && find . -name lost+found -prune -o -type f -print0 | sort -z | xargs -0 sha256sum)
	(cd "$1" && getfattr -R -h -d -m - --absolute-names . 2>/dev/null | grep -v '^# file: ./lost+found')
}

describe tree >tree.txt
mkimage create tree erofs.inc >/dev/null
mkimage create --fs ext4 tree ext4.inc >/dev/null
mkimage create --fs-compression lz4hc,64K tree packed.inc >/dev/null
root=$(mkimage inspect --root-hash erofs.inc)
for image in erofs ext4 packed; do
	prefix="$image: "
	ok "the whole tree" mkimage cp $image.inc / copy-$image
	describe copy-$image >copy.txt
	ok "is as it was" diff tree.txt copy.txt
	below "a hole stays one" "$(stat -c %b copy-$image/sparse)" 1000
	is "cat" "$(mkimage cat $image.inc dir/hello)" hello
	is "through a link out of the tree" "$(mkimage cat $image.inc /links/up/links/hello //dir/./sub/../hello)" "$(printf 'hello\nhello')"
	ok "a file of more than a step" cmp tree/numbers <(mkimage cat $image.inc numbers)
	is "a directory through a link" "$(mkimage ls $image.inc links/absolute/)" hard
	is "names are sorted and escaped" \
		"$(mkimage ls $image.inc | grep -vx -e lost+found -e device | tr '\n' ' ')" \
		'dir empty fifo links many new\nline\x1b noise numbers sparse '
	like "a line of ls -l" "$(mkimage ls -l $image.inc noise)" \
		'^-rw-r--r--   1 .* 1500000 1960-01-02 03:04:05 noise$'
	like "of a link" "$(mkimage ls -l $image.inc links/absolute)" ' links/absolute -> /dir/sub$'
	is "ls -R has all paths" "$(mkimage ls -R --json $image.inc | grep '"path"' | grep -vc lost+found)" \
		"$(find tree -mindepth 1 -printf x | wc -c)"
	is "its sizes and times are the tree's" "$(mkimage ls -R --json $image.inc dir | python3 -c '
import json, sys
for entry in json.load(sys.stdin):
    print(entry["path"], entry["type"], "%o" % entry["mode"], entry["links"])')" \
		"$(printf 'dir/hello file 644 2\ndir/sub directory 555 2\ndir/sub/hard file 644 2')"
done
prefix=

echo "# where a copy goes"
mkdir into
ok "into a directory" mkimage cp erofs.inc dir/hello into
is "by its name" "$(cat into/hello)" hello
ok "a tree, too" mkimage cp erofs.inc links/ into/
fails "not over a file" 1 "into/hello: not overwritten without --force" mkimage cp erofs.inc empty into/hello
is "which is as it was" "$(cat into/hello)" hello
ok "but with --force" mkimage cp --force erofs.inc empty into/hello
is "the new one is there" "$(stat -c %s into/hello)" 0
fails "a directory over a file" 1 "into/hello: a directory does not" mkimage cp --force erofs.inc dir into/hello
mkdir into/empty
fails "a file over a directory" 1 "not a regular file" mkimage cp --force erofs.inc empty into
fails "the root into a directory" 1 "into: it is a directory, and the copy would have no name" \
	mkimage cp erofs.inc / into
cp erofs.inc only.inc
fails "over its own image" 1 "only.inc: not overwritten: it is the image" \
	mkimage cp --force only.inc empty "$work/only.inc"
fails "over its own origin" 1 "not overwritten: it is the image" \
	mkimage cp --force "file:$work/only.inc" empty ./only.inc
ok "the image is as it was" cmp erofs.inc only.inc
fails "into a directory that is not there" 1 "nothere/x: cannot create it" mkimage cp erofs.inc empty nothere/x
is "nothing is left of these" "$(find . -name '.*.??????')" ""

echo "# what cannot be"
fails "no such file" 1 "erofs.inc: dir/nothing: No such file" mkimage cat erofs.inc dir/nothing
fails "a file as a directory" 1 "Not a directory" mkimage cat erofs.inc dir/hello/
fails "links that lead to themselves" 1 "links/loop: Too many levels" mkimage cat erofs.inc links/loop
fails "a directory's contents" 1 "dir: it is a directory" mkimage cat erofs.inc dir
fails "a fifo's" 1 "not a regular file" mkimage cat erofs.inc fifo
fails "another root hash" 1 "not the trusted one" mkimage ls --root-hash "${root//[0-7]/8}" erofs.inc
fails "half a digit" 2 "not a hexadecimal digest" mkimage ls --root-hash 123 erofs.inc
fails "no certificate's" 1 "erofs.inc: .*not signed|has no signature" \
	mkimage ls --certificate /etc/ssl/certs/ca-certificates.crt erofs.inc
fails "no image" 1 "nothere.inc: No such file" mkimage ls nothere.inc
fails "no operand" 2 "IMAGE is missing" mkimage ls
fails "an unknown scheme" 1 "No such file" mkimage ls ftp://localhost/app.inc
fails "a full disk" 1 "cannot write to standard output" sh -c 'exec mkimage cat erofs.inc numbers >/dev/full'
cp erofs.inc bad.inc
at=$(mkimage inspect erofs.inc | awk '$1 == "segment.data.offset" { print $2 }')
dd if=/dev/urandom of=bad.inc bs=4096 seek=$((at / 4096)) count=200 conv=notrunc 2>/dev/null
fails "damage" 1 "bad.inc: .*does not match its digest|bad.inc: " mkimage cp bad.inc / from-bad
is "leaves no half of a copy" "$(ls -d from-bad .from-bad* 2>/dev/null)" ""

echo "# from a server"
port=$(free_port $port)
serve web "server { listen 127.0.0.1:$port; root $work; }"
url=http://127.0.0.1:$port/erofs.inc

# The requests and bytes since the last call. The server has written its lines when it has
# written that of another request, for a byte that nobody else asks for.
fetched() {
	curl -s -o mark -r 7-7 "$url"
	within 10 grep -q '"bytes=7-7"' web.access
	requests=$(grep -vc '"bytes=7-7"' web.access)
	bytes=$(awk '!/"bytes=7-7"/ { sum += $(NF - 1) } END { print sum + 0 }' web.access)
	: >web.access
}

is "cat" "$(mkimage cat --root-hash "$root" "$url" dir/hello)" hello
fetched
between "takes few requests" "$requests" 1 8
below "and few bytes, of $(stat -c %s erofs.inc)" "$bytes" 270000
ok "a large file" cmp tree/noise <(mkimage cat "$url" noise)
fetched
between "takes its bytes, and a few" "$bytes" 1500000 2200000
below "in large steps" "$requests" 16
ok "the whole tree" mkimage cp "$url" / copy-web
describe copy-web >copy.txt
ok "is as it was" diff tree.txt copy.txt
fetched
below "for no more bytes than the image and a half" "$bytes" $(($(stat -c %s erofs.inc) * 3 / 2))
ok "an ext4" mkimage cp "http://127.0.0.1:$port/ext4.inc" many copy-many
ok "has the same files" diff -r tree/many copy-many
fetched

# A local file that has some of it: the rest is fetched, and nothing written.
incrementalsetup create --origin erofs.inc local.inc >/dev/null
cp local.inc before.inc
fails "absent bytes without an origin" 1 "not present in this local image" mkimage cat local.inc dir/hello
is "and with one" "$(mkimage cat "local.inc@$url" dir/hello)" hello
fetched
between "they are fetched" "$requests" 1 8
ok "the local file is as it was" cmp local.inc before.inc
is "of a complete file" "$(mkimage cat "erofs.inc@$url" dir/hello)" hello
fetched
is "nothing is fetched" "$requests" 0
ok "an origin that is a file" cmp tree/numbers <(mkimage cat "local.inc@file:$work/erofs.inc" numbers)
fails "an origin with other bytes" 1 "local.inc: " mkimage cat "local.inc@file:$work/ext4.inc" numbers
fails "a server that is not there" 1 "127.0.0.1:1/" timeout 60 mkimage ls http://127.0.0.1:1/app.inc
fails "a file that the server has not" 1 "nothere.inc: " mkimage ls "http://127.0.0.1:$port/nothere.inc"

# A password is not shown, neither in messages nor to those who list processes.
fails "a secret" 1 "127.0.0.1:1/" timeout 60 mkimage ls "http://user:secret@127.0.0.1:1/app.inc?key=secret"
is "is not told" "$(grep -c secret "$work/.errors")" 0

echo "# a signal"
# At 50 kB/s the copy takes longer than it takes to find it.
port=$(free_port $((port + 1)))
serve slow "server { listen 127.0.0.1:$port; root $work; limit_rate 50k; }"
mkdir slow-copy
mkimage cp "http://127.0.0.1:$port/erofs.inc" / slow-copy/tree 2>signal.log &
pid=$!
ok "the copy begins" within 20 sh -c 'ls -d slow-copy/.tree.??????/tree'
kill -INT $pid 2>/dev/null || kill -TERM $pid
kill -TERM $pid
wait $pid
between "it dies of the signal" $? 130 143
is "and leaves nothing" "$(ls -A slow-copy)" ""
stop_server slow
stop_server web
finish
