#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# mkimage extend: layers whose extents refer to what the image holds, as
# readers read them, and such extents that are wrong.

# shellcheck source=tests/mkimage/layers.sh
. "$(dirname "$0")/layers.sh"

references() {
	python3 "$top/tests/mkimage/references.py" "$@"
}

# image_is WHAT IMAGE DIRECTORY
image_is() {
	ok "$1: verify" "$mkimage" verify "$2"
	ok "$1: extract" "$mkimage" extract --force "$2" raw
	ok "$1: fsck" fsck.erofs raw
	python3 "$top/tests/mkimage/tree.py" --erofs raw >got 2>errors ||
		sed 's/^/# /' errors
	python3 "$top/tests/mkimage/tree.py" "$3" >wanted
	ok "$1: every path as in the directory" diff got wanted
}

### What moves by some bytes costs next to nothing

export SOURCE_DATE_EPOCH=1600000000
mkdir -p base new
{ noise 1500000 1; seq 400000; noise 500000 2; } >base/file
seq 90000 | sed 's/$/ lines/' >base/text
{ echo moved by some bytes; head -c 1200000 base/file; noise 3000 3
	tail -c +1200100 base/file; } >new/file
cp base/text new
find base new -exec touch -d @1600000000 {} +

for cluster in 4K 8K 16K; do
	ok "$cluster: create" "$mkimage" create --force --cluster $cluster base image
	ok "$cluster: extend" "$mkimage" extend --force --no-references --output plain image new
	ok "$cluster: extend with references" "$mkimage" extend --force \
		--output layer image new
	below "$cluster: a sixth of the bytes" $(($(stat -c %s layer) * 6)) \
		"$(stat -c %s plain)"
	ok "$cluster: with one thread" "$mkimage" extend --force \
		--threads 1 --output again image new
	ok "$cluster: the same bytes" cmp layer again
	cat image layer >extended
	image_is "$cluster" extended new
	cat image plain >other
	is "$cluster: the same device as without" \
		"$("$mkimage" inspect --root-hash extended)" \
		"$("$mkimage" inspect --root-hash other)"
done
ok "64K: create" "$mkimage" create --force --cluster 64K base image
ok "64K: extend" "$mkimage" extend --force --output layer image new
ok "64K: as without" "$mkimage" extend --force --no-references --output plain image new
ok "64K: the same bytes, as LZ4 does not reach so far" cmp layer plain

ok "with a dictionary: create" "$mkimage" create --force --dictionary base image
ok "with a dictionary: extend" "$mkimage" extend --in-place image new
image_is "with a dictionary" image new
ok "ext4: create" "$mkimage" create --force --fs ext4 base image
ok "ext4: extend" "$mkimage" extend --in-place image new
ok "ext4: verify" "$mkimage" verify image
ok "ext4: extract" "$mkimage" extract --force image raw
ok "ext4: fsck" e2fsck -fn raw
ok "ext4: the file" bash -c 'debugfs -R "cat /file" raw 2>/dev/null | cmp - new/file'

### Of a large image only what the change replaces is looked at

# vary FILE: its contents, moved by some bytes
vary() {
	{ echo moved; head -c 80000 "$1"; noise 500 9; tail -c +80100 "$1"; } >"$1.new"
	mv "$1.new" "$1"
}

mkdir -p large small
noise 12000000 5 >large/aaa
noise 200000 6 >large/changed
noise 200000 7 >large/removed
noise 12000000 8 >large/zzz
cp large/changed small
cp large/removed small/renamed
vary small/changed
vary small/renamed
find large small -exec touch -d @1600000000 {} +
for fs in erofs ext4; do
	ok "$fs: create" "$mkimage" create --force --fs $fs large image
	ok "$fs: extend" "$mkimage" extend --force --remove removed --output layer image small
	below "$fs: files that replace others, and are new beside removed ones, are small" \
		"$(stat -c %s layer)" 70000
	ok "$fs: with one thread" "$mkimage" extend --force --remove removed --threads 1 \
		--output again image small
	ok "$fs: the same bytes" cmp layer again
	cat layer >>image
	ok "$fs: verify" "$mkimage" verify image
done
# Damage to another file's contents shows that these are not read.
ok "a change of one block" bash -c 'mkdir one && head -c 3000 large/zzz >one/changed'
ok "create again" "$mkimage" create --force large image
cp image bad
printf x | dd of=bad bs=1 seek=$(($(value image segment.data.offset) + 11000000)) \
	conv=notrunc 2>/dev/null
fails "the image is damaged" 1 'block' "$mkimage" verify bad
ok "extend, though" "$mkimage" extend --force --no-check --output layer bad one
ok "as of the good image" "$mkimage" extend --force --no-check --output again image one
ok "the same bytes" cmp layer again

### inspect, squash, and layer upon layer

ok "create" "$mkimage" create --force base image
cp image chain
ok "extend" "$mkimage" extend --in-place image new
read -r extents all most < <(references count image)
is "inspect counts them" "$(value image clusters.lz4_references.clusters)" "$extents"
between "and their bytes" "$(value image clusters.lz4_references.bytes)" \
	$((extents * 8)) $((extents * 2048))
