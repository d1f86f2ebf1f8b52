#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# ext4 as mkimage makes it, and ext2.

# shellcheck source=tests/filesystems/matrix.sh
. "$(dirname "$0")/../matrix.sh"

matrix ext4 ext2
the_end
