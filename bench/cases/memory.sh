# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# bench/run memory: the kernel's memory for each open device, 1 to 256 of them, before anything is
# read, and when a part of each has been. All are on one image, each by a loop device of its own.

# shellcheck disable=SC2034	# bench/run and in-root use these
about_memory="kernel memory of open devices"
peers_memory=(verity-erofs ours-4K ours-4K-dictionary ours-64K ours-1G ours-100G)
size_memory=1

# free_memory: in $free, KiB of the machine's without what can be dropped. Pages that processors
# keep for themselves come back with the second drop.
free_memory() {
	local name unit
	cold
	cold
	while read -r name free unit; do
		[ "$name" != MemFree: ] || return 0
	done </proc/meminfo
}

# open_devices PEER COUNT: bench0, bench1, ...
open_devices() {
	local i table first
	case $1 in
	verity-*)
		first=${loops[1]}
		veritysetup open "$first" bench0 "${loops[0]}" "$(<"$images/${1#verity-}.root")" || return
		table=$(dmsetup table bench0)
		first=$(device_number "$first")
		for ((i = 1; i < $2; i++)); do
			dmsetup create "bench$i" --readonly --table "${table/ $first / $(device_number "${loops[i + 1]}") }" || return
		done
		;;
	*)
		table=$(incrementalsetup table "$images/$1.inc" "${loops[0]}")
		for ((i = 0; i < $2; i++)); do
			dmsetup create "bench$i" --readonly --table "${table/"${loops[0]} "/"${loops[i]} "}" || return
		done
		;;
	esac
}

device_number() { cat "/sys/class/block/${1##*/}/dev"; }

measure_memory() {
	local peer=$1 count i image free base loops=()
	image=$images/${peer#verity-}
	[[ $peer == verity-* ]] || image=$images/$peer.inc
	[ "$round" != 0 ] || return 0	# nothing here gets faster
	for count in 1 16 256; do
		# That many take minutes to open.
		[ "$count" != 256 ] || [ "$round" -le 1 ] || continue
		loops=()
		[[ $peer != verity-* ]] || loops=("$(losetup --show --find --read-only "$image.hash")")
		for ((i = 0; i < count; i++)); do loops+=("$(losetup --show --find --read-only "$image")") || die "no loop device"; done
		# What the first one of all takes is not a device's.
		open_devices "$peer" 1 && wait_for dmsetup remove bench0 || die "no device of $peer"
		free_memory
		base=$free
		open_devices "$peer" "$count" || die "no $count devices of $peer"
		free_memory
		sample "open-$count" "KiB a device" "$peer" "$(quotient $((base - free)) "$count")"
		if [ "$count" = 16 ]; then
			for ((i = 0; i < count; i++)); do
				head -c "${size}M" "/dev/mapper/bench$i" >/dev/null || die "$peer cannot be read"
			done
			free_memory
			sample "read-$count" "KiB a device" "$peer" "$(quotient $((base - free)) "$count")"
		fi
		for ((i = 0; i < count; i++)); do wait_for dmsetup remove "bench$i" || die "$peer cannot be closed"; done
		for i in "${loops[@]}"; do losetup -d "$i" || die "$i stays"; done
	done
}
