#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# erofs without compressed files.

# shellcheck source=tests/filesystems/matrix.sh
. "$(dirname "$0")/../matrix.sh"

matrix erofs erofs-raw
the_end
