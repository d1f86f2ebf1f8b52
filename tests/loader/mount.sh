# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Part of the guest: mount -t incremental, umount, and fstab.

echo "# mount -t incremental"
for helper in mount.incremental umount.incremental; do
	ln -sf "$bin/incrementalsetup" "/usr/sbin/$helper"
done
umount -q mnt
incrementalsetup close app 2>/dev/null
locals=/var/lib/incremental
rm -rf $locals "$local"

# No mount, device, node, loop device, loader, nor file about one; of local images just
# those of this list.
nothing_left() {
	[ -z "$(dmsetup ls | grep -v '^No devices')" ] || { dmsetup ls; return 1; }
	! ls /dev/incremental/* 2>/dev/null && [ -z "$(losetup -a)" ] || return 1
	! pgrep -x incrementald >/dev/null || { echo "a loader runs"; return 1; }
	! grep -E " - [a-z0-9]+ /dev/(mapper|dm-)" /proc/self/mountinfo || return 1
	! find /run/incremental -name 'origins*' -o -name 'counters*' | grep . || return 1
	! find $locals -type f -printf '%f\n' 2>/dev/null | grep -vxF -e "${*-}" || return 1
}
left() {
	within 20 nothing_left "$@"
}

ok "a URL" mount -t incremental -o no-prefetch "$web/app.inc" mnt
kept=$(ls $locals)
like "its local image is in $locals, by its name" "$kept" '^app-[0-9a-f]{16}\.inc$'
is "of which nobody else can read anything" "$(stat -c %a $locals)" 700
ok "all files can be read" sums_right
is "the device is called as it is" "$(basename "$kept" .inc)" "$(dmsetup ls | cut -f 1)"
like "the mount is read-only" "$(findmnt -no OPTIONS "$PWD/mnt")" '^ro,'
ok "umount" umount mnt
ok "takes down all but the local image" left "$kept"

ok "again, with a device's name and options of mounts" mount -t incremental \
	-o rw,nodev,nosuid,x-note=1,name=again,fs-type=erofs,fs-options=cache_strategy=disabled "$web/app.inc" mnt
like "they are the mount's" "$(findmnt -no SOURCE,FSTYPE,OPTIONS "$PWD/mnt")" '/dev/mapper/again +erofs +ro,nosuid,nodev.*cache_strategy=disabled'
is "the same local image is used" "$(ls $locals)" "$kept"
umount -i mnt
no_device() {
	[ "$(dmsetup ls)" = "No devices found" ]
}
ok "without the helper the device goes, too" within 20 no_device
rm -rf $locals /run/incremental/*

ok "with a file for the local image, below a place that is told" \
	mount -t incremental -o "local=$local,no-prefetch" "$PWD/app.inc" mnt
ok "reads" sums_right
ok "a second mount of it, elsewhere" eval 'mkdir -p mnt2 && mount -t incremental "$local" mnt2 -o "origin=$web/app.inc"'
ok "umount of the first" umount mnt
ok "leaves the second alone" test -s mnt2/hello -o -n "$(ls mnt2)"
ok "umount of the second" umount mnt2
ok "takes all down" left
rm -f "$local"

echo "# trust"
root=$(<app.root)
ok "root-hash=" mount -t incremental -o "root-hash=$root,no-prefetch" "$web/app.inc" mnt
like "is in the table" "$(dmsetup table)" "$root"
umount mnt
left "$(ls $locals)" >/dev/null
rm -rf $locals
fails "another's is refused" 32 "is not the trusted one" mount -t incremental -o "root-hash=${root//[0-9]/0}" "$web/app.inc" mnt
ok "and leaves nothing" left

echo "# a whole image"
ok "mounts without an origin" mount -t incremental app.inc mnt
ok "no loader runs" eval '! pgrep -x incrementald'
ok "reads" sums_right
umount mnt
ok "umount leaves nothing" left

echo "# fstab"
cp /etc/fstab fstab.old 2>/dev/null || : >fstab.old
printf '%s\n' "$web/app.inc $PWD/mnt incremental no-prefetch,root-hash=$root,_netdev,nofail,noauto,x-systemd.device-timeout=5 0 0" >>/etc/fstab
ok "mount DIR" mount mnt
ok "reads" sums_right
like "its options are there" "$(findmnt -no OPTIONS --mtab "$PWD/mnt"; cat /run/mount/utab)" '_netdev.*x-systemd|x-systemd.*_netdev'
ok "umount DIR" umount mnt
kept=$(ls $locals)
ok "leaves the local image only" left "$kept"
cp fstab.old /etc/fstab
rm -rf $locals

echo "# refusals"
refused() {	# refused WHAT TEXT ARGUMENT...: with its sentence, and nothing is left
	local what=$1 text=$2
	shift 2
	fails "$what" - "$text" mount -t incremental "$@"
	ok "and leaves nothing" left
}
refused "an unknown option" 'there is no option "colour"' -o colour=red "$web/app.inc" mnt
refused "an option without its value" '"root-hash" needs a value' -o root-hash "$web/app.inc" mnt
refused "one with a value too many" '"no-prefetch" takes no value' -o no-prefetch=1 "$web/app.inc" mnt
refused "an option of a nonsensical value" '"x" is not a hexadecimal digest' -o root-hash=x "$web/app.inc" mnt
# mount(8) leaves such an option out.
fails "a missing quotation mark" 1 'quotation mark is missing' \
	mount.incremental "$web/app.inc" mnt -o 'origin="x'
refused "a directory that is not there" 'No such file|does not exist' "$web/app.inc" nowhere
refused "a directory that is a file" 'not a directory' "$web/app.inc" app.inc
refused "a URL of nothing" 'nothing.inc.*HTTP status 404' "$web/nothing.inc" mnt
refused "a server that is not there" 'nobody.inc|127.0.0.1:9' http://127.0.0.1:9/nobody.inc mnt
refused "a file that is no image" 'incremental image' /etc/passwd mnt
refused "a file that is not there" 'No such file' nowhere.inc mnt
refused "a filesystem that it has not" 'mount|type' -o fs-type=xfs "$web/app.inc" mnt
incrementalsetup create --origin app.inc $local >/dev/null
refused "a part of an image without an origin" 'has [0-9]+ of the image.s [0-9]+ chunks, and no origin' $local mnt
rm $local
chmod 755 .
cp "$bin/incrementalsetup" mount.incremental
fails "a user" 1 'only root may mount' setpriv --reuid nobody --regid nogroup --clear-groups ./mount.incremental "$web/app.inc" /
fails "umount of what is not mounted" - 'not a mount point' umount.incremental mnt

echo "# interrupted"
# The server says nothing until the test is over, so mount(8) waits for a read.
incrementalsetup create --origin app.inc $local >/dev/null
mount -t incremental -o "local=$local,no-prefetch,read-timeout=600000,no-startup" "$crawling/app.inc" mnt 2>interrupted &
mounting=$!
within 20 test -e /dev/mapper/local
pkill -TERM -x mount.increment
wait $mounting
ok "a mount that is ended takes all down" left
like "and says so" "$(cat interrupted)" interrupted
is "nothing is mounted" "$(findmnt -n "$PWD/mnt")" ""
rm -f $local
rm -f /usr/sbin/mount.incremental /usr/sbin/umount.incremental
