#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Damage to a complete local file: open fails with a sentence for it, or just the
# blocks that depend on it give EIO.  Case 16 has the damage grid.

# shellcheck disable=SC2154	# set by a layout
# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"

DEV=/dev/mapper/t
for name in size513 cluster256K; do
	cp "$images/$name.inc" "$name.inc"
	chmod u+w "$name.inc"
done

use() {		# use NAME: attach a copy, to be damaged
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
			"$(log | sed -n 's/.*table: [^ ]* incremental: \(.*\) (-[A-Z0-9]*)$/\1/p')" "^$3\$"
	fi
	"$tool" flip "$LOCAL" "$2" "${4-0}"
}

use size513
refused "magic" 0 "superblock: wrong magic, not an incremental image"
refused "version" 8 "superblock: unknown format version"
refused "head size" 13 "superblock: .*"
refused "incompatible features" 24 "superblock: image needs features that are not known here" 6
refused "feature of a dictionary" 24 "superblock: dictionary does not fit the feature bits"
refused "compatible features" 16 "Image's head does not match its digest: it is corrupt"
refused "head digest" 32 "Image's head does not match its digest: it is corrupt"
refused "UUID" 64 "Image's head does not match its digest: it is corrupt"
refused "generation" 80 "superblock: generation does not fit the segment's place"
refused "block size" 84 "superblock: block size is not 4096"
refused "chunk size" 85 "superblock: .*"
refused "cluster size" 86 "Image's head does not match its digest: it is corrupt"
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
refused "reserved bytes" 4000 "Image's head does not match its digest: it is corrupt"
refused "signature area" 5000 "Image's head does not match its digest: it is corrupt"
refused "map directory" "$map_dir_offset" "Image's head does not match its digest: it is corrupt"
refused "tree directory" $((tree_dir_offset + 8)) "Image's head does not match its digest: it is corrupt"
ok "nothing of this is left in the file" cmp "$LOCAL" "$IMAGE"

# Truncated.
for size in $((image_size - 4096)) $((image_size / 2 / 4096 * 4096)) "$head_size" 4096; do
	detach
	truncate -s "$size" "$LOCAL"
	attach "$LOCAL"
	mark
	fails "truncated to $size bytes: refused" - "" activate
	ok "with one sentence" said "segment ends past the end of the image: truncated\?"
done
detach
for size in 2048 512; do
	truncate -s "$size" "$LOCAL"
	attach "$LOCAL"
	mark
	fails "truncated to $size bytes: refused" - "" activate
	ok "with one sentence" said "Backing device is smaller than a superblock"
	detach
done
cat "$IMAGE" >"$LOCAL"
attach "$LOCAL"
table read_timeout 300

first_of() {	# first_of CODEC [FROM_BLOCK]: offset of an extent of that kind
	"$tool" map "$IMAGE" | awk -v c="$1" -v f="${2:-0}" '$2 == c && $1 >= f { print $4; exit }'
}

# Bytes that the kernel does not use do not matter.
for place in "$owners_offset" "$guard_offset"; do
	"$tool" flip "$LOCAL" "$place"
done
activate
ok "owner table and guard do not matter to the kernel" "$tool" compare "$DEV" "$RAW" direct
dmsetup remove t
for place in "$owners_offset" "$guard_offset"; do
	"$tool" flip "$LOCAL" "$place"
done

# Ten lines in five seconds, however many blocks are corrupt.
log_is_limited() {
	local start=$SECONDS
	mark
	is "no block can be read" "$("$tool" scan "$DEV" "$RAW" direct)" "EIO 0-$((blocks - 1))"
	between "each is counted" "$(field failures)" "$blocks" 100000
	between "the log has some of them" "$(log | grep -c 'is corrupt')" 1 $((10 * ((SECONDS - start) / 5 + 2)))
}

# The top of the tree: all blocks rest on it.
root=$("$tool" where "$IMAGE" 1 0)
for place in 0 2048 4095; do
	"$tool" flip "$LOCAL" $((root + place))
	activate
	is "nothing can be read without byte $place of the tree's top" \
		"$("$tool" scan "$DEV" "$RAW" direct 255 4)" "EIO 255-258"
	[ "$place" != 4095 ] || log_is_limited
	dmsetup remove t
	"$tool" flip "$LOCAL" $((root + place))
done
ok "nothing of this is left in the file" cmp "$LOCAL" "$IMAGE"
detach

# A large cluster: the blocks before the corrupt one may still be right.
use cluster256K
lz4=$(first_of 2 256)
block=$("$tool" map "$IMAGE" | awk -v o="$lz4" '$2 == 2 && $4 == o { print $1; exit }')
"$tool" flip "$LOCAL" $((lz4 + 20000))
activate
scan=$("$tool" scan "$DEV" "$RAW" direct)
like "a bit in a cluster of 64 blocks: only blocks of that cluster" \
	"$(awk '{ split($2, b, "-"); print (b[1] >= f && b[2] < f + 64) ? "inside" : "outside" }' f="$block" <<<"$scan" | sort -u)" '^inside$'
is "give EIO" "$(cut -d ' ' -f 1 <<<"$scan" | sort -u)" EIO
is "in one read of it all" "$("$tool" compare "$DEV" "$RAW" direct 262144 $((block * 4096)) 262144)" \
	"EIO $((block * 4096))+262144"
ok "the clusters before it are right" "$tool" compare "$DEV" "$RAW" buffered 131072 0 $((block * 4096))
ok "those after it, too" "$tool" compare "$DEV" "$RAW" buffered 131072 $(((block + 64) * 4096)) \
	$(((blocks - block - 64) * 4096))
the_end
