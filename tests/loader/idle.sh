# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Part of the guest: a loader that has nothing to do does not wake up. What is looked
# at is not how often it does, but in which calls its threads are: poll(2) and futex(2)
# with a time, or without.

echo "# an idle loader"
# sleeping: "TIMED OTHERS", the loader's threads that wait with a time and without one
sleeping() {
	cat "/proc/$loader"/task/*/syscall | awk '
		$1 == 7 && $4 == "0xffffffff" || $1 == 202 && $5 == "0x0" { others++; next }
		$1 == 7 || $1 == 202 { timed++; next }
		{ busy++ }
		END { print timed + 0, others + 0, busy + 0 }'
}
sleeps() {	# sleeps TIMED OTHERS
	[ "$(sleeping)" = "$1 $2 0" ]
}
fresh
loader --no-prefetch --jobs 8 --origin "$web/app.inc"
read_block 0
ok "with an image that is not complete, its ten threads wait without a time" within 20 sleeps 0 10
stop
fresh
stop_server web
loader --jobs 8 --origin "$web/app.inc"
ok "with its origin away, one of them waits for the next attempt" within 20 sleeps 1 9
gets_all() {
	[ "$(status state)" = complete ]
}
start_server
ok "which is enough to go on" within 30 gets_all
ok "when all is there it does not wake up either" within 20 sleeps 0 10
stop
