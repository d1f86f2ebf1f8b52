#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A view ends while a task is about to let one of its readahead windows go on. A
# window has no bio, so dm does not wait for it: the view has to. The task that ends
# the window's wait stops after it has dropped store->lock (dm-incremental/delays.c)
# until the view's end waits for it.

# shellcheck disable=SC2154	# what open_image sets
# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"

parameters=/sys/module/dm_incremental/parameters
usual=$(cat $parameters/delay_one_in) usual_ms=$(cat $parameters/delay_ms)

# stop_in FUNCTION: a task that unlocks there stops, until go_on.
stop_in() {
	printf '%s' "$1" >$parameters/delay_in
	echo 3600000 >$parameters/delay_ms
	echo 1 >$parameters/delay_one_in
}

go_on() {
	printf '' >$parameters/delay_in
	echo 0 >$parameters/delay_one_in
	echo 0 >$parameters/delay_ms
}

stopped() {	# a task, perhaps a worker, has stopped there
	grep -qs dm_inc_delay /proc/[0-9]*/stack
}

# Readahead of absent metadata: a window waits, and no read.
read_ahead() {
	python3 -c 'import os, sys
os.posix_fadvise(os.open(sys.argv[1], os.O_RDONLY), 0, 65536, os.POSIX_FADV_WILLNEED)' "$DEV"
}

window() {
	open_image small absent_readahead hint || return
	read_ahead
	within 20 wanted || return
	mapfile -t wants < <("$tool" node "$NODE" read 512 | awk 'NR > 1 { print $1, $2 }')
}

# fill WANT...: each is "OFFSET LENGTH"
fill() {
	local want offset length
	for want; do
		read -r offset length <<<"$want"
		"$tool" node "$NODE" write "$offset" "$length" "$IMAGE" >/dev/null
	done
}

# Fill what the window waits for, and stop before it is let go on.
last_fill() {
	fill "${wants[@]:1}"
	stop_in dm_inc_wait_present
	fill "${wants[0]}" &
	readers+=("$!")
}

wanted() {
	[ "$(field wanted)" -ge 1 ]
}

# goes NAME COMMAND...: COMMAND ends the view, and waits for the end of the window.
goes() {
	local name=$1 process
	shift
	ok "$name: a task is about to let the window go on" within 20 stopped
	echo 0 >$parameters/delay_one_in	# no other task stops
	"$@" &
	process=$!
	readers+=("$process")
	waits() {
		grep -qs dm_inc_read_wait_windows "/proc/$process/stack"
	}
	waits_or_over() {
		waits || ! kill -0 "$process" 2>/dev/null
	}
	within 10 waits_or_over
	ok "$name: the view's end waits for it" waits
	go_on
	ok "$name: and then comes" wait $process
}

go_on
window
last_fill
goes "a fill, removed" dmsetup remove t
detach

window
stop_in end_waits
# shellcheck disable=SC2086	# two words
"$tool" node "$NODE" unavailable ${wants[0]} >/dev/null &
readers+=("$!")
goes "unavailable, removed" dmsetup remove t
detach

# The timer, the first time that it finds something.
open_image small absent_readahead hint read_timeout 100
stop_in end_waits
read_ahead
goes "timed out, removed" dmsetup remove t
detach

window
last_fill
goes "a fill, suspended" dmsetup suspend t
dmsetup resume t
close_image

echo "$usual_ms" >$parameters/delay_ms
echo "$usual" >$parameters/delay_one_in
the_end
