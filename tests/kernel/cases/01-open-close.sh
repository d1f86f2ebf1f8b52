#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A device's life: its node, its table, presence over close and open.

# shellcheck disable=SC2154	# set by a layout
# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"

open_image small || exit 1
eval "$("$tool" layout "$IMAGE")"
head_chunks=$((meta_offset / chunk_size))

# The node.
ok "the node appears" test -c "$NODE"
is "its mode is 0600, its owner root" "$(stat -c '%a %u %g' "$NODE")" "600 0 0"
is "only the head is present" "$(field present)/$(field total)" \
	"$head_chunks/$((image_size / chunk_size))"
is "the status line is that of a fresh device" "$(dmsetup status t)" \
	"0 $((blocks * 8)) incremental $head_chunks/$((image_size / chunk_size)) 0 0 0 0 0 0 0 0 absent table"
is "the logical block size is 4096" "$(blockdev --getss "$DEV")" 4096
is "the physical block size is 4096" "$(blockdev --getpbsz "$DEV")" 4096
is "the device is read-only" "$(blockdev --getro "$DEV")" 1
is "its size is the image's device's" "$(blockdev --getsize64 "$DEV")" $((blocks * 4096))

# A second device on the same store gets no node of its own: they share it.
second=${TABLE/$LOOP/$(stat -c '%Hr:%Lr' "$LOOP")}
ok "a second device on the same backing device" activate t2 "$second"
nodes=(/dev/incremental/*)
is "shares its node" "${#nodes[@]}" 1
serve
ok "and the filled data" "$tool" compare /dev/mapper/t2 "$RAW" direct 65536 0 65536
is "is present for both" "$(field present)" "$(field present t2)"
present=$(field present)
ok "one of them goes" dmsetup remove t2
ok "the node stays" test -c "$NODE"
ok "the other can be read" "$tool" compare "$DEV" "$RAW" direct 65536 0 131072
stop

# The table goes back into dmsetup.
dmsetup table t >table
dmsetup remove t
ok "the node goes with the last device" no_node
ok "the printed table makes the same device" activate t "$(cat table)"
is "which prints the same table" "$(dmsetup table t)" "$(cat table)"
dmsetup remove t
for options in "read_timeout 5000" "commit_interval 250" "absent_readahead hint" \
	"read_timeout 1 commit_interval 2 absent_readahead hint"; do
	# shellcheck disable=SC2086	# a list of words
	table $options
	activate
	is "the table round-trips with $options" "$(dmsetup table t)" \
		"${TABLE/$LOOP/$(stat -c '%Hr:%Lr' "$LOOP")}"
	dmsetup remove t
done
table read_timeout 30000 commit_interval 5000 absent_readahead fetch
activate
is "defaults are not printed" "$(dmsetup table t)" "$(cat table)"
dmsetup remove t
for name in nosalt longsalt; do
	(
		open_image $name || exit 1
		dmsetup table t >table
		dmsetup remove t
		activate t "$(cat table)" && [ "$(dmsetup table t)" = "$(cat table)" ] || exit 1
		close_image
		trap - EXIT
	)
	is "the table round-trips for image $name" $? 0
done

# Presence over close and open.
choose small
"$tool" sparse "$IMAGE" "$LOCAL"
table
activate
serve
ok "part of it is read" "$tool" compare "$DEV" "$RAW" direct 65536 0 2097152
stop
present=$(field present)
between "part of it is present" "$present" $((head_chunks + 100)) $((image_size / chunk_size - 100))
"$tool" node "$NODE" walk >walk
for round in 1 2 3; do
	dmsetup remove t
	activate
	is "presence is the same when opened again, round $round" "$(field present)" "$present"
done
is "chunk by chunk" "$("$tool" node "$NODE" walk)" "$(cat walk)"
ok "present data can be read without a loader" \
	"$tool" compare "$DEV" "$RAW" direct 65536 0 2097152
dmsetup remove t
detach
attach "$LOCAL"
table
activate
is "presence is the same on another loop device" "$(field present)" "$present"
dmsetup remove t

# A local file that cannot be written serves its present data.
detach
attach "$LOCAL" --read-only
table read_timeout 300
ok "a read-only backing device can be opened" activate
ok "present data can be read" "$tool" compare "$DEV" "$RAW" direct 65536 0 2097152
is "absent chunks cannot be filled" "$("$tool" node "$NODE" write $((data_offset + data_size / 4096 * 4096 - 4096)) 4096)" \
	"write: EROFS"
is "nor read" "$("$tool" dread "$DEV" $(((blocks - 1) * 4096)) 4096 direct | cut -d ' ' -f 1)" ETIMEDOUT
the_end
