#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The loader is killed, 25 times, in the middle of reading a whole file system:
# no read fails.

# shellcheck disable=SC2154	# set by a layout
# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"

sums() {
	(cd "$work/mnt" && exec sha256sum -c --quiet "$images/tree.sums")
}

# killed NAME SECONDS COMMAND...: read a fresh image again and again, until the loader
# COMMAND has been killed 25 times during a pass.
killed() {
	local name=$1 pause=$2 kills=0 passes=0 failed='' pass
	shift 2
	while [ $kills -lt 25 ] && [ $passes -lt 10 ] && [ -z "$failed" ]; do
		passes=$((passes + 1))
		open_image erofs || break
		"$@" >loader.out 2>&1 &
		LOADER=$!
		mounted "$DEV" "$work/mnt" -t erofs -o ro || break
		sums >sums.out 2>&1 &
		pass=$!
		while [ $kills -lt 25 ] && kill -0 $pass 2>/dev/null; do
			sleep "$pause"
			kill -KILL $LOADER
			wait $LOADER 2>/dev/null
			! kill -0 $pass 2>/dev/null || kills=$((kills + 1))
			"$@" >loader.out 2>&1 &
			LOADER=$!
		done
		wait $pass || failed="pass $passes: $(head -n 3 sums.out)"
		is "$name: pass $passes: nothing was corrupt, nothing timed out" \
			"$(field failures) $(field timeouts) $(field unavailable)" "0 0 0"
		unmounted "$work/mnt"
		kill -KILL $LOADER
		wait $LOADER 2>/dev/null
		close_image
	done
	is "$name: no read fails, all sums are right" "$failed" ""
	is "$name: it was killed 25 times meanwhile" $kills 25
	note "$passes passes"
}

# loadertool's crude loader starts at once, and delays each answer.
crude() {
	exec "$tool" serve "$NODE" "$IMAGE" delay=15
}
killed "a crude loader" 0.1 crude

real() {
	exec incrementald --origin "$IMAGE" --no-prefetch --user root "$NODE"
}
killed "incrementald" 0.4 real
the_end
