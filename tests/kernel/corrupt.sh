#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# panic.t's part inside the VM: read a corrupt block, which should be the end.

# shellcheck source=tests/lib/vm.sh
. "$(dirname "$0")/../lib/vm.sh"

choose small
cp "$IMAGE" local.inc
chmod u+w local.inc
read -r block at < <("$tool" map "$IMAGE" | awk '$2 == 1 && !seen[$4]++ && $1 > 8 { print $1, $4; exit }')
"$tool" flip local.inc "$at"
attach local.inc
table on_corruption panic
activate
if "$tool" compare /dev/mapper/t "$RAW" direct 4096 0 $((block * 4096)); then
	echo "the others are right"
	# The output so far has to get out first.
	within 20 grep -q "the others are right" /run/vm/stdout
fi
"$tool" scan /dev/mapper/t "$RAW" direct "$block" 1
echo survived
the_end
