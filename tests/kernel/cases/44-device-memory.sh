#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Memory of open devices: a bound for each, of all that the kernel keeps for it beyond
# what it keeps for a linear device; and what busy reads have allocated beyond that is
# given back.

# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"

# KiB. The module's own share is 114, and 64 for each GiB of image; the rest are the
# pools of dm-bufio's client, the thread of a workqueue, and what slab debugging adds.
bound=324

# KiB that the kernel uses for itself. Caches that it can drop are dropped.
used() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	awk '/^MemTotal:/ { n = $2 }
		/^(MemFree|Buffers|Cached|AnonPages):/ { n -= $2 }
		$1 == "count:" { n -= 4 * $2 }
		END { print n }' /proc/meminfo /proc/zoneinfo
}

buffers() {
	grep -c 'dm_inc_buffer\|alloc_buffer.*dm_incremental' /proc/vmallocinfo
}

buffers_are() {
	[ "$(buffers)" = "$1" ]
}

choose size129
cp "$IMAGE" image
tables=() tables_linear=()
for ((i = 0; i < 64; i++)); do
	attach "$PWD/image" --read-only
	table
	tables+=("$TABLE")
done
ok "a device opens" activate warm "${tables[0]}"
ok "and closes" dmsetup remove warm

# Some of them have been read by several readers at a time.
opened=0
open_up_to() {
	for (( ; opened < $1; opened++)); do
		activate "t$opened" "${tables[opened]}" || return
		((opened % 8)) || "$tool" random "/dev/mapper/t$opened" "$RAW" 4 8 1 >/dev/null || return
	done
}

for ((i = 0; i < 64; i++)); do
	loop=${loops[i]}
	tables_linear+=("0 8 linear $loop 0")
done
before=$(used)
for ((i = 0; i < 64; i++)); do
	activate "t$i" "${tables_linear[i]}" || break
done
is "linear devices" $i 64
linear=$((($(used) - before) / 64))
note "a linear device has $linear KiB"
for ((i = 0; i < 64; i++)); do
	dmsetup remove "t$i"
done

before=$(used)
for n in 1 16 64; do
	ok "$n devices are open, and were read" open_up_to $n
	ok "$n: their reserves are all that is left of buffers" within 60 buffers_are $n
	after=$(used)
	note "$n devices: $((after - before)) KiB, $(((after - before) / n)) for each"
done
between "KiB for each of 64 devices, beyond a linear one's" $(((after - before) / 64 - linear)) 1 $bound
for ((i = 0; i < opened; i++)); do
	dmsetup remove "t$i" || break
done
is "all devices are removed" $i 64
ok "no buffer is left" within 10 buffers_are 0
the_end
