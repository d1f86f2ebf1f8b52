# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Part of the guest: origins that do not have the image for some time, and ranges
# that an origin does not serve while it serves others.

echo "# origins that lose the image and get it back"
mkdir -p later.src
tr '\000-\377' '\001-\377\000' <app.src/noise >later.src/noise
seq 1 900000 >later.src/text
mkimage create --force later.src later.inc >/dev/null 2>&1
head -c 300000 app.inc >cut.inc
serve doors "
	server {
		listen 127.0.0.1:8084;
		root $work;
		if (-f $work/denied) { return 403; }
	}
	server {
		listen 127.0.0.1:8085;
		root $work;
		if (-f $work/whole) { rewrite ^ /whole.inc; }
		location = /whole.inc { alias $work/app.inc; max_ranges 0; limit_rate 400k; }
	}"
doors=http://127.0.0.1:8084
ranges=http://127.0.0.1:8085

says() {	# says NUMBER TEXT: the log has at least NUMBER lines with TEXT
	[ "$(grep -c -- "$2" log)" -ge "$1" ]
}
put() {	# put FILE NAME...: these origins become copies of FILE, in one step
	local name file=$1
	shift
	for name; do
		cp "$file" "new.$name"
		mv "new.$name" "$name"
	done
}

# lose WHAT ORIGIN...: break_origins breaks all of them, mend_origins mends them.
# Reads that have begun before, or begin meanwhile, wait, and then go on. $lost is
# the fault in the log.
lose() {
	local what=$1 origin origins=() readers=() block
	shift
	for origin; do
		origins+=(--origin "$origin")
	done
	fresh
	loader --verbose --no-prefetch --no-hints "${origins[@]}"
	read_block 0
	break_origins
	for block in 100 500; do
		read_block $block &
		readers+=($!)
	done
	ok "$what: the loader logs it" within 20 says $# "looked at again from time to time"
	# The origin is asked again soon, not after a minute.
	ok "and looks again" within 20 says $(($# + 2)) "$lost"
	for block in 900 1300; do
		read_block $block &
		readers+=($!)
	done
	ok "reads wait, later ones, too" within 20 waits 4
	mend_origins
	ok "and go on when it is back" wait_all "${readers[@]}"
	ok "that is logged" within 20 says 1 "has the image again"
	stop
	is "nothing wrong was filled" "$(status hash_failures)" 0
}
wait_all() {
	local pid
	for pid; do
		wait "$pid" || return
	done
}

put app.inc there.inc here.inc
mend_origins() { put app.inc there.inc here.inc; }
lost="the origin holds another image"
break_origins() { put later.inc there.inc; }
lose "another image in its place" "$web/there.inc"
break_origins() { put later.inc there.inc here.inc; }
lose "all of them have another image" "$web/there.inc" "$web/here.inc"
lost="the origin holds [0-9]* bytes of the image's"
break_origins() { put cut.inc there.inc; }
lose "a part of it" "$web/there.inc"
lost="HTTP status 404"
break_origins() { rm there.inc; }
lose "no file" "$web/there.inc"
lost="HTTP status 403"
break_origins() { : >denied; }
mend_origins() { rm denied; }
lose "it is denied" "$doors/app.inc"
lost="does not serve byte ranges"
break_origins() { : >whole; }
mend_origins() { rm whole; }
lose "it is not served in ranges" "$ranges/app.inc"

echo "# one origin has another image, and the other is down"
put app.inc there.inc
fresh
loader --verbose --no-prefetch --no-hints --origin "$web/there.inc" --origin "$doors/app.inc"
read_block 0
put later.inc there.inc
stop_server doors
read_block 700 &
reader=$!
ok "both are logged" within 20 says 2 "holds another image\|8084.*trying again"
put app.inc there.inc
ok "the read waits for either" wait $reader
stop

# All reads meet the other version: bytes that were fetched of the right one do not
# make it right.
echo "# an image is replaced by another version while it is loaded"
put app.inc there.inc
fresh
loader --no-prefetch --origin "$web/there.inc"
read_block 0
put later.inc there.inc
dd if=/dev/mapper/app of=/dev/null bs=1M 2>read.err &
reader=$!
ok "the log has the reason" within 20 grep -q "there.inc.*the origin holds another image" log
is "nothing wrong was filled" "$(status hash_failures)" 0
put app.inc there.inc
ok "reads go on" wait $reader
stop
ok "the rest" timeout 300 incrementald --exit-when-complete --origin "$web/app.inc" app
incrementalsetup close app
ok "the local image is the origin's" cmp $local app.inc

echo "# ranges that an origin does not serve, and others of the same origin"
[ -n "${liar-}" ] || lie_server
fresh
loader --no-prefetch --no-hints --retry 1000 --origin "$liar/hole/app.inc"
stuck=()
# The noise comes first, and does not compress: these are in the second MiB.
for block in $(seq 240 4 428); do
	read_block "$block" &
	stuck+=($!)
done
all_wait() {
	waits ${#stuck[@]} && says 1 "503"
}
ok "${#stuck[@]} reads wait" within 20 all_wait
others=()
for block in 10 20 30 1100 1200 1300; do
	read_block $block &
	others+=($!)
done
ok "others do not wait for them" wait_all "${others[@]}"
ok "the first ones still wait" waits ${#stuck[@]}
: >mended
ok "and not in vain" wait_all "${stuck[@]}"
stop
rm mended

echo "# a range that is not wanted any more"
fresh_image
incrementalsetup open --read-timeout 1000 $local app
loader --verbose --no-prefetch --no-hints --retry 1000 --origin "$liar/hole/app.inc"
# It holds the device before it takes requests: on a slow machine the read would be over.
within 20 says 1 "serving /dev"
fails "a read fails at its timeout" 1 "timed out" dd if=/dev/mapper/app of=/dev/null bs=4096 skip=300 count=1 iflag=direct
ok "its range is dropped after some time" within 40 says 1 "no longer wanted"
stop

# As some of the servers behind an address may, or a cache that has not got it yet.
echo "# a server that begins with the whole file"
steer late
rules late '{"/app.inc": {"whole": 1, "times": 2}}'
fresh
loader --no-prefetch --no-hints --no-startup --origin "http://$late/app.inc"
ok "it is asked again" read_block 300
is "as often as that takes" "$(grep -c '^/app.inc 200 ' late.log)" 2
stop
rules late '{"/app.inc": {"whole": 1}}'
fails "one that goes on so is given up" 4 "does not serve byte ranges" incrementald --origin "http://$late/app.inc" app
kill "$(<late.pid)"
