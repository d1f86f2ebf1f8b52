# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# For the static tests: the top of the tree is the current directory, and $work a
# temporary one; TAP is in tests/lib.

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source=tests/lib/tap.sh
. tests/lib/tap.sh
