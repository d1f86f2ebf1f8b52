#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tables that are refused: each with its sentence in the kernel's log, and
# nothing left behind.

# shellcheck disable=SC2154	# set by a layout
# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"

open_image size129 || exit 1
ok "the good table is taken" dmsetup remove t
read -r _ length _ _ device generation hash root salt <<<"$TABLE"
is "the good table has the values used below" "$generation $hash" "0 sha256"

sentences=() names=()
# refused NAME SENTENCE TABLE [DMSETUP OPTION]: TABLE is refused; the log is searched
# for SENTENCE later.
refused() {
	if dmsetup create ${4---readonly} t --table "$3" >/dev/null 2>&1; then
		result 'not ok' "refused: $1"
		dmsetup remove t
		return
	fi
	names+=("$1")
	sentences+=("$2")
}
with() {	# the good table, with some fields replaced
	local length=$length version=1 device=$device generation=$generation hash=$hash root=$root salt=$salt options=
	local "$@"
	echo "0 $length incremental $version $device $generation $hash $root $salt $options"
}

mark
for n in 0 1 2 3 4 5; do
	refused "only $n arguments" "Not enough arguments: need at least 6" \
		"0 $length incremental $(echo "1 $device 0 sha256 $root" | cut -d ' ' -f "1-$n" -s)"
done 2>/dev/null
for wrong in 0 2 -1 x 1x; do
	refused "version $wrong" "Invalid version: must be 1" "$(with version=$wrong)"
done
refused "no such device" "Cannot open backing device" "$(with device=/dev/nothing)"
refused "a file as device" "Cannot open backing device" "$(with device="$LOCAL")"
for wrong in x -1 0x 4294967296; do
	refused "generation $wrong" "Invalid generation: not a number" "$(with generation=$wrong)"
done
for wrong in 1 4294967295; do
	refused "generation $wrong" "Image has no such generation" "$(with generation=$wrong)"
done
refused "an unknown hash" "Cannot initialise hash" "$(with hash=sha257)"
refused "a hash of another size" "Invalid root digest: wrong length or not hex" "$(with hash=sha512)"
refused "another hash" "Hash algorithm in the table is not the image's" "$(with hash=sha512 root="$root$root")"
for wrong in "${root%??}" "${root}00" "${root%?}" "${root%?}g" -; do
	refused "root digest $wrong" "Invalid root digest: wrong length or not hex" "$(with root="$wrong")"
done
first=$(((16#${root:0:1}) ^ 1))
refused "one bit of the root digest is wrong" "Root digest in the table is not the image's" \
	"$(with root="$(printf %x $first)${root:1}")"
for wrong in "${salt}0" "${salt%??}xx" "$(printf '%0514d' 0)"; do
	refused "salt $wrong" "Invalid salt: not 1 to 256 bytes in hex, or -" "$(with salt="$wrong")"
done
for wrong in - 00 "${salt}00" "${salt%??}" "$(printf %x $(((16#${salt:0:1}) ^ 1)))${salt:1}"; do
	refused "salt $wrong" "Salt in the table is not the image's" "$(with salt="$wrong")"
done
for options in x -1 7 8 "2 read_timeout"; do
	refused "options '$options'" "Invalid number of options" "$(with options="$options")"
done
for options in "0 read_timeout" "2 read_timeout 5 more" "2 read_timeout 5 commit_interval 5" "1 require_signature 1"; do
	refused "options '$options'" "Options must be as many words as their number says" "$(with options="$options")"
done
for options in "1 read_timeout" "3 read_timeout 5 commit_interval" "1 prove_sizes"; do
	refused "options '$options'" "Option without its value, or unknown" "$(with options="$options")"
done
for name in read_timeout commit_interval; do
	for value in -1 3600001 4294967297 5x x; do
		refused "$name $value" "Invalid $name: must be 0 to 3600000 ms" "$(with options="2 $name $value")"
	done
done
refused "absent_readahead maybe" "Invalid absent_readahead: must be fetch or hint" \
	"$(with options="2 absent_readahead maybe")"
refused "an unknown option" "Unknown option" "$(with options="2 read_timeouts 5")"
for wrong in $((length - 8)) $((length + 8)) 8; do
	refused "length $wrong" "Target must start at 0 and have the size of the image's device" \
		"$(with length="$wrong")"
done
refused "a read-write table" "Device must be created read-only" "$TABLE" --addnodeoncreate

# Backing devices without an image.
truncate -s 1M zeros
truncate -s 2048 short
for file in zeros short; do
	attach "$PWD/$file"
	if [ $file = zeros ]; then
		refused "no image" "superblock: wrong magic, not an incremental image" "$(with device="$LOOP")"
	else
		refused "less than a superblock" "Backing device is smaller than a superblock" "$(with device="$LOOP")"
	fi
	ok "the loop device of $file is free again" detach
done

# The log has one line a table, in the same order.
mapfile -t got < <(log | sed -n 's/.*device-mapper: table: [^ ]* incremental: \(.*\) (-[A-Z0-9]*)$/\1/p')
is "as many sentences as refused tables" "${#got[@]}" "${#sentences[@]}"
for i in "${!sentences[@]}"; do
	is "refused with its sentence: ${names[i]:0:60}" "${got[i]-}" "${sentences[i]}"
done

# Beside another target, or twice.
mark
fails "not beside another target" - "" dmsetup create --readonly t <<<"0 8 zero
8 $length incremental ${TABLE#* * * }"
is "no device is left" "$(dmsetup ls)" "No devices found"
ok "no node is left" no_node
ok "the module is not in use" unused
ok "the backing device is free" detach "$device"

# Nor does a refused table disturb a device that is open.
attach "$LOCAL"
table
activate
serve
fails "reloading with a wrong root digest fails" - "" dmsetup reload --readonly t --table "${TABLE/$root/${root//[0-9]/0}}"
fails "so does reloading with a wrong length" - "" dmsetup reload --readonly t --table "0 8 ${TABLE#* * }"
ok "the device still reads right" "$tool" compare "$DEV" "$RAW" direct
the_end
