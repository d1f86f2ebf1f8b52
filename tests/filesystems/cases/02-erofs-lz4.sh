#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# erofs compressed with LZ4.

# shellcheck source=tests/filesystems/matrix.sh
. "$(dirname "$0")/../matrix.sh"

matrix erofs-lz4 erofs-lz4hc-64K erofs-lz4-packed erofs-lz4-legacy
# Count the reads that fail if readahead does.
note "with absent_readahead hint: $(cold erofs-lz4 erofs ro "absent_readahead hint" "$images/tree" buffered 1 0 | tail -n 1)"
the_end
