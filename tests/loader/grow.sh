# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Part of the guest: layers are appended to a local image that is in use, and
# incrementald takes them up.

echo "# an image that grows"
cp other.inc grown.inc
incrementalsetup close app 2>/dev/null
umount -q mnt
rm -f $local
incrementalsetup create --origin grown.inc $local >/dev/null
incrementalsetup open --read-timeout 300000 $local app
back=$(losetup -n -O NAME -j $local)
mkdir -p newer

# publish NUMBER BYTES [IMAGE]: make a layer with that many bytes of noise of IMAGE
# (grown.inc): layer.NUMBER, and with it grown.NUMBER.inc
publish() {
	rm -rf layer
	mkdir layer
	openssl enc -aes-128-ctr -nosalt -K "$1" -iv 00 </dev/zero 2>/dev/null | head -c "$2" >"layer/noise$1"
	cp "layer/noise$1" "noise$1"
	cp "${3-grown.inc}" "grown.$1.inc"
	mkimage extend --output "layer.$1" "grown.$1.inc" layer >/dev/null 2>&1
	cat "layer.$1" >>"grown.$1.inc"
}

# append NUMBER...: put the heads of these generations into the local image, and make
# device appNUMBER of the last one
append() {
	local number start head table
	for number; do
		read -r start head < <(mkimage inspect --json --generation "$number" "grown.$number.inc" | python3 -c '
import json, sys
segment = json.load(sys.stdin)["segment"]
print(segment["offset"] // 4096, segment["head"]["bytes"] // 4096)')
		truncate -s "$(stat -c %s "grown.$number.inc")" $local
		dd if="grown.$number.inc" of=$local bs=4096 skip="$start" seek="$start" count="$head" conv=notrunc status=none
	done
	losetup -c "$back"
	table=$(incrementalsetup table --read-timeout 300000 --generation "$number" $local "$back") || return
	dmsetup create --readonly "app$number" --table "$table"
}
lines() {	# lines NUMBER TEXT: the log has that many lines with TEXT
	[ "$(grep -c "$2" log)" = "$1" ]
}
holds() {	# holds NUMBER: device appNUMBER has the file that layer NUMBER adds
	mount -o ro "/dev/mapper/app$1" newer && cmp "newer/noise$1" "noise$1"
	local result=$?
	umount newer
	return $result
}

publish 1 200000
publish 2 300000 grown.1.inc
publish 3 100000 grown.2.inc
loader --origin "$web/grown.inc"
ok "it is complete" within 60 lines 1 "image is complete"
mount -o ro /dev/mapper/app mnt
exec 7<mnt/noise
# The origin gets the layer first, as it should be.
cat layer.1 >>grown.inc
ok "a layer is added" append 1
ok "the loader sees it" within 20 lines 1 "has grown to generation 1"
ok "a new file can be read" holds 1
ok "it is complete again" within 60 lines 2 "image is complete"
cp log log.1
stop
is "the log has no complaint" "$(grep -vE 'complete|has grown|fetched' log.1)" ""
ok "the local image is the origin's" cmp $local grown.inc
ok "the old generation is unchanged" cmp other.src/noise /dev/fd/7

# The local image gets two layers at a time, before the origin has them. The origin
# is a file that is extended later.
loader --no-prefetch --origin grown.inc
ok "two layers are added" append 2 3
ok "the loader sees both" within 20 lines 1 "has grown to generation 3"
dd if=/dev/mapper/app3 of=/dev/null bs=1M iflag=direct 2>read.err &
reader=$!
ok "reads wait for a layer that the origin lacks" within 60 lines 1 "without its last layers"
ok "but its bytes of the old generations can be read" \
	cmp noise1 <(mount -o ro /dev/mapper/app1 newer && cat newer/noise1; umount newer)
ok "while the other read waits" kill -0 $reader
cat layer.2 layer.3 >>grown.inc
ok "that read ends once the origin has the layer" wait $reader
drop_caches
ok "so do all others" holds 3
ok "also the files of the layer between" cmp noise2 <(mount -o ro /dev/mapper/app3 newer && cat newer/noise2; umount newer)
# An origin that had a layer may lose it: its file was put back, or a cache's other server replies.
publish 4 500000 grown.3.inc
cat layer.4 >>grown.inc
ok "a layer is added that the origin has" append 4
ok "the loader sees that, too" within 20 lines 1 "has grown to generation 4"
ok "and reads of it" dd if=/dev/mapper/app4 of=/dev/null bs=4096 count=1 iflag=direct
truncate -s "$(stat -c %s grown.3.inc)" grown.inc
dd if=/dev/mapper/app4 of=/dev/null bs=1M iflag=direct 2>read.err &
reader=$!
ok "reads wait for a layer that the origin has no more" within 60 lines 2 "without its last layers"
cat layer.4 >>grown.inc
ok "and end once it has the layer again" wait $reader
ok "they bring its file" holds 4
stop
ok "the rest" timeout 300 incrementald --exit-when-complete --origin "$web/grown.inc" app
ok "the local image is the origin's" cmp $local grown.inc
exec 7<&-
umount mnt
dmsetup remove app1
dmsetup remove app3
dmsetup remove app4
ok "close" incrementalsetup close app
