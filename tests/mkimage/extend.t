#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# mkimage extend: layers of raw images and of ext4 (extend-erofs.t has erofs), as
# readers read them, and failures.

# shellcheck source=tests/mkimage/layers.sh
. "$(dirname "$0")/layers.sh"


root_hash() {	# IMAGE GENERATION
	"$mkimage" inspect --generation "$2" "$1" | sed -n 's/^root_hash  *//p'
}

### The difference of raw images

# patch FILE BLOCK COUNT SEED: noise from BLOCK on
patch() {
	noise $(($3 * 4096)) "$4" |
		dd of="$1" bs=4096 seek="$2" conv=notrunc iflag=fullblock status=none
}

raw 0.raw 2000
truncate -s $((2003 * 4096)) 0.raw
cp 0.raw 1.raw
patch 1.raw 700 5 1
dd if=0.raw of=1.raw bs=4096 skip=16 seek=1904 count=64 conv=notrunc status=none
truncate -s $((3001 * 4096)) 1.raw			# larger
cp 1.raw 2.raw
truncate -s $((1001 * 4096)) 2.raw			# smaller
cp 2.raw 3.raw
truncate -s $((70000 * 4096)) 3.raw			# a level more
patch 3.raw 60000 1 2
head -c 4096 0.raw >4.raw				# no level at all
cp 3.raw 5.raw
truncate -s $((512 * 128 * 4096)) 6.raw			# nothing but zeros
cp 0.raw 7.raw
truncate -s $((1024 * 4096)) 7.raw
cp 7.raw 8.raw
truncate -s $((512 * 4096)) 8.raw			# whole pages of the map less

for cluster in 4K 64K; do
	ok "$cluster: create" "$mkimage" create --raw --force --cluster $cluster 0.raw image
	cp image appended
	for i in 1 2 3 4 5 6 7 8; do
		ok "$cluster, $i: extend" "$mkimage" extend --force --raw $i.raw \
			--output layer image
		cat layer >>image
		ok "$cluster, $i: extend in place" "$mkimage" extend --in-place \
			--threads 1 --raw $i.raw appended
		ok "$cluster, $i: the two are the same" cmp image appended
		ok "$cluster, $i: verify" "$mkimage" verify image
	done
	for i in 0 1 2 3 4 5 6 7 8; do
		ok "$cluster: extract generation $i" "$mkimage" extract --force \
			--generation $i --hash-tree tree image out
		ok "$cluster: generation $i is right" cmp out $i.raw
		[ $i = 4 ] ||
			ok "$cluster: veritysetup agrees with generation $i" \
				veritysetup verify out tree "$(root_hash image $i)"
	done
done
fails "nothing changed" 1 'nothing would change' \
	"$mkimage" extend --raw 8.raw --output x image
fails "a directory is not raw" 1 'a directory' "$mkimage" extend --raw . \
	--output x image
is "and nothing is left" "$(find . -maxdepth 1 -name x -o -name '.x.*')" ""

# A block that returns, and one that has moved: nothing is stored.
ok "create" "$mkimage" create --raw --force 0.raw image
ok "extend" "$mkimage" extend --in-place --raw 1.raw image
ok "and back" "$mkimage" extend --in-place --raw 0.raw image
is "contents of an older generation are not stored again" \
	"$(value image segment.data.bytes)" 0
ok "verify" "$mkimage" verify image

# Damage in a layer and in its base is found.
cp image bad
flip bad $(($(value image segment.metadata.offset) + 100))
fails "damage in a layer's metadata" 1 'damaged' "$mkimage" verify bad
cp image bad
flip bad $(($(value image segment.offset) + 100))
fails "damage in a layer's head" 1 'segment at offset' "$mkimage" verify bad
ok "another image of the same" "$mkimage" create --raw --force --salt 0011 0.raw other
ok "has its layers" "$mkimage" extend --force --output layer --raw 1.raw other
"$mkimage" create --raw --force --salt 2233 0.raw mixed >/dev/null
cat layer >>mixed
fails "another image's layer does not fit" 1 'belongs to another image' \
	"$mkimage" verify mixed

### Many scattered changes: the directories keep within their bounds

# scatter COUNT STEP SEED: text in sparse.raw, every STEP blocks or, if 0, anywhere
scatter() {
	python3 - "$@" <<'END'
import random, sys
count, step, seed = map(int, sys.argv[1:])
pick = random.Random(seed)
with open("sparse.raw", "r+b") as file:
    for i in range(count):
        file.seek((i * step if step else pick.randrange(1 << 20)) * 4096)
        file.write(b"%d %d" % (seed, i))
END
}

