#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# While a device is taken from one generation to another and back, its name in
# /dev/mapper leads to one of the two at each moment: without udev, and with it.

# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"
live=$top/build/tests/livetool
LOCAL=$work/live.inc
links=(/dev/mapper/app)

first_block() {
	dd if=/dev/mapper/app of="$1" bs=4096 count=1 iflag=direct 2>/dev/null
}

one_device() {
	[ "$(dmsetup table | cut -d ' ' -f 1,7)" = "app: $1" ]
}

start_readers() {
	local link
	readers=()
	for link in "${links[@]}"; do
		"$live" block "$link" block0 block1 >"blocks.${#readers[@]}" 2>&1 &
		readers+=("$!")
	done
}

# change COMMAND...: it succeeds, and every reader goes on
change() {
	"$@" >change.log 2>&1 || return
	kill -0 "${readers[@]}" 2>/dev/null
}

# changes NUMBER: so often from one generation to the other, and back
changes() {
	local i
	for i in $(seq "$1"); do
		change incrementalsetup rollback app &&
			change incrementalsetup update app || { note "$i: $(cat change.log)"; return 1; }
	done
}

end_readers() {	# each of them has read both generations, and nothing else
	local i
	kill "${readers[@]}" 2>/dev/null
	for i in "${!readers[@]}"; do
		wait "${readers[i]}"
		is "${links[i]} could be opened all the time, and was always right" "$?" 0 || note "$(cat "blocks.$i")"
		ok "and was either generation" grep -qE '^[1-9]' <(sed -n 2p "blocks.$i")
		note "of generation 0 and 1: $(paste -s -d ' ' "blocks.$i")"
	done
	readers=()
}

# ---- without udev ----

cp "$images/live.inc" "$LOCAL" && chmod u+w "$LOCAL"
ok "generation 0" incrementalsetup open "$LOCAL" app
first_block block0
ok "generation 1" incrementalsetup update --layer "$images/live.1.layer" app
first_block block1
fails "the two differ in their first block" 1 "" cmp -s block0 block1
modes=$(stat -c '%a %u %g' /dev/mapper/app)
start_readers
ok "to and fro, three times" changes 3
end_readers
is "the node's mode and owner" "$(stat -c '%a %u %g' /dev/mapper/app)" "$modes"
is "no other node is left" "$(echo /dev/mapper/*)" "/dev/mapper/app /dev/mapper/control"

# A rollback that is killed, and the update that finishes it and goes forward again.
start_readers
killed=0
for ((n = 1; n < 16; n++)); do
	"$live" killat $n name incrementalsetup rollback app >killed 2>&1
	status=$?
	[ $status = 137 ] || break
	killed=$((killed + 1))
	change incrementalsetup update app || break
done
is "rollback is killed before each change of a name, and an update goes forward again" "$status" 0 ||
	note "$n: $(cat killed change.log)"
between "as often as it takes" $killed 7 15
end_readers
is "no other node is left then" "$(echo /dev/mapper/*)" "/dev/mapper/app /dev/mapper/control"
ok "closed" incrementalsetup close app
ok "no node" within 10 no_node

# ---- with udev ----

unset DM_DISABLE_UDEV
mkdir -p /run/udev/rules.d
cp "$top/userspace/udev/58-dm-incremental.rules" /run/udev/rules.d
ln -sf "$top/build/incrementalsetup" /usr/sbin/incrementalsetup
ok "udev starts" /lib/systemd/systemd-udevd --daemon
ok "generation 1" incrementalsetup open "$LOCAL" app
ok "udev has made the link" test -L /dev/mapper/app
links+=(/dev/disk/by-id/dm-name-app)
start_readers
# Once is enough: udev takes many times as long to change a link as a reader to open it.
ok "to and fro with udev" changes 1
end_readers
ok "one device is left" within 60 one_device 1
is "no other link is left" "$(echo /dev/mapper/*)" "/dev/mapper/app /dev/mapper/control"
ok "closed" incrementalsetup close app
udevadm settle --timeout=60
udevadm control --exit
rm -r /run/udev /usr/sbin/incrementalsetup
export DM_DISABLE_UDEV=1
# udev has looked at nodes of /sys that are gone, and the kernel keeps their names.
echo 2 >/proc/sys/vm/drop_caches
the_end
