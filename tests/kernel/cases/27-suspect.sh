#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Much damage at a time, and a power cut: a part of make check-damage.

# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"
# shellcheck source=tests/kernel/lib/matrix.sh
. "$top/tests/kernel/lib/matrix.sh"

cell dictionary 110 silent commit
cell erofs 1 down commit
cell dictionary 300 working commit
the_end
