#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Images that have what a start reads first, in small clusters (mkimage create and squash
# --order): the same device, all of it verifiable, and a list of that start is one piece of
# the metadata and one of the data.

# shellcheck source=tests/mkimage/lib.sh
. "$(dirname "$0")/lib.sh"
startup=$top/tests/mkimage/startup.py

mkdir tree
for i in {1..60}; do
	head -c $((i * 3000)) /dev/urandom >"tree/$i"
	seq $((i * 700)) >"tree/$i.text"
done
cp "tree/7.text" tree/copy
ok "an image" "$mkimage" create tree app.inc
ok "its device" "$mkimage" extract app.inc app.raw
blocks=$(($(value app.inc device_bytes) / 4096))

ordered() {	# ordered WHAT IMAGE RAW: an image is good, and the device as it should be
	ok "$1: it is good" "$mkimage" verify "$2"
	ok "$1: the extents are as the format says" "$startup" near "$2" && note "$(cat .output)"
	ok "$1: it can be extracted" "$mkimage" extract --force "$2" out.raw
	ok "$1: the device is the same" cmp "$3" out.raw
}
contiguous() {	# contiguous WHAT IMAGE TRACE...: a list of the start is in few pieces
	local what=$1 image=$2
	shift 2
	ok "$what: a list" "$mkimage" startup --force "$image" "$@"
	note "$(cat .output)"
	is "$what: it has two pieces, from the start of the file and of the data" \
		"$("$startup" pieces "$image" "$image.startup")" "0 $(value "$image" segment.data.offset)"
}

# shellcheck disable=SC2046	# a list of words
"$startup" trace app.inc 0+2 $(shuf -i 1-$((blocks - 40)) -n 80 --random-source=<(yes)) 100+33 \
	$((blocks - 1)) >some.trace
ok "in the order of a trace" "$mkimage" create --order some.trace tree some.inc
ordered "it" some.inc app.raw
contiguous "it" some.inc some.trace
ok "it: the list has all that these blocks take" "$startup" check some.inc some.inc.startup
is "the root hash is the same" "$(value some.inc root_hash)" "$(value app.inc root_hash)"
ok "the UUID is another" test "$(value some.inc uuid)" != "$(value app.inc uuid)"
is "it says how to verify it" "$(value some.inc segment.features)" "rereads near startup"
embedded() {	# embedded IMAGE: the list in its newest segment, as a file
	dd if="$1" bs=1 skip="$(value "$1" segment.startup.offset)" count="$(value "$1" segment.startup.bytes)" status=none
}
embedded some.inc >own
ok "it has a list itself, with all that these blocks take" "$startup" check some.inc own some.trace
is "in two pieces" "$("$startup" pieces some.inc own)" "0 $(value some.inc segment.data.offset)"
less=$(sed -n '6,$p' some.inc.startup | awk '{ sum += $2 } END { print sum }')
"$mkimage" startup --force app.inc some.trace >/dev/null
more=$(sed -n '6,$p' app.inc.startup | awk '{ sum += $2 } END { print sum }')
ok "its list is shorter ($less instead of $more bytes)" test "$less" -lt "$more"

ok "with one thread" "$mkimage" create --threads 1 --order some.trace tree again.inc
ok "the same bytes" cmp some.inc again.inc
ok "from the image" "$mkimage" squash --order some.trace app.inc squashed.inc
ok "the same bytes" cmp some.inc squashed.inc
ok "from the ordered image, in no order" "$mkimage" squash some.inc plain.inc
ok "is good" "$mkimage" verify plain.inc
is "and says nothing of an order" "$(value plain.inc segment.features)" rereads

# 64 blocks are a stretch, and sorted.
"$startup" trace app.inc 900 30 500 >few.trace
ok "a few blocks" "$mkimage" create --order few.trace tree few.inc
ordered "they" few.inc app.raw
ok "they come first, sorted" "$startup" first few.inc 30 500 900
"$startup" trace app.inc 1000+320 30 >late.trace
ok "many blocks, then another" "$mkimage" create --order late.trace tree late.inc
ok "it comes after those" "$startup" first late.inc {1000..1299} 30
# Small extents: a stretch is in one chunk, and the next one begins with a block between.
for i in {1..400}; do
	yes "$i" | head -c 4096
done >small.raw
ok "an image of small extents" "$mkimage" create --raw small.raw small.inc
# shellcheck disable=SC2046	# a list of words
"$startup" trace small.inc $(seq 0 2 126) 65 >small.trace
ok "a block between others" "$mkimage" squash --order small.trace small.inc between.inc
ordered "it" between.inc small.raw
is "a chunk without an owner comes after the first" \
	"$(od -An -tx4 -j $(($(value between.inc segment.owners.offset) + 4)) -N 4 between.inc)" " ffffffff"
