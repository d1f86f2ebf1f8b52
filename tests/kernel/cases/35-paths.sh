#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Changes while incrementalsetup works: of the image's path, of the directories
# that lead to a mount, and of locks.

# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"
live=$top/build/tests/livetool
locks=/run/incremental

cat "$images/live.inc" "$images/live.1.layer" >origin.inc
cp "$images/live.inc" other.inc
chmod 644 other.inc

start() {	# generation 0, mounted in a directory that another user may rename
	mkdir -p dir/app
	cp "$images/live.inc" dir/live.inc
	chmod 644 dir/live.inc
	incrementalsetup open dir/live.inc app && loop_of app
}
generation() {
	dmsetup table app | cut -d ' ' -f 6
}

# An origin that runs a line of shell when it is asked for the first time.
origin() {	# origin HOOK
	"$top/tests/kernel/tools/origin.py" origin.inc port "$1" &
	loaders+=($!)
	within 20 test -s port
}

# locked FLOCK|FCNTL KIND FILE: let another user, not root, lock FILE
locked() {
	coproc LOCKER { exec setpriv --reuid 65534 --regid 65534 --clear-groups "$top/tests/lockfile.py" "$@" 2>&1; }
	locker=$LOCKER_PID
	read -r word <&"${LOCKER[0]}"
	[ "$word" = locked ]
}
unlocked() {
	eval "exec ${LOCKER[1]}>&-"
	wait "$locker"
}

# ---- the image's path ----

ok "generation 0" start
origin "mv dir/live.inc live.was && ln -s $work/other.inc dir/live.inc"
ok "update, whose image is moved meanwhile, and a link put in its place" \
	incrementalsetup update --origin "http://127.0.0.1:$(<port)/" app
is "is done" "$(generation)" 1
ok "the other file was not written" cmp other.inc "$images/live.inc"
is "the image was written" "$(stat -c %s live.was)" "$(stat -c %s origin.inc)"
cp live.was copy && mv copy live.was
fails "with another file in its place before, rollback does not begin" - "" incrementalsetup rollback app
like "with the reason" "$(cat .errors)" "is no longer at $work/live.was"
ok "close" incrementalsetup close app
rm dir/live.inc live.was

mkfifo dir/fifo
fails "a FIFO is not waited for" - "" timeout 60 incrementalsetup open dir/fifo app
like "with the reason" "$(cat .errors)" "dir/fifo is neither a file nor a block device"

# ---- a mount's path ----

ok "generation 0" start
mounted /dev/mapper/app dir/app -o ro
mkdir -p evil/app
mounted none evil/app -t tmpfs
ok "update, and the directory that leads to the mount is another now" \
	"$live" before umount "mv dir away && ln -s evil dir" \
	incrementalsetup update --layer "$images/live.1.layer" app
is "the mount was replaced" "$("$live" read away/app 1 | cut -d ' ' -f 1)" 1
is "once" "$(grep -c " $work/away/app " /proc/self/mountinfo)" 1
ok "the other one is there" mountpoint -q evil/app
rm dir && mv away dir
unmounted evil/app
unmounted dir/app
ok "close" incrementalsetup close app

# ---- locks ----

# Locks that any user who may read the image can take.
for kind in "flock exclusive" "flock shared" "fcntl shared"; do
	read -r call how <<<"$kind"
	cp "$images/live.inc" dir/live.inc
	chmod 644 dir/live.inc
	ok "another user has it ($kind)" locked "$call" "$how" dir/live.inc
	ok "open all the same" incrementalsetup open dir/live.inc app
	ok "and update" incrementalsetup update --layer "$images/live.1.layer" app
	ok "and close" incrementalsetup close app
	ok "the lock was there all the time" unlocked
done
is "no lock file is left" "$(ls $locks)" ""
is "in a directory that only root can read" "$(stat -c '%a %u' $locks)" "700 0"

# Locks that keep two tools from working at the same image.
chmod 666 dir/live.inc
locked fcntl exclusive dir/live.inc
fails "while it is extended it is not opened" - "" incrementalsetup open dir/live.inc app
like "with the reason" "$(cat .errors)" "dir/live.inc stays locked by another program"
unlocked
ok "after that it is" incrementalsetup open --generation 0 dir/live.inc app
loop_of app
# shellcheck disable=SC2016	# for livetool's shell
ok "another device comes" "$live" before create \
	'incrementalsetup evict --force app >evicted 2>&1; echo $? >status' \
	incrementalsetup open --read-timeout 1 dir/live.inc second
is "evict does not miss it" "$(<status)" 5
like "but gives up" "$(<evicted)" "stays locked by another program"
ok "once it is there" incrementalsetup evict --force app
mounted /dev/mapper/second dir/app -o ro
is "its data is there" "$("$live" read dir/app 1 | cut -d ' ' -f 1)" 1
unmounted dir/app
ok "close" incrementalsetup close second

chmod 755 $locks
fails "a directory that others may look into" - "" incrementalsetup update app
like "with the reason" "$(cat .errors)" "is not root's alone"
chmod 700 $locks
ok "close" incrementalsetup close app
the_end
