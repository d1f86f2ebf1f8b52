# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced in the root where bench/run measures: how each peer is set up, and taken down. All are on
# files of the same tmpfs, below loop devices.
#
#   loop                 the plain erofs, not mounted: just its bytes
#   erofs[-lz4hc-SIZE]   SIZE: erofs' clusters
#   ext4
#   squashfs-SIZE        lz4 -Xhc, SIZE: squashfs' blocks
#   verity-PEER          one of these above dm-verity
#   squashfuse-SIZE      the squashfs in userspace
#   fuse                 the plain erofs through bindfs, a file of a filesystem in userspace; not mounted
#   nbdkit               the plain erofs from nbdkit by the kernel's nbd
#   nbd-SIZE             the image of ours-SIZE from nbdkit by our plugin, by the kernel's nbd
#   ublk-SIZE            the same from incrementalblk, by the kernel's ublk
#   ours-SIZE[-dictionary]    the plain erofs above our target, SIZE: our clusters
#   ours-lz4hc-SIZE      an erofs that mkimage made with clusters of SIZE, above our target
#   ours-SIZE of M or G  a small erofs at the start of a device of SIZE
#   before-SIZE[-dictionary]  the same by the module and mkimage of another commit

images=/images

# serve_images SETTINGS: by nginx on the loopback device, unless it runs; see nginx_conf
serve_images() {
	[ -e /run/nginx/pid ] || { nginx_conf 127.0.0.1 $images "$1" && nginx -c /run/nginx/conf -p /run/nginx 2>>"$log"; }
}

peer_files() {	# peer_files PEER: the names of its images
	case $1 in
	loop | nbdkit | fuse) echo erofs ;;
	verity-*) printf '%s\n' "${1#verity-}"{,.hash,.root} ;;
	squashfuse-*) echo "squashfs-${1#*-}" ;;
	ours-* | before-*) echo "$1.inc" ;;
	nbd-* | ublk-*) echo "ours-${1#*-}.inc" ;;
	*) echo "$1" ;;
	esac
}

loop() {	# loop FILE: in $device
	device=$(losetup --show --find --read-only "$1") || return
	loops+=("$device")
}

# serve_nbd PLUGIN PARAMETER...: /dev/nbd0 from nbdkit, which is $daemon
serve_nbd() {
	rm -f /run/nbd.sock
	nbdkit --foreground --readonly --unix /run/nbd.sock "$@" >>"$log" 2>&1 &
	daemon=$!
	wait_for test -S /run/nbd.sock && nbd-client -unix /run/nbd.sock /dev/nbd0 -b 4096 >>"$log" 2>&1
}

# serve_ublk PARAMETER...: $served from incrementalblk
serve_ublk() {
	served=$(/bench/incrementalblk --daemon --transport ublk "$@" 2>>"$log")
}

target_of() {	# target_of PEER: a device of our target, in $device
	local setup=incrementalsetup module=/bench/dm-incremental.ko
	[[ $1 != before-* ]] || { setup=/bench/before/incrementalsetup; module=/bench/before/dm-incremental.ko; }
	# Two modules, one after the other.
	[ ! -e /bench/before ] || insmod "$module" || return
	loop "$images/$1.inc" &&
		dmsetup create bench --readonly --table "$("$setup" table "$images/$1.inc" "$device")" || return
	device=/dev/mapper/bench
}

# peer_up PEER: $target is a file to read, and $tree a directory, empty if there is none.
peer_up() {
	local image
	loops=() tree=/mnt/tree target=/mnt/large daemon='' mounted=1
	case $1 in
	loop)
		loop "$images/erofs" || return
		tree='' target=$device mounted=''
		;;
	ours-* | before-*) target_of "$1" && mount -t erofs -o ro "$device" /mnt ;;
	verity-*)
		image=${1#verity-}
		loop "$images/$image.hash" || return
		set -- "$device"
		loop "$images/$image" &&
			veritysetup open "$device" bench "$1" "$(<"$images/$image.root")" &&
			mount -t "${image%%-*}" -o ro /dev/mapper/bench /mnt
		;;
	squashfuse-*)
		squashfuse -f "$images/squashfs-${1#*-}" /mnt >>"$log" 2>&1 &
		daemon=$!
		wait_for mountpoint -q /mnt
		;;
	fuse)
		bindfs -f --no-allow-other "$images" /mnt >>"$log" 2>&1 &
		daemon=$!
		tree='' target=/mnt/erofs
		wait_for mountpoint -q /mnt
		;;
	nbdkit) serve_nbd file "$images/erofs" && mount -t erofs -o ro /dev/nbd0 /mnt ;;
	nbd-*)
		serve_nbd /bench/nbdkit-incremental-plugin.so local="$images/ours-${1#*-}.inc" &&
			mount -t erofs -o ro /dev/nbd0 /mnt
		;;
	ublk-*) serve_ublk "$images/ours-${1#*-}.inc" && mount -t erofs -o ro "$served" /mnt ;;
	*) loop "$images/$1" && mount -t "${1%%-*}" -o ro "$device" /mnt ;;
	esac
}

peer_down() {	# peer_down PEER
	local device
	[ -z "$mounted" ] || umount /mnt || return
	case $1 in
	nbdkit | nbd-*) nbd-client -d /dev/nbd0 >>"$log" 2>&1 ;;
	ublk-*) wait_for /bench/incrementalblk --stop "$served" ;;
	verity-* | ours-* | before-*) wait_for dmsetup remove bench ;;
	esac || return
	for device in "${loops[@]}"; do losetup -d "$device" || return; done
	if [ -n "$daemon" ]; then
		kill "$daemon" 2>/dev/null || :	# squashfuse and bindfs end with their mounts
		wait "$daemon" 2>/dev/null || :
	fi
	if [ -e /bench/before ] && [[ $1 == ours-* || $1 == before-* ]]; then rmmod dm_incremental; fi
}

# wait_for COMMAND...: until it succeeds, or for a minute of this machine's clock
wait_for() {
	local i
	for ((i = 0; i < 6000; i++)); do
		"$@" >>"$log" 2>&1 && return
		sleep 0.01
	done
	return 1
}
