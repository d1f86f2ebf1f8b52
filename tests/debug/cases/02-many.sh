#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Many allocations and I/Os of the module fail, also in its workers, while reads,
# fills and commits go on: clean errors, no wrong data, and no error any more when the
# faults end.

# shellcheck source=tests/debug/lib.sh
. "$(dirname "$0")/../lib.sh"

# outcomes FILE: the results of scans, each with its number of blocks
outcomes() {
	awk '{ split($2, range, "-"); n[$1] += (2 in range ? range[2] - range[1] : 0) + 1 }
		END { for (what in n) printf "%s %d, ", what, n[what] }' "$1"
}

# scans KIND PERCENT MODE: of the device, with new caches each time
scans() {
	local i
	: >scans
	faults "$1" "$2"
	for i in 1 2 3; do
		dmsetup suspend t && dmsetup resume t
		"$tool" scan "$DEV" "$RAW" "$3" >>scans
	done
	no_faults "$1"
	note "$1, $3: $INJECTED faults; blocks that could not be read: $(outcomes scans)"
}

# ---- reads of present data ----

for kind in $kinds; do
	for mode in direct buffered; do
		open_full small
		may_fail
		scans "$kind" 10 $mode
		is "$kind: a read fails with a clean error or not at all" \
			"$(cut -d ' ' -f 1 scans | sort -u | grep -vE '^(EIO|ENOMEM)$')" ""
		is "$kind: a fault is not taken for damage" "$(field failures)" 0
		forget "$DEV" 2>/dev/null
		echo 1 >/proc/sys/vm/drop_caches
		ok "$kind: afterwards everything can be read ($mode)" "$tool" compare "$DEV" "$RAW" $mode
		close_image
	done
	[ $kind != fail_make_request ] ||
		between "$kind: there were faults" "$INJECTED" 1 1000000
done

# ---- reads that wait, fills, commits ----

for kind in $kinds; do
	open_image small commit_interval 50 read_timeout 20000
	may_fail
	serve log=log
	faults $kind 10
	for i in 1 2 3 4; do
		"$tool" dread "$DEV" $((i * 65536)) 65536 direct >>reads
	done
	"$tool" scan "$DEV" "$RAW" direct 0 64 >scans
	"$tool" dread "$DEV" $((128 * 4096)) 1048576 buffered >>reads
	for i in 1 2 3 4 5; do
		"$tool" node "$NODE" fsync
	done >syncs
	no_faults $kind
	between "$kind: there were faults" "$INJECTED" 1 1000000
	note "$INJECTED faults; reads: $(cut -d ' ' -f 1 reads | sort | uniq -c | xargs)," \
		"blocks that could not be read: $(outcomes scans)" \
		"fsync: $(sort syncs | uniq -c | xargs), fills that failed: $(grep -c ^E log)"
	is "$kind: calls fail with a clean error or not at all" \
		"$(cat reads scans syncs | grep -E '[A-Z]{3}' | grep -oE '[A-Z]{4,}' | sort -u | grep -vE '^(EIO|ENOMEM)$')" ""
	[ $kind = fail_make_request ] ||
		is "$kind: a read without memory waits for it" "$(cat reads scans | grep -cE '[A-Z]{4,}')" 0
	is "$kind: a fault is not taken for damage" "$(field failures)" 0
	ok "$kind: afterwards everything can be read" "$tool" compare "$DEV" "$RAW" direct 65536
	cat "$IMAGE" >"$NODE"
	ok "$kind: the image is complete" within 20 field_is state complete
	stop
	dmsetup remove t
	ok "$kind: and its file is right" cmp "$LOCAL" "$IMAGE"
	detach
	rm -f log reads scans syncs
done

# ---- opening and closing ----

for kind in $kinds; do
	open_image small
	may_fail
	dmsetup remove t
	opened=0 removed=0
	faults $kind 1
	for ((i = 0; i < 20; i++)); do
		activate 2>>errors || continue
		opened=$((opened + 1))
		"$tool" node "$NODE" write $((65536 + 4096 * i)) 4096 "$IMAGE" >/dev/null
		dmsetup remove t 2>>errors && removed=$((removed + 1))
	done
	no_faults $kind
	note "$kind: $INJECTED faults; opened $opened times of 20, closed $removed times"
	is "$kind: every opened device could be closed" "$removed" "$opened"
	sweep
	ok "$kind: nothing is left" no_node
	ok "$kind: it can be opened" activate
	serve
	ok "$kind: and read" "$tool" compare "$DEV" "$RAW" direct 65536
	stop
	close_image
done
the_end
