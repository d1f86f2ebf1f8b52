# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# bench/run scaling: opening, reads of 4 KiB that are present and reads that are absent, against the
# size of the device (size-SIZE, make_sparse() in bench/frame/inputs.sh), the number of ranges that are
# present (holes-BLOCKS: half of an image, in runs of so many blocks), and the number of other devices
# that are open (devices-COUNT). Layers have a bench of their own, bench/generations. Absent data is
# brought by the tests' loader, which verifies nothing: what the kernel takes.

# shellcheck disable=SC2034	# bench/run and in-root use these
about_scaling="reads by size, fragmentation and open devices"
peers_scaling=(size-100M size-1G size-10G holes-512 holes-32 holes-2 devices-1 devices-16 devices-256)
size_scaling=1
local=/local.inc
count=150	# reads; the smallest device has 200 blocks of data

image_of() {	# image_of PEER: its name
	case $1 in
	size-*) echo "ours-${1#*-}" ;;
	*) echo ours-4K ;;
	esac
}

make_scaling() {	# make_scaling PEER
	local image
	image=$(image_of "$1")
	make_peer "$image"
	if [[ $1 == holes-* ]] && [ ! -e "$images/$image.$1.runs" ]; then
		build/tests/loadertool map "$images/$image.inc" >"$images/$image.map"
		bench/frame/half "$images/$image.map" "$(stat -c %s "$images/$image.inc")" "$images/$image.$1" "${1#*-}"
	fi
}

files_scaling() {	# files_scaling PEER
	echo "$(image_of "$1").inc"
	[[ $1 != holes-* ]] || printf '%s\n' "ours-4K.$1"{,.runs}
}

# blocks PEER [absent]: numbers of blocks that have data, which are present or, with "absent", not
blocks() {
	awk -v kind="${1%%-*}" -v run="${1#*-}" -v absent="${2-}" -v count=$count -v total="$total" '
		kind == "holes" { there[$1] = 1 }
		END {
			step = kind == "size" ? 128 : 1
			steps = int(total / step) - 2
			srand(absent == "" ? 1 : 2)
			while (found < count) {
				block = (1 + int(rand() * steps)) * step
				start = kind == "holes" ? block - block % run : 0
				if (seen[block]++ || kind == "holes" && (start in there) == (absent != "")) continue
				print block
				found++
			}
		}' "$([[ $1 == holes-* ]] && echo "$images/ours-4K.$1.runs" || echo /dev/null)"
}

# read_blocks MEASURE PEER DEVICE [absent]
read_blocks() {
	local time p50 p99
	blocks "$2" "${4-}" >/out/list
	read -r time p50 p99 < <(/bench/reads - "/dev/mapper/$3" list 4096 $count "$total" direct each </out/list)
	[ -n "${p99-}" ] || die "$2: a read fails"
	[ -z "$1" ] || sample "$1-p50" us "$2" "$(quotient "$p50" 1000)"
}

open_one() {	# open_one NAME FILE DEVICE
	dmsetup create "$1" --readonly --table "$(incrementalsetup table "$2" "$3")"
}

measure_scaling() {
	local peer=$1 image others=() device loader work i table total offset length
	image=$images/$(image_of "$peer").inc
	if [[ $peer == devices-* ]]; then
		table=$(incrementalsetup table "$image" DEVICE)
		for ((i = 1; i < ${peer#*-}; i++)); do
			others+=("$(losetup --show --find --read-only "$image")") &&
				dmsetup create "other$i" --readonly --table "${table/DEVICE/"${others[-1]}"}" || die "no device $i"
		done
	fi
	/bench/loadertool sparse "$image" $local && device=$(losetup --show --find $local) || die "no loop device"
	work open_one bench $local "$device"
	sample open us "$peer" "$(quotient "$work" 1000)"
	total=$(($(blockdev --getsize64 /dev/mapper/bench) / 4096))
	if [[ $peer == holes-* ]]; then
		while read -r offset length; do
			echo "write $offset $length $image $offset"
		done <"${image%.inc}.$peer" | /bench/loadertool node "/dev/incremental/${device##*/}" >>"$log" 2>&1 ||
			die "half of $image cannot be filled"
	fi
	/bench/loadertool serve "/dev/incremental/${device##*/}" "$image" >>"$log" 2>&1 &
	loader=$!
	read_blocks absent "$peer" bench absent
	# What is read first brings its metadata.
	read_blocks '' "$peer" bench
	read_blocks present "$peer" bench
	wait_for dmsetup remove bench || die "$peer cannot be closed"
	kill $loader 2>/dev/null || :
	wait $loader 2>/dev/null || :
	for ((i = 1; i <= ${#others[@]}; i++)); do
		wait_for dmsetup remove "other$i" && losetup -d "${others[i - 1]}" || die "other$i cannot be closed"
	done
	losetup -d "$device" && rm $local
}
