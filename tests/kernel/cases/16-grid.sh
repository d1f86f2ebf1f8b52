#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The corruption grid: every kind of damage at once, each at a place of its own
# (tests/kernel/damage).  With an origin all of it heals; without one just the
# blocks that depend on it give EIO, whichever way they are read.

# shellcheck source=tests/kernel/lib.sh
. "$(dirname "$0")/../lib.sh"

DEV=/dev/mapper/t
choose huge
LOCAL=$work/huge.inc
mapfile -t grid < <(cut -d '|' -f 1-4 "$images/huge.damage")

damaged_copy() {
	cp "$IMAGE" "$LOCAL"
	chmod u+w "$LOCAL"
	cut -d '|' -f 5 "$images/huge.damage" | "$tool" poke "$LOCAL"
}

# each_cell MODE WHAT [EXPECTED]: every cell reads as it must.
each_cell() {
	local i name verdict got
	# shellcheck disable=SC2046	# a list of numbers
	mapfile -t got < <("$tool" scan "$DEV" "$RAW" "$1" \
		$(cut -d '|' -f 2,3 "$images/huge.damage" | tr '|' ' '))
	for i in "${!grid[@]}"; do
		IFS='|' read -r name _ _ verdict _ <<<"${grid[i]}"
		[ "$1" = direct ] || verdict=${verdict//ETIMEDOUT/EIO}
		is "$name: $1, $2" "${got[i]-nothing}" "${3-$verdict}"
	done
}

# What is left is seen by the next read, not what was cached.
reopen() {
	dmsetup remove t
	activate
}

is "the damage is in the file" "$(damaged_copy; cmp -s "$LOCAL" "$IMAGE" || echo differs)" differs
attach "$LOCAL"
table read_timeout 300
activate
for mode in direct buffered mmap; do
	each_cell $mode "no loader"
	between "$mode: failures are counted" "$(field failures)" ${#grid[@]} 100000
	is "$mode: nothing is healed" "$(field healed)" 0
	reopen
done
is "but for two bits of the bitmap, all is present still" "$(field present)" $(($(field total) - 2))

# The same with a loader, if that is what the table says.
table read_timeout 300 on_corruption fail
dmsetup remove t
activate
like "on_corruption is in the table line" "$(dmsetup table t)" " 4 read_timeout 300 on_corruption fail\$"
serve log=log
each_cell direct "on_corruption fail" >cells
is "on_corruption fail: as without a loader, but for what is absent" \
	"$(grep '^not ok' cells | grep -vc 'wrongly 0')" 0
is "on_corruption fail: nothing is fetched again" "$(grep -c refetch log)" 0
stop
dmsetup remove t
detach

for mode in direct buffered mmap; do
	damaged_copy
	attach "$LOCAL"
	table read_timeout 20000
	activate
	rm -f log
	serve log=log
	mark
	each_cell $mode "healed" ""
	is "$mode: nothing has timed out" "$(field timeouts) $(field unavailable)" "0 0"
	# Not those of bits that are wrongly 0, nor of the head's.
	between "$mode: healed is counted" "$(field healed)" $((${#grid[@]} - 3)) 1000
	between "$mode: requests say why" "$(grep -c refetch log)" $((${#grid[@]} - 3)) 1000
	ok "$mode: the kernel tells" said "is damaged, at image offset [0-9]*: fetching it again"
	is "$mode: all is present" "$(field state)" complete
	stop
	dmsetup remove t
	detach
	ok "$mode: the file is the image again" cmp "$LOCAL" "$IMAGE"
done
the_end
