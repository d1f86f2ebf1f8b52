#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# file(1) knows an image by contrib/magic.

set -u
cd "$(dirname "$0")/../.." || exit
work=$(mktemp -d /tmp/dm-incremental-magic.XXXXXX)
trap 'rm -rf "$work"' EXIT
. tests/lib/tap.sh

ok "an image is made" build/mkimage create contrib "$work/a.inc"
uuid=$(build/mkimage inspect "$work/a.inc" | sed -n 's/^uuid  *//p')
blocks=$(($(build/mkimage inspect "$work/a.inc" | sed -n 's/^device_bytes  *//p') / 4096))
is "file says so" "$(file -b -m contrib/magic "$work/a.inc")" \
	"dm-incremental image, version 1, generation 0, device of $blocks blocks of 4096 bytes, UUID $uuid"
ok "but not of others" eval '! file -m contrib/magic README.md build/mkimage | grep incremental.image'
finish
