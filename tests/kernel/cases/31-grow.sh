#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A store that grows: layers are appended to its file while it is in use, and
# tables of their generations are loaded.

# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"

# read_segments NAME: IMAGE, LOCAL, and starts, heads, ends, tables by generation
read_segments() {
	local start head end table
	choose "$1"
	LOCAL=$work/$1.inc
	DEV=/dev/mapper/t
	starts=() heads=() ends=() tables=()
	while read -r start head end table; do
		starts+=("$start") heads+=("$head") ends+=("$end") tables+=("$table")
	done <"$images/$1.segments"
}

table_of() {	# table_of GENERATION: for the device BACK
	TABLE=${tables[$1]/LOOP/$BACK}
}

# The head and the bitmap of a generation's segment, unchanged.
put_head() {	# put_head GENERATION [BYTES]
	dd if="$IMAGE" of="$LOCAL" bs=4096 conv=notrunc skip=$((starts[$1] / 4096)) seek=$((starts[$1] / 4096)) \
		count=$((${2:-heads[$1]} / 4096)) 2>/dev/null
	# The first bits of the bitmap are those of head and bitmap, which are always present.
	dd if=/dev/zero of="$LOCAL" bs=4096 conv=notrunc seek=$(((starts[$1] + heads[$1]) / 4096 - 1)) \
		count=1 2>/dev/null
}

resize() {	# resize BYTES: the local file, and the loop device with it
	truncate -s "$1" "$LOCAL"
	losetup -c "$LOOP"
}

append() {	# append GENERATION: its segment, but only the head of it
	resize "${ends[$1]}"
	put_head "$1"
}

first_generation() {	# a local file of the first segment, its loop device, device t
	truncate -s "${ends[0]}" "$LOCAL"
	put_head 0
	attach "$LOCAL" || return
	BACK=$LOOP
	table_of 0
	activate
}

grow_to() {	# grow_to GENERATION: device gN of it
	table_of "$1"
	activate "g$1"
}

compare() {	# compare GENERATION [MODE]: device gN reads right
	"$tool" compare "/dev/mapper/g$1" "$images/$IMAGE_NAME.$1.raw" "${2:-direct}"
}

node() {
	"$tool" node "$NODE" "$@"
}

image_size() {
	node seek end 0
}

chunks() {	# chunks BYTES
	echo $(($1 / 4096))
}

# ---- bytes that are not the next segment leave the store as it was ----

read_segments grow
ok "the first generation" first_generation
serve
ok "it reads right" "$tool" compare "$DEV" "$images/grow.0.raw" direct
head -c "${ends[0]}" "$IMAGE" >base
ok "all of it is there" node stream base 262144
before="$(field state) $(field present) $(field total) $(image_size)"
is "and no more" "$before" "complete $(chunks "${ends[0]}") $(chunks "${ends[0]}") seek: ${ends[0]}"

# refused WHY [GENERATION]: the table of that generation is refused
refused() {
	mark
	fails "refused: $1" - "" grow_to "${2:-1}"
	ok "with the reason" said "$1"
	is "nothing has changed" "$(field state) $(field present) $(field total) $(image_size)" "$before"
}
poke() {	# poke OFFSET HEX: in the head of generation 1
	echo "$((starts[1] + $1)):$2" | "$tool" poke "$LOCAL"
}
refused "Image has no such generation"
resize $((ends[0] + 4095))
refused "Image has no such generation"
resize "${ends[1]}"
refused "Image has no such generation"
put_head 1
poke 0 0000000000000000
refused "Image has no such generation"
put_head 1
poke 8 02000000
refused "unknown format version"
put_head 1
poke 12 01000000
refused "head size is out of range"
put_head 1
poke 64 ff
refused "Next segment belongs to another image"
put_head 1
poke 80 02000000
refused "Next segment is not of the next generation"
put_head 1
poke $((heads[1] - 4096 - 20)) ff
refused "head does not match its digest: it is corrupt"
put_head 1
resize $((ends[1] - 4096))
refused "past the end of the image: truncated"
resize "${ends[1]}"
right=${tables[1]}
tables[1]=${right/sha256 ?/sha256 0}
[ "${tables[1]}" != "$right" ] || tables[1]=${right/sha256 ?/sha256 1}
refused "Root digest in the table is not the image's"
tables[1]="0 8 ${right#0 * }"
refused "have the size of the image's device"
tables[1]=$right
# A generation after the next takes both; if the head of the second is corrupt, both are
# refused.
append 2
echo "$((starts[2] + heads[2] - 4096 - 20)):ff" | "$tool" poke "$LOCAL"
refused "head does not match its digest: it is corrupt" 2
ok "the old generation reads right" "$tool" compare "$DEV" "$images/grow.0.raw" direct

