#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What images say of their filesystem: whether it reads again what readahead did
# not bring. And what incrementalsetup makes of it.

# shellcheck source=tests/mkimage/lib.sh
. "$(dirname "$0")/lib.sh"
setup=$top/build/incrementalsetup

says() {	# says WHAT IMAGE rereads|-: its head, and the table
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
says "of a folder" erofs.inc rereads
ok "an ext4 that mkimage makes" "$mkimage" create --fs ext4 tree ext4.inc
says "an ext4 of a folder" ext4.inc rereads
ok "an ext4 that somebody made" mke2fs -q -t ext4 -b 4096 -d tree ext4 4M
ok "is taken" "$mkimage" create ext4 raw.inc
says "it" raw.inc rereads

# Not by its superblock can an erofs be told to have nothing compressed in it.
for options in "" -zlz4 "-zlz4hc,9 -C65536" "-zlz4 -Elegacy-compress"; do
	# shellcheck disable=SC2086	# a list of words
	ok "an erofs with options '$options'" erofs erofs $options
	ok "is taken" "$mkimage" create --force erofs raw.inc
	says "it" raw.inc -
done
raw bytes 20
ok "something else" "$mkimage" create --force --raw bytes raw.inc
says "it" raw.inc -

# Layers, and what they come together to.
mkdir more
seq 9 >more/nine
ok "a layer with a folder" "$mkimage" extend --in-place erofs.inc more
says "what is known stays" erofs.inc rereads
ok "squash" "$mkimage" squash erofs.inc squashed.inc
says "it stays, too" squashed.inc rereads
ok "another filesystem comes" "$mkimage" extend --in-place --raw erofs erofs.inc
says "what is known goes" erofs.inc -
ok "an ext4 comes" "$mkimage" extend --in-place --raw ext4 erofs.inc
says "it is known" erofs.inc rereads
is "the generation before has not changed" \
	"$("$mkimage" inspect --generation 2 erofs.inc | sed -n 's/^segment.features *//p')" -

# Who gives the option has it.
is "fetch can be asked for" \
	"$("$setup" table --absent-readahead fetch erofs.inc 7:0 | cut -d ' ' -f 10-)" ""
is "and so can hint" \
	"$("$setup" table --absent-readahead hint raw.inc 7:0 | cut -d ' ' -f 10-)" \
	"2 absent_readahead hint"
finish
