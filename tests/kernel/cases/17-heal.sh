#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Damage that heals, or does not: many readers, origins with corrupt bytes, loaders
# that do not answer, readahead, and bits that rot under many reads.

# shellcheck disable=SC2154	# set by a layout
# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"

# An extent of one chunk, in the middle of the device.
choose small
eval "$("$tool" layout "$IMAGE")"
read -r block at < <("$tool" map "$IMAGE" |
	awk '$2 == 2 && $1 > 600 && int($4 / 4096) == int(($4 + $5 - 1) / 4096) { print $1, $4; exit }')

spoil() {	# spoil [OFFSET]: flip a bit there, and drop caches
	dmsetup remove t
	"$tool" flip "$LOCAL" "${1:-$at}"
	activate
	rm -f log
}
repair() {
	"$tool" flip "$LOCAL" "${1:-$at}"
}

# Several readers of one corrupt block make one request, for its extent; its map page
# is not blamed. Its neighbours do not wait.
open_full small read_timeout 20000
spoil
events=$(event_number)
[ -d /sys/kernel/tracing/events ] || mount -t tracefs tracefs /sys/kernel/tracing
echo 1 >/sys/kernel/tracing/events/incremental/incremental_refetch/enable
serve delay=300 log=log
for i in 1 2 3 4 5 6; do
	reader r$i $((block * 4096)) 4096
done
for i in 1 2 3 4 5 6; do
	is "reader $i sees a delay" "$(outcome r$i)" 4096
done
like "its extent was asked for once, with the flag REFETCH" "$(cat log)" \
	"^$((at / 4096 * 4096)) 4096 id=[0-9]* refetch\$"
is "the extent was traced, and nothing else" \
	"$(sed -n 's/.*incremental_refetch: .* offset=//p' /sys/kernel/tracing/trace | sort -u | wc -l)" 1
echo 0 >/sys/kernel/tracing/events/incremental/incremental_refetch/enable
between "an event is sent" "$(event_number)" $((events + 1)) 1000000
between "the failure is counted" "$(field failures)" 1 6
between "and that it healed" "$(field healed)" 1 6
is "it is complete again" "$(field state)" complete
stop

# The top of the tree.
root=$("$tool" where "$IMAGE" $((levels - 1)) 0)
for place in 0 2048 4095; do
	spoil $((root + place))
	serve log=log
	ok "the tree's top heals, byte $place" "$tool" compare "$DEV" "$RAW" direct 262144 0 1048576
	stop
	is "with one request" "$(wc -l <log)" 1
done

# Through readahead; all at once.
dmsetup remove t
end=$((data_offset + data_size - 1))
for place in $(seq $((data_offset + 100)) 20000 $end) "$("$tool" where "$IMAGE" map 700)"; do
	"$tool" flip "$LOCAL" "$place"
done
for mode in buffered mmap+readahead; do
	activate
	serve
	ok "damage everywhere heals: $mode" "$tool" compare "$DEV" "$RAW" $mode 131072
	stop
	dmsetup remove t
done
ok "in the file, too" cmp "$LOCAL" "$IMAGE"

# The origin's bytes are corrupt as well: one request more, then an error.
cp "$LOCAL" bad.inc
chmod u+w bad.inc
"$tool" flip bad.inc "$at"
activate
spoil
mark
loader "$tool" serve "$NODE" bad.inc log=log
reader a $((block * 4096)) 4096
reader b $((block * 4096)) 4096
is "a bad origin: an error" "$(outcome a)" EIO
is "for all readers that wait" "$(outcome b)" EIO
between "a bad origin: it was asked once, for two ranges; twice, if one came late" "$(wc -l <log)" 2 4
ok "a bad origin: the kernel logs it" said "data of block $block is corrupt, at image offset $at\$"
is "a bad origin: every chunk is still present" "$(field state)" complete
reader a $((block * 4096)) 4096
is "a bad origin: later reads try again" "$(outcome a) $(($(wc -l <log) <= 6))" "EIO 1"
is "a bad origin: the neighbours are right" "$("$tool" scan "$DEV" "$RAW" direct $((block - 20)) 40)" \
	"EIO $block-$block"
is "a bad origin: nothing has healed" "$(field healed)" 0
stop
serve log=log
ok "a better origin: it heals" "$tool" compare "$DEV" "$RAW" direct
stop

