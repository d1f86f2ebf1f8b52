# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Part of the guest: nbdkit's plugin under the kernel's nbd, in turns with the target.

echo "# nbdkit and the kernel's nbd"
modprobe nbd
plugin=$bin/nbdkit-incremental-plugin.so
fresh_image

# serve_nbd PARAMETER...: nbdkit with the local image, and /dev/nbd0 of it
serve_nbd() {
	rm -f nbd.pid nbd.sock
	nbdkit --readonly -U "$work/nbd.sock" -P nbd.pid "$plugin" local=$local root-hash="$(cat app.root)" "$@" 2>nbd.log &&
		within 20 test -s nbd.pid &&
		nbd-client -unix "$work/nbd.sock" /dev/nbd0 -b 4096 -R >>nbd.log 2>&1 &&
		within 20 eval '[ "$(blockdev --getsize64 /dev/nbd0)" != 0 ]'
}
end_nbd() {
	local pid
	pid=$(cat nbd.pid)
	nbd-client -d /dev/nbd0 >>nbd.log 2>&1
	kill "$pid"
	within 20 eval "! kill -0 $pid 2>/dev/null"
}
present_bytes() {
	mkimage inspect $local 2>/dev/null | awk '$1 == "present_bytes" { print $2 }'
}

none=$(present_bytes)
ok "nbd-client" serve_nbd origin="$web/app.inc" prefetch=no
ok "mount" mount -o ro /dev/nbd0 mnt
ok "a file can be read" sh -c 'cd mnt && head -n 1 ../app.sums | sha256sum --quiet -c'
fails "the target does not take the file meanwhile" - "" incrementalsetup open $local app
umount mnt
ok "end" end_nbd
some=$(present_bytes)
between "some of it is present" "$some" $((none + 1)) $(($(stat -c %s app.inc) - 1))

# The target goes on where this has ended, without a loader for what is present.
ok "the target opens the file" incrementalsetup open --read-timeout 1000 --root-hash "$(cat app.root)" $local app
is "and has as much" "$(($(status present_chunks) * 4096))" "$some"
ok "mount" mount -o ro /dev/mapper/app mnt
ok "the same file can be read" sh -c 'cd mnt && head -n 1 ../app.sums | sha256sum --quiet -c'
fails "nbdkit does not take it meanwhile" 1 "a loop device is set up on it|another program uses it" \
	nbdkit -U - "$plugin" local=$local origin="$web/app.inc" --run true
umount mnt
loader --no-prefetch --origin "$web/app.inc"
mount -o ro /dev/mapper/app mnt
ok "with a loader all of them" sums_right
umount mnt
stop
ok "close" incrementalsetup close app
more=$(present_bytes)
between "more is present" "$more" $((some + 1)) "$(stat -c %s app.inc)"

# And back, where what the target has filled needs no origin.
ok "nbd-client, with the origin away" serve_nbd origin=http://127.0.0.1:1/app.inc prefetch=no read-timeout=0
ok "mount" mount -o ro /dev/nbd0 mnt
ok "all files can be read" sums_right
umount mnt
ok "end" end_nbd
is "nothing was lost" "$(present_bytes)" "$more"

servers() {	# servers COUNT: so many processes of it run
	[ "$(pgrep -c -x incrementalblk)" = "$1" ]
}
no_server() {
	servers 0 && ! ls /dev/ublkb* 2>/dev/null && ! ls /run/incremental/origins-blk* 2>/dev/null
}
userspace() {
	incrementalsetup open --userspace --no-prefetch --origin "$@"
}

if modprobe ublk_drv 2>/dev/null; then
	# shellcheck source=tests/loader/ublk.sh
	. "$top/tests/loader/ublk.sh"
else
	echo "# open --userspace: nbd"
	fresh_image
	ok "open" userspace "$web/app.inc" $local app
	like "it stands on nbd" "$(status data_device)" "^/dev/nbd[0-9]+$"
	ok "mount" mount -o ro /dev/mapper/app mnt
	ok "all files can be read" sums_right
	umount mnt
	ok "close" incrementalsetup close app
	ok "leaves nothing" within 20 no_server
fi

echo "# the kernel's nbd, where there is no ublk"
fresh_image
device=$(incrementalblk --daemon --transport nbd --origin "$web/app.inc" $local)
like "it prints its device" "$device" "^/dev/nbd[0-9]+$"
ok "mount" mount -o ro "$device" mnt
ok "all files can be read" sums_right
fails "it does not end while it is mounted" 5 "is in use" incrementalblk --stop "$device"
umount mnt
ok "stop" incrementalblk --stop "$device"
ok "no server is left" within 20 no_server
is "the device is empty" "$(blockdev --getsize64 "$device")" 0
fails "there is nothing to stop" 4 "nobody serves" incrementalblk --stop "$device"

echo "# mount -o userspace, without the module"
for helper in mount.incremental umount.incremental; do
	ln -sf "$bin/incrementalsetup" "/usr/sbin/$helper"
done
rm -rf /var/lib/incremental $local
rmmod dm_incremental
fails "mount says what can be done" 32 "load dm-incremental.ko, or mount with the option userspace" mount -t incremental "$web/app.inc" mnt
ok "mount -o userspace" mount -t incremental -o "userspace,root-hash=$(cat app.root)" "$web/app.inc" mnt
ok "all files can be read" sums_right
ok "umount" umount mnt
ok "takes all down" within 20 no_server
is "but the local image" "$(find /var/lib/incremental -name '*.inc' | wc -l)" 1
no_device_left() {
	[ "$(dmsetup ls)" = "No devices found" ]
}
ok "no device is left" no_device_left
rm -rf /var/lib/incremental
insmod "$top/build/kernel-$VM_KERNEL/dm-incremental.ko"
