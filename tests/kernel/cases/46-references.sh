#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Extents that refer to others: these are waited for and read, too, damaged, healed, and
# hostile.

# shellcheck disable=SC2154	# set by a layout
# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"
# shellcheck source=tests/lib/image.sh
. "$top/tests/lib/image.sh"

references() {
	python3 "$top/tests/mkimage/references.py" "$@"
}

cd "$work" || exit 1
{ noise 600000 1; seq 100000; } | head -c 1048576 >old.raw
{ echo moved; head -c 400000 old.raw; noise 20000 2; tail -c +400100 old.raw; } |
	head -c 1048576 >new.raw
RAW=$work/new.raw
DEV=/dev/mapper/t
LOCAL=$work/local.inc

# make CLUSTER [OPTION]...: IMAGE, whose newest generation is in RAW
make() {
	IMAGE=$work/image-$1.inc
	mkimage create --force --raw --cluster "$@" old.raw "$IMAGE" >/dev/null &&
		mkimage extend --in-place --raw new.raw "$IMAGE" >/dev/null
}

open_copy() {
	cp "$IMAGE" "$LOCAL"
	attach "$LOCAL"
	TABLE=$(incrementalsetup table "$LOCAL" "$LOOP")
}

for cluster in 4K 8K 16K 32K; do
	ok "$cluster: an image" make $cluster
	open_copy
	ok "$cluster: open" activate
	for mode in direct buffered mmap; do
		ok "$cluster: everything reads right, $mode" "$tool" compare "$DEV" "$RAW" $mode 131072
	done
	ok "$cluster: by many threads at a time, too" "$tool" random "$DEV" "$RAW" 6 40 1
	is "$cluster: no damage" "$(field failures)" 0
	dmsetup remove t
	detach

	# With nothing but heads: the extents and what they refer to are waited for.
	rm "$LOCAL"
	ok "$cluster: a sparse copy" incrementalsetup create --origin "$IMAGE" "$LOCAL"
	attach "$LOCAL"
	activate t "$(incrementalsetup table "$LOCAL" "$LOOP")"
	serve nohints
	is "$cluster: a block can be read" "$("$tool" scan "$DEV" "$RAW" direct 100 1)" ""
	ok "$cluster: everything can" "$tool" compare "$DEV" "$RAW" direct 262144
	ok "$cluster: at random, too" "$tool" random "$DEV" "$RAW" 6 40 1
	is "$cluster: still no damage" "$(field failures)" 0
	stop
	dmsetup remove t
	detach
done

### Damage

make 4K
blocks=$(($(stat -c %s new.raw) / 4096))
scan() {
	"$tool" scan "$DEV" "$RAW" "$1" 0 "$blocks"
}

# damaged WHAT HOW: without a loader the block cannot be read, or others that rest on
# the same bytes; one heals them.
damaged() {
	local block mode
	for mode in direct buffered; do
		open_copy
		block=$(references damage "$LOCAL" "$2") || block=none
		activate
		like "$1: $mode: EIO without a loader" "$(scan $mode)" "^EIO $block-|[[:space:]]EIO $block-|EIO "
		dmsetup remove t
		activate
		serve
		is "$1: $mode: heals" "$(scan $mode)" ""
		between "$1: $mode: counted" "$(field healed)" 1 100
		stop
		ok "$1: $mode: the file is the image" cmp "$LOCAL" "$IMAGE"
		dmsetup remove t
		detach
	done
}

damaged "malformed references" reserved
damaged "a run cut short" cut
damaged "a reference to the extent itself" itself
damaged "a reference past the image" end
damaged "references to too many bytes" many
damaged "a reference longer than its cluster" long
damaged "a dictionary that is not there" dictionary
damaged "a reference to an extent that refers" another
damaged "what it refers to" base
damaged "its own LZ4" lz4

# scrub_agrees WHAT: which blocks rest on damage is not just what their extents say. A block
# that rests on it may be right all the same, if LZ4 takes none of the bytes.
scrub_agrees() {
	scan direct | awk '{ split($2, ends, "-"); for (i = ends[1]; i <= ends[2]; i++) print i }' >bad
	ok "$1: some blocks cannot be read" test -s bad
	incrementalsetup scrub --json --no-heal t >scrub.json 2>/dev/null
	python3 -c '
import json
numbers = set()
for damage in json.load(open("scrub.json"))["damage"]:
    assert not damage["more_blocks"]
    for first, last in damage["blocks"]:
        numbers.update(range(first, last + 1))
print(*sorted(numbers), sep="\n")' >named
	is "$1: scrub names them" "$(grep -vxFf named bad)" ""
	between "$1: and few others" "$(grep -vxcFf bad named)" 0 10
}

