#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Rounds of everything: slab objects and pages stay level, the module unloads.

# shellcheck source=tests/kernel/lib.sh
. "$(dirname "$0")/../lib.sh"

rounds=12

choose size129
"$tool" sparse "$IMAGE" fresh.inc
cp fresh.inc local.inc
cp "$IMAGE" damaged.inc
chmod u+w damaged.inc
eval "$("$tool" layout "$IMAGE")"
# shellcheck disable=SC2154	# set by the layout
"$tool" flip damaged.inc "$map_dir_offset"
DEV=/dev/mapper/t
attach "$PWD/damaged.inc"
table
BAD_TABLE=$TABLE
attach "$PWD/local.inc"
table read_timeout 30000

one_round() {
	# A read waits, is pushed back, waits again, is answered.
	cat fresh.inc >local.inc
	activate || return
	reader a 0 4096
	within 10 some_wait || return
	dmsetup suspend --noflush t && dmsetup resume t || return
	serve
	[ "$(outcome a)" = 4096 ] || return
	# Hints that nobody takes, a fill that is refused, one that is ignored.
	stop
	dd if="$DEV" of=/dev/null bs=4096 count=8 iflag=nonblock 2>/dev/null &
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
	# Two that are refused, one of them late.
	! dmsetup create --readonly t --table "${TABLE/ sha256 / sha256 0}" 2>/dev/null || return
	! dmsetup create --readonly t --table "$BAD_TABLE" 2>/dev/null || return
	loaders=() readers=()
}

# Slab objects in use by cache, per-CPU ones returned; memory in KiB that is
# free or could be.
level() {
	local f
	sync
	for f in /sys/kernel/slab/*/shrink; do
		[ -L "${f%/*}" ] || echo 1 >"$f"
	done
	awk 'NR > 2 { print $1, $2 }' /proc/slabinfo >"slab.$1"
	awk '/^(MemFree|Buffers|Cached|SReclaimable):/ { n += $2 } END { print n }' /proc/meminfo >"free.$1"
	grep -c . /proc/vmallocinfo >"vmalloc.$1"
}

for i in 1 2 3; do
	one_round || break
done
is "three rounds to warm up" $i 3
level 1
for ((i = 0; i < rounds; i++)); do
	one_round || break
done
is "$rounds rounds" "$i" "$rounds"
ok "nobody uses the module" within 5 unused
level 2

# What every round loses one of would be there $rounds times.
awk 'NR == FNR { before[$1] = $2; next }
	$2 - before[$1] >= limit { print $1, before[$1], $2 }' limit=$rounds slab.1 slab.2 |
	# Caches of the file systems and of processes breathe; ours are kmalloc's, bio's and dm's.
	grep -E '^(kmalloc|bio|dm[_-]|biovec|kernfs|blkdev|task_delay)' >grown
is "no slab cache has grown by an object a round" "$(cat grown)" ""
grown=$((($(cat free.1) - $(cat free.2)) / rounds))
note "free memory fell by $grown KiB a round"
between "free memory is level: a device alone takes over 1 MiB" "$grown" -100000 400
between "so are kernel mappings" $(($(cat vmalloc.2) - $(cat vmalloc.1))) -1000 $((rounds - 1))

# The module goes, and has nothing mapped that it forgot.
for name in "${loops[@]}"; do
	detach "$name"
done
ok "the module can be unloaded" rmmod dm_incremental
is "nothing of it is mapped" "$(grep dm_incremental /proc/vmallocinfo)" ""
fails "its target is gone" sh -c "dmsetup targets | grep incremental"
ok "its device class is gone" test ! -e /sys/class/incremental
for i in 1 2 3; do
	insmod "$module" && rmmod dm_incremental || break
done
is "loaded and unloaded three times" $i 3
ok "and loaded again" insmod "$module"
open_image size129
serve
ok "it works" "$tool" compare "$DEV" "$RAW" direct
