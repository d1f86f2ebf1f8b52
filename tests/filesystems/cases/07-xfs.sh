#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# xfs and f2fs.

# shellcheck source=tests/filesystems/matrix.sh
. "$(dirname "$0")/../matrix.sh"

matrix xfs f2fs
the_end
