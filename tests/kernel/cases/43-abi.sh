#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The promises of docs/abi.md. Of the table: case does not count, and another target
# cannot take over. Of the node: its features, the refusal of unknown flags and
# reserved fields, and the facts about its reader in a request.

# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"

now() {	# ns of CLOCK_MONOTONIC
	python3 -c 'import time; print(time.monotonic_ns())'
}

waiting() {	# waiting COUNT: that many reads wait
	[ "$(field waiting)" = "$1" ]
}

# told FIELD: a field of the first request in file asked
told() {
	sed -nE "s/.*\<$1=([0-9]+).*/\1/p" asked | head -n 1
}

node() {
	"$tool" node "$NODE" "$@"
}

open_image small READ_TIMEOUT 3600000 Absent_Readahead HINT ON_CORRUPTION Fail
like "case does not count in the table line" "$(dmsetup table t)" \
	" 6 read_timeout 3600000 .*absent_readahead hint on_corruption fail" 2>/dev/null
is "features" "$(node features)" "version=1 request=64 features=0 reserved=0,0"
is "unknown flags and reserved fields are refused" "$(node unknown)" "253 refused"

before=$(now)
chmod 666 "$DEV"
setpriv --reuid 1234 --regid 1234 --clear-groups "$tool" dread "$DEV" 0 4096 direct >/dev/null 2>&1 &
reader=$!
readers+=("$reader")
ok "a read waits" within 30 waiting 1
node readers , read 4096 >asked
after=$(now)
is "a request names the process that waits" "$(told pid)" "$reader"
is "and its thread" "$(told tid)" "$reader"
is "and its user" "$(told uid)" 1234
between "and the time since it is wanted" "$(told since)" "$before" "$after"

id=$(told id)
count=$(grep -c id= asked)

# Its file is closed, so it is handed out again.
if [ -e /proc/self/ns/pid ]; then
	unshare --pid --fork "$tool" node "$NODE" readers , read 4096 >asked
	is "a loader in another PID namespace learns no number of the process" "$(told pid) $(told tid)" "0 0"
	is "the request is the same" "$(told id) $(grep -c ' again ' asked)" "$id $count"
else
	note "the tests' own kernels have no PID namespaces; Debian's have"
fi

size=$(blockdev --getsz "$DEV")
fails "a table of another target does not take the place of this one" - "" \
	dmsetup load t --table "0 $size zero"
ok "but that of the error target may, as for a forced removal" dmsetup load t --table "0 $size error"
dmsetup clear t

serve
wait $reader
stop
close_image
the_end
