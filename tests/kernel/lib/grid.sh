# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2034,SC2154
#
# The damage grids: every kind of damage at once, each at a place of its own (see
# damage, damage-layers, damage-references).  With an origin all of it heals; without one just the
# blocks that depend on it give EIO, whichever way they are read.

DEV=/dev/mapper/t

grid() {	# grid NAME: the damage of an image
	choose "$1"
	LOCAL=$work/$1.inc
	mapfile -t cells < <(cut -d '|' -f 1-4 "$images/$1.damage")
}

damaged_copy() {
	cp "$IMAGE" "$LOCAL"
	chmod u+w "$LOCAL"
	cut -d '|' -f 5 "$images/$IMAGE_NAME.damage" | "$tool" poke "$LOCAL"
}

# each_cell MODE WHAT [EXPECTED]: every cell reads as it must.
each_cell() {
	local i name verdict got
	# shellcheck disable=SC2046	# a list of numbers
	mapfile -t got < <("$tool" scan "$DEV" "$RAW" "$1" \
		$(cut -d '|' -f 2,3 "$images/$IMAGE_NAME.damage" | tr '|' ' '))
	for i in "${!cells[@]}"; do
		IFS='|' read -r name _ _ verdict _ <<<"${cells[i]}"
		[ "$1" = direct ] || verdict=${verdict//ETIMEDOUT/EIO}
		is "$name: $1, $2" "${got[i]-nothing}" "${3-$verdict}"
	done
}

table_of() {	# table_of TIMEOUT: of the newest generation
	TABLE=$(incrementalsetup table --read-timeout "$1" "$IMAGE" "$LOOP")
}

# The next read must see the file, not cached pages.
reopen() {
	dmsetup remove t
	activate
}

without_origin() {	# without_origin ABSENT: the number of chunks that are absent then
	local mode
	is "the damage is in the file" "$(damaged_copy; cmp -s "$LOCAL" "$IMAGE" || echo differs)" differs
	attach "$LOCAL"
	table_of 300
	activate
	for mode in direct buffered mmap; do
		each_cell $mode "no loader"
		between "$mode: failures are counted" "$(field failures)" ${#cells[@]} 100000
		is "$mode: nothing is healed" "$(field healed)" 0
		reopen
	done
	is "every chunk is still present, but for wrong bits of the bitmap" "$(field present)" $(($(field total) - $1))
}

# with_origin NOT: the number of cells that are not healed, as just a bit of the bitmap
# is wrong
with_origin() {
	local mode
	for mode in direct buffered mmap; do
		damaged_copy
		attach "$LOCAL"
		table_of 20000
		activate
		rm -f log
		serve log=log
		mark
		each_cell $mode "healed" ""
		is "$mode: nothing has timed out" "$(field timeouts) $(field unavailable)" "0 0"
		between "$mode: healed is counted" "$(field healed)" $((${#cells[@]} - $1)) 1000
		between "$mode: requests say why" "$(grep -c refetch log)" $((${#cells[@]} - $1)) 1000
		ok "$mode: the kernel logs it" said "is corrupt, at image offset [0-9]*: fetching it again"
		is "$mode: all is present" "$(field state)" complete
		stop
		dmsetup remove t
		detach
		ok "$mode: the file is the image again" cmp "$LOCAL" "$IMAGE"
	done
}