# No origin answers: just the one block is lost, and no other read waits.
spoil
loader "$tool" hoard "$NODE"
reader a $((block * 4096)) 4096
ok "a silent loader: the read waits" within 10 some_wait
is "a silent loader: all is present" "$(field state)" complete
is "a silent loader: but suspect" "$("$tool" node "$NODE" missing)" \
	"missing $((at / 4096 * 4096)) $((at / 4096 * 4096 + 4096))"
ok "a silent loader: the neighbours are read meanwhile" \
	"$tool" compare "$DEV" "$RAW" direct 4096 $(((block - 20) * 4096)) $((20 * 4096))
ok "a silent loader: on both sides" \
	"$tool" compare "$DEV" "$RAW" direct 4096 $(((block + 1) * 4096)) $((20 * 4096))
ok "a silent loader: the read waits still" some_wait
dmsetup message t 0 read_timeout 1000
reader b $((block * 4096)) 4096
is "a silent loader: another read times out" "$(outcome b)" ETIMEDOUT
stop
is "a silent loader: only that block is lost" "$("$tool" scan "$DEV" "$RAW" direct $((block - 20)) 40)" \
	"EIO $block-$block"
dmsetup message t 0 read_timeout 20000
loader "$tool" node "$NODE" poll 20000 , read 4096 , \
	unavailable "$meta_offset" $((image_size - meta_offset))
reader a $((block * 4096)) 4096
is "unavailable: the read fails" "$(outcome a)" EIO
between "unavailable: without a wait" "$(duration a)" 0 15000
is "unavailable: all is present as before" "$(field state)" complete
wait "$LOADER"

# Nor does a file heal that cannot be written.
dmsetup remove t
detach
attach "$LOCAL" --read-only
table read_timeout 20000
activate
serve log=log
is "a read-only file: an error at once" "$("$tool" scan "$DEV" "$RAW" direct $((block - 2)) 5)" \
	"EIO $block-$block"
is "a read-only file: no loader is asked" "$(wc -l <log)" 0
stop
dmsetup remove t
detach
attach "$LOCAL"
table read_timeout 20000
activate

# Suspect chunks are present on disk: a crash at any time loses nothing.
loader "$tool" hoard "$NODE"
reader a $((block * 4096)) 4096
ok "a read waits for suspect chunks" within 10 some_wait
cp "$LOCAL" before.inc
ok "commit" dmsetup message t 0 commit
cp "$LOCAL" after.inc
stop
serve
is "it heals" "$(outcome a)" 4096
stop
dmsetup remove t
detach
for name in before after; do
	attach $name.inc
	table read_timeout 20000
	activate
	is "$name the commit: all is present" "$(field state)" complete
	is "$name the commit: nothing is suspect" "$("$tool" node "$NODE" missing)" ""
	serve
	ok "$name the commit: all is right" "$tool" compare "$DEV" "$RAW" direct
	stop
	dmsetup remove t
	detach
	ok "$name the commit: the file is the image" cmp $name.inc "$IMAGE"
done

# The real loader.
attach "$LOCAL"
activate
dmsetup remove t
for place in $(seq $((data_offset + 100)) 50000 $end); do
	"$tool" flip "$LOCAL" "$place"
done
"$tool" flip "$LOCAL" "$("$tool" where "$IMAGE" map 700)"
"$tool" flip "$LOCAL" "$("$tool" where "$IMAGE" 0 300)"
activate
loader incrementald --origin "$IMAGE" "$LOOP"
ok "incrementald heals it" "$tool" compare "$DEV" "$RAW" direct 65536
stop
dmsetup remove t
ok "incrementald: the file is the image" cmp "$LOCAL" "$IMAGE"
detach

# Bits have rotted everywhere, in map and tree as well, and there are many readers: no
# read gets a wrong byte or an error, in whatever order the chunks heal.
attach "$LOCAL"
for i in 1 2 3; do
	"$tool" rot "$LOCAL" "$meta_offset" "$image_size" 400 $i
	activate
	serve
	ok "many readers of rotten bits, round $i" "$tool" random "$DEV" "$RAW" 8 60 $i
	between "some of it had to heal" "$(field healed)" 50 1000000
	stop
	[ $i = 3 ] || dmsetup remove t
done
serve
ok "all of it reads right in the end" "$tool" compare "$DEV" "$RAW" direct
stop
the_end