truncate -s 4G sparse.raw
scatter 8192 128 0
ok "create" "$mkimage" create --raw --force sparse.raw image
map=$(value image map.runs)
tree=$(value image tree.runs)
for i in 1 2 3; do
	scatter 1500 0 $i
	ok "scattered changes, $i" "$mkimage" extend --in-place --raw sparse.raw image
	more=$(($(value image map.runs) - map))
	ok "$i: $more runs of the map more" [ $more -le 1024 ]
	more=$(($(value image tree.runs) - tree))
	ok "$i: $more runs of the tree more" [ $more -le 1024 ]
done
ok "verify" "$mkimage" verify image
ok "extract" "$mkimage" extract --force image out
ok "same" same_data out sparse.raw
rm sparse.raw out image

### Appending

raw 0.raw 500
cp 0.raw 1.raw
patch 1.raw 100 200 7
ok "create" "$mkimage" create --raw --force 0.raw image
cp image older
ok "extend" "$mkimage" extend --raw 1.raw --output layer --force image
size=$(stat -c %s older)
# An append may stop anywhere before its last write, that of the first 512 bytes.
for left in 1 512 5000 $(($(stat -c %s layer) - 4096)) $(stat -c %s layer); do
	{ head -c 512 /dev/zero; tail -c +513 layer; } | head -c "$left" |
		cat older - >image
	ok "$left bytes left behind: extract" "$mkimage" extract --force image out
	ok "$left bytes left behind: the old generation" cmp out 0.raw
	ok "$left bytes left behind: extend" "$mkimage" extend --in-place \
		--raw 1.raw image
	cat older layer >wanted
	ok "$left bytes left behind: the new one" cmp image wanted
done
# Full disk, and ^C: the image is as it was.
cp older image
# shellcheck disable=SC2016
fails "a limit on the size" 1 'image: ' bash -c \
	'trap "" XFSZ; ulimit -f $(('"$size"' / 1024 + 100)); exec "$@"' - \
	"$mkimage" extend --in-place --raw 1.raw image
ok "leaves the image as it was" cmp older image
cat older layer >wanted
for i in 0.005 0.01 0.02 0.03; do
	cp older image
	timeout -s INT $i "$mkimage" extend --in-place --raw 1.raw image \
		>/dev/null 2>&1
	ok "interrupted: the old image or the new one" bash -c \
		'cmp -s image older || cmp -s image wanted'
done
cp older image
fails "two at a time" 1 'cannot lock it' locked image exclusive \
	"$mkimage" extend --in-place --raw 1.raw image

### Command line

fails "no output" 2 'one of --in-place and --output' "$mkimage" extend image tree
fails "two outputs" 2 'one of --in-place and --output' "$mkimage" extend \
	--in-place --output x image tree
fails "a path that leads out" 2 'takes a path inside' "$mkimage" extend \
	--in-place --remove ../x image
fails "raw and remove" 2 'does not go with' "$mkimage" extend --in-place \
	--remove x --raw 0.raw image
fails "the layer is the image" 1 'same file' "$mkimage" extend --force \
	--output older --raw 1.raw older
mkdir -p empty
mkdir within
cp older within/image
ln -s within/image symbolic
ln older within/hard
fails "the image is a link into the source" 1 'symbolic: it would lie inside within' \
	"$mkimage" extend --in-place symbolic within
fails "a file of the source is a link of the image" 1 \
	'within/hard: it is a link of the image' "$mkimage" extend --in-place older within
rm -r within symbolic
fails "no filesystem" 1 'neither erofs nor ext4' "$mkimage" extend \
	--in-place older empty
# shellcheck disable=SC2016
ok "JSON" bash -c '"$1" extend --json --force --output layer --raw 1.raw older |
	python3 -c "import json, sys; d = json.load(sys.stdin)
