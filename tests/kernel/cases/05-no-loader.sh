#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# No loader, or one that cannot help: reads fail at their timeout and not before,
# no other read is disturbed, and with a loader all of it can be read.

# shellcheck disable=SC2154	# set by a layout
# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"

# Only the tests of the timeout itself have a short one: a read with a loader may wait
# for it, however slow the machine.
open_image small read_timeout 60000 || exit 1
serve
ok "the first 64 blocks are there" "$tool" compare "$DEV" "$RAW" direct 65536 0 262144
stop
present=$(field present)

reader a $((500 * 4096)) 4096
ok "a read of an absent block waits" within 5 some_wait
is "it is one read, which wants some ranges" "$(field waiting) $(field wanted | sed 's/^[1-9]$/some/')" "1 some"
ok "present data can be read meanwhile" "$tool" compare "$DEV" "$RAW" direct 65536 0 262144
ok "before the other one has ended" test ! -s a
eval "$("$tool" layout "$IMAGE")"
"$tool" node "$NODE" unavailable 0 "$image_size" >/dev/null
is "and fails at once if its ranges are unavailable" "$(outcome a)" EIO
dmsetup message t 0 read_timeout 1500
reader a $((500 * 4096)) 4096
is "the next one fails" "$(outcome a)" ETIMEDOUT
between "not before its timeout, nor long after" "$(duration a)" 1400 $((15000 * SLOW))
is "it was counted" "$(field timeouts) $(field waiting) $(field wanted)" "1 0 0"
is "nothing has become present" "$(field present)" "$present"
reader a $((500 * 4096)) 4096
reader b $((700 * 4096)) 65536
is "the next try waits again, and fails" "$(outcome a)" ETIMEDOUT
is "beside another one" "$(outcome b)" ETIMEDOUT
between "at its own timeout" "$(duration a)" 1400 $((15000 * SLOW))
# The timeout is one for all that a read waits for: map, tree and data.
"$tool" serve "$NODE" "$IMAGE" delay=900 nohints >/dev/null 2>&1 &
slow=$!
loaders+=("$slow")
within 5 field_is loaders 1
reader a $((900 * 4096)) 262144
is "a loader that is too slow makes it fail, too" "$(outcome a)" ETIMEDOUT
between "at its timeout, though something has arrived" "$(duration a)" 1400 $((15000 * SLOW))
stop $slow
dmsetup message t 0 read_timeout 60000
serve
reader a $((500 * 4096)) 4096
is "the same read succeeds once a loader is there" "$(outcome a)" 4096
ok "and so do all others" "$tool" compare "$DEV" "$RAW" direct 65536
stop
close_image

# The messages.
open_image small
dmsetup message t 0 read_timeout 500
reader a 0 4096
is "message read_timeout: the read fails" "$(outcome a)" ETIMEDOUT
between "at the new timeout" "$(duration a)" 400 $((15000 * SLOW))
dmsetup message t 0 read_timeout 0
reader a 0 4096
is "with 0 it fails" "$(outcome a)" ETIMEDOUT
between "at once" "$(duration a)" 0 $((15000 * SLOW))
mark
for message in "read_timeout x" "read_timeout -1" "read_timeout 3600001" "read_timeout" "read_timeout 1 2" nonsense; do
	# shellcheck disable=SC2086	# a list of words
	fails "message $message is refused" - "" dmsetup message t 0 $message
done
ok "with a sentence" said "read_timeout must be 0 to 3600000 ms"
ok "message commit" dmsetup message t 0 commit

# Ranges that are unavailable.
dmsetup message t 0 read_timeout 60000
eval "$("$tool" layout "$IMAGE")"
reader a 0 4096
reader b $((600 * 4096)) 4096
ok "two reads wait" within 10 some_wait 2
"$tool" node "$NODE" unavailable $((image_size - 4096)) 4096 >/dev/null
is "another range is unavailable: they wait on" "$(field waiting) $(field unavailable)" "2 0"
is "their range is unavailable" "$("$tool" node "$NODE" unavailable 0 "$image_size")" "unavailable: 0"
is "the first fails" "$(outcome a)" EIO
is "the second fails" "$(outcome b)" EIO
between "long before the timeout" "$(duration a)" 0 40000
is "they were counted" "$(field unavailable) $(field timeouts) $(field waiting)" "2 2 0"
reader a 0 4096
ok "it is not remembered: a later read waits" within 10 some_wait
serve
is "and succeeds once a loader is there" "$(outcome a)" 4096
stop

close_image

# A mounted file system.
reader_file() {	# a read in the background, through the page cache
	sha256sum "$1" >/dev/null 2>&1 &
	readers+=($!)
}
killed() {	# well before its timeout
	local start
	start=$(milliseconds)
	kill -KILL "$1"
	wait "$1"
	[ $(($(milliseconds) - start)) -lt 20000 ]
}
for fs in erofs ext4; do
	open_image $fs read_timeout 60000
	serve
	ok "$fs: mounted with a loader" mounted "$DEV" "$work/mnt" -t $fs -o ro
	ok "$fs: a file is read" sh -c "cd mnt && grep ' ./json/' '$images/tree.sums' | sha256sum -c --quiet"
	head -c 4096 mnt/big >/dev/null
	stop
	forget mnt/big mnt/json
	dmsetup message t 0 read_timeout 500
	fails "$fs: without one, reading an absent file fails" - "" sha256sum mnt/big
	ok "$fs: data read before can be read again" \
		sh -c "cd mnt && grep ' ./json/' '$images/tree.sums' | sha256sum -c --quiet"
	dmsetup message t 0 read_timeout 60000
	reader_file mnt/big
	ok "$fs: a task waits for another absent block" within 5 some_wait
	ok "$fs: it can be killed" killed "${readers[-1]}"
	serve
	ok "$fs: with a loader again, every file is right" \
		sh -c "cd mnt && sha256sum -c --quiet '$images/tree.sums'"
	ok "$fs: and nothing else is in it" \
		[ "$(find mnt -type f | wc -l)" = "$(wc -l <"$images/tree.sums")" ]
	unmounted "$work/mnt"
	stop
	close_image
done
the_end
