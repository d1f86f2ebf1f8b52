#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The damage grid of an image of one segment.

# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"
# shellcheck source=tests/kernel/lib/grid.sh
. "$top/tests/kernel/lib/grid.sh"

grid huge
without_origin 2
# The same with a loader, if the table has on_corruption fail.
table read_timeout 300 on_corruption fail
dmsetup remove t
activate
like "on_corruption is in the table line" "$(dmsetup table t)" " 4 read_timeout 300 on_corruption fail\$"
serve log=log
each_cell direct "on_corruption fail" >cells 2>&1
is "on_corruption fail: as without a loader, but for absent chunks" \
	"$(grep '^not ok' cells | grep -vc 'wrongly 0')" 0
is "on_corruption fail: nothing is fetched again" "$(grep -c refetch log)" 0
stop
dmsetup remove t
detach
# Three cells are not healed: two presence bits are wrongly 0, so their chunks are just
# fetched, and the head's bits of the bitmap do not matter.
with_origin 3
the_end
