#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Files of another kind than the command takes: an archive as a filesystem, a layer
# as an image, an image with a layer too many. The message names the true kind.

# shellcheck source=tests/mkimage/lib.sh
. "$(dirname "$0")/lib.sh"

export SOURCE_DATE_EPOCH=1700000000

### A raw image holds a filesystem, unless --raw is given

mkdir tree
noise 60000 1 >tree/file
ends_at_block() {
	truncate -s %4096 "$1"
}
refused() {	# refused WHAT TEXT FILE
	ends_at_block "$3"
	fails "$1 is no filesystem" 1 "$3: no filesystem.*$2.*--raw takes it" \
		"$mkimage" create --force "$3" image
	ok "$1: there is no image" test ! -e image
}
tar -cf a.tar tree
ends_at_block a.tar
{ head -c 100 a.tar; printf x; tail -c +102 a.tar; } >damaged.tar
refused "a damaged tar archive" "it is a damaged tar archive" damaged.tar
printf '!<arch>\n' >a.ar
refused "an archive of ar" "no Debian package" a.ar
noise 40960 2 >noise
refused "noise" "known here" noise
truncate -s 40960 zeros
refused "zeros" "known here" zeros
{ head -c 510 zeros; printf '\125\252'; head -c 39000 zeros; } >disk
refused "a disk with partitions" "a partition table; give one partition" disk
"$mkimage" create tree other >/dev/null
cp other other.src
refused "an incremental image" "it is an incremental image" other.src

for file in a.tar zeros noise; do
	ok "with --raw it is taken: $file" "$mkimage" create --raw $file image
	"$mkimage" extract --force image out >/dev/null
	ok "unchanged" cmp $file out
	noise 40960 3 >next
	ok "and extended with --raw" "$mkimage" extend --in-place --raw next image
	rm image
done
fails "a directory is not raw" 1 'a directory, which --raw does not go with' \
	"$mkimage" create --raw tree image

taken() {	# taken FILE
	ends_at_block "$1"
	ok "$1 is taken" "$mkimage" create --force "$1" image
	rm -f image
}
"$mkimage" extract other erofs >/dev/null
taken erofs
for fs in ext2 ext3 ext4; do
	truncate -s 8M $fs
	mke2fs -q -t $fs $fs
	taken $fs
done
# cut FILE: a download that was cut off, say
cut() {
	cp "$1" "$1.cut"
	truncate -s -4096 "$1.cut"
	fails "$1 that is cut off" 1 "$1.cut: its filesystem has .* it is cut off; --raw takes it" \
		"$mkimage" create --force "$1.cut" image
	ok "$1 that is cut off: with --raw it is taken" "$mkimage" create --raw --force "$1.cut" image
	cp "$1" "$1.longer"
	truncate -s +8192 "$1.longer"
	taken "$1.longer"
	rm -f image
}
cut erofs
cut ext2
cut ext4
# magic NAME OFFSET BYTES: magic numbers at the places where the kernel looks for them
magic() {
	truncate -s 1M "$1"
	# shellcheck disable=SC2059
	printf -- "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
	taken "$1"
}
magic squashfs 0 hsqs
magic xfs 0 XFSB
magic btrfs $((0x10040)) _BHRfS_M
magic f2fs 1024 '\020\040\365\362'
magic iso9660 $((0x8001)) CD001
magic vfat $((0x52)) 'FAT32   '
magic romfs 0 '-rom1fs-'
magic cramfs 0 '\105\075\315\050'

### A pipe or a device of characters is not an image

mkfifo pipe
for file in pipe /dev/zero; do
	for command in inspect verify "inspect --files" "sign --export x"; do
		# shellcheck disable=SC2086
		fails "$command $file" 1 "$file: .*(neither a file nor|the file ends there)" \
			timeout 20 "$mkimage" $command $file
	done
	for command in extract squash; do
		fails "$command $file" 1 "$file: it is neither a file nor a block device" \
			timeout 20 "$mkimage" $command --force $file out
	done
	fails "extend $file" 1 "$file: it is neither a file nor a block device" \
		timeout 20 "$mkimage" extend --output x $file tree
