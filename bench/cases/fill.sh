# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# bench/run fill: all of an image to a file in tmpfs. "write" is the kernel's part: cat to the node of
# a device that has nothing, beside cp of the same image. "fetch" is the loader's, from nginx on the
# loopback device, beside curl -o.

# shellcheck disable=SC2034	# bench/run and in-root use these
about_fill="processor time until all of an image is there"
peers_fill=(copy-4K ours-4K copy-64K ours-64K)
size_fill=1
local=/local.inc

make_fill() { make_peer "ours-${1#*-}"; }
files_fill() { echo "ours-${1#*-}.inc"; }

empty_device() {	# empty_device IMAGE
	rm -f $local
	/bench/loadertool sparse "$1" $local && device=$(losetup --show --find $local) &&
		dmsetup create bench --readonly --table "$(incrementalsetup table $local "$device")" || die "no device"
	node=/dev/incremental/${device##*/}
}

full_device() {	# full_device IMAGE: it is the image now
	dmsetup remove bench && losetup -d "$device" && cmp "$1" $local || die "the local file is not the image"
}

# in_node COMMAND...: what cat writes there, as a shell would have it
in_node() { "$@" >"$node"; }

measure_fill() {
	local peer=$1 image=$images/ours-${1#*-}.inc blocks work
	blocks=$(($(stat -c %s "$image") / 4096))
	rm -f $local
	case $peer in
	copy-*) work cp "$image" $local ;;
	ours-*)
		empty_device "$image"
		work in_node cat "$image"
		full_device "$image"
		;;
	esac
	sample write "us a 4 KiB" "$peer" "$(quotient "$work" $((blocks * 1000)))"
	serve_images "access_log off;" || die "nginx does not start"
	rm -f $local
	case $peer in
	copy-*) work curl -sSf -o $local "http://127.0.0.1/${image##*/}" ;;
	ours-*)
		empty_device "$image"
		work incrementald --origin "http://127.0.0.1/${image##*/}" --exit-when-complete "$node"
		full_device "$image"
		;;
	esac
	sample fetch "us a 4 KiB" "$peer" "$(quotient "$work" $((blocks * 1000)))"
	rm -f $local
}