assert d[\"generation\"] == 1 and d[\"layer_bytes\"] > 200 * 4096"' - "$mkimage"

### ext4

# image_is WHAT IMAGE DIRECTORY
image_is() {
	ok "$1: extract" "$mkimage" extract --force "$2" out
	ok "$1: e2fsck" "$top/tests/mkimage/ext4-good" out
	python3 "$top/tests/mkimage/ext4.py" out >got 2>errors ||
		sed 's/^/# /' errors
	python3 "$top/tests/mkimage/tree.py" "$3" >wanted
	ok "$1: every path as in the directory" diff got wanted
}

# random SEED STEPS
random() {
	random_base "$1" || return 1
	"$mkimage" create --fs ext4 plain image || return 1
	random_steps "$1" "$2" "$top/tests/mkimage/ext4-good" ext4.py
}

ok "25 random steps on ext4" random one "${STEPS:-25}"
ok "10 others" random two 10

new_file_costs ext4

cost_base
seq 5000 >base/numbers
mkdir cost
noise 1048576 3 >cost/new
ok "create" "$mkimage" create --force --fs ext4 base image
layer_size "a new file of 1 MiB" $((1048576 + 65536)) image cost
cp layer again
ok "the same layer again" "$mkimage" extend --force --threads 1 --output layer \
	image cost
ok "has the same bytes" cmp layer again
layer_size "a renamed file of 100 MiB" 65536 --remove lib/large image renamed
cat layer >>image
mv base/lib/large base/other-name
touch -d "@$SOURCE_DATE_EPOCH" base base/lib
ok "renamed: extract" "$mkimage" extract --force image out
ok "renamed: e2fsck" "$top/tests/mkimage/ext4-good" out
ok "squash" "$mkimage" squash image squashed
is "squash keeps the root hash" "$(root_hash squashed 0)" "$(root_hash image 1)"
ok "squashed: verify" "$mkimage" verify squashed
"$mkimage" inspect --files image >files
ok "inspect names the added path" grep -Eq 'generations.1.added +other-name$' files
ok "and the removed path" grep -Eq 'generations.1.removed +lib/large$' files
is "and no other" "$(grep -Ec 'generations.1.(added|removed|changed) ' files)" 2

fails "a path that is not there" 1 "no 'lib/nothing'" "$mkimage" extend \
	--in-place --remove lib/nothing image
ok "dirty: extract" "$mkimage" extract --force image out
debugfs -w -R 'ssv state 0' out 2>/dev/null
ok "dirty: create" "$mkimage" create --force out dirty
fails "an ext4 that was not unmounted" 1 'not unmounted cleanly' "$mkimage" \
	extend --in-place dirty cost

# Names in an index, small inodes, small blocks, a journal, no checksums.
for options in "-I 128 -O ^metadata_csum" "-b 1024" "-O ^extent,^64bit" \
		"-O 64bit,metadata_csum -N 64"; do
	rm -rf plain more
	mkdir -p plain/many more/many
	for i in $(seq 1500); do echo "$i" >"plain/many/entry-$i"; done
	touch -d @1600000000 plain/many plain
	truncate -s 24M out
	# shellcheck disable=SC2086
	mke2fs -q -F -t ext4 -E root_owner=0:0 $options -N 3000 -d plain out
	e2fsck -fyD out >/dev/null 2>&1
	"$mkimage" create --force out image >/dev/null
	for i in $(seq 400); do echo "new $i" >"more/many/added-$i"; done
	noise 30000000 9 >more/large
	ok "$options: extend" "$mkimage" extend --in-place --remove many/entry-7 \
		image more
	ok "$options: extract" "$mkimage" extract --force image out
	ok "$options: e2fsck" "$top/tests/mkimage/ext4-good" out
	rm plain/many/entry-7
	cp -r more/. plain
	rm -rf got
	mkdir got
	debugfs -R "rdump / got" out 2>/dev/null
	rm -rf got/lost+found
	ok "$options: all is there" diff -r got plain
done

# An ext4 that is full to the last block, and names whose directory needs one more.
# (With an index libext2fs allocates that in a way of its own.) The files need none.
rm -rf plain more
mkdir -p plain/many more/many
seq -f plain/many/entry-%g 500 | xargs touch -d @1600000000
seq -f more/many/added-%g 300 | xargs touch -d @1600000000
for options in "-E hash_seed=01234567-89ab-4def-8123-456789abcdef" \
		"-E hash_seed=3239a6e5-afb6-49df-b74f-d6c24dc918ee" \
		"-b 1024" "-O ^extent,^64bit"; do
	rm -f out
	truncate -s 4M out
	# shellcheck disable=SC2086
	mke2fs -q -F -t ext4 $options -O ^has_journal -N 2000 -d plain out
	e2fsck -fyD out >/dev/null 2>&1
	free=$(dumpe2fs -h out 2>/dev/null |
		awk -F ': *' '/^Block size/ { size = $2 }
			/^Free blocks/ { free = $2 } END { print free * size }')
	noise "$free" 9 >filler
	debugfs -w -R "write filler filler" out >/dev/null 2>&1
	is "$options: full" "$(dumpe2fs -h out 2>/dev/null |
		sed -n 's/^Free blocks: *//p')" 0
	ok "$options: create" "$mkimage" create --force out image
	ok "$options: more names" "$mkimage" extend --in-place image more
	ok "$options: extract" "$mkimage" extract --force image out
	ok "$options: e2fsck" "$top/tests/mkimage/ext4-good" out
	is "$options: all names" \
		"$(debugfs -R "ls -p /many" out 2>/dev/null | grep -c -e added- -e entry-)" 800
done

finish
