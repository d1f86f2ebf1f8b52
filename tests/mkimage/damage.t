#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# mkimage verify finds any change of an image, and names its place.

# shellcheck source=tests/mkimage/lib.sh
. "$(dirname "$0")/lib.sh"

raw raw 1500
"$mkimage" create --raw --cluster 8K --dictionary raw image >/dev/null
head=$(value image segment.head.bytes)
bitmap=$(value image segment.bitmap.offset)
owners=$(value image segment.owners.offset)
owners_bytes=$(value image segment.owners.bytes)
data=$(value image segment.data.offset)
data_bytes=$(value image segment.data.bytes)
tree_pages=$(value image tree.pages)
map_pages=$(value image map.pages)
guard=$(value image segment.guard.offset)
guarded=$(value image segment.guarded.offset)
dictionary=$(value image segment.dictionary.offset)
map=$((owners + (owners_bytes + 4095) / 4096 * 4096))
tree=$((map + map_pages * 4096))
tree_end=$((tree + tree_pages * 4096))
chunks=$(($(value image image_bytes) / 4096))

# damaged WHAT OFFSET TEXT [BIT]
damaged() {
	cp image bad
	flip bad "$2" "${4:-0}"
	fails "$1" 1 "$3" "$mkimage" verify bad
}

damaged "magic" 0 'wrong magic'
damaged "version" 8 'unknown format version'
damaged "incompatible feature" 24 'features that are not known' 6
damaged "feature of a dictionary" 24 'dictionary does not fit'
damaged "size of the dictionary" 206 'superblock: dictionary'
damaged "place of the dictionary" 210 'superblock: dictionary' 7
damaged "head digest" 40 'head of generation 0 .* does not match its digest'
damaged "generation" 80 'generation'
damaged "block size" 84 'block size'
damaged "device size" 88 'superblock|does not match'
damaged "segment size" 105 'superblock|segment' 5
damaged "root digest" 256 'head .* does not match its digest'
damaged "salt" 320 'head .* does not match its digest'
damaged "reserved bytes" 4000 'head .* does not match its digest'
damaged "signature area" 5000 'head .* does not match its digest'
damaged "map directory" 12288 'head .* does not match its digest'
damaged "end of the head" $((head - 1)) 'head .* does not match its digest'
damaged "presence of a data chunk" $((bitmap + chunks / 8 - 1)) 'incomplete' 7
damaged "presence past the end" $((bitmap + (chunks + 7) / 8)) \
	"presence bitmap at offset $((bitmap + (chunks + 7) / 8))"
is "the guard comes first" "$(value image segment.metadata.offset)" "$guard"
is "the pages that it guards follow" $((guard + 4096)) "$guarded"
is "the dictionary is the first of them" "$dictionary" "$guarded"
damaged "dictionary" $((dictionary + 5000)) \
	"page of the dictionary \\(offset $((dictionary + 4096))\\) does not match"
damaged "dictionary's padding" $((owners - 1)) \
	"page of the dictionary \\(offset $((owners - 4096))\\) does not match"
damaged "guard" $((guard + 40)) "guard page 0 \\(offset $guard\\) does not match"
damaged "guard's padding" $((guard + 4095)) "guard page 0 \\(offset $guard\\)"
damaged "owner" $((owners + 40)) \
	"page of the owner table \\(offset $owners\\) does not match"
damaged "owner table's padding" $((owners + owners_bytes)) \
	"page of the owner table \\(offset $((map - 4096))\\) does not match"
damaged "top of the tree" "$tree" "tree page 0 \\(offset $tree\\)"
damaged "bottom of the tree" $((tree_end - 4096)) \
	"tree page $((tree_pages - 1)) \\(offset $((tree_end - 4096))\\)"
damaged "a tree page's padding" $((tree_end - 1)) "tree page $((tree_pages - 1))"
damaged "map entry" "$map" "map page \\(offset $map\\) does not match"
is "it is reported once" "$(grep -c 'map page' .errors)" 1
damaged "entry past the device's end" $((tree - 8)) \
	"map page \\(offset $((tree - 4096))\\) does not match"
damaged "first byte of the data" "$data" "block 0 .*offset $data"
damaged "middle of the data" $((data + data_bytes / 2)) 'block [0-9]+'
damaged "last byte of the data" $((data + data_bytes - 1)) 'block [0-9]+'
damaged "padding of the data" $((data + data_bytes)) 'padding of the data'

cp image bad
truncate -s -4096 bad
fails "last chunk missing" 1 'truncated' "$mkimage" verify bad
truncate -s 4096 bad
fails "all but the superblock missing" 1 'truncated' "$mkimage" verify bad
truncate -s 100 bad
fails "only 100 bytes" 1 'too few' "$mkimage" verify bad
cp image bad
printf garbage >>bad
fails "bytes after the end" 1 "7 bytes follow the image's end" \
	"$mkimage" verify bad
cp image bad
noise 4096 9 >>bad
fails "a chunk after the end" 1 'segment at offset' "$mkimage" verify bad

# Many errors: all are counted, the first ten shown.
cp image bad
dd if=/dev/zero of=bad bs=4096 seek=$((data / 4096 + 2)) count=30 \
	conv=notrunc status=none
fails "thirty bad chunks" 1 'damaged: [0-9]+ errors, the first' \
	"$mkimage" verify bad
is "ten errors are shown" "$(grep -c 'block [0-9]' .errors)" 10

# Extraction stops at damage and leaves nothing.
cp image bad
flip bad $((data + data_bytes / 2))
fails "extract of a damaged image" 1 'block [0-9]+' "$mkimage" extract bad out
is "leaves nothing" "$(find . -name "out" -o -name ".out.*")" ""

finish
