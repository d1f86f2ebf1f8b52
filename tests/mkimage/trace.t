#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Traces: the files that they name are those whose blocks were read, in erofs and
# ext4; they serve for another layout of these; text, JSON and SVG.

# shellcheck source=tests/mkimage/lib.sh
. "$(dirname "$0")/lib.sh"
startup=$top/tests/mkimage/startup.py

strange=$'a b%20<&>\n\e[1m"'
mkdir -p tree/dir/below tree/many
for i in {1..30}; do
	noise $((i * 5000)) "$i" >"tree/dir/$i"
	seq "$i" >"tree/many/small$i"
done
noise 300000 77 >tree/dir/below/large
noise 8192 78 >"tree/$strange"
ln tree/dir/7 tree/dir/link
truncate -s 40000 tree/sparse
noise 5000 79 | dd of=tree/sparse bs=4096 seek=5 conv=notrunc status=none

for fs in erofs ext4; do
	echo "# $fs"
	ok "an image" "$mkimage" create --fs $fs tree $fs.inc
	blocks=$(($(value $fs.inc device_bytes) / 4096))
	"$startup" trace $fs.inc "0+$blocks" >all.trace
	ok "its files are named" "$mkimage" trace --force --image $fs.inc -o $fs.all all.trace
	"$mkimage" extract --force $fs.inc raw
	ok "they are those" "$startup" files raw tree $fs.all
	note "$(cat .output)"
	# 30 files, one with two names, of 1 to 37 blocks; large; the strange one;
	# the second half of one; and where erofs has no small ones inline, these.
	files=$(sed 's/ .*//; s/files=//' .output)
	between "all that have blocks of their own" "$files" 33 63
	ok "all blocks are still there" python3 -c '
import sys
read = set()
for line in open(sys.argv[1]).readlines()[5:]:
    words = line.split(" ")
    read.update(range(int(words[1]), int(words[1]) + int(words[2])))
assert read == set(range(int(sys.argv[2]))), len(read)' $fs.all "$blocks"
	ok "the inodes are named, too" grep -q " inode /dir/below/large$" $fs.all
	"$startup" trace $fs.inc 0+2 >$fs.trace
	"$mkimage" trace --force --image $fs.inc -o $fs.all $fs.trace
	is "the names come again" "$("$mkimage" trace --image $fs.inc $fs.all)" "$("$mkimage" trace $fs.all)"
done

echo "# another layout"
# Of the erofs: the block in which large has its tenth, and the strange file's first.
"$startup" trace erofs.inc "0+$(($(value erofs.inc device_bytes) / 4096))" >all.trace
"$mkimage" trace --force --image erofs.inc -o named all.trace
python3 - named >few <<-'END'
	import sys
	lines = open(sys.argv[1]).readlines()
	sys.stdout.writelines(lines[:5])
	for line in lines[5:]:
	    words = line.rstrip("\n").split(" ")
	    if words[-1] == "/dir/below/large" and words[5] != "inode":
	        at = int(words[5])
	        if at <= 10 < at + int(words[2]):
	            words[1:3] = [str(int(words[1]) + 10 - at), "1"]
	            words[5] = "10"
	            print(" ".join(words))
	    elif words[-1].startswith("/a%20b%2520<&>%0a%1b[1m") and words[5] == "0":
	        print(" ".join(words))
END
is "two reads of two files" "$(tail -n +6 few | wc -l)" 2
ok "a list for the ext4" "$mkimage" startup ext4.inc few
like "it is said to be by the files" "$(cat .output)" "few: by the files that it names, as it is of a device of"
block() {	# block INDEX PATH: of the device
	debugfs -R "bmap \"$2\" $1" raw 2>/dev/null
}
inode() {	# inode PATH: the block that it is in
	debugfs -R "imap \"$1\"" raw 2>/dev/null | sed -n 's/.*located at block \([0-9]*\),.*/\1/p'
}
ok "has these blocks" "$startup" blocks ext4.inc ext4.inc.startup "$(block 10 /dir/below/large)"
ok "and inodes" "$startup" blocks ext4.inc ext4.inc.startup "$(inode /dir/below/large)" "$(inode /dir)" "$(inode /dir/below)"
ok "and directories, and the superblock" "$startup" blocks ext4.inc ext4.inc.startup 0 1 "$(block 0 /dir)" "$(block 0 /dir/below)" "$(block 0 /)"
fails "but no more" 1 "block" "$startup" blocks ext4.inc ext4.inc.startup "$(block 20 /dir/below/large)"
ok "an erofs whose files are elsewhere" mkdir other
cp -a tree other/
noise 100000 80 >other/before
"$mkimage" create other/tree same.inc >/dev/null
"$mkimage" create other other.inc >/dev/null
fails "without these files" 1 "few: other.inc has none of the files that it names" "$mkimage" startup other.inc few
grep -v large few >some
{ cat some; grep large few | sed 's,/dir/below/large,/nothere,'; } >missing
ok "or without some" "$mkimage" startup --force ext4.inc missing
fails "a trace that names none" 1 "all.trace: it is not of ext4.inc and names no files" "$mkimage" startup --force ext4.inc all.trace

echo "# what is shown"
"$mkimage" trace few >text
is "two lines and a header" "$(wc -l <text)" 4
ok "no control characters" bash -c '! grep -q $'"'\\e'"' text'
"$mkimage" trace --json few >json
ok "JSON" python3 - "$strange" <<-'END'
	import json, sys
	trace = json.load(open("json"))
	reads = trace["reads"]
	assert len(reads) == 2 and trace["bytes"] == 4096 * sum(r["blocks"] for r in reads)
	assert reads[0]["command"] == "a test" and reads[0]["process"] == 42, reads
	names = {read["file"]: read["at"] for read in reads}
	assert names["/dir/below/large"] == 10 and names["/" + sys.argv[1]] == 0, names
END
"$mkimage" trace --svg few >svg
is "a picture" "$?" 0
ok "which is XML" python3 -c '
import xml.dom.minidom
svg = xml.dom.minidom.parse("svg")
assert len(svg.getElementsByTagName("title")) == 2'
"$mkimage" trace few few >text
is "two traces become one" "$(wc -l <text)" 6
"$startup" trace ext4.inc 1 >one
fails "but not of two images" 1 "one: it is of another generation" "$mkimage" trace few one
fails "nor with files of another" 1 "few: not a trace of ext4.inc" "$mkimage" trace --image ext4.inc few
fails "one way at a time" 2 "exclude each other" "$mkimage" trace --svg --json few
raw noise.raw 20
"$mkimage" create --raw noise.raw noise.inc >/dev/null
"$startup" trace noise.inc 1 >one
fails "no filesystem" 1 "its files are not known" "$mkimage" trace --image noise.inc one
finish
