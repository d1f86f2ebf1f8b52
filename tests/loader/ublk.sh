# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Sourced by userspace.sh where the kernel has ublk.

echo "# open --userspace: ublk"
fresh_image
some=$(present_bytes)
# The server, not what watches it: it was started last.
server() {
	pgrep -n -x incrementalblk
}
# kill_server: with SIGKILL, and wait for the next one
kill_server() {
	local old
	old=$(server)
	kill -9 "$old"
	within 60 eval '[ "$(server)" != '"$old"' ] && servers 2'
}

ok "open" userspace "$web/app.inc" $local app
like "the device is named by a linear target" "$(dmsetup table app)" "^0 [0-9]+ linear [0-9]+:0 0$"
like "status says what it is" "$(incrementalsetup status app)" "type: +INCREMENTAL, in userspace"
like "and on what it stands" "$(status data_device)" "^/dev/ublkb[0-9]+$"
is "it is read-only" "$(blockdev --getro /dev/mapper/app "$(status data_device)" | tr '\n' ' ')" "1 1 "
is "with blocks as the target has them" "$(blockdev --getss /dev/mapper/app)" 4096
ok "mount" mount -o ro /dev/mapper/app mnt
ok "a file can be read" sh -c 'cd mnt && head -n 1 ../app.sums | sha256sum --quiet -c'
fails "the target does not take the file meanwhile" 5 "locked by another program" incrementalsetup open $local other
fails "nor does another server" - "" userspace "$web/app.inc" $local other
fails "close while it is mounted" 5 "device app is in use" incrementalsetup close app
fails "nor does its server end" 5 "is in use" incrementalblk --stop "$(status data_device)"
fails "it is not to be updated" 4 "is served without the module" incrementalsetup update app
umount mnt
ok "close" incrementalsetup close app
ok "leaves no server, device nor file" within 20 no_server
between "more is present" "$(present_bytes)" $((some + 1)) $(($(stat -c %s app.inc) - 1))
for option in --require-signature "--on-corruption panic" "--commit-interval 1"; do
	# shellcheck disable=SC2086
	fails "$option is the module's" 1 "takes the module" userspace "$web/app.inc" $option $local app
done
fails "another root hash" 2 "is not the trusted one" userspace "$web/app.inc" --root-hash "$(sed 's/[0-9]/0/g' app.root)" $local app
fails "two origins" 1 "one origin" userspace "$web/app.inc" --origin "$slow/app.inc" $local app
ok "leave nothing" within 20 no_server

echo "# its server is killed"
fresh_image
ok "open, with a slow origin" userspace "$slow/app.inc" $local app
mount -o ro /dev/mapper/app mnt
sums_right >sums.log 2>&1 &
reader=$!
ok "killed" kill_server
ok "killed again" kill_server
ok "and once more" kill_server
wait $reader
is "a reader that was waiting has read all of it, and rightly" "$? $(<sums.log)" "0 "
drop_caches
kill_server
ok "all files can be read again" sums_right
umount mnt
ok "close" incrementalsetup close app
ok "leaves nothing" within 20 no_server

echo "# in turns with the target"
some=$(present_bytes)
ok "the target opens the file" incrementalsetup open --read-timeout 1000 --root-hash "$(cat app.root)" $local app
is "and has as much" "$(($(status present_chunks) * 4096))" "$some"
mount -o ro /dev/mapper/app mnt
ok "all files can be read" sums_right
umount mnt
incrementalsetup close app
ok "and back, with the origin away" userspace http://127.0.0.1:1/app.inc --read-timeout 0 $local app
mount -o ro /dev/mapper/app mnt
ok "all files can be read" sums_right
umount mnt
pkill -9 -x incrementalblk
within 20 servers 0
ok "a device that has lost both its processes is closed" incrementalsetup close app
ok "and leaves nothing" within 20 no_server
ok "open" userspace "$web/app.inc" $local app
kill "$(pgrep -o -x incrementalblk)"
ok "a signal ends the server, and its device" within 20 servers 0
dmsetup remove app
rm -f /run/incremental/origins-blk*
