#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Start-up lists of traces: they have all that reading the blocks takes, as the
# format says it; what is wrong with a trace, an image or a list is said.

# shellcheck source=tests/mkimage/lib.sh
. "$(dirname "$0")/lib.sh"
startup=$top/tests/mkimage/startup.py

mkdir tree
for i in {1..40}; do
	head -c $((i * 4000)) /dev/urandom >"tree/$i"
	seq $((i * 3000)) >"tree/$i.text"
done
ok "an image" "$mkimage" create tree app.inc
blocks=$(($(value app.inc device_bytes) / 4096))

listed() {	# listed WHAT IMAGE TRACE...: a list is made, and has what it must
	local what=$1 image=$2
	shift 2
	ok "$what: a list is made" "$mkimage" startup --force "$image" "$@" &&
		ok "$what: it has all that these blocks take" "$startup" check "$image" "$image.startup" "$@" &&
		note "$(cat .output)"
}

# shellcheck disable=SC2046	# a list of words
"$startup" trace app.inc 0 $(shuf -i 1-$((blocks - 1)) -n 60 --random-source=<(yes)) >some.trace
"$startup" trace app.inc $((blocks - 1)) 5+30 >few.trace
"$startup" trace app.inc "0+$blocks" >all.trace
"$startup" trace app.inc >none.trace
listed "scattered blocks" app.inc some.trace
cp app.inc.startup first
listed "two traces" app.inc some.trace few.trace
listed "the same twice" app.inc some.trace some.trace
ok "which is one of it" cmp app.inc.startup first
listed "no reads" app.inc none.trace
is "take the head" "$(sed -n 7p app.inc.startup)" "0 $(value app.inc segment.head.bytes)"
listed "all blocks" app.inc all.trace
# The first data that are listed are the last block's.
"$startup" trace app.inc $((blocks - 1)) 40 >order.trace
listed "the last block first" app.inc order.trace
ok "comes first" python3 - app.inc.startup "$(value app.inc segment.data.offset)" <<-'END'
	import sys
	data = [o for o, _ in (map(int, l.split()) for l in open(sys.argv[1]).readlines()[6:]) if o >= int(sys.argv[2])]
	assert data[0] > data[-1], data
END

ok "an ext4 with a dictionary and chunks of 16K" \
	"$mkimage" create --fs ext4 --dictionary --chunk 16K --cluster 32K tree ext4.inc
"$startup" trace ext4.inc 0 1+10 77 200+64 >ext4.trace
listed "of which" ext4.inc ext4.trace

mkdir more
seq 90000 >more/new
cp app.inc grown.inc
ok "a layer" "$mkimage" extend --in-place grown.inc more
grown=$(($(value grown.inc device_bytes) / 4096))
"$startup" trace grown.inc 0 40+8 $((blocks - 1)) $((grown - 5))+5 >grown.trace
listed "the second generation" grown.inc grown.trace
fails "a trace of the first is none of it" 1 "some.trace: it is not of grown.inc and names no files" \
	"$mkimage" startup --force grown.inc some.trace
ok "but of the first" "$mkimage" startup --force --generation 0 grown.inc some.trace
ok "whose list is as before there were two" cmp grown.inc.startup first

echo "# in a layer"
ok "a list in a layer that changes nothing" "$mkimage" extend --in-place --startup first app.inc
ok "is good" "$mkimage" verify app.inc
is "the root hash is the same" "$(value app.inc generations.1.root_hash)" "$(value app.inc generations.0.root_hash)"
note "$(value app.inc segment.bytes) bytes"
ok "it is in there" cmp first <(dd if=app.inc bs=1 skip="$(value app.inc segment.startup.offset)" \
	count="$(value app.inc segment.startup.bytes)" status=none)
is "the head says so" "$(value app.inc segment.features)" "rereads startup"
ok "the list is good for this generation, too" "$startup" check app.inc first some.trace
truncate -s "$(value app.inc generations.0.segment_bytes)" app.inc
cp app.inc once.inc
ok "the same from the traces at once" "$mkimage" startup --in-place once.inc some.trace
ok "is good, too" "$mkimage" verify once.inc
ok "the list is the same" cmp first <(dd if=once.inc bs=1 skip="$(value once.inc segment.startup.offset)" \
	count="$(value once.inc segment.startup.bytes)" status=none)
