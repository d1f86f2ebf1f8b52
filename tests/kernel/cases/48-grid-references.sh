#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The damage grid of an image whose extents refer to others: damage in the one, in the others,
# in both, and others that are absent.

# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"
# shellcheck source=tests/kernel/lib/grid.sh
. "$top/tests/kernel/lib/grid.sh"

grid referring
without_origin 2
dmsetup remove t
detach
# Where references are absent they are just fetched.
with_origin 1
the_end
