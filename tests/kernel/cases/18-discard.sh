#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# DM_INCREMENTAL_IOC_DISCARD: chunks become absent, and come back.

# shellcheck disable=SC2154	# set by a layout
# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"

open_full small read_timeout 300 commit_interval 3600000
eval "$("$tool" layout "$IMAGE")"
total=$(field total)
# Refusals.
refuses() {
	is "refused: $1" "$("$tool" node "$NODE" discard "${@:3}")" "discard: $2"
}
refuses "nothing" EINVAL "$data_offset" 0
refuses "half a chunk" EINVAL "$data_offset" 2048
refuses "between chunks" EINVAL $((data_offset + 512)) 4096
refuses "the head" EINVAL 0 4096
refuses "the bitmap" EINVAL "$bitmap_offset" 4096
refuses "from the bitmap on" EINVAL $((meta_offset - 4096)) 8192
refuses "past the end" EINVAL $((image_size - 4096)) 8192
refuses "an offset of 64 bits" EINVAL 0xfffffffffffff000 4096
refuses "an unknown flag" EINVAL "$data_offset" 4096 8
refuses "a damaged range, to be punched out" EINVAL "$data_offset" 4096 3
refuses "a damaged range, if it is cold" EINVAL "$data_offset" 4096 5
is "nothing of this had an effect" "$(field state) $(field present)" "complete $total"

# Effects.
ok "everything reads right" "$tool" compare "$DEV" "$RAW" direct
events=$(event_number)
is "discard" "$("$tool" node "$NODE" discard "$data_offset" 40960)" "discard: 0"
is "ten chunks are absent" "$(field present) $(field state)" "$((total - 10)) absent"
is "again" "$("$tool" node "$NODE" discard "$data_offset" 40960)" "discard: 0"
is "still ten" "$(field present)" $((total - 10))
is "lseek sees them" "$("$tool" node "$NODE" walk)" \
"data 0 $data_offset
hole $data_offset $((data_offset + 40960))
data $((data_offset + 40960)) $image_size"
block=$("$tool" map "$IMAGE" | awk -v d="$data_offset" '$4 >= d && $4 < d + 40960 { print $1; exit }')
is "a read of them waits" "$("$tool" scan "$DEV" "$RAW" direct "$block" 1)" "ETIMEDOUT $block-$block"
other=$("$tool" map "$IMAGE" | awk -v d="$data_offset" '$2 == 2 && $4 > d + 40960 { print $1; exit }')
is "a read of other chunks does not" "$("$tool" scan "$DEV" "$RAW" direct "$other" 1)" ""
is "no loader is asked for them" "$("$tool" node "$NODE" nonblock , read 4096)" "read: EAGAIN"
ok "they can be filled" "$tool" node "$NODE" write "$data_offset" 40960 "$IMAGE"
is "it is complete again" "$(field state)" complete
ok "an event reports that" within 5 sh -c "[ \$('$tool' status t events) -gt $events ]"
ok "everything reads right" "$tool" compare "$DEV" "$RAW" direct

# Map and tree pages that are cached do not outlive it.
is "discard of all metadata" \
	"$("$tool" node "$NODE" discard "$meta_offset" $((data_offset - meta_offset)))" "discard: 0"
is "nothing can be read" "$("$tool" scan "$DEV" "$RAW" direct 0 2)" "ETIMEDOUT 0-1"
"$tool" node "$NODE" write "$meta_offset" $((data_offset - meta_offset)) "$IMAGE" >/dev/null
ok "until it is back" "$tool" compare "$DEV" "$RAW" direct

# With the flag REFETCH no chunk becomes absent, but loaders are asked, with the reason,
# and the next fill overwrites a suspect chunk; one after that does not.
is "discard of a damaged range" "$("$tool" node "$NODE" discard "$data_offset" 8192 1)" "discard: 0"
like "it is a hint with the reason" "$("$tool" node "$NODE" read 4096)" "
$data_offset 8192 id=[0-9]* hint refetch\$"
is "all of it is present" "$(field state) $("$tool" node "$NODE" walk)" "complete data 0 $image_size"
is "but suspect" "$("$tool" node "$NODE" missing)" "missing $data_offset $((data_offset + 8192))"
is "loaders do not get it" "$("$tool" node "$NODE" get "$data_offset" 4096 "$IMAGE")" "get: ENODATA"
ok "everything reads right" "$tool" compare "$DEV" "$RAW" direct
"$tool" node "$NODE" write "$data_offset" 4096 , write $((data_offset + 8192)) 4096 >/dev/null
is "a fill overwrites it, and nothing else" \
	"$(cmp -l "$LOCAL" "$IMAGE" | awk -v d="$data_offset" '{ print $1 <= d + 4096 ? "it" : "else" }' | sort -u)" it
is "then it is not suspect" "$("$tool" node "$NODE" missing)" "missing $((data_offset + 4096)) $((data_offset + 8192))"
"$tool" node "$NODE" write "$data_offset" 8192 "$IMAGE" >/dev/null
fails "nor overwritten again" - "" cmp "$LOCAL" "$IMAGE"
is "nothing is suspect" "$("$tool" node "$NODE" missing)" ""
"$tool" node "$NODE" discard "$data_offset" 4096 1 , discard "$data_offset" 4096 >/dev/null
is "discarded chunks are not suspect" "$("$tool" node "$NODE" walk | grep hole)" \
	"hole $data_offset $((data_offset + 4096))"
