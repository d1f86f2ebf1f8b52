#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# One flipped bit in each structure of a complete local file: open fails with
# its sentence, or just the blocks that depend on it give EIO.

# shellcheck disable=SC2154	# what a layout sets
# shellcheck source=tests/kernel/lib.sh
. "$(dirname "$0")/../lib.sh"

DEV=/dev/mapper/t
for name in size513 cluster256K huge; do
	cp "$images/$name.inc" "$name.inc"
	chmod u+w "$name.inc"
done

use() {		# use NAME: its damaged copy is attached
	choose "$1"
	LOCAL=$work/$1.inc
	attach "$LOCAL"
	table read_timeout 300
	eval "$("$tool" layout "$IMAGE")"
}

# refused NAME OFFSET SENTENCE: a bit there keeps the image from being opened.
refused() {
	"$tool" flip "$LOCAL" "$2" "${4-0}"
	mark
	if activate 2>/dev/null; then
		result 'not ok' "$1: refused"
		dmsetup remove t
	else
		like "$1: refused with one sentence" \
			"$(log | sed -n 's/.*table: [^ ]* incremental: \(.*\) (-[A-Z]*)$/\1/p')" "^$3\$"
	fi
	"$tool" flip "$LOCAL" "$2" "${4-0}"
}

logged=0
use size513
refused "magic" 0 "superblock: wrong magic, not an incremental image"
refused "version" 8 "superblock: unknown format version"
refused "head size" 13 "superblock: .*"
refused "incompatible features" 24 "superblock: image needs features that are not known here" 1
refused "feature of a dictionary" 24 "superblock: dictionary does not fit the feature bits"
refused "compatible features" 16 "Image's head does not match its digest: damaged"
refused "head digest" 32 "Image's head does not match its digest: damaged"
refused "UUID" 64 "Image's head does not match its digest: damaged"
refused "generation" 80 "superblock: generation does not fit the segment's place"
refused "block size" 84 "superblock: block size is not 4096"
refused "chunk size" 85 "superblock: .*"
refused "cluster size" 86 "Image's head does not match its digest: damaged"
refused "device size" 88 "superblock: .*|Image's head .*|Target must .*"
refused "segment offset" 97 "superblock: segment is not where it says"
refused "segment size" 105 "superblock: .*"
refused "bitmap offset" 114 "superblock: presence bitmap does not follow the head"
refused "metadata size" 154 "superblock: .*"
refused "data size" 174 "superblock: data does not end with the segment"
refused "map directory's place" 177 "superblock: map directory is out of range|Image's head .*"
refused "map directory's length" 184 "superblock: map directory is out of range|Image's head .*"
refused "hash name" 216 "Hash algorithm in the table is not the image's"
refused "digest size" 248 "superblock: .*|Hash algorithm .*"
refused "root digest" 256 "Root digest in the table is not the image's"
refused "salt" 320 "Salt in the table is not the image's"
refused "reserved bytes" 4000 "Image's head does not match its digest: damaged"
refused "signature area" 5000 "Image's head does not match its digest: damaged"
refused "map directory" "$map_dir_offset" "Image's head does not match its digest: damaged"
refused "tree directory" $((tree_dir_offset + 8)) "Image's head does not match its digest: damaged"
ok "nothing of this is left in the file" cmp "$LOCAL" "$IMAGE"

# Truncated.
for size in $((image_size - 4096)) $((image_size / 2 / 4096 * 4096)) "$head_size" 4096; do
	detach
	truncate -s "$size" "$LOCAL"
	attach "$LOCAL"
	mark
	fails "truncated to $size bytes: refused" activate
	ok "with one sentence" said "segment ends past the end of the image: truncated\?"
done
detach
for size in 2048 512; do
	truncate -s "$size" "$LOCAL"
	attach "$LOCAL"
	mark
	fails "truncated to $size bytes: refused" activate
	ok "with one sentence" said "Backing device is smaller than a superblock"
	detach
done
cat "$IMAGE" >"$LOCAL"
attach "$LOCAL"

# damaged NAME OFFSET VERDICT [FIRST COUNT]: that bit spoils just these blocks,
# whichever way they are read.  The last two limit what is looked at.
damaged() {
	local name=$1 offset=$2 expected=$3 events failures
	shift 3
	"$tool" flip "$LOCAL" "$offset"
	mark
	activate || { result 'not ok' "$name: open"; return; }
	events=$(event_number)
	is "$name: direct" "$("$tool" scan "$DEV" "$RAW" direct "$@")" "$expected"
	failures=$(field failures)
	if [ -n "$expected" ] && [[ $expected != ETIMEDOUT* ]]; then
		between "$name: counted" "$failures" 1 100000
		# Ten of these in five seconds, then the kernel is silent.
		[ $((logged++)) -gt 1 ] || ok "$name: logged" said "device-mapper: incremental: 253:[0-9]*: .* is damaged, at image offset [0-9]*"
		ok "$name: an event tells" within 5 event_after "$events"
	else
		is "$name: nothing else is" "$failures" 0
	fi
	# Through the page cache there is no other error than EIO.
	is "$name: buffered" "$("$tool" scan "$DEV" "$RAW" buffered "$@")" "${expected//ETIMEDOUT/EIO}"
	dmsetup remove t
	"$tool" flip "$LOCAL" "$offset"
}

event_after() {
	[ "$(event_number)" != "$1" ]
}