between "references of an extent, at most" "$most" 1 15
below "on average less than three" "$all" $((extents * 3))
ok "squash" "$mkimage" squash --force image squashed
is "a squashed image has none" \
	"$(value squashed clusters.lz4_references.clusters)" ""
image_is "squashed" squashed new

# Each generation refers to stored and LZ4 extents of any before it.
cp -a new step
for i in 1 2 3 4 5 6; do
	{ echo "generation $i"; cat new/file; } >step/file
	touch -d @1600000000 step/file step
	ok "generation $i: extend" "$mkimage" extend --in-place chain step
	[ $i != 1 ] || first=$(value chain segment.data.bytes)
done
image_is "after six layers" chain step
below "the last one is hardly larger than the first" \
	"$(($(value chain segment.data.bytes) * 10))" $((first * 12))

### References that are wrong

# wrong WHAT HOW TEXT: for verify and for reading
wrong() {
	local block
	cp image bad
	block=$(references damage bad "$2") || block=none
	fails "$1: verify" 1 "$3" "$mkimage" verify bad
	fails "$1: extract" 1 "block $block|$3" "$mkimage" extract --force bad out
}

wrong "a reserved bit" reserved 'its references are malformed'
wrong "sixteen extents in a run" sixteen 'its references are malformed'
wrong "a run without its lengths" cut 'its references are cut short'
wrong "a reference longer than its cluster" long 'longer than its cluster'
wrong "a reference past the image" end 'past the end of its segment'
wrong "a reference past its segment" later 'past the end of its segment'
wrong "a reference to itself" itself 'it refers to itself'
wrong "a reference to an extent that refers" another \
	'to which its extent refers, do not decompress|does not match its digest'
wrong "references to too many bytes" many 'have more than 64 KiB'
wrong "a dictionary that is not there" dictionary 'needs a dictionary'
wrong "a segment without the feature" feature 'map entry .* is malformed'
wrong "damage in what it refers to" base \
	'does not match its digest|do not decompress'
wrong "damage in its own LZ4" lz4 'do(es)? not (decompress|match)'

# A layer of another base, of the same size.
mkdir similar
{ noise 1500000 1; seq 400000; noise 500000 4; } >similar/file
cp base/text similar
find similar -exec touch -d @1600000000 {} +
ok "create another base" "$mkimage" create --force similar other
tail -c +$(($(value image segment.offset) + 1)) image >layer
cat layer >>other
fails "a layer of another base" 1 'another image|does not fit|where it says' \
	"$mkimage" verify other

# What is referred to is in a segment that is not there: a local image that has the layer only.
noise 409600 41 >old.raw
{ echo moved; head -c 409594 old.raw; } >new.raw
ok "create a raw image" "$mkimage" create --raw old.raw raw.inc
border=$(($(stat -c %s raw.inc) / 4096))
ok "extend it" "$mkimage" extend --in-place --raw new.raw raw.inc
is "all of its blocks refer" "$(value raw.inc clusters.lz4_references.blocks)" 100
ok "a local image of its heads" "${mkimage%/*}/incrementalsetup" create --origin raw.inc local
dd if=raw.inc of=local bs=4096 skip="$border" seek="$border" conv=notrunc status=none
fails "nothing but the layer is there" 1 'bytes [0-9]+ to [0-9]+ are not present' \
	"$mkimage" extract --force local out

### Within an image: files that are nearly alike

rm -rf alike
mkdir alike
noise 400000 31 >alike/a
seq 60000 >alike/numbers
{ echo moved; head -c 200000 alike/a; noise 300 32; tail -c +200100 alike/a; } >alike/b
{ echo more; cat alike/b; } >alike/c
find alike -exec touch -d @1600000000 {} +
for cluster in 4K 16K; do
	ok "within, $cluster: create" "$mkimage" create --force --cluster $cluster alike plain
	ok "within, $cluster: with references" "$mkimage" create --force --references --cluster $cluster \
		alike image
	below "within, $cluster: two of the three files cost little" "$(stat -c %s image)" \
		$(($(stat -c %s plain) - 650000))
	image_is "within, $cluster" image alike
	is "within, $cluster: the same device" "$("$mkimage" inspect --root-hash image)" \
		"$("$mkimage" inspect --root-hash plain)"
	ok "within, $cluster: with one thread" "$mkimage" create --force --references --threads 1 \
		--cluster $cluster alike again
	ok "within, $cluster: the same bytes" cmp image again
done
ok "within, 64K: create" "$mkimage" create --force --references --cluster 64K alike image
is "within, 64K: none, as LZ4 does not reach so far" \
	"$("$mkimage" inspect image | grep -c lz4_references)" 0
ok "within: with a dictionary" "$mkimage" create --force --references --dictionary alike image
image_is "within, with a dictionary" image alike
ok "within: squash --references" "$mkimage" squash --force --references plain squashed
image_is "within, squashed" squashed alike
ok "within: squash undoes it" "$mkimage" squash --force image squashed
is "within: then there are none" "$("$mkimage" inspect squashed | grep -c lz4_references)" 0
# A layer that finds its contents in clusters that refer must not refer to these.
mkdir -p alike.new
{ echo again; cat alike/c; } >alike.new/d
cp alike.new/d alike
find alike alike.new -exec touch -d @1600000000 {} +
ok "within: extend" "$mkimage" extend --in-place image alike.new
image_is "within, extended" image alike

finish
