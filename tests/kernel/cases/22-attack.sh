#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Hostile images by the hundred: see tests/kernel/tools/attack.c.  More of them, on a
# kernel without slab debugging: make attack.

# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"

# With slab debugging an image takes twice as much memory, or more.
ok "hostile images are refused, or read right or not at all" \
	"$top/build/tests/attack" --memory 196608 --count 400 "$top/build/fuzz/images"
note "$(cat "$work/.output")"
ok "nothing is allocated without a device" within 5 nothing_allocated
the_end
