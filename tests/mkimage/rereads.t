#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The feature bit for filesystems that read again after a readahead that failed:
# mkimage sets it, and incrementalsetup makes the table's option of it.

# shellcheck source=tests/mkimage/lib.sh
. "$(dirname "$0")/lib.sh"
setup=$top/build/incrementalsetup

says() {	# says WHAT IMAGE rereads|-: the bit in the head, and the table's option
	local options=
	is "$1" "$(value "$2" segment.features)" "$3"
	[ "$3" = - ] || options="2 absent_readahead hint"
	is "$1: the table" "$("$setup" table "$2" 7:0 | cut -d ' ' -f 10-)" "$options"
}

mkdir tree
seq 20000 >tree/text

erofs() {	# erofs NAME OPTION...: a raw image
	rm -f "$1"
	mkfs.erofs --quiet "${@:2}" "$1" tree >/dev/null && truncate -s %4096 "$1"
}

ok "an erofs that mkimage makes" "$mkimage" create tree erofs.inc
says "the erofs of a directory" erofs.inc rereads
ok "an ext4 that mkimage makes" "$mkimage" create --fs ext4 tree ext4.inc
says "the ext4 of a directory" ext4.inc rereads
ok "an ext4 that mke2fs makes" mke2fs -q -t ext4 -b 4096 -d tree ext4 4M
ok "is taken" "$mkimage" create ext4 raw.inc
says "it" raw.inc rereads

# The superblock of an erofs does not tell whether it has compressed files.
for options in "" -zlz4 "-zlz4hc,9 -C65536" "-zlz4 -Elegacy-compress"; do
	# shellcheck disable=SC2086	# a list of words
	ok "an erofs with options '$options'" erofs erofs $options
	ok "is taken" "$mkimage" create --force erofs raw.inc
	says "it" raw.inc -
done
raw bytes 20
ok "no filesystem" "$mkimage" create --force --raw bytes raw.inc
says "it" raw.inc -

# Layers, and squash.
mkdir more
seq 9 >more/nine
ok "a layer with a directory" "$mkimage" extend --in-place erofs.inc more
says "a layer keeps the bit" erofs.inc rereads
ok "squash" "$mkimage" squash erofs.inc squashed.inc
says "squash keeps the bit" squashed.inc rereads
ok "a layer with an erofs of mkfs.erofs" "$mkimage" extend --in-place --raw erofs erofs.inc
says "it has no bit" erofs.inc -
ok "a layer with an ext4" "$mkimage" extend --in-place --raw ext4 erofs.inc
says "it has the bit" erofs.inc rereads
is "the generation before has not changed" \
	"$("$mkimage" inspect --generation 2 erofs.inc | sed -n 's/^segment.features *//p')" -

# The command line's option takes precedence.
is "fetch can be asked for" \
	"$("$setup" table --absent-readahead fetch erofs.inc 7:0 | cut -d ' ' -f 10-)" ""
is "and so can hint" \
	"$("$setup" table --absent-readahead hint raw.inc 7:0 | cut -d ' ' -f 10-)" \
	"2 absent_readahead hint"
finish
