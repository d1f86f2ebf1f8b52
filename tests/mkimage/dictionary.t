#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Images with a dictionary: the same device, the same bytes each time, smaller.

# shellcheck source=tests/mkimage/lib.sh
. "$(dirname "$0")/lib.sh"

# Text that is alike without being the same, some noise, a hole.
find "$top"/{docs,dm-incremental,userspace,mkimage,tests} -name '*.[chmt]*' -type f -print0 |
	sort -z | xargs -0 cat >raw
noise 100000 7 >>raw
truncate -s $((($(stat -c %s raw) / 4096 + 300) * 4096)) raw

"$mkimage" create --raw raw plain.inc >plain.made
"$mkimage" create --raw --dictionary --threads 1 raw image.inc >image.made
is "the root hash is the same" "$(grep root image.made)" "$(grep root plain.made)"
is "the UUID is another" "$(cat image.made plain.made | grep UUID | sort -u | wc -l)" 2
plain=$(value plain.inc segment.data.bytes) bytes=$(value image.inc segment.data.bytes)
ok "data take 5 % less ($bytes bytes, not $plain)" test $((bytes * 100)) -lt $((plain * 95))
is "the feature bit says so" "$(od -An -tu8 -j 24 -N 8 image.inc | tr -d ' ')" 1
is "and is not set without one" "$(od -An -tu8 -j 24 -N 8 plain.inc | tr -d ' ')" 0
dictionary=$(value image.inc segment.dictionary.bytes)
ok "it is no larger than allowed ($dictionary bytes)" test "$dictionary" -gt 4096 -a "$dictionary" -le 65536
ok "clusters use it" test "$(value image.inc clusters.lz4_dictionary.clusters)" -gt 100
is "no cluster does without it" "$(value image.inc clusters.lz4.clusters)" 0
ok "verify" "$mkimage" verify image.inc
ok "extract" "$mkimage" extract image.inc out
ok "gives the source" cmp raw out

for threads in 2 7; do
	"$mkimage" create --raw --force --dictionary --threads $threads raw again.inc >/dev/null
	ok "$threads threads make the same bytes" cmp image.inc again.inc
done
cp --sparse=never raw full
"$mkimage" create --raw --force --dictionary full again.inc >/dev/null
ok "so does a source without holes" cmp image.inc again.inc

for options in "--cluster 64K" "--level 2" "--level 12 --chunk 64K" "--cluster 256K --salt -"; do
	# shellcheck disable=SC2086	# several words
	"$mkimage" create --raw --force --dictionary $options raw again.inc >/dev/null
	ok "$options: verify" "$mkimage" verify again.inc
	ok "$options: extract" "$mkimage" extract --force again.inc out
	ok "$options: gives the source" cmp raw out
done

# Extents of the base that a layer uses are expanded with the base's dictionary.
cp raw more
seq 1 20000 | dd of=more bs=4096 seek=3 conv=notrunc status=none
ok "extend" "$mkimage" extend --in-place --raw more image.inc
ok "both kinds are there" test "$(value image.inc clusters.lz4_dictionary.clusters)" -gt 100 \
	-a "$(value image.inc clusters.lz4.clusters)" -gt 0
ok "verify" "$mkimage" verify image.inc
ok "extract" "$mkimage" extract --force image.inc out
ok "gives the new source" cmp more out
ok "squash with one" "$mkimage" squash --dictionary image.inc squashed.inc
is "all clusters use it" "$(value squashed.inc clusters.lz4.clusters)" 0
is "the root hash is the layer's" "$(value squashed.inc root_hash)" "$(value image.inc root_hash)"
ok "verify" "$mkimage" verify squashed.inc

# A layer with a dictionary of its own, for what is new and not like the image's contents.
awk 'BEGIN { srand(7); for (i = 0; i < 60000; i++) printf "<item id=\"%d\" kind=\"%s\" weight=\"%d\"/>\n", rand() * 1e6, rand() < 0.3 ? "round" : "square", rand() * 1e4 }' >new
truncate -s %4096 new
cat more new >longer
for options in "" --no-references; do
	cp image.inc own.inc
	# shellcheck disable=SC2086	# none or one
	ok "extend $options" "$mkimage" extend --force $options --raw longer --output plain.layer own.inc
	# shellcheck disable=SC2086
	ok "the same with a dictionary" "$mkimage" extend --force $options --dictionary --raw longer \
		--output own.layer own.inc
	bytes=$(stat -c %s own.layer)
	below "it is smaller" $((bytes * 20)) $(($(stat -c %s plain.layer) * 19))
	# shellcheck disable=SC2086
	ok "with one thread" "$mkimage" extend --force $options --dictionary --threads 1 --raw longer \
		--output again.layer own.inc
	ok "the same bytes" cmp own.layer again.layer
	cat own.layer >>own.inc
	between "the layer has one" "$(value own.inc segment.dictionary.bytes)" 4097 65536
	ok "verify" "$mkimage" verify own.inc
	ok "extract" "$mkimage" extract --force own.inc out
	ok "gives the source" cmp longer out
done
cp longer other
seq 10 | dd of=other conv=notrunc status=none
ok "a layer of little" "$mkimage" extend --force --dictionary --raw other --output own.layer own.inc
cat own.layer >>own.inc
is "has none" "$(value own.inc segment.dictionary.bytes)" 0
ok "and is good" "$mkimage" verify own.inc

# A layer that adds nothing to guard still guards a page.
head -c 40960 raw >small
"$mkimage" create --raw --force small again.inc >/dev/null
truncate -s 45056 small
ok "a block of zeros more" "$mkimage" extend --in-place --raw small again.inc
ok "the layer is good" "$mkimage" verify again.inc
is "and guards a page" "$(value again.inc segment.guarded.bytes) $(value again.inc segment.data.bytes)" "4096 0"

# Too few blocks to train a dictionary.
for blocks in 1 20; do
	head -c $((blocks * 4096)) raw >small
	fails "$blocks blocks: a warning" 0 'no dictionary can be made' \
		"$mkimage" create --raw --force --dictionary small again.inc
	is "and an image without one" "$(value again.inc segment.dictionary.bytes)" 0
	ok "the image is good" "$mkimage" verify again.inc
done
noise 4096000 3 >small
fails "noise: a warning" 0 'no dictionary can be made' \
	"$mkimage" create --raw --force --dictionary small again.inc
finish
