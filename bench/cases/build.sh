# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# bench/run build: images of three directories, made by mkimage, mksquashfs and mkfs.erofs on the
# host; no machine is started.

# shellcheck disable=SC2034	# bench/run uses these
about_build="processor time, memory and size of building images"
place_build=host
# Level 12 is what mksquashfs -Xhc asks LZ4 for, 9 what mkfs.erofs does by itself.
peers_build=(ours-4K ours-4K-dictionary ours-4K-level-12 ours-64K-level-12 ours-lz4hc-4K ours-lz4hc-16K squashfs-128K erofs-lz4hc-4K erofs-lz4hc-16K
	erofs-lz4hc-4K-level-12)
size_build=0

# The inputs: a Java runtime, a Python, the headers of a kernel.
directory_of() {
	case $1 in
	java) scripts/fetch-jre ;;
	python) echo /usr/lib/python3.11 ;;
	headers) readlink -f /lib/modules/"$(scripts/kernel-release 6.1)"/source ;;
	esac
}

# build_one PEER DIRECTORY IMAGE
build_one() {
	local kind=${1%-level-12} level=${1##*-level-} cluster
	[ "$kind" != "$1" ] || level=''
	case $kind in
	ours-lz4hc-*) set -- build/mkimage create --force --no-check --fs-compression "lz4hc,${kind##*-}" "$2" "$3" ;;
	ours-*)
		cluster=${kind#ours-}
		set -- --cluster "${cluster%-dictionary}" ${level:+--level "$level"} "$2" "$3"
		[[ $kind != *-dictionary ]] || set -- --dictionary "$@"
		set -- build/mkimage create --force --no-check "$@"
		;;
	squashfs-*) set -- mksquashfs "$2" "$3" -comp lz4 -Xhc -b "${kind#*-}" -no-progress -noappend ;;
	erofs-*)
		cluster=${kind##*-}
		set -- mkfs.erofs "-zlz4hc${level:+,$level}" -C $((${cluster%K} << 10)) "$3" "$2"
		;;
	esac
	bench/timed --memory "$@" 2>>"$log"
}

measure_build() {
	local input directory milliseconds kib image=$work/image
	for input in java python headers; do
		directory=$(directory_of "$input") || die "there is no directory for $input"
		rm -f "$image"
		read -r milliseconds kib < <(build_one "$1" "$directory" "$image") || die "$1 cannot be built of $directory"
		[ -s "$image" ] || die "$1 cannot be built of $directory"
		sample "$input" "processor seconds" "$1" "$(quotient "$milliseconds" 1000)"
		sample "$input-memory" "MiB of memory" "$1" "$(quotient "$kib" 1024)"
		sample "$input-size" "MB of image" "$1" "$(quotient "$(du --apparent-size -b "$image" | cut -f 1)" 1000000)"
	done
	rm -f "$image"
}