done
rm pipe

### A layer is not an image

mkdir one two
noise 5000 4 >one/added
noise 5000 5 >two/more
cp other image
"$mkimage" extend --output layer image one >/dev/null
"$mkimage" extend --output sibling image two >/dev/null
alone='it is of a layer, which belongs behind its image'
for command in inspect verify "extract --force" "squash --force" "sign --export x"; do
	# shellcheck disable=SC2086
	case $command in
	extract* | squash*) fails "$command a layer" 1 "$alone" "$mkimage" $command layer out ;;
	*) fails "$command a layer" 1 "$alone" "$mkimage" $command layer ;;
	esac
done
fails "extend a layer" 1 "$alone" "$mkimage" extend --in-place layer two
fails "a local image of a layer" 4 "$alone" "${mkimage%/*}/incrementalsetup" create --origin layer local
ok "there is no local image" test ! -e local

### A layer too many

misplaced() {	# misplaced WHAT TEXT
	local at
	fails "$1" 1 "$2" "$mkimage" verify image
	fails "$1: inspect" 1 "$2" "$mkimage" inspect image
	fails "$1: an older generation" 1 "$2" "$mkimage" extract --generation 0 image out
	fails "$1: extend" 1 "$2" "$mkimage" extend --in-place image two
	at=$(sed -n 's/.*"truncate -s \([0-9]*\)" cuts.*/\1/p' .errors)
	ok "$1: the advice" truncate -s "$at" image
	ok "$1: and it is good again" "$mkimage" verify image
}
cat other layer layer >image
misplaced "a layer twice" 'has that generation already, as if a layer had been appended twice'
ok "the good part is all there" cmp image <(cat other layer)
cat other layer sibling >image
misplaced "two layers for one generation" 'has that generation already'
cat other other >image
misplaced "an image twice" 'generation 0: the image has that generation already'
ok "the good part is all there" cmp image other
cat other layer >image
"$mkimage" extend --output second image two >/dev/null
cat other second >image
misplaced "a layer is missing" 'the layer that comes before it is missing'
"$mkimage" create --raw noise noise.inc >/dev/null
"$mkimage" extend --output foreign --raw next noise.inc >/dev/null
cat other foreign >image
misplaced "another image's layer" 'it belongs to another image'
cat other noise.inc >image
misplaced "another image" 'it belongs to another image'

### A signature does not cover later generations

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem \
	-out cert.pem -days 30 -subj /CN=test 2>/dev/null
signer=(--key key.pem --certificate cert.pem)
warned() {	# warned WHAT TEXT COMMAND...
	local what=$1 text=$2
	shift 2
	ok "$what" "$@"
	cp .output said
	ok "$what: with a warning" grep -q "$text" said
}
quiet() {
	local what=$1
	shift
	ok "$what" "$@"
	cp .output said
	ok "$what: without a warning" sh -c '! grep "will not be" said'
}
cp other image
quiet "an unsigned image is extended" "$mkimage" extend --output x image one
"$mkimage" sign "${signer[@]}" image >/dev/null
warned "a signed image is extended" 'generation 0 is signed, and 1 will not be' \
	"$mkimage" extend --force --output x image one
quiet "and signed" "$mkimage" extend --force "${signer[@]}" --output x image one
warned "in place" 'generation 0 is signed, and 1 will not be' "$mkimage" extend --in-place image one
quiet "and once more, without a signature to lose" "$mkimage" extend --in-place image two
cat other layer >image
"$mkimage" sign "${signer[@]}" image >/dev/null
warned "a signed image is squashed" 'generation 1 is signed, and out will not be' \
	"$mkimage" squash --force image out
quiet "and signed" "$mkimage" squash --force "${signer[@]}" image out

finish