"$tool" node "$NODE" write "$data_offset" 8192 "$IMAGE" >/dev/null
ok "and comes back as ever" cmp -n $((image_size - data_offset)) "$LOCAL" "$IMAGE" "$data_offset" "$data_offset"
is "all of it" "$(field state) $("$tool" node "$NODE" missing)" "complete "
missing() {
	is "refused to look at $1" "$("$tool" node "$NODE" missing "${@:3}")" "missing: $2"
}
missing "nothing" EINVAL "$data_offset" 0
missing "half a chunk" EINVAL "$data_offset" 2048
missing "a range past the end" EINVAL $((image_size - 4096)) 8192
missing "present chunks" ENXIO 0 "$image_size"

# A demand for absent chunks carries the reason of a part of them.
read -r block at < <("$tool" map "$IMAGE" | awk '$2 == 1 && $4 % 4096 { print $1, $4 - $4 % 4096; exit }')
"$tool" node "$NODE" discard "$at" 8192 >/dev/null
"$tool" node "$NODE" read 4096 >demand &
ok "a loader has the node open" within 20 sh -c "[ \$('$tool' status t loaders) = 1 ]"
dmsetup message t 0 read_timeout 60000
reader r $((block * 4096)) 4096
wait %1
like "two chunks are asked for" "$(cat demand)" "
$at 8192 id=[0-9]*\$"
"$tool" node "$NODE" write "$at" 4096 "$IMAGE" , discard "$at" 4096 1 >/dev/null
"$tool" node "$NODE" read 4096 >demand
like "the part that has come is suspect: a hint has the reason" "$(cat demand)" "
$at 4096 id=[0-9]* hint refetch"
"$tool" node "$NODE" write $((at + 4096)) 4096 "$IMAGE" >/dev/null
is "the reader needs no more" "$(outcome r)" 4096
"$tool" node "$NODE" write "$at" 4096 "$IMAGE" >/dev/null
is "all of it is there" "$(field state) $("$tool" node "$NODE" missing)" "complete "
dmsetup message t 0 read_timeout 300

# There is room for 256 hints; the oldest go.
many=()
for i in $(seq 300); do
	many+=(discard $((data_offset + i * 4096)) 4096 1 ',')
done
"$tool" node "$NODE" "${many[@]}" nonblock , read 32000 | grep hint >hints
is "hints have a limit" "$(wc -l <hints)" 256
is "the newest one is kept" "$(tail -n 1 hints | cut -d ' ' -f 1)" $((data_offset + 300 * 4096))

# With the flag PUNCH the space is given back, and the discard lasts.
before=$(stat -c %b "$LOCAL")
is "the data are punched out" \
	"$("$tool" node "$NODE" discard "$data_offset" $((image_size - data_offset)) 2)" "discard: 0"
between "the file has got smaller by them, but for a little" \
	$(((before - $(stat -c %b "$LOCAL")) * 512)) $((image_size - data_offset - 262144)) $((image_size - data_offset))
cp "$LOCAL" copy.inc
is "no data is read" "$("$tool" scan "$DEV" "$RAW" direct "$block" 1)" "ETIMEDOUT $block-$block"
dmsetup remove t
activate
is "it lasts" "$(field present)" $((data_offset / 4096))
dmsetup message t 0 read_timeout 60000
serve
ok "all of it comes back" "$tool" compare "$DEV" "$RAW" direct 65536
stop
dmsetup remove t
detach
attach copy.inc
table read_timeout 300
activate
is "a copy made then knows as well" "$(field present)" $((data_offset / 4096))
dmsetup remove t
detach

# With the flag COLD only data that was not read goes.
cp "$IMAGE" "$LOCAL"
attach "$LOCAL"
table read_timeout 300
activate
cold() {
	is "$1" "$("$tool" node "$NODE" discard "$data_offset" $((image_size - data_offset)) 6)" "discard: 0"
}
read -r block at length < <("$tool" map "$IMAGE" | awk '$2 == 2 && $1 > 500 { print $1, $4, $5; exit }')
cold "from now on is noted what is read"
is "all of it is there" "$(field state)" complete
ok "a block is read" "$tool" compare "$DEV" "$RAW" direct 4096 $((block * 4096)) 4096
cold "cold chunks are punched out"
kept=$(((at + length - 1) / 4096 - at / 4096 + 1))
is "the rest is not" "$(field present)" $((data_offset / 4096 + kept))
ok "it can be read" "$tool" compare "$DEV" "$RAW" direct 4096 $((block * 4096)) 4096
cold "chunks read since stay"
is "all of it" "$(field present)" $((data_offset / 4096 + kept))
cold "else not"
is "nothing of it" "$(field present)" $((data_offset / 4096))
dmsetup remove t
detach

# A store that cannot be written refuses discards.
cp "$IMAGE" "$LOCAL"
attach "$LOCAL" --read-only
table read_timeout 300
activate
refuses "a read-only file" EROFS "$data_offset" 4096
dmsetup remove t
detach

# Chunks are discarded, or suspect, and fetched again under many reads: no wrong byte,
# no error.
attach "$LOCAL"
table read_timeout 20000
activate
serve
chunks=$(((image_size - meta_offset) / 4096))
for i in $(seq 1 40); do
	# Somewhere in the metadata every fourth time.
	chunk=$((RANDOM % (i % 4 ? chunks : 32)))
	at=$((meta_offset + chunk * 4096))
	length=$((chunks - chunk > 16 ? 65536 : 4096))
	# Absent, absent and punched out, or suspect.
	flags=(0 2 1)
	"$tool" node "$NODE" discard $at $length "${flags[i % 3]}" , fsync
done >discards 2>&1 &
discards=$!
for i in 1 2; do
	ok "reads are right while chunks go and come, round $i" "$tool" random "$DEV" "$RAW" 6 60 $i
done
wait $discards
is "all discards were done" "$(grep -c 'discard: 0' discards)" 40
ok "everything reads right" "$tool" compare "$DEV" "$RAW" direct
is "nothing was taken for damage" "$(field failures) $(field healed)" "0 0"
stop
the_end
