#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Much damage at a time, and a power cut: a part of what make check-damage does.

# shellcheck source=tests/kernel/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/kernel/matrix.sh
. "$top/tests/kernel/matrix.sh"

cell dictionary 110 silent commit
cell erofs 1 down commit
cell dictionary 300 working commit
the_end
