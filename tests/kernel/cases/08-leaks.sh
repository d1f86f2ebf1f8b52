#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Rounds of all operations: slab objects and pages stay level, the module unloads.
# (tests/lib/vm.sh looks for slab objects that are left after each case.)

# shellcheck disable=SC2154	# set by a layout
# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"

rounds=5 short_rounds=30

choose size129
"$tool" sparse "$IMAGE" fresh.inc
cp fresh.inc local.inc
cp "$IMAGE" damaged.inc
chmod u+w damaged.inc
eval "$("$tool" layout "$IMAGE")"
"$tool" flip damaged.inc "$map_dir_offset"
DEV=/dev/mapper/t
attach "$PWD/damaged.inc"
table
BAD_TABLE=$TABLE
attach "$PWD/local.inc"
table read_timeout 30000

short_round() {
	activate && dmsetup remove t || return
	[ $((i % 4)) != 0 ] || ! dmsetup create --readonly t --table "$BAD_TABLE" 2>/dev/null
}

one_round() {
	# A read waits, is pushed back, waits again, is answered.
	cat fresh.inc >local.inc
	activate || return
	reader a 0 4096
	within 10 some_wait || return
	dmsetup suspend --noflush t && dmsetup resume t || return
	serve
	[ "$(outcome a)" = 4096 ] || return
	# Hints that no loader takes, a fill that is refused, one that is ignored.
	stop
	/bin/dd if="$DEV" of=/dev/null bs=4096 count=8 iflag=nonblock 2>/dev/null &
	readers+=($!)
	within 10 some_wait || return
	"$tool" node "$NODE" write 512 4096 , write 0 4096 , nonblock , read 32000 , get 0 4096 "$IMAGE" , \
		write "$meta_offset" 8192 "$IMAGE" , unavailable 0 "$image_size" >/dev/null
	# A reload, then a remove with the node open and a read that fails.
	dmsetup reload --readonly t --table "$TABLE" && dmsetup resume t || return
	loader "$tool" hoard "$NODE"
	reader b $((128 * 4096)) 4096
	within 10 some_wait || return
	dmsetup suspend t || return
	[ "$(outcome b)" = EIO ] || return
	wait "${readers[@]}" 2>/dev/null
	dmsetup resume t
	within 10 dmsetup remove t || return
	wait "$LOADER"
	! dmsetup create --readonly t --table "${TABLE/ sha256 / sha256 0}" 2>/dev/null || return
	loaders=() readers=()
}

# KiB that belong to no count of /proc/meminfo: pages that were allocated and
# forgotten are among them, and little else.
unaccounted() {
	sync
	# Free pages in a CPU's own list are free, too.
	awk '/^MemTotal:/ { n = $2 }
		/^(MemFree|Buffers|Cached|Slab|AnonPages|PageTables|VmallocUsed|Percpu):/ { n -= $2 }
		$1 == "count:" { n -= 4 * $2 }
		END { print n }' /proc/meminfo /proc/zoneinfo
}

many_calls() {
	(
		loops=()
		open_image large
		is "4000 fills" "$(/bin/dd if="$IMAGE" of="$NODE" bs=4096 count=4000 2>&1 | tail -n 1 | cut -d ' ' -f 1)" 16384000
		cat "$IMAGE" >"$NODE"
		ok "4000 reads" "$tool" random "$DEV" "$RAW" 4 1000 1
		close_image
		trap - EXIT
	)
}

for i in 1 2; do
	one_round || break
	short_round || break
done
is "two rounds to warm up" $i 2
for ((i = 0; i < rounds; i++)); do
	one_round || break
done
is "$rounds long rounds" "$i" "$rounds"
sleep 1
before=$(unaccounted)
for ((i = 0; i < short_rounds; i++)); do
	short_round || break
done
is "$short_rounds short rounds" "$i" "$short_rounds"
ok "the module is not in use" within 5 unused
many_calls
ok "the module is not in use" within 5 unused
# The unaccounted memory varies by some MiB by itself, and some is given back late.
# One page lost by each fill or read would be 16 MiB. (A buffer that is lost can be seen
# in /proc/vmallocinfo: nothing_allocated.)
given_back() {
	after=$(unaccounted)
	[ $((after - before)) -le 8192 ]
}
ok "no pages are lost" within 10 given_back
note "$before KiB of memory were unaccounted for before, $after KiB after"
like "that can be measured" "$before $after" '^[0-9]+ [0-9]+$'
if [ "$VM_KERNEL" != debug ] && activate; then
	like "the module's allocations can be seen" "$(allocations)" 'dm_inc_store_get.*dm_incremental'
	dmsetup remove t
fi
ok "nothing is allocated without a device" within 5 nothing_allocated

# The module can be unloaded, and leaves no mapping behind.
for name in "${loops[@]}"; do
	detach "$name"
done
ok "the module can be unloaded" rmmod dm_incremental
is "nothing of it is mapped" "$(grep dm_incremental /proc/vmallocinfo)" ""
fails "its target is gone" - "" sh -c "dmsetup targets | grep incremental"
ok "its device class is gone" test ! -e /sys/class/incremental
for i in 1 2 3; do
	insmod "$module" && rmmod dm_incremental || break
done
is "loaded and unloaded three times" $i 3
ok "and loaded again" insmod "$module"
open_image size129
serve
ok "it works" "$tool" compare "$DEV" "$RAW" direct
the_end
