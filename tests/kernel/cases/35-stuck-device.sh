#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A backing device whose I/O does not complete, while its store is created or ends:
# tables of other backing devices do not notice.

# shellcheck disable=SC2154	# set by a layout
# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"

# in_kernel PROCESS FUNCTION: the process sleeps in that function
in_kernel() {
	grep -q "$2" /proc/"$1"/stack 2>/dev/null
}

ended() {
	! kill -0 "$1" 2>/dev/null
}

# bounded NAME COMMAND...: COMMAND succeeds in time. If it hangs, the test goes on, even
# if no signal can end it.
bounded() {
	local name=$1 process
	shift
	"$@" &
	process=$!
	readers+=("$process")
	if within 20 ended "$process"; then
		ok "$name" wait "$process"
	else
		result 'not ok' "$name"
		note "hangs: $*"
		sed 's/^/# /' /proc/$process/stack
	fi
}

# Another image on another device comes, is read, and goes.
others_go_on() {	# others_go_on WHEN
	cp "$IMAGE" other.inc
	chmod u+w other.inc
	local loop
	loop=$(busybox losetup -f)
	busybox losetup "$loop" other.inc
	loops+=("$loop")
	bounded "$1: a device of another backing device is created" \
		dmsetup create --readonly other --table "$("$tool" table "$IMAGE" "$loop")"
	bounded "$1: read" "$tool" compare /dev/mapper/other "$RAW" direct 65536 0 1048576
	bounded "$1: and removed" dmsetup remove other
	detach "$loop"
}

choose small
eval "$("$tool" layout "$IMAGE")"
LOCAL=$work/small.inc DEV=/dev/mapper/t
"$tool" sparse "$IMAGE" "$LOCAL"
attach "$LOCAL"
sectors=$(blockdev --getsz "$LOOP")
dmsetup create back --table "0 $sectors linear $LOOP 0"
BACK=/dev/mapper/back
NODE=/dev/incremental/dm-$(dmsetup info -c --noheadings -o minor back)
TABLE=$("$tool" table "$IMAGE" "$BACK")

# While the store is created.
dmsetup suspend back
dmsetup create --readonly t --table "$TABLE" &
first=$!
ok "a store waits for its backing device to be created" within 10 in_kernel $first dm_inc_grow_load
others_go_on "meanwhile"
dmsetup create --readonly second --table "$TABLE" &
second=$!
ok "another table of the same backing device waits for it" within 10 in_kernel $second dm_inc_store_get
kill -KILL $second
ok "and can be killed" within 10 ended $second
dmsetup remove second
dmsetup create --readonly second --table "$TABLE" &
second=$!
ok "the next one waits, too" within 10 in_kernel $second dm_inc_store_get
others_go_on "with a table that waits"
dmsetup resume back
ok "once the device answers the first table is loaded" wait $first
ok "and the second one" wait $second
is "both share the store" "$(field total) $(field total second)" "$((image_size / chunk_size)) $((image_size / chunk_size))"
serve
ok "it is read" "$tool" compare "$DEV" "$RAW" direct 65536
ok "by both" "$tool" compare /dev/mapper/second "$RAW" direct 65536
stop
present=$(field present)
dmsetup remove second

# While the store ends: a fill that is being written holds that up.
"$tool" node "$NODE" discard "$data_offset" 4096 , fsync >/dev/null
dmsetup suspend back
"$tool" node "$NODE" write "$data_offset" 4096 "$IMAGE" >filled &
fill=$!
ok "a fill waits for the backing device" within 10 in_kernel $fill dm_inc_fill
dmsetup remove t &
first=$!
ok "the end of the store waits for it" within 10 in_kernel $first dm_inc_store_put
others_go_on "while it ends"
dmsetup create --readonly second --table "$TABLE" &
second=$!
ok "a new table of the same backing device waits for it" within 10 in_kernel $second dm_inc_store_get
dmsetup resume back
ok "once the device answers it has ended" wait $first
wait $fill
is "the fill has succeeded" "$(cat filled)" "write: 4096"
ok "and the new table is loaded" wait $second
is "with the chunks that were filled last" "$(field present second)" "$present"
ok "it reads right" "$tool" compare /dev/mapper/second "$RAW" direct 65536
dmsetup remove second

# A device that cannot be read, while another table waits for its store.
dmsetup suspend back
dmsetup create --readonly t --table "$TABLE" 2>/dev/null &
first=$!
ok "a store waits for its backing device to be created" within 10 in_kernel $first dm_inc_grow_load
dmsetup create --readonly second --table "$TABLE" 2>/dev/null &
second=$!
ok "another table waits for it" within 10 in_kernel $second dm_inc_store_get
dmsetup reload back --table "0 $sectors error"
dmsetup resume back
fails "if the device fails the first one is refused" - "" wait $first
fails "and so is the second one" - "" wait $second
# libdevmapper may have left devices without a table.
dmsetup remove t 2>/dev/null
dmsetup remove second 2>/dev/null

dmsetup remove back
detach
the_end
