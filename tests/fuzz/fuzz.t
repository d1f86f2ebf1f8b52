#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A short run of the fuzz targets, the same each time: the tree's corpus, and some
# thousand inputs made from it. The corpus must reach nearly all of the format code.
exec "$(dirname "$0")/run" --check
