#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A compressed erofs, all of it absent: it passes a failure of readahead on to readers,
# so readahead must not fail. (tests/filesystems has all filesystems.)

# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"
# shellcheck source=tests/kernel/lib/cold.sh
. "$(dirname "$0")/../lib/cold.sh"

ok "cold: one reader" cold lz4 erofs ro "" "$images/lz4.files" buffered 1 0
ok "cold: many readers, in all ways" cold lz4 erofs ro "" "$images/lz4.files" mixed 8 1

# An update to it drops the option that would let readahead fail.
options() {
	dmsetup table app | cut -d ' ' -f 10-
}
cp "$images/live.inc" app.inc && chmod u+w app.inc
ok "an erofs without compressed files" incrementalsetup open app.inc app
mounted /dev/mapper/app mnt -t erofs -o ro
is "may have readahead fail" "$(options)" "2 absent_readahead hint"
ok "the next generation is the compressed one" \
	incrementalsetup update --layer "$images/live-lz4.layer" app
is "the option is gone" "$(options)" ""
ok "it reads right" "$tool" tree mnt "$images/lz4.files" buffered 1 0
unmounted mnt
ok "close" incrementalsetup close app
the_end
