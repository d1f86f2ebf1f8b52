#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# nbdkit's plugin without a kernel: what clients of NBD read, what is kept in the local file,
# and what it takes from nginx.

# shellcheck source=tests/loader/lib.sh
. "$(dirname "$0")/lib.sh"

plugin=$bin/nbdkit-incremental-plugin.so
make_image app 6000000
mkimage extract app.inc app.raw >/dev/null
root=$(cat app.root)
size=$(stat -c %s app.raw)
port=$(free_port $port)
serve web "server { listen 127.0.0.1:$port; root $work; }"
url=http://127.0.0.1:$port/app.inc

# nbd COMMAND PARAMETER...: nbdkit for as long as a shell's COMMAND takes, which has $uri
nbd() {
	local command=$1
	shift
	timeout 300 nbdkit --exit-with-parent -U - "$plugin" "$@" --run "$command"
}
local_image() {
	rm -f local.inc
	incrementalsetup create --origin app.inc local.inc >/dev/null
}
present() {
	mkimage inspect "$1" | awk '$1 == "present_bytes" { print $2 }'
}
bytes() {	# bytes FILE: those of the log's requests
	awk '{ sum += $(NF - 1) } END { print sum + 0 }' "$1"
}

echo "# without a local file"
ok "nbdcopy" nbd 'nbdcopy "$uri" out.raw' origin="$url" root-hash="$root"
ok "reads what the image holds" cmp app.raw out.raw
nbd 'nbdinfo "$uri"' origin="$url" >info
like "it can be read alone" "$(<info)" 'is_read_only: true'
like "and by several connections at a time" "$(<info)" 'can_multi_conn: true'
like "it keeps nothing" "$(<info)" 'can_cache: false'
rm out.raw
ok "qemu-img" nbd 'qemu-img convert -O raw "$uri" out.raw' origin=app.inc root-hash="$root"
ok "reads the same" cmp app.raw out.raw
is "the holes are the filesystem's" "$(nbd 'nbdinfo --map "$uri"' origin=app.inc |
	awk '$4 ~ /hole/ { holes += $2 } $4 == "data" { data += $2 } END { print holes + data }')" "$size"

echo "# with a local file"
local_image
before=$(present local.inc)
: >web.access
ok "a read" nbd 'qemu-io -r -f raw -c "read -v 1000000 512" "$uri"' origin="$url" local=local.inc prefetch=no root-hash="$root"
between "is filled, and a little around it" "$(present local.inc)" $((before + 4096)) 500000
below "as little is fetched" "$(bytes web.access)" 500000
: >web.access
ok "the same once more" nbd 'qemu-io -r -f raw -c "read -v 1000000 512" "$uri"' origin="$url" local=local.inc prefetch=no
is "is fetched no more" "$(bytes web.access)" 0
ok "nor takes it an origin" nbd 'qemu-io -r -f raw -c "read -v 1000000 512" "$uri"' local=local.inc
fails "absent bytes do" - "not present in this local image" nbd 'nbdcopy "$uri" null:' local=local.inc
ok "many reads at a time" nbd 'nbdcopy --connections=4 --requests=64 --request-size=65536 "$uri" out.raw' \
	origin="$url" local=local.inc prefetch=no
ok "read the same" cmp app.raw out.raw
ok "what was read is right in the file" mkimage verify local.inc
local_image
ok "the rest comes by itself" nbd 'for i in $(seq 600); do cmp -s app.inc local.inc && exit; sleep 0.5; done; exit 1' \
	origin="$url" local=local.inc root-hash="$root"
ok "until the file is the origin's" cmp app.inc local.inc