# ---- the right one is taken ----

stop
exec 8> >("$tool" node "$NODE" >told)
within 10 grep -q open told
ok "the right one is taken" grow_to 1
is "the image is longer" "$(image_size) $(field total)" "seek: ${ends[1]} $(chunks "${ends[1]}")"
is "new chunks are absent, but for the head" "$(field state) $(field present)" \
	"absent $(chunks $((ends[0] + heads[1])))"
is "for both devices" "$(field total g1)" "$(chunks "${ends[1]}")"
is "lseek shows it" "$(node walk)" \
"data 0 $((starts[1] + heads[1]))
hole $((starts[1] + heads[1])) ${ends[1]}"
root=${right#* sha256 }
like "DM_INCREMENTAL_IOC_INFO, too" "$(node info)" \
	"image_size=${ends[1]}
present=$((ends[0] + heads[1]))
.*generation=1
.*root=${root% *}"
is "a loader that opens the node now knows it" "$(node nonblock , read 4096)" "read: EAGAIN"
printf '%s\n' "poll 0" "read 4096" nonblock "read 4096" "poll 0" >&8
within 10 grep -q EAGAIN told
is "a loader that had the node open gets one record of it" "$(cat told)" \
"open
poll: IN OUT
read: 64
${starts[1]} 4096 id=0 grown
read: EAGAIN
poll: OUT"

# Reads wait for a layer's data as for any other, and it is filled; the base is not.
TABLE=$right DEV=/dev/mapper/g1
reader one $((37 * 4096)) 4096
ok "a read of it waits for a loader" within 20 some_wait
serve log=log
is "and gets it" "$(outcome one)" 4096
ok "the new generation reads right" compare 1
ok "and from the page cache" compare 1 buffered
is "nothing but the layer was asked for" "$(awk -v s="${starts[1]}" '$1 < s' log)" ""
DEV=/dev/mapper/t
ok "the old one does, too" "$tool" compare "$DEV" "$images/grow.0.raw" direct
exec 8>&-

# ---- growth under load: ten layers ----

# One reader of each mode, and one that discards present chunks and commits.
readers_run() {
	until [ -e enough ]; do
		"$tool" random "$DEV" "$images/grow.0.raw" 2 40 $RANDOM || { echo wrong; return; }
		echo round
	done >rounds 2>&1
}
churn_runs() {
	local from=$((starts[0] + heads[0]))
	until [ -e enough ]; do
		node discard $from $((ends[0] / 2 / 4096 * 4096 - from)) , fsync , \
			write 0 $((ends[0] / 4096 * 4096)) "$IMAGE" , walk , \
			discard $((ends[0] / 2 / 4096 * 4096)) 8192 1 , info ||
			{ echo failed; return; }
		dmsetup message t 0 commit
	done >churned 2>&1
}
readers_run &
readers+=($!)
churn_runs &
readers+=($!)
for generation in 2 3 4 5 6 7 8 9 10; do
	append $generation
	ok "generation $generation: taken" grow_to $generation
	ok "generation $generation: reads right" compare $generation
done
is "the image has all of them" "$(image_size) $(field total)" "seek: ${ends[10]} $(chunks "${ends[10]}")"
rounds=$(grep -c round rounds)
ok "the readers go on" within 60 sh -c "[ \$(grep -c round rounds) -gt $((rounds + 1)) ]"
: >enough
wait "${readers[-1]}" "${readers[-2]}"
is "they found nothing wrong" "$(grep -v round rounds)" ""
is "nor did the one that discards and commits" "$(grep -c failed churned) $(grep -cE 'E[A-Z]+$' churned)" "0 0"
for generation in 1 6 10; do
	ok "generation $generation: reads right" compare $generation buffered
done
is "no read was wrong" "$(field failures) $(field timeouts) $(field failures g10)" "0 0 0"

# ---- completion, and presence after closing and opening ----

events=$(event_number)
ok "the rest is filled" node stream "$IMAGE" 262144
is "all of it is there" "$(field state) $(field present)" "complete $(chunks "${ends[10]}")"
ok "an event reports that" within 5 sh -c "[ \$('$tool' status t events) -gt $events ]"
node discard $((ends[9] - 8192)) 8192 >/dev/null
stop
for name in $(seq 1 10); do
	dmsetup remove "g$name"
done
dmsetup remove t
ok "the store is gone" within 5 no_node
table_of 10
ok "the newest generation alone" activate
is "has the presence of all segments" "$(field state) $(field present)" "absent $(chunks $((ends[10] - 8192)))"
node write $((ends[9] - 8192)) 8192 "$IMAGE" >/dev/null
dmsetup remove t
ok "the file is as the origin's" cmp "$LOCAL" "$IMAGE"
detach
rm "$LOCAL"

# ---- a backing device that fails; a page of presence that segments share ----

read_segments long
truncate -s "${ends[0]}" "$LOCAL"
put_head 0
attach "$LOCAL" || exit 1
BACK=/dev/mapper/back
resize_back() {	# resize_back BYTES [BYTES OF THEM FROM WHERE ON READS FAIL]
	local sectors=$(($1 / 512)) bad=$((${2:-$1} / 512))
	{
		echo "0 $bad linear $LOOP 0"
		[ $bad = $sectors ] || echo "$bad $((sectors - bad)) error"
	} | dmsetup reload back
	dmsetup suspend --noflush back
	dmsetup resume back
}
dmsetup create back --table "0 $((ends[0] / 512)) linear $LOOP 0"
table_of 0
ok "on another kind of device" activate
NODE=$(echo /dev/incremental/dm-*)
before="$(field state) $(field present) $(field total) $(image_size)"
append 1
resize_back "${ends[1]}" "${starts[1]}"
refused "Cannot read a superblock"
resize_back "${ends[1]}" $((starts[1] + 4096))
refused "Cannot read the image's head"
resize_back "${ends[1]}" $((starts[1] + heads[1] - 4096))
refused "Cannot load presence bitmap"
resize_back "${ends[1]}"
ok "without the failure it is taken" grow_to 1
edge=$((32768 * 4096))
is "a fill over the edge of a page" "$(node write $((edge - 8192)) 20480 "$IMAGE" , walk)" \
"write: 20480
data 0 ${heads[0]}
hole ${heads[0]} ${starts[1]}
data ${starts[1]} $((starts[1] + heads[1]))
hole $((starts[1] + heads[1])) $((edge - 8192))
data $((edge - 8192)) $((edge + 12288))
hole $((edge + 12288)) ${ends[1]}"
is "and a discard" "$(node discard $((edge - 4096)) 8192 , seek hole $((edge - 8192)) , seek data $((edge - 4096)))" \
"discard: 0
seek: $((edge - 4096))
seek: $((edge + 4096))"
dmsetup remove g1
dmsetup remove t
table_of 0
ok "opened again, with the first generation" activate
exec 8> >("$tool" node "$NODE" >told)
within 10 grep -q open told
ok "then the second" grow_to 1
printf '%s\n' nonblock "read 4096" "read 4096" >&8
within 10 grep -q EAGAIN told
is "loaders get a record, though the segment was known" "$(cat told)" \
"open
read: 64
${starts[1]} 4096 id=0 grown
read: EAGAIN"
exec 8>&-
is "it is as it was" "$(node seek data $((starts[1] + heads[1])) , seek hole $((edge - 8192)) , seek data $((edge - 4096)))" \
"seek: $((edge - 8192))
seek: $((edge - 4096))
seek: $((edge + 4096))"

the_end