ok "two traces" "$mkimage" create --order late.trace --order few.trace tree two.inc
ordered "both" two.inc app.raw
contiguous "both" two.inc late.trace few.trace
"$startup" trace app.inc >none.trace
ok "a trace without reads" "$mkimage" create --order none.trace tree none.inc
ordered "it" none.inc app.raw
"$startup" trace app.inc "0+$blocks" >all.trace
ok "all blocks" "$mkimage" create --order all.trace tree all.inc
ordered "it" all.inc app.raw

echo "# sizes, filesystems"
for sizes in "4K 4K 4K" "4K 256K 64K" "16K 64K 8K" "32K 32K 16K"; do
	read -r cluster rest chunk <<<"$sizes"
	ok "clusters of $cluster and $rest, chunks of $chunk" "$mkimage" create --force --cluster "$cluster" \
		--rest-cluster "$rest" --chunk "$chunk" --order some.trace tree sizes.inc
	ordered "they" sizes.inc app.raw
	contiguous "they" sizes.inc some.trace
done
ok "an ext4 with a dictionary" "$mkimage" create --fs ext4 --dictionary tree ext4.inc
ok "its device" "$mkimage" extract ext4.inc ext4.raw
"$startup" trace ext4.inc 0 1+10 77 200+64 >ext4.trace
ok "in order" "$mkimage" create --fs ext4 --dictionary --order ext4.trace tree ext4-some.inc
ordered "it" ext4-some.inc ext4.raw
contiguous "it" ext4-some.inc ext4.trace
cp app.raw cut.raw
truncate -s $(((blocks - 3) * 4096)) cut.raw
ok "a device that ends in a cluster" "$mkimage" create --raw --salt 00 cut.raw cut.inc
"$startup" trace cut.inc $((blocks - 4)) 3+9 >cut.trace
for cluster in 4K 16K; do
	ok "clusters of $cluster" "$mkimage" create --force --raw --salt 00 --cluster $cluster --order cut.trace cut.raw cut.inc
	ordered "they" cut.inc cut.raw
done

echo "# another layout of the same files"
cp -r tree other
seq 100000 >other/0-new
rm other/3
ok "names" "$mkimage" trace --image app.inc --output named.trace few.trace
ok "in their order" "$mkimage" create --order named.trace other other.inc
ok "its device" "$mkimage" create other other-plain.inc
ok "its device" "$mkimage" extract other-plain.inc other.raw
ordered "it" other.inc other.raw
contiguous "it" other.inc named.trace
fails "a trace that names none" 1 "few.trace: it is not of other and names no files: name them by the image that it is of" \
	"$mkimage" create --force --order few.trace other refused.inc

echo "# layers"
mkdir more
seq 70000 >more/new
cp some.inc grown.inc
ok "a layer" "$mkimage" extend --in-place grown.inc more
ok "is good" "$mkimage" verify grown.inc
is "the layer is in no order" "$(value grown.inc segment.features)" rereads
ok "squashed in order" "$mkimage" squash --order named.trace grown.inc flat.inc
ok "its device" "$mkimage" extract grown.inc grown.raw
ordered "it" flat.inc grown.raw
fails "but not by a trace of another generation" 1 "some.trace: it is not of grown.inc and names no files" \
	"$mkimage" squash --force --order some.trace grown.inc flat.inc

echo "# what is wrong"
refuses() {	# refuses WHAT STATUS TEXT OPTION...: and leaves nothing
	local what=$1 status=$2 text=$3
	shift 3
	fails "$what" "$status" "$text" "$mkimage" create "$@" tree refused.inc
	ok "$what: nothing is left" test ! -e refused.inc
}
refuses "a trace that is not there" 1 "nothere: No such file" --order nothere
refuses "no trace" 1 "tree/7.text: line 1: .* no trace" --order tree/7.text
sed '7s/ .*/ x/' some.trace >bad.trace
refuses "a line that is wrong" 1 "bad.trace: line 7: it is not" --order bad.trace
refuses "a size without an order" 2 "rest-cluster is of use with --order only" --rest-cluster 16K
refuses "a small rest" 2 "rest-cluster must not be less than --cluster" --order some.trace --cluster 16K --rest-cluster 8K
refuses "an odd size" 2 "rest-cluster takes a power of two" --order some.trace --rest-cluster 12K
fails "a cluster size for squash" 2 "cluster is of use with --order only" "$mkimage" squash --cluster 8K app.inc refused.inc
finish