# The blocks, as scan tells them, whose extents hold byte $1 of the file.
blocks_at() {
	"$tool" map "$IMAGE" | awk -v at="$1" '$2 && $4 <= at && at < $4 + $5 { print $1 }' | runs
}
blocks_in_chunk() {
	"$tool" map "$IMAGE" |
		awk -v c=$(($1 * 4096)) '$2 && $4 < c + 4096 && $4 + $5 > c { print $1 }' | runs
}
runs() {
	awk 'NR == 1 { first = last = $1; next }
		$1 == last + 1 { last = $1; next }
		{ print "EIO " first "-" last; first = last = $1 }
		END { if (NR) print "EIO " first "-" last }'
}
first_of() {	# first_of CODEC [FROM_BLOCK]: offset of an extent of that kind
	"$tool" map "$IMAGE" | awk -v c="$1" -v f="${2:-0}" '$2 == c && $1 >= f { print $4; exit }'
}
reopen() {	# as if it were another device: nothing cached
	detach
	attach "$LOCAL"
	table read_timeout 300
}

table read_timeout 300
stored=$(first_of 1 100)
damaged "stored extent" "$stored" "$(blocks_at "$stored")"
lz4=$(first_of 2 100)
damaged "LZ4 extent" "$lz4" "$(blocks_at "$lz4")"
block=$("$tool" map "$IMAGE" | awk '$2 == 2 && $1 > 200 { print $1; exit }')
damaged "map entry of an LZ4 block" "$("$tool" where "$IMAGE" map "$block")" "EIO $block-$block"
zero=$("$tool" map "$IMAGE" | awk '$2 == 0 && $1 > 300 { print $1; exit }')
damaged "map entry of a zero block" "$("$tool" where "$IMAGE" map "$zero")" "EIO $zero-$zero"
damaged "tree page of blocks 128 to 255" "$("$tool" where "$IMAGE" 0 130)" "EIO 128-255"
damaged "tree page of the last block" "$("$tool" where "$IMAGE" 0 512)" "EIO 512-512"
damaged "root page" "$("$tool" where "$IMAGE" 1 0)" "EIO 0-512"
damaged "owner table, which the kernel does not use" "$owners_offset" ""
damaged "guard, which it does not use either" "$guard_offset" ""
chunk=$((stored / 4096 / 8 * 8))
verdict=$(blocks_in_chunk $chunk)
damaged "a chunk's bit, now 0" $((bitmap_offset + chunk / 8)) "${verdict//EIO/ETIMEDOUT}"
ok "nothing of this is left in the file" cmp "$LOCAL" "$IMAGE"
detach

# A chunk's bit is 1, but the chunk is not there.
"$tool" sparse "$IMAGE" "$LOCAL"
attach "$LOCAL"
activate
chunk=$("$tool" need "$IMAGE" 100 | tail -n 1)
dd if="$IMAGE" of="$NODE" bs=4096 count="$chunk" iflag=fullblock status=none
dd if="$IMAGE" of="$NODE" bs=4096 skip=$((chunk + 1)) seek=$((chunk + 1)) status=none conv=notrunc
is "all but one chunk are present" "$(field present)" $(($(field total) - 1))
dmsetup remove t
"$tool" flip "$LOCAL" $((bitmap_offset + chunk / 8)) $((chunk % 8))
activate
is "a bit says that it is complete" "$(field state)" complete
is "only the blocks of that chunk give EIO" "$("$tool" scan "$DEV" "$RAW" direct)" \
	"$(blocks_in_chunk "$chunk")"
dmsetup remove t
detach

# A large cluster: what comes before the damage may still be right.
use cluster256K
lz4=$(first_of 2 256)
block=$("$tool" map "$IMAGE" | awk -v o="$lz4" '$2 == 2 && $4 == o { print $1; exit }')
"$tool" flip "$LOCAL" $((lz4 + 20000))
activate
"$tool" scan "$DEV" "$RAW" direct >scan
like "a bit in a cluster of 64 blocks: only blocks of that cluster" \
	"$(awk '{ split($2, b, "-"); print (b[1] >= f && b[2] < f + 64) ? "inside" : "outside" }' f="$block" scan | sort -u)" '^inside$'
is "give EIO" "$(cut -d ' ' -f 1 scan | sort -u)" EIO
is "in one read of it all" "$("$tool" compare "$DEV" "$RAW" direct 262144 $((block * 4096)) 262144)" \
	"EIO $((block * 4096))+262144"
ok "the clusters before it are right" "$tool" compare "$DEV" "$RAW" buffered 131072 0 $((block * 4096))
ok "those after it, too" "$tool" compare "$DEV" "$RAW" buffered 131072 $(((block + 64) * 4096)) \
	$(((blocks - block - 64) * 4096))
dmsetup remove t
detach

# Four levels of tree, each page over a part of 256 GiB.
use huge
last=$((blocks - 1))
for level in 0 1 2 3; do
	reopen
	"$tool" flip "$LOCAL" "$("$tool" where "$IMAGE" $level $last)"
	activate
	case $level in
	0) good=$((last / 128 * 128 - 1)) ;;
	1) good=$((last / 16384 * 16384 - 1)) ;;
	2) good=$((last / 2097152 * 2097152 - 1)) ;;
	3) good= ;;
	esac
	is "tree level $level of 4: the last block cannot be read" "$("$tool" scan "$DEV" "$RAW" direct $last 1)" \
		"EIO $last-$last"
	if [ -n "$good" ]; then
		is "tree level $level: what it does not cover is right" \
			"$("$tool" scan "$DEV" "$RAW" direct $good 3)" "EIO $((good + 1))-$((good + 2))"
		is "tree level $level: so are the first blocks" "$("$tool" scan "$DEV" "$RAW" direct 0 64)" ""
	else
		is "tree level $level: nothing can be read" "$("$tool" scan "$DEV" "$RAW" direct 0 4)" "EIO 0-3"
	fi
	dmsetup remove t
	"$tool" flip "$LOCAL" "$("$tool" where "$IMAGE" $level $last)"
done
the_end
