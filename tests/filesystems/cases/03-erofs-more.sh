#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# erofs with compressors that Debian 12's mkfs.erofs does not have.

# shellcheck source=tests/filesystems/matrix.sh
. "$(dirname "$0")/../matrix.sh"

matrix erofs-lzma erofs-deflate erofs-zstd
the_end
