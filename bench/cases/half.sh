# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# bench/run half: reads of what is present in an image of which half is, in holes of 128 KiB at
# random, beside the same reads of the complete image. No program may be woken by them.

# shellcheck disable=SC2034	# bench/run and in-root use these
about_half="reads of what is present, where half is absent"
peers_half=(complete-4K ours-4K complete-64K ours-64K)
size_half=64

make_half() {	# make_half PEER
	local image=ours-${1#*-}
	make_peer "$image"
	[ -e "$images/$image.half" ] || {
		build/tests/loadertool map "$images/$image.inc" >"$images/$image.map"
		bench/frame/half "$images/$image.map" "$(stat -c %s "$images/$image.inc")" "$images/$image.half"
	}
}

files_half() { printf '%s\n' "ours-${1#*-}".{inc,half,half.runs}; }

# write_half IMAGE: each range of it that is in the list, into the device's node
write_half() {
	local offset length
	while read -r offset length; do
		echo "write $offset $length $1 $offset"
	done <"${1%.inc}.half" | /bench/loadertool node "/dev/incremental/${device##*/}" >>"$log" 2>&1
}

measure_half() {
	local peer=$1 image=/images/ours-${1#*-}.inc local=/local.inc hoard='' total unit count time p50 p99 each=each
	# There a look at the clock costs more than the read.
	[ -z "$cpu_time" ] || each=''
	cp "$image" $local
	if [ "${1%%-*}" = ours ]; then
		/bench/loadertool sparse "$image" $local || die "there is no sparse $image"
	fi
	device=$(losetup --show --find $local) &&
		dmsetup create bench --readonly --table "$(incrementalsetup table $local "$device")" || die "no device"
	if [ "${1%%-*}" = ours ]; then
		write_half "$image" || die "half of $image cannot be filled"
		/bench/loadertool hoard "/dev/incremental/${device##*/}" >/out/wants 2>>"$log" &
		hoard=$!
	fi
	total=$(($(blockdev --getsize64 /dev/mapper/bench) / 4096))
	for unit in 32 1; do
		count=0
		: >/out/list
		while read -r first; do
			if [ $unit = 32 ]; then
				echo $((first / 32)) >>/out/list
			else
				echo $((first + count * 7 % 32)) >>/out/list
			fi
			count=$((count + 1))
		done <"${image%.inc}.half.runs"
		[ $count -gt 20 ] || die "too little of the image is present"
		cold
		read -r time p50 p99 < <(/bench/reads "${cpu_time:--}" /dev/mapper/bench list $((unit * 4096)) $count \
			$((total / unit)) direct $each </out/list)
		[ -n "$time" ] || die "a read of what is present fails"
		sample "direct-$((unit * 4))K" "us a 4 KiB" "$peer" "$(quotient "$time" $((count * unit * 1000)))"
		[ -n "$each" ] || continue
		sample "direct-$((unit * 4))K-p50" us "$peer" "$(quotient "$p50" 1000)"
		sample "direct-$((unit * 4))K-p99" us "$peer" "$(quotient "$p99" 1000)"
	done
	if [ -n "$hoard" ]; then
		kill $hoard
		wait $hoard 2>/dev/null || :
		[ ! -s /out/wants ] || die "reads of what is present have asked for: $(head -n 3 /out/wants)"
	fi
	dmsetup remove bench && losetup -d "$device" || die "$peer cannot be taken down"
}
