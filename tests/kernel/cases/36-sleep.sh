#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The system goes to sleep while reads wait for absent data: they do not keep it awake,
# and a read whose data a loader is about to fill does not fail.

# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"

if ! [ -w /sys/power/pm_test ]; then
	note "this kernel cannot sleep, or not for a test"
	the_end
	exit
fi
# With this the kernel freezes all tasks and thaws them; the write to "state" fails if
# that fails.
echo freezer >/sys/power/pm_test
echo 0 >/sys/module/suspend/parameters/pm_test_delay

falls_asleep() {	# falls_asleep STATE
	echo "$1" >/sys/power/state
}

# A program that reads again after each timeout: its next read begins to wait while
# the system is falling asleep.
cat >again.py <<'END'
import mmap, os, sys
device = os.open(sys.argv[1], os.O_RDONLY | os.O_DIRECT)
page = mmap.mmap(-1, 4096)
print("reads", flush=True)
while True:
    try:
        os.preadv(device, [page], 400 * 4096)
        break
    except TimeoutError:
        print("ETIMEDOUT", flush=True)
END

for state in freeze disk; do
	grep -qw $state /sys/power/state || continue
	open_image small read_timeout 3600000
	python3 again.py "$DEV" >again &
	readers+=($!)
	# This one first, as the buffered read may wait for several ranges.
	ok "$state: the program's read waits" within 30 some_wait
	reader a 0 4096
	reader b $((512 * 4096)) 262144 buffered
	ok "$state: three reads wait" within 10 some_wait 3
	ok "$state: the system can sleep" falls_asleep $state
	is "$state: reads ended as at their timeout" "$(outcome a) $(outcome b)" "ETIMEDOUT EIO"
	ok "$state: so did those that began meanwhile" within 10 grep -q ETIMEDOUT again
	ok "$state: the program reads again, and waits" within 10 some_wait
	serve
	ok "$state: and gets its block" wait "${readers[-3]}"
	stop

	# Awake again, a read waits as long as ever.
	dmsetup message t 0 read_timeout 4000
	reader a $((900 * 4096)) 4096
	is "$state: after that a read waits" "$(outcome a)" ETIMEDOUT
	between "$state: for all its time" "$(duration a)" 3900 $((60000 * SLOW))
	close_image
done

# A loader fills while the kernel waits a second for it. On a busy machine it may not
# get to run in that second: one success in twenty tries is enough.
in_notifier() {
	grep -q 'notify.*dm_incremental' /proc/"$1"/stack 2>/dev/null
}
arrives() {
	local sleeper r=1
	reader a 0 4096
	within 10 some_wait || return
	falls_asleep freeze &
	sleeper=$!
	until in_notifier $sleeper || ! kill -0 $sleeper 2>/dev/null; do :; done
	kill -CONT "$LOADER"
	[ "$(outcome a)" = 4096 ] && r=0
	wait $sleeper || r=1
	kill -STOP "$LOADER"
	return $r
}
open_image small read_timeout 60000
serve
kill -STOP "$LOADER"
tries=0
until arrives || [ $((++tries)) = 20 ]; do :; done
ok "a read gets data that a loader is about to fill" test $tries -lt 20
kill -CONT "$LOADER"
stop
close_image
echo none >/sys/power/pm_test
the_end
