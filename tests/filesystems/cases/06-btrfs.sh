#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# btrfs.

# shellcheck source=tests/filesystems/matrix.sh
. "$(dirname "$0")/../matrix.sh"

matrix btrfs btrfs-zstd btrfs-lzo
the_end
