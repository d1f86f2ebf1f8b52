#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Extents that need a dictionary: it is fetched for the first of them, damaged, healed.

# shellcheck disable=SC2154	# set by a layout
# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"

# On demand.
open_image dictionary
eval "$("$tool" layout "$IMAGE")"
between "the image has a dictionary" "$dictionary_size" 1024 65536
serve nohints log=log
block=$("$tool" map "$IMAGE" | awk '$2 == 3 { print $1; exit }')
# A read without such an extent does not ask for it.
zero=$("$tool" map "$IMAGE" | awk '$2 == 0 { print $1; exit }')
in_dictionary() {
	awk -v a="$dictionary_offset" -v b=$((dictionary_offset + dictionary_size)) \
		'$1 < b && $1 + $2 > a' log | wc -l
}
is "a block of zeros can be read" "$("$tool" scan "$DEV" "$RAW" direct "$zero" 1)" ""
is "the dictionary is not fetched for it" "$(in_dictionary)" 0
is "a block that needs it can be read" "$("$tool" scan "$DEV" "$RAW" direct "$block" 1)" ""
between "now it is fetched" "$(in_dictionary)" 1 5
ok "everything reads right" "$tool" compare "$DEV" "$RAW" direct 262144
ok "by many threads at a time, too" "$tool" random "$DEV" "$RAW" 6 40 1
is "without damage" "$(field failures)" 0
stop
cat "$IMAGE" >"$NODE"
dmsetup remove t
detach
ok "the file is the image" cmp "$LOCAL" "$IMAGE"

# Damaged.  The test does not know which blocks use a byte of it: these fail, and all
# others read right.
table read_timeout 20000
attach "$LOCAL"
spoil() {	# spoil NAME OFFSET:HEX...
	local mode name=$1 scan
	shift
	for mode in direct buffered mmap; do
		printf '%s\n' "$@" | "$tool" poke "$LOCAL"
		activate
		scan=$("$tool" scan "$DEV" "$RAW" "$mode" "$block" 150 | cut -d ' ' -f 1 | sort -u)
		if [[ $name = all* ]]; then
			is "$name: $mode: errors" "$scan" EIO
		else
			like "$name: $mode: errors at the most" "$scan" '^(EIO)?$'
		fi
		dmsetup remove t
		activate
		serve
		is "$name: $mode: heals" "$("$tool" scan "$DEV" "$RAW" "$mode" "$block" 150)" ""
		[[ $name != all* ]] || between "$name: $mode: counted" "$(field healed)" 1 1000
		stop
		dmsetup remove t
		cp "$IMAGE" "$LOCAL"
	done
}
# byte OFFSET: a byte that differs from the image's for sure, in two bits
byte() {
	local value
	value=$(od -An -tu1 -j "$1" -N 1 "$IMAGE")
	printf '%d:%02x' "$1" $((value ^ 0x41))
}
zeros=$(printf '%08192d' 0)
spoil "first byte of the dictionary" "$(byte "$dictionary_offset")"
spoil "middle byte of the dictionary" "$(byte $((dictionary_offset + dictionary_size / 2)))"
spoil "last byte of the dictionary" "$(byte $((dictionary_offset + dictionary_size - 1)))"
pages=()
for ((at = dictionary_offset; at < dictionary_offset + dictionary_size; at += 4096)); do
	pages+=("$at:$zeros")
done
spoil "all of the dictionary" "${pages[@]}"

# It is discarded and comes back while many reads use it.
activate
serve
comes_and_goes "$dictionary_offset" 16384
stop
dmsetup remove t
detach

# An entry that needs a dictionary, in an image without one.
open_full small
block=$("$tool" map "$IMAGE" | awk '$2 == 2 { print $1; exit }')
dmsetup remove t
"$tool" flip "$LOCAL" $(($("$tool" where "$IMAGE" map "$block") + 7)) 5
activate
is "no dictionary, but an entry that needs one" \
	"$("$tool" scan "$DEV" "$RAW" direct "$block" 1)" "EIO $block-$block"
the_end
