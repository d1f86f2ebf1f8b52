#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Memory that loaders can make the kernel allocate: it is charged to their memory
# cgroup, and however many fills begin, few of them have memory at a time. A fill whose
# own memory does not come takes nothing from others.

# shellcheck disable=SC2154	# set by open_image and a layout
# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"

threads=400

# The image on a device, and the fills' bytes on another, that can be suspended.
choose large
LOCAL=$work/$IMAGE_NAME.inc DEV=/dev/mapper/t
"$tool" sparse "$IMAGE" "$LOCAL"
attach "$LOCAL"
image_loop=$LOOP
dmsetup create below --table "0 $(blockdev --getsz "$image_loop") linear $image_loop 0"
truncate -s 1M memory
attach memory
dmsetup create memory --table "0 2048 linear $LOOP 0"
TABLE=$("$tool" table "$IMAGE" /dev/mapper/below)
activate
NODE=$(echo /dev/incremental/dm-*)
eval "$("$tool" layout "$IMAGE")"

flood() {	# flood THREADS SOURCE [COMMAND...]: begin THREADS fills; sets FLOOD, their process
	"${@:3}" "$tool" flood "$NODE" "$1" "$data_offset" 262144 "$2" >flooded 2>&1 &
	FLOOD=$!
	readers+=("$FLOOD")
}

# inside NUMBER FUNCTION: at least that many threads are in the function
inside() {
	[ "$(cat "/proc/$FLOOD/task/"*/stack 2>/dev/null | grep -c " $2+")" -ge "$1" ]
}

alive() {
	local tasks=("/proc/$FLOOD/task/"*)
	echo ${#tasks[@]}
}

few_alive() {
	[ "$(alive)" -le "$1" ]
}

# ---- memory that does not come ----

dmsetup suspend memory
flood 40 /dev/mapper/memory
ok "40 fills stall" within 20 inside 40 asm_exc_page_fault
like "another fill goes on, they take nothing from it" \
	"$(timeout $((20 * SLOW)) "$tool" node "$NODE" write $((data_offset + 1048576)) 65536 "$IMAGE")" \
	"^write: 65536\$"
dmsetup resume memory
ok "they go on" within 20 few_alive 0
is "and succeed" "$(sort flooded | uniq -c | awk '{ print $1, $2 }')" "40 filled"
"$tool" node "$NODE" discard "$data_offset" 262144 >/dev/null

# ---- many fills at a time ----

if ! grep -q "^memory" /proc/cgroups; then
	note "this kernel has no memory cgroups"
else
	mounted none "$work/cgroup" -t cgroup2
	echo +memory >cgroup/cgroup.subtree_control
	mkdir cgroup/loader cgroup/caller
	echo 32M >cgroup/loader/memory.max

	# in_cgroup CGROUP COMMAND...
	in_cgroup() {
		echo "$BASHPID" >"cgroup/$1/cgroup.procs"
		exec "${@:2}"
	}

	# charged CGROUP: the bytes that the kernel has allocated for it, mostly pages
	charged() {
		awk '{ n[$1] = $2 }
			END { print n["kernel"] - n["kernel_stack"] - n["pagetables"] - n["slab"] - n["percpu"] }' \
			"cgroup/$1/memory.stat"
	}

	# charged_is CGROUP LEAST MOST: to be tried repeatedly, as the kernel adds up
	# only now and then
	charged_is() {
		local bytes
		bytes=$(charged "$1")
		[ "$bytes" -ge "$2" ] && [ "$bytes" -le "$3" ]
	}

	available() {	# KiB
		awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo
	}

	dmsetup suspend below
	before=$(available)
	flood $threads "$IMAGE" in_cgroup loader
	ok "$threads fills are begun" within 60 inside $threads dm_inc_fill
	taken=$((before - $(available)))
	note "they have taken $taken KiB of the machine's memory, $(charged loader) bytes in pages of the kernel's are charged"
	between "they take no more than their cgroup may" $taken -1000000 $((48 << 10))
	ok "some of them have memory, which is charged" within 20 charged_is loader $((3 << 20)) $((6 << 20))
	kill -KILL "$FLOOD"
	ok "fills that wait for their turn can be killed" within 20 few_alive 17
	dmsetup resume below
	ok "the others end when the device goes on" within 20 few_alive 0

	# The store keeps memory for this call: a bit for each chunk that is cold.
	(in_cgroup caller "$tool" node "$NODE" discard "$data_offset" $((image_size - data_offset)) 4) >/dev/null
	kept() {
		local bytes
		bytes=$(awk '$1 == "kernel" { print $2 }' cgroup/caller/memory.stat)
		[ "$bytes" -ge 65536 ] && [ "$bytes" -le 1048576 ]
	}
	ok "memory that a call makes the store keep is charged" within 20 kept
	rmdir cgroup/caller cgroup/loader
	unmounted "$work/cgroup"
fi

dmsetup remove t
dmsetup remove below
detach "$image_loop"
dmsetup remove memory
detach "$LOOP"
the_end
