#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# squashfs.

# shellcheck source=tests/filesystems/matrix.sh
. "$(dirname "$0")/../matrix.sh"

matrix squashfs-gzip squashfs-lz4 squashfs-xz squashfs-zstd squashfs-1M
the_end
