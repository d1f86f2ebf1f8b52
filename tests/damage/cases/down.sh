#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The damage matrix with a loader whose origin is down.

# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../../lib/vm.sh"
# shellcheck source=tests/kernel/lib/matrix.sh
. "$top/tests/kernel/lib/matrix.sh"

for number in 1 110 300; do
	for image in erofs dictionary alike; do
		cell $image $number down 0 1 2 3 4 5 6
	done
done
the_end