echo "# when it is killed"
local_image
timeout -s KILL 300 nbdkit -f -U killed.sock -P killed.nbd "$plugin" origin="$url" local=local.inc prefetch=no 2>killed.log &
within 20 test -s killed.nbd
# Fills note what is present a few seconds after they begin.
sleeps() {
	qemu-io -r -f raw -c "read $((RANDOM * 512 % size / 512 * 512)) 512" "nbd+unix:///?socket=killed.sock" >/dev/null
	[ "$(present local.inc)" -gt $((before + 4096)) ]
}
ok "reads note what they filled" within 60 sleeps
kill -KILL "$(cat killed.nbd)"
wait 2>/dev/null
after=$(present local.inc)
ok "what is noted is right" nbd 'nbdcopy "$uri" out.raw' origin="$url" local=local.inc prefetch=no
ok "and the rest is had anew" cmp app.raw out.raw
below "of what there was nothing is lost" "$after" $(($(present local.inc) + 1))

echo "# what cannot be"
local_image
cp local.inc fresh.inc
nbdkit -U first.sock -P first.nbd "$plugin" origin="$url" local=local.inc prefetch=no
within 20 test -s first.nbd
fails "two for one file" 1 "local.inc: another program uses it" nbdkit -U - "$plugin" origin="$url" local=local.inc --run true
kill "$(cat first.nbd)"
gone() {
	! kill -0 "$(cat first.nbd)" 2>/dev/null
}
within 20 gone
cp app.inc bad.inc
at=$(mkimage inspect app.inc | awk '$1 == "segment.data.offset" { print $2 }')
dd if=/dev/urandom of=bad.inc bs=4096 seek=$((at / 4096)) conv=notrunc count=$(((size - at) / 8192)) 2>/dev/null
fails "wrong bytes" - "does not match|is malformed|not LZ4|corrupt|cannot be expanded" nbd 'nbdcopy "$uri" null:' origin=bad.inc local=local.inc prefetch=no
ok "are not filled" nbd 'nbdcopy "$uri" out.raw' origin="$url" local=local.inc prefetch=no
ok "so that all is right with another origin" cmp app.raw out.raw
fails "an origin that is away" - "127.0.0.1:1" nbd 'nbdcopy "$uri" null:' origin=http://127.0.0.1:1/app.inc local=fresh.inc prefetch=no read-timeout=1
echo "# several origins"
local_image
down=http://127.0.0.1:1/app.inc
ok "the first is away" nbd 'nbdcopy "$uri" out.raw' origin="$down" origin="$url" origin=bad.inc local=local.inc prefetch=no root-hash="$root"
ok "the second is read" cmp app.raw out.raw
ok "without a local file, too" nbd 'nbdcopy "$uri" out.raw' origin="$down" origin="$url" origin=bad.inc root-hash="$root"
ok "reads the same" cmp app.raw out.raw
local_image
ok "the first gives wrong bytes" nbd 'nbdcopy "$uri" out.raw' origin=bad.inc origin="$url" origin="$down" local=local.inc prefetch=no root-hash="$root"
ok "what is read is right" cmp app.raw out.raw
ok "and what is kept" mkimage verify local.inc
local_image
fails "both give wrong bytes" - "does not match|is malformed|not LZ4|corrupt|cannot be expanded" \
	nbd 'nbdcopy "$uri" null:' origin=bad.inc origin=bad.inc local=local.inc prefetch=no
fails "both are away" - "127.0.0.1:1" nbd 'nbdcopy "$uri" null:' \
	origin="$down" origin="$down" local=fresh.inc prefetch=no read-timeout=1
fails "another root hash" 1 "not the trusted one" nbd true origin=app.inc root-hash="${root//[0-7]/8}"
fails "half a digit" 1 "root-hash \"123\" is not" nbd true origin=app.inc root-hash=123
fails "no certificate's" 1 "signed|signature" nbd true origin=app.inc certificate=/etc/ssl/certs/ca-certificates.crt
fails "neither origin nor file" 1 "must be given" nbd true
fails "an unknown parameter" 1 'unknown parameter "x"' nbd true origin=app.inc x=1
fails "a number that is none" 1 "read-timeout takes a number" nbd true origin=app.inc read-timeout=x
fails "a file that is not there" 1 "nothere.inc: No such file" nbd true local=nothere.inc origin=app.inc
fails "a file that is no image" 1 "app.raw: " nbd true local=app.raw origin=app.inc
stop_server web
finish