# A dictionary that only what is referred to needs.
make 4K --dictionary
mkimage create --force --raw --cluster 4K --dictionary old.raw base.inc >/dev/null
eval "$("$tool" layout base.inc)"
between "an image with a dictionary" "$dictionary_size" 1024 65536
open_copy
dd if=/dev/zero of="$LOCAL" bs=4096 seek=$((dictionary_offset / 4096)) \
	count=$(((dictionary_size + 4095) / 4096)) conv=notrunc status=none
activate
scrub_agrees "a dictionary of zeros"
dmsetup remove t
activate
serve
is "a dictionary of zeros: heals" "$(scan direct)" ""
stop
ok "a dictionary of zeros: the file is the image" cmp "$LOCAL" "$IMAGE"
dmsetup remove t
detach
make 4K

open_copy
references damage "$LOCAL" base >/dev/null
activate
scrub_agrees "what it refers to"
dmsetup remove t
detach

# What is referred to comes and goes.
open_copy
activate
serve
first=$(value "$IMAGE" segment.offset)
comes_and_goes $((first / 2 / 65536 * 65536)) 131072
stop
dmsetup remove t
detach

# A segment that says that it has none.
open_copy
references damage "$LOCAL" feature >/dev/null
activate
like "an extent that refers in a segment that says it has none" \
	"$(scan direct | head -1)" EIO
dmsetup remove t
detach

### Within a segment

head -c 400000 old.raw >alike
{ cat alike; echo moved; cat alike; } >within.raw
truncate -s 802816 within.raw
RAW=$work/within.raw
IMAGE=$work/within.inc
ok "within a segment: an image" mkimage create --force --raw --references within.raw "$IMAGE"
below "within a segment: half of it refers" "$(value "$IMAGE" segment.data.bytes)" 450000
blocks=$(($(stat -c %s within.raw) / 4096))
open_copy
activate
for mode in direct buffered mmap; do
	ok "within a segment: everything reads right, $mode" "$tool" compare "$DEV" "$RAW" $mode 131072
done
dmsetup remove t
detach
rm "$LOCAL"
ok "within a segment: a sparse copy" incrementalsetup create --origin "$IMAGE" "$LOCAL"
attach "$LOCAL"
activate t "$(incrementalsetup table "$LOCAL" "$LOOP")"
serve nohints
is "within a segment: a block waits for others" "$("$tool" scan "$DEV" "$RAW" direct 150 1)" ""
ok "within a segment: everything can be read" "$tool" compare "$DEV" "$RAW" direct 262144
stop
dmsetup remove t
detach
damaged "within a segment, what it refers to" base
RAW=$work/new.raw

### What only references need stays

evict() {	# evict OPTION...: of device t; prints the number of bytes
	incrementalsetup evict --force --json "$@" t | sed -n 's/.*"evicted_bytes": *//p' | tr -d ,
}
{ noise 500000 3; noise 500000 4; } | head -c 1000000 >old.raw
{ echo moved; head -c 500000 old.raw; } >new.raw
truncate -s 503808 new.raw
truncate -s 1003520 old.raw
make 4K
rm "$LOCAL"
open_copy
activate
below "the layer is hardly more than references" "$(value "$IMAGE" segment.data.bytes)" 100000
between "evict takes the half that nothing refers to" "$(evict)" 450000 520000
ok "everything reads right" "$tool" compare "$DEV" "$RAW" direct 131072
dmsetup remove t
activate
ok "from the file, too" "$tool" compare "$DEV" "$RAW" buffered 131072
is "a second time it finds nothing" "$(evict)" 0
evict --all-cold >/dev/null
"$tool" dread "$DEV" 40960 204800 direct >/dev/null
between "evict --all-cold takes what was not read" "$(evict --all-cold)" 100000 400000
forget "$work"
is "not what reads went by" "$("$tool" scan "$DEV" "$RAW" direct 10 50)" ""
is "there is no damage" "$(field failures)" 0
dmsetup remove t
detach
the_end
