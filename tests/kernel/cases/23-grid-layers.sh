#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The damage grid of an image of two segments: map entries of each that lead into the
# other.

# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"
# shellcheck source=tests/kernel/lib/grid.sh
. "$top/tests/kernel/lib/grid.sh"

grid layers
without_origin 0
dmsetup remove t
detach
with_origin 0
the_end