ok "in a layer of its own" "$mkimage" startup --layer once.layer app.inc some.trace
ok "which are the same bytes" cmp <(cat app.inc once.layer) once.inc
fails "a layer is not replaced" 1 "once.layer: .*--force" "$mkimage" startup --layer once.layer app.inc some.trace
is "nor is a list left" "$(echo once.inc.s* once.layer?*)" "once.inc.s* once.layer?*"
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 -subj /CN=signer 2>/dev/null
ok "one that is signed" "$mkimage" startup --in-place --key key.pem --certificate cert.pem once.inc some.trace
is "has a signature" "$(value once.inc signature.signed)" true
fails "two places" 2 "exclude each other" "$mkimage" startup --in-place --layer x once.inc some.trace
fails "a key for a list beside the image" 2 "it needs --in-place or --layer" \
	"$mkimage" startup --key key.pem --certificate cert.pem once.inc some.trace
ok "the list's layer again" "$mkimage" extend --in-place --startup first app.inc
ok "a layer with files and a list" "$mkimage" extend --output layer --startup first app.inc more
cat app.inc layer >both.inc
ok "is good" "$mkimage" verify both.inc
is "and has both" "$(value both.inc segment.features)" "rereads startup"
fails "a list of another image" 1 "app.inc.startup: the start-up list is of another image" \
	"$mkimage" extend --in-place --startup app.inc.startup ext4.inc
fails "a trace is no list" 1 "some.trace: line 1: .* no start-up list" "$mkimage" extend --in-place --startup some.trace app.inc
fails "nothing is no list" 1 "/dev/null: it is not a file of at most 2097152 bytes, so it is no start-up list" \
	"$mkimage" extend --in-place --startup /dev/null app.inc
is "nothing was added" "$(value app.inc generation)" 1
truncate -s "$(value app.inc generations.0.segment_bytes)" app.inc

echo "# where it goes"
fails "a list is not replaced" 1 "not overwritten without --force" "$mkimage" startup app.inc some.trace
ok "another name" "$mkimage" startup -o list app.inc some.trace
ok "the same list" cmp list first
is "which everybody may read" "$(stat -c %a list)" 644
fails "the image is not replaced" 1 "not written|not overwritten|same file" "$mkimage" startup --force -o app.inc app.inc some.trace
cp some.trace hard.trace
ln hard.trace other.trace
for name in hard.trace other.trace ./hard.trace; do
	fails "nor a trace, $name" 1 "made of hard.trace, which is the same file" \
		"$mkimage" startup --force -o $name app.inc hard.trace
	fails "nor by a layer" 1 "made of hard.trace, which is the same file" \
		"$mkimage" startup --force --layer $name app.inc hard.trace
	fails "nor by a trace" 1 "made of hard.trace, which is the same file" \
		"$mkimage" trace --force -o $name some.trace hard.trace
	fails "nor by an image" 1 "made of hard.trace, which is the same file" \
		"$mkimage" create --force --order hard.trace tree $name
done
fails "nor is the image, by a trace" 1 "made of app.inc, which is the same file" \
	"$mkimage" trace --force --image app.inc -o app.inc some.trace
fails "nor the list, by a layer" 1 "made of list, which is the same file" \
	"$mkimage" extend --force --startup list --output list app.inc
ok "they are as before" cmp hard.trace some.trace
ok "all of them" cmp list first
rm hard.trace other.trace

echo "# what is wrong"
fails "no trace" 2 "TRACE is missing" "$mkimage" startup app.inc
fails "a trace that is not there" 1 "nothere: No such file" "$mkimage" startup --force app.inc nothere
fails "a list is no trace" 1 "first: line 1: .* no trace" "$mkimage" startup --force app.inc first
sed '7s/ .*/ x/' some.trace >bad.trace
fails "a line that is wrong" 1 "bad.trace: line 7: it is not" "$mkimage" startup --force app.inc bad.trace
sed "7s/ [0-9]* / $blocks /" some.trace >bad.trace
fails "a block that is not there" 1 "bad.trace: line 7: blocks $blocks\+1 reach past the end of the device" \
	"$mkimage" startup --force app.inc bad.trace
fails "a trace of another image" 1 "some.trace: it is not of ext4.inc and names no files" "$mkimage" startup --force ext4.inc some.trace
"$top/build/incrementalsetup" create --origin app.inc local.inc >/dev/null
fails "an image with holes" 1 "local.inc: it has .* a complete image only" "$mkimage" startup --force local.inc some.trace
is "leaves no list" "$(echo local.inc.s*)" "local.inc.s*"
cp app.inc broken.inc
python3 - broken.inc "$(value app.inc segment.data.offset)" <<-'END'
	import sys
	with open(sys.argv[1], "r+b") as f:
	    f.seek(int(sys.argv[2]) + 100); f.write(b"\xff" * 64)
END
fails "a damaged image" 1 "broken.inc: " "$mkimage" startup broken.inc all.trace
finish
