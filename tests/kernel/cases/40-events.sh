#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# dmeventd and our plugin: the log and the hook for each event of a device.

# shellcheck disable=SC2154	# set by a layout
# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"

hook=/etc/dm-incremental/event-hook
mkdir -p "${hook%/*}"
cat >$hook <<END
#!/bin/busybox sh
echo "\$1 \$2 \$INC_UUID \$INC_LOADERS \$INC_PRESENT_CHUNKS/\$INC_TOTAL_CHUNKS" >>$work/hook
sed -n 's/^SigBlk:[[:space:]]*//p' /proc/self/status >>$work/mask
exit \$(cat $work/exit)
END
chmod 755 $hook
echo 0 >./exit
touch hook

ran() {		# ran WORDS: the hook has run, with these words first
	grep -q "^$1" hook
}
no_dmeventd() {
	! pgrep -x dmeventd >/dev/null
}
ran_times() {	# ran_times EVENT NUMBER
	[ "$(grep -c "^$1" hook)" = "$2" ]
}
told() {	# told REGEX: dmeventd's log has it
	grep -qE "$1" daemon
}
monitored() {
	ok "$1" incrementalsetup monitor t
}

open_image small read_timeout 120000 || exit 1
like "a device without a UUID is not monitored" "$(incrementalsetup monitor t 2>&1 && echo "done")" "has no UUID.*dmeventd"
ok "a UUID" dmsetup rename t --setuuid INCREMENTAL-small-t

like "without the plugin it fails" "$(timeout 60 incrementalsetup monitor --plugin /nowhere.so t 2>&1 && echo "done")" "does not watch t:.* find /nowhere.so"
dmeventd -R >/dev/null 2>&1	# that one has been started by monitor
within 20 no_dmeventd || pkill -KILL -x dmeventd
within 20 no_dmeventd
rm -f /run/dmeventd*

LD_LIBRARY_PATH=$top/build dmeventd -f -l >daemon 2>&1 &
daemon=$!
readers+=("$daemon")
within 30 test -p /run/dmeventd-server

monitored "a device is monitored"
ok "dmeventd logs it" within 30 told "t: is being watched"
is "nothing has happened yet" "$(cat hook)" ""

# No loader.
reader a 0 4096
ok "a read that waits without a loader runs the hook" within 60 ran "loader-absent t"
reader b 1048576 4096
within 60 some_wait 2
serve
is "the reads end" "$(outcome a 60) $(outcome b 60)" "4096 4096"
is "it was one event" "$(grep -c loader-absent hook)" 1
ok "dmeventd sees the loader" within 60 told "t: no read waits without a loader any more"
like "told by its arguments and environment" "$(cat hook)" "^loader-absent t INCREMENTAL-small-t 0 [0-9]+/[0-9]+$"
is "no signal is blocked in it" "$(sort -u mask)" 0000000000000000
kill -STOP "$LOADER"
reader a 2097152 4096
within 60 some_wait
stop "$LOADER" KILL
ok "a loader that dies under a read is absent, too" within 60 ran_times loader-absent 2

# The image becomes complete.
serve
ok "everything is read" "$tool" compare "$DEV" "$RAW" direct 65536
ok "the rest is loaded" cp "$IMAGE" "$NODE"
ok "the hook runs when the image is complete" within 60 ran "complete t"
ok "dmeventd logs it" within 60 told "t: all of the image is present"
is "it was one event" "$(grep -c ^complete hook)" 1

# Damage; and a hook that fails.
eval "$("$tool" layout "$IMAGE")"
read -r block at < <("$tool" map "$IMAGE" | awk '$2 == 2 && $1 > 600 { print $1, $4; exit }')
"$tool" flip "$LOCAL" "$at"
blockdev --flushbufs "$LOOP"
echo 7 >./exit
reader a $((block * 4096)) 4096
is "damage heals" "$(outcome a 60)" 4096
ok "and runs the hook" within 60 ran "corruption t"
ok "the hook's failure is logged" within 60 told "event-hook has failed with status 7 at event corruption"
ok "so is the damage" told "t: [0-9]+ blocks or pages were corrupt"

# unmonitor.
ok "unmonitor" incrementalsetup unmonitor t
ok "dmeventd logs it" within 60 told "t: is not watched any more"
fails "twice is an error" - "" incrementalsetup unmonitor t
stop
close_image

# ---- another generation: the new device is watched as the old one was ----

LOCAL=$work/live.inc IMAGE=$work/both DEV=/dev/mapper/app
echo 0 >./exit
cat "$images/live.inc" "$images/live.1.layer" >both
cp "$images/live.inc" "$LOCAL"
chmod u+w "$LOCAL"
ok "an image that will grow" incrementalsetup open --read-timeout 120000 "$LOCAL" app
loop_of app
ok "is monitored" incrementalsetup monitor app
ok "update" incrementalsetup update --layer "$images/live.1.layer" app
incrementalsetup evict --force --range 0:1T app >/dev/null
reader a 0 4096
ok "a read that waits runs the hook for the new device" within 60 ran "loader-absent app INCREMENTAL-UNVOUCHED-[0-9a-f]*\.1-app "
"$tool" serve "$NODE" "$IMAGE" >loader.out 2>&1 &
LOADER=$!
loaders+=("$LOADER")
is "the read ends" "$(outcome a 60)" 4096
ok "rollback" incrementalsetup rollback app
stop
ok "it is watched" incrementalsetup unmonitor app
ok "update" incrementalsetup update app
fails "an unwatched device cannot be unmonitored" - "" incrementalsetup unmonitor app
ok "close" incrementalsetup close app
stop "$daemon"
rm -f $hook
the_end
