#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Calls on the node whose memory comes late: meanwhile the device is removed, made
# again, suspended, or gets another table. None of this waits for the calls, and
# when their memory is there they succeed, or fail with ENODEV if the store is gone.

# shellcheck disable=SC2154	# set by a layout
# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"

# Memory mapped from this device cannot be read while it is suspended.
truncate -s 16M memory
attach memory
memory_loop=$LOOP
dmsetup create memory --table "0 32768 linear $memory_loop 0"

eval "$("$tool" layout "$images/small.inc")"
half=$((data_offset + 524288))	# chunks from here on are absent

stalls() {	# stalls PROCESS: it is in a page fault, or over already
	grep -qs page_fault "/proc/$1/stack" || is_over "$1"
}

is_over() {
	! kill -0 "$1" 2>/dev/null
}

calls=() processes=()
call() {	# call NAME COMMAND...: of the node, until it stalls
	rm -f "result.$1"
	"$tool" node "$NODE" stalled memory /dev/mapper/memory $((${#calls[@]} * 1048576)) , \
		"${@:2}" >"result.$1" 2>&1 &
	calls+=("$1")
	processes+=($!)
	readers+=($!)
	within 20 stalls $! || note "$1 neither stalls nor ends"
}

# Each kind of call, and each kind of discard. (One that touches nothing needs no
# other memory.)
stalled_calls() {
	local name early=
	calls=() processes=()
	dmsetup suspend memory
	"$tool" node "$NODE" discard "$half" 4096 1 >/dev/null	# so that read() has a request
	call discard discard "$data_offset" 4096
	call damaged discard $((data_offset + 4096)) 4096 1
	call punch discard $((data_offset + 8192)) 4096 2
	call cold discard $((data_offset + 12288)) 4096 4
	call unavailable unavailable "$data_offset" 4096
	call get get $((data_offset + 65536)) 8192
	call get_data get $((data_offset + 65536)) 8192 "$IMAGE"
	call info info
	call read read 64
	call write write $((half + 65536)) 65536 "$IMAGE"
	call writev writev $((half + 131072)) 262144 262144 "$IMAGE"
	for name in "${calls[@]}"; do
		[ ! -s "result.$name" ] || early+="$name $(cat "result.$name") "
	done
	is "each call stalls" "$early" ""
}

# Let their memory come, and print NAME: RESULT of each.
results() {
	local i name
	dmsetup resume memory
	for i in "${!calls[@]}"; do
		name=${calls[i]}
		within 20 is_over "${processes[i]}" || echo "hangs" >"result.$name"
		echo "$name $(head -n 1 "result.$name" | sed 's/^image_size=.*/info: 0/')"
	done
}

fresh() {
	open_full small read_timeout 60000
	"$tool" node "$NODE" discard "$half" $((image_size - half)) >/dev/null
}

quick() {
	local name=$1
	shift
	ok "$name" timeout $((20 * SLOW)) "$@"
}

gone="discard discard: ENODEV
damaged discard: ENODEV
punch discard: ENODEV
cold discard: ENODEV
unavailable unavailable: ENODEV
get get: ENODEV
get_data get: ENODEV
info info: 0
read read: 64
write write: ENODEV
writev writev: 262144"

done="discard discard: 0
damaged discard: 0
punch discard: 0
cold discard: 0
unavailable unavailable: 0
get get: 0
get_data get: 0
info info: 0
read read: 64
write write: 65536
writev writev: 524288"

# ---- the device goes ----

fresh
stalled_calls
quick "removed while calls stall" dmsetup remove t
fails "the module stays as long as the files are open" - "" rmmod dm_incremental
is "then the store is gone" "$(results)" "$gone"
ok "and nothing is left" no_node
detach

# ---- and comes again: another store on the same device ----

fresh
stalled_calls
quick "removed while calls stall" dmsetup remove t
quick "and made again" dmsetup create --readonly t --table "$TABLE"
present=$(field present)
is "their store is gone" "$(results)" "$gone"
is "the new one has not been touched" "$(field present)" "$present"
close_image

# ---- suspended: loaders may go on ----

fresh
stalled_calls
quick "suspended while calls stall" dmsetup suspend t
is "then they are done" "$(results)" "$done"
quick "resumed" dmsetup resume t
serve
ok "everything reads right" "$tool" compare "$DEV" "$RAW" direct 65536
stop
close_image

# ---- another table ----

fresh
stalled_calls
table read_timeout 50000
quick "another table is loaded" dmsetup reload --readonly t --table "$TABLE"
quick "and used" sh -c 'dmsetup suspend t && dmsetup resume t'
is "the calls go on with the same store" "$(results)" "$done"
serve
ok "everything reads right" "$tool" compare "$DEV" "$RAW" direct 65536
stop
close_image

# ---- and a call that is killed ----

fresh
stalled_calls
dmsetup remove t
# (The last one to close a device waits for the pages that are being read.)
exec 9</dev/mapper/memory
kill -KILL "${processes[@]}" 2>/dev/null
over() {
	local process
	for process in "${processes[@]}"; do
		is_over "$process" || return
	done
}
ok "calls that stall can be killed" within 20 over
dmsetup resume memory
exec 9<&-
detach

dmsetup remove memory
detach "$memory_loop"
the_end
